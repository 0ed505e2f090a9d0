"""How often each token stands in each of many texts, kept so that any two sets of them can be held against each other.

Total variation distance as in ``core.analysis.token_shift`` (Kessler 2025, C.5); here sets are rows that a reader
chooses, so what is kept is a count per text and token.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.analysis.token_shift import Split, Words, rank_shifts

N_SPLITS = 200
"""Times that a set is split in two."""


@dataclass(frozen=True, slots=True)
class Null:
    """How far two halves of one set are from each other, which is what distance 0 looks like at this size."""

    mean: float
    low: float
    high: float
    """Where 95 % of the splits lie."""

    n: int
    """Texts of each half."""


class TokenCounts:
    """Counts of n texts.

    Args:
        starts: (n + 1,) where each text's entries begin.
        tokens: (e,) int32 the token of each entry.
        counts: (e,) int32 how often it stands there.
        names: token -> how it is written.
    """

    def __init__(self, starts: np.ndarray, tokens: np.ndarray, counts: np.ndarray, names: Sequence[str]):
        from scipy.sparse import csr_array

        self.names = list(names)
        self._table = csr_array((counts, tokens, starts), shape=(len(starts) - 1, len(self.names)), dtype=np.int64)

    @classmethod
    def of(cls, texts: Sequence[str], split: Split) -> "TokenCounts":
        """Count the tokens of texts; none depends on what stands beyond a space."""
        words, starts, tokens, counts = Words(split), [0], [], []
        for text in texts:
            found, n = np.unique(words.read(text), return_counts=True)
            tokens.append(found)
            counts.append(n)
            starts.append(starts[-1] + len(found))
        empty = [np.empty(0, np.int32)]
        return cls(
            np.array(starts), np.concatenate(tokens or empty), np.concatenate(counts or empty), words.list_tokens()
        )

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made; plain arrays and JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"starts": self._table.indptr, "tokens": self._table.indices, "counts": self._table.data}
        with (folder / "counts.npz").open("wb") as file:
            np.savez(file, **{name: array.astype(np.int32) for name, array in arrays.items()})
        (folder / "tokens.json").write_text(json.dumps(self.names, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TokenCounts":
        """Read what ``save`` wrote."""
        with np.load(folder / "counts.npz", allow_pickle=False) as arrays:
            kept = {name: arrays[name] for name in ("starts", "tokens", "counts")}
        return cls(**kept, names=json.loads((folder / "tokens.json").read_text(encoding="utf-8")))

    def add_up(self, rows: np.ndarray) -> np.ndarray:
        """Return (tokens,) how often each stands in these texts together."""
        chosen = np.zeros(self._table.shape[0], np.int64)
        np.add.at(chosen, rows, 1)
        return chosen @ self._table

    def measure(self, first: np.ndarray, second: np.ndarray) -> float | None:
        """Return the distance of two sets of texts, 0 to 1; None where one has no token."""
        return _measure(self.add_up(first), self.add_up(second))

    def list_shifted(
        self, first: np.ndarray, second: np.ndarray, n: int = 20, *, has_signs: bool = True
    ) -> pd.DataFrame:
        """Return the tokens that contribute most, as ``core.analysis.token_shift.list_shifted`` has them.

        Args:
            first: rows of the one set.
            second: rows of the other.
            n: at most so many.
            has_signs: also tokens without a letter: numbers and signs. Shares are of all tokens in any case.
        """
        counts = self.add_up(first), self.add_up(second)
        first_shares, second_shares = (each / max(each.sum(), 1) for each in counts)
        differ = np.flatnonzero(first_shares != second_shares)
        if not has_signs:
            differ = np.array([token for token in differ if any(map(str.isalpha, self.names[token]))], int)
        names = [self.names[token] for token in differ]
        return rank_shifts(names, first_shares[differ], second_shares[differ], n)

    def find_null(self, rows: np.ndarray, n_other: int, seed: int = 0) -> Null | None:
        """Return how far parts of one set are from each other: split at random, many times.

        Args:
            rows: the set.
            n_other: texts of the other set; a half has no more, since small sets lie farther apart.
            seed: of the splits.

        Returns:
            None where there are fewer than two texts, or a half has no token.
        """
        rng, size = np.random.default_rng([seed, 6]), min(len(rows) // 2, n_other)
        if size < 1:
            return None
        found = []
        for _ in range(N_SPLITS):
            drawn = rng.permutation(rows)
            found.append(self.measure(drawn[:size], drawn[size : 2 * size]))
        if None in found:
            return None
        low, high = np.percentile(found, [2.5, 97.5])
        return Null(float(np.mean(found)), float(low), float(high), size)

    def measure_equal(self, first: np.ndarray, second: np.ndarray, size: int, seed: int = 0) -> float | None:
        """Return the mean distance of parts of two sets, drawn at random many times: comparable with ``find_null``.

        Args:
            first: a set of at least ``size`` texts.
            second: another one.
            size: texts of each part.
            seed: of the draws.

        Returns:
            None where a part has no token.
        """
        rng = np.random.default_rng([seed, 7])
        found = [
            self.measure(*(rng.choice(rows, size, replace=False) for rows in (first, second))) for _ in range(N_SPLITS)
        ]
        return None if None in found else float(np.mean(found))

    def list_rows_with(self, token: str, rows: np.ndarray, n: int) -> np.ndarray:
        """Return those of the rows whose texts hold a token, those that hold it most often first; at most n."""
        if token not in self.names:
            return np.empty(0, np.int64)
        column = self._table[:, [self.names.index(token)]].toarray()[rows, 0]
        order = np.argsort(-column, kind="stable")[:n]
        return rows[order[column[order] > 0]]


def _measure(first: np.ndarray, second: np.ndarray) -> float | None:
    n_first, n_second = first.sum(), second.sum()
    if not n_first or not n_second:
        return None
    return float(np.abs(first / n_first - second / n_second).sum() / 2)
