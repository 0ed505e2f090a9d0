"""What of the candidates is looked at, and by whom: a row and a popover; the address says all of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.hub import Hub
from core.records import REASONS
from core.store.queue_filter import ORDERS, PLANS, REVIEWED, QueueFilter
from core.store.queue_text import read_filter
from pages.components import numbers
from pages.components.frame import choose, follow_address, peek, tell_address
from pages.components.text import plain

SHOWN = {
    "any": "All", "waiting": "Waiting", "kept": "Accepted or edited", "standing": "Not rejected", "accept": "Accepted",
    "edit": "Edited", "reject": "Rejected", "reviewed": "Reviewed", "locked": "Locked", "noted": "With a note",
    "trash": "In the trash",
}  # fmt: skip
"""Value of ``QueueFilter.review`` -> in words."""

ORDER_WORDS = {
    "made": "as they were made",
    "newest": "newest first",
    "random": "a sample at random",
    "by_type": "a sample, types in turn",
    "least_certain": "least certain first",
    "disagreement": "verifier and judge disagree",
    "hardest": "hardest for the student first",
    "easiest": "easiest for the student first",
    "harder_than_seed": "harder than their seed first",
    "easier_than_seed": "easier than their seed first",
    "closest": "most like another one first",
    "dearest": "most tokens first",
}
MOST_SAMPLED = 100_000
STATUS = {"accepted": "passed the filters", "rejected": "rejected by a filter", "failed": "failed", "": "anything"}
ANSWERS = {
    "": "anything",
    "right": "answered as the teacher did",
    "wrong": "answered otherwise",
    "unknown": "not asked",
    "harder": "finds it harder than its seed",
    "easier": "finds it easier than its seed",
}
LABELS = {
    "method": "Prompting method", "teacher": "Teacher", "selector": "Selector", "type": "Type or level of the seed",
    "rejected_by": "Rejected by the filter", "reviewer": "Reviewed by",
}  # fmt: skip
"""Field of ``QueueFilter`` -> what its choice is called; it is offered where there are several values."""

REVIEWER = "reviewer_of_session"
"""Key of the session: who reviews, and how; the side bar drops the address, and boxes forget with their page."""

CHIPS = {"seed": "Grown from one seed", "area": "In a part of the map"}
"""Fields that come from elsewhere, by the address -> what their button says."""


def draw_filter(hub: Hub, run_ids: Sequence[str], usual: str = "any") -> tuple[QueueFilter, str | None, bool]:
    """Draw what can be asked for, in a row; returns it, the reviewer's name (None: none), whether the review is blind.

    Args:
        hub: knows what there is to ask for.
        run_ids: of the runs in view.
        usual: what is shown where nobody has chosen, one of SHOWN.
    """
    found: dict[str, Any] = {"run": ",".join(run_ids)}
    found["review"] = choose(
        "Show", list(SHOWN), param="review", key="review_shown", usual=usual, shown=SHOWN.get, width=150
    )
    found["order"] = choose(
        "Order", list(ORDERS), param="order", key="review_order", usual="made", shown=ORDER_WORDS.get, width=270
    )
    if found["order"] in PLANS:
        found["sample"] = _choose_sample()
    there = hub.store.list_choices(run_ids)
    status = read_filter([f"review={found['review']}"]).status
    with st.popover(_name_filter(there, status), icon=":material/filter_alt:", key="review_filters"):
        found |= _draw_fields(there, status)
    found |= {name: _draw_chip(name, label) for name, label in CHIPS.items()}
    with st.popover(_name_reviewer(), icon=":material/person:", key="review_who"):
        reviewer, is_blind, found["unread_by"] = _draw_reviewer(hub)
    if st.session_state["review_second"] and found["review"] == "any":
        found["review"] = REVIEWED  # what nobody has read has no second reading
    return QueueFilter(**found), reviewer, is_blind


def _list_offered(there: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Return field of the filter -> key of its box, where there is anything to choose from."""
    found = {name: f"review_{name}" for name in ("search", "status", "answer")}
    several = [name for name in LABELS if len(there[name]) > (name not in ("reviewer", "rejected_by"))]
    several += [name for name, fewest in (("reason", 1), ("round", 2)) if len(there[name]) >= fewest]
    return found | {name: f"review_{name}_field" for name in several}


def _name_filter(there: Mapping[str, Sequence[Any]], status: str) -> str:
    """Return what the filter's button says: how many of its fields ask for something."""
    usual = {"status": status}
    held = {name: peek(name, key) for name, key in _list_offered(there).items()}
    n = sum(value is not None and value != usual.get(name, "") for name, value in held.items())
    return f"Filter · {n}" if n else "Filter"


def _name_reviewer() -> str:
    """Return what the reviewer's button says: who reviews, and how."""
    own = st.session_state.get(REVIEWER, {})
    name, is_blind = peek("by", "review_by"), peek("blind", "review_blind")
    parts = [
        plain(str(own.get("by", "") if name is None else name).strip()),
        "blind" if (own.get("blind") if is_blind is None else is_blind) else "",
        "second reading" if peek("second", "review_second") else "",
    ]
    return " · ".join(["Reviewer", *filter(None, parts)])


def _draw_chip(name: str, label: str) -> str:
    """Return what the address asks for that no box can hold, with a button that lets it go."""
    value = st.query_params.get(name, "")
    if value and st.button(label, key=f"leave_{name}", icon=":material/close:", help="Look at all again."):
        del st.query_params[name]
        st.rerun()
    return value


def _choose_sample() -> int:
    """Return how many are drawn."""
    follow_address("sample", "review_sample", _read_sample, 100)
    n = int(st.number_input("Sample of", 1, MOST_SAMPLED, key="review_sample", step=50, width=130))
    tell_address("sample", "review_sample", n, 100)
    return n


def _read_sample(text: str) -> int | None:
    return int(text) if text.isdecimal() and 1 <= int(text) <= MOST_SAMPLED else None


def _draw_fields(there: Mapping[str, Sequence[Any]], status: str) -> dict[str, Any]:
    """Draw the filter's fields that have anything to choose from, at first with that status."""
    found: dict[str, Any] = {}
    offered = _list_offered(there)
    for name in {*LABELS, "reason", "round"} - offered.keys():
        st.query_params.pop(name, None)  # of another run: it would seem to ask for something
    follow_address("search", "review_search", str, "")
    found["search"] = st.text_input("Text in question, answer or note", key="review_search").strip()
    tell_address("search", "review_search", found["search"], "")
    found["status"] = choose(
        "What the filters said", list(STATUS), param="status", key="review_status", usual=status, shown=STATUS.get
    )
    found["answer"] = choose(
        "The student", list(ANSWERS), param="answer", key="review_answer", usual="", shown=ANSWERS.get
    )
    for name, label in LABELS.items():
        if name in offered:
            found[name] = _choose_field(name, label, there[name])
    if "reason" in offered:
        found["reason"] = _choose_field("reason", "Rejected by hand because", there["reason"], REASONS)
    if "round" in offered:
        rounds = [str(number) for number in there["round"]]
        chosen = _choose_field("round", "Round", rounds)
        found["round"] = int(chosen) if chosen else None
    return found


def _choose_field(name: str, label: str, values: list[str], words: Mapping[str, str] | None = None) -> str:
    def show(value: str) -> str:
        return "any" if value == "" else (words or {}).get(value, value)

    return choose(label, ["", *values], param=name, key=f"review_{name}_field", usual="", shown=show)


def _draw_reviewer(hub: Hub) -> tuple[str | None, bool, str | None]:
    """Return the reviewer's name, whether the review is blind, and whose own queue it is (None: everybody's)."""
    own = st.session_state.get(REVIEWER, {})
    follow_address("by", "review_by", str, own.get("by", ""))
    known = ", ".join(plain(name) for name in hub.store.list_reviewers()[:5])
    name = st.text_input("Your name", key="review_by", max_chars=40, help=f"Known: {known}" if known else None).strip()
    tell_address("by", "review_by", name, "")
    follow_address("blind", "review_blind", lambda text: text == "1", own.get("blind", False))
    is_blind = st.toggle(
        "Blind",
        key="review_blind",
        help="Hides what filters, students and other people said, and shows all as waiting.",
    )
    tell_address("blind", "review_blind", "1" if is_blind else "", "")
    follow_address("second", "review_second", lambda text: text == "1", False)
    is_second = st.toggle("Second reading", key="review_second", help="What others have judged and you have not.")
    tell_address("second", "review_second", "1" if is_second else "", "")
    st.session_state[REVIEWER] = {"by": name, "blind": is_blind}
    return name or None, is_blind, name if is_second or is_blind else None


def recall_reviewer() -> tuple[str | None, bool]:
    """Return the name that this session reviews by, on whatever page (None: without one), and whether it is blind."""
    own = st.session_state.get(REVIEWER, {})
    return own.get("by") or None, bool(own.get("blind"))


def say_filter(n: int, asked: QueueFilter) -> str:
    """Return how many candidates are in the queue, and how they came there."""
    words = f"{numbers.counted(n, 'candidate')}, {ORDER_WORDS[asked.order]}"
    return f"{words} ({numbers.count(asked.sample)} asked for)" if asked.sample and asked.sample > n else words
