"""The button that hands out the report of an experiment: one file, made when it is asked for."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.hub import Hub
from core.recipes.report import make_report


def offer_report(hub: Hub, experiment: Mapping[str, Any]) -> None:
    """Draw the button; the file is made from the run folders in the click, in a thread of its own.

    Args:
        hub: of the home.
        experiment: row of ``list_experiments``.
    """
    home, run_id = hub.settings.home, experiment["run_id"]
    st.download_button(
        "Report (HTML)",
        lambda: make_report(home, run_id),
        f"report-{run_id}.html",
        "text/html",
        key="download_report",
        icon=":material/description:",
        type="tertiary",
        help="One file with the tables and figures in it; it needs no network and can be printed.",
    )
