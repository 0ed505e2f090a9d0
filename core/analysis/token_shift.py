"""How far the words of one set are from those of another: total variation distance (Kessler 2025, C.5, figure 12)."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import numpy as np
import pandas as pd

Split = Callable[[str], Sequence[str]]
"""Splits a text into tokens, none of which depends on what stands beyond a space: so each word is split once."""


def count_tokens(texts: Iterable[str], split: Split) -> Counter[str]:
    """Return token -> how often it stands in all the texts."""
    words: Counter[str] = Counter()
    for text in texts:
        words.update(text.split())
    counts: Counter[str] = Counter()
    for word, n in words.items():
        for token in split(word):
            counts[token] += n
    return counts


def measure_shift(first: Counter[str], second: Counter[str]) -> float | None:
    """Return half the sum of the differences of all shares: 0 with the same shares, 1 with no token in common.

    None where one of them has no token.
    """
    if not first.total() or not second.total():
        return None
    n_first, n_second = first.total(), second.total()
    return sum(abs(first[token] / n_first - second[token] / n_second) for token in first | second) / 2


def list_shifted(first: Counter[str], second: Counter[str], n: int = 20) -> pd.DataFrame:
    """Return the tokens that contribute most, the largest first, ties by the token.

    Returns:
        token, ``first`` and ``second`` (its shares, from 0 to 1), ``part`` (half their difference: above 0 where the
        second has more of it); empty where one has no token.
    """
    n_first, n_second = first.total(), second.total()
    tokens = list(first | second) if n_first and n_second else []
    shares = [[counts[token] / total for token in tokens] for counts, total in ((first, n_first), (second, n_second))]
    return rank_shifts(tokens, *shares, n)


def rank_shifts(tokens: Sequence[str], first: Sequence[float], second: Sequence[float], n: int) -> pd.DataFrame:
    """Return what ``list_shifted`` does, of tokens whose shares in both sets are known.

    Args:
        tokens: each once.
        first: their shares in the first set.
        second: in the second.
        n: rows at most.
    """
    table = pd.DataFrame({"token": pd.Series(tokens, dtype=object), "first": first, "second": second})
    table["part"] = (table["second"] - table["first"]) / 2
    order = table.assign(size=table["part"].abs()).sort_values(["size", "token"], ascending=[False, True]).index
    return table.loc[order].head(n).reset_index(drop=True)


MOST_TEXTS = 100_000
"""Texts that whoever measures shifts for a page gives at most: beyond, as many of each round of a run."""

AT_RANDOM = "as many seeds at random"
"""Name of what ``draw_at_random`` draws, as an arm beside the others."""

N_DRAWS = 5


def draw_at_random(seeds: Sequence[str], children: pd.DataFrame) -> pd.DataFrame:
    """Return seeds drawn at random, with replacement, as many as an arm has children of each round.

    A small set lies far from a large one even if it is drawn from it: what arms are held against is the distance of as
    many seeds, not 0.

    Args:
        seeds: texts of the whole seed set, at least one.
        children: of ``measure_shifts``; the median number of children of all runs is drawn.

    Returns:
        The columns of ``children``, of the arm AT_RANDOM: a replicate for each of N_DRAWS draws.
    """
    sizes = children.groupby(["round", "method", "replicate"]).size().groupby("round").median().round().astype(int)
    rng = np.random.default_rng(0)
    rows = [
        (AT_RANDOM, draw, number, seeds[place])
        for draw in range(N_DRAWS)
        for number, n in sizes.items()
        for place in rng.integers(len(seeds), size=n)
    ]
    return pd.DataFrame(rows, columns=["method", "replicate", "round", "text"])


def measure_shifts(seeds: Iterable[str], children: pd.DataFrame, split: Split) -> pd.DataFrame:
    """Return how far each arm's data of all rounds so far is from the seed set, after each round (figure 12).

    Args:
        seeds: texts of the whole seed set.
        children: a row per accepted child: method, replicate, round and ``text``.
        split: splits a text into tokens.

    Returns:
        method, round, ``mean`` and ``se`` over replicates of the distance (0 to 1; se NaN with one replicate), ``n``.
    """
    words = Words(split)
    first = words.read("\n".join(seeds))
    codes, texts = pd.factorize(children["text"])
    tokens = [words.read(text) for text in texts]
    counts = np.bincount(first, minlength=words.n_tokens)
    shares = counts / max(len(first), 1)
    rows = []
    for (method, replicate), own in children.assign(code=codes).groupby(["method", "replicate"], sort=True):
        rounds, place = np.unique(own["round"], return_inverse=True)
        shifts = _measure_so_far(shares, [tokens[code] for code in own["code"]], place)
        for number, shift in zip(rounds, shifts, strict=True):
            rows.append({"method": method, "replicate": replicate, "round": number, "shift": shift})
    table = pd.DataFrame(rows, columns=["method", "replicate", "round", "shift"]).dropna(subset=["shift"])
    found = table.groupby(["method", "round"], sort=True)["shift"].agg(mean="mean", se="sem", n="size")
    return found.reset_index()


class Words(dict[str, tuple[int, ...]]):
    """Word -> the numbers of its tokens; one that is new is split, and tokens that are new get the next number."""

    def __init__(self, split: Split):
        super().__init__()
        self._split = split
        self._numbers: dict[str, int] = {}

    def __missing__(self, word: str) -> tuple[int, ...]:
        numbers = self._numbers
        found = self[word] = tuple([numbers.setdefault(token, len(numbers)) for token in self._split(word)])
        return found

    @property
    def n_tokens(self) -> int:
        """Tokens that were met so far."""
        return len(self._numbers)

    def list_tokens(self) -> list[str]:
        """Return every token that was read, by its number."""
        return list(self._numbers)

    def read(self, text: str) -> np.ndarray:
        """Return the numbers of a text's tokens; (n,) int32."""
        return np.fromiter(chain.from_iterable(map(self.__getitem__, text.split())), dtype=np.int32)


def _measure_so_far(shares: np.ndarray, tokens: Sequence[np.ndarray], place: np.ndarray) -> np.ndarray:
    """Return ``measure_shift`` to one run's data of all rounds so far; NaN where one of the two has no token.

    Args:
        shares: (v,) of each token in the seed set.
        tokens: of each text of the run.
        place: (texts,) which round it is of, from 0.
    """
    n_rounds, together = int(place.max()) + 1, np.concatenate(tokens)
    is_used = np.zeros(len(shares), dtype=bool)
    is_used[together] = True
    local = np.cumsum(is_used) - 1  # only what the run says is counted: a seed set may have far more tokens
    n_used = int(is_used.sum())
    cells = np.repeat(place, [len(each) for each in tokens]) * n_used + local[together]
    counts = np.bincount(cells, minlength=n_rounds * n_used).reshape(n_rounds, n_used).cumsum(axis=0)
    totals = counts.sum(axis=1)
    if not shares.any():
        return np.full(n_rounds, np.nan)
    own = counts / np.where(totals > 0, totals, np.nan)[:, None]
    return (np.abs(shares[is_used] - own).sum(axis=1) + shares[~is_used].sum()) / 2 + np.where(totals > 0, 0, np.nan)
