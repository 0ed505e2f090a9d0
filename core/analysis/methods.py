"""Prompting methods side by side: what each brought from the same seeds, how diverse it is, and what it cost.

Diversity is measured over everything usable, rejected candidates included, for the filters remove just what repeats:
by what they leave, a method that repeats itself would look as diverse as any other. The same measures over the accepted
candidates alone stand beside, under ``accepted_``. A method that was asked for wrong answers to the seeds' own
questions is measured by its answers, all others by their questions. It knows frames, and nothing of runs, models or
pages.

Source: Zhang 2025 (Verbalized Sampling), the comparisons of its sections on diversity and synthetic data.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.accuracy import wilson_interval
from core.analysis.diversity import (
    Measure,
    measure_coverage,
    measure_distance,
    measure_distinct_n,
    measure_distinct_texts,
    measure_wording,
)

MEASURES: Mapping[str, str] = {
    "distance_within": "Distance in meaning, same seed",
    "distance": "Distance in meaning, all",
    "wording_within": "ROUGE-L, same seed",
    "wording": "ROUGE-L, all",
    "distinct_1": "distinct-1",
    "distinct_2": "distinct-2",
    "distinct_3": "distinct-3",
    "distinct_texts": "Different texts",
    "coverage": "Kinds covered",
}
"""Name of a measure of diversity -> what people read. All lie in [0, 1]; all but ROUGE-L rise with diversity."""

ONE_PROMPT = "the one prompt"
"""Group of all candidates that were asked for without a seed."""

COSTS = ("n_input_tokens", "n_output_tokens", "usd", "seconds")
"""Columns of a method's stage that are told per accepted candidate too."""


def compare_methods(
    candidates: pd.DataFrame,
    vectors: np.ndarray | None,
    stages: Sequence[Mapping[str, Any]],
    all_kinds: Collection[str] = (),
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """Return one row per method.

    Args:
        candidates: n rows, one for each candidate asked for: ``method``; ``seed`` (problem_id, None without) and
            ``sample_index``, which together name a call; ``status`` (failed, rejected, accepted); ``text`` that
            diversity is measured by; ``kind`` (None: unknown) and ``is_own_kind``; ``probability`` (NaN: none
            stated).
        vectors: (n, d) embeddings of the texts, of length 1, NaN where there is no text; None: there are none.
        stages: one for each method, in the order of the rows: ``method``, ``error`` and what its requests took in all:
            ``n_calls``, ``n_cached``, and COSTS; None where unknown. Where wrong answers were asked for, ``wrong_rate``
            and ``wrong_coverage``, see ``core.analysis.incorrect``.
        all_kinds: kinds of the seed set's problems, which candidates can cover.
        seed: of every draw.

    Returns:
        Columns method, error; n_asked, n_failed, n_rejected, n_accepted, n_usable; acceptance with its 95 % interval
        (``_low``, ``_high``; Wilson 1927) as a share of what was asked; each of MEASURES with ``_low``, ``_high`` and
        ``_n``, and the same under ``accepted_``; n_own_kinds; what ``read_probabilities`` returns; wrong_rate and
        wrong_coverage; n_calls, n_cached; COSTS and each of them with ``_per_accepted``. Unknown or undefined is NaN or
        None.
    """
    rows = []
    for stage in stages:
        is_mine = (candidates["method"] == stage["method"]).to_numpy()
        mine = candidates[is_mine]
        own = None if vectors is None else vectors[is_mine]
        usable, is_accepted = (mine["status"] != "failed").to_numpy(), (mine["status"] == "accepted").to_numpy()
        row: dict[str, Any] = {"method": stage["method"], "error": stage.get("error"), **count_states(mine["status"])}
        for prefix, chosen in (("", usable), ("accepted_", is_accepted)):
            found = measure_diversity(mine[chosen], None if own is None else own[chosen], all_kinds, seed=seed)
            row |= {f"{prefix}{name}": value for name, value in spread_measures(found).items()}
        row["n_own_kinds"] = int(mine.loc[usable, "is_own_kind"].sum())
        row |= {name: stage.get(name) for name in ("wrong_rate", "wrong_coverage")}
        row |= read_probabilities(mine) | divide_costs(stage, row["n_accepted"])
        rows.append(row)
    return pd.DataFrame(rows)


def count_states(status: pd.Series) -> dict[str, Any]:
    """Return n_asked = n_failed + n_rejected + n_accepted, n_usable, and the share accepted with its interval."""
    counts = {f"n_{name}": int((status == name).sum()) for name in ("failed", "rejected", "accepted")}
    n = len(status)
    low, high = wilson_interval(counts["n_accepted"], n) if n else (None, None)
    return {
        "n_asked": n,
        **counts,
        "n_usable": n - counts["n_failed"],
        "acceptance": counts["n_accepted"] / n if n else None,
        "acceptance_low": low,
        "acceptance_high": high,
    }


def measure_diversity(
    rows: pd.DataFrame, vectors: np.ndarray | None, all_kinds: Collection[str], *, seed: int = 0
) -> dict[str, Measure]:
    """Return name -> measure, for each of MEASURES, of usable candidates.

    Texts of one seed are asked from the same prompt, few-shot examples aside; what was asked for without a seed is all
    from one prompt, and calls are drawn again in place of seeds.
    """
    texts = rows["text"].tolist()
    groups = [ONE_PROMPT if _is_missing(each) else str(each) for each in rows["seed"]]
    units: list[Hashable] = [
        (group, index) if group == ONE_PROMPT else group
        for group, index in zip(groups, rows["sample_index"], strict=True)
    ]
    found = {}
    for name, is_within in (("_within", True), ("", False)):
        more: dict[str, Any] = {"units": units, "is_within": is_within, "seed": seed}
        found[f"distance{name}"] = Measure() if vectors is None else measure_distance(vectors, groups, **more)
        found[f"wording{name}"] = measure_wording(texts, groups, **more)
    for n in (1, 2, 3):
        found[f"distinct_{n}"] = measure_distinct_n(texts, n, units, seed=seed)
    found["distinct_texts"] = measure_distinct_texts(texts, units, seed=seed)
    has_kinds = rows["kind"].notna().any()
    found["coverage"] = measure_coverage(rows["kind"], all_kinds) if has_kinds else Measure()
    return {name: found[name] for name in MEASURES}


def spread_measures(found: Mapping[str, Measure]) -> dict[str, Any]:
    """Return measures as the columns of a row: NAME, NAME_low, NAME_high, NAME_n."""
    row: dict[str, Any] = {}
    for name, measure in found.items():
        row |= {name: measure.value, f"{name}_low": measure.low, f"{name}_high": measure.high, f"{name}_n": measure.n}
    return row


def divide_costs(stage: Mapping[str, Any], n_accepted: int) -> dict[str, Any]:
    """Return n_calls, n_cached, and COSTS in all and per accepted candidate; None where unknown or none was accepted.

    What was lost is paid for too: all requests of the method count, those of failed and rejected candidates included.
    """
    row: dict[str, Any] = {name: stage.get(name) for name in ("n_calls", "n_cached", *COSTS)}
    for name in COSTS:
        total = stage.get(name)
        row[f"{name}_per_accepted"] = None if _is_missing(total) or not n_accepted else total / n_accepted
    return row


def read_probabilities(rows: pd.DataFrame) -> dict[str, Any]:
    """Return what the probabilities amount to that the teacher stated, raw as they were.

    Returns:
        n_probabilities; probability_mean; probability_sum, the mean over calls of what one call's probabilities add up
        to, and over_one, the share of calls where that is above 1, which parts of one distribution cannot be;
        probability_rank, Spearman's rank correlation of the stated probability with being accepted, in [-1, 1]. Each
        is None where it is not defined.
    """
    stated = rows[pd.to_numeric(rows["probability"], errors="coerce").notna()]
    if stated.empty:
        return {"n_probabilities": 0, **dict.fromkeys(_PROBABILITIES)}
    values = stated["probability"].astype(float)
    sums = values.groupby([stated["seed"].astype("str").fillna(ONE_PROMPT), stated["sample_index"]]).sum()
    return {
        "n_probabilities": len(values),
        "probability_mean": float(values.mean()),
        "probability_sum": float(sums.mean()),
        "probability_over_one": float((sums > 1.0 + 1e-9).mean()),
        "probability_rank": _correlate_ranks(values, (stated["status"] == "accepted").astype(float)),
    }


_PROBABILITIES = ("probability_mean", "probability_sum", "probability_over_one", "probability_rank")


def find_kind(metas: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str | None:
    """Return the first of these fields that has more than one value among the problems; None where none has."""
    for name in names:
        if len({str(meta[name]) for meta in metas if meta.get(name) is not None}) > 1:
            return name
    return None


def _correlate_ranks(first: pd.Series, second: pd.Series) -> float | None:
    """Return Spearman's rank correlation; None where either is constant, or of fewer than three."""
    ranks = pd.DataFrame({"first": first, "second": second}).rank()
    if len(ranks) < 3 or (ranks.nunique() < 2).any():
        return None
    return float(ranks["first"].corr(ranks["second"]))


def _is_missing(value: Any) -> bool:
    return bool(value is None or pd.isna(value))
