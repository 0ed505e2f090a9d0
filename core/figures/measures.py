"""One measure of several sets beside one another, each with its interval."""

from html import escape

import pandas as pd

from core.figures.colours import NEUTRAL
from core.figures.layout import Figure, make_axis, make_figure


def draw_measure(rows: pd.DataFrame, *, title: str, axis: str, view: str) -> Figure:
    """Draw one measure.

    Args:
        rows: ``name``, ``value``, ``low`` and ``high`` (NaN: no interval), ``colour``; from the top.
        title: of the figure.
        axis: what the values are.
        view: key of the reader's zoom.
    """
    rows = rows.iloc[::-1]
    above, below = (rows["high"] - rows["value"]).fillna(0), (rows["value"] - rows["low"]).fillna(0)
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": rows["value"].round(5).tolist(),
        "y": [escape(name) for name in rows["name"]],
        "marker": {"size": 10, "color": rows["colour"].tolist()},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": above.round(5).tolist(),
            "arrayminus": below.round(5).tolist(),
            "thickness": 1.5,
            "width": 5,
            "color": NEUTRAL.colour,
        },
        "hovertemplate": "%{y}: %{x}<extra></extra>",
    }
    return make_figure(
        [dots],
        title=title,
        x=make_axis(axis),
        y=make_axis("", type="category"),
        height=110 + 28 * len(rows),
        view=view,
        margin={"l": 16, "r": 24, "t": 44, "b": 48},
    )
