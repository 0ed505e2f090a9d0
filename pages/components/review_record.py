"""One record of the review: seed, candidate, and what is known of it; drawn before it is looked at.

It is as long as its longest text: nobody scrolls inside a box for the end of an answer.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.filters.base import shorten
from core.records import INCORRECT, REASONS
from core.reviewing.neighbours import Neighbours
from core.reviewing.steps import check_answer
from core.tasks import TASKS
from core.teacher.prices import Price
from pages.components import numbers
from pages.components.candidates import describe_meta, draw_verdicts
from pages.components.review_card import name_slot
from pages.components.review_queue import STATE_WORDS, Key, Queue
from pages.components.text import mark_differences, plain, to_markdown

MOST_STEPS, QUOTED = 8, 90
"""Calculations that are listed, and characters of a near-duplicate that are quoted."""


def draw_slot(
    key: Key,
    record: Mapping[str, Any] | None,
    queue: Queue,
    task: str,
    neighbours: Neighbours | None,
    price: Price | None,
) -> None:
    """Draw a record in a container of its own, with the mark by which the browser knows that it is whole.

    Args:
        key: of the candidate.
        record: of ``read_records``; None where it has gone since the queue was read.
        queue: whose blindness hides what machines and others said.
        task: name of its task.
        neighbours: of the candidates of the runs in view; None: not looked at.
        price: of the tokens of its run; None: unknown, or nothing is paid.
    """
    slot = name_slot(key)
    with st.container(key=slot):
        if record is None:
            st.info("This candidate is gone: its run is in the trash, or was made anew. Go on with the arrow keys.")
        else:
            origin = _say_origin(record, price, has_run="," in queue.asked.run)
            _draw_record(record, task, neighbours, origin, is_blind=queue.is_blind)
        mark_end(slot)


def mark_end(slot: str) -> None:
    """Draw the invisible last element of a record: whoever finds it finds all that stands before it."""
    st.html(f'<span data-reviewed="{slot}"></span>')


def _draw_record(
    record: Mapping[str, Any], task: str, neighbours: Neighbours | None, origin: str, *, is_blind: bool
) -> None:
    parents = record["parent_problems"]
    parent = parents[0] if parents else {}
    questions = mark_differences(parent.get("question"), record["question"])
    answers = mark_differences(parent.get("answer"), record["answer"])
    slot = name_slot((record["run_id"], record["candidate_id"]))
    with st.container(key=f"two_sides_{slot}"):
        seed, child, facts = st.columns([1, 1, 0.72], gap="small")
    with seed, st.container(border=True, height="stretch", key=f"reading_seed_{slot}"):
        if parents:
            more = f" · the first of {len(parents)}" if len(parents) > 1 else ""
            st.markdown(f":gray[Seed{more}]\n\n{questions[0]}\n\n{_say_final(parent)}\n\n{answers[0]}")
            for other in parents[1:]:
                st.markdown(
                    f":gray[Another seed]\n\n{to_markdown(other['question'])}\n\n{to_markdown(other['answer'])}"
                )
        else:
            st.markdown(":gray[Seed]\n\n:gray[None: it was grown from no seed of the set.]")
    with child, st.container(border=True, height="stretch", key=f"reading_child_{slot}"):
        edited = " · edited" if record["is_edited"] else ""
        st.markdown(f":gray[Candidate{edited}]\n\n{questions[1]}\n\n{_say_final(record)}\n\n{answers[1]}")
    with facts, st.container(border=True, height="stretch", key=f"facts_{slot}"):
        if (record["meta"] or {}).get("label") == INCORRECT:
            st.warning("Wrong on purpose: accepted, it counts as a convincing wrong answer, never as an answer.")
        if is_blind:
            st.markdown(":gray[Blind: what filters, students and other people said is hidden.]")
        else:
            _draw_facts(record, task, neighbours, origin)


def _say_final(row: Mapping[str, Any]) -> str:
    """Return the head of an answer, with its final one."""
    return " ".join([":gray[Answer]", *([plain(row["final"])] if row.get("final") else [])])


def _draw_facts(record: Mapping[str, Any], task: str, neighbours: Neighbours | None, origin: str) -> None:
    """Draw what the checks, the student, the filters and people made of it, and where it comes from."""
    steps = _say_steps(task, record["question"], record["answer"], record["meta"])
    st.markdown(f"{steps}\n\n{_say_student(record)}")
    draw_verdicts({"failure": record["failure"], "verdicts": record["verdicts"]})
    close = _say_close(record, neighbours)
    parts = [_say_reviews(record), origin, close, plain(describe_meta(record["meta"]))]
    st.markdown("\n\n".join(part for part in parts if part))


@st.cache_data(max_entries=2_000, show_spinner=False)
def _say_steps(task: str, question: str | None, answer: str | None, meta: Mapping[str, Any] | None) -> str:
    """Return each calculation of the answer with whether it holds, and what the task's rules say of the whole."""
    if not (question and answer):
        return ":gray[Steps]\n\nThere is no answer to look through."
    found = check_answer(TASKS.get(task), question, answer, meta or {})
    steps = [
        f":red[:material/close:] {plain(each.fault)}" if each.fault else f":green[:material/check:] {plain(each.text)}"
        for each in found.calculations[:MOST_STEPS]
    ]
    if len(found.calculations) > MOST_STEPS:
        steps.append(f"and {numbers.count(len(found.calculations) - MOST_STEPS)} more")
    if found.fault and found.fault not in {each.fault for each in found.calculations}:
        steps.append(f":red[:material/close:] {plain(found.fault)}")
    elif found.unchecked:
        steps.append(plain(found.unchecked))
    elif not steps:
        steps.append(":green[:material/check:] The rules of its task find no fault.")
    return ":gray[Steps]\n\n" + "  \n".join(steps)


def _say_close(record: Mapping[str, Any], neighbours: Neighbours | None) -> str:
    """Return the candidates of the run that are worded nearly the same; empty where there are none."""
    if neighbours is None or not record["question"]:
        return ""
    found = neighbours.list_close(record["candidate_id"], record["question"])
    if not found:
        return "" if found is not None else ":gray[Near-duplicates]\n\nStill being looked for."
    lines = [f"ROUGE-L {numbers.score(value)}: {plain(shorten(question, QUOTED))}" for _, question, value in found]
    return ":gray[Near-duplicates]\n\n" + "  \n".join(lines)


def _say_student(record: Mapping[str, Any]) -> str:
    """Return how the student answered it, and how that compares with its seed."""
    if record["student"] is None:
        return ":gray[Student]\n\nIt was not asked."
    mark = ":green[:material/check: answered as the teacher did]"
    if not record["is_correct"]:
        mark = ":red[:material/close: answered otherwise]"
    parts = [f"{mark}: {plain(record['student_final'] or 'no final answer')}"]
    if record["loss"] is not None:
        shift = ""
        if record["shift"] is not None:
            word = "harder" if record["shift"] > 0 else "easier"
            shift = f", {word} than its seed ({numbers.loss(record['seed_loss'])})"
        parts.append(f"loss {numbers.loss(record['loss'])}{shift}")
    return f":gray[Student {plain(record['student'])}]\n\n" + "\n\n".join(parts)


def _say_reviews(record: Mapping[str, Any]) -> str:
    """Return what a person said of it last; empty where nobody did."""
    found = []
    if record["review"]:
        by = f" by {plain(record['reviewer'])}" if record["reviewer"] else ""
        why = f": {REASONS[record['review_reason']]}" if record["review_reason"] else ""
        found.append(f"{STATE_WORDS[record['review']]}{by}{why}")
    if record["note"]:
        found.append(f"“{plain(record['note'])}”")
    return f":gray[Review]\n\n{' · '.join(found)}" if found else ""


def _say_origin(record: Mapping[str, Any], price: Price | None, *, has_run: bool) -> str:
    """Return who made it, how, when and at which cost, in one line; the key O tells the rest."""
    tokens = (record["n_input_tokens"], record["n_output_tokens"])
    how = "brought from elsewhere" if record["kind"] == "bring" else plain(record["method"])
    parts = [
        f"{plain(record['teacher'])}, {how}",
        f"round {record['round']}" if record["kind"] == "loop" else "",
        f"chosen by {plain(record['selector'])}" if record["selector"] else "",
        "" if None in tokens else f"{numbers.tokens(tokens[0])} tokens in, {numbers.tokens(tokens[1])} out",
        plain(numbers.dollars(price.cost(*tokens))) if price and None not in tokens else "",
        f"in {plain(record['title'])}" if has_run else "",
    ]
    return ":gray[Made by]\n\n" + " · ".join(part for part in parts if part)
