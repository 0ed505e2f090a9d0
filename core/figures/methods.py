"""Prompting methods side by side: diversity against what it costs, and every measure with its interval.

Frames are those of ``core.analysis.methods.compare_methods``; a method without a value has no point.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any

import pandas as pd

from core.figures.colours import style_of_method
from core.figures.layout import Figure, make_axis, make_figure

PANEL_HEIGHT = 76
ROW_HEIGHT = 29
"""Pixels of a panel without its rows, and of each row."""

LINE = 16
"""Characters of a line of a method's name on an axis."""

MOST = 1.04
"""Where a panel's axis ends at most: measures end at 1."""

NEAR = (0.35, 0.24)
"""Shares of the axes within which two names would be written over one another."""

STACKED = 0.07
"""Share of the axis that a name above others takes."""

GLYPHS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲"}


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
    rows = [row for _, row in known.iterrows()]
    names = [titles.get(row["method"], row["method"]) for row in rows]
    levels = stack_names(points)
    across = _pad(_list_ends(known, x), 0.2)
    return make_figure(
        [_draw_point(row, escape(name), x, y) for row, name in zip(rows, names, strict=True)],
        title=title,
        x=make_axis(x_axis, **across),
        y=make_axis(y_axis, **_pad(_list_ends(known, y), 0.16, above=STACKED * max(levels, default=0))),
        height=380,
        view=f"trade-off/{x}/{y}/{'/'.join(known['method'])}",
        annotations=[
            _write_name(row, escape(name), x, y, level, across["range"])
            for row, name, level in zip(rows, names, levels, strict=True)
        ],
    )


def _draw_point(row: pd.Series, name: str, x: str, y: str) -> dict[str, Any]:
    style = style_of_method(row["method"])
    bars = {f"error_{axis}": bar for axis, column in (("x", x), ("y", y)) if (bar := _make_bar(row, column))}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [float(row[x])],
        "y": [float(row[y])],
        "marker": {"color": style.colour, "symbol": style.symbol, "size": 11},
        **bars,
        "hovertemplate": f"{name}<br>%{{x:.4g}}, %{{y:.3f}}<extra></extra>",
    }


def _write_name(row: pd.Series, name: str, x: str, y: str, level: int, across: tuple[float, float]) -> dict[str, Any]:
    """Write a point's name, its mark before it, above its bar and the names that are already there."""
    style, high = style_of_method(row["method"]), row.get(f"{y}_high")
    place = (row[x] - across[0]) / (across[1] - across[0])
    return {
        "x": float(row[x]),
        "y": float(row[y] if high is None or pd.isna(high) else high),
        "text": f'<span style="color:{style.colour}">{GLYPHS.get(style.symbol, "●")}</span> {name}',
        "showarrow": False,
        "xanchor": "left" if place < 0.2 else "right" if place > 0.8 else "center",
        "yanchor": "bottom",
        "yshift": 5 + 16 * level,
        "font": {"size": 12},
    }


def stack_names(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return how many names of close points stand below each point's own; the leftmost point's is the lowest."""
    spans = [max(axis) - min(axis) or 1.0 for axis in zip(*points, strict=True)] if points else [1.0, 1.0]
    levels: dict[int, int] = {}
    for i in sorted(range(len(points)), key=lambda row: points[row]):
        taken = {
            level
            for j, level in levels.items()
            if all(abs(points[i][axis] - points[j][axis]) < NEAR[axis] * spans[axis] for axis in (0, 1))
        }
        levels[i] = next(level for level in range(len(points)) if level not in taken)
    return [levels[i] for i in range(len(points))]


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
    names = [titles.get(method, method) for method in frame["method"]]
    panels = {}
    for measure, title in measures.items():
        column = f"{prefix}{measure}"
        if not _numbers(frame, column).notna().any():
            continue
        rows = [row for _, row in frame.iterrows()]
        traces = [
            _draw_row(row, place, escape(names[place]), column)
            for place, row in enumerate(rows)
            if pd.notna(row[column])
        ]
        panels[measure] = make_figure(
            traces,
            title=title,
            x=make_axis("", nticks=5, tickangle=0, **_pad(_list_ends(frame, column), 0.1, most=MOST)),
            y=make_axis(
                "",
                tickvals=list(range(len(names))),
                ticktext=[_break_name(name) for name in names],
                tickfont={"size": 11.5},
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
        **({"error_x": bar} if (bar := _make_bar(row, column)) else {}),
        "hovertemplate": f"{name}<br>%{{x:.3f}}{between}<extra></extra>",
    }


def _make_bar(row: pd.Series, column: str) -> dict[str, Any] | None:
    """Return the interval of a column as an error bar; None where it has none."""
    value, low, high = row[column], row.get(f"{column}_low"), row.get(f"{column}_high")
    if low is None or high is None or pd.isna(low) or pd.isna(high):
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, float(high - value))],
        "arrayminus": [max(0.0, float(value - low))],
        "thickness": 1.6,
        "width": 4,
        "color": style_of_method(row["method"]).colour,
    }


def _break_name(name: str) -> str:
    """Return a name on at most two short lines."""
    lines = wrap(name, LINE, max_lines=2, placeholder=" …") or [name]
    return "<br>".join(map(escape, lines))


def _numbers(frame: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_numeric(frame[column], errors="coerce") if column in frame else pd.Series(float("nan"), frame.index)


def _list_ends(frame: pd.DataFrame, column: str) -> list[float]:
    """Return the values of a column and the ends of their intervals, as far as they are known."""
    found = pd.concat([_numbers(frame, name) for name in (column, f"{column}_low", f"{column}_high")])
    return found.dropna().tolist()


def _pad(values: Sequence[float], share: float, most: float = math.inf, above: float = 0.0) -> dict[str, Any]:
    """Return the range of an axis that holds the values with some room.

    Args:
        values: what it holds; without any it is any range.
        share: of their span, left free on either side.
        most: where it ends at most, unless a value lies beyond.
        above: share of the whole that is left free on top as well.
    """
    if not values:
        return {"range": [0.0, 1.0]}
    low, high = min(values), max(values)
    room = share * (high - low) or 0.1 * abs(high) or 0.1
    start, end = low - room if low < 0 else max(low - room, -0.02 * high), min(high + room, max(high, most))
    return {"range": [start, end + above * (end - start)]}
