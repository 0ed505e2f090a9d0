"""Several choices from one pool: what they share, the scores they take, the kinds of problem they favour.

An argmax choice is filled, one by another pick hollow; the colour is the selector's everywhere.
"""

from collections.abc import Mapping
from html import escape

import numpy as np
import pandas as pd

from core.analysis.choices import Choice
from core.figures.colours import NEUTRAL, fade, style_of_selector
from core.figures.histograms import find_edges, share_per_bin
from core.figures.layout import Figure, make_axis, make_figure

VIRIDIS = (
    "#440154", "#482878", "#3E4989", "#31688E", "#26828E", "#1F9E89", "#35B779", "#6DCD59", "#B4DE2C", "#FDE725",
)  # fmt: skip
"""Perceptually even, and readable on light and dark (van der Walt & Smith 2015)."""

N_BINS = 24
PANEL_HEIGHT = 220
LONGEST_NAME = 26
"""Characters of a value that are written on an axis; the rest is in its tooltip."""


def draw_overlap(shares: pd.DataFrame, *, view: str = "overlap") -> Figure:
    """Draw the share of seeds that every two choices have in common as a heat map.

    A choice with itself says nothing: the diagonal stays empty.

    Args:
        shares: from ``analysis.choices.measure_overlap``, in [0, 1].
        view: key of the reader's zoom.
    """
    labels = list(shares.index)
    names = [escape(label).replace(" · ", "<br>") for label in labels]
    cells = [
        [None if i == j or value != value else round(100 * float(value), 2) for j, value in enumerate(row)]
        for i, row in enumerate(shares.to_numpy())
    ]
    trace = {
        "type": "heatmap",
        "x": list(range(len(labels))),
        "y": list(range(len(labels))),
        "z": cells,
        "text": [["" if cell is None else f"{cell:.0f}" for cell in row] for row in cells],
        "texttemplate": "%{text}",
        "customdata": [[f"{escape(row)} and {escape(column)}" for column in labels] for row in labels],
        "hovertemplate": "%{customdata}: %{z:.1f} % in common<extra></extra>",
        "hoverongaps": False,
        "zmin": 0,
        "zmax": 100,
        "colorscale": [[place / (len(VIRIDIS) - 1), colour] for place, colour in enumerate(VIRIDIS)],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    ticks = {"tickvals": trace["x"], "ticktext": names, "showgrid": False, "tickfont": {"size": 11.5}, "ticks": ""}
    return make_figure(
        [trace],
        title="Seeds in common, % of a choice",
        x=make_axis("", side="bottom", tickangle=-35 if len(labels) > 4 else 0, **ticks),
        y=make_axis("", autorange="reversed", **ticks),
        height=110 + 46 * len(labels),
        view=f"{view}/{'/'.join(labels)}",
    )


def draw_score_panels(
    values: np.ndarray, choices: Mapping[str, Choice], *, axis: str, view: str = "scores"
) -> dict[str, Figure]:
    """Draw how each choice's raw scores lie against the pool's and a random choice's: one small figure per choice.

    All have the same bins and axes. Grey bars are the pool, the grey dashed outline is ``random``, where it is among
    the choices; the outline in colour is the choice.

    Args:
        values: (n,) float64 over the pool, NaN where unknown.
        choices: label -> choice.
        axis: name of the signal and its unit.
        view: key of the reader's zoom.
    """
    edges = find_edges(values, N_BINS)
    is_binary = len(edges) == 3 and np.isin(values[np.isfinite(values)], (0.0, 1.0)).all()
    shares = {label: share_per_bin(values[choice.rows], edges) for label, choice in choices.items()}
    pool = share_per_bin(values, edges)
    top = 1.08 * max(float(bars.max()) for bars in (pool, *shares.values()))
    x = make_axis(axis, range=[float(edges[0]), float(edges[-1])], nticks=5)
    if is_binary:
        x |= {"tickvals": [0, 1], "ticktext": ["0", "1"]}
    y = make_axis("", range=[0, top or 1.0], nticks=4, ticksuffix="%")
    panels = {}
    for label, choice in choices.items():
        traces = [_draw_pool(edges, pool)]
        if "random" in shares and label != "random":
            traces.append(_draw_steps(edges, shares["random"], "random", NEUTRAL.colour, NEUTRAL.dash, 0.0, 1.5))
        style = style_of_selector(choice.selector)
        fill = 0.0 if choice.selector == "random" or choice.pick != "argmax" else 0.28
        traces.append(_draw_steps(edges, shares[label], label, style.colour, style.dash, fill, 2))
        panels[label] = make_figure(
            traces,
            title=escape(label),
            x=x,
            y=y,
            height=PANEL_HEIGHT,
            view=f"{view}/{axis}",
            margin={"l": 40, "r": 8, "t": 34, "b": 40},
        )
    return panels


def _draw_pool(edges: np.ndarray, shares: np.ndarray) -> dict:
    return {
        "type": "bar",
        "name": "all",
        "x": ((edges[1:] + edges[:-1]) / 2).tolist(),
        "y": shares.round(4).tolist(),
        "width": float(edges[1] - edges[0]),
        "marker": {"color": fade(NEUTRAL.colour, 0.28), "line": {"width": 0}},
        "hovertemplate": "all<br>%{x:.3g}: %{y:.1f} %<extra></extra>",
    }


def _draw_steps(
    edges: np.ndarray, shares: np.ndarray, name: str, colour: str, dash: str, fill: float, width: float
) -> dict:
    """Draw bins as one stepped outline that begins and ends at zero."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape(name),
        "x": [float(edges[0]), *edges.tolist()],
        "y": [0.0, *shares.round(4).tolist(), 0.0],
        "line": {"color": colour, "width": width, "dash": dash, "shape": "hv"},
        "fill": "tozeroy" if fill else "none",
        "fillcolor": fade(colour, fill),
        "hovertemplate": f"{escape(name)}<br>%{{x:.3g}}: %{{y:.1f}} %<extra></extra>",
    }


def draw_kinds(shares: pd.DataFrame, choices: Mapping[str, Choice], *, title: str, view: str = "kinds") -> Figure:
    """Draw how often each kind of problem is chosen: a point per choice beside what random choices would give.

    Args:
        shares: from ``analysis.choices.compare_shares``, at least one row.
        choices: label -> choice, all of the frame's.
        title: of what the kinds are.
        view: key of the reader's zoom.
    """
    kinds = shares.drop_duplicates("value")
    names = kinds["value"].tolist()
    places = np.arange(len(names))
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": "95 of 100 random choices",
            "x": (100 * (kinds["high"] - kinds["low"])).round(3).tolist(),
            "base": (100 * kinds["low"]).round(3).tolist(),
            "y": places.tolist(),
            "width": 0.86,
            "marker": {"color": fade(NEUTRAL.colour, 0.26), "line": {"width": 0}},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": "all",
            "x": (100 * kinds["pool_share"]).round(3).tolist(),
            "y": places.tolist(),
            "marker": {"symbol": "line-ns", "size": 10 * len(choices) + 8, "line": {"width": 2, "color": NEUTRAL.colour}},
            "text": [escape(name) for name in names],
            "hovertemplate": "%{text}: %{x:.1f} % of all<extra></extra>",
        },
    ]
    for step, (label, choice) in enumerate(choices.items()):
        rows = shares[shares["choice"] == label]
        offset = (step - (len(choices) - 1) / 2) * 0.8 / max(len(choices), 1)
        traces.append(_draw_points(rows, places + offset, label, choice))
    height = 110 + len(names) * max(26, 13 * len(choices))
    return make_figure(
        traces,
        title=title,
        x=make_axis("% of the choice", rangemode="tozero", ticksuffix="%"),
        y=make_axis(
            "",
            tickvals=places.tolist(),
            ticktext=[_shorten(name) for name in names],
            range=[len(names) - 0.5, -0.5],
            showgrid=False,
        ),
        height=height,
        view=f"{view}/{title}",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": -62 / (height - 128), "yanchor": "top", "itemsizing": "constant"},
    )


def _draw_points(rows: pd.DataFrame, places: np.ndarray, label: str, choice: Choice) -> dict:
    colour = style_of_selector(choice.selector).colour
    symbol = "diamond" if choice.selector == "random" else "circle"
    is_filled = choice.pick == "argmax" and choice.selector != "random"
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escape(label),
        "x": (100 * rows["share"]).round(3).tolist(),
        "y": places.round(4).tolist(),
        "marker": {
            "symbol": symbol if is_filled else f"{symbol}-open",
            "size": 9,
            "color": colour,
            "line": {"width": 1.8, "color": colour},
        },
        "text": [
            f"{escape(value)}: {n} chosen, {ratio:.2f} times as often as in the pool"
            for value, n, ratio in zip(rows["value"], rows["n"], rows["ratio"], strict=True)
        ],
        "hovertemplate": f"{escape(label)}<br>%{{text}} (%{{x:.1f}} %)<extra></extra>",
    }


def _shorten(name: str) -> str:
    return escape(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")
