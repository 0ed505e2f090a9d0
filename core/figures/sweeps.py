"""The grid of a sweep as heat maps: learning rate by rank, one panel for each number of epochs, the best cell marked.

Cells without an accuracy (waiting, working, failed) are drawn as such: an empty cell is never a low one.
"""

from html import escape

import pandas as pd

from core.analysis.sweeps import Winner
from core.figures.choices import VIRIDIS_SCALE, find_ink
from core.figures.colours import style_of_state
from core.figures.layout import Figure, make_axis, make_figure

LEAST_SPAN = 5.0
"""Percentage points that the colours span at least: cells that hardly differ must not look far apart."""

MARK = "★ "
"""Before the number of the best cell, which also has a frame: colour is never alone."""

SYMBOLS = {"failed": "x", "lost": "x", "cancelled": "x", "stopped": "square-open", "running": "circle"}
"""How a cell without an accuracy is drawn; any other state waits: an open circle."""

GAP = 3
"""Pixels between two cells, and the width of the frame, which fills that gap around the best one at every size."""

EDGE = 0.04
"""Of a cell's size, around all cells: room for the frame of one that stands at the edge."""

CELL_HEIGHT, AROUND = 46, 104
"""Pixels of a rank, and of all that is above and below."""


def draw_sweep_panels(
    cells: pd.DataFrame, winner: Winner | None, n_validation: int | None, *, view: str = "sweep"
) -> dict[int, Figure]:
    """Return number of epochs -> heat map; all have the same colours and axes.

    Args:
        cells: from ``analysis.sweeps.tabulate_cells``.
        winner: of them.
        n_validation: problems that an accuracy is a share of; None: not known.
        view: key of the reader's zoom.
    """
    rates, ranks = sorted(cells["learning_rate"].unique()), sorted(cells["rank"].unique())
    known = 100 * cells["accuracy"].dropna()
    low = float(known.min()) if len(known) else 0.0
    high = max(float(known.max()) if len(known) else 100.0, low + LEAST_SPAN)
    of = "" if n_validation is None else f" of {n_validation:,} problems"
    panels = {}
    for epochs, rows in cells.groupby("epochs"):
        marks = _mark_unknown(rows, rates, ranks)
        is_here = winner is not None and winner.epochs == epochs
        panels[int(epochs)] = make_figure(
            [_draw_cells(rows, rates, ranks, low, high), *([marks] if marks["x"] else [])],
            title=f"{epochs} epoch{'' if epochs == 1 else 's'}: validation accuracy, %{of}",
            x=_make_axis("learning rate", [f"{rate:g}" for rate in rates]),
            y=_make_axis("rank", [str(rank) for rank in ranks]),
            height=AROUND + CELL_HEIGHT * len(ranks),
            view=f"{view}/{epochs}",
            margin={"l": 48, "r": 8, "t": 40, "b": 48},
            shapes=[_frame_winner(winner, rates, ranks)] if is_here else [],
            annotations=_write_numbers(rows, rates, ranks, low, high, winner),
        )
    return panels


def _make_axis(title: str, names: list[str]) -> dict:
    places = list(range(len(names)))
    return make_axis(
        title,
        tickvals=places,
        ticktext=names,
        range=[-0.5 - EDGE, len(names) - 0.5 + EDGE],
        showgrid=False,
        showline=False,
        ticks="",
    )


def _draw_cells(rows: pd.DataFrame, rates: list, ranks: list, low: float, high: float) -> dict:
    """Return the trace of the cells with an accuracy; each says its interval when it is pointed at."""
    values: list[list[float | None]] = [[None] * len(rates) for _ in ranks]
    texts = [[""] * len(rates) for _ in ranks]
    for row in rows.to_dict("records"):
        if not pd.isna(row["accuracy"]):
            i, j = ranks.index(row["rank"]), rates.index(row["learning_rate"])
            values[i][j] = round(100 * row["accuracy"], 3)
            texts[i][j] = describe_cell(row)
    return {
        "type": "heatmap",
        "x": list(range(len(rates))),
        "y": list(range(len(ranks))),
        "z": values,
        "customdata": texts,
        "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": False,
        "zmin": low,
        "zmax": high,
        "colorscale": VIRIDIS_SCALE,
        "showscale": False,
        "xgap": GAP,
        "ygap": GAP,
    }


def describe_cell(row: dict) -> str:
    """Return what a cell says when it is pointed at, as plotly's HTML."""
    plural = "" if row["epochs"] == 1 else "s"
    lines = [f"learning rate {row['learning_rate']:g}, rank {row['rank']}, {row['epochs']} epoch{plural}"]
    if pd.isna(row["accuracy"]):
        word = style_of_state(row["state"]).word
        lines.append(word if not row["error"] else f"{word}: {escape(str(row['error']))}")
        return "<br>".join(lines)
    interval = "" if pd.isna(row["low"]) else f" (95 %: {100 * row['low']:.1f} to {100 * row['high']:.1f})"
    lines.append(f"{100 * row['accuracy']:.1f} %{interval}")
    if not pd.isna(row["best_epoch"]):
        lines.append(f"epoch {row['best_epoch']:g} was kept")
    return "<br>".join(lines)


def _mark_unknown(rows: pd.DataFrame, rates: list, ranks: list) -> dict:
    """Return the trace of the cells without an accuracy: a symbol for why there is none."""
    unknown = [row for row in rows.to_dict("records") if pd.isna(row["accuracy"])]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [rates.index(row["learning_rate"]) for row in unknown],
        "y": [ranks.index(row["rank"]) for row in unknown],
        "marker": {
            "symbol": [SYMBOLS.get(row["state"], "circle-open") for row in unknown],
            "size": 11,
            "color": [style_of_state(row["state"]).colour for row in unknown],
            "line": {"width": 1.5},
        },
        "text": [describe_cell(row) for row in unknown],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _frame_winner(winner: Winner, rates: list, ranks: list) -> dict:
    x, y = rates.index(winner.learning_rate), ranks.index(winner.rank)
    corners = {"x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    return {"type": "rect", **corners, "line": {"width": GAP, "color": "#D55E00"}}


def _write_numbers(
    rows: pd.DataFrame, rates: list, ranks: list, low: float, high: float, winner: Winner | None
) -> list[dict]:
    """Return the accuracy of each cell as a text in it, or the word for its state below its symbol."""
    notes = []
    for row in rows.to_dict("records"):
        place = {"x": rates.index(row["learning_rate"]), "y": ranks.index(row["rank"]), "showarrow": False}
        if pd.isna(row["accuracy"]):
            notes.append({**place, "text": style_of_state(row["state"]).word, "yshift": -15, "font": {"size": 11}})
            continue
        value = 100 * row["accuracy"]
        is_best = winner is not None and row["run_id"] == winner.run_id
        text = f"<b>{MARK}{value:.1f}</b>" if is_best else f"{value:.1f}"
        notes.append({**place, "text": text, "font": {"color": find_ink((value - low) / (high - low))}})
    return notes
