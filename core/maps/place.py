"""New points on a map that stays as it is: each goes where those lie that mean nearly the same.

UMAP could place them too, but only from its own pickled model, and pickles are not read here.
"""

import numpy as np

from core.maps.near import find_nearest

N_NEAREST = 5
LEAST_WEIGHT = 1e-6


def place(new: np.ndarray, known: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return (m, 2) float32: the mean of where the nearest known points lie, the nearer ones counting more.

    A weight is 1 / (1 - cosine), so a vector that is known already lies where it lay.

    Args:
        new: (m, d) of length 1.
        known: (n, d) of length 1, n at least 1.
        places: (n, 2) of the known ones.
    """
    rows, cosines = find_nearest(new, known, min(N_NEAREST, len(known)))
    weights = 1.0 / np.maximum(1.0 - cosines.astype(np.float64), LEAST_WEIGHT)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("mk,mkc->mc", weights, places[rows].astype(np.float64)).astype(np.float32)
