"""What came of a wish: one sentence, the distribution of seeds and children, and how far their ranks agree."""

import html

import numpy as np
import streamlit as st

from core.analysis.steering import correlate_ranks, order_children
from core.analysis.wish_words import QUANTITIES, name_wish, say_children, say_ranks, say_shift, say_types
from core.analysis.wishes import SHARES, Difference, take_measure
from core.figures.experiment_steering import draw_cumulative
from core.figures.steering import STUDENTS as STYLES
from core.figures.steering import draw_moved, style_of_wish
from core.recipes.checked_pairs import STUDENTS
from core.recipes.steering_tables import say_correlation
from pages.components.chart import draw_chart
from pages.components.steer_knob import Turn
from pages.components.steer_reading import Check, compare
from pages.components.text import escape

SCORES = ("loss", "reward")
"""Scores by which children are put in order; of what is no score of a student, the first."""


def draw_sentence(check: Check, turn: Turn) -> None:
    """Draw the one sentence, large."""
    sentence = say_children(turn.wish, _compare(check, turn, turn.wish.measure), check.say_student(turn.student))
    with st.container(key="steer_sentence"):
        st.markdown(escape(sentence))
    if turn.wish.measure == "type":
        st.caption(say_types(check.share_types))


def draw_distributions(check: Check, turn: Turn, *, height: int = 300) -> None:
    """Draw seeds beside children, all and those asked for, below what is to be seen in it."""
    pairs, axis, noun = check.pairs[turn.student], turn.wish.axis, name_wish(turn.wish)
    seeds, children = (pairs[f"{axis}_{side}"].to_numpy(dtype=float) for side in ("seed", "child"))
    gap = float(np.nanmean(seeds[turn.is_chosen]) - np.nanmean(seeds))
    st.markdown(f"**{escape(say_shift(axis, noun, gap, _compare(check, turn, axis)))}**")
    figures = draw_moved(
        seeds,
        children,
        turn.is_chosen,
        noun=html.escape(noun),
        axis=QUANTITIES[axis],
        style=style_of_wish(turn.wish.name),
        view=f"{check.run_id}/{axis}",
        height=height,
    )
    with st.container(key="two_sides_moved"):
        sides = st.columns(2, gap="small")
    for side, figure, name in zip(sides, figures, ("seeds", "children"), strict=True):
        with side:
            draw_chart(figure, key=f"moved_{name}")


def draw_ranks(check: Check, turn: Turn) -> None:
    """Say how far the ranks of seeds and children agree, for either student."""
    measure = turn.wish.axis
    whose = {"first": "for the student before training", "last": "after training"}
    if measure == "words":
        whose = {"first": ""}  # no student has a part in it
    sentences = []
    for student, end in whose.items():
        pairs = check.pairs[student]
        found = correlate_ranks(pairs[f"{measure}_seed"], pairs[f"{measure}_child"])
        sentences.append(escape(say_ranks(measure, found, end)))
    st.markdown("  \n".join(sentences))


def draw_order(check: Check, turn: Turn) -> None:
    """Offer the right answers so far, children in the order of their seeds' scores, for both students."""
    signal = turn.wish.axis if turn.wish.axis in SCORES else SCORES[0]
    curves, ranks = {}, []
    for name, student in zip(STYLES, STUDENTS, strict=True):
        pairs = check.pairs[student]
        found = correlate_ranks(pairs[f"{signal}_seed"], pairs[f"{signal}_child"])
        ranks.append(f"{name} {say_correlation(found)}")
        curve = order_children(pairs[f"{signal}_seed"], pairs["right_child"], signal)
        if len(curve) > 1:
            curves[name] = [curve]
    if not curves:
        return
    with st.expander(f"Right answers, children in the order of their seeds' {signal}", icon=":material/show_chart:"):
        draw_chart(draw_cumulative(curves, STYLES, signal, view=check.run_id), key="cumulative")
        st.caption(
            "Dotted: what a random order of the children has on average; a band holds 95 of 100 random orders at each "
            "share by itself. A curve below its band: what came of the hardest seeds is harder than chance makes it. "
            f"The {signal} of seeds and of their children: {'; '.join(ranks)} (Spearman)."
        )


def _compare(check: Check, turn: Turn, measure: str) -> Difference:
    values = take_measure(check.pairs[turn.student], turn.wish, measure)
    return compare(values.tolist(), turn.is_chosen.tolist(), is_share=measure in SHARES)
