"""Whether asking for a kind of seed brings that kind of child: seeds chosen by a wish, their children beside all.

A wish is what a person turns to: hard, long, of this type. It takes seeds by a value that they have; what is told is a
value of their children, against that of the children of all seeds. Every seed has one child, so children are
independent, and which of them are chosen is settled by their seeds alone.

Sources: Newcombe 1998 (``accuracy.independent_difference``) for a share; Efron 1979, percentiles of a bootstrap over
children, for a mean. All children hold the chosen ones too: with a share s of them chosen the difference to all is
(1 - s) times that to the others, and so are its limits. This file knows nothing of runs or students.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.accuracy import independent_difference
from core.analysis.paired import resample_means

FEWEST = 10
"""Children that the chosen and the other seeds must have each; below nothing is told."""

MOST_TYPES = 8
"""Types that can be asked for: the most frequent ones."""

SHARES = ("right", "type")
"""Measures whose values are 1 and 0, so that their mean is a share."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of the seeds, and by what their children are told.

    A measure is ``right``, ``loss``, ``reward`` or ``words``: of a seed ``NAME_seed`` in a table of pairs, of its child
    ``NAME_child``; or ``type``: whether the child is of the type that was asked for.
    """

    name: str
    """As an address has it: ``hard``, ``type:places``, ``level:3``."""

    column: str
    """Of the seed: a measure, ``type`` or ``level``."""

    direction: int
    """1: the highest values, -1: the lowest, 0: those that are ``value``."""

    value: str | float | None
    measure: str
    """What is told of the children."""

    axis: str
    """What their distribution is drawn of: ``loss``, ``reward`` or ``words``."""

    unit: str | None = None
    """Of a level: ``level`` or ``n_steps``, whichever the seeds have."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Children of the chosen seeds against the children of all; None throughout where too few are known."""

    n_chosen: int
    """Children of chosen seeds whose value is known."""

    n_all: int
    chosen: float | None
    """Their mean; of right answers the share, 0 to 1."""

    all: float | None
    difference: float | None
    """Chosen minus all."""

    low: float | None
    """End of its 95 % interval."""

    high: float | None

    @property
    def is_told(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and (self.low > 0 or self.high < 0)


# -- pairs -------------------------------------------------------------------------------------------------------


def make_pairs(scores: pd.DataFrame, texts: pd.DataFrame, student: str) -> pd.DataFrame:
    """Return one row for each seed with its child, in the eyes of one student, by candidate_id.

    Args:
        scores: of ``list_child_scores``.
        texts: a row per child: candidate_id, question_seed and question_child, meta_seed (JSON text or NULL); further
            columns are kept.
        student: its label in ``scores``.

    Returns:
        The columns of ``texts``, and right_, loss_, reward_, words_ with ``seed`` and ``child`` behind (float64, NaN:
        unknown), type (text or None), level (float64), unit (``level`` or ``n_steps``, or None).
    """
    own = scores[scores["student"] == student]
    found = own.drop_duplicates("candidate_id").set_index("candidate_id")
    table = texts[texts["candidate_id"].isin(found.index)].sort_values("candidate_id", ignore_index=True)
    ids = table["candidate_id"]
    for side, moment in (("seed", "before"), ("child", "after")):
        table[f"right_{side}"] = ids.map(found[f"is_right_{moment}"]).astype("boolean").astype("Float64").to_numpy(
            dtype=float, na_value=np.nan
        )  # fmt: skip
        for signal in ("loss", "reward"):
            values = own[own["signal"] == signal].set_index("candidate_id")[moment]
            table[f"{signal}_{side}"] = ids.map(values).to_numpy(dtype=float, na_value=np.nan)
        table[f"words_{side}"] = [
            float(len(text.split())) if isinstance(text, str) else math.nan for text in table[f"question_{side}"]
        ]
    about = [_read_meta(text) for text in table["meta_seed"]]
    unit = next((name for name in ("level", "n_steps") if any(_is_number(row.get(name)) for row in about)), None)
    table["type"] = [str(row["type"]).strip() or None if row.get("type") is not None else None for row in about]
    table["level"] = [float(row[unit]) if unit and _is_number(row.get(unit)) else math.nan for row in about]
    table["unit"] = unit
    return table


def _read_meta(text: Any) -> Mapping[str, Any]:
    meta = json.loads(text) if isinstance(text, str) else None
    return meta if isinstance(meta, dict) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# -- wishes ------------------------------------------------------------------------------------------------------


def list_wishes(pairs: pd.DataFrame) -> list[Wish]:
    """Return what can be asked for: only what enough seeds have, and enough have not.

    Args:
        pairs: of ``make_pairs``, with ``type_child`` (of ``tell_child_types``) where that was told.
    """
    answered = "right" if _has_enough(pairs["right_child"], 1) else "loss"
    found = []
    for column, measure, high, low in (
        ("loss", answered, "hard", "easy"),
        ("reward", "reward", "high_reward", "low_reward"),
        ("words", "words", "long", "short"),
    ):
        if _has_enough(pairs[f"{column}_seed"]) and pairs[f"{column}_seed"].nunique() > 1:
            found += [Wish(high, column, 1, None, measure, column), Wish(low, column, -1, None, measure, column)]
    types = [value for value, n in pairs["type"].value_counts().items() if FEWEST <= n <= len(pairs) - FEWEST]
    levels = pairs["level"].value_counts()
    about_types = "type" if "type_child" in pairs and _has_enough(pairs["type_child"]) else answered
    found += [Wish(f"type:{value}", "type", 0, value, about_types, "loss") for value in types[:MOST_TYPES]]
    unit = pairs["unit"].iloc[0] if len(pairs) else None
    found += [
        Wish(f"level:{value:g}", "level", 0, float(value), answered, "loss", unit)
        for value in sorted(levels.index)
        if FEWEST <= levels[value] <= len(pairs) - FEWEST
    ]
    return found


def _has_enough(values: pd.Series, n_groups: int = 2) -> bool:
    return int(values.notna().sum()) >= n_groups * FEWEST


def choose_by_wish(pairs: pd.DataFrame, wish: Wish, share: float) -> np.ndarray:
    """Return which seeds a wish takes; (n,) bool.

    Of seeds with the same value at the edge those are taken whose id has the lowest hash: neither the order of the rows
    nor anything about the seeds decides.

    Args:
        pairs: with ``problem_id`` and the wish's column.
        wish: what is asked for.
        share: of the seeds whose value is known, in (0, 1); a wish for a value takes all that have it.
    """
    if wish.direction == 0:
        return (pairs[wish.column] == wish.value).to_numpy(dtype=bool)
    values = pairs[f"{wish.column}_seed"].to_numpy(dtype=float)
    n_known = int(np.isfinite(values).sum())
    n_wanted = min(max(round(share * n_known), 1), n_known)
    hashes = [hashlib.blake2b(str(id_).encode(), digest_size=8).digest() for id_ in pairs["problem_id"]]
    order = np.lexsort((np.array(hashes), np.where(np.isfinite(values), -wish.direction * values, np.inf)))
    is_chosen = np.zeros(len(pairs), dtype=bool)
    is_chosen[order[:n_wanted]] = True
    return is_chosen


def take_measure(pairs: pd.DataFrame, wish: Wish, measure: str) -> pd.Series:
    """Return a measure of the children; of ``type`` 1 where a child is of the type that is asked for, else 0."""
    if measure == "type":
        return (pairs["type_child"] == wish.value).astype(float).where(pairs["type_child"].notna())
    return pairs[f"{measure}_child"]


def compare_children(values: Sequence[float], is_chosen: Sequence[bool], *, is_share: bool) -> Difference:
    """Return how the children of chosen seeds differ from the children of all.

    Args:
        values: (n,) one for each child; NaN where unknown.
        is_chosen: (n,) whether its seed was chosen.
        is_share: whether the values are 1 and 0, so that their mean is a share.
    """
    values, is_chosen = np.asarray(values, float), np.asarray(is_chosen, bool)
    known = np.isfinite(values)
    inside, outside = values[known & is_chosen], values[known & ~is_chosen]
    n = len(inside) + len(outside)
    if min(len(inside), len(outside)) < FEWEST:
        return Difference(len(inside), n, None, None, None, None, None)
    if is_share:
        found = independent_difference(int(inside.sum()), len(inside), int(outside.sum()), len(outside))
    else:
        rng = np.random.default_rng(0)
        low, high = np.quantile(resample_means(inside, rng) - resample_means(outside, rng), [0.025, 0.975])
        found = (inside.mean() - outside.mean(), low, high)
    mean = float(values[known].mean())
    ends = [float(value) * len(outside) / n for value in found]
    return Difference(len(inside), n, float(inside.mean()), mean, *ends)
