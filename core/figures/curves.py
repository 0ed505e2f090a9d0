"""Learning curves of one run: training loss raw and smoothed, validation loss and accuracy."""

import math
from collections.abc import Sequence

import pandas as pd

from core.figures.colours import fade
from core.figures.layout import Figure, label_line_end, make_axis, make_figure

TRAINING = "#D55E00"
VALIDATION = "#0078BD"
SMOOTHING_SPAN = 15
"""Points that an exponential mean remembers, roughly."""


def smooth(values: pd.Series, span: int = SMOOTHING_SPAN) -> pd.Series:
    """Return the exponential moving mean of a curve, corrected for its short beginning; same index."""
    return values.ewm(span=span, adjust=True).mean()


def _make_trace(frame: pd.DataFrame, name: str, colour: str, **line: object) -> dict:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": frame["step"].tolist(),
        "y": [None if value is None or math.isnan(value) else round(float(value), 6) for value in frame["value"]],
        "line": {"color": colour, "width": 2, **line},
        "hovertemplate": f"{name}<br>step %{{x}}: %{{y:.3g}}<extra></extra>",
    }


def draw_loss(
    metrics: pd.DataFrame,
    *,
    training: Sequence[str] = ("loss",),
    validation: Sequence[str] = ("validation_loss",),
    is_log: bool = False,
    view: str = "loss",
) -> Figure:
    """Draw the training loss (raw behind, smoothed in front) and the validation loss over steps.

    Args:
        metrics: columns round, name, step, value; one round, sorted by step or not.
        training: metric names that are the training loss.
        validation: metric names that are the validation loss.
        is_log: logarithmic loss axis.
        view: key of the reader's zoom.
    """
    frame = metrics.sort_values("step")
    raw = frame[frame["name"].isin(training)]
    checked = frame[frame["name"].isin(validation)]
    traces, labels = [], []
    if not raw.empty:
        traces.append(_make_trace(raw, "training loss, raw", fade(TRAINING, 0.3), width=1))
        traces.append(_make_trace(raw.assign(value=smooth(raw["value"])), "training loss, smoothed", TRAINING))
        labels.append(label_line_end(traces[-1], "training"))
    if not checked.empty:
        trace = _make_trace(checked, "validation loss", VALIDATION)
        traces.append({**trace, "mode": "lines+markers", "marker": {"size": 7}})
        labels.append(label_line_end(trace, "validation"))
    if len(labels) == 2:  # the curves often end close together: one name above its line, one below
        is_first_higher = labels[0]["y"] >= labels[1]["y"]
        labels[0]["yanchor"], labels[1]["yanchor"] = ("bottom", "top") if is_first_higher else ("top", "bottom")
    labels = [label for label in labels if label["y"] is not None]
    if is_log:
        for label in labels:
            label["y"] = math.log10(label["y"]) if label["y"] > 0 else None
    return make_figure(
        traces,
        title="Loss, nats per token",
        x=make_axis("step"),
        y=make_axis("loss, nats per token", type="log" if is_log else "linear"),
        view=f"{view}-{'log' if is_log else 'linear'}",
        annotations=[label for label in labels if label["y"] is not None],
        margin={"l": 56, "r": 84, "t": 44, "b": 44},
    )


def draw_validation_accuracy(
    metrics: pd.DataFrame, *, names: Sequence[str] = ("validation_accuracy",), view: str = "accuracy"
) -> Figure:
    """Draw the validation accuracy over steps, %; metrics as in :func:`draw_loss`, values in [0, 1]."""
    frame = metrics[metrics["name"].isin(names)].sort_values("step")
    trace = _make_trace(frame.assign(value=100 * frame["value"]), "validation accuracy, %", VALIDATION)
    trace |= {"mode": "lines+markers", "marker": {"size": 7}}
    return make_figure(
        [trace] if not frame.empty else [],
        title="Validation accuracy, %",
        x=make_axis("step"),
        y=make_axis("accuracy, %", rangemode="tozero"),
        view=view,
    )
