"""Learning curves of runs as the pages draw them, overview and finetune alike, and the controls of how they look.

What is drawn is read from the database each time. What a person chose (smoothing, axes, other runs) stands in the
address and is no part of a figure's ``uirevision`` unless it changes what an axis means, so that zoom outlives it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from core.figures.curves import (
    ACROSS,
    LIKELIHOOD,
    NOISY,
    RUN_COLOURS,
    SMOOTHING_SPAN,
    TRAINING,
    Look,
    Measure,
    Run,
    draw_loss,
    draw_measure,
    find_measure,
    order_names,
)
from core.figures.layout import Figure
from core.hub import Hub
from core.store.store import Store
from core.training.objectives import OBJECTIVES
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.frame import choose, follow_address, tell_address

SPANS = (0, 5, SMOOTHING_SPAN, 50, 200, 1000)
MAIN_POINTS, SMALL_POINTS = 2000, 600
"""Points of one curve that a large and a small figure draw at most."""

EVERY = 10**9
"""More points than any curve has."""

MAIN = ("loss", "validation_loss", "validation_accuracy")


@dataclass(frozen=True, slots=True)
class Shown:
    """One run whose curves are drawn."""

    run_id: str
    round: int
    phase: str = ""
    """Of an objective that trains a policy first: the prefix of that training's metrics; empty: the training proper."""

    loss_unit: str = LIKELIHOOD
    """What its training loss is measured in; one of answer tokens can stand in one figure with the validation loss."""

    name: str = ""
    """A letter, where several runs are drawn."""

    colour: str = TRAINING


def list_phases(curves: pd.DataFrame, round_: int) -> list[str]:
    """Return the phases of a round that have metrics, in their order; ``""``, the training proper, is the last."""
    names = curves[curves["round"] == round_]["name"]
    return sorted({name.rpartition("/")[0] for name in names}, key=lambda phase: (phase == "", phase))


def show_run(run: dict, round_: int, phase: str = "") -> Shown:
    """Return what is to be drawn of a run, from its row in the database and what of it is wanted."""
    name = run["config"].get("objective", "sft")
    is_likelihood = phase != "" or name not in OBJECTIVES or OBJECTIVES.get(name).form == "answers"
    return Shown(run["run_id"], round_, phase, LIKELIHOOD if is_likelihood else OBJECTIVES.get(name).title)


def draw_curves(hub: Hub, run_id: str, *, key: str) -> bool:
    """Draw loss and validation accuracy of a run's latest round; says whether there was anything to draw."""
    curves = hub.store.list_curves(run_id)
    if curves.empty:
        return False
    number = int(curves["round"].max())
    shown = show_run(hub.store.read_run(run_id), number, list_phases(curves, number)[-1])
    look = Look(view=f"{run_id}-{number}-{shown.phase}")
    draw_panels(hub, [shown], look, key=key, has_small=False)
    return True


# -- the controls ----------------------------------------------------------------------------------------------------


def choose_look() -> Look:
    """Draw how curves shall look: smoothing, horizontal axis, logarithm, outliers; the address keeps it."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="curve_look"):
        span = choose(
            "Smoothing",
            SPANS,
            param="smooth",
            key="curve_span",
            usual=SMOOTHING_SPAN,
            shown=lambda n: f"over about {n} steps" if n else "off: as measured",
            width=190,
            persist_state="session",
        )
        follow_address("over", "curve_across", {name: name for name in ACROSS}.get, "step")
        words = {"step": "steps", "epoch": "epochs", "minutes": "minutes"}
        across = st.segmented_control(
            "Over", list(ACROSS), key="curve_across", required=True, format_func=words.get, persist_state="session"
        )
        tell_address("over", "curve_across", across, "step")
        is_log = choose_switch("Logarithmic", "log", "Losses, gradient norm and learning rate.")
        is_clipped = choose_switch(
            "Clip outliers",
            "clip",
            "Axes of noisy figures end at the 99th percentile of their points; no point is removed.",
        )
    return Look(across=across, span=span, is_log=is_log, is_clipped=is_clipped)


def choose_switch(label: str, param: str, help_: str) -> bool:
    """Draw a switch that follows, and is followed by, a query parameter; off at first."""
    key = f"curve_{param}"
    follow_address(param, key, {"1": True, "0": False}.get, False)
    is_on = st.toggle(label, key=key, help=help_, persist_state="session")
    tell_address(param, key, int(is_on), 0)
    return is_on


# -- the panels ------------------------------------------------------------------------------------------------------


def draw_panels(hub: Hub, shown: Sequence[Shown], look: Look, *, key: str, has_small: bool = True) -> None:
    """Draw the curves: loss and validation accuracy in front, and a small figure for every other metric there is.

    Args:
        hub: of the home.
        shown: at least one run; several are laid over one another.
        look: what a person chose, ``view`` included.
        key: names the figures on their page.
        has_small: with the small figures.
    """
    panels = _Panels(hub, shown, look, key)
    names = panels.list_names()
    main = [name for name in names if name in MAIN]
    if panels.has_joint_loss and "loss" in main and "validation_loss" in main:
        main.remove("validation_loss")  # it stands in the same figure as the training loss
    with st.container(key=f"two_sides_{key}"):
        columns = st.columns([1.5, *[1] * (len(main) - 1)]) if main else []
    for column, name in zip(columns, main, strict=True):
        with column:
            panels.draw(name, 320)
    small = [name for name in names if name not in MAIN]
    if has_small and small:
        with st.grid(3, min_column_width=290, key=f"grid_{key}"):
            for name in small:
                panels.draw(name, 220)
    panels.draw_notes()


class _Panels:
    """The figures of some runs, and what has to be said below them."""

    def __init__(self, hub: Hub, shown: Sequence[Shown], look: Look, key: str):
        self.hub, self.shown, self.look, self.key = hub, shown, look, key
        self.has_joint_loss = len(shown) == 1 and shown[0].loss_unit == LIKELIHOOD
        units = {one.loss_unit for one in shown}
        self.loss_unit = units.pop() if len(units) == 1 else "each as its objective has it"
        self.runs = [self._read(one) for one in shown]
        self._outside: list[str] = []
        self._thinned: list[tuple[str, int, int]] = []

    def _read(self, shown: Shown) -> Run:
        """Return one run's curves, the prefix of the phase taken off their names."""
        store, prefix = self.hub.store, f"{shown.phase}/" if shown.phase else ""
        curves = store.list_curves(shown.run_id)
        names = [name for name in curves[curves["round"] == shown.round]["name"] if _is_of(name, prefix)]
        main = [name for name in names if name.removeprefix(prefix) in MAIN]
        small = [name for name in names if name not in main]
        most = MAIN_POINTS if len(self.shown) == 1 else SMALL_POINTS
        parts = [store.read_metrics(shown.run_id, main, most, round_=shown.round)]
        if small:
            parts.append(store.read_metrics(shown.run_id, small, SMALL_POINTS, round_=shown.round))
        metrics = pd.concat(parts, ignore_index=True)
        metrics["name"] = metrics["name"].str.removeprefix(prefix)
        best = store.find_best(shown.run_id, shown.round, f"{prefix}validation_accuracy")
        is_kept = self._is_kept(shown, list_phases(curves, shown.round))
        return Run(shown.name, shown.colour, metrics, best and best[0], is_kept)

    def _is_kept(self, shown: Shown, phases: Sequence[str]) -> bool:
        """Say whether a phase of a run is over and its best checkpoint is what came of it."""
        made = self.hub.store.read_adapter(shown.run_id, shown.round)
        if shown.phase:
            return made is not None or "" in phases
        return made is not None and made["objective"] not in phases  # else the policy alone was kept

    def list_names(self) -> list[str]:
        """Return the metrics that any of the runs has, in the order in which they are shown."""
        return order_names(sorted({name for run in self.runs for name in run.metrics["name"]}))

    def draw(self, name: str, height: int) -> None:
        """Draw one metric."""
        is_joint = self.has_joint_loss and name == "loss"
        measure = find_measure(name, self.loss_unit)
        bound = self._find_bound(["loss", "validation_loss"] if is_joint else [name], measure)
        for run in self.runs:
            points = run.metrics[run.metrics["name"] == name]
            if not points.empty and points["n_points"].iloc[0] > len(points):
                self._thinned.append((measure.title, len(points), int(points["n_points"].iloc[0])))
        look = replace(self.look, view=f"{self.look.view}-{name}")
        figure: Figure = (
            draw_loss(self.runs[0], look, bound=bound, height=height)
            if is_joint
            else draw_measure(name, self.runs, look, measure=measure, bound=bound, height=height)
        )
        draw_chart(figure, key=f"{self.key}_{name}")

    def _find_bound(self, names: list[str], measure: Measure) -> float | None:
        """Return where the axis of a figure ends, and note how many points lie beyond; None: it shows all of them."""
        if not self.look.is_clipped or measure.kind != NOISY or measure.is_share:
            return None
        curves = [(one.run_id, one.round) for one in self.shown]
        prefixes = {f"{one.phase}/" if one.phase else "" for one in self.shown}
        bound, n_above = self.hub.store.find_p99(curves, [f"{prefix}{name}" for prefix in prefixes for name in names])
        if n_above:
            self._outside.append(f"{measure.title.lower()} {numbers.count(n_above)}")
        return bound

    def draw_notes(self) -> None:
        """Say what the figures do not show: points beyond their axes, and points left out of very long curves."""
        if self._outside:
            st.caption(
                f"Points above the axes, which end at the 99th percentile: {', '.join(self._outside)}. They are in "
                "the data and the smoothed lines."
            )
        if self._thinned:
            title, n_drawn, n_points = max(self._thinned, key=lambda each: each[2])
            st.caption(
                f"Long curves are thinned: of {numbers.count(n_points)} points of the {title.lower()} "
                f"{numbers.count(n_drawn)} are drawn, the lowest, the highest and the last of each stretch; smoothed "
                "lines are means of all points."
            )


# -- the numbers behind them -----------------------------------------------------------------------------------------


def draw_download(hub: Hub, shown: Sequence[Shown]) -> None:
    """Draw the button that brings the points of the figures, all of them, as CSV."""
    st.download_button(
        "Points as CSV",
        data=lambda: tabulate(hub.store, shown).to_csv(index=False),
        file_name=f"curves_{'_'.join(one.run_id for one in shown[:3])}.csv",
        mime="text/csv",
        key="curves_csv",
        icon=":material/download:",
        on_click="ignore",
        help="Every point of these figures as it was measured, also those that a long curve leaves out.",
    )


def tabulate(store: Store, shown: Sequence[Shown]) -> pd.DataFrame:
    """Return all points of what is drawn, by run, metric and step.

    Columns: title, run_id, round, metric, step, epoch, minutes (since the first of these points of the
    run, as in the figures), value.
    """
    tables = []
    for one in shown:
        prefix = f"{one.phase}/" if one.phase else ""
        curves = store.list_curves(one.run_id)
        names = [name for name in curves[curves["round"] == one.round]["name"] if _is_of(name, prefix)]
        points = store.read_metrics(one.run_id, names, EVERY, round_=one.round)
        points = points.rename(columns={"name": "metric"}).assign(
            title=store.read_run(one.run_id)["title"],
            run_id=one.run_id,
            minutes=(points["written_at"] - points["written_at"].min()) / 60,
        )
        tables.append(points[["title", "run_id", "round", "metric", "step", "epoch", "minutes", "value"]])
    return pd.concat(tables, ignore_index=True)


def _is_of(name: str, prefix: str) -> bool:
    """Say whether a metric belongs to a phase: its name is the prefix and one word more."""
    return name.startswith(prefix) and "/" not in name.removeprefix(prefix)


def letter(place: int) -> str:
    """Return what the run at this place among several is called: A, B, ..., Z, AA, AB, ..."""
    before, last = divmod(place, 26)
    return (letter(before - 1) if before else "") + chr(ord("A") + last)


def colour_of(place: int) -> str:
    """Return the colour of the run at this place among several."""
    return RUN_COLOURS[place % len(RUN_COLOURS)]
