"""Test accuracy over the rounds of one or several runs, with its interval."""

import pandas as pd

from core.figures.colours import fade, style_of_selector
from core.figures.layout import Figure, label_line_end, make_axis, make_figure


def _make_band(frame: pd.DataFrame, colour: str) -> dict:
    """Draw the 95 % interval as one closed shape around the line."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*frame["round"], *frame["round"][::-1]],
        "y": [*(100 * frame["high"]), *(100 * frame["low"])[::-1]],
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": fade(colour, 0.15),
        "hoverinfo": "skip",
        "showlegend": False,
    }


def draw_rounds(evaluations: pd.DataFrame, *, view: str = "rounds") -> Figure:
    """Draw accuracy before training (round 0) and after each round, one line per run.

    Args:
        evaluations: columns run_id, selector, round, accuracy, low, high (shares of 1) and n; one split.
        view: key of the reader's zoom.
    """
    traces, labels = [], []
    for (_run_id, selector), rows in evaluations.groupby(["run_id", "selector"], sort=False, dropna=False):
        frame = rows.sort_values("round")
        selector = None if selector != selector else selector
        style = style_of_selector(selector)
        line = {
            "type": "scatter",
            "mode": "lines+markers",
            "name": selector or "by hand",
            "x": frame["round"].tolist(),
            "y": (100 * frame["accuracy"]).round(2).tolist(),
            "line": {"color": style.colour, "width": 2, "dash": style.dash},
            "marker": {"size": 8, "color": style.colour},
            "hovertemplate": f"{selector or 'by hand'}<br>round %{{x}}: %{{y:.1f}} %<extra></extra>",
        }
        traces += [_make_band(frame, style.colour), line]
        labels.append(label_line_end(line, selector or "by hand"))
    n = int(evaluations["n"].max()) if len(evaluations) else 0
    last = int(evaluations["round"].max()) if len(evaluations) else 1
    return make_figure(
        traces,
        title=f"Test accuracy, % of {n} problems, 95 % interval",
        x=make_axis("round (0: before training)", tickmode="linear", dtick=1, range=[-0.15, max(last, 1) + 0.35]),
        y=make_axis("accuracy, %", rangemode="tozero"),
        view=view,
        annotations=labels if len(labels) <= 6 else [],
        showlegend=len(labels) > 6,
        margin={"l": 56, "r": 84, "t": 44, "b": 44},
    )
