"""Every answer of an evaluation: gained, lost, best, worst or at random, base beside tuned, with its judgement."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.evaluation.judging import VERDICTS
from core.figures.evaluations import FIELD_TITLES
from core.hub import Hub
from core.recipes.evaluation_results import BASE, TUNED
from core.recipes.titles import name_asked
from pages.components import numbers
from pages.components.frame import follow_address, tell_address
from pages.components.text import plain, to_markdown

FILTER_WORDS = {
    "all": "all",
    "gained": "gained",
    "lost": "lost",
    "wrong": "wrong each time",
    "right": "right each time",
    "mixed": "right at times, as before",
    "disagree": "grader disagrees",
    "undecided": "undecided",
    "truncated": "cut off",
    "no_final": "no final answer",
    "not_judged": "not judged",
}
ORDER_WORDS = {"source": "as in the set", "worst": "worst first", "best": "best first", "random": "at random"}
PAGE_SIZE = 25


def draw_answers(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw the problems of an evaluation, and below them the marked one with its answers.

    A run that is not done has the answers of the students that it is done with.
    """
    run_id, n_samples = run["run_id"], run["config"]["n_samples"]
    if not hub.store.count_evaluated(run_id)["all"]:
        st.caption("Answers are shown as soon as one student has answered everything.")
        return
    parts = st.container()  # drawn first, counted last: the numbers are those of what is searched for
    search, group, order, seed = _choose_rows((run["summary"] or {}).get("groups", []))
    counts = hub.store.count_evaluated(run_id, search=search, group=group)
    with parts:
        show = _choose_filter(counts, is_pair=_is_pair(hub, run_id))
    n = counts[show]
    if not n:
        st.info("No problem is left; choose another part, or search for something else.")
        return
    n_pages = -(-n // PAGE_SIZE)
    key = f"{run_id}_{show}_{order}_{seed}_{search}_{group}"
    page = st.pagination(n_pages, key=f"answers_page_{key}") if n_pages > 1 else 1
    offset = ((page or 1) - 1) * PAGE_SIZE
    rows = hub.store.list_evaluated(
        run_id, show, order, search=search, group=group, seed=seed, limit=PAGE_SIZE, offset=offset
    )
    names = name_asked(run["config"])
    row = _draw_table(rows, n_samples, names, f"{key}_{page}")
    st.caption(f"{numbers.counted(n, 'problem')}. Mark a row to read its answers.")
    _draw_problem(hub, run_id, row, names)


# -- which ones ------------------------------------------------------------------------------------------------------


def _is_pair(hub: Hub, run_id: str) -> bool:
    """Say whether two students have answered: of a run that was stopped it may be one, whoever was to be asked."""
    (row,) = hub.store.list_evaluated(run_id, "all", "source", limit=1).to_dict("records")
    return not any(numbers.is_missing(row[f"{who}_verdict"]) for who in (BASE, TUNED))


def _choose_filter(counts: Mapping[str, int], *, is_pair: bool) -> str:
    """Draw which problems are shown, with their numbers; what nothing belongs to is not offered."""
    words = FILTER_WORDS if is_pair else {**FILTER_WORDS, "mixed": "right at times"}  # there is no before
    options = [name for name in FILTER_WORDS if counts[name] or name == "all"]
    follow_address("which", "answers_which", {name: name for name in options}.get, "all")
    if st.session_state.get("answers_which", "all") not in options:
        st.session_state["answers_which"] = "all"
    show = st.pills(
        "Problems",
        options,
        key="answers_which",
        required=True,
        wrap=True,
        format_func=lambda name: f"{words[name]} {numbers.count(counts[name])}",
        label_visibility="collapsed",
    )
    tell_address("which", "answers_which", show, "all")
    return show


def _choose_rows(groups: Sequence[Mapping[str, Any]]) -> tuple[str | None, tuple[str, str | None] | None, str, int]:
    """Draw search, type or level, and order; returns the text, field and value, the order, and the number of a draw."""
    boxes = st.columns([1.5, 1.1, 0.9, 0.6], vertical_alignment="bottom")
    search = boxes[0].text_input("Search in questions and references", key="answers_search", icon=":material/search:")
    kinds = list(dict.fromkeys((row["field"], row["value"]) for row in groups))
    group = boxes[1].selectbox("Only", [None, *kinds], key="answers_group", format_func=_name_group)
    follow_address("order", "answers_order", {name: name for name in ORDER_WORDS}.get, "source")
    order = boxes[2].selectbox(
        "Order",
        list(ORDER_WORDS),
        key="answers_order",
        format_func=ORDER_WORDS.get,
        help="Best and worst by the share of right answers, then by the loss, of the tuned student where there is one.",
    )
    tell_address("order", "answers_order", order, "source")
    seed = 0
    if order == "random":
        seed = int(boxes[3].number_input("Draw", 0, None, 0, key="answers_seed", help="Another number, another order."))
    return search.strip() or None, group, order, seed


def _name_group(group: tuple[str, str | None] | None) -> str:
    if group is None:
        return "every problem"
    field, value = group
    return f"{FIELD_TITLES.get(field, field)}: {'(none)' if value is None else value}"


def _draw_table(rows: pd.DataFrame, n_samples: int, names: Mapping[str, str], key: str) -> dict[str, Any]:
    """Draw the problems; returns the marked one, the first where none is."""
    students = [who for who in (BASE, TUNED) if rows[f"{who}_verdict"].notna().any()]
    shown = pd.DataFrame({"question": rows["question"], "reference": rows["reference_final"]})
    for who in students:
        shown[names[who]] = [_say_share(row, who, n_samples) for row in rows.to_dict("records")]
        if n_samples == 1:
            shown[f"{names[who]} says"] = rows[f"{who}_final"]
    for name in ("type", "level"):
        if rows[name].notna().any():
            shown[name] = rows[name]
    event = st.dataframe(
        shown.astype("object").where(shown.notna(), numbers.MISSING),
        hide_index=True,
        height=min(38 + 35 * len(shown), 283),
        key=f"answers_table_{key}",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "question": st.column_config.TextColumn("question", width="large"),
            "reference": st.column_config.TextColumn("reference", width="small", alignment="right"),
            **{f"{names[who]} says": st.column_config.TextColumn(width="small") for who in students},
        },
    )
    marked = event.selection.rows
    return rows.iloc[marked[0] if marked and marked[0] < len(rows) else 0].to_dict()


def _say_share(row: Mapping[str, Any], who: str, n_samples: int) -> str:
    """Return ``✓ right``, ``✗ wrong`` or ``3 of 8 right``."""
    share = row[f"{who}_share"]
    if numbers.is_missing(share):
        return "not judged"
    if n_samples > 1:
        return f"{numbers.count(row[f'{who}_n_right'])} of {n_samples} right"
    return "✓ right" if share == 1 else "✗ wrong"


# -- one problem ---------------------------------------------------------------------------------------------------


def _draw_problem(hub: Hub, run_id: str, row: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Draw a problem with its reference, and each student's answers side by side."""
    answers = hub.store.list_answers(run_id, row["problem_id"])
    with st.container(border=True, key="reading_evaluated"):
        about = [
            f"{name}: {plain(row[name])}" for name in ("split", "type", "level") if not numbers.is_missing(row[name])
        ]
        st.caption(" · ".join(["Problem", *about]))
        st.markdown(to_markdown(row["question"]))
        final = row["reference_final"]
        st.caption(f"Reference: **{'none' if numbers.is_missing(final) else plain(final)}**")
        if not numbers.is_missing(row["reference"]):
            with st.expander("The worked reference"):
                st.markdown(to_markdown(row["reference"]))
    groups = {who: part.reset_index(drop=True) for who, part in answers.groupby("student", sort=True)}
    with st.container(key="two_sides_answers"):
        sides = st.columns(len(groups)) if len(groups) > 1 else [st.container()]
    for side, (who, part) in zip(sides, groups.items(), strict=True):
        with side, st.container(border=True, key=f"reading_answers_{who}"):
            _draw_student(who, plain(names[who]), part, row["problem_id"])


def _draw_student(who: str, name: str, part: pd.DataFrame, problem_id: str) -> None:
    """Draw one student's answers to a problem: the chosen one, with what checker and grader say of it."""
    place = 0
    if len(part) > 1:
        marks = {0: "✗", 1: "✓"}
        place = st.segmented_control(
            f"Answers of {name}",
            range(len(part)),
            default=0,
            required=True,
            key=f"sample_{who}_{problem_id}",
            format_func=lambda i: f"{i + 1} {marks.get(part['is_correct'][i], '?')}",
        )
    answer = part.iloc[place].to_dict()
    st.caption(f"{name} · {_mark(answer)}")
    st.markdown(to_markdown(answer["text"]) if answer["text"] else ":gray[The student wrote nothing.]")
    st.caption(f":material/rule: {plain(answer['reason'])}")
    if not numbers.is_missing(answer["grade_reason"]):
        said = "no grade" if numbers.is_missing(answer["grade"]) else "right" if answer["grade"] else "wrong"
        is_other = not numbers.is_missing(answer["grade"]) and answer["grade"] != answer["is_correct"]
        with st.expander(f"The grader: {said}{', the checker says otherwise' if is_other else ''}", expanded=is_other):
            st.markdown(to_markdown(answer["grade_reason"]))
    facts = [
        f"final answer {plain(answer['final'])}" if not numbers.is_missing(answer["final"]) else "no final answer",
        f"{numbers.count(answer['n_tokens'])} tokens" if not numbers.is_missing(answer["n_tokens"]) else "",
        f"loss {numbers.loss(answer['loss'])}" if not numbers.is_missing(answer["loss"]) else "",
        "cut off" if answer["is_truncated"] else "",
    ]
    st.caption(" · ".join(filter(None, facts)))


def _mark(answer: Mapping[str, Any]) -> str:
    """Return the verdict with its colour and its word."""
    word = VERDICTS.get(answer["verdict"], answer["verdict"])
    if numbers.is_missing(answer["is_correct"]):
        return f":gray[:material/help: {word}]"
    if answer["is_correct"]:
        return f":green[:material/check: {word}]"
    return f":red[:material/close: {word}]"
