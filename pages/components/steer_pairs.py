"""Seeds and their children side by side, with what the student makes of each; in an order that flatters nobody."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.wish_words import name_wish
from core.counting import counted
from pages.components import numbers
from pages.components.experiment_table import offer_csv
from pages.components.steer_knob import Turn
from pages.components.steer_reading import Check
from pages.components.text import plain, to_markdown

N_A_PAGE = 3


def draw_pairs(check: Check, turn: Turn, n: int | None = None) -> None:
    """Draw pairs of what was asked for, in random order.

    Args:
        check: whose pairs.
        turn: what was asked for.
        n: draw so many and no way to others; None: page by page.
    """
    pairs = _shuffle(check.pairs[turn.student][turn.is_chosen])
    said = (
        f"{counted(len(pairs), 'pair')} of {plain(name_wish(turn.wish))}, in random order; answers by "
        f"{check.say_student(turn.student)}."
    )
    if n is None:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
            st.caption(said, width="content")
            offer_csv(pairs.drop(columns="meta_seed"), "CSV", f"pairs-{turn.wish.name}-{check.run_id}")
    else:
        st.caption(said)
    shown, page, n_pages = st.container(), 1, math.ceil(len(pairs) / N_A_PAGE)
    if n is None and n_pages > 1:
        page = st.pagination(n_pages, key=f"steer_page_{turn.wish.name}_{turn.share}_{turn.student}_{check.run_id}")
    place = (page - 1) * N_A_PAGE
    with shown:
        for row in pairs.iloc[place : place + (n or N_A_PAGE)].to_dict("records"):
            _draw_pair(row)


def _shuffle(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in an order that is always the same and has nothing to do with them."""
    order = pairs["candidate_id"].map(lambda id_: hashlib.blake2b(str(id_).encode(), digest_size=8).hexdigest())
    return pairs.loc[order.sort_values().index]


def _draw_pair(row: Mapping[str, Any]) -> None:
    """Draw a seed and its child as two cards of one height."""
    with st.container(key=f"two_sides_pair_{row['candidate_id']}"):
        sides = st.columns(2, gap="small")
    for column, side, title in zip(sides, ("seed", "child"), ("Seed", "Child"), strict=True):
        with column, st.container(border=True, height="stretch", key=f"reading_{side}_{row['candidate_id']}"):
            st.caption(f"{title} · {_say_scores(row, side)}")
            st.markdown(to_markdown(row[f"question_{side}"]))


def _say_scores(row: Mapping[str, Any], side: str) -> str:
    """Return what the student makes of one problem: right or wrong, loss and reward of its answer."""
    right = row[f"right_{side}"]
    marks = {1.0: ":green[:material/check: answered rightly]", 0.0: ":red[:material/close: answered wrongly]"}
    parts = [] if numbers.is_missing(right) else [marks[right]]
    if not numbers.is_missing(row[f"loss_{side}"]):
        parts.append(f"loss {numbers.loss(row[f'loss_{side}'])}")
    if not numbers.is_missing(row[f"reward_{side}"]):
        parts.append(f"reward {numbers.score(row[f'reward_{side}'])}".replace("-", "−"))
    return " · ".join(parts) or "not scored"
