"""What a finetune brought: accuracy before and after on the same problems, and what the student said to each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.recipes.trained import asks_builtin, list_origins, list_trained, read_rows
from pages.components import numbers
from pages.components.frame import choose_newest, draw_empty, note_teacher
from pages.components.kept import draw_kept, read_kept
from pages.components.result_answers import draw_answers
from pages.components.standing import ACTIVE

SPLIT_NAMES = {"test": "test problems", "ood": "problems of kinds never seen in training"}


def draw_result(hub: Hub, run_id: str) -> None:
    """Draw the result of a finetune or loop, round by round; an empty state where there is none yet."""
    evaluations = hub.store.list_evaluations(run_id)
    after = evaluations[evaluations["round"] > 0]
    if after.empty:
        run = hub.store.read_run(run_id)
        is_coming = run["state"] in ACTIVE and run["config"].get("evaluates", SPLIT_NAMES)
        draw_empty(
            "No evaluation yet: it comes when the training has ended."
            if is_coming
            else "This run has asked no test problems before and after."
        )
        _offer_evaluation(hub, run)
        return
    rounds = list(range(1, int(after["round"].max()) + 1))
    number = choose_newest("Round", rounds, param="round", key=f"round_{run_id}")
    run = hub.store.read_run(run_id)
    if _has_builtin_teacher(hub, run):
        note_teacher()
    _draw_left_out(run["summary"] or {})
    draw_kept(read_kept(hub, run, number))
    splits = [name for name in SPLIT_NAMES if name in set(after["split"])]
    for split in splits:
        rows = evaluations[evaluations["split"] == split].set_index("round")
        if number in rows.index:
            _draw_split(rows.loc[0] if 0 in rows.index else None, rows.loc[number], split)
    _offer_evaluation(hub, run, number)
    draw_answers(hub, run, f"round-{number}", {name: SPLIT_NAMES[name] for name in splits})


def _has_builtin_teacher(hub: Hub, run: Mapping[str, Any]) -> bool:
    """Say whether the rule-based teacher wrote any of what was trained on."""
    home, run_id = hub.settings.home, run["run_id"]
    named = [run_id, *_read_origins(home, run_id), *(run["config"].get("generate_runs") or [])]
    return any(asks_builtin(home, each) for each in named)


@st.cache_data(max_entries=64, show_spinner=False)
def _read_origins(home: Path, run_id: str) -> list[str]:
    """Return the runs that wrote a run's rows; read once, for the rows a run was given never change."""
    return list_origins(read_rows(home, run_id))


def _offer_evaluation(hub: Hub, run: Mapping[str, Any], round_: int | None = None) -> None:
    """Draw a button that opens Evaluate with what the run trained; nothing where that is not there.

    Args:
        hub: of the home.
        run: a finetune or a loop.
        round_: of a loop; None: the last one.
    """
    made = [each for each in list_trained(hub.settings.home, run["run_id"]) if round_ in (None, each.round)]
    if not made:
        return
    query = {"show": "ask", "adapter": str(made[-1].folder.relative_to(hub.settings.home))}
    if run["config"].get("seed_set"):
        query["set"] = run["config"]["seed_set"]
    if st.button(
        "Evaluate it on other problems",
        key=f"evaluate_{run['run_id']}",
        icon=":material/grading:",
        help="Any set or benchmark, drawn answers, a grader beside the checker: on the page Evaluate, with this "
        "student chosen.",
    ):
        st.switch_page("evaluate_page.py", query_params=query)


def _draw_left_out(summary: Mapping[str, Any]) -> None:
    """Say which rows were not trained on, where there are any."""
    reasons = {
        "n_held_out_left_out": "because the question is a validation or test problem",
        "n_too_long_left_out": "because the answer is empty or the whole is longer than the student's limit",
    }
    for name, reason in reasons.items():
        if summary.get(name):
            st.warning(f"{numbers.counted(summary[name], 'row')} of those chosen not trained on, {reason}.")


def _draw_split(before: pd.Series | None, after: pd.Series, split: str) -> None:
    """Draw one sentence with the number and its uncertainty, then the counts behind it."""
    n = numbers.count(after["n"])
    sentence = (
        f"{numbers.percent(None if before is None else before['accuracy'])} → {numbers.percent(after['accuracy'])}"
    )
    st.markdown(f"## {sentence} of {n} {SPLIT_NAMES[split]}", anchors=False)
    difference = f"{numbers.points(after['difference_low'])} to {numbers.points(after['difference_high'])}"
    st.markdown(
        f"Paired difference **{numbers.points(after['difference'])}**, 95 % interval {difference} (Newcombe) · "
        f"gained {numbers.count(after['n_gained'])}, lost {numbers.count(after['n_lost'])} · "
        f"accuracy after: {numbers.interval(after['low'], after['high'])} · "
        f"{numbers.count(after['n_truncated'])} answers cut off"
    )
