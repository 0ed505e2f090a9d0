"""Fewer seeds of the kind whose children people rejected: each keeps a chance to be chosen, and the lot decides.

What is set aside is out of the pool, so that it works with every selector. It knows nothing of who rejected, or why.
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
    towards 1 (one child): where nobody judged anything all chances are 1.

    Args:
        problem_ids: of n seeds.
        types: (n,) type or level of each, empty where it has none: such seeds have nothing in common.
        judged: a row per judged child: problem_id (of its seed), is_kept (accepted or edited).
    """
    seeds = pd.DataFrame({"problem_id": list(problem_ids), "type": list(types)})
    known = judged.merge(seeds, on="problem_id")
    of_type = known[known["type"] != ""].groupby("type")["is_kept"].agg(["sum", "size"])
    rate = ((of_type["sum"] + 1) / (of_type["size"] + 1)).reindex(seeds["type"]).fillna(1.0).to_numpy(dtype=float)
    own = known.groupby("problem_id")["is_kept"].agg(["sum", "size"]).reindex(seeds["problem_id"]).fillna(0)
    kept, n = own["sum"].to_numpy(dtype=float), own["size"].to_numpy(dtype=float)
    return np.clip((kept + PRIOR * rate) / (n + PRIOR), LEAST, 1.0)


def set_aside(pool: Pool, chances: np.ndarray, replicate: int) -> Pool:
    """Return the pool without the seeds that the lot sets aside; the same replicate sets aside the same ones.

    Args:
        pool: n seeds.
        chances: (n,) of ``weigh_seeds``.
        replicate: of the lots.
    """
    lots = tie_breakers(pool, np.random.default_rng([replicate, 1, 8]))
    return pool.without(np.flatnonzero(lots >= chances))
