"""A table of an experiment on a page: its title, its file, its cells, its note."""

import re
from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.recipes.experiment_tables import MISSING, Table
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
            offer_csv(to_numbers(_frame(table)), "CSV", f"{view}-{table.name}-{table.caption}")


def _frame(table: Table) -> pd.DataFrame:
    (first, *names), *rows = table.lines
    return pd.DataFrame(rows, columns=[first or "arm", *names])


def to_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table for computing: a cell that holds several numbers is several columns, signs and units are gone.

    ``45.5 ± 0.2 (45.0)`` is NAME, NAME ± and NAME (); ``−1.3 to +3.0`` is NAME from and NAME to.
    """
    found = {}
    for name in table.columns:
        cells = table[name].map(_read_numbers)
        if any(cell is None for cell, text in zip(cells, table[name], strict=True) if text != MISSING):
            found[name] = table[name]
            continue
        for part in dict.fromkeys(part for cell in cells if cell for part in cell):
            found[f"{name}{part}"] = [(cell or {}).get(part, "") for cell in cells]
    return pd.DataFrame(found)


def _read_numbers(text: str) -> dict[str, str] | None:
    """Return the end of a column's name -> number of a cell; None where it holds words."""
    text = text.translate({ord("\u2212"): "-", 0xA0: " ", ord(","): None})
    match = _CELL.fullmatch(text)
    if match is None:
        return None
    first, second, error, bracket, last = match.groups()
    parts = {" from": first, " to": second} if second else {"": first, " ±": error}
    parts |= {" ()": bracket} if last is None else {" () from": bracket, " () to": last}
    return {name: value.lstrip("+") for name, value in parts.items() if value}


_NUMBER = r"((?:< )?[-+]?\d+(?:\.\d+)?)"
_CELL = re.compile(rf"{_NUMBER} ?[%×]?(?: to {_NUMBER} ?%?| ± {_NUMBER})?(?: \({_NUMBER}(?: to {_NUMBER})?\))?")


def offer_csv(table: pd.DataFrame | Callable[[], pd.DataFrame], label: str, name: str) -> None:
    """Offer a table, or what makes one in the click, as a file of that name."""
    st.download_button(
        label,
        lambda: (table() if callable(table) else table).to_csv(index=False),
        f"{re.sub(r'[^A-Za-z0-9.-]+', '-', name)[:100]}.csv",
        "text/csv",
        key=f"download_{name}",
        icon=":material/download:",
        type="tertiary",
    )
