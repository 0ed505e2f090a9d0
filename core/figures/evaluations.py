"""Accuracy of the base and of the tuned student: by type or level, and by how many answers are drawn.

Rows are those of ``core.analysis.evaluations``: shares of 1 with their 95 % interval; one without a value has no point.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any

from core.figures.colours import NEUTRAL, MethodStyle, fade
from core.figures.layout import Figure, label_line_end, make_axis, make_figure

STUDENT_STYLES = {"base": MethodStyle(NEUTRAL.colour, "circle"), "tuned": MethodStyle("#3F9463", "diamond")}
"""The base is what is drawn behind, here as everywhere."""

AROUND, ROW_HEIGHT = 100, 34
"""Pixels of a figure without its rows, and of each row."""

APART = 0.13
"""How far from the middle of its row each of two students is drawn."""

LINE = 26
"""Characters of a line of a value's name on an axis."""

FIELD_TITLES = {"split": "split", "type": "type", "level": "level", "n_steps": "number of steps"}


def draw_groups(rows: Sequence[Mapping[str, Any]], field: str, names: Mapping[str, str]) -> Figure:
    """Draw each student's accuracy by the values of one field, a row for each value, n behind its name.

    Args:
        rows: of ``measure_groups``.
        field: one of its fields.
        names: student -> what people read.
    """
    own = [row for row in rows if row["field"] == field]
    values = list(dict.fromkeys(row["value"] for row in own))
    students = [name for name in STUDENT_STYLES if any(row["student"] == name for row in own)]
    sizes = {value: max(row["n"] for row in own if row["value"] == value) for value in values}
    return make_figure(
        [
            _draw_points([row for row in own if row["student"] == student], values, student, students, names[student])
            for student in students
        ],
        title=f"Accuracy by {FIELD_TITLES.get(field, field)}, %, 95 % interval",
        x=make_axis("accuracy, %", range=[-3, 103], dtick=20),
        y=make_axis(
            "",
            tickvals=list(range(len(values))),
            ticktext=[_name_value(value, sizes[value]) for value in values],
            tickfont={"size": 11.5},
            range=[len(values) - 0.4, -0.6],
            showgrid=False,
            ticks="",
        ),
        height=AROUND + ROW_HEIGHT * len(values),
        view=f"groups/{field}/{len(values)}",
        margin={"l": 8, "r": 16, "t": 64, "b": 44},
        showlegend=len(students) > 1,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
    )


def _draw_points(
    rows: Sequence[Mapping[str, Any]], values: Sequence[str | None], student: str, students: Sequence[str], name: str
) -> dict[str, Any]:
    style = STUDENT_STYLES[student]
    known = [row for row in rows if row["accuracy"] is not None]
    shift = 0.0 if len(students) == 1 else APART * (-1 if student == students[0] else 1)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [round(100 * row["accuracy"], 2) for row in known],
        "y": [values.index(row["value"]) + shift for row in known],
        "customdata": [
            f"{name}: {100 * row['accuracy']:.1f} % of {row['n']:,} "
            f"({100 * row['low']:.1f} to {100 * row['high']:.1f} %)"
            for row in known
        ],
        "marker": {"color": style.colour, "symbol": style.symbol, "size": 9},
        "error_x": _make_bars(known, style.colour),
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _make_bars(rows: Sequence[Mapping[str, Any]], colour: str) -> dict[str, Any]:
    """Return the intervals of some rows as error bars."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [round(100 * max(0.0, row["high"] - row["accuracy"]), 2) for row in rows],
        "arrayminus": [round(100 * max(0.0, row["accuracy"] - row["low"]), 2) for row in rows],
        "thickness": 1.6,
        "width": 4,
        "color": colour,
    }


def _name_value(value: str | None, n: int) -> str:
    """Return a value's name on at most two short lines, and how many problems have it."""
    lines = ["(none)"] if value is None else wrap(value, LINE, max_lines=2, placeholder=" …") or [value]
    return f"{'<br>'.join(map(escape, lines))}, n {n:,}"


def draw_passes(students: Mapping[str, Sequence[Mapping[str, Any]]], names: Mapping[str, str]) -> Figure:
    """Draw the probability that one of k drawn answers is right, over k, a line and a band per student.

    Args:
        students: student -> ``pass_at`` of ``measure_samples``.
        names: student -> what people read.
    """
    traces, labels = [], []
    ks: list[int] = []
    for student in (each for each in STUDENT_STYLES if each in students):
        name = names[student]
        rows = [row for row in students[student] if row["accuracy"] is not None]
        if not rows:
            continue
        style, ks = STUDENT_STYLES[student], [row["k"] for row in rows]
        line = {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": ks,
            "y": [round(100 * row["accuracy"], 2) for row in rows],
            "line": {"color": style.colour, "width": 2, "dash": NEUTRAL.dash if student == "base" else "solid"},
            "marker": {"size": 8, "color": style.colour, "symbol": style.symbol},
            "hovertemplate": f"{name}<br>pass@%{{x}}: %{{y:.1f}} %<extra></extra>",
        }
        band = {
            "type": "scatter",
            "mode": "lines",
            "x": [*ks, *ks[::-1]],
            "y": [*(100 * row["high"] for row in rows), *(100 * row["low"] for row in rows[::-1])],
            "line": {"width": 0},
            "fill": "toself",
            "fillcolor": fade(style.colour, 0.15),
            "hoverinfo": "skip",
        }
        traces += [band, line]
        labels.append({**label_line_end(line, name), "yshift": -9 if student == "base" and len(students) > 1 else 0})
    return make_figure(
        traces,
        title="At least one right answer of k, % of problems",
        x=make_axis("k, answers drawn", type="log", tickvals=ks, ticktext=[str(k) for k in ks]),
        y=make_axis("pass@k, %", rangemode="tozero"),
        height=280,
        view=f"passes/{len(ks)}",
        annotations=[{**label, "x": math.log10(label["x"])} for label in labels],  # as that axis counts
        margin={"l": 56, "r": 64, "t": 44, "b": 44},
    )
