"""Seeds of the kinds whose children people rejected, set aside by lot where that is asked for."""

import json
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.selection import Pool
from core.selection.minding import set_aside, weigh_methods, weigh_seeds
from pages.components import numbers
from pages.components.frame import follow_address, tell_address
from pages.components.text import plain

TELLS_LITTLE = 0.8
"""Weight of a rejected child below which its method is named."""


def mind_reviews(hub: Hub, seed_set: str, frame: pd.DataFrame, pool: Pool, replicate: int) -> tuple[Pool, int]:
    """Draw the switch where people rejected any child of these seeds; returns the pool, and how many it is without.

    Args:
        hub: of the home.
        seed_set: id.
        frame: the pool's rows, with meta (JSON text).
        pool: aligned with it.
        replicate: of the lots.
    """
    judged = hub.store.list_judged_children(seed_set).dropna(subset="problem_id")
    n_rejected = int((~judged["is_kept"].astype(bool)).sum())
    if not n_rejected:
        return pool, 0
    follow_address("mind", "select_mind", lambda text: text == "1", False)
    is_minded = st.toggle(
        "Mind what was rejected",
        key="select_mind",
        help="Seeds whose children, or whose type's children, people rejected keep a smaller chance to be chosen: the "
        "share of them that was kept, drawn towards that of the type. The lot sets aside the others. A rejected child "
        "of a prompting method that is rejected more often than the others counts less: it may be the method's fault.",
    )
    tell_address("mind", "select_mind", "1" if is_minded else "", "")
    if not is_minded:
        st.caption(f"Of {numbers.counted(len(judged), 'judged child', 'judged children')} {n_rejected} were rejected.")
        return pool, 0
    types = [_read_type(text) for text in frame["meta"]]
    minded = set_aside(pool, weigh_seeds(pool.problem_ids.tolist(), types, judged), replicate)
    n_aside = int(pool.is_free.sum() - minded.is_free.sum())
    st.caption(
        f"{numbers.counted(n_aside, 'seed')} of {numbers.count(len(pool))} set aside by lot, by "
        f"{numbers.counted(len(judged), 'judged child', 'judged children')}, {n_rejected} of them rejected."
    )
    excused = {name: weight for name, weight in weigh_methods(judged).items() if weight < TELLS_LITTLE}
    if excused:
        words = ", ".join(f"{plain(name)} {weight:.2f}" for name, weight in sorted(excused.items()))
        st.caption(
            "A rejected child counts less where its method is rejected more often than the others, whatever the seed: "
            f"{words}."
        )
    return minded, n_aside


def _read_type(text: Any) -> str:
    """Return the type of a seed, its level where it has no type, empty where it has neither."""
    meta = json.loads(text) if isinstance(text, str) else {}
    return str(meta.get("type") or meta.get("level") or "")
