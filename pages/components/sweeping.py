"""Sweeps: the form that starts one, how it stands, its heat maps, and the best settings taken into the form."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.sweeps import FIELDS, Winner, find_winner
from core.errors import RunError, TrainingError
from core.figures.sweeps import draw_sweep_panels
from core.hub import Hub
from core.recipes.sweeping import (
    Grid,
    cancel_sweep,
    count_validation,
    estimate_sweep_bytes,
    estimate_sweep_seconds,
    make_grid,
    read_cells,
    resume_sweep,
    start_sweep,
)
from core.training.data import from_frame
from core.training.objectives import OBJECTIVES
from core.training.objectives.base import trains_on
from core.training.own_presets import list_own_presets, save_own_preset
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.chart import draw_chart
from pages.components.disk import draw_warning
from pages.components.frame import RUN_TIMES, choose, draw_empty, name_run
from pages.components.running import draw_live
from pages.components.setting_faces import to_words
from pages.components.subject import keep_in_view
from pages.components.text import plain
from pages.components.training_form import Wish, make_config
from pages.components.training_refilling import LIKE

LABELS = {"learning_rate": "Learning rates", "rank": "LoRA ranks", "epochs": "Epochs"}

PANELS_IN_A_ROW = 3

OPTIMISM = (
    "It is the best of many on the same problems, so expect somewhat less on others. Test problems were not looked at; "
    "a finetune with these settings answers them."
)


# -- the form ----------------------------------------------------------------------------------------------------


def draw_sweep_form(hub: Hub, wish: Wish) -> None:
    """Draw what to try on the rows and with the settings of the form above, what it takes, and its button."""
    with st.expander("Try a grid of settings (sweep)", icon=":material/grid_on:"):
        st.caption(
            "Every combination is a finetune of its own on the same rows, chosen by the validation problems; test "
            "problems are never looked at. Write numbers with a comma between two of them."
        )
        try:
            grid = _draw_grid(wish)
        except TrainingError as error:
            st.warning(plain(to_words(error)), icon=":material/info:")
            return
        if not wish.is_ready:
            st.caption("The form above is not ready: choose rows and a student first.")
            return
        with show_errors():
            config = make_config(hub, wish, evaluates=())
            try:
                _draw_cost(hub, config, grid, len(wish.rows))
            except TrainingError as error:  # there is nothing to choose by
                st.info(plain(error), icon=":material/info:")
                return
            if st.button(f"Start {len(grid.cells)} runs", key="start_sweep", icon=":material/grid_on:"):
                sweep = start_sweep(hub, from_frame(wish.rows), config, grid)
                st.query_params.from_dict({"show": "sweeps", "sweep": sweep})
                st.rerun()


def _draw_grid(wish: Wish) -> Grid:
    """Draw what to try; returns the grid. Raises TrainingError for what cannot be tried."""
    now = wish.training
    rate, rank, epochs = now["learning_rate"], now["rank"], now["epochs"]
    usual = {
        "learning_rate": f"{rate / 4:g}, {rate:g}, {min(4 * rate, 1.0):g}",
        "rank": f"{max(rank // 4, 1)}, {rank}",
        "epochs": f"{max(epochs // 2, 1)}, {epochs}",
    }
    makes_adapter = now["weights"] == "lora" and not trains_on(OBJECTIVES.get(wish.objective), wish.adapter)
    names = [name for name in FIELDS if name != "rank" or makes_adapter]
    boxes = st.columns(len(names) + makes_adapter)
    typed = {
        name: box.text_input(LABELS[name], usual[name], key=f"sweep_{name}")
        for name, box in zip(names, boxes, strict=False)
    }
    alpha = None
    if makes_adapter:
        alpha = boxes[-1].number_input(
            "LoRA alpha", 1, None, None, key="sweep_alpha", placeholder="as the rank", help="Empty: alpha = rank."
        )
    values = {name: read_numbers(name, text) for name, text in typed.items()}  # behind the fields, which so stay
    return make_grid(values, now, alpha)


def read_numbers(name: str, text: str) -> list[float]:
    """Return the numbers of a field of the form; raises TrainingError for what is none."""
    parts = [part for part in re.split(r"[,;\s]+", text.strip()) if part]
    try:
        return [float(part) if name == "learning_rate" else int(part) for part in parts]
    except ValueError:
        what = "numbers such as 1e-4" if name == "learning_rate" else "whole numbers"
        raise TrainingError(f"{LABELS[name]}: write {what} with a comma between two of them, not {text!r}.") from None


def _draw_cost(hub: Hub, config: Mapping[str, Any], grid: Grid, n_rows: int) -> None:
    """Say how many runs it is, how long they take, and what they are chosen by."""
    n_validation = count_validation(hub.settings.home, config)
    seconds = estimate_sweep_seconds(hub, config, grid, n_rows)
    took = "how long was not measured here yet" if seconds is None else f"some {numbers.duration(seconds)} in all"
    repeated = f"; {numbers.counted(grid.n_repeated, 'repeated value')} left out" if grid.n_repeated else ""
    st.caption(
        f"{numbers.counted(len(grid.cells), 'run')} of {numbers.counted(n_rows, 'row')}, one after the other: {took}. "
        f"Chosen by {numbers.counted(n_validation, 'validation problem')}{repeated}."
    )
    draw_warning(hub, estimate_sweep_bytes(config, grid))


# -- how it stands -----------------------------------------------------------------------------------------------


def draw_sweeps(hub: Hub) -> None:
    """Draw a sweep of the seed set in view: how far it is, its heat maps, the best cell and what to do with it."""
    sweeps = {row["run_id"]: row for row in keep_in_view(hub.store.list_sweeps(), "sweep").to_dict("records")}
    if not sweeps:
        draw_empty("There is no sweep yet: **Train** has a form that tries a grid of settings.")
        return
    sweep_id = choose(
        "Sweep",
        list(sweeps),
        param="sweep",
        key="sweep_shown",
        shown=lambda id_: name_run(sweeps[id_]),
        help=RUN_TIMES,
    )
    is_active = sweeps[sweep_id]["n_left"] > 0
    draw_live(lambda: _draw_standing(hub, sweep_id), is_active=is_active)
    _draw_use(hub, sweep_id)


def _draw_standing(hub: Hub, sweep_id: str) -> bool:
    """Draw what moves while a sweep works; says whether it still does."""
    now = hub.store.list_sweeps()
    row = now[now["run_id"] == sweep_id].iloc[0].to_dict()
    n_validation = hub.store.read_run(sweep_id)["config"]["n_validation"]
    cells = read_cells(hub, sweep_id, n_validation)
    _draw_progress(hub, row)
    winner = find_winner(cells)
    if winner is not None:
        _draw_winner(winner, n_validation, is_final=not row["n_left"])
    panels = draw_sweep_panels(cells, winner, n_validation, view=sweep_id)
    with st.container(key="two_sides_sweep"):
        places = st.columns(min(len(panels), PANELS_IN_A_ROW) or 1)
    for number, (epochs, figure) in enumerate(panels.items()):
        with places[number % len(places)]:
            draw_chart(figure, key=f"sweep_{epochs}")
    _draw_table(cells)
    return bool(row["n_left"])


def _draw_progress(hub: Hub, row: Mapping[str, Any]) -> None:
    """Draw how many runs are over, and the ways to end or go on with all."""
    n_runs, n_done, n_failed = row["n_runs"], row["n_done"], row["n_failed"]
    parts = [f"{n_done} of {numbers.counted(n_runs, 'run')} done"]
    parts += [f"{n_failed} failed or cancelled"] if n_failed else []
    parts += [f"{row['n_left']} left"] if row["n_left"] else []
    st.progress((n_done + n_failed) / n_runs if n_runs else 0.0, text=" · ".join(parts))
    with st.container(horizontal=True):
        if row["n_left"] and st.button("Cancel all", key="cancel_sweep", icon=":material/stop:"):
            with show_errors():
                cancel_sweep(hub, row["run_id"])
                st.rerun()
        if n_failed and st.button(
            f"Resume {numbers.counted(n_failed, 'run')}",
            key="resume_sweep",
            icon=":material/replay:",
            help="One more attempt of each that failed or was cancelled, from its last checkpoint where it has one.",
        ):
            with show_errors():
                resume_sweep(hub, row["run_id"])
                st.rerun()


def describe_winner(winner: Winner) -> str:
    """Return the settings of the best cell in a few words."""
    return f"learning rate {winner.learning_rate:g}, rank {winner.rank}, {numbers.counted(winner.epochs, 'epoch')}"


def _draw_winner(winner: Winner, n_validation: int | None, *, is_final: bool) -> None:
    """Draw which cell is best, how sure that is, and what was resolved."""
    word = "Best" if is_final else "Best so far"
    st.markdown(f"#### {word}: {describe_winner(winner)}: {numbers.percent(winner.accuracy)}", anchors=False)
    notes = []
    if winner.before is not None:
        notes.append(f"{numbers.percent(winner.before)} before training.")
    if winner.low is not None:
        notes.append(
            f"95 % interval {numbers.interval(winner.low, winner.high)} of {numbers.count(n_validation)} validation "
            "problems."
        )
    if winner.n_tied:
        others = "Another run reaches" if winner.n_tied == 1 else f"{winner.n_tied} other runs reach"
        notes.append(f"{others} the same: the smaller rank was taken, then fewer epochs, then the lower learning rate.")
    if winner.n_close > winner.n_tied:
        others = numbers.counted(winner.n_close, "other run lies", "other runs lie")
        notes.append(f"{others} within its interval: these problems cannot tell them apart.")
    st.caption(" ".join([*notes, OPTIMISM]))


def _draw_table(cells: pd.DataFrame) -> None:
    """Draw the cells as a table, each with a link to its run."""
    with st.expander("All runs", icon=":material/table_rows:"):
        table = cells.assign(
            validation=cells["accuracy"].map(numbers.percent),
            interval=[numbers.interval(low, high) for low, high in zip(cells["low"], cells["high"], strict=True)],
            rate=cells["learning_rate"].map("{:g}".format),
            kept=[numbers.MISSING if numbers.is_missing(epoch) else f"{epoch:g}" for epoch in cells["best_epoch"]],
            took=cells["seconds"].map(numbers.duration),
            error=cells["error"].fillna(""),
            link=["finetune?show=watch&run=" + run_id for run_id in cells["run_id"]],
        )
        right = {"alignment": "right", "width": "small"}
        st.dataframe(
            table,
            hide_index=True,
            height="content" if len(table) < 12 else 420,
            column_order=["epochs", "rank", "rate", "validation", "interval", "kept", "took", "state", "error",
                          "link"],
            column_config={
                "rate": st.column_config.TextColumn("learning rate", **right),
                "validation": st.column_config.TextColumn("validation", **right),
                "interval": st.column_config.TextColumn("95 % interval", **right),
                "kept": st.column_config.TextColumn("epoch kept", **right),
                "took": st.column_config.TextColumn("took", help="Its latest attempt, from begin to end.", **right),
                "error": st.column_config.TextColumn("why not", width="medium"),
                "link": st.column_config.LinkColumn("run", display_text="open", width="small"),
            },
        )  # fmt: skip


def _draw_use(hub: Hub, sweep_id: str) -> None:
    """Draw the button that takes the best settings into the form of Train, and keeps them as a preset."""
    config = hub.store.read_run(sweep_id)["config"]
    winner = find_winner(read_cells(hub, sweep_id, config["n_validation"]))
    if winner is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="use_winner"):
        name = st.text_input("Kept as the preset", name_preset(config), key=f"preset_of_{sweep_id}", max_chars=60)
        is_wanted = st.button("Use these settings", key="use_sweep", icon=":material/check:")
    with show_errors():
        if name.strip() in list_own_presets(hub.settings.home):
            st.caption("There is a preset of this name; it will be replaced.")
        if is_wanted:
            save_own_preset(hub.settings.home, name, read_training(hub, winner))
            query = {"show": "train", LIKE: winner.run_id, "preset": name.strip()}
            st.switch_page("finetune_page.py", query_params=query)


def read_training(hub: Hub, winner: Winner) -> dict[str, Any]:
    """Return all training settings of the best run, as its configuration has them; raises RunError for none."""
    run = hub.store.read_run(winner.run_id)
    if run is None:
        raise RunError("The best run is no longer there; it may be in the trash.")
    return run["config"]["training"]


def name_preset(config: Mapping[str, Any]) -> str:
    """Return the name that the best settings of a sweep are kept under unless a person writes another."""
    about = config.get("seed_set_name") or config["task"]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", f"{about}-{config['objective']}-best").strip("-_")[:60]
