"""The tables of an experiment as text: what the shell prints, and page and report show.

A table is its caption, its lines, of which the first is the head, and a note on what is missing or how to read it.
Accuracy is told in per cent with one decimal, what is unknown as a dash. Arms stand in the order of the experiment's
file; where students differ, arms are held against one another within a student.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.analysis.design_choices import reads_references, tabulate_designs
from core.analysis.differences import Difference, compare_accuracy
from core.analysis.learning import add_budgets, choose_baseline, compare_needs, say_multiplier, summarise_curves
from core.analysis.test_sets import keep_set, order_sets, say_accuracy, tabulate_tests
from core.analysis.win_rates import WinRates, measure_win_rates
from core.counting import counted

MISSING = "–"

SEVERAL = "Several comparisons at once: one of twenty with p below 0.05 is what no difference looks like."


@dataclass(frozen=True, slots=True)
class Table:
    """Cells with what they are."""

    name: str
    """curves, differences, tests, needs, wins, wins_all or designs; steering."""

    caption: str
    lines: list[list[str]]
    """The head first; every line has as many cells. Empty: there is the note alone."""

    note: str = ""
    """Sentences below it: how it is read, and what is not in it."""


def list_tables(tests: pd.DataFrame, arms: Sequence[str]) -> Iterator[Table]:
    """Yield all that is told of accuracy: on the experiment's own test problems, then on every other set.

    Args:
        tests: of ``read_results``, or of ``list_experiment_points``.
        arms: names in the order of the experiment's file.
    """
    sets = order_sets(tests["split"].unique())
    for place, name in enumerate(sets):
        points = keep_set(tests, name)
        yield from list_curves(points, arms)
        yield from list_differences(points, arms)
        if place == 0:
            yield from list_tests(tests, arms)
        yield from list_needs(points, arms)
        yield from (table for _, table in list_wins(points, arms))
        if place == 0:
            yield from list_designs(points)


def order_arms(points: pd.DataFrame, arms: Sequence[str]) -> list[str]:
    """Return the arms that points are of, in the order of the experiment's file."""
    found = {str(name) for name in points["method"].unique()}
    return [name for name in arms if name in found] + sorted(found - set(arms))


def split_students(points: pd.DataFrame, arms: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame, list[str]]]:
    """Yield the points of each student with its arms, and what a caption says of it: nothing where there is one."""
    students = sorted(points["student"].fillna("").unique())
    for student in students:
        own = points[points["student"].fillna("") == student]
        yield (f", student {student}" if len(students) > 1 else ""), own, order_arms(own, arms)


# -- accuracy ------------------------------------------------------------------------------------------------------


def list_curves(points: pd.DataFrame, arms: Sequence[str]) -> Iterator[Table]:
    """Yield the mean accuracy of every arm at each size, on one test set."""
    curves = summarise_curves(points)
    curves = curves[curves["budget"] >= 0]
    budgets, most = sorted(curves["budget"].unique()), curves["n"].max()
    lines = [["accepted", *(f"{budget:,}" for budget in budgets)]]
    for method in order_arms(curves, arms):
        rows = curves[curves["method"] == method].set_index("budget").to_dict("index")
        lines.append([method, *(_say_mean(rows[each], most) if each in rows else MISSING for each in budgets)])
    told, n = say_accuracy(points["split"].iloc[0]), points["n_test"].max()
    note = _join(
        f"± is over replicates, which all answer the same problems (one is {100 / n:.1f} points): what other problems "
        "would change is not in it.",
        "In brackets: how many replicates there are where others have more." if (curves["n"] < most).any() else "",
    )
    yield Table("curves", f"{told}, % of {n:,} problems, mean ± standard error over replicates", lines, note)


def list_differences(points: pd.DataFrame, arms: Sequence[str], baseline: str | None = None) -> Iterator[Table]:
    """Yield how much more accurate every arm is than the baseline, paired by replicate; nothing with one arm.

    Args:
        points: on one test set.
        arms: in the order of the experiment's file.
        baseline: the arm that the others are held against; None: of ``choose_baseline``.
    """
    for which, own, names in split_students(points[points["round"] > 0], arms):
        against = baseline if baseline in names else choose_baseline(names)
        budget = _find_last_budget(own, against)
        if len(names) < 2 or budget is None:
            continue
        lines = [["", f"at {budget:,}", "95 %", "p", "mean of all sizes", "its 95 %", "its p", "replicates"]]
        ends = {each.method: each for each in compare_accuracy(own, against, budget)}
        means = {each.method: each for each in compare_accuracy(own, against)}
        for name in (name for name in names if name in means):
            cells = say_difference(ends[name]) if name in ends else [MISSING] * 3
            lines.append([name, *cells, *say_difference(means[name]), str(means[name].n)])
        gone = [name for name in names if name not in means and name != against]
        told = say_accuracy(points["split"].iloc[0])
        caption = f"{told} less that of {against}, points, paired by replicate, with Student's t interval{which}"
        yield Table("differences", caption, lines, _join(SEVERAL, _say_apart(gone, against)))


def _find_last_budget(points: pd.DataFrame, baseline: str) -> int | None:
    """Return the last size that all arms have, else the last at which the baseline meets another; None: no such."""
    found = add_budgets(points)
    found = found[found["budget"] > 0].drop_duplicates(["method", "budget"])
    of_baseline = set(found[found["method"] == baseline]["budget"])
    met = found[found["budget"].isin(of_baseline)]["budget"].value_counts()
    met = met[met > 1]
    common = met[met == found["method"].nunique()]
    return None if met.empty else int(max((met if common.empty else common).index))


def _say_apart(gone: Sequence[str], baseline: str) -> str:
    """Return which arms were at no size that the baseline was at too, in a replicate that both have."""
    if not gone:
        return ""
    return f"Not here, since no replicate of {_list(gone)} was tested at a size at which {baseline} was."


def say_difference(found: Difference) -> list[str]:
    """Return a difference in points, its interval and its p value as texts."""
    ends = MISSING if found.low is None else f"{_say_points(found.low)} to {_say_points(found.high)}"
    return [_say_points(found.mean), ends, say_p(found.p_value)]


def say_p(p_value: float | None) -> str:
    """Return a p value as a cell; a dash where there is none."""
    return MISSING if p_value is None else "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _say_points(share: float) -> str:
    text = f"{100 * share:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "−")


def _say_mean(row: dict[str, Any], most: int | None = None) -> str:
    """Return a mean with its standard error, and how many replicates it is of where that is fewer than of others."""
    few = "" if most is None or row["n"] == most else f" ({row['n']} of {most})"
    return f"{100 * row['mean']:.1f}" + ("" if pd.isna(row["se"]) else f" ± {100 * row['se']:.1f}") + few


def list_tests(tests: pd.DataFrame, arms: Sequence[str]) -> Iterator[Table]:
    """Yield every arm on every test set, where there is more than one."""
    table = tabulate_tests(tests)
    sets = order_sets(table["split"].unique())
    if len(sets) < 2:
        return
    lines = [["after its last round", *sets]]
    for method in order_arms(table, arms):
        rows = table[table["method"] == method].set_index("split").to_dict("index")
        lines.append([method, *(_say_test(rows[name]) if name in rows else MISSING for name in sets)])
    note = "In brackets: before any training. Arms may have been given different amounts of data."
    yield Table("tests", "accuracy on every test set, %, mean ± standard error over replicates", lines, note)


def _say_test(row: dict[str, Any]) -> str:
    before = "" if pd.isna(row["before"]) else f" ({100 * row['before']:.1f})"
    return _say_mean({**row, "mean": row["accuracy"]}) + before


# -- data, and who beats whom --------------------------------------------------------------------------------------


def list_needs(points: pd.DataFrame, arms: Sequence[str], baseline: str | None = None) -> Iterator[Table]:
    """Yield how much data every arm needs beside the baseline, and that it beside them, where any can be compared.

    Args:
        points: on one test set.
        arms: in the order of the experiment's file.
        baseline: the arm that the others are held against; None: of ``choose_baseline``.
    """
    trained = points[points.groupby("method")["round"].transform("max") > 0]
    for which, own, names in split_students(trained, arms):
        against = baseline if baseline in names else choose_baseline(names)
        needs = {name: compare_needs(own, name, against) for name in names if name != against}
        if not needs:
            continue
        lines = [["", "accuracy", "its data", f"{against}'s data", "share", "95 %", "multiplier"]]
        for name, need in needs.items():
            if need is None:
                continue
            ends = MISSING if need.low is None else f"{100 * need.low:.0f} to {100 * need.high:.0f} %"
            share = MISSING if need.share is None else f"{100 * need.share:.0f} %"
            sizes = (f"{need.method_size:,.0f}", f"{need.baseline_size:,.0f}")
            lines.append([name, f"{100 * need.accuracy:.1f} %", *sizes, share, ends, say_multiplier(need)])
        gone = [name for name, need in needs.items() if need is None]
        note = _join(
            f"Mean curves, straight between points. Below 100 %: it needs less. Multiplier: how many times its data "
            f"{against} needs. Intervals by leaving out one replicate at a time; a dash: it cannot be told.",
            f"No curve yet of {_list(gone)}, or of {against}: that takes two sizes that all replicates have."
            if gone
            else "",
        )
        told = say_accuracy(points["split"].iloc[0])
        caption = f"data needed for the highest {told} that an arm and {against} both reach{which}"
        yield Table("needs", caption, lines if len(lines) > 1 else [], note)


def list_wins(points: pd.DataFrame, arms: Sequence[str]) -> Iterator[tuple[WinRates, Table]]:
    """Yield who beats whom, as it is measured and as a table: without what reads reference answers, then with it.

    Sources: Kessler 2025, figures 4 and 9.
    """
    on = say_accuracy(points["split"].iloc[0])
    for which, own, names in split_students(points[points["round"] > 0], arms):
        reading = find_reading(own)
        sets = [("wins", own[~own["method"].isin(reading)], which)]
        if reading:
            told = f", with what needs reference answers ({', '.join(sorted(reading))}){which}"
            sets.append(("wins_all", own, told))
        for name, shown, told in sets:
            if shown["method"].nunique() > 1:
                rates = measure_win_rates(summarise_curves(shown))
                caption = (
                    f"share of meetings in which the row beats the column in {on} by more than both standard errors"
                )
                yield rates, _tabulate_wins(name, rates, names, f"{caption}{told}")


def find_reading(points: pd.DataFrame) -> set[str]:
    """Return the arms whose selector reads reference answers."""
    selectors = points.groupby("method")["selector"].first()
    return {str(method) for method, selector in selectors.items() if reads_references(selector)}


def _tabulate_wins(name: str, rates: WinRates, arms: Sequence[str], caption: str) -> Table:
    shares, means = rates.shares, rates.column_means
    names = [arm for arm in arms if arm in shares.columns]
    lines = [["beats", *names]]
    lines += [[method, *map(_say_share, shares.loc[method, names])] for method in names]
    lines.append(["mean, lower is better", *map(_say_share, means[names])])
    alone = f"{counted(rates.n_left_out, 'point')} with one replicate left out: there is no standard error."
    unmet = f"{counted(rates.n_alone, 'point')} met none: no other arm was tested at that size."
    note = _join(
        "A win: its mean less one standard error is above the other's plus one, at the same size.",
        alone if rates.n_left_out else "",
        unmet if rates.n_alone else "",
    )
    return Table(name, caption, lines if rates.meetings.to_numpy().any() else [], note)


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
    yield Table("designs", f"accuracy at {designs['budget'].iloc[0]:,} accepted by how seeds are chosen, %", lines)


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _join(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
