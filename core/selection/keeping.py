"""Keeping: which of the generated problems are trained on, at a fixed number (SPARQ, arXiv 2506.06499, section 3.2).

To add a way, write a function of the ``Keep`` shape and register it. Each returns an order, and the beginnings of that
are what it would keep at a smaller number. Nothing here knows of teachers, students or answers.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest

import numpy as np

from core.registry import Registry
from core.selection.archive import Member
from core.selection.base import Pool, tie_breakers
from core.selection.order import fill_up
from core.selection.picks import pick_best

SPREAD = 0.1
"""Standard deviation of ``quality_window`` (SPARQ, section 3.2)."""

Keep = Callable[[Sequence[Member], int, np.random.Generator, float], np.ndarray]
"""(n problems in the order of generation, k, rng, mean quality of ``quality_window``) -> (min(k, n),) int64 rows in the
order of choice. But for ``all``, the same problems whatever the order they come in."""

KEEPS: Registry[Keep] = Registry("way to keep problems")


@KEEPS.register("all")
def keep_all(members: Sequence[Member], k: int, rng: np.random.Generator, mean: float) -> np.ndarray:
    """Keep the first k that were generated (section 3.1: nothing is filtered but what has no quality)."""
    return np.arange(min(k, len(members)), dtype=np.int64)


@KEEPS.register("random")
def keep_random(members: Sequence[Member], k: int, rng: np.random.Generator, mean: float) -> np.ndarray:
    """Keep any k alike likely, the baseline."""
    return fill_up(np.arange(len(members), dtype=np.int64), _draw_lots(members, rng), k)


@KEEPS.register("quality")
def keep_best(members: Sequence[Member], k: int, rng: np.random.Generator, mean: float) -> np.ndarray:
    """Keep the k of the highest quality: those solved most seldom; equal ones by lot."""
    return pick_best(_list_quality(members), _draw_lots(members, rng), k)


@KEEPS.register("quality_window")
def keep_window(members: Sequence[Member], k: int, rng: np.random.Generator, mean: float) -> np.ndarray:
    """Keep problems whose quality is Gaussian about a mean, as long as there are such.

    For each of k qualities drawn from N(mean, SPREAD) the nearest problem that is left, equally near ones by lot.
    """
    quality, lots = _list_quality(members), _draw_lots(members, rng)
    is_left, kept = np.ones(len(members), bool), []
    for target in rng.normal(mean, SPREAD, min(k, len(members))):
        distance = np.where(is_left, np.abs(quality - target), np.inf)
        nearest = np.flatnonzero(distance == distance.min())
        kept.append(nearest[np.argmin(lots[nearest])])
        is_left[kept[-1]] = False
    return np.array(kept, dtype=np.int64)


@KEEPS.register("diversity")
def keep_diverse(members: Sequence[Member], k: int, rng: np.random.Generator, mean: float) -> np.ndarray:
    """Keep as many skills and skill-sets as go into k; of each skill-set any problem alike."""
    return _cover_skill_sets(members, k, rng, np.zeros(len(members)))


@KEEPS.register("quality_diversity")
def keep_diverse_best(members: Sequence[Member], k: int, rng: np.random.Generator, mean: float) -> np.ndarray:
    """Keep as many skills and skill-sets as go into k; of each skill-set the problems of the highest quality."""
    return _cover_skill_sets(members, k, rng, _list_quality(members))


def order_skill_sets(skill_sets: Sequence[tuple[str, ...]], lots: np.ndarray) -> list[int]:
    """Return rows of different skill-sets in an order in which each brings as many new skills as any that is left.

    That is the greedy way to as many skills as possible with so many skill-sets. Equal ones go by lot, and so do those
    that bring no new skill.
    """
    by_lot, known, order = sorted(range(len(skill_sets)), key=lambda row: lots[row]), set(), []
    while by_lot:
        best = max(by_lot, key=lambda row: len(set(skill_sets[row]) - known))  # the first of equal ones
        if set(skill_sets[best]) <= known:
            break
        known |= set(skill_sets[best])
        order.append(best)
        by_lot.remove(best)
    return order + by_lot


def _cover_skill_sets(members: Sequence[Member], k: int, rng: np.random.Generator, worth: np.ndarray) -> np.ndarray:
    """Return one problem of each skill-set in their order, then a second one of each that has it, and so on."""
    lots = _draw_lots(members, rng)
    classes: dict[tuple[str, ...], list[int]] = {}
    for row in np.lexsort((lots, -worth)).tolist():
        classes.setdefault(members[row].skills, []).append(row)
    names = sorted(classes)
    order = order_skill_sets(names, tie_breakers(Pool(np.array([", ".join(name) for name in names], dtype=str)), rng))
    layers = zip_longest(*(classes[names[place]] for place in order))
    return np.array([row for layer in layers for row in layer if row is not None][:k], dtype=np.int64)


def _draw_lots(members: Sequence[Member], rng: np.random.Generator) -> np.ndarray:
    return tie_breakers(Pool(np.array([member.problem_id for member in members], dtype=str)), rng)


def _list_quality(members: Sequence[Member]) -> np.ndarray:
    return np.array([member.quality for member in members], dtype=np.float64)
