"""Who beats whom, in one experiment or over several: on other seed sets the same arms meet again."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.test_sets import keep_set
from core.figures.experiments import draw_win_rates
from core.hub import Hub
from core.recipes.experiment_tables import list_wins
from pages.components.chart import draw_chart
from pages.components.experiment_table import head_table
from pages.components.frame import name_run
from pages.components.text import plain


def draw_wins(hub: Hub, experiment: str, points: pd.DataFrame, arms: Sequence[str], view: str) -> None:
    """Draw who beats whom as matrices (Kessler 2025, figures 4 and 9).

    Args:
        hub: of the home.
        experiment: id of its run.
        points: on one test set.
        arms: in the order of the experiment's file.
        view: what is looked at, for zoom and file names.
    """
    points = _add_others(hub, experiment, points)
    for number, (rates, table) in enumerate(list_wins(points, arms)):
        head_table(table, view)
        if table.lines:
            key = f"{table.name}_{number}"
            draw_chart(draw_win_rates(rates, view=f"{view}/{key}"), key=key)
        if table.note:
            st.caption(plain(table.note))


def _add_others(hub: Hub, experiment: str, points: pd.DataFrame) -> pd.DataFrame:
    """Return the points with those of other experiments that a person adds; arms meet within an experiment alone."""
    own, name = set(points["method"]), points["split"].iloc[0]
    others = {}
    for row in hub.store.list_experiments().to_dict("records"):
        if row["run_id"] == experiment:
            continue
        found = keep_set(hub.store.list_experiment_points(row["run_id"]), name)
        if len(own & set(found["method"])) > 1:
            others[row["run_id"]] = (row, found[found["method"].isin(own)])
    if not others:
        return points
    chosen = st.multiselect(
        "Who beats whom, together with",
        list(others),
        key=f"together_{experiment}",
        format_func=lambda id_: name_run(others[id_][0]),
        help="Other experiments that have arms of the same names, such as on another seed set. Arms meet within each.",
    )
    added = [found.assign(data_set=id_) for id_, (_, found) in others.items() if id_ in chosen]
    return pd.concat([points.assign(data_set=experiment), *added], ignore_index=True)
