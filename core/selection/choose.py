"""One way to choose, for pages, recipes and the shell: selector and pick by name, a pool, k and a replicate's draw."""

import traceback
import zlib
from functools import partial
from pathlib import Path

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
    if not temperature > 0:
        raise SelectionError(f"The temperature of {pick} must be above 0, not {temperature:g}.")
    options = {} if pick == "argmax" else {"pick": partial(PICKS.get(pick), temperature=temperature)}
    try:
        selection = SELECTORS.get(selector)(pool, k, rng, **options)
        is_fit = _is_choice(selection, pool, k)
    except SelectionError:
        raise
    except Exception as error:  # a selector may be somebody's own
        raise SelectionError(f"The selector {selector} failed: {describe_fault(error)}.") from error
    if not is_fit:
        raise SelectionError(
            f"The selector {selector} did not return {k:,} different free rows with a reason each, so its choice "
            "cannot be used."
        )
    return selection


def _is_choice(selection: Selection, pool: Pool, k: int) -> bool:
    """Say whether a selector kept its contract."""
    rows = np.asarray(selection.indices)
    is_free = rows.shape == (k,) and len(np.unique(rows)) == k and bool(pool.is_free[rows].all())
    return is_free and len(selection.reason) == k


def describe_fault(error: BaseException) -> str:
    """Return what went wrong in somebody's own code, and in which line of it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def check_pick(selector: str, pick: str) -> None:
    """Raise what a wrong selector or pick raises, before anything runs."""
    choice = SELECTORS.get(selector)
    if PICKS.get(pick) and pick != "argmax" and not can_pick(choice):
        raise SelectionError(
            f"The pick {pick} needs a score to sample from, and {selector} ranks nothing; take argmax with it."
        )
