"""The knob: what is asked of the seeds, how many of them, and who finds them hard. The address says it all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.analysis.wish_words import label_wish
from core.analysis.wishes import Wish, choose_by_wish, list_wishes
from core.counting import counted
from core.recipes.checked_pairs import STUDENTS
from pages.components import numbers
from pages.components.frame import follow_address, tell_address
from pages.components.steer_reading import Check
from pages.components.text import plain

SHARES = {"tenth": 0.1, "fifth": 0.2, "third": 1 / 3, "half": 0.5}
"""As the address calls a share of the seeds -> the share."""

USUAL_SHARE, USUAL_STUDENT = "third", "first"


@dataclass(frozen=True, slots=True)
class Turn:
    """What the knob is turned to."""

    wish: Wish
    share: str
    student: str
    is_chosen: np.ndarray
    """(n,) which of the pairs' seeds it takes."""


def draw_knob(check: Check) -> Turn | None:
    """Draw the knob; None where the seeds have nothing that could be asked for."""
    student = _choose(
        "In the eyes of the student",
        STUDENTS,
        "student",
        USUAL_STUDENT,
        lambda name: "before training" if name == "first" else "after training",
        help="Whose loss and reward of a seed decide what is hard, and whose answers to the children count.",
    )
    wishes = {wish.name: wish for wish in list_wishes(check.pairs[student])}
    if not wishes:
        return None
    name = _choose(
        "Ask for",
        list(wishes),
        "wish",
        next(iter(wishes)),
        lambda name: plain(label_wish(wishes[name])),
        is_pills=True,
        help="**Hard** and **easy**: the highest or the lowest loss of the student's own answer. **Reward**: the score "
        "that the reward model gives that answer. **Long** and **short**: the words of the question. **Type**, "
        "**level** and **steps** are the seed set's own.",
    )
    share = USUAL_SHARE
    if wishes[name].direction:
        share = _choose("Of the seeds, take the", list(SHARES), "share", USUAL_SHARE, str)
    turn = _make_turn(check, wishes[name], share, student)
    n, n_all = int(turn.is_chosen.sum()), len(turn.is_chosen)
    st.caption(f"{numbers.count(n)} of {counted(n_all, 'seed')} that have a child.{_say_without(check, n_all)}")
    return turn


def read_turn(check: Check) -> Turn | None:
    """Return what the address asks for, where nothing is to be turned."""
    asked = st.query_params
    student = asked.get("student") if asked.get("student") in STUDENTS else USUAL_STUDENT
    wishes = {wish.name: wish for wish in list_wishes(check.pairs[student])}
    if not wishes:
        return None
    wish = wishes.get(asked.get("wish", ""), next(iter(wishes.values())))
    return _make_turn(check, wish, asked.get("share") if asked.get("share") in SHARES else USUAL_SHARE, student)


def _make_turn(check: Check, wish: Wish, share: str, student: str) -> Turn:
    return Turn(wish, share, student, choose_by_wish(check.pairs[student], wish, SHARES[share]))


def _say_without(check: Check, n: int) -> str:
    """Say how many of the seeds that were asked for have no child that can be used."""
    n_without = check.run["summary"]["n_seeds"] - n
    return f" {numbers.count(n_without)} more had none that could be used." if n_without > 0 else ""


def _choose(
    label: str,
    options: Sequence[str],
    param: str,
    usual: str,
    shown: Callable[[str], str],
    *,
    is_pills: bool = False,
    **more: Any,
) -> str:
    """Draw a choice that follows the address, and tells it."""
    key = f"steer_{param}"
    follow_address(param, key, {option: option for option in options}.get, usual)
    if st.session_state[key] not in options:
        st.session_state[key] = usual
    more |= {"wrap": True} if is_pills else {}
    draw = st.pills if is_pills else st.segmented_control
    chosen = draw(label, options, required=True, key=key, format_func=shown, **more)
    tell_address(param, key, chosen, usual)
    return chosen
