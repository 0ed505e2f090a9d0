"""Learning curves: one panel per metric, of one run with its points as measured, or of several runs laid over another.

A table says of every metric what it is called, its unit and how it behaves; a metric that stands in no table is drawn
too. Data are never cut: what is clipped is the axis.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from core.figures.colours import fade
from core.figures.layout import WHOLE, Figure, label_line_end, make_axis, make_figure

TRAINING = "#D55E00"
VALIDATION = "#0078BD"

RUN_COLOURS = ("#0078BD", "#D55E00", "#008F68", "#8A63D2", "#B5588F", "#5B7F1C", "#A8662B", "#12848A")
"""One for each of several runs, in the order in which they were chosen."""

SMOOTHING_SPAN = 15
"""Steps that an exponential mean remembers, roughly, unless somebody chose otherwise."""

ACROSS = {"step": "step", "epoch": "epoch", "minutes": "minutes since the first point"}
"""What the horizontal axis can be, and its title."""

NOISY, EXACT, CHECKED = "noisy", "exact", "checked"


@dataclass(frozen=True, slots=True)
class Measure:
    """What a metric is called and how it is drawn."""

    title: str
    unit: str = ""
    """As the vertical axis says it; empty where there is none."""

    kind: str = NOISY
    """NOISY: of every step, smoothed; EXACT: of every step, never smoothed; CHECKED: at checkpoints, with markers."""

    is_share: bool = False
    """Whether its values are shares of 1, drawn in per cent."""

    has_log: bool = False
    """Whether a logarithmic axis says something."""

    has_best: bool = False
    """Whether the best checkpoint is marked on it."""


MEASURES: Mapping[str, Measure] = {
    "loss": Measure("Training loss", "nats per token", has_log=True),
    "validation_loss": Measure("Validation loss", "nats per token", CHECKED, has_log=True, has_best=True),
    "validation_accuracy": Measure("Validation accuracy", "%", CHECKED, is_share=True, has_best=True),
    "own_answer_loss": Measure("Loss of its own answers", "nats per token", CHECKED, has_log=True, has_best=True),
    "learning_rate": Measure("Learning rate", kind=EXACT, has_log=True),
    "grad_norm": Measure("Gradient norm (before it is clipped)", has_log=True),
    "tokens_per_second": Measure("Speed", "tokens per second"),
    "negative_share": Measure("Share of wrong answers in the gradient", "%", is_share=True),
    "reward_accuracy": Measure("Pairs with the right answer preferred", "%", is_share=True),
    "reward_margin": Measure("Reward margin, right over wrong"),
    "padding_share": Measure("Padding in the batches", "%", CHECKED, is_share=True),
}
"""Known metrics, in the order in which they are shown."""

LIKELIHOOD = MEASURES["loss"].unit
"""What the training loss of an objective is measured in that makes tokens likelier; others have units of their own."""


@dataclass(frozen=True, slots=True)
class Run:
    """The curves of one round of one run."""

    name: str
    """As lines and hovers call it; empty where only one run is drawn."""

    colour: str
    metrics: pd.DataFrame
    """As ``read_metrics`` returns it, names without the prefix of a phase."""

    best_step: int | None = None
    """Where the best checkpoint is; None: nobody knows yet."""

    is_kept: bool = False
    """Whether that is the one which the training ended with: no better one will come."""


@dataclass(frozen=True, slots=True)
class Look:
    """How curves are drawn, as a person chose it."""

    across: str = "step"
    """One of ACROSS."""

    span: int = SMOOTHING_SPAN
    """Steps that the smoothed line remembers; 0: points as they were measured, and nothing else."""

    is_log: bool = False
    is_clipped: bool = False

    view: str = "curves"
    """As long as it stays the same, a reader's zoom survives new data and other choices."""


def order_names(names: Sequence[str]) -> list[str]:
    """Return metric names in the order in which they are shown, unknown ones at the end."""
    known = list(MEASURES)
    return sorted(names, key=lambda name: (known.index(name) if name in MEASURES else len(known), name))


def find_measure(name: str, loss_unit: str = LIKELIHOOD) -> Measure:
    """Return what a metric is; one that is in no table is called by its own name.

    Args:
        name: without the prefix of a phase.
        loss_unit: of the training loss.
    """
    if name == "loss":
        return replace(MEASURES["loss"], unit=loss_unit)
    return MEASURES.get(name) or Measure(name.replace("_", " ").capitalize())


def smooth(values: Sequence[float], counts: Sequence[float] | None = None, span: int = SMOOTHING_SPAN) -> list[float]:
    """Return the exponential moving mean of a curve, corrected for its short beginning.

    Args:
        values: one per stretch of the curve.
        counts: points that each value is the mean of; None: one each.
        span: points that the mean remembers, roughly; the weight of a point falls to a seventh after so many.
    """
    decay = 1 - 2 / (max(span, 1) + 1)
    total, weight, smoothed = 0.0, 0.0, []
    for value, n in zip(values, counts if counts is not None else [1] * len(values), strict=True):
        kept = decay**n
        new = (1 - kept) / (1 - decay)
        total, weight = total * kept + value * new, weight * kept + new
        smoothed.append(total / weight)
    return smoothed


def draw_measure(
    name: str, runs: Sequence[Run], look: Look, *, measure: Measure, bound: float | None = None, height: int = 240
) -> Figure:
    """Draw one metric of one or several runs.

    Of one run the points as measured stand behind the smoothed line; of several only one line each is drawn.

    Args:
        name: of the metric.
        runs: at least one.
        look: what a person chose.
        measure: what the metric is.
        bound: highest value that the axis shows; None: all.
        height: pixels.
    """
    traces, marks = [], []
    for run in runs:
        frame = run.metrics[run.metrics["name"] == name].sort_values("step")
        if frame.empty:
            continue
        made = _make_traces(name, run, frame, look, measure, is_alone=len(runs) == 1)
        traces += made
        if measure.has_best and run.best_step is not None:
            marks += _mark_best(run, frame, look, measure, made[-1]["line"]["color"])
    labels = [label_line_end(trace, trace["name"]) for trace in traces] if len(runs) > 1 else []
    notes = [_label_best(mark, runs[0], traces) for mark in marks] if len(runs) == 1 else []
    return _finish(traces + marks, labels, notes, f"{measure.title}{_say_unit(measure)}", look, measure, bound, height)


def draw_loss(run: Run, look: Look, *, bound: float | None = None, height: int = 320) -> Figure:
    """Draw the training loss of one run, raw behind and smoothed in front, and the validation loss over it.

    Both are nats per token; see :func:`draw_measure` for a training loss that is not.
    """
    frame = run.metrics.sort_values("step")
    raw, checked = (frame[frame["name"] == name] for name in ("loss", "validation_loss"))
    traces, labels = [], []
    if not raw.empty:
        traces = _make_traces("loss", run, raw, look, MEASURES["loss"], is_alone=True)
        labels.append(label_line_end(traces[-1], "training"))
    if not checked.empty:
        measure = MEASURES["validation_loss"]
        traces += _make_traces("validation_loss", run, checked, look, measure, is_alone=True)
        labels.append(label_line_end(traces[-1], "validation"))
    if len(labels) == 2:  # the curves often end close together: one name above its line, one below
        is_first_higher = (labels[0]["y"] or 0) >= (labels[1]["y"] or 0)
        labels[0]["yanchor"], labels[1]["yanchor"] = ("bottom", "top") if is_first_higher else ("top", "bottom")
    notes = []
    if not checked.empty and run.best_step is not None:
        marks = _mark_best(run, checked, look, MEASURES["validation_loss"], VALIDATION)
        traces += marks
        notes = [_label_best(mark, run, traces) for mark in marks]
    return _finish(traces, labels, notes, "Loss, nats per token", look, MEASURES["loss"], bound, height)


def _say_unit(measure: Measure) -> str:
    return f", {measure.unit}" if measure.unit else ""


def _make_traces(name: str, run: Run, frame: pd.DataFrame, look: Look, measure: Measure, *, is_alone: bool) -> list:
    """Return the traces of one metric of one run."""
    colour = run.colour if not is_alone else VALIDATION if measure.kind == CHECKED else TRAINING
    title = run.name or measure.title
    across = _find_across(run, frame, look)
    points = _make_trace(title, across, frame["value"], colour, look, measure, uid=f"{run.name}-{name}")
    if measure.kind == CHECKED:
        return [{**points, "mode": "lines+markers", "marker": {"size": 7}}]
    n_points = int(frame["n_points"].iloc[0])
    if n_points <= SMOOTHING_SPAN:  # so few could hardly be seen, or not at all, without their markers
        points = {**points, "mode": "lines+markers", "marker": {"size": 5}}
    if measure.kind == EXACT or n_points <= look.span or look.span == 0:  # a mean of all there is would be a flat line
        return [points]
    ends = (frame["n_mean"] > 0).to_numpy()
    means = smooth(frame["mean"][ends].tolist(), frame["n_mean"][ends].tolist(), look.span)
    line = _make_trace(
        f"{title}, smoothed" if is_alone else title, across[ends], pd.Series(means), colour, look, measure,
        uid=f"{run.name}-{name}-smoothed",
    )  # fmt: skip
    if not is_alone:
        return [line]
    behind = {**points, "name": f"{title}, as measured", "line": {"color": fade(colour, 0.3), "width": 1}}
    return [behind, line]


def _find_across(run: Run, frame: pd.DataFrame, look: Look) -> pd.Series:
    """Return where the points of a metric stand on the horizontal axis."""
    if look.across == "minutes":
        return (frame["written_at"] - run.metrics["written_at"].min()) / 60
    return frame[look.across]


def _make_trace(
    title: str, across: pd.Series, values: pd.Series, colour: str, look: Look, measure: Measure, uid: str
) -> dict:
    factor = 100 if measure.is_share else 1
    heights = [_plain(value, factor) for value in values]
    if look.is_log and measure.has_log:
        heights = [value if value is not None and value > 0 else None for value in heights]
    unit = " %" if measure.is_share else ""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": title,
        "uid": uid,
        "x": [_plain(value) for value in across],
        "y": heights,
        "line": {"color": colour, "width": 2},
        "hovertemplate": f"{title}<br>{look.across.removesuffix('s')} %{{x:.5~g}}: %{{y:.4~g}}{unit}<extra></extra>",
    }


def _plain(value: float | None, factor: float = 1) -> float | None:
    """Return a number for a figure, seven digits of it; None where it is unknown."""
    if value is None or value != value:
        return None
    return float(f"{factor * value:.7g}")


def _mark_best(run: Run, frame: pd.DataFrame, look: Look, measure: Measure, colour: str) -> list[dict]:
    """Return the star on the best checkpoint's point, where that is among the points."""
    best = frame[frame["step"] == run.best_step]
    if best.empty:
        return []
    word = "kept" if run.is_kept else "best"
    trace = _make_trace("best", _find_across(run, best, look), best["value"], colour, look, measure, "")
    return [
        {
            **trace,
            "name": f"{run.name}, {word} checkpoint".removeprefix(", "),
            "uid": f"{run.name}-best",
            "mode": "markers",
            "marker": {"symbol": "star", "size": 15, "color": colour, "line": {"width": 1, "color": "white"}},
            "hovertemplate": f"{word} checkpoint: {trace['hovertemplate'].removeprefix('best<br>')}",
        }
    ]


def _label_best(mark: dict, run: Run, traces: Sequence[dict]) -> dict:
    """Return the words at the star: which step it is, and whether a better one may still come.

    Where its epoch is unknown ``x`` is None: such words are not drawn.
    """
    last = max((trace["x"][-1] or 0 for trace in traces), default=0)
    is_late = (mark["x"][0] or 0) > 0.6 * last  # words to its left have room then
    return {
        "x": mark["x"][0],
        "y": mark["y"][0],
        "text": f"{'kept' if run.is_kept else 'best so far'}: step {run.best_step:,}",
        "xanchor": "right" if is_late else "left",
        "yanchor": "bottom",
        "yshift": 8,
        "showarrow": False,
        "font": {"color": mark["marker"]["color"], "size": 12},
    }


def _clip(traces: list[dict], bound: float, is_log: bool) -> dict[str, float]:
    """Return where an axis that ends at the bound ends and begins; its margin would else be one of all points."""
    low = min((y for trace in traces for y in trace["y"] if y is not None), default=bound)
    return {"clipmax": bound} | ({} if is_log or low >= bound else {"clipmin": low - 0.05 * (bound - low)})


def _finish(
    traces: list[dict],
    labels: list[dict],
    notes: list[dict],
    title: str,
    look: Look,
    measure: Measure,
    bound: float | None,
    height: int,
) -> Figure:
    """Return the figure of some traces: its axes, its clipping, the names at the ends of lines, and other words."""
    is_log = look.is_log and measure.has_log
    vertical: dict = {"type": "log" if is_log else "linear", "uirevision": f"{look.view}-{is_log}-{bound is None}"}
    vertical["exponentformat"] = "e"  # a learning rate is 4e-4, not 400 millionths
    if bound is not None:
        vertical["autorangeoptions"] = _clip(traces, bound * (100 if measure.is_share else 1), is_log)
    if measure.is_share:
        vertical["rangemode"] = "tozero"
    for label in (*labels, *notes):
        if is_log and label["y"] is not None:
            label["y"] = math.log10(label["y"])
    return make_figure(
        traces,
        title=title,
        x=make_axis(
            ACROSS[look.across],
            uirevision=f"{look.view}-{look.across}",
            **({"tickformat": WHOLE} if look.across == "step" else {}),
        ),
        y=make_axis("", **vertical),
        view=look.view,
        height=height,
        annotations=[label for label in (*labels, *notes) if None not in (label["x"], label["y"])],
        margin={"l": 56, "r": 16 if not labels else 40 if len(labels[0]["text"]) == 1 else 84, "t": 40, "b": 44},
    )
