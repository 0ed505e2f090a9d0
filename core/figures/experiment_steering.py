"""Whether what an experiment asked for is what came: children beside their seeds, and right answers in order.

The colours are those of the learning curves.
"""

from collections.abc import Mapping
from html import escape

import pandas as pd

from core.analysis.steering import Correlation
from core.figures.colours import NEUTRAL, Style
from core.figures.experiments import make_error_band
from core.figures.layout import Figure, make_axis, make_figure

BELOW = {"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"}
"""A legend below the axis: above it lies upon the title where it has several lines."""


def draw_gaps(gaps: Mapping[str, pd.DataFrame], styles: Mapping[str, Style], *, view: str = "gaps") -> Figure:
    """Draw how many fewer right answers the data ordered by its seeds' scores has than in a random order.

    Args:
        gaps: method -> ``measure_gap``.
        styles: method -> its looks.
        view: key of the reader's zoom.
    """
    traces, ends = [], []
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
        ends.append((name, line))
    return make_figure(
        traces,
        title="Right answers so far: random order minus ordered",
        x=make_axis("share of the children, by their seeds' score, %"),
        y=make_axis("random − ordered, points"),
        height=400,
        view=view,
        margin={"l": 56, "r": 24, "t": 44, "b": 110},
        showlegend=len(ends) > 1,
        legend=BELOW,
    )


def draw_pairs(
    pairs: pd.DataFrame, found: Correlation, signal: str, styles: Mapping[str, Style], *, view: str = "pairs"
) -> Figure:
    """Draw the scores of children over those of their seeds, with the line of best fit.

    Args:
        pairs: columns method, before and after.
        found: their correlation.
        signal: what was scored.
        styles: method -> its looks.
        view: key of the reader's zoom.
    """
    traces = []
    for method, rows in pairs.dropna(subset=["before", "after"]).groupby("method"):
        style = styles.get(str(method), NEUTRAL)
        traces.append(
            {
                "type": "scattergl",
                "mode": "markers",
                "name": escape(str(method)),
                "x": rows["before"].round(4).tolist(),
                "y": rows["after"].round(4).tolist(),
                "marker": {"size": 5, "color": style.colour, "opacity": 0.45},
                "hovertemplate": "%{x:.3g} → %{y:.3g}<extra></extra>",
            }
        )
    if found.slope is not None:
        ends = [float(pairs["before"].min()), float(pairs["before"].max())]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "line of best fit",
                "x": ends,
                "y": [found.intercept + found.slope * end for end in ends],
                "line": {"color": "#D0453E", "width": 2},
                "hoverinfo": "skip",
            }
        )
    name = signal.replace("_", " ")
    return make_figure(
        traces,
        title=f"{name.capitalize()} of children over that of their seeds",
        x=make_axis(f"{name} of the seed"),
        y=make_axis(f"{name} of the child"),
        height=400,
        view=f"{view}/{signal}",
        margin={"l": 56, "r": 24, "t": 44, "b": 110},
        showlegend=True,
        legend=BELOW,
    )
