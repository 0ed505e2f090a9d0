"""How a distribution moves from seeds to their children: all of them, and those that were asked for.

Two figures with the same axes, to stand beside each other. All are neutral; what was asked for has the colour of the
selector that would choose it.
"""

import numpy as np

from core.figures.colours import NEUTRAL, Style, fade, style_of_selector
from core.figures.histograms import find_edges, share_per_bin
from core.figures.layout import Figure, make_axis, make_figure

N_BINS = 24
BELOW = {
    "orientation": "h",
    "x": 0,
    "y": 0,
    "yref": "container",
    "yanchor": "bottom",
    "entrywidth": 1,
    "entrywidthmode": "fraction",
}  # one below the other, however wide: both plots stay equally high


SELECTORS = {"hard": "loss_high", "easy": "loss_low", "low_reward": "reward_low", "high_reward": "reward_high"}
"""Wish -> the selector that it stands for."""

STUDENTS = {"before training": NEUTRAL, "after training": Style("#0078BD")}
"""What the two students of a check are called in a figure, and how they are drawn."""


def style_of_wish(name: str) -> Style:
    """Return how what a wish asks for is drawn; one without a selector has a spare colour of its own."""
    return style_of_selector(SELECTORS.get(name, name))


def draw_moved(
    seeds: np.ndarray,
    children: np.ndarray,
    is_chosen: np.ndarray,
    *,
    noun: str,
    axis: str,
    style: Style,
    view: str = "moved",
    height: int = 300,
) -> tuple[Figure, Figure]:
    """Draw the distribution of the seeds and that of their children, on the same axes.

    Args:
        seeds: (n,) a value of each seed; NaN where unknown.
        children: (n,) of its child, in the same order.
        is_chosen: (n,) whether the seed was asked for.
        noun: what was asked for, escaped.
        axis: the value and its unit.
        style: of what was asked for.
        view: key of the reader's zoom.
        height: pixels of each.
    """
    edges = find_edges(np.concatenate([seeds, children]), min(N_BINS, max(6, int(np.sqrt(2 * len(seeds))))))
    sides = (("Seeds", seeds, noun), ("Their children", children, f"children of {noun}"))
    drawn = [
        [_make_bars(edges, values), _make_steps(edges, values[is_chosen], name, style)] for _, values, name in sides
    ]
    top = max(max(trace["y"]) for traces in drawn for trace in traces)
    span = float(edges[-1] - edges[0])
    seeds_, children_ = (
        make_figure(
            traces,
            title=title,
            x=make_axis(axis, range=[float(edges[0]) - 0.02 * span, float(edges[-1]) + 0.02 * span]),
            y=make_axis("% of the group", range=[0, 1.06 * top]),
            height=height,
            view=f"{view}/{title}",
            shapes=[*_mark_mean(values, NEUTRAL), *_mark_mean(values[is_chosen], style)],
            margin={"l": 52, "r": 12, "t": 36, "b": 86},
            showlegend=True,
            legend=BELOW,
        )
        for (title, values, _), traces in zip(sides, drawn, strict=True)
    )
    return seeds_, children_


def _make_bars(edges: np.ndarray, values: np.ndarray) -> dict:
    return {
        "type": "bar",
        "name": f"all {int(np.isfinite(values).sum()):,}{_say_mean(values)}",
        "x": ((edges[1:] + edges[:-1]) / 2).tolist(),
        "y": share_per_bin(values, edges).round(4).tolist(),
        "width": float(edges[1] - edges[0]),
        "marker": {"color": fade(NEUTRAL.colour, 0.3), "line": {"width": 0}},
        "hovertemplate": "all<br>%{x:.3g}: %{y:.1f} %<extra></extra>",
    }


def _make_steps(edges: np.ndarray, values: np.ndarray, name: str, style: Style) -> dict:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{int(np.isfinite(values).sum()):,} {name}{_say_mean(values)}",
        "x": np.repeat(edges, 2).tolist(),
        "y": [0.0, *np.repeat(share_per_bin(values, edges).round(4), 2).tolist(), 0.0],
        "line": {"color": style.colour, "width": 2},
        "fill": "tozeroy",
        "fillcolor": fade(style.colour, 0.16),
        "hovertemplate": f"{name}<br>%{{x:.3g}}: %{{y:.1f}} %<extra></extra>",
    }


def _say_mean(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    return f", mean {known.mean():.3g}".replace("-", "−") if len(known) else ""


def _mark_mean(values: np.ndarray, style: Style) -> list[dict]:
    """Return an upright line at the mean, over the whole height."""
    known = values[np.isfinite(values)]
    if not len(known):
        return []
    at = float(known.mean())
    line = {"color": style.colour, "width": 1.5, "dash": "dot"}
    return [{"type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1, "line": line}]
