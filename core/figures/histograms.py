"""Distributions of a raw signal: all problems, the chosen ones, and as many drawn at random."""

import numpy as np

from core.figures.colours import NEUTRAL, fade, style_of_selector
from core.figures.layout import Figure, make_axis, make_figure

MAX_BINS = 40


def find_edges(values: np.ndarray, n_bins: int | None = None) -> np.ndarray:
    """Return the edges of equal bins over the finite values; (n_bins + 1,) float64, at least two bins."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.linspace(0.0, 1.0, 3)
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


def _make_outline(edges: np.ndarray, shares: np.ndarray, name: str, colour: str, dash: str, fill: float) -> dict:
    """Draw bins as one stepped outline with a light fill, so that several can lie upon one another."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [float(edges[0]), *np.repeat(edges[1:-1], 2).tolist(), float(edges[-1])],
        "y": np.repeat(shares.round(4), 2).tolist(),
        "line": {"color": colour, "width": 2, "dash": dash},
        "fill": "tozeroy" if fill else "none",
        "fillcolor": fade(colour, fill),
        "hovertemplate": f"{name}<br>%{{x:.3g}}: %{{y:.1f}} %<extra></extra>",
    }


def draw_signal(
    signal: np.ndarray,
    chosen: np.ndarray,
    at_random: np.ndarray,
    *,
    selector: str,
    name: str,
    unit: str,
    view: str = "signal",
) -> Figure:
    """Draw how the chosen seeds' raw signal lies against the pool's and against a random choice of the same size.

    Args:
        signal: (n,) float64, the whole pool; NaN where unknown.
        chosen: (k,) int64, rows of the chosen seeds.
        at_random: (k,) int64, rows of as many seeds drawn at random.
        selector: name, decides the colour.
        name: of the signal, for the title.
        unit: of the signal, for the axis.
        view: key of the reader's zoom.
    """
    edges = find_edges(signal)
    style = style_of_selector(selector)
    n = int(np.isfinite(signal).sum())
    traces = [
        _make_outline(edges, share_per_bin(signal, edges), f"all {n}", NEUTRAL.colour, "solid", 0.14),
        _make_outline(
            edges, share_per_bin(signal[at_random], edges), f"{len(at_random)} at random", NEUTRAL.colour, "dash", 0.0
        ),
        _make_outline(
            edges, share_per_bin(signal[chosen], edges), f"{len(chosen)} by {selector}", style.colour, style.dash, 0.18
        ),
    ]
    traces[0]["line"]["width"] = 0.5
    return make_figure(
        traces,
        title=f"{name[:1].upper()}{name[1:]} of the chosen seeds, against all and chance",
        x=make_axis(f"{name}, {unit}"),
        y=make_axis("% of the group", rangemode="tozero"),
        view=view,
        showlegend=True,
    )


def draw_shares(groups: dict[str, dict[str, float]], *, selector: str, title: str) -> Figure:
    """Draw a signal with two values (right or wrong) as bars.

    Args:
        groups: group name -> category -> share in [0, 1]; the last group is the chosen one.
        selector: decides the colour of the last group.
        title: subject and unit.
    """
    traces = []
    for number, (group, shares) in enumerate(groups.items()):
        is_last = number == len(groups) - 1
        colour = style_of_selector(selector).colour if is_last else NEUTRAL.colour
        traces.append(
            {
                "type": "bar",
                "name": group,
                "x": list(shares),
                "y": [round(100 * share, 2) for share in shares.values()],
                "marker": {
                    "color": fade(colour, 0.8 if is_last else 0.25 + 0.2 * number),
                    "line": {"color": colour, "width": 1.5},
                },
                "hovertemplate": f"{group}<br>%{{x}}: %{{y:.1f}} %<extra></extra>",
            }
        )
    return make_figure(
        traces,
        title=title,
        x=make_axis("", type="category"),
        y=make_axis("% of the group", range=[0, 100]),
        showlegend=True,
        barmode="group",
    )
