"""Fewer seeds of the kind whose children people rejected: each keeps a chance to be chosen, and the lot decides.

What is set aside is out of the pool, so that it works with every selector. It knows nothing of who rejected, or why.

A method is no property of a seed, and the next run may use another one. So a method has no chance of its own here: it
takes blame away from seeds. Where the children of a method are rejected more often than those of the others, a rejected
one of them tells less about its seed, and counts less (``weigh_methods``).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.selection.base import Pool, tie_breakers

PRIOR = 2.0
"""Children that a seed is taken to have besides its own, kept as often as those of its type."""

LEAST = 0.05
"""Chance that even a seed keeps all of whose children were rejected: what was wrong may have been the teacher's."""


def weigh_seeds(problem_ids: Sequence[str], types: Sequence[str], judged: pd.DataFrame) -> np.ndarray:
    """Return (n,) the chance of each seed to stay in the pool, LEAST to 1.

    It is the share of its children that people kept, drawn towards that of its type (PRIOR children), and a type's
    towards 1 (one child): where nobody judged anything all chances are 1. A rejected child counts as much as
    ``weigh_methods`` says.

    Args:
        problem_ids: of n seeds.
        types: (n,) type or level of each, empty where it has none: such seeds have nothing in common.
        judged: a row per judged child: problem_id (of its seed), method, is_kept (accepted or edited).
    """
    seeds = pd.DataFrame({"problem_id": list(problem_ids), "type": list(types)})
    weights = judged["method"].map(weigh_methods(judged)).astype(float)
    judged = judged.assign(weight=weights.where(~judged["is_kept"].astype(bool), 1.0))
    known = judged.merge(seeds, on="problem_id").assign(is_kept=lambda rows: rows["is_kept"].astype(float))
    of_type = known[known["type"] != ""].groupby("type")[["is_kept", "weight"]].sum()
    rate = ((of_type["is_kept"] + 1) / (of_type["weight"] + 1)).reindex(seeds["type"]).fillna(1.0).to_numpy(dtype=float)
    own = known.groupby("problem_id")[["is_kept", "weight"]].sum().reindex(seeds["problem_id"]).fillna(0)
    kept, n = own["is_kept"].to_numpy(dtype=float), own["weight"].to_numpy(dtype=float)
    return np.clip((kept + PRIOR * rate) / (n + PRIOR), LEAST, 1.0)


def weigh_methods(judged: pd.DataFrame) -> dict[str, float]:
    """Return method -> how much a rejected child of it counts against its seed, above 0 up to 1.

    It is how often the method's children are kept, over how often those of all others are (each with one kept child
    more), 1 at most: of a method that nearly always fails, a failure says little about the seed. With one method all
    count 1, as there is nothing to tell seed and method apart by.

    Args:
        judged: a row per judged child: method, is_kept.
    """
    kept = judged["is_kept"].astype(float)
    found = {}
    for method in judged["method"].unique():
        is_own = judged["method"] == method
        own, others = ((kept[rows].sum() + 1) / (rows.sum() + 1) for rows in (is_own, ~is_own))
        found[method] = 1.0 if is_own.all() else float(min(own / others, 1.0))
    return found


def set_aside(pool: Pool, chances: np.ndarray, replicate: int) -> Pool:
    """Return the pool without the seeds that the lot sets aside; the same replicate sets aside the same ones.

    Args:
        pool: n seeds.
        chances: (n,) of ``weigh_seeds``.
        replicate: of the lots.
    """
    lots = tie_breakers(pool, np.random.default_rng([replicate, 1, 8]))
    return pool.without(np.flatnonzero(lots >= chances))
