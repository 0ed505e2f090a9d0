"""All candidates that are asked for, as a table: one act on many of them, and one fix for many, each with an undo."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.records import REASONS, Review
from core.reviewing.changes import PLACES, Change, Changed, derive_changes, plan_change
from core.store.queue_filter import QueueFilter
from core.tasks import TASKS
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.review_queue import STATE_WORDS, forget_queue
from pages.components.text import mark_differences, plain

MOST_ROWS = 2_000
"""Rows of the table; acts are on all that match all the same."""

MOST_SHOWN, MOST_OFFERED = 5, 6
"""Changed candidates that are shown before a change, and changes of recent edits that are offered."""

DONE = "review_table_done"
"""Key of the session: what the last act did, its batch, and what was looked at then (None: it was taken back)."""

ACTS = {
    "accept": ("Accept", ":material/check:"),
    "reject": ("Reject", ":material/close:"),
    "trash": ("To the trash", ":material/delete:"),
    "lock": ("Lock", ":material/lock:"),
    "unlock": ("Unlock", ":material/lock_open:"),
}
SAID = ("review", "student", "loss", "harder by", "by", "reviewer", "reason", "note")
"""Columns that a blind reader does not see."""

PLACE_WORDS = {"both": "question and answer", "question": "question", "answer": "answer"}


def draw_table(hub: Hub, asked: QueueFilter, reviewer: str | None, task: str, *, is_blind: bool) -> None:
    """Draw what is asked for, the acts on it, and the change of a text.

    Args:
        hub: stores what is done.
        asked: what is looked at.
        reviewer: who does it; None: somebody without a name.
        task: name of the candidates' task.
        is_blind: whether what machines and other people said is hidden.
    """
    rows = hub.store.list_queue_texts(asked)
    _draw_done(hub, asked, reviewer)
    if rows.empty:
        st.info("No candidate is like that. **Show** and **Filter** above say what is asked for.")
        return
    more = f"; the first {numbers.count(MOST_ROWS)} are in the table" if len(rows) > MOST_ROWS else ""
    verb = "matches" if len(rows) == 1 else "match"
    verb += "" if is_blind else f": {_say_states(rows, reviewer)}"
    st.caption(f"**{numbers.counted(len(rows), 'candidate')}** {verb}{more}. Mark rows to act on those alone.")
    marked = _draw_rows(rows.head(MOST_ROWS), is_blind=is_blind)
    _draw_ways(rows.iloc[marked])
    whose = rows if is_blind else _choose_whose(rows, is_open=not marked)
    chosen = rows.iloc[marked] if marked else whose
    if not is_blind and rows["review"].notna().any():
        is_again = chosen["review"].notna().any()
        more = "; a new verdict takes the place of the one before." if is_again else "."
        st.caption(f":material/info: An act is on {_say_states(chosen, reviewer)}{more}")
    _draw_acts(hub, asked, chosen, reviewer, word="marked" if marked else "")
    with st.expander("Change a text in many of them", icon=":material/find_replace:"):
        _draw_change(hub, asked, chosen, reviewer, task)


def _draw_ways(marked: pd.DataFrame) -> None:
    """Draw where one marked candidate leads: to itself, and to all that came of its seed.

    The line is there whatever is marked: rows that moved under the pointer would be marked by mistake.
    """
    with st.container(
        horizontal=True, vertical_alignment="center", height=40, border=False, gap="small", key="review_ways"
    ):
        if len(marked) != 1:
            st.caption(f"{numbers.counted(len(marked), 'row')} marked." if len(marked) else "Mark one row to read it.")
            return
        row = marked.iloc[0]
        query = {"run": row["run_id"], "candidate": row["candidate_id"], "show": "read"}
        st.page_link("review_page.py", label="Read this one", icon=":material/visibility:", query_params=query)
        parents = json.loads(row["parents"] or "[]")
        if parents and st.button("All that its seed brought", key="of_seed", icon=":material/grass:", type="tertiary"):
            query = {"run": row["run_id"], "seed": parents[0], "show": "table"}
            st.switch_page("review_page.py", query_params=query)


def _choose_whose(rows: pd.DataFrame, *, is_open: bool) -> pd.DataFrame:
    """Let a person choose, where some wait and others do not, whether what was judged already is acted on too.

    Args:
        rows: that match.
        is_open: whether no row is marked, so that the choice counts.
    """
    waiting = rows[rows["review"].isna()]
    if waiting.empty or len(waiting) == len(rows):
        return rows
    labels = {
        "waiting": f"Only the {numbers.count(len(waiting))} that wait",
        "all": f"All {numbers.count(len(rows))} that match",
    }
    whose = st.segmented_control(
        "Act on", list(labels), default="waiting", required=True, format_func=labels.get, key="review_whose",
        disabled=not is_open,
    )  # fmt: skip
    return rows if whose == "all" else waiting


def _say_states(rows: pd.DataFrame, reviewer: str | None) -> str:
    """Return how many of these wait, and what was said of the others, by whom: this reviewer or others."""
    n_waiting = int(rows["review"].isna().sum())
    parts = [f"{numbers.count(n_waiting)} waiting"] if n_waiting else []
    for state, word in STATE_WORDS.items():
        own = rows[rows["review"] == state]
        if own.empty:
            continue
        n_others = int((own["reviewer"].fillna("") != (reviewer or "")).sum())
        others = f" ({numbers.count(n_others)} by others)" if n_others else ""
        parts.append(f"{numbers.count(len(own))} {word}{others}")
    return ", ".join(parts)


def _draw_rows(rows: pd.DataFrame, *, is_blind: bool) -> list[int]:
    """Draw the table; returns the places of the marked rows."""
    shown = pd.DataFrame(
        {
            "review": rows["review"].fillna("waiting"),
            "locked": rows["is_locked"],
            "question": rows["question"].fillna(""),
            "answer": rows["final"].fillna(""),
            "type": rows["type"],
            "student": rows["is_correct"].map({True: "right", False: "wrong"}).fillna(""),
            "loss": rows["loss"],
            "harder by": rows["shift"],
            "by": rows["student"].fillna("") if rows["student"].nunique() > 1 else "",
            "reviewer": rows["reviewer"].fillna(""),
            "reason": rows["review_reason"].map(REASONS).fillna(""),
            "note": rows["note"].fillna(""),
            "round": rows["round"],
            "run": rows["title"] if rows["run_id"].nunique() > 1 else "",
        }
    )
    if rows["student"].nunique() > 1 and not is_blind:
        n = rows["student"].nunique()
        st.caption(
            f"{n} students answered these. What is hard for one is no measure beside another: to order all by it, "
            "**Ask a student** without a filter."
        )
    empty = [name for name in shown if name not in ("question", "review") and _is_empty(shown[name])]
    empty += [name for name in SAID if is_blind and name not in empty]
    event = st.dataframe(
        shown.drop(columns=empty),
        hide_index=True,
        height=min(38 + 35 * len(shown), 420),
        key="review_rows",
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "question": st.column_config.TextColumn("question", width="large"),
            "loss": st.column_config.NumberColumn("loss", format="%.3f"),
            "harder by": st.column_config.NumberColumn("harder by", format="%+.3f", help="Loss less that of its seed."),
        },
    )
    return [place for place in event.selection.rows if place < len(rows)]


def _is_empty(column: pd.Series) -> bool:
    """Say whether a column tells nothing: all unknown, empty or no."""
    return bool((column.isna() | column.isin(["", False])).all())


def _draw_acts(hub: Hub, asked: QueueFilter, chosen: pd.DataFrame, reviewer: str | None, word: str) -> None:
    """Draw the buttons that act on all chosen candidates, each with how many they are and a word on which."""
    n = f"{numbers.count(len(chosen))} {word}".strip()
    with st.container(horizontal=True, vertical_alignment="bottom", key="review_acts"):
        reason = st.selectbox(
            "Reason of a rejection", ["", *REASONS], format_func=lambda name: REASONS.get(name, "none"), width=220,
            key="review_bulk_reason",
        )  # fmt: skip
        for action, (label, icon) in ACTS.items():
            if action == "unlock" and not chosen["is_locked"].any():
                continue
            if st.button(f"{label} {n}", key=f"bulk_{action}", icon=icon):
                more = {"reason": reason} if action == "reject" and reason else {}
                _act(hub, asked, [Review(*key, action, reviewer=reviewer, **more) for key in _list_keys(chosen)], label)
        trashed = chosen[chosen["review"] == "trash"]
        if len(trashed) and st.button(
            f"Restore {numbers.count(len(trashed))} {word}".strip(),
            key="bulk_restore",
            icon=":material/restore_from_trash:",
        ):
            _restore(hub, _list_keys(trashed), reviewer)


def _list_keys(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(rows["run_id"], rows["candidate_id"], strict=True))


def _act(hub: Hub, asked: QueueFilter, reviews: Sequence[Review], what: str) -> None:
    """Store one act on several candidates, and say what came of it."""
    with show_errors():
        batch = hub.add_reviews(reviews)
        n_done = 0 if batch is None else len(hub.store.list_batch(batch))
        n_locked = len(reviews) - n_done
        left = f" {numbers.counted(n_locked, 'locked one')} left alone." if n_locked else ""
        st.session_state[DONE] = (f"{what}: {numbers.counted(n_done, 'candidate')}.{left}", batch, asked)
        forget_queue()
        st.rerun()


def _restore(hub: Hub, keys: Sequence[tuple[str, str]], reviewer: str | None) -> None:
    """Take back what put these candidates into the trash."""
    with show_errors():
        n = hub.undo_trash(keys, reviewer)
        st.session_state[DONE] = (f"Restored: {numbers.counted(n, 'candidate')}.", None, None)
        forget_queue()
        st.rerun()


def _draw_done(hub: Hub, asked: QueueFilter, reviewer: str | None) -> None:
    """Say what the last act did: with the way back where there is one, as long as the same is looked at."""
    said, batch, of = st.session_state.get(DONE, (None, None, None))
    if of != asked:  # told once, where it was taken back; an act on something else is in the log
        st.session_state.pop(DONE, None)
        if said is not None and of is None:
            st.toast(plain(said), icon=":material/undo:")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="review_done"):
        st.success(plain(said), icon=":material/done_all:")
        if batch is not None and st.button("Undo", key="bulk_undo", icon=":material/undo:"):
            n = hub.undo_batch(batch, reviewer)
            st.session_state[DONE] = (f"Took back {numbers.counted(n, 'review')}.", None, None)
            forget_queue()
            st.rerun()


# -- one fix for many ----------------------------------------------------------------------------------------------


def _draw_change(hub: Hub, asked: QueueFilter, chosen: pd.DataFrame, reviewer: str | None, task: str) -> None:
    """Draw what is to be changed, what that would do, and the button that does it."""
    _offer_changes(hub)
    left, middle, right = st.columns([2, 2, 1.4], vertical_alignment="bottom")
    find = left.text_input("Replace", key="change_find")
    replace = middle.text_input("with", key="change_replace")
    place = right.selectbox("in the", PLACES, format_func=PLACE_WORDS.get, key="change_place")
    is_whole = st.checkbox("Whole words only", value=True, key="change_whole")
    if not find:
        st.caption("The texts are taken letter by letter; capital and small letters differ.")
        return
    with show_errors():
        rows = chosen[~chosen["is_locked"].astype(bool)]
        planned = plan_change(_read_rows(rows), Change(find, replace, place, is_whole), TASKS.get(task))
        _draw_planned(hub, asked, planned, reviewer, n_locked=len(chosen) - len(rows))


def _read_rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    found = rows[["run_id", "candidate_id", "question", "answer", "meta"]].astype(object)
    found = found.where(found.notna(), None).to_dict("records")
    return [{**row, "meta": json.loads(row["meta"]) if row["meta"] else None} for row in found]


def _draw_planned(
    hub: Hub, asked: QueueFilter, planned: Sequence[Changed], reviewer: str | None, *, n_locked: int
) -> None:
    """Show the first of what would be changed, and how many would not check any more."""
    if not planned:
        st.info("Nothing would change: the text is in none of them.")
        return
    faulty = [each for each in planned if each.is_new_fault]
    locked = f" {numbers.counted(n_locked, 'locked one')} left alone." if n_locked else ""
    st.markdown(f"**{numbers.counted(len(planned), 'candidate')}** would change and be accepted as edited.{locked}")
    takes = planned
    if faulty:
        said = f"{numbers.counted(len(faulty), 'answer')} would not check any more: {plain(faulty[0].fault)}"
        st.warning(said, icon=":material/rule:")
        if st.checkbox("Leave those out", value=True, key="change_sound"):
            takes = [each for each in planned if not each.is_new_fault]
    for each in [*faulty[:1], *[each for each in planned if not each.is_new_fault]][:MOST_SHOWN]:
        with st.container(border=True):
            for before, after in zip(each.before, (each.question, each.answer), strict=True):
                if before != after:
                    st.markdown(mark_differences(before, after)[1])
    label = f"Change {numbers.count(len(takes))}"
    if takes and st.button(label, key="change_apply", icon=":material/find_replace:"):
        texts = [{"question": each.question, "answer": each.answer, "final": each.final} for each in takes]
        reviews = [
            Review(each.run_id, each.candidate_id, "edit", reviewer=reviewer, **own)
            for each, own in zip(takes, texts, strict=True)
        ]
        _act(hub, asked, reviews, "Changed, and with that accepted")


def _offer_changes(hub: Hub) -> None:
    """Offer what was changed by hand lately as a change for others."""
    offers: dict[str, tuple[str, str]] = {}
    for row in hub.store.list_reviews(action="edit", limit=20).to_dict("records"):
        for find, replace in _derive(hub, row):
            offers.setdefault(f"{find} → {replace}", (find, replace))
    if not offers:
        return
    with st.container(horizontal=True, gap="small", key="change_offers"):
        st.caption("Edited lately:", width="content")
        for place, (label, (find, replace)) in enumerate(list(offers.items())[:MOST_OFFERED]):
            st.button(
                plain(label), key=f"change_offer_{place}", type="tertiary", on_click=st.session_state.update,
                kwargs={"change_find": find, "change_replace": replace},
            )  # fmt: skip


def _derive(hub: Hub, row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the phrases that an edit changed; none of one that several candidates shared."""
    if not pd.isna(row["batch_id"]) or row["is_undone"]:
        return []
    candidate = hub.store.read_candidate(row["run_id"], row["candidate_id"])
    if candidate is None:
        return []
    texts = [(candidate[name], row[name]) for name in ("question", "answer")]
    return [each for old, new in texts if old and isinstance(new, str) for each in derive_changes(old, new)]
