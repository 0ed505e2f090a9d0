"""How far the words of one set are from those of another: total variation distance (Kessler 2025, C.5, figure 12)."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import pandas as pd

Split = Callable[[str], Sequence[str]]
"""Splits a text into tokens."""


def count_tokens(texts: Iterable[str], split: Split) -> Counter[str]:
    """Return token -> how often it stands in all the texts."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split(text))
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
    table = pd.DataFrame(
        {
            "token": pd.Series(tokens, dtype=object),
            "first": [first[token] / n_first for token in tokens],
            "second": [second[token] / n_second for token in tokens],
        }
    )
    table["part"] = (table["second"] - table["first"]) / 2
    order = table.assign(size=table["part"].abs()).sort_values(["size", "token"], ascending=[False, True]).index
    return table.loc[order].head(n).reset_index(drop=True)


def measure_shifts(seeds: Iterable[str], children: pd.DataFrame, split: Split) -> pd.DataFrame:
    """Return how far each arm's data of all rounds so far is from the seed set, after each round (figure 12).

    Args:
        seeds: texts of the whole seed set.
        children: a row per accepted child: method, replicate, round and ``text``.
        split: splits a text into tokens.

    Returns:
        method, round, ``mean`` and ``se`` over replicates of the distance (0 to 1; se NaN with one replicate), ``n``.
    """
    first = count_tokens(seeds, split)
    rows = []
    for (method, replicate), own in children.groupby(["method", "replicate"], sort=True):
        so_far: Counter[str] = Counter()
        for number, texts in own.groupby("round", sort=True)["text"]:
            so_far += count_tokens(texts, split)
            shift = measure_shift(first, so_far)
            rows.append({"method": method, "replicate": replicate, "round": number, "shift": shift})
    table = pd.DataFrame(rows, columns=["method", "replicate", "round", "shift"]).dropna(subset=["shift"])
    found = table.groupby(["method", "round"], sort=True)["shift"].agg(mean="mean", se="sem", n="size")
    return found.reset_index()
