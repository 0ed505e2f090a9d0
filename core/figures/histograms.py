"""Distributions of a raw signal: all problems, the chosen ones, as many drawn at random, those of earlier rounds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.figures.colours import NEUTRAL, Style, fade
from core.figures.layout import Figure, make_axis, make_figure

MAX_BINS = 40


def find_edges(values: np.ndarray, n_bins: int | None = None) -> np.ndarray:
    """Return the edges of equal bins over the finite values; (n_bins + 1,) float64, at least two bins."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.linspace(0.0, 1.0, 3)
    if np.isin(finite, (0.0, 1.0)).all():
        return np.array([-0.5, 0.5, 1.5])  # wrong and right
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    n_bins = n_bins or int(np.clip(np.sqrt(finite.size), 2, MAX_BINS))
    return np.linspace(low, high, n_bins + 1)


def share_per_bin(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the share of the finite values in each bin, %; all zero where there are none. Shape (n_bins,)."""
    finite = values[np.isfinite(values)]
    counts = np.histogram(finite, bins=edges)[0]
    return 100.0 * counts / max(finite.size, 1)


@dataclass(frozen=True, slots=True)
class Group:
    """Some problems whose values are drawn over the pool's."""

    name: str
    values: np.ndarray
    """(m,) float64, NaN where unknown."""

    style: Style


def _make_outline(edges: np.ndarray, group: Group) -> dict:
    """Draw bins as one stepped outline with a light fill, so that several can lie upon one another."""
    name, style = group.name, group.style
    is_filled = style is not NEUTRAL
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": np.repeat(edges, 2).tolist(),
        "y": [0.0, *np.repeat(share_per_bin(group.values, edges).round(4), 2).tolist(), 0.0],
        "line": {"color": style.colour, "width": 2, "dash": style.dash},
        "fill": "tozeroy" if is_filled else "none",
        "fillcolor": fade(style.colour, 0.16),
        "hovertemplate": f"{name}<br>%{{x:.3g}}: %{{y:.1f}} %<extra></extra>",
    }


def draw_signal(
    values: np.ndarray, groups: Sequence[Group], *, title: str, axis: str, view: str = "signal", height: int = 320
) -> Figure:
    """Draw how some groups' raw signal lies against the pool's.

    The pool is drawn as bars, one a bin, so that a reader can click one or drag over several; ``layout.meta`` has the
    ``edges``.

    Args:
        values: (n,) float64, the whole pool; NaN where unknown.
        groups: at most three, or the outlines cannot be told apart.
        title: the finding's subject.
        axis: name of the signal and its unit.
        view: key of the reader's zoom.
        height: pixels.
    """
    n_bins = int(np.clip(2 * np.sqrt(np.isfinite(values).sum()), 2, MAX_BINS))  # by the pool, whatever lies over it
    edges = find_edges(np.concatenate([values, *(group.values for group in groups)]), n_bins)
    bars = {
        "type": "bar",
        "name": f"all {int(np.isfinite(values).sum()):,}",
        "x": ((edges[1:] + edges[:-1]) / 2).tolist(),
        "y": share_per_bin(values, edges).round(4).tolist(),
        "width": float(edges[1] - edges[0]),
        "marker": {"color": fade(NEUTRAL.colour, 0.28), "line": {"width": 0}},
        "hovertemplate": "all<br>%{x:.3g}: %{y:.1f} %<extra></extra>",
    }
    return make_figure(
        [bars, *(_make_outline(edges, group) for group in groups)],
        title=title,
        x=make_axis(axis),
        y=make_axis("% of the group", rangemode="tozero"),
        view=view,
        height=height,
        showlegend=True,
        meta={"edges": edges.tolist()},
    )
