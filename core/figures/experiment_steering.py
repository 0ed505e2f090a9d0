"""Whether what an experiment asked for is what came: children beside their seeds, and right answers in order.

The colours are those of the learning curves.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.steering import HARD_IF_HIGH, Correlation, range_of_random, spread_curves
from core.figures.colours import NEUTRAL, SYMBOLS, Style, fade
from core.figures.experiments import make_error_band
from core.figures.layout import Figure, make_axis, make_figure

BELOW = {"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"}
"""A legend below the axis: above it lies upon the title where it has several lines."""

FIT = "#D0453E"
"""Colour of a line of best fit, as in the source."""

LOOKS = {"height": 400, "margin": {"l": 56, "r": 24, "t": 44, "b": 110}, "legend": BELOW}
"""What all figures of this file share, so that two of them stand beside each other."""

CUMULATIVE = (
    "Thin: a replicate each; thick: their mean; dotted: a random order on average. With one replicate a band "
    "holds 95 of 100 random orders at each share."
)
GAPS = "Difference: mean ± standard error over replicates; above 0 the children that come first are harder."
"""How the two figures of right answers are read, side by side."""

LARGEST = 48
"""Pixels of a point that stands for many."""


def draw_pairs(
    pairs: pd.DataFrame, found: Correlation, signal: str, style: Style, *, name: str, view: str = "pairs"
) -> Figure:
    """Draw the scores of children over those of their seeds, with the line of best fit (figure 10).

    Args:
        pairs: of one student: columns before and after.
        found: their correlation.
        signal: what was scored.
        style: of the arm.
        name: of the arm.
        view: key of the reader's zoom.
    """
    known, named = pairs.dropna(subset=["before", "after"]), signal.replace("_", " ")
    traces = [_make_points(known, escape(name), style)]
    if found.slope is not None:
        ends = [float(known["before"].min()), float(known["before"].max())]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "line of best fit",
                "x": ends,
                "y": [found.intercept + found.slope * end for end in ends],
                "line": {"color": FIT, "width": 2},
                "hoverinfo": "skip",
            }
        )
    return make_figure(
        traces,
        title=f"{named.capitalize()} of children over that of their seeds",
        x=make_axis(f"{named} of the seed"),
        y=make_axis(f"{named} of the child"),
        view=f"{view}/{signal}",
        showlegend=True,
        **LOOKS,
    )


def draw_sets(
    middles: pd.DataFrame, signal: str, styles: Mapping[str, Style], *, is_share: bool = False, view: str = "sets"
) -> Figure:
    """Draw each arm's data of a round as one point: the middle of its children over that of its seeds (figure 6).

    Args:
        middles: of ``take_middles``, with ``method``; a row for each replicate.
        signal: what was scored.
        styles: method -> its looks.
        is_share: whether they are shares and not medians.
        view: key of the reader's zoom.
    """
    middle = f"{'share' if is_share else 'median'} of {signal.replace('_', ' ')}"
    return make_figure(
        [
            _make_points(rows, escape(str(method)), styles.get(str(method), NEUTRAL), size=9)
            for method, rows in middles.groupby("method", sort=True)
        ],
        title=f"{middle.capitalize()} in each arm's data: children over seeds",
        x=make_axis(f"{middle} among the seeds"),
        y=make_axis(f"{middle} among the children"),
        view=f"{view}/{signal}",
        showlegend=True,
        **LOOKS,
    )


def _make_points(pairs: pd.DataFrame, name: str, style: Style, size: int = 6) -> dict[str, Any]:
    """Return points; those that lie upon one another, such as right and wrong, are one that grows with their number."""
    marks = pairs[["before", "after"]].astype(float).round(4).value_counts(sort=False).reset_index()
    return {
        "type": "scattergl",
        "mode": "markers",
        "name": name,
        "x": marks["before"].tolist(),
        "y": marks["after"].tolist(),
        "marker": {
            "size": (size * np.sqrt(marks["count"])).clip(upper=LARGEST).round(1).tolist(),
            "color": style.colour,
            "symbol": SYMBOLS.get(style.dash, "circle"),
            "opacity": 0.55,
        },
        "customdata": marks["count"].tolist(),
        "hovertemplate": f"{name}<br>%{{x:.3g}} → %{{y:.3g}}: %{{customdata:,}}<extra></extra>",
    }


# -- right answers in order ----------------------------------------------------------------------------------------


def draw_cumulative(
    curves: Mapping[str, Sequence[np.ndarray]], styles: Mapping[str, Style], signal: str, *, view: str = "cumulative"
) -> Figure:
    """Draw right answers so far over the share of the children, those of the hardest seeds first (figure 11).

    Replicates are thin, their mean is thick; a dotted line is what a random order has on average. Where there is one
    replicate, a band has 95 of 100 random orders.

    Args:
        curves: of ``order_right``.
        styles: method -> its looks.
        signal: that orders the seeds.
        view: key of the reader's zoom.
    """
    traces = []
    for method, own in curves.items():
        style, name, table = styles.get(method, NEUTRAL), escape(method), 100 * spread_curves(own)
        xs = list(range(101))
        traces.append(_make_diagonal(float(table[:, -1].mean()), style))
        if len(table) == 1:
            traces.append(_make_range(own[0], style))
        else:
            traces += [_make_thin(xs, row, style) for row in table]
        line = {"color": style.colour, "width": 2.5, "dash": style.dash}
        told = f"{name}<br>first %{{x}} %: %{{y:.1f}} % right so far<extra></extra>"
        traces.append(
            {"type": "scatter", "mode": "lines", "name": name, "x": xs, "y": table.mean(axis=0).round(3).tolist()}
            | {"line": line, "hovertemplate": told}
        )
    return make_figure(
        traces,
        title="Right answers so far, % of all children",
        x=make_axis(f"share of the children, {say_order(signal)}, %"),
        y=make_axis("right so far, %", rangemode="tozero"),
        view=f"{view}/{signal}",
        showlegend=True,
        **LOOKS,
    )


def say_order(signal: str) -> str:
    """Return whose children come first: ``highest loss of the seed first``."""
    if signal == "correct":
        return "seeds answered wrongly first"
    return f"{'highest' if signal in HARD_IF_HIGH else 'lowest'} {signal.replace('_', ' ')} of the seed first"


def _make_diagonal(accuracy: float, style: Style) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 100],
        "y": [0, round(accuracy, 3)],
        "line": {"color": style.colour, "width": 1.5, "dash": "dot"},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _make_range(curve: np.ndarray, style: Style) -> dict[str, Any]:
    ends = 100 * range_of_random(curve)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*ends["share"].round(3), *ends["share"].round(3)[::-1]],
        "y": [*ends["high"].round(3), *ends["low"].round(3)[::-1]],
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": fade(style.colour, 0.13),
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _make_thin(xs: Sequence[int], ys: np.ndarray, style: Style) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(xs),
        "y": ys.round(3).tolist(),
        "line": {"color": fade(style.colour, 0.35), "width": 1},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def draw_gaps(
    gaps: Mapping[str, pd.DataFrame], styles: Mapping[str, Style], signal: str, *, view: str = "gaps"
) -> Figure:
    """Draw how many fewer right answers children have in the order of their seeds than in a random one (figure 7).

    Args:
        gaps: method -> ``measure_gap``.
        styles: method -> its looks.
        signal: that orders the seeds.
        view: key of the reader's zoom.
    """
    traces = []
    for method, rows in gaps.items():
        style, name = styles.get(method, NEUTRAL), escape(method)
        xs = (100 * rows["share"]).round(2).tolist()
        line = {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": xs,
            "y": rows["mean"].round(3).tolist(),
            "line": {"color": style.colour, "width": 2, "dash": style.dash},
            "hovertemplate": f"{name}<br>first %{{x:.0f}} %: %{{y:.1f}} points<extra></extra>",
        }
        band = make_error_band(rows.assign(mean=rows["mean"] / 100, se=rows["se"] / 100), xs, style)
        traces += [*band, line]
    return make_figure(
        traces,
        title="Right answers so far: random order minus ordered",
        x=make_axis(f"share of the children, {say_order(signal)}, %"),
        y=make_axis("random − ordered, points"),
        view=f"{view}/{signal}",
        showlegend=True,
        **LOOKS,
    )
