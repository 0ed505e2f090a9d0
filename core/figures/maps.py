"""Maps of texts: one point each, coloured by what is known of them, the others grey; and the archive as a grid."""

import base64
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.archive_grid import EDGES
from core.figures.colours import NEUTRAL, STATE_STYLES, style_of_method, style_of_selector
from core.figures.layout import Figure, make_axis, make_figure

CATEGORIES = (
    "#D55E00", "#0072B2", "#008F68", "#8A63D2", "#B8720A", "#12848A", "#B5588F", "#5B7F1C", "#C2453D", "#6F7FB8",
)  # fmt: skip
"""Colours of kinds that have none of their own: as the theme's, but for the grey."""

OTHERS = "others"
"""What is called so many kinds that there are no colours for them, and what has no kind."""

SCALE = [[0, "#6250A8"], [0.25, "#3F74B5"], [0.5, "#21908C"], [0.75, "#5DC863"], [1, "#E3D01F"]]
"""As viridis (van der Walt 2015), its ends nearer to the middle, to be seen on a white and on a dark page."""

AROUND_ZERO = [[0, "#0072B2"], [0.5, "#A9AEB2"], [1, "#D55E00"]]
SEEDS_ONLY = "#B4BABF"
"""Of a cell that holds nothing of worth."""

SEED_SYMBOL = "circle-open"
GREY, SIZE = "#8A9096", 5
OPACITY, UNCHOSEN = 0.8, 0.12

STATES = {
    "passed": "accepted", "waiting": "waiting", "accepted": "accepted", "edited": "running", "rejected": "rejected",
    "in the trash": "lost",
}  # fmt: skip
"""What a machine or a person said -> the state whose colour it has."""


def pack(values: np.ndarray) -> dict[str, str]:
    """Return numbers as plotly.js reads them fastest: (n,) as the bytes of float32."""
    return {"dtype": "f4", "bdata": base64.b64encode(np.ascontiguousarray(values, dtype="<f4")).decode()}


def draw_map(
    points: pd.DataFrame,
    colour: pd.Series,
    is_lit: np.ndarray,
    *,
    by: str,
    title: str,
    view: str,
) -> tuple[Figure, list[list[int]]]:
    """Draw a map; the second that is returned are the rows of the points of each trace.

    Args:
        points: ``x``, ``y``, ``source`` (seed or grown): seeds are rings, the others discs.
        colour: what they are coloured by; text (None: unknown), or numbers (NaN: unknown).
        is_lit: (n,) which have their colour; the others are grey.
        by: name of what they are coloured by.
        title: of the figure.
        view: key of the reader's zoom; another map needs another one.
    """
    is_number = pd.api.types.is_numeric_dtype(colour)
    known = is_lit & colour.notna().to_numpy()
    groups = [(OTHERS, np.flatnonzero(~known), {"color": GREY, "opacity": 0.3, "size": SIZE - 1})]
    if is_number:
        groups.append((by, np.flatnonzero(known), _shade(colour[known].to_numpy(float), by)))
    else:
        colours = choose_colours(colour[known], by)
        rest = known & ~colour.isin([name for name in colours if name != OTHERS]).to_numpy()
        for name, own_colour in colours.items():
            is_own = rest if name == OTHERS else known & (colour == name).to_numpy()
            groups.append((name, np.flatnonzero(is_own), {"color": own_colour, "opacity": OPACITY, "size": SIZE + 1}))
    traces, rows, is_seed = [], [], (points["source"] == "seed").to_numpy()
    for name, own, marker in groups:
        for part, symbol in ((own[is_seed[own]], SEED_SYMBOL), (own[~is_seed[own]], "circle")):
            if len(part):
                is_first = not any(each["legendgroup"] == escape(str(name)) for each in traces)
                traces.append(_draw_part(points.iloc[part], str(name), _cut(marker, own, part), symbol, is_first))
                rows.append(part.tolist())
    hidden = {"showticklabels": False, "showgrid": False, "showline": False, "ticks": ""}
    figure = make_figure(
        traces,
        title=title,
        x=make_axis("", **hidden),
        y=make_axis("", **hidden),
        height=620,
        view=view,
        margin={"l": 8, "r": 8, "t": 44, "b": 56},
        showlegend=not is_number,
        legend={"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top", "itemsizing": "constant"},
        dragmode="lasso",
    )
    return figure, rows


def _draw_part(points: pd.DataFrame, name: str, marker: dict[str, Any], symbol: str, is_first: bool) -> dict[str, Any]:
    """Return the trace of the seeds or of what was grown of one kind; both are one entry of the legend."""
    return {
        "type": "scattergl",
        "mode": "markers",
        "name": escape(name),
        "legendgroup": escape(name),
        "showlegend": is_first,
        "x": pack(points["x"].to_numpy()),
        "y": pack(points["y"].to_numpy()),
        "marker": {**marker, "symbol": symbol},
        "unselected": {"marker": {"opacity": UNCHOSEN}},
        "hoverinfo": "none",
    }


def _cut(marker: dict[str, Any], rows: np.ndarray, part: np.ndarray) -> dict[str, Any]:
    """Return the marker of some of a group's rows: of numbers, those that belong to them."""
    if not isinstance(marker["color"], np.ndarray):
        return marker
    return {**marker, "color": pack(marker["color"][np.isin(rows, part)])}


def choose_colours(names: pd.Series, by: str) -> dict[str, str]:
    """Return kind -> colour, the most frequent first; what there are no colours for is OTHERS.

    Args:
        names: of the points.
        by: selector and method have colours of their own, states too.
    """
    counts = names.value_counts()
    ordered = sorted(counts.index, key=lambda name: (-counts[name], str(name)))
    if by == "selector":
        return {name: style_of_selector(name).colour for name in ordered}
    if by == "method":
        return {name: style_of_method(name).colour for name in ordered}
    if by in ("review", "verdict"):
        return {name: STATE_STYLES[STATES.get(name, "rejected")].colour for name in ordered}
    if by == "source":
        return {name: NEUTRAL.colour if name == "seed" else CATEGORIES[2] for name in ordered}
    if by == "round":
        ordered = sorted(ordered, key=lambda name: int(name))
    found = dict(zip(ordered, CATEGORIES, strict=False))
    return found if len(ordered) <= len(CATEGORIES) else {**found, OTHERS: GREY}


def _shade(values: np.ndarray, by: str) -> dict[str, Any]:
    """Return the marker of points with a number each: around zero where both signs mean something."""
    bar = {"title": {"text": escape(by), "side": "right"}, "thickness": 12, "len": 0.6, "outlinewidth": 0}
    marker = {"color": values, "opacity": OPACITY, "size": SIZE + 1, "showscale": True, "colorbar": bar}
    low, high = np.percentile(values, [2, 98]) if len(values) else (0.0, 1.0)
    if low < 0 < high:
        end = float(max(-low, high))
        return {**marker, "colorscale": AROUND_ZERO, "cmin": -end, "cmax": end}
    return {**marker, "colorscale": SCALE, "cmin": float(low), "cmax": float(max(high, low + 1e-9))}


COLUMN_NAMES = tuple(f"{100 * low:.0f} to {100 * high:.0f} %" for low, high in pairwise(EDGES))


def draw_archive(grid: pd.DataFrame, skills: Sequence[str], *, by: str, view: str) -> Figure:
    """Draw the archive: a row for each skill-set, a column for each range of solve rates.

    Args:
        grid: of ``core.analysis.archive_grid.make_grid``.
        skills: the rows, from the top.
        by: ``fill`` (problems that were grown) or ``quality`` (the best of them).
        view: key of the reader's zoom.
    """
    cells = {(row.skills, row.column): row for row in grid.itertuples()}
    values, texts = [], []
    for name in skills:
        own = [cells.get((name, column)) for column in range(len(COLUMN_NAMES))]
        number = "n_grown" if by == "fill" else "quality"
        values.append([None if cell is None else float(np.nan_to_num(getattr(cell, number))) for cell in own])
        texts.append([_say_cell(cell) for cell in own])
    heat = {
        "type": "heatmap",
        "x": list(COLUMN_NAMES),
        "y": list(range(len(skills))),
        "z": values,
        "text": texts,
        "texttemplate": "%{text}",
        "colorscale": [[0, SEEDS_ONLY], [1e-6, SCALE[0][1]], *SCALE[1:]],
        "zmin": 0,
        "zmax": max([1.0, *(value for row in values for value in row if value is not None)]),  # none grown: no scale
        "xgap": 2,
        "ygap": 2,
        "customdata": [[escape(name or "unknown")] * len(COLUMN_NAMES) for name in skills],
        "hovertemplate": "%{customdata}<br>solved in %{x}<br>%{text}<extra></extra>",
        "hoverongaps": True,
        "colorbar": {"title": {"text": "problems" if by == "fill" else "quality", "side": "right"}, "thickness": 12},
        "showscale": True,
    }
    return make_figure(
        [heat],
        title="Problems grown, by skill-set and how often the student solves them",
        x=make_axis("answers that are right", type="category", fixedrange=True, showgrid=False),
        y=make_axis(
            "",
            autorange="reversed",
            fixedrange=True,
            showgrid=False,
            tickvals=list(range(len(skills))),
            ticktext=[escape(_shorten(name or "unknown")) for name in skills],
        ),
        height=130 + 26 * max(len(skills), 2),
        view=view,
        margin={"l": 16, "r": 16, "t": 44, "b": 60},
    )


def _say_cell(cell: Any) -> str:
    """Return ``12``, ``12 + 3 seeds``, ``3 seeds`` or nothing."""
    if cell is None:
        return ""
    seeds = f"{cell.n_seeds} seed{'s' if cell.n_seeds != 1 else ''}" if cell.n_seeds else ""
    return " + ".join(part for part in (str(cell.n_grown) if cell.n_grown else "", seeds) if part)


def _shorten(name: str, most: int = 60) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def draw_course(course: pd.DataFrame, names: dict[str, str], *, by: str, view: str) -> Figure:
    """Draw how coverage or QD-score rose as problems were grown, a line for each run.

    Args:
        course: of ``measure_course``.
        names: run -> what people read.
        by: coverage, cells or qd_score.
        view: key of the reader's zoom.
    """
    words = {
        "coverage": "Skill-sets that were grown into",
        "cells": "Cells of some quality that were filled",
        "qd_score": "QD-score: the best quality of each skill-set, added up",
    }
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": escape(names.get(str(run), str(run))),
            "x": own["n"].tolist(),
            "y": own[by].round(4).tolist(),
            "line": {"color": CATEGORIES[place % len(CATEGORIES)], "width": 2},
            "hovertemplate": "%{x:,d} problems: %{y}<extra></extra>",
        }
        for place, (run, own) in enumerate(course.groupby("run", sort=True))
    ]
    return make_figure(
        traces,
        title=words[by],
        x=make_axis("problems grown", rangemode="tozero"),
        y=make_axis({"coverage": "skill-sets", "cells": "cells", "qd_score": "QD-score"}[by], rangemode="tozero"),
        height=340,
        view=view,
        margin={"l": 56, "r": 16, "t": 44, "b": 90},
        showlegend=len(traces) > 1,
    )
