"""What all figures share: margins, axes with units, and a legend that does not move.

Knows no data. Text and grid colours are left to the chart component, which takes them from the theme.
"""

from typing import Any

Figure = dict[str, Any]
"""``{"data": [trace, ...], "layout": {...}}``, JSON values only; plotly.js draws it."""

LABEL_GAP = 14
"""Pixels between two labels beside line ends, at least."""

WHOLE = ",d"
"""``tickformat`` of an axis of whole numbers: the chart puts no tick between two of them, however far one zooms in."""


def make_axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis with a title (name and unit); ``more`` overrides plotly attributes."""
    return {"title": {"text": title, "standoff": 8}, "automargin": True, "zeroline": False, **more}


def make_figure(
    traces: list[dict[str, Any]],
    *,
    title: str,
    x: dict[str, Any],
    y: dict[str, Any],
    height: int = 320,
    view: str = "fixed",
    **layout: Any,
) -> Figure:
    """Return a figure.

    Args:
        traces: plotly traces as plain dicts.
        title: the finding's subject and unit.
        x: horizontal axis, from :func:`make_axis`.
        y: vertical axis.
        height: pixels.
        view: as long as it stays the same, a reader's zoom survives new data.
        layout: further plotly layout attributes.
    """
    return {
        "data": traces,
        "layout": {
            "title": {"text": title, "x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 4}},
            "xaxis": x,
            "yaxis": y,
            "height": height,
            "uirevision": view,
            "margin": {"l": 56, "r": 16, "t": 44, "b": 84 if layout.get("showlegend") else 44},
            "showlegend": False,
            "legend": {"orientation": "h", "x": 0, "y": -0.24, "yanchor": "top"},
            "hovermode": "closest",
            **layout,
        },
    }


def label_line_end(trace: dict[str, Any], text: str) -> dict[str, Any]:
    """Return an annotation that names a line at its last point (better than a legend up to six lines)."""
    return {
        "x": trace["x"][-1],
        "y": trace["y"][-1],
        "text": text,
        "xanchor": "left",
        "yanchor": "middle",
        "xshift": 6,
        "showarrow": False,
        "font": {"color": trace["line"]["color"], "size": 12},
    }


def spread_labels(labels: list[dict[str, Any]], low: float, high: float, pixels: float) -> list[dict[str, Any]]:
    """Return annotations beside one another's line ends moved apart, so that none lies upon the next.

    Args:
        labels: of ``label_line_end``.
        low: lowest value on the vertical axis.
        high: highest one.
        pixels: height of the plot without its margins.
    """
    if high <= low:
        return labels
    scale = pixels / (high - low)
    order = sorted(range(len(labels)), key=lambda i: labels[i]["y"])
    wanted = [labels[i]["y"] * scale for i in order]
    places: list[float] = []
    for place in wanted:
        places.append(max(place, places[-1] + LABEL_GAP) if places else place)
    shift = sum(a - b for a, b in zip(wanted, places, strict=True)) / max(len(places), 1)
    moved = dict(zip(order, (round(b + shift - a, 1) for a, b in zip(wanted, places, strict=True)), strict=True))
    return [{**label, "yshift": moved[i]} for i, label in enumerate(labels)]
