"""How much more accurate an arm is than another one, paired by replicate, with Student's t interval.

Replicates share seeds, splits and test problems, so what makes one of them easier is taken out by the pairing. It knows
nothing of runs.
"""

import math
from dataclasses import dataclass

import pandas as pd

from core.analysis.learning import add_budgets

LEVEL = 0.95
TOLERANCE = 1e-12
"""Below this a spread is rounding: accuracies are shares of some hundred problems."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean accuracy of a method less that of a baseline over the replicates that both have, as shares."""

    method: str
    baseline: str
    budget: int | None
    """At which size (of ``add_budgets``); None: the mean over all sizes after training that both have."""

    mean: float
    low: float | None
    """End of the 95 % interval; None with one replicate, or where all differ by the same."""

    high: float | None
    p_value: float | None
    """Two-sided t test of no difference; None likewise."""

    n: int
    """Replicates."""


def compare_accuracy(points: pd.DataFrame, baseline: str, budget: int | None = None) -> list[Difference]:
    """Return each other method against a baseline, by name; a method without a common replicate is not there.

    Args:
        points: of one data set, with the columns of learning curves; NaN accuracies are left out.
        baseline: name of a method.
        budget: at which size; None: the mean over the sizes after training that both have in a replicate.
    """
    known = add_budgets(points[points["accuracy"].notna()])
    known = known[known["budget"] > 0]
    if budget is not None:
        known = known[known["budget"] == budget]
    table = known.pivot_table(index=["replicate", "budget"], columns="method", values="accuracy")
    if baseline not in table:
        return []
    found = []
    for method in sorted(set(table.columns) - {baseline}):
        both = (table[method] - table[baseline]).dropna().groupby("replicate").mean()
        if len(both):
            found.append(_describe(method, baseline, budget, both.tolist()))
    return found


def _describe(method: str, baseline: str, budget: int | None, values: list[float]) -> Difference:
    from scipy import stats

    n, mean = len(values), math.fsum(values) / len(values)
    se = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n) if n > 1 else 0.0
    if se < TOLERANCE:
        return Difference(method, baseline, budget, mean, None, None, None, n)
    reach = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * se
    p_value = float(2 * stats.t.sf(abs(mean) / se, n - 1))
    return Difference(method, baseline, budget, mean, mean - reach, mean + reach, p_value, n)
