"""One way to choose, for pages, recipes and the shell: selector and pick by name, a pool, k and a replicate's draw."""

import zlib
from functools import partial

import numpy as np

from core.errors import SelectionError
from core.selection.base import SELECTORS, Pool, Selection, Selector
from core.selection.picks import PICKS


def can_pick(selector: Selector) -> bool:
    """Say whether a pick applies: only a selector that ranks by a score has something to sample from."""
    code = getattr(type(selector).__call__, "__code__", None)
    return code is not None and "pick" in code.co_varnames[: code.co_argcount]


def choose(
    pool: Pool, selector: str, k: int, rng: np.random.Generator, *, pick: str = "argmax", temperature: float = 1.0
) -> Selection:
    """Choose k free rows of a pool.

    Args:
        pool: with the signals that the selector needs.
        selector: registry name.
        k: rows wanted.
        rng: of the replicate; the same gives the same rows. Each selector and pick draws lots of its own from it, or
            softmax would take nearly what random takes.
        pick: registry name: ``argmax``, or ``softmax`` for selectors that rank.
        temperature: of softmax; above 0.

    Raises:
        SelectionError: k is larger than the pool, a signal is missing, or the pick does not apply.
        UnknownNameError: no such selector or pick.
    """
    check_pick(selector, pick)
    rng = np.random.default_rng([int(rng.integers(1 << 63)), zlib.crc32(f"{selector}/{pick}".encode())])
    if pick == "argmax":
        return SELECTORS.get(selector)(pool, k, rng)
    if not temperature > 0:
        raise SelectionError(f"The temperature of {pick} must be above 0, not {temperature:g}.")
    return SELECTORS.get(selector)(pool, k, rng, pick=partial(PICKS.get(pick), temperature=temperature))


def check_pick(selector: str, pick: str) -> None:
    """Raise what a wrong selector or pick raises, before anything runs."""
    choice = SELECTORS.get(selector)
    if PICKS.get(pick) and pick != "argmax" and not can_pick(choice):
        raise SelectionError(
            f"The pick {pick} needs a score to sample from, and {selector} ranks nothing; take argmax with it."
        )
