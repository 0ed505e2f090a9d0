"""Seeding by distance: rows that are long and far from one another, drawn as k-means++ draws its first centres.

Arthur & Vassilvitskii 2007, section 2.2, as BADGE uses it (Ash 2020, algorithm 1): the first centre is the longest
row, every further one is drawn with a probability in proportion to its squared distance to the nearest centre so far.

A plain loop reads all rows once for every centre. Here a row is drawn by the distances of some centres ago, which can
only have been larger, and kept with the probability (distance now) / (distance then), for which that one row is
compared with the few centres added since. What is kept follows exactly the distribution of the plain loop. Once in a
while all distances are brought up to date, for all new centres in one matrix product. It knows nothing of gradients.
"""

from typing import Literal

import numpy as np

from core.errors import SelectionError

BLOCK = 512
"""Rows that are measured together: as float64 they stay in the processor's cache."""

MOST_NEW = 64
"""Centres after which the distances are brought up to date at the latest."""

TOLERANCE = 1e-12
"""A squared distance below this share of both squared lengths is rounding: the rows count as equal."""


def seed_by_distance(
    vectors: np.ndarray,
    k: int,
    rng: np.random.Generator,
    *,
    weights: np.ndarray | None = None,
    first: Literal["longest", "drawn"] = "longest",
) -> np.ndarray:
    """Choose k rows by k-means++ seeding.

    Where every row that is left equals a chosen one, the rest is drawn uniformly. Beside the vectors, memory grows by
    a few numbers a row. The same rows in the same order and the same state of ``rng`` give the same choice, up to
    rounding of 1e-12 in the probabilities; sort the rows by something that belongs to them before.

    Args:
        vectors: (n, d) float, finite; leave rows without a value out before.
        k: rows wanted, at most n.
        rng: draws the rows.
        weights: (n,) float, at least 0: factors on the squared distances; 0 is chosen only when nothing else is left.
            None weighs all alike.
        first: ``longest`` begins with the longest row of a positive weight (of several, the foremost), ``drawn`` with
            one drawn by weight.

    Returns:
        (k,) int64 rows in the order of choice, no repeats.

    Raises:
        SelectionError: k is less than 1 or more than n.
        ValueError: a vector is not finite, or a weight is negative or not finite.
    """
    if not 1 <= k <= len(vectors):
        raise SelectionError(f"Choose between 1 and {len(vectors)} rows by distance, not {k}.")
    nearest = _Nearest(vectors, np.ones(len(vectors)) if weights is None else np.asarray(weights, dtype=np.float64))
    rows = np.empty(k, dtype=np.int64)
    for place in range(k):
        rows[place] = nearest.draw(rng) if place else nearest.begin(first, rng)
        nearest.add(rows[place])
    return rows


class _Nearest:
    """Squared distances of n rows to the nearest centre, exact for the rows drawn and upper bounds for the others."""

    def __init__(self, vectors: np.ndarray, weights: np.ndarray):
        self.vectors, self.weights = vectors, weights
        n, d = vectors.shape
        if weights.shape != (n,) or not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError(f"Weights must be {n} finite numbers of at least 0.")
        self.squares = np.empty(n)
        for part in _split(n):
            block = vectors[part].astype(np.float64)
            self.squares[part] = np.einsum("ij,ij->i", block, block)
        if not np.isfinite(self.squares).all():
            raise ValueError("Vectors must be finite; leave rows without a value out.")
        self.is_chosen = np.zeros(n, dtype=bool)
        self.n_chosen = 0
        self.bounds = np.full(n, np.inf)
        """(n,) squared distances to the nearest of the centres that were there at the last refresh."""
        self.sums = np.full(n, np.inf)
        """(n,) running sum of weight times bound."""
        self.new = np.empty((MOST_NEW, d))
        """(MOST_NEW, d) the centres since then, ``n_new`` of them."""
        self.new_squares = np.empty(MOST_NEW)
        self.n_new = self.n_refused = 0

    def begin(self, first: str, rng: np.random.Generator) -> int:
        """Return the first centre."""
        if first == "longest":
            return int(np.argmax(np.where(self.weights > 0, self.squares, -1.0)))
        sums = np.cumsum(self.weights)
        return _find(sums, rng) if sums[-1] > 0 else int(rng.integers(len(sums)))

    def add(self, row: int) -> None:
        """Make a row a centre."""
        self.is_chosen[row] = True
        self.n_chosen += 1
        if self.sums[-1] > 0:  # else all distances are 0 and stay so
            self.new[self.n_new] = self.vectors[row]
            self.new_squares[self.n_new] = self.squares[row]
            self.n_new += 1

    def draw(self, rng: np.random.Generator) -> int:
        """Draw the next centre."""
        if self.n_new >= min(MOST_NEW, max(1, self.n_chosen // 2)):
            self.refresh()
        while self.sums[-1] > 0:
            row = _find(self.sums, rng)
            if rng.random() * self.bounds[row] < self.measure(row):
                return row
            self.n_refused += 1
            if self.n_refused > 8 + len(self.sums) // 128:  # by now a refresh would have cost as much
                self.refresh()
        left = np.flatnonzero(~self.is_chosen & (self.weights > 0))
        if not len(left):
            left = np.flatnonzero(~self.is_chosen)
        return int(left[rng.integers(len(left))])

    def measure(self, row: int) -> float:
        """Return the squared distance of one row to its nearest centre as it is now."""
        if self.is_chosen[row]:
            return 0.0
        if not self.n_new:
            return self.bounds[row]
        return min(self.bounds[row], self.compare(slice(row, row + 1))[0])

    def refresh(self) -> None:
        """Bring every row's distance up to date."""
        if self.n_new:
            for part in _split(len(self.bounds)):
                np.minimum(self.bounds[part], self.compare(part), out=self.bounds[part])
        self.bounds[self.is_chosen] = 0.0
        self.sums = np.cumsum(self.bounds * self.weights)
        self.n_new = self.n_refused = 0

    def compare(self, part: slice) -> np.ndarray:
        """Return (m,) the squared distances of some rows to the nearest of the new centres."""
        distances = self.vectors[part].astype(np.float64) @ self.new[: self.n_new].T
        distances *= -2.0
        distances += self.new_squares[: self.n_new]
        least = distances.min(axis=1) + self.squares[part]
        least[least < TOLERANCE * self.squares[part]] = 0.0
        return least


def _split(n: int) -> list[slice]:
    """Return blocks of rows."""
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]


def _find(sums: np.ndarray, rng: np.random.Generator) -> int:
    """Draw a row in proportion to what it adds to the running sums; one that adds nothing is never drawn."""
    level = rng.random() * sums[-1]
    return int(np.searchsorted(sums, min(level, np.nextafter(sums[-1], 0.0)), side="right"))
