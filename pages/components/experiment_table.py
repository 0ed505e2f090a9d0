"""A table of an experiment on a page: its title, its file, its cells, its note."""

import re

import pandas as pd
import streamlit as st

from core.recipes.experiment_tables import Table
from pages.components import numbers
from pages.components.text import plain


def draw_table(table: Table, view: str) -> None:
    """Draw a table with its note, and offer it as a file; of one without lines there is the note alone.

    Args:
        table: of ``core.recipes.experiment_tables``.
        view: what it is of, for the name of the file.
    """
    head_table(table, view)
    if table.lines:
        shown = _frame(table).map(lambda cell: plain(cell).replace(" ", numbers.SPACE)).rename(columns=plain)
        st.table(shown, hide_index=True, border="horizontal")
    if table.note:
        st.caption(plain(table.note))


def head_table(table: Table, view: str) -> None:
    """Draw the title of a table, and beside it its file."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.markdown(f"**{table.caption[0].upper()}{plain(table.caption[1:])}**", width="content")
        if table.lines:
            offer_csv(_frame(table), "CSV", f"{table.name}-{table.caption}-{view}")


def _frame(table: Table) -> pd.DataFrame:
    (first, *names), *rows = table.lines
    return pd.DataFrame(rows, columns=[first or "arm", *names])


def offer_csv(table: pd.DataFrame, label: str, name: str) -> None:
    """Offer a table as a file of that name."""
    st.download_button(
        label,
        lambda: table.to_csv(index=False),
        f"{re.sub(r'[^A-Za-z0-9.-]+', '-', name)[:120]}.csv",
        "text/csv",
        key=f"download_{name}",
        icon=":material/download:",
        type="tertiary",
    )
