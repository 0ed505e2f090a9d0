"""One training row whole: question, answer, what it was preferred to, and where it came from, with a link there."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.hub import Hub
from pages.components import numbers
from pages.components.candidates import draw_candidate
from pages.components.frame import name_run
from pages.components.standing import GROWING, TRAINING
from pages.components.text import mark_differences, plain, to_markdown

ORIGIN_NAMES = {
    "candidate": "a candidate",
    "seed": "a seed with its reference answer",
    "teacher": "a seed with a teacher's answer",
    "own": "the student's own answer",
    "file": "a line of a file",
}
"""One of ``core.training.data.ORIGINS`` -> what people read."""

SEARCHED = 60
"""Characters of a question that the page Seeds searches for."""

VALUE_HELP = (
    "The value of a beginning is estimated by Monte Carlo: the student goes on from it several times, and the share of "
    "those continuations that end right is the chance of one. Where the objective takes the best of several "
    "(1 − (1 − share) to the power of their number), the value lies above that share."
)
PIT_HELP = (
    "The first pit: the first step after which the value is at its lowest, below the question's own by the least fall "
    "at least. The rejected answer ends with this step."
)

MOST_SHOWN, MOST_IN_CELL = 1_500, 300
"""Characters of a text that are drawn before somebody asks for all of it, and those of one in a table's cell."""

Row = Mapping[str, Any]
"""Fields of a TrainingRow; of one that a run was given also run_id, round, is_used, reason and is_as_now."""


def draw_row(hub: Hub, row: Row, title: str) -> None:
    """Draw one row.

    Args:
        hub: of the home.
        row: see Row; unknown is None.
        title: what the row is called, as "Row 3 of 97".
    """
    with st.container(border=True, key="reading_row"):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f"**{plain(title)}**", width="content")
            _draw_badges(row)
        if row.get("question") is None:
            st.info("Nothing is known of its texts any more: the run kept none, and its candidate is gone.")
        else:
            _draw_texts(row)
        draw_origin(hub, row)
    if row.get("run_id"):
        _draw_drawing(hub, row)


def _draw_badges(row: Row) -> None:
    if row.get("rejected"):
        st.badge("preferred to another", icon=":material/compare_arrows:", color="violet")
    elif row["label"] > 0:
        st.badge("made likelier", icon=":material/add:", color="green")
    else:
        st.badge("made unlikelier", icon=":material/remove:", color="red")
    if row.get("is_used") is False:
        st.badge("not trained on", icon=":material/block:", color="gray")


def _draw_texts(row: Row) -> None:
    draw_text(row["question"], "question")
    if row.get("final"):
        word = "Final answer" if row["label"] > 0 else "What would be right"
        st.caption(f"{word}: **{plain(row['final'])}**")
    if row.get("rejected"):
        draw_preference(row["answer"], row["rejected"])
    else:
        st.caption("Answer")
        draw_text(row["answer"], "answer")
    if row.get("reason"):
        st.caption(f":material/block: Not trained on: {plain(row['reason'])}")
    if row.get("is_as_now"):
        st.caption("The run kept no texts; these are the candidate's as they stand now.")


def draw_text(text: str, name: str) -> None:
    """Draw a text, the rest of a long one only when somebody asks for it.

    Args:
        text: of a row.
        name: what it is, for the key of the switch: two equal texts on a page need two names.
    """
    place = st.container()
    is_whole = len(text) <= MOST_SHOWN or _ask_for_whole(name, text)
    place.markdown(to_markdown(text if is_whole else cut(text, MOST_SHOWN)))


def _ask_for_whole(name: str, *texts: str) -> bool:
    """Draw the switch that shows long texts whole; says whether it is on."""
    mark = zlib.crc32("".join(texts).encode(errors="replace"))
    sizes = " and ".join(numbers.count(len(text)) for text in texts)
    return st.toggle(f"Show all of it: {sizes} characters", key=f"whole_{name}_{mark}")


def cut(text: str, most: int) -> str:
    """Return a text of at most so many characters; one that is longer ends in an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def draw_preference(chosen: str, rejected: str) -> None:
    """Draw the chosen answer beside the rejected one, the first line in which they differ marked."""
    place = st.container(key="two_sides_preference")
    is_whole = max(len(chosen), len(rejected)) <= MOST_SHOWN or _ask_for_whole("pair", chosen, rejected)
    if not is_whole:
        chosen, rejected = cut(chosen, MOST_SHOWN), cut(rejected, MOST_SHOWN)
    left, right, number = mark_first_difference(chosen, rejected)
    with place:
        sides = st.columns(2)
    for side, name, text in zip(sides, ("Chosen", "Rejected"), (left, right), strict=True):
        with side:
            st.caption(name)
            st.markdown(text)
    if number is not None:
        st.caption(f"They part in line {number}.")


def mark_first_difference(chosen: str, rejected: str) -> tuple[str, str, int | None]:
    """Return both texts as Markdown with the first line that differs marked, and its number; None: they are alike.

    Where one text ends before they differ, the other's next line is the one that is marked.
    """
    lines = [text.rstrip().split("\n") for text in (chosen, rejected)]
    pairs = zip(*lines, strict=False)
    n_same = next((n for n, (a, b) in enumerate(pairs) if a.rstrip() != b.rstrip()), min(map(len, lines)))
    if n_same == max(map(len, lines)):
        return to_markdown(chosen), to_markdown(rejected), None
    now = [each[n_same] if n_same < len(each) else "" for each in lines]
    if all(map(str.strip, now)):
        right, left = mark_differences(now[1], now[0])
        marked = (left, right)
    else:
        colours = ("green", "red")
        marked = tuple(
            f":{c}-background[{plain(line)}]" if line.strip() else "" for c, line in zip(colours, now, strict=True)
        )
    texts = []
    for each, mark in zip(lines, marked, strict=True):
        around = ("\n".join(each[:n_same]), "\n".join(each[n_same + 1 :]))
        before, after = (to_markdown(text) if text.strip() else "" for text in around)
        texts.append("  \n".join(part for part in (before, mark, after) if part))
    return texts[0], texts[1], n_same + 1


# -- where it came from --------------------------------------------------------------------------------------------


def draw_origin(hub: Hub, row: Row) -> None:
    """Say where a row came from, and offer the page that shows it."""
    run_id, id_ = row.get("origin_run_id"), row.get("origin_id")
    if row["origin"] == "file":
        st.caption(f"From line {plain(id_)} of a file." if id_ else "From a file.")
        return
    if run_id is None and row["origin"] == "candidate" and id_:
        run_id = next(iter(hub.store.list_runs_of_candidate(id_)), None)
    run = hub.store.read_run(run_id) if run_id else None
    what = ORIGIN_NAMES[row["origin"]]
    if run is None and row["origin"] == "own" and not run_id:
        st.caption("With an answer that the student drew in this run, to the question of a given row.")
        return
    if run is None:
        st.caption(f"From {what}; the run that it came from is not in this home.")
        return
    if row["origin"] == "own" and run["kind"] != "finetune":  # the run itself let the student answer that problem
        what = f"{what} to {'a seed' if run['kind'] == 'import' else 'the question of a candidate'}"
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(f"From {what}: {plain(name_run(run))}", width="content")
        _link_run(run, row)
    if run["kind"] in (*GROWING, "answers") and id_:
        _draw_candidate_of(hub, run, row)


def _link_run(run: Mapping[str, Any], row: Row) -> None:
    """Offer the page on which the origin of a row is seen."""
    seeds = {"seeds": run["seed_set_id"]} if run.get("seed_set_id") else {}
    kind, icon = run["kind"], ":material/open_in_new:"
    if kind == "import":
        if st.button("Open on Seeds", key="open_seed", icon=icon, type="tertiary"):
            first = (row["question"] or "").strip().split("\n")[0]
            st.session_state.update(
                {"seeds_search": first[:SEARCHED].strip(), "seeds_split": "train", "seeds_view_wanted": "Browse"}
            )
            st.switch_page("seeds_page.py", query_params=seeds)
    elif kind in GROWING:
        query = {**seeds, "run": run["run_id"], "candidate": row["origin_id"] or ""}
        st.page_link("review_page.py", label="Open in Review", icon=icon, query_params=query)
        if run.get("selection_run_id"):
            query = {**seeds, "run": run["run_id"], "selection": run["selection_run_id"]}
            st.page_link("generate_page.py", label="Open on Generate", icon=icon, query_params=query)
    elif kind in TRAINING:
        query = {**seeds, "run": run["run_id"], "show": "result"}
        st.page_link("finetune_page.py", label="Open its run", icon=icon, query_params=query)
    else:
        st.page_link("runs_page.py", label="Open its run", icon=icon, query_params={"run": run["run_id"]})


def _draw_candidate_of(hub: Hub, run: Mapping[str, Any], row: Row) -> None:
    """Draw the candidate that a row was, beside its seed, folded; say where the row's texts are others."""
    candidate = hub.store.read_candidate(run["run_id"], row["origin_id"])
    if candidate is None:
        st.caption("That run has no such candidate any more.")
        return
    if row["origin"] != "own" and not row.get("is_as_now"):
        texts = [(candidate["current_question"], row["question"]), (candidate["current_answer"], row["answer"])]
        if any((now or "").strip() != (then or "").strip() for now, then in texts):
            st.caption(
                ":material/edit: The candidate was changed since, or the row was; these are the row's own texts."
            )
        elif candidate["is_edited"]:
            st.caption(":material/edit: As it was edited by hand.")
    label = "The seed and the teacher's replies" if row["origin"] != "own" else "The problem that it answers"
    with st.expander(label, icon=":material/compare:"):
        draw_candidate(candidate)


# -- what a run drew to make it ------------------------------------------------------------------------------------


def _draw_drawing(hub: Hub, row: Row) -> None:
    """Draw what the run of a row let the student say to its question: the steps of a rejected answer, all answers."""
    if row.get("question") is None:
        return
    drawn = hub.store.list_drawn(row["run_id"], row["round"], row["question"])
    if drawn.empty:
        return
    if row.get("rejected"):
        found = hub.store.find_own_answer(row["run_id"], row["round"], row["question"], row["rejected"])
        if found is not None and found["has_steps"]:
            _draw_steps(hub, found)
    n_right, n_wrong = int((drawn["is_correct"] == True).sum()), int((drawn["is_correct"] == False).sum())  # noqa: E712
    label = f"{numbers.counted(len(drawn), 'answer')} drawn to this question: {n_right} right, {n_wrong} wrong"
    with st.expander(label, icon=":material/casino:"):
        for answer in drawn.astype(object).where(drawn.notna(), None).to_dict("records"):
            _draw_answer(answer)


def _draw_answer(answer: Mapping[str, Any]) -> None:
    with st.container(border=True, key=f"reading_drawn_{answer['sample']}_{answer['problem_id']}"):
        marks = {True: ":green[:material/check: right]", False: ":red[:material/close: wrong]", None: "not judged"}
        kept = "used" if answer["is_kept"] else f"not used: {plain(answer['reason'] or 'no reason is known')}"
        st.caption(f"Answer {answer['sample'] + 1} · {marks[answer['is_correct']]} · {kept}")
        draw_text(answer["text"] or "", f"drawn_{answer['sample']}_{answer['problem_id']}")


def _draw_steps(hub: Hub, answer: Mapping[str, Any]) -> None:
    """Draw the steps of a wrong answer: how often the student ends right from there, and the step that spoils it."""
    place = (answer["run_id"], answer["round"], answer["problem_id"], answer["sample"])
    steps = hub.store.list_step_values(*place).to_dict("records")
    st.caption(
        "The wrong answer step by step: the student went on from each several times. Beside it stand how many of those "
        f"continuations end right, and its value: the chance that {_say_whose_chance(steps)} ends right.",
        help=VALUE_HELP,
    )
    with st.container(border=True, key="reading_steps"):
        for step in steps:
            bar, text = st.columns([1, 3.2], vertical_alignment="center")
            share = None if numbers.is_missing(step["value"]) else float(step["value"])
            bar.progress(share or 0.0, text=describe_value(share, step["n_right"], step["n_rollouts"]))
            said = ":gray[the question alone]" if step["step"] == 0 else to_markdown(cut(step["text"], MOST_SHOWN))
            text.markdown(said + (" :red-badge[:material/trending_down: goes wrong here]" if step["is_pit"] else ""),
                          help=PIT_HELP if step["is_pit"] else None)  # fmt: skip


def _say_whose_chance(steps: Sequence[Mapping[str, Any]]) -> str:
    """Return whose chance the values are: they lie above the shares where the best of several is taken."""
    known = [step for step in steps if step["n_rollouts"] and not numbers.is_missing(step["value"])]
    is_best = any(step["value"] > step["n_right"] / step["n_rollouts"] + 1e-9 for step in known)
    return "the best of several" if is_best else "one"


def describe_value(value: float | None, n_right: int, n_rollouts: int) -> str:
    """Return what was counted for an answer's beginning, and its value; a whole answer is judged as it is."""
    if not n_rollouts:
        return "whole answer: wrong"
    return f"{numbers.count(n_right)} of {numbers.count(n_rollouts)} end right · value {numbers.percent(value)}"
