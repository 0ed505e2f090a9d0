"""What experiments show: learning curves with their replicates, and who beats whom.

One colour per selector, as everywhere; an arm without one has a spare colour of its own name. Replicates are thin lines
behind their mean.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from core.analysis.learning import summarise_curves
from core.analysis.test_sets import say_accuracy
from core.analysis.win_rates import WinRates
from core.figures.choices import VIRIDIS_SCALE, find_ink
from core.figures.colours import NEUTRAL, SELECTOR_STYLES, Style, fade, spread_spares, style_of_selector
from core.figures.layout import Figure, label_line_end, make_axis, make_figure, spread_labels

CELL = 40
"""Pixels of a row of a matrix."""

AROUND = 150

LEAST_SPAN = 5.0
"""Percentage points that the axis of accuracy covers at least."""


def find_styles(points: pd.DataFrame) -> dict[str, Style]:
    """Return method -> how it is drawn: as its selector where no other arm has the same, else by its own name."""
    selectors = points.groupby("method")["selector"].first()
    times = selectors.value_counts()
    own = {str(method): name for method, name in selectors.items() if name in SELECTOR_STYLES and times[name] == 1}
    spares = spread_spares(str(method) for method in selectors.index if str(method) not in own)
    return {name: style_of_selector(own[name]) if name in own else spares[name] for name in map(str, selectors.index)}


def draw_learning(points: pd.DataFrame, *, over: str = "size", view: str = "learning") -> Figure:
    """Draw accuracy over data or over the teacher's tokens: each replicate thin, the mean thick, its error as a band.

    Args:
        points: of ``list_experiment_points``, of one test set.
        over: ``size``, or ``n_tokens``: then a mean stands at the mean of its replicates' tokens.
        view: key of the reader's zoom.
    """
    styles, n = find_styles(points), int(points["n_test"].max())
    told = escape(say_accuracy(points["split"].iloc[0]))
    is_untrained = points["kind"] == "zero_shot"
    references, points = points[is_untrained], points[~is_untrained]
    means = summarise_curves(points)
    places = points.groupby(["method", "round"])["n_tokens"].mean()
    traces, ends = [], []
    for method, rows in means.groupby("method", sort=False):
        style, name = styles[str(method)], escape(str(method))
        for _, own in points[points["method"] == method].groupby("replicate"):
            traces.append(_make_replicate(own.sort_values("round"), over, style))
        xs = rows["size"].tolist() if over == "size" else [float(places[method, each]) for each in rows["round"]]
        line = {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": xs,
            "y": (100 * rows["mean"]).round(2).tolist(),
            "line": {"color": style.colour, "width": 2.5, "dash": style.dash},
            "marker": {"size": 7, "color": style.colour},
            "customdata": [_say_error(row) for row in rows.to_dict("records")],
            "hovertemplate": f"{name}<br>%{{x:,}}: %{{y:.1f}} %%{{customdata}}<extra></extra>",
        }
        traces += [*make_error_band(rows, xs, style), line]
        ends.append((name, line))
    end = float(points[over].max()) if len(points) else 1.0
    for method, rows in references.groupby("method", sort=False):
        ends.append((escape(str(method)), _make_reference(str(method), rows, end)))
        traces.append(ends[-1][1])
    labels = [label_line_end(line, name) for name, line in ends]
    heights = [y for _, line in ends for y in line["y"]] or [0.0]
    title = "accepted so far, candidates or problems" if over == "size" else "teacher's tokens, nominal, in and out"
    return make_figure(
        traces,
        title=f"{told[0].upper()}{told[1:]}, % of {n:,} problems, mean ± standard error",
        x=make_axis(title),
        y=make_axis("accuracy, %", **_find_range(traces)),
        height=420,
        view=f"{view}/{over}",
        annotations=spread_labels(labels, min(heights), max(heights), 300),
        margin={"l": 56, "r": 130, "t": 44, "b": 48},
        showlegend=False,
    )


def _find_range(traces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the range of the axis where all lies within LEAST_SPAN: one answer more would else fill the figure."""
    ys = [y for trace in traces for y in trace["y"]]
    if not ys or max(ys) - min(ys) >= LEAST_SPAN:
        return {}
    middle = (max(ys) + min(ys)) / 2
    return {"range": [middle - 0.6 * LEAST_SPAN, middle + 0.6 * LEAST_SPAN]}


def _make_reference(method: str, rows: pd.DataFrame, end: float) -> dict[str, Any]:
    """Return a level line: of an arm that trains nothing, such as the teacher as it is."""
    level = round(100 * rows["accuracy"].mean(), 2)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape(method),
        "x": [0, float(end)],
        "y": [level, level],
        "line": {"color": NEUTRAL.colour, "width": 1.5, "dash": "dot"},
        "hovertemplate": f"{escape(method)}, untrained: {level:.1f} %<extra></extra>",
    }


def _make_replicate(rows: pd.DataFrame, over: str, style: Style) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": rows[over].tolist(),
        "y": (100 * rows["accuracy"]).round(2).tolist(),
        "line": {"color": fade(style.colour, 0.35), "width": 1},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def make_error_band(
    rows: pd.DataFrame, xs: Sequence[float], style: Style, scale: float = 100.0
) -> list[dict[str, Any]]:
    """Return the standard error as a closed shape over the means that have one; nothing with fewer than two.

    Args:
        rows: with ``mean`` and ``se``.
        xs: (n,) where the means stand.
        style: of the line.
        scale: of the axis: 100 makes per cent of shares.
    """
    xs = [x for x, is_known in zip(xs, rows["se"].notna(), strict=True) if is_known]
    rows = rows.dropna(subset=["se"])
    if len(rows) < 2:
        return []
    high, low = (scale * (rows["mean"] + sign * rows["se"]) for sign in (1, -1))
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [*xs, *xs[::-1]],
            "y": [*high.round(5), *low.round(5)[::-1]],
            "line": {"width": 0},
            "fill": "toself",
            "fillcolor": fade(style.colour, 0.13),
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]


def _say_error(row: Mapping[str, Any]) -> str:
    error = "" if pd.isna(row["se"]) else f" ± {100 * row['se']:.1f}"
    return f"{error} ({int(row['n'])} replicate{'' if row['n'] == 1 else 's'})"


def draw_win_rates(rates: WinRates, *, view: str = "wins") -> Figure:
    """Draw the matrix of shares of meetings that the row won, with the columns' means below: lower is better."""
    names = list(rates.shares.columns)
    rows = [*names, "mean"]
    table = pd.concat([rates.shares, rates.column_means.to_frame("mean").T])
    values = [[None if pd.isna(value) else round(float(value), 4) for value in table.loc[name]] for name in rows]
    notes = [
        {
            "x": x, "y": y, "text": f"{value:.2f}", "showarrow": False,
            "font": {"color": find_ink(value), "size": 12, "weight": 650 if rows[y] == "mean" else 400},
        }
        for y, line in enumerate(values) for x, value in enumerate(line) if value is not None
    ]  # fmt: skip
    heat = {
        "type": "heatmap",
        "x": list(range(len(names))),
        "y": list(range(len(rows))),
        "z": values,
        "zmin": 0,
        "zmax": 1,
        "colorscale": VIRIDIS_SCALE,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hoverinfo": "skip",
    }
    labels = {"showgrid": False, "ticks": ""}
    return make_figure(
        [heat],
        title="How often the row beats the column",
        x=make_axis("", tickvals=list(range(len(names))), ticktext=list(map(escape, names)), side="top", **labels),
        y=make_axis(
            "",
            tickvals=list(range(len(rows))),
            ticktext=[*map(escape, names), "<b>mean<br>(lower is better)</b>"],
            range=[len(rows) - 0.5, -0.5],
            **labels,
        ),
        height=AROUND + CELL * len(rows),
        view=f"{view}/{len(names)}",
        annotations=notes,
        margin={"l": 110, "r": 16, "t": 110, "b": 16},
    )
