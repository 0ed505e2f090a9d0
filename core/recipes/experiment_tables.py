"""The tables of an experiment as text: what the shell prints and a report shows.

A table is its caption and its lines; the first line is the head. Accuracy is told in per cent with one decimal, what is
unknown as a dash.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.analysis.design_choices import reads_references, tabulate_designs
from core.analysis.differences import Difference, compare_accuracy
from core.analysis.learning import choose_baseline, compare_needs, say_multiplier, summarise_curves
from core.analysis.test_sets import keep_set, order_sets, say_accuracy, tabulate_tests
from core.analysis.win_rates import measure_win_rates

MISSING = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """Cells with what they are."""

    name: str
    """curves, differences, tests, needs, wins, wins_all or designs; steering."""

    caption: str
    lines: list[list[str]]
    """The head first; every line has as many cells."""


def list_curves(points: pd.DataFrame) -> Iterator[Table]:
    """Yield the mean accuracy of every arm after each round, on one test set."""
    curves = summarise_curves(points)
    sizes = curves.groupby("round")["size"].mean()
    rounds = list(sizes.index)
    lines = [["after round", *(f"{number} ({sizes[number]:,.0f} accepted)" for number in rounds)]]
    for method, rows in curves.groupby("method"):
        cells = {row["round"]: _say_mean(row) for row in rows.to_dict("records")}
        lines.append([str(method), *(cells.get(number, MISSING) for number in rounds)])
    told, n = say_accuracy(points["split"].iloc[0]), points["n_test"].max()
    yield Table("curves", f"{told}, % of {n:,} problems, mean ± standard error over replicates", lines)


def list_other_curves(tests: pd.DataFrame) -> Iterator[Table]:
    """Yield the mean accuracy of every arm after each round on every test set but its own: on kinds never seen, ..."""
    for name in order_sets(tests["split"].unique())[1:]:
        yield from list_curves(keep_set(tests, name))


def list_differences(points: pd.DataFrame) -> Iterator[Table]:
    """Yield how much more accurate every arm is than the baseline, paired by replicate; nothing with one arm."""
    methods = sorted(points[points["round"] > 0]["method"].unique())
    if len(methods) < 2:
        return
    baseline, last = choose_baseline(methods), int(points["round"].max())
    lines = [["", f"after round {last}", "95 %", "p", "mean of all rounds", "its 95 %", "its p", "replicates"]]
    found = {each.method: each for each in compare_accuracy(points, baseline, last)}
    for each in compare_accuracy(points, baseline):
        end = found.get(each.method)
        cells = say_difference(end) if end else [MISSING] * 3
        lines.append([each.method, *cells, *say_difference(each), str(each.n)])
    if len(lines) > 1:
        caption = f"accuracy less that of {baseline}, points, paired by replicate, with Student's t interval"
        yield Table("differences", caption, lines)


def say_difference(found: Difference) -> list[str]:
    """Return a difference in points, its interval and its p value as texts."""
    ends = MISSING if found.low is None else f"{100 * found.low:+.1f} to {100 * found.high:+.1f}"
    p_value = MISSING if found.p_value is None else "< 0.001" if found.p_value < 0.001 else f"{found.p_value:.3f}"
    return [f"{100 * found.mean:+.1f}", ends, p_value]


def _say_mean(row: dict[str, Any]) -> str:
    return f"{100 * row['mean']:.1f}" + ("" if pd.isna(row["se"]) else f" ± {100 * row['se']:.1f}")


def list_needs(points: pd.DataFrame) -> Iterator[Table]:
    """Yield how much data every arm needs beside the baseline, where any can be compared."""
    methods = sorted(points["method"].unique())
    baseline = choose_baseline(methods)
    needs = [compare_needs(points, name, baseline) for name in methods if name != baseline]
    needs = [need for need in needs if need is not None]
    lines = [["", "accuracy", "its data", f"{baseline}'s data", "share", "95 %", "multiplier"]]
    for need in needs:
        ends = MISSING
        if need.low is not None and math.isfinite(need.low):
            has_end = math.isfinite(need.high)
            ends = f"{100 * need.low:.0f} to {100 * need.high:.0f} %" if has_end else f"{100 * need.low:.0f} % or more"
        share = MISSING if need.share is None else f"{100 * need.share:.0f} %"
        sizes = (f"{need.method_size:.0f}", f"{need.baseline_size:.0f}")
        lines.append([need.method, f"{100 * need.accuracy:.1f}%", *sizes, share, ends, say_multiplier(need)])
    if needs:
        yield Table(
            "needs", f"data that a method needs for the highest accuracy that it and {baseline} both reach", lines
        )


def list_tests(tests: pd.DataFrame) -> Iterator[Table]:
    """Yield every arm on every test set, where there is more than one."""
    table = tabulate_tests(tests)
    sets = order_sets(table["split"].unique())
    if len(sets) < 2:
        return
    lines = [["after the last round", *sets]]
    for method, own in table.groupby("method", sort=True):
        cells = {row["split"]: _say_mean({**row, "mean": row["accuracy"]}) for row in own.to_dict("records")}
        lines.append([str(method), *(cells.get(name, MISSING) for name in sets)])
    yield Table("tests", "accuracy on every test set, %, mean ± standard error over replicates", lines)


def list_win_rates(points: pd.DataFrame) -> Iterator[Table]:
    """Yield who beats whom, without the arms that read reference answers, and with them where there are any."""
    reading = find_reading(points)
    yield from _list_wins("wins", points[~points["method"].isin(reading)], "")
    if reading:
        named = ", ".join(sorted(reading))
        yield from _list_wins("wins_all", points, f", with what needs reference answers ({named})")


def find_reading(points: pd.DataFrame) -> set[str]:
    """Return the arms whose selector reads reference answers."""
    selectors = points.groupby("method")["selector"].first()
    return {str(method) for method, selector in selectors.items() if reads_references(selector)}


def _list_wins(name: str, points: pd.DataFrame, which: str) -> Iterator[Table]:
    rates = measure_win_rates(summarise_curves(points))
    if not rates.meetings.to_numpy().any():
        return
    names = list(rates.shares.columns)
    lines = [["beats", *names]]
    for method in names:
        lines.append([method, *map(_say_share, rates.shares.loc[method])])
    lines.append(["mean, lower is better", *map(_say_share, rates.column_means)])
    caption = f"share of meetings in which the row beats the column by more than both standard errors{which}"
    yield Table(name, caption, lines)


def _say_share(value: float) -> str:
    return MISSING if pd.isna(value) else f"{value:.2f}"


def list_designs(points: pd.DataFrame) -> Iterator[Table]:
    """Yield the ablation of design choices, where at least two arms choose by one score."""
    designs = tabulate_designs(points)
    if designs.empty:
        return
    lines = [["score", "end", "answer", "pick", "accuracy"]]
    for row in designs.to_dict("records"):
        told = _say_mean({**row, "mean": row["accuracy"]})
        lines.append([*(row[name] for name in ("score", "end", "answer", "pick")), told])
    yield Table("designs", f"accuracy after round {designs['round'].iloc[0]} by how seeds are chosen, %", lines)
