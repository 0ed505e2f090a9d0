"""How an experiment's arms chose and what they brought: the ablation of design choices, and how far words move.

The colours are those of the learning curves.
"""

from collections.abc import Mapping
from html import escape

import pandas as pd

from core.analysis.token_shift import AT_RANDOM
from core.figures.colours import NEUTRAL, Style, fade
from core.figures.experiment_steering import BELOW
from core.figures.experiments import make_error_band
from core.figures.layout import Figure, make_axis, make_figure

ROW = 30
"""Pixels of a row of dots."""


def draw_designs(designs: pd.DataFrame, styles: Mapping[str, Style], *, view: str = "designs") -> Figure:
    """Draw the accuracy of each design choice as a dot with its standard error, the best on top (figure 13).

    Args:
        designs: of ``tabulate_designs``.
        styles: method -> its looks.
        view: key of the reader's zoom.
    """
    rows = designs.iloc[::-1].to_dict("records")
    labels = [f"{row['score']} {row['end']}, {row['answer']}, {row['pick']}" for row in rows]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [round(100 * row["accuracy"], 2) for row in rows],
        "y": labels,
        "marker": {"size": 10, "color": [styles.get(row["method"], NEUTRAL).colour for row in rows]},
        "error_x": {
            "type": "data",
            "array": [0 if pd.isna(row["se"]) else round(100 * row["se"], 3) for row in rows],
            "thickness": 1.5,
            "width": 4,
            "color": fade(NEUTRAL.colour, 0.9),
        },
        "customdata": [f"{row['n']} replicate{'' if row['n'] == 1 else 's'}" for row in rows],
        "hovertemplate": "%{y}: %{x:.1f} % (%{customdata})<extra></extra>",
    }
    budget = int(designs["budget"].iloc[0])
    return make_figure(
        [dots],
        title=f"Accuracy at {budget:,} accepted, % ± standard error: score, whose answer, how it is taken",
        x=make_axis("accuracy, %"),
        y=make_axis("", type="category"),
        height=110 + ROW * len(rows),
        view=f"{view}/{budget}",
        margin={"l": 16, "r": 24, "t": 44, "b": 48},
    )


def draw_shifts(shifts: pd.DataFrame, styles: Mapping[str, Style], *, view: str = "shifts") -> Figure:
    """Draw how far the words of each arm's data are from those of the seed set, over rounds (figure 12).

    Args:
        shifts: of ``measure_shifts``.
        styles: method -> its looks.
        view: key of the reader's zoom.
    """
    traces = []
    for method, rows in shifts.groupby("method", sort=False):
        style, name = styles.get(str(method), NEUTRAL), escape(str(method))
        xs = rows["round"].astype(int).tolist()
        line = {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": xs,
            "y": rows["mean"].round(5).tolist(),
            "line": {"color": style.colour, "width": 2, "dash": "dot" if method == AT_RANDOM else style.dash},
            "marker": {"size": 7, "color": style.colour},
            "hovertemplate": f"{name}<br>after round %{{x}}: %{{y:.3f}}<extra></extra>",
        }
        traces += [*make_error_band(rows, xs, style, scale=1.0), line]
    return make_figure(
        traces,
        title="How far the words are from the seed set's: total variation distance",
        x=make_axis("round", dtick=1, tickformat=",d"),
        y=make_axis("distance, 0 to 1"),
        height=400,
        view=view,
        margin={"l": 56, "r": 24, "t": 44, "b": 110},
        showlegend=True,
        legend=BELOW,
    )


def draw_shifted(
    tokens: pd.DataFrame, *, view: str = "tokens", names: tuple[str, str] = ("the seed set", "the new data")
) -> Figure:
    """Draw the tokens that move most: to the right those that the second set has more of than the first.

    Args:
        tokens: of ``list_shifted``.
        view: key of the reader's zoom.
        names: of the first and the second set.
    """
    first, second = (escape(name) for name in names)
    rows = tokens.iloc[::-1]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": (100 * (rows["second"] - rows["first"])).round(4).tolist(),
        "y": [escape(token) for token in rows["token"]],
        "marker": {"color": ["#0B7A75" if part > 0 else "#9A6A00" for part in rows["part"]]},
        "customdata": (100 * rows[["first", "second"]]).round(3).to_numpy().tolist(),
        "hovertemplate": f"%{{y}}: %{{customdata[0]:.2f}} % of the tokens of {first}, %{{customdata[1]:.2f}} % of "
        f"those of {second}<extra></extra>",
    }
    return make_figure(
        [bars],
        title="Tokens whose share differs most",
        x=make_axis("percentage points, to the right more in the second set"),
        y=make_axis("", type="category"),
        height=90 + 20 * len(rows),
        view=view,
        margin={"l": 16, "r": 24, "t": 44, "b": 48},
    )
