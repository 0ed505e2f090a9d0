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

VIRIDIS_SCALE = [[place / (len(VIRIDIS) - 1), colour] for place, colour in enumerate(VIRIDIS)]
"""The same as plotly wants it."""

TOPS = (25, 50, 100)
"""Ends of the colour scale, %: choices often share little, and must still be told apart."""

DARKEST_UNDER_BLACK = 0.179
"""Relative luminance (WCAG 2) at which black and white stand out alike, 4.6:1: sqrt(1.05 * 0.05) - 0.05."""

N_BINS = 24
PANEL_HEIGHT = 220
BAR = 0.86
"""Height of a bar, as a share of the row of its kind; plotly draws an upright mark 1.4 times its size."""

AROUND = 128
"""Pixels above and below the rows: the margins of a figure with a legend."""

SYMBOLS = {"solid": "circle", "dot": "square", "dash": "diamond", "dashdot": "triangle-up"}
"""What a selector's dash is where points are drawn: members of a family share their colour."""

LONGEST_NAME = 26
"""Characters of a value that are written on an axis; the rest is in its tooltip."""


def draw_overlap(shares: pd.DataFrame, *, view: str = "overlap") -> Figure:
    """Draw the share of seeds that every two choices have in common as a heat map.

    A choice with itself says nothing: the diagonal stays empty. Columns are numbered like the rows, as long names do
    not fit above them.

    Args:
        shares: from ``analysis.choices.measure_overlap``, in [0, 1].
        view: key of the reader's zoom.
    """
    labels = list(shares.index)
    names = [f"{escape(label)}  {place}" for place, label in enumerate(labels, start=1)]
    cells = [
        [None if i == j or value != value else round(100 * float(value), 2) for j, value in enumerate(row)]
        for i, row in enumerate(shares.to_numpy())
    ]
    most = max((cell for row in cells for cell in row if cell is not None), default=0.0)
    top = next(top for top in TOPS if top >= most)
    trace = {
        "type": "heatmap",
        "x": list(range(len(labels))),
        "y": list(range(len(labels))),
        "z": cells,
        "customdata": [[f"{escape(row)} and {escape(column)}" for column in labels] for row in labels],
        "hovertemplate": "%{customdata}: %{z:.1f} % in common<extra></extra>",
        "hoverongaps": False,
        "zmin": 0,
        "zmax": top,
        "colorscale": VIRIDIS_SCALE,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    ticks = {"tickvals": trace["x"], "showgrid": False, "showline": False, "ticks": "", "tickfont": {"size": 11.5}}
    return make_figure(
        [trace],
        title="Seeds in common, % of a choice",
        x=make_axis("", side="top", ticktext=[str(place + 1) for place in trace["x"]], **ticks),
        y=make_axis("", autorange="reversed", ticktext=names, **ticks),
        height=96 + 38 * len(labels),
        view=f"{view}/{'/'.join(labels)}",
        margin={"l": 56, "r": 8, "t": 64, "b": 8},
        annotations=[
            {"x": j, "y": i, "text": f"{cell:.0f}", "showarrow": False, "font": {"color": find_ink(cell / top)}}
            for i, row in enumerate(cells)
            for j, cell in enumerate(row)
            if cell is not None
        ],
    )


def find_ink(place: float) -> str:
    """Return the colour of a number on the scale's colour at this place in [0, 1]: whichever stands out more.

    Plotly's own choice, a dark grey from the middle of the scale on, keeps a contrast of 2.9:1 only.
    """
    lower = min(int(place * (len(VIRIDIS) - 1)), len(VIRIDIS) - 2)
    weight = place * (len(VIRIDIS) - 1) - lower
    sides = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in VIRIDIS[lower : lower + 2]]) / 255
    part = (1 - weight) * sides[0] + weight * sides[1]
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return "#FFFFFF" if float(linear @ (0.2126, 0.7152, 0.0722)) < DARKEST_UNDER_BLACK else "#000000"


def draw_score_panels(
    values: np.ndarray,
    choices: Mapping[str, Choice],
    *,
    axis: str,
    words: tuple[str, str] = ("0", "1"),
    view: str = "scores",
) -> dict[str, Figure]:
    """Draw how each choice's raw scores lie against the pool's and a random choice's: one small figure per choice.

    All have the same bins and axes. Grey bars are the pool, the grey dashed outline is ``random``, where it is among
    the choices; the outline in colour is the choice.

    Args:
        values: (n,) float64 over the pool, NaN where unknown.
        choices: label -> choice.
        axis: name of the signal and its unit.
        words: what 0 and 1 are called where the signal has no other values.
        view: key of the reader's zoom.
    """
    edges = find_edges(values, N_BINS)
    is_binary = len(edges) == 3 and np.isin(values[np.isfinite(values)], (0.0, 1.0)).all()
    shares = {label: share_per_bin(values[choice.rows], edges) for label, choice in choices.items()}
    pool = share_per_bin(values, edges)
    top = 1.08 * max(float(bars.max()) for bars in (pool, *shares.values()))
    x = make_axis(axis, range=[float(edges[0]), float(edges[-1])], nticks=5)
    if is_binary:
        x |= {"tickvals": [0, 1], "ticktext": list(words)}
    y = make_axis("", range=[0, top or 1.0], nticks=6, ticksuffix="%")
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
    row_height = max(26, 13 * len(choices))
    traces = _draw_chance(kinds, row_height)
    for step, (label, choice) in enumerate(choices.items()):
        rows = shares[shares["choice"] == label]
        offset = (step - (len(choices) - 1) / 2) * 0.8 / max(len(choices), 1)
        traces.append(_draw_points(rows, places + offset, label, choice))
    height = AROUND + len(names) * row_height
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
        legend={"orientation": "h", "x": 0, "y": -62 / (height - AROUND), "yanchor": "top", "itemsizing": "constant"},
    )


def _draw_chance(kinds: pd.DataFrame, row_height: int) -> list[dict]:
    """Draw where 95 of 100 random choices lie as a bar per kind, and the pool's share as an upright mark."""
    places = list(range(len(kinds)))
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": "95 of 100 random choices",
            "x": (100 * (kinds["high"] - kinds["low"])).round(3).tolist(),
            "base": (100 * kinds["low"]).round(3).tolist(),
            "y": places,
            "width": BAR,
            "marker": {"color": fade(NEUTRAL.colour, 0.26), "line": {"width": 0}},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": "all",
            "x": (100 * kinds["pool_share"]).round(3).tolist(),
            "y": places,
            "marker": {
                "symbol": "line-ns",
                "size": BAR * row_height / 1.4,
                "line": {"width": 2, "color": NEUTRAL.colour},
            },
            "text": [escape(name) for name in kinds["value"]],
            "hovertemplate": "%{text}: %{x:.1f} % of all<extra></extra>",
        },
    ]


def _draw_points(rows: pd.DataFrame, places: np.ndarray, label: str, choice: Choice) -> dict:
    style = style_of_selector(choice.selector)
    symbol = SYMBOLS.get(style.dash, "circle")
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
            "color": style.colour,
            "line": {"width": 1.8, "color": style.colour},
        },
        "text": [
            f"{escape(value)}: {n} chosen, {ratio:.2f} times as often as in the pool"
            for value, n, ratio in zip(rows["value"], rows["n"], rows["ratio"], strict=True)
        ],
        "hovertemplate": f"{escape(label)}<br>%{{text}} (%{{x:.1f}} %)<extra></extra>",
    }


def _shorten(name: str) -> str:
    return escape(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")
