"""What several selectors make of one pool: how much they share, and which problems they favour beyond chance.

Chance means: k problems drawn from the same pool, each alike likely. What a choice has more or less of than 95 of 100
such draws is called favoured or avoided; of twenty numbers that mean nothing, one is expected to look so. It knows
arrays and the columns of ``store.read_pool``, and nothing of how a choice was made.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.accuracy import Z_95, spearman_interval

KINDS = ("type", "level", "n_steps")
"""What a problem may say of itself in ``meta`` and choices may favour."""

NOT_GIVEN, ALL_OTHERS = "not given", "all others"

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Choice:
    """The rows that one selector took."""

    selector: str
    pick: str
    rows: np.ndarray
    """(k,) int64 into the pool, no repeats."""

    n_topped_up: int = 0
    """Rows of these that were drawn at random because a group ran short."""

    @property
    def label(self) -> str:
        """What people read: ``loss_high``, ``loss_high · softmax``."""
        return name_choice(self.selector, self.pick)


def name_choice(selector: str, pick: str = "argmax") -> str:
    """Return the label of a choice; argmax, the usual pick, is not named."""
    return selector if pick == "argmax" else f"{selector} · {pick}"


# -- overlap -----------------------------------------------------------------------------------------------------


def count_shared(choices: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return how many rows every two choices have in common; index and columns are the labels, int64."""
    labels = list(choices)
    if not labels:
        return pd.DataFrame(dtype=np.int64)
    n = 1 + max((int(rows.max()) for rows in choices.values() if len(rows)), default=0)
    is_in = np.zeros((len(labels), n), dtype=np.int64)
    for place, rows in enumerate(choices.values()):
        is_in[place, rows] = 1
    return pd.DataFrame(is_in @ is_in.T, index=labels, columns=labels)


def measure_overlap(choices: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the share of each row's choice that the column's choice took too, in [0, 1].

    Symmetric where all choices are of the same size; NaN for an empty choice.
    """
    shared = count_shared(choices)
    sizes = np.array([len(rows) for rows in choices.values()], dtype=float)
    return shared / np.where(sizes > 0, sizes, np.nan)[:, None]


def list_pairs(choices: Mapping[str, np.ndarray], n: int) -> pd.DataFrame:
    """Return one row for every two choices, the closest first.

    Args:
        choices: label -> rows of a choice.
        n: problems that could be chosen.

    Returns:
        Columns first, second, n_shared; share (of the smaller choice) and jaccard (of what either took), in [0, 1];
        expected, low, high: rows that two random choices of these sizes share on average, and the 95 % range;
        is_chance: n_shared lies in that range.
    """
    labels, shared, found = list(choices), count_shared(choices), []
    for place, first in enumerate(labels):
        for second in labels[place + 1 :]:
            a, b = len(choices[first]), len(choices[second])
            n_shared = int(shared.loc[first, second])
            low, high = range_of_count(n, a, b)
            found.append(
                {
                    "first": first,
                    "second": second,
                    "n_shared": n_shared,
                    "share": n_shared / min(a, b) if min(a, b) else math.nan,
                    "jaccard": n_shared / (a + b - n_shared) if a + b else math.nan,
                    "expected": a * b / n if n else math.nan,
                    "low": low,
                    "high": high,
                    "is_chance": low <= n_shared <= high,
                }
            )
    columns = ["first", "second", "n_shared", "share", "jaccard", "expected", "low", "high", "is_chance"]
    return pd.DataFrame(found, columns=columns).sort_values("share", ascending=False, kind="stable", ignore_index=True)


# -- chance ------------------------------------------------------------------------------------------------------


def range_of_count(n: int, n_marked: int, k: int, level: float = 0.95) -> tuple[int, int]:
    """Return the central range of how many marked problems a random choice holds (hypergeometric).

    Args:
        n: problems to choose from.
        n_marked: those among them that are marked.
        k: problems drawn without replacement.
        level: probability that the count lies in the range; as counts are whole, it is at least this.

    Returns:
        Lowest and highest count, both of them inside.
    """
    least, most = max(0, k + n_marked - n), min(k, n_marked)
    if least >= most:
        return least, most
    x = np.arange(least, most, dtype=np.float64)
    steps = np.log((n_marked - x) * (k - x)) - np.log((x + 1) * (n - n_marked - k + x + 1))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    chances = np.exp(logs - logs.max())
    below = np.cumsum(chances / chances.sum())
    tail = (1 - level) / 2
    low, high = np.searchsorted(below, [tail, 1 - tail], side="left")
    return least + int(low), least + min(int(high), most - least)


def range_of_mean(values: np.ndarray, k: int, z: float = Z_95) -> tuple[float, float]:
    """Return the range of the mean of k values drawn from the known ones without replacement.

    For values that are 0 or 1 it is exact (hypergeometric), for others the normal approximation with the correction
    for a finite pool (Cochran 1977, section 2.5). NaN where fewer than two values are known, or k is 0.

    Args:
        values: (n,) float64, NaN where unknown.
        k: known values among the drawn ones.
        z: normal quantile.
    """
    known = values[np.isfinite(values)]
    n = len(known)
    if n < 2 or not 0 < k <= n:
        return math.nan, math.nan
    if np.isin(known, (0.0, 1.0)).all():
        low, high = range_of_count(n, int(known.sum()), k)
        return low / k, high / k
    spread = z * float(known.std(ddof=1)) * math.sqrt((1 - k / n) / k)
    return float(known.mean()) - spread, float(known.mean()) + spread


# -- what is favoured --------------------------------------------------------------------------------------------


def read_traits(frame: pd.DataFrame) -> pd.DataFrame:
    """Return what a problem and the student's answer to it are like; one row per problem, index 0 to n - 1.

    Args:
        frame: of ``store.read_pool``, or of ``recipes.selecting.read_pool``, which knows of steps.

    Returns:
        type (str, None where not given) and, as float64 with NaN where unknown: level, n_steps; is_wrong (by every step
        where the task checks them), is_truncated (1.0 or 0.0) and answer_tokens of the student's answer;
        question_words, reference_words.
    """
    about = [_read_meta(text) for text in frame["meta"]]
    types = [row.get("type") for row in about]
    return pd.DataFrame(
        {
            "type": pd.Series([None if kind is None else str(kind).strip() or None for kind in types], dtype=object),
            "level": np.array([_to_number(row.get("level")) for row in about], dtype=float),
            "n_steps": np.array([_to_number(row.get("n_steps")) for row in about], dtype=float),
            "is_wrong": 1.0 - _to_floats(frame["correct"] if "correct" in frame else frame["is_correct"]),
            "is_truncated": _to_floats(frame["is_truncated"]),
            "answer_tokens": _to_floats(frame["n_tokens"]),
            "question_words": _count_words(frame["question"]),
            "reference_words": _count_words(frame["answer"]),
        }
    )


def summarise_choices(choices: Mapping[str, np.ndarray], columns: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return what the chosen problems are like on average.

    Args:
        choices: label -> (k,) rows.
        columns: quantity -> (m,) float64 over the pool, NaN where unknown or where a row may not be chosen.

    Returns:
        One row per choice and quantity: choice, quantity, n (chosen rows with a value), mean, median (NaN without
        any); low, high: range of the mean of as many rows drawn at random; is_chance: the mean lies in it, True where
        the range is unknown.
    """
    found = []
    for quantity, values in columns.items():
        for label, rows in choices.items():
            known = values[rows][np.isfinite(values[rows])]
            mean, median = (float(known.mean()), float(np.median(known))) if len(known) else (math.nan, math.nan)
            low, high = range_of_mean(values, len(known))
            is_outside = mean < low - 1e-12 or mean > high + 1e-12
            found.append((label, quantity, len(known), mean, median, low, high, not is_outside))
    return pd.DataFrame(found, columns=["choice", "quantity", "n", "mean", "median", "low", "high", "is_chance"])


def name_values(values: pd.Series, most: int = 12) -> tuple[np.ndarray, list[str]]:
    """Return each problem's value as a text, and the texts in the order in which they are shown.

    Numbers rise, words begin with the most frequent one. Where there are more than ``most``, the rarest become
    ``all others``; a missing value is ``not given``. Both come last.

    Args:
        values: (n,) text or numbers, None or NaN where not given.
        most: different values that are shown by name.
    """
    is_given = values.notna().to_numpy()
    texts = np.array([_to_text(value) if given else NOT_GIVEN for value, given in zip(values, is_given, strict=True)])
    counts = pd.Series(texts[is_given], dtype=object).value_counts()
    names = sorted(counts.index, key=lambda name: (-counts[name], name))
    if len(names) > most:
        rare = set(names[most - 1 :])
        texts = np.array(
            [ALL_OTHERS if given and text in rare else text for text, given in zip(texts, is_given, strict=True)]
        )
        names = names[: most - 1]
    if all(_NUMBER.fullmatch(name) for name in names):
        names.sort(key=float)
    return texts, [*names, *(name for name in (ALL_OTHERS, NOT_GIVEN) if name in set(texts))]


def compare_shares(
    choices: Mapping[str, np.ndarray], values: pd.Series, is_free: np.ndarray, most: int = 12
) -> pd.DataFrame:
    """Return how often each value occurs among the chosen problems, against the pool.

    Args:
        choices: label -> (k,) rows.
        values: (n,) text or numbers, None or NaN where not given.
        is_free: (n,) bool, rows that could be chosen: they are the pool here.
        most: values shown by name, see ``name_values``.

    Returns:
        One row per value and choice: value, choice, n_pool, pool_share, n, share (in [0, 1]); ratio (share over
        pool_share, 1: as often as in the pool); low, high: range of the share in a random choice of the same size;
        is_chance: the share lies in it.
    """
    texts, names = name_values(values, most)
    n_free, found = int(is_free.sum()), []
    for name in names:
        is_it = texts == name
        n_pool = int((is_it & is_free).sum())
        if not n_pool:
            continue
        for label, rows in choices.items():
            k, n = len(rows), int(is_it[rows].sum())
            low, high = range_of_count(n_free, n_pool, k)
            share = n / k if k else math.nan
            ratio = share / (n_pool / n_free)
            found.append(
                (
                    name,
                    label,
                    n_pool,
                    n_pool / n_free,
                    n,
                    share,
                    ratio,
                    low / max(k, 1),
                    high / max(k, 1),
                    low <= n <= high,
                )
            )
    columns = ["value", "choice", "n_pool", "pool_share", "n", "share", "ratio", "low", "high", "is_chance"]
    return pd.DataFrame(found, columns=columns)


# -- length ------------------------------------------------------------------------------------------------------


def correlate_with_length(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Return Spearman's rank correlation of each signal with the length of what it scores.

    Reward models are known to follow length (Shen 2023; Bu 2025), so a choice by reward may be one of long or short
    answers. The 95 % interval is that of Bonett & Wright 2000.

    Args:
        pairs: signal -> its values and the lengths, both (n,) float64 with NaN where unknown.

    Returns:
        Columns signal, n (rows with both), correlation, low, high in [-1, 1]; NaN where fewer than four rows have
        both, or where all values or all lengths are equal.
    """
    found = []
    for signal, (values, lengths) in pairs.items():
        known = np.isfinite(values) & np.isfinite(lengths)
        ranks = pd.DataFrame({"value": values[known], "length": lengths[known]}).rank()
        n, correlation, low, high = len(ranks), math.nan, math.nan, math.nan
        if n >= 4 and (ranks.nunique() > 1).all():
            correlation = min(1.0, max(-1.0, float(ranks["value"].corr(ranks["length"]))))
            low, high = spearman_interval(correlation, n)
        found.append((signal, n, correlation, low, high))
    return pd.DataFrame(found, columns=["signal", "n", "correlation", "low", "high"])


# -- reading -----------------------------------------------------------------------------------------------------


def _read_meta(text: str | None) -> Mapping[str, object]:
    if not isinstance(text, str):
        return {}
    about = json.loads(text)
    return about if isinstance(about, dict) else {}


def _to_number(value: object) -> float:
    """Return 3.0 for 3, "3" and "Level 3"; NaN where no number is in it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _NUMBER.search(value) if isinstance(value, str) else None
    return float(match.group()) if match else math.nan


def _to_text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _to_floats(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=float, na_value=np.nan)


def _count_words(texts: pd.Series) -> np.ndarray:
    return np.array([float(len(text.split())) if isinstance(text, str) else math.nan for text in texts], dtype=float)
