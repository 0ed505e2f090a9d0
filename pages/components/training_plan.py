"""What a training will take, told before it begins: what comes before it, its steps, its time, what is left out."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.hub import Hub
from core.recipes.drawing_rate import estimate_drawing
from core.recipes.start import make_policy_training
from core.recipes.training_rate import count_steps, estimate_training
from core.training.config import TrainingConfig
from core.training.data import TrainingRow
from core.training.lengths import Foresight
from core.training.objectives import Objective, make_objective
from core.training.objectives.base import say_unread
from pages.components import numbers
from pages.components.text import plain
from pages.components.training_settings import Tuning


def draw_plan(
    hub: Hub, tuning: Tuning, seed_set: Mapping[str, Any], rows: Sequence[TrainingRow], found: Foresight
) -> None:
    """Say what happens before the training itself, what its rows are, how many steps it makes and what is asked.

    Args:
        hub: of the home.
        tuning: how to train.
        seed_set: its row; ``NO_SET`` has no problems.
        rows: given.
        found: what can be said of the training.
    """
    long, for_policy = ({place for _, place in each} for each in (found.long, found.long_for_policy))
    fit = [row for place, row in enumerate(rows) if place not in long]
    n_right = sum(row.label > 0 for place, row in enumerate(rows) if place not in long | for_policy)
    _draw_before(hub, tuning, seed_set, fit, n_right)
    _draw_steps(hub, tuning, seed_set, found)


def _draw_before(
    hub: Hub, tuning: Tuning, seed_set: Mapping[str, Any], rows: Sequence[TrainingRow], n_right: int
) -> None:
    """Say what happens, and what it takes, before the training itself begins.

    Args:
        hub: of the home.
        tuning: how to train.
        seed_set: its row.
        rows: that are not too long.
        n_right: rows that a policy is trained on.
    """
    objective = make_objective(tuning.objective, tuning.settings)
    steps = []
    if objective.starts_from_policy and tuning.adapter is None:
        training = make_policy_training(tuning.student, seed_set["task"], objective, tuning.training)
        took = describe_training(hub, tuning.student, "sft", training, n_right, seed_set, is_policy=True)
        steps.append(f"a policy is trained on the {numbers.counted(n_right, 'right answer')} (supervised; {took})")
    if text := describe_drawing(hub, objective, tuning.student, rows):
        steps.append(text)
    if steps:
        st.info(f"Before the training itself, {'; then '.join(steps)}.", icon=":material/hourglass_top:")
    if unread := say_unread(objective, rows):
        st.info(plain(unread), icon=":material/info:")


def _draw_steps(hub: Hub, tuning: Tuning, seed_set: Mapping[str, Any], found: Foresight) -> None:
    """Say how many steps the training itself makes, how long they take, and what is asked besides."""
    if found.n_used:
        form = make_objective(tuning.objective, tuning.settings).form
        rows = numbers.counted(found.n_used, "pair" if form == "pairs" else "row")
        took = describe_training(hub, tuning.student, tuning.objective, tuning.training, found.n_used, seed_set)
        text = f"{rows}, {numbers.counted(tuning.training['epochs'], 'epoch')}: {took}."
    else:
        text = "How many steps it makes is known once the answers are drawn."
    n_validation, n_test, n_ood = (seed_set.get(f"n_{split}") or 0 for split in ("validation", "test", "ood"))
    if n_validation:
        text += f" Before it and after every epoch {numbers.counted(n_validation, 'validation problem')} to answer"
        text += f", before and after all {numbers.count(n_test + n_ood)} others." if n_test + n_ood else "."
    else:
        text += " There are no validation problems: the last epoch is kept."
    st.caption(text)


def describe_training(
    hub: Hub,
    student: str,
    objective: str,
    training: Mapping[str, Any],
    n_rows: int,
    seed_set: Mapping[str, Any],
    *,
    is_policy: bool = False,
) -> str:
    """Return how many steps a training on so many rows makes, and how long they take as far as that is known."""
    settings = TrainingConfig.from_dict(training)
    steps = numbers.counted(count_steps(n_rows, settings), "step")
    n_validation = seed_set.get("n_validation") or 0
    seconds = estimate_training(hub, student, objective, settings, n_rows, n_validation, is_policy=is_policy)
    return steps if seconds is None else f"{steps}, some {numbers.duration(seconds)} by the last one alike"


def describe_drawing(hub: Hub, objective: Objective, student: str, rows: Sequence[TrainingRow]) -> str:
    """Return how much the student has to say before an objective can train on these rows; empty: nothing."""
    wanted = objective.estimate(rows)
    n_answers, n_rollouts = wanted.get("n_answers", 0), wanted.get("n_rollouts", 0)
    if not n_answers and not n_rollouts:
        return ""
    parts = [f"draws {numbers.counted(n_answers, 'answer')}"] if n_answers else []
    if n_rollouts:
        parts.append(f"goes on from beginnings up to {numbers.count(n_rollouts)} times")
    took = estimate_drawing(hub, student, wanted)
    told = "how long that takes was not measured on this machine yet"
    if took is not None:
        told = f"some {numbers.duration(took.seconds)} at the rate at which it "
        told += "drew for earlier trainings here" if took.is_drawn else "answered problems here"
    return f"the student {' and '.join(parts)}, at most: {told}"


def warn_of_length(found: Foresight, n_rows: int, asked: int) -> None:
    """Say which rows will not be trained on because they are too long, where the student's files can tell."""
    if long := found.long or found.long_for_policy:
        most, place = max(long)
        where = "" if found.long else " of the policy's training"
        st.warning(
            f"{numbers.counted(len(long), 'row')} of {numbers.count(n_rows)} will be left out{where}: more than "
            f"{numbers.count(found.longest)} tokens with the question; row {numbers.count(place + 1)} has "
            f"{numbers.count(most)}. "
            + (
                "That is the student's context; shorten them."
                if found.longest < asked
                else "Allow more under Settings as far as the student's context goes, or shorten them."
            ),
            icon=":material/straighten:",
        )
