"""The Vendi score: how many different things a set of vectors amounts to (Friedman 2023, "The Vendi Score").

The exponential of the entropy of the eigenvalues of the similarities' matrix over n: 1 where all are the same, n where
none is like any other. Of cosines of d-wide vectors a d x d matrix has the same eigenvalues, so n may be large.
"""

from collections.abc import Hashable, Sequence

import numpy as np

from core.analysis.diversity import LEAST_UNITS, Measure, draw_units, number_units

N_DRAWS = 100


def compute_vendi(vectors: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the Vendi score of (n, d) vectors of length 1, n at least 1; 1 to n.

    Args:
        vectors: cosines are the similarities.
        weights: (n,) how much each counts, not negative; None: all alike.
    """
    weighed = vectors if weights is None else vectors * np.sqrt(weights, dtype=np.float32)[:, None]
    products = weighed @ weighed.T if len(weighed) < weighed.shape[1] else weighed.T @ weighed  # the smaller: n³ or d³
    values = np.linalg.eigvalsh(products.astype(np.float64))
    shares = values[values > 0] / values[values > 0].sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def measure_vendi(vectors: np.ndarray, units: Sequence[Hashable], *, seed: int = 0) -> Measure:
    """Return the Vendi score with its interval; None without vectors.

    Units are drawn again, with replacement. What is drawn twice is nothing new, so that all draws lie below the score
    of the whole set; their spread is laid around it.
    """
    n = len(vectors)
    if not n:
        return Measure()
    value, unit_of = compute_vendi(vectors), number_units(units)
    if unit_of.max() + 1 < LEAST_UNITS:
        return Measure(value, n=n)
    drawn = draw_units(int(unit_of.max()) + 1, np.random.default_rng([seed, 3]), N_DRAWS)
    scores = np.array([compute_vendi(vectors, row[unit_of]) for row in drawn])
    low, high = np.percentile(scores, [2.5, 97.5]) - scores.mean() + value
    return Measure(value, max(float(low), 1.0), min(float(high), float(n)), n)
