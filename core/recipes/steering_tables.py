"""Whether children score as their seeds do, as the tables of an experiment: for shell, page and report."""

from collections.abc import Collection, Iterable, Iterator

import pandas as pd

from core.analysis.steering import (
    FEWEST,
    Agreement,
    Correlation,
    correlate_between,
    correlate_within,
    is_right_or_wrong,
)
from core.counting import counted
from core.recipes.experiment_tables import MISSING, SEVERAL, Table, say_p

WITHIN = (
    "95 % and p: Student's t over replicates; their rounds depend on one another. Chosen seeds have a range of scores "
    "of their own, narrower or wider, and with it a correlation of their own: only random seeds tell that of all. Not "
    f"told: rounds in which fewer than {FEWEST} pairs have both scores, or one side is all alike."
)
BETWEEN = (
    "Each arm's data of a round is ranked among that of the other arms. In the first round all have one student; later "
    "each has its own, and a better one finds seeds and children easier alike, so a correlation of all rounds is in "
    "part the students'. 95 % and p: Student's t over replicates, which share the seed set. Not told: rounds in which "
    f"fewer than {FEWEST} arms of one student have both scores, or one side is all alike."
)

ALONE = f"Between arms no correlation can be told: that takes {FEWEST} arms of one student with both scores in a round."
TOLD = 6
"""Place of the rounds that tell, among the cells of the table between arms."""


def list_steering(pairs: pd.DataFrame, points: pd.DataFrame) -> Iterator[Table]:
    """Yield how far the scores of children rank as those of their seeds: in each arm, then between arms.

    Args:
        pairs: a row per child and signal: method, replicate, round, signal, before, after.
        points: of the learning curves, which know each arm's student and selector.
    """
    students, random = points.groupby("method")["student"].first(), find_random(points)
    pairs = pairs.assign(student=pairs["method"].map(students).fillna(""))
    signals = sorted(pairs["signal"].unique(), key=lambda name: (name != "loss", name))
    between = [["score", "rounds", "data sets", "ρ", "95 %", "p", "told", "not told", "replicates"]]
    for signal in signals:
        rows = pairs[pairs["signal"] == signal]
        lines = [["arm", "seeds", "pairs", "ρ", "95 %", "p", "rounds told", "not told", "replicates"]]
        found = correlate_within(rows)
        for name in order_arms(found, random):
            lines.append([name, "random" if name in random else "chosen", *_say(found[name])])
        note = f"{WITHIN} {SEVERAL}" if signal == signals[-1] else ""
        yield Table("steering", f"{signal} of seeds and of their children within a round (Spearman)", lines, note)
        told = f"{signal}, {'shares' if is_right_or_wrong(rows) else 'medians'}"
        first = rows[rows["round"] == rows["round"].min()]
        between.append([told, "first", *_say(correlate_between(first))])
        if len(first) < len(rows):
            between.append([told, "all", *_say(correlate_between(rows))])
    if signals:
        is_told = any(row[TOLD] != "0" for row in between[1:])
        caption = "scores of seeds and of their children between arms (Spearman)"
        yield Table("steering_sets", caption, between if is_told else [], BETWEEN if is_told else ALONE)


def find_random(points: pd.DataFrame) -> set[str]:
    """Return the arms whose seeds no score has chosen: their correlations are of all seeds.

    Args:
        points: of the learning curves.
    """
    selectors = points.drop_duplicates("method").set_index("method")["selector"]
    return {str(name) for name in selectors.index[selectors.isna() | (selectors == "random")]}


def order_arms(names: Iterable[str], random: Collection[str]) -> list[str]:
    """Return the arms with those of random seeds first, then by name."""
    return sorted(names, key=lambda name: (name not in random, name))


def keep_student(pairs: pd.DataFrame, points: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Return the pairs of the arms that begin with the same student as one arm does.

    Args:
        pairs: with ``method``.
        points: of the learning curves.
        arm: that settles the student.
    """
    students = points.groupby("method")["student"].first()
    return pairs[pairs["method"].map(students) == students.get(arm)]


def _say(found: Agreement) -> list[str]:
    """Return pairs, the correlation with its interval and p value, and of how many rounds and replicates it is."""
    counts = (found.n_told, found.n_untold, found.n_replicates)
    return [f"{found.n_pairs:,}", *list_ranks(found), *(f"{count:,}" for count in counts)]


def list_ranks(found: Agreement | Correlation) -> list[str]:
    """Return a rank correlation, its 95 % interval and its p value as cells; a dash for what cannot be told."""
    ends = MISSING if found.low is None else f"{_say_rho(found.low)} to {_say_rho(found.high)}"
    return [MISSING if found.rho is None else _say_rho(found.rho), ends, say_p(found.p_value)]


def say_correlation(found: Correlation) -> str:
    """Return the rank correlation of pairs in words, with its interval, its p value and how many pairs there are."""
    rho, ends, p_value = list_ranks(found)
    if found.rho is None:
        return f"no rank correlation can be told of {counted(found.n, 'pair')}"
    if found.low is None:
        return f"ρ {rho} of {counted(found.n, 'pair')}, too few to say how sure that is"
    return f"ρ {rho} (95 % {ends}, p {p_value if '<' in p_value else f'= {p_value}'}) of {counted(found.n, 'pair')}"


def _say_rho(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
