"""The ablation of how scores become seeds: high or low, own answer or reference, argmax or softmax (Kessler 2025, C.6).

It also says which selectors read reference answers, so that they are held against the others apart (figures 4 and 9).
It knows nothing of runs.
"""

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from core.analysis.learning import add_budgets
from core.selection import SELECTORS
from core.selection.score import ScoreSelector
from core.signals import SIGNALS

TRUTH = "_truth"
"""End of the names of signals that are read from the reference answer and not from the student's own."""


@dataclass(frozen=True, slots=True)
class Design:
    """How an arm chooses its seeds."""

    score: str
    """loss or reward."""

    end: str
    """high or low."""

    answer: str
    """own or reference: whose answer is scored."""

    pick: str
    """Name of the pick."""

    def __str__(self) -> str:
        """Return it in words, as figure 13 labels it."""
        return f"{self.score} {self.end}, {self.answer}, {self.pick}"


def find_design(selector: str | None, pick: str | None) -> Design | None:
    """Return the design of a selector by one score; None for any other, or one that there is not any more."""
    found = SELECTORS.get(selector) if selector in SELECTORS else None
    if not isinstance(found, ScoreSelector):
        return None
    answer = "reference" if found.signal.endswith(TRUTH) else "own"
    return Design(found.signal.removesuffix(TRUTH), "high" if found.is_high else "low", answer, pick or "argmax")


def reads_references(selector: str | None) -> bool:
    """Say whether a selector reads a signal that needs reference answers, its own choice included."""
    if selector not in SELECTORS:
        return False
    needs = (SIGNALS.get(name).needs for name in SELECTORS.get(selector).needs if name in SIGNALS)
    return any("reference" in need for need in needs)


def tabulate_designs(points: pd.DataFrame) -> pd.DataFrame:
    """Return the mean accuracy of every arm that chooses by one score, at the last size that all of them have.

    Args:
        points: with the columns of learning curves, ``selector`` and ``pick``; NaN accuracies are left out.

    Returns:
        method, score, end, answer, pick, ``budget``, ``size`` and ``accuracy`` (means over replicates), ``se`` (NaN
        with one replicate), ``n`` replicates; the best first. Empty where there are fewer than two such arms.
    """
    designs = {
        str(method): find_design(rows["selector"].iloc[0], rows["pick"].iloc[0])
        for method, rows in points.groupby("method")
    }
    designs = {method: design for method, design in designs.items() if design is not None}
    columns = ["method", "score", "end", "answer", "pick", "budget", "size", "accuracy", "se", "n"]
    own = add_budgets(points[points["method"].isin(designs) & points["accuracy"].notna()])
    last = _find_common_budget(own, designs)
    if len(designs) < 2 or last is None:
        return pd.DataFrame(columns=columns)
    rows = []
    for method, each in own[own["budget"] == last].groupby("method"):
        design, n = designs[str(method)], len(each)
        about = {name: getattr(design, name) for name in ("score", "end", "answer", "pick")}
        se = float(each["accuracy"].std(ddof=1) / n**0.5) if n > 1 else float("nan")
        means = {"size": float(each["size"].mean()), "accuracy": float(each["accuracy"].mean()), "se": se}
        rows.append({"method": str(method), **about, "budget": last, **means, "n": n})
    return (
        pd.DataFrame(rows, columns=columns)
        .sort_values(["accuracy", "method"], ascending=[False, True])
        .reset_index(drop=True)
    )


def _find_common_budget(points: pd.DataFrame, methods: Collection[str]) -> int | None:
    """Return the last size after training that every method has; None where there is none."""
    found = [set(points[(points["method"] == method) & (points["budget"] > 0)]["budget"]) for method in methods]
    common = set.intersection(*found) if found else set()
    return int(max(common)) if common else None
