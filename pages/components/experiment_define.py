"""Defining an experiment: a form for simple ones, its file, what it amounts to, and the button that queues it."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import SeedbedError
from core.hub import Hub
from core.recipes.experiment import start_experiment
from core.recipes.experiment_cost import estimate_cost
from core.recipes.experiment_file import Experiment, make_experiment, read_toml
from core.recipes.experiment_freezing import check_experiment
from core.recipes.experiment_rate import estimate_seconds
from core.teacher.prices import read_prices, word_usd
from core.teacher.roles import BUILT_IN
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.experiment_form import draw_form
from pages.components.frame import note_teacher
from pages.components.text import plain

EXAMPLE = """\
title = "Hard seeds against random ones"
seed_set = "word_problems"      # a built-in seed set, or the path of a file
student = "tiny"
replicates = 3                  # or a list of numbers

[common]                        # settings of every arm
accepted = 50                   # candidates a round
rounds = 2

[[arm]]
recipe = "active"
selector = ["random", "loss_high"]    # a list makes an arm of each value
"""
HEIGHT = 380

UNTITLED = "Experiment"
"""What one without a title is called."""


def draw_define(hub: Hub, place: DeltaGenerator) -> str | None:
    """Draw the form; returns the id of the experiment that was just started."""
    alert = st.container()  # above the form: below it nobody would see why nothing was queued
    with st.container(key="two_sides_experiment"):
        left, right = st.columns([1.2, 1], gap="large")
    with left:
        draw_form(hub, "experiment_text")
        given = st.file_uploader("A file from elsewhere", ["toml"], key="experiment_file")
        if given is not None and st.session_state.get("experiment_read") != given.file_id:
            st.session_state["experiment_read"] = given.file_id
            st.session_state["experiment_text"] = given.getvalue().decode("utf-8", "replace")
        st.session_state.setdefault("experiment_text", EXAMPLE)
        with st.container(key="code_experiment"):
            text = st.text_area("The experiment (TOML)", key="experiment_text", height=HEIGHT, persist_state="session")
    with right:
        experiment, fault = _draw_plan(hub, text)
        if experiment is None or experiment.teacher == BUILT_IN:
            note_teacher()
        st.download_button("Download the file", text, "experiment.toml", "application/toml", icon=":material/download:")
    label = f"Queue {numbers.counted(len(experiment.replicates), 'replicate')}" if experiment else "Queue"
    look = {"type": "primary", "icon": ":material/science:", "help": fault and plain(fault)}
    if place.button(label, key="start_experiment", disabled=experiment is None, **look):
        with alert, show_errors():
            return start_experiment(hub, experiment)
    return None


def _draw_plan(hub: Hub, text: str) -> tuple[Experiment | None, str | None]:
    """Say what a text amounts to, or in its place why it cannot be; returns the experiment, or that sentence."""
    try:
        content = read_toml(text, "This")
        experiment = make_experiment(content, UNTITLED)
        doubts = check_experiment(hub.settings.home, experiment)
    except SeedbedError as error:
        st.error(plain(error), icon=":material/error:")
        return None, str(error)
    for doubt in doubts:
        st.warning(plain(doubt), icon=":material/info:")
    _draw_arms(experiment)
    _draw_time(hub, experiment)
    if experiment.teacher != BUILT_IN:
        _draw_cost(hub, experiment)
    if "title" not in content:
        st.caption(f"It has no title, so it will be called *{UNTITLED}*.")
    if experiment.title in set(hub.store.list_experiments()["title"]):
        st.caption("An experiment of this title is there already; the two are told apart by their times.")
    return experiment, None


def _draw_time(hub: Hub, experiment: Experiment) -> None:
    """Say how long it will take, as far as earlier runs tell."""
    found = estimate_seconds(hub.store.list_round_times(), experiment)
    if len(found.unknown) == len(experiment.arms):
        st.caption("How long it takes is not known: no round of these recipes has ended here with this student.")
        return
    without = (
        f", without {numbers.counted(len(found.unknown), 'arm')} of which nothing is known" if found.unknown else ""
    )
    st.markdown(
        f"About **{numbers.duration(found.seconds)}** of one process{without} "
        f":gray[(by {numbers.counted(found.n_rounds, 'earlier round')})]"
    )


def _draw_cost(hub: Hub, experiment: Experiment) -> None:
    """Say what the teacher will be asked, and what that costs, as far as earlier runs and the price list tell."""
    found = estimate_cost(hub.store.list_run_tokens(), experiment, read_prices(hub.settings.home))
    if not found.n_runs:
        st.caption("What it will ask of the teacher is not known: no run of these recipes has ended here.")
        return
    without = (
        f", without {numbers.counted(len(found.unknown), 'arm')} of which nothing is known" if found.unknown else ""
    )
    price = "at a price that is not known" if found.usd is None else f"at most some **{plain(word_usd(found.usd))}**"
    st.markdown(
        f"Some {numbers.tokens(found.n_input)} tokens to the teacher and {numbers.tokens(found.n_output)} back"
        f"{without}, {price} :gray[(by {numbers.counted(found.n_runs, 'earlier run')} of any teacher, nothing cached)]"
    )


def _draw_arms(experiment: Experiment) -> None:
    """Say what an experiment amounts to."""
    n_arms, n_replicates = len(experiment.arms), len(experiment.replicates)
    runs = numbers.counted(n_arms * n_replicates, "run")
    st.markdown(f"**{numbers.counted(n_arms, 'arm')}** × {numbers.counted(n_replicates, 'replicate')} = {runs}")
    for arm in experiment.arms:
        settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in arm.settings.items())
        st.markdown(f"- **{plain(arm.name)}** :gray[{plain(arm.recipe)}: {plain(settings)}]")
    st.caption(
        "One process for each replicate carries out its arms one after the other; all share seeds, splits and what the "
        "student answers before any training."
    )
