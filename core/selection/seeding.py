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

BLOCK = 1 << 21
"""Numbers of the vectors that are measured together; they become float64, 16 MB."""

MOST_NEW = 256
"""Centres after which all distances are brought up to date at the latest."""

NEW_SHARE = 0.5
"""Share of the centres that may be new before that: at first distances fall so fast that most draws would fail."""

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
    rows[0] = nearest.begin(first, rng)
    for place in range(1, k):
        rows[place] = nearest.draw(rng)
    return rows


class _Nearest:
    """Squared distances of n rows to the nearest centre: as of the last refresh for all, as of now for a drawn one."""

    def __init__(self, vectors: np.ndarray, weights: np.ndarray):
        self.vectors, self.weights = vectors, weights
        n, d = vectors.shape
        if weights.shape != (n,) or not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError(f"Weights must be {n} finite numbers of at least 0.")
        size = max(1, BLOCK // max(1, d))
        self.parts = [slice(start, start + size) for start in range(0, n, size)]
        self.squares = np.concatenate([_square(vectors[part]) for part in self.parts])
        if not np.isfinite(self.squares).all():
            raise ValueError("Vectors must be finite; leave rows without a value out.")
        self.is_chosen = np.zeros(n, dtype=bool)
        self.n_chosen = 0
        self.bounds = np.full(n, np.inf)
        """(n,) squared distances to the nearest of the centres that were there at the last refresh."""
        self.sums = np.empty(n)
        """(n,) running sum of weight times bound."""
        self.new = np.empty((MOST_NEW, d))
        """(MOST_NEW, d) the centres since then, ``n_new`` of them."""
        self.new_squares = np.empty(MOST_NEW)
        self.n_new = self.n_refused = 0

    def begin(self, first: str, rng: np.random.Generator) -> int:
        """Choose the first centre."""
        if first == "longest":
            row = int(np.argmax(np.where(self.weights > 0, self.squares, -1.0)))
        else:
            sums = np.cumsum(self.weights)
            row = _find(sums, rng) if sums[-1] > 0 else int(rng.integers(len(sums)))
        self.add(row)
        self.refresh()
        return row

    def draw(self, rng: np.random.Generator) -> int:
        """Choose the next centre."""
        if self.n_new >= min(MOST_NEW, max(1, NEW_SHARE * self.n_chosen)):
            self.refresh()
        while self.sums[-1] > 0:
            row = _find(self.sums, rng)
            if rng.random() * self.bounds[row] < self.measure(row):
                self.add(row)
                return row
            self.n_refused += 1
            if self.n_refused > 8 + len(self.sums) // 128:  # together they have cost as much as a refresh
                self.refresh()
        left = np.flatnonzero(~self.is_chosen & (self.weights > 0))
        if not len(left):
            left = np.flatnonzero(~self.is_chosen)
        row = int(left[rng.integers(len(left))])
        self.is_chosen[row] = True  # distances are 0 and stay so
        return row

    def add(self, row: int) -> None:
        """Make a row a centre."""
        self.is_chosen[row] = True
        self.n_chosen += 1
        self.new[self.n_new] = self.vectors[row]
        self.new_squares[self.n_new] = self.squares[row]
        self.n_new += 1

    def measure(self, row: int) -> float:
        """Return the squared distance of one row to its nearest centre as it is now; more than its bound means that."""
        if self.is_chosen[row]:
            return 0.0
        return self.compare(slice(row, row + 1))[0] if self.n_new else self.bounds[row]

    def refresh(self) -> None:
        """Bring every row's distance up to date."""
        if self.n_new:
            for part in self.parts:
                np.minimum(self.bounds[part], self.compare(part), out=self.bounds[part])
        self.bounds[self.is_chosen] = 0.0  # whatever rounding says: it could be all that is left to draw
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


def _square(rows: np.ndarray) -> np.ndarray:
    """Return (m,) float64 squared lengths."""
    wide = rows.astype(np.float64)
    return np.einsum("ij,ij->i", wide, wide)


def _find(sums: np.ndarray, rng: np.random.Generator) -> int:
    """Draw a row in proportion to what it adds to the running sums; one that adds nothing is never drawn."""
    level = rng.random() * sums[-1]
    return int(np.searchsorted(sums, min(level, np.nextafter(sums[-1], 0.0)), side="right"))
