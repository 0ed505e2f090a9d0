"""The form that lets a student answer and score a seed set, and what became of it: live progress, what is unknown."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.paths import expand
from core.recipes.scoring import REWARD, TEACHER
from core.recipes.selecting import estimate_seconds, start_score
from core.signals import SIGNALS, needs_weights
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.frame import note_teacher
from pages.components.running import draw_run, follow_runs
from pages.components.serving import draw_server_form
from pages.components.standing import ACTIVE
from pages.components.text import plain
from pages.components.trained_students import Offered, list_offered, show_offered

TINY = "tiny, the built-in student"
OTHER = "a folder or a Hugging Face id"
SERVER = "a model behind an OpenAI-compatible server"
BUILT_IN = "built-in, the rule-based stand-in"


def draw_score_form(hub: Hub, seed_set: str, n: int, scored: pd.DataFrame, wanted: Sequence[str]) -> None:
    """Draw the form; its button puts a score run in the queue.

    It stands open, with the student of the newest finetune chosen, where that student has not been asked yet.

    Args:
        hub: of the home.
        seed_set: id.
        n: train problems, for the cost.
        scored: ``store.list_prediction_sets`` of the seed set.
        wanted: signals that the chosen selector needs.
    """
    offered = list_offered(hub)
    made = dict(sorted(offered.items(), key=lambda item: item[1].seed_set != seed_set))
    newest = next((path for path, each in made.items() if each.seed_set == seed_set and not each.is_policy), None)
    is_behind = newest is not None and newest not in set(scored["adapter"])
    if is_behind and not scored.empty:
        st.warning("These answers are from before the last finetune: let the student it made answer the seeds.")
    with st.expander("Score the seeds", expanded=is_behind or scored.empty, icon=":material/psychology:"):
        options, key = [TINY, *made, OTHER, SERVER], f"score_student_{seed_set}_{newest}"
        if st.session_state.get(key, TINY) not in options:
            st.session_state[key] = TINY  # its run is in the trash
        choice = st.selectbox(
            "Student",
            options,
            options.index(newest) if is_behind else 0,
            key=key,
            persist_state="session",
            format_func=show_offered(made, options),
        )
        student = _choose_model(choice, made)
        signals = _choose_signals(wanted, has_weights=choice != SERVER)
        more = _choose_sources(signals, hub.settings.home)
        st.caption(_say_cost(hub, n, student, signals, more))
        is_busy = not hub.store.list_runs(["score"], states=ACTIVE, seed_set_id=seed_set, limit=1).empty
        if is_busy:
            st.caption("A score run of these seeds is under way, above.")
        is_ready = student is not None and more is not None and not is_busy
        if student is None or more is None:
            st.caption("Fill in what is empty above: a run needs to know which model to ask.")
        if st.button("Score", key="score", disabled=not is_ready, icon=":material/play_arrow:"):
            with show_errors():
                start_score(hub, seed_set, signals=signals, **student, **more)
                st.rerun()


def _choose_model(choice: str, made: Mapping[str, Offered]) -> dict[str, Any] | None:
    """Return what ``start_score`` needs to know of the student; None while something is not filled in."""
    if choice in made:
        return {"student": made[choice].student, "adapter": choice, "label": made[choice].short}
    if choice == SERVER:
        server = draw_server_form("score_server")
        return None if server is None else {"student": server["model"], "server": server}
    if choice == TINY:
        return {"student": "tiny"}
    source = st.text_input("Folder or id", key="score_source", persist_state="session").strip()
    tuned = st.text_input("Adapter folder (optional)", key="score_adapter", persist_state="session").strip()
    more = {"adapter": str(expand(tuned).resolve()), "label": "tuned"} if tuned else {}
    return {"student": source, **more} if source else None


def _choose_signals(wanted: Sequence[str], *, has_weights: bool) -> list[str]:
    """Let a person choose signals; those that need weights are not offered for a student behind a server."""
    options = [name for name in SIGNALS if has_weights or not needs_weights(name)]
    state, key = st.session_state, f"score_signals_{has_weights}"
    new = {*wanted} - {*state.get(f"{key}_wanted", ())}  # what a person has removed stays away
    taken = {*state.get(key, ("loss", "correct", "reward")), *new}
    state[key], state[f"{key}_wanted"] = [name for name in options if name in taken], list(wanted)
    if not has_weights:
        st.caption("Gradients and the loss of the reference need the model's weights on this machine.")
    return st.multiselect(
        "Signals",
        options,
        key=key,
        persist_state="session",
        help="\n".join(f"- **{name}**: {SIGNALS.get(name).title}" for name in options),
    )


def _choose_sources(signals: Sequence[str], home: Path) -> dict[str, Any] | None:
    """Let a person choose who else is asked; None while something is not filled in."""
    needs = set().union(*(SIGNALS.get(name).needs for name in signals))
    more: dict[str, Any] = {}
    if "reward" in needs:
        source = st.text_input(
            "Reward model",
            "tiny-reward",
            key="score_reward",
            persist_state="session",
            help="tiny-reward, a folder, or a hub id such as Skywork/Skywork-Reward-Llama-3.1-8B-v0.2, the paper's.",
        )
        if not source.strip():
            return None
        more["reward"] = source.strip()
    if "solve_rate" in signals:
        more["n_samples"] = int(
            st.number_input("Answers drawn for each problem", 1, 256, 16, key="score_samples", persist_state="session")
        )
        more["temperature"] = st.number_input(
            "Temperature", 0.1, 2.0, 1.0, 0.1, key="score_temperature", persist_state="session"
        )
    if "teacher" in needs:
        judges = [BUILT_IN, SERVER]
        if st.selectbox("Who judges and grades", judges, key="score_teacher", persist_state="session") == SERVER:
            if (teacher := draw_server_form("judge_server", home=home)) is None:
                return None
            more["teacher"] = teacher
        else:
            note_teacher()
    return more


def _say_cost(
    hub: Hub,
    n: int,
    student: Mapping[str, Any] | None,
    signals: Sequence[str],
    more: Mapping[str, Any] | None,
) -> str:
    """Say how long it will take, as far as earlier runs on this machine tell."""
    what = f"{numbers.counted(n, 'problem')} in the background; what this student answered before is kept."
    settings = {"reward": REWARD, "teacher": TEACHER, "n_samples": 16, "temperature": 1.0, **(more or {})}
    name = student["student"] if student else ""
    seconds, unknown = estimate_seconds(hub, name, ["answers", *signals], n, settings)
    if seconds is None:
        return f"{what} How long it takes was not measured on this machine yet; the progress will say."
    rest = f", and {', '.join(unknown)}, not measured here yet" if unknown else ""
    return f"{what} Some {numbers.duration(seconds)} at the rates of earlier runs here{rest}."


def follow_scores(hub: Hub, seed_set: str) -> None:
    """Draw the score runs of this seed set that are under way, live, and the last one where it failed."""
    runs = hub.store.list_runs(["score"], seed_set_id=seed_set, limit=10)
    ids = runs[runs["state"].isin(ACTIVE)]["run_id"].tolist()
    if not runs.empty and runs.iloc[0]["state"] in ("failed", "lost"):
        draw_run(runs.iloc[0].to_dict())
    follow_runs(hub, ids)


def describe_scores(hub: Hub, scored: Mapping[str, Any], frame: pd.DataFrame) -> None:
    """Say what the chosen run found, and count what it could not score, with the reasons.

    Args:
        hub: of the home.
        scored: row of ``store.list_prediction_sets``.
        frame: the pool with its scores.
    """
    parts = [f"{numbers.percent(scored['accuracy'])} right of {numbers.count(scored['n'])}"]
    stepwise = frame["correct"].mean() if "correct" in frame else None
    if not numbers.is_missing(stepwise) and abs(stepwise - scored["accuracy"]) > 1e-9:
        parts.append(f"{numbers.percent(stepwise)} with every step right")
    if not numbers.is_missing(scored["mean_loss"]):
        parts.append(f"mean loss {numbers.loss(scored['mean_loss'])} nats per token")
    if scored["n_truncated"]:
        parts.append(f"{numbers.counted(scored['n_truncated'], 'answer')} truncated")
    st.caption(" · ".join(parts))
    unknown = (hub.store.read_run(scored["run_id"])["summary"] or {}).get("unknown") or {}
    for signal, reasons in unknown.items():
        for reason, n in reasons.items():
            why = plain(reason.rstrip("."))
            st.caption(f":material/info: {plain(signal)} of {numbers.counted(n, 'problem')} unknown: {why}.")
