"""Test accuracy over the rounds of one or several runs, with its interval."""

from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd

from core.figures.colours import fade, style_of_selector
from core.figures.layout import Figure, label_line_end, make_axis, make_figure

TOO_CLOSE = 0.06
"""Of the height of the figure: labels that are closer to one another are written as one."""

MOST_NAMES = 6
"""In one label."""


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
        evaluations: columns run_id, name (short, of the run), title, selector, round, accuracy, low, high (shares of
            1) and n; one split.
        view: key of the reader's zoom.
    """
    traces, ends = [], []
    for _run_id, rows in evaluations.groupby("run_id", sort=False):
        frame = rows.sort_values("round")
        name, title, selector = frame.iloc[0][["name", "title", "selector"]]
        selector = None if selector != selector else selector
        style = style_of_selector(selector)
        line = {
            "type": "scatter",
            "mode": "lines+markers",
            "name": escape(f"{name} {selector}" if selector else name),
            "x": frame["round"].tolist(),
            "y": (100 * frame["accuracy"]).round(2).tolist(),
            "line": {"color": style.colour, "width": 2, "dash": style.dash},
            "marker": {"size": 8, "color": style.colour},
            "hovertemplate": f"{escape(f'{name} {title}')}<br>round %{{x}}: %{{y:.1f}} %<extra></extra>",
        }
        traces += [_make_band(frame, style.colour), line]
        ends.append((name, line))
    n = int(evaluations["n"].max()) if len(evaluations) else 0
    last = int(evaluations["round"].max()) if len(evaluations) else 1
    return make_figure(
        traces,
        title=f"Test accuracy, % of {n} problems, 95 % interval",
        x=make_axis("round (0: before training)", tickmode="linear", dtick=1, range=[-0.15, max(last, 1) + 0.35]),
        y=make_axis("accuracy, %", rangemode="tozero"),
        view=view,
        annotations=_label_ends(ends, TOO_CLOSE * 100 * evaluations["high"].max()),
        margin={"l": 56, "r": 84, "t": 44, "b": 44},
    )


def _label_ends(ends: Sequence[tuple[str, dict[str, Any]]], too_close: float) -> list[dict[str, Any]]:
    """Return what names the lines where they end; those that end too close share a label, of names only.

    Args:
        ends: name and line of each run.
        too_close: percentage points.
    """
    groups: list[list[tuple[str, dict[str, Any]]]] = []
    for name, line in sorted(ends, key=lambda end: (end[1]["x"][-1], -end[1]["y"][-1])):
        first = groups[-1][0][1] if groups else None
        if first and first["x"][-1] == line["x"][-1] and first["y"][-1] - line["y"][-1] < too_close:
            groups[-1].append((name, line))
        else:
            groups.append([(name, line)])
    labels = []
    for group in groups:
        first, text = group[0][1], group[0][1]["name"]
        if len(group) > 1:
            shown = sorted(group, key=lambda end: (len(end[0]), end[0]))[:MOST_NAMES]
            names = [f'<span style="color:{line["line"]["color"]}">{escape(name)}</span>' for name, line in shown]
            text = ", ".join(names) + (f" and {len(group) - len(names)} more" if len(group) > len(names) else "")
        labels.append(label_line_end(first, text))
    return labels
