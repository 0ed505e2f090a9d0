"""Whether children score as their seeds do, as the tables of an experiment: for shell and report."""

from collections.abc import Iterator

import pandas as pd

from core.analysis.steering import correlate_ranks, correlate_within, take_medians
from core.recipes.experiment_tables import MISSING, Table


def list_steering(pairs: pd.DataFrame) -> Iterator[Table]:
    """Yield how far the scores of children rank as those of their seeds, for every score that there is."""
    by = ["method", "replicate", "round"]
    lines = [["score", "pairs", "rho within a round", "se", "rounds", "rho of medians", "95 %"]]
    for signal, rows in pairs.groupby("signal"):
        within, medians = correlate_within(rows, by), take_medians(rows, by)
        together = correlate_ranks(medians["before"], medians["after"])
        told = [f"{within.n_pairs:,}", _say_rho(within.rho), _say_rho(within.se)]
        ends = MISSING if together.low is None else f"{_say_rho(together.low)} to {_say_rho(together.high)}"
        lines.append([str(signal), *told, f"{together.n:,}", _say_rho(together.rho), ends])
    if len(lines) > 1:
        yield Table(
            "steering", "scores of seeds and of their children by the student that chose the seeds (Spearman)", lines
        )


def _say_rho(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2f}".replace("-", "−")
