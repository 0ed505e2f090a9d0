"""Prompting methods side by side: diversity against what it costs, and every measure with its interval.

Frames are those of ``core.analysis.methods.compare_methods``; a method without a value has no point.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from core.figures.colours import NEUTRAL, style_of_method
from core.figures.layout import Figure, make_axis, make_figure

PANEL_HEIGHT = 76
ROW_HEIGHT = 24
"""Pixels of a panel without its rows, and of each row."""

NEAR = (0.22, 0.09)
"""Shares of the axes within which two names would be written over one another."""

PLACES = ("top center", "bottom center", "middle right", "middle left")


def draw_trade_off(
    frame: pd.DataFrame, titles: Mapping[str, str], *, x: str, y: str, x_axis: str, y_axis: str, title: str
) -> Figure:
    """Draw one point per method, named, with its intervals as bars.

    Args:
        frame: one row per method: ``method``, the columns x and y, and ``_low`` and ``_high`` of each, if it has them.
        titles: method -> what people read.
        x: column across: a cost, or the acceptance.
        y: column upwards: a measure.
        x_axis: name and unit of x.
        y_axis: name and unit of y.
        title: the finding's subject.
    """
    known = frame[_numbers(frame, x).notna() & _numbers(frame, y).notna()]
    points = list(zip(_numbers(known, x), _numbers(known, y), strict=True))
    traces = [
        _draw_point(row, titles, x, y, place)
        for (_, row), place in zip(known.iterrows(), place_names(points), strict=True)
    ]
    return make_figure(
        traces,
        title=title,
        x=make_axis(x_axis, **_pad([each for each, _ in points], 0.22)),
        y=make_axis(y_axis, **_pad(_list_ends(known, y), 0.16)),
        height=360,
        view=f"trade-off/{x}/{y}/{'/'.join(known['method'])}",
    )


def _draw_point(row: pd.Series, titles: Mapping[str, str], x: str, y: str, place: str) -> dict[str, Any]:
    style = style_of_method(row["method"])
    name = escape(titles.get(row["method"], row["method"]))
    bars = {f"error_{axis}": bar for axis, column in (("x", x), ("y", y)) if (bar := _make_bar([row], column))}
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": name,
        "x": [float(row[x])],
        "y": [float(row[y])],
        "text": [name],
        "textposition": place,
        "textfont": {"size": 12},
        "cliponaxis": False,
        "marker": {"color": style.colour, "symbol": style.symbol, "size": 11},
        **{axis: {**bar, "color": style.colour} for axis, bar in bars.items()},
        "hovertemplate": f"{name}<br>%{{x:.4g}}, %{{y:.3f}}<extra></extra>",
    }


def place_names(points: Sequence[tuple[float, float]]) -> list[str]:
    """Return where each point's name is written, so that names of close points do not lie upon one another."""
    spans = [max(axis) - min(axis) or 1.0 for axis in zip(*points, strict=True)] if points else [1.0, 1.0]
    places: list[str] = []
    for i, point in enumerate(points):
        taken = {
            places[j]
            for j in range(i)
            if all(abs(point[axis] - points[j][axis]) < NEAR[axis] * spans[axis] for axis in (0, 1))
        }
        places.append(next((place for place in PLACES if place not in taken), PLACES[0]))
    return places


def draw_measure_panels(
    frame: pd.DataFrame, titles: Mapping[str, str], measures: Mapping[str, str], *, prefix: str = ""
) -> dict[str, Figure]:
    """Draw each measure as a small figure: a row per method, a point with its 95 % interval as a bar.

    The rows are the same in all of them, so that a method is found at the same height; each has its own range.

    Args:
        frame: see ``draw_trade_off``.
        titles: method -> what people read.
        measures: column -> what the panel is called; one without any value is left out.
        prefix: of the columns: ``accepted_`` for the accepted candidates alone.
    """
    names = [escape(titles.get(method, method)) for method in frame["method"]]
    panels = {}
    for measure, title in measures.items():
        column = f"{prefix}{measure}"
        if not _numbers(frame, column).notna().any():
            continue
        rows = [row for _, row in frame.iterrows()]
        traces = [
            _draw_row(row, place, names[place], column) for place, row in enumerate(rows) if pd.notna(row[column])
        ]
        panels[measure] = make_figure(
            traces,
            title=title,
            x=make_axis("", nticks=4, **_pad(_list_ends(frame, column), 0.08)),
            y=make_axis(
                "",
                tickvals=list(range(len(names))),
                ticktext=names,
                range=[len(names) - 0.5, -0.5],
                showgrid=False,
                ticks="",
            ),
            height=PANEL_HEIGHT + ROW_HEIGHT * len(names),
            view=f"measures/{column}/{len(names)}",
            margin={"l": 8, "r": 12, "t": 36, "b": 28},
        )
    return panels


def _draw_row(row: pd.Series, place: int, name: str, column: str) -> dict[str, Any]:
    style = style_of_method(row["method"])
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    between = "" if pd.isna(low) or pd.isna(high) else f" ({low:.3f} to {high:.3f})"
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [float(row[column])],
        "y": [place],
        "marker": {"color": style.colour, "symbol": style.symbol, "size": 9},
        **({"error_x": {**bar, "color": style.colour}} if (bar := _make_bar([row], column)) else {}),
        "hovertemplate": f"{name}: %{{x:.3f}}{between}<extra></extra>",
    }


def _make_bar(rows: Sequence[pd.Series], column: str) -> dict[str, Any] | None:
    """Return the interval of a column as error bars, each as long as it is; None where a row has none."""
    ends = [(row[column], row.get(f"{column}_low"), row.get(f"{column}_high")) for row in rows]
    if any(pd.isna(low) or pd.isna(high) for _, low, high in ends):
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, float(high - value)) for value, _, high in ends],
        "arrayminus": [max(0.0, float(value - low)) for value, low, _ in ends],
        "thickness": 1.6,
        "width": 4,
        "color": NEUTRAL.colour,
    }


def _numbers(frame: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_numeric(frame[column], errors="coerce") if column in frame else pd.Series(float("nan"), frame.index)


def _list_ends(frame: pd.DataFrame, column: str) -> list[float]:
    """Return the values of a column and the ends of their intervals, as far as they are known."""
    found = pd.concat([_numbers(frame, name) for name in (column, f"{column}_low", f"{column}_high")])
    return found.dropna().tolist()


def _pad(values: Sequence[float], share: float) -> dict[str, Any]:
    """Return the range of an axis that holds the values with some room; nothing where there are none."""
    if not values:
        return {}
    low, high = min(values), max(values)
    room = share * (high - low) or 0.1 * abs(high) or 0.1
    return {"range": [low - room if low < 0 else max(low - room, -0.02 * high), high + room]}
