"""What the runs of an experiment report beside accuracy: skill-sets kept, wrong answers that are wrong, as a table.

Which of the numbers of a run's summary are told, and how they are called, its recipe says (``reports``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from core.recipes.experiment_tables import MISSING, Table
from core.recipes.recipes import RECIPES

SHARE = ", %"
"""End of the name of what a summary has as a share from 0 to 1."""


def take_reports(arms: Sequence[Mapping[str, Any]], ended: Iterable[tuple[str, Mapping[str, Any]]]) -> pd.DataFrame:
    """Return what runs that are done report.

    Args:
        arms: of the experiment's configuration: name and recipe of each.
        ended: the arm and the summary of each run.

    Returns:
        method, name (as a table calls it) and value, a row for each number of each run.
    """
    told = {arm["name"]: getattr(RECIPES.get(arm["recipe"]), "reports", {}) for arm in arms}
    rows = [
        (method, name, float(summary[field]))
        for method, summary in ended
        for field, name in told.get(method, {}).items()
        if summary.get(field) is not None
    ]
    return pd.DataFrame(rows, columns=["method", "name", "value"])


def list_reports(reports: pd.DataFrame, arms: Sequence[str]) -> Iterator[Table]:
    """Yield the means over replicates; nothing where no arm reports anything."""
    if reports.empty:
        return
    names = list(dict.fromkeys(reports["name"]))
    found = reports.groupby(["method", "name"])["value"].agg(["mean", "sem"]).to_dict("index")
    lines = [["", *names]]
    for method in (arm for arm in arms if arm in set(reports["method"])):
        cells = [_say(found[method, name], name) if (method, name) in found else MISSING for name in names]
        lines.append([method, *cells])
    yield Table("reports", "beside accuracy, mean ± standard error over replicates that are done", lines)


def _say(row: Mapping[str, float], name: str) -> str:
    scale = 100 if name.endswith(SHARE) else 1
    error = "" if pd.isna(row["sem"]) else f" ± {scale * row['sem']:,.1f}"
    return f"{scale * row['mean']:,.1f}{error}"
