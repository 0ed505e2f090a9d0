"""Who is asked in an evaluation, and how: student, number of answers, grader, and what is rarely changed."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import streamlit as st

from core.errors import SeedbedError
from core.evaluation.benchmarks import BENCHMARKS
from core.evaluation.judging import TOLERANT
from core.hub import Hub
from core.paths import expand
from core.recipes.evaluating import DRAWN_AT, MOST_SAMPLES
from core.recipes.trained import find_adapter
from pages.components.frame import follow_address, note_teacher, tell_address
from pages.components.number_box import ask_number
from pages.components.scoring import OTHER, SERVER, TINY
from pages.components.serving import draw_server_form
from pages.components.text import plain
from pages.components.trained_students import Offered, list_offered, show_offered

NOBODY, RULES, LOCAL = "nobody", "built-in, the rule-based stand-in", "a student on this machine"
GREEDY, DRAWN = "one, greedy", "several, drawn"


def choose_student(hub: Hub) -> dict[str, Any] | None:
    """Draw the choice of the student; returns choices of ``start_evaluate``, None while something is not filled in.

    The address may name an adapter, also one that is not offered: that of a run of a sweep, or a folder; or a model's
    folder, once.
    """
    made = list_offered(hub)
    wanted = st.query_params.get("adapter")
    if wanted and wanted not in made:
        made |= _find_wanted(hub, wanted)
    options = [*made, TINY, OTHER, SERVER]
    if model := st.query_params.pop("model", None):
        st.session_state.update({"evaluate_student": OTHER, "evaluate_source": model})
    if st.session_state.get("evaluate_student", TINY) not in options:
        st.session_state["evaluate_student"] = TINY  # its run is in the trash
    follow_address("adapter", "evaluate_student", {path: path for path in made}.get)
    choice = st.selectbox(
        "Student",
        options,
        key="evaluate_student",
        persist_state="session",
        format_func=show_offered(made, options),
    )
    tell_address("adapter", "evaluate_student", choice, None if choice in made else choice)
    if choice == SERVER:
        server = draw_server_form("evaluate_server")
        return None if server is None else {"student": server["model"], "server": server, "asks_base": True}
    if choice == TINY:
        return {"student": "tiny", "asks_base": True}
    if choice in made:
        return {"student": made[choice].student, "adapter": choice, "asks_base": _ask_base()}
    source = st.text_input("Folder or id", key="evaluate_source", persist_state="session").strip()
    tuned = st.text_input("Adapter folder (optional)", key="evaluate_adapter", persist_state="session").strip()
    if not source:
        return None
    if not tuned:
        return {"student": source, "asks_base": True}
    return {"student": source, "adapter": str(expand(tuned).resolve()), "asks_base": _ask_base()}


def _find_wanted(hub: Hub, adapter: str) -> dict[str, Offered]:
    """Return what the address names that is not offered; nothing, with a sentence, where there is no such thing."""
    home = hub.settings.home
    with suppress(SeedbedError):
        found = find_adapter(home, str(home / adapter))
        if found.student is not None:
            return {adapter: Offered(found.name, found.student, found.run_id or adapter, found.round or 1)}
    st.info(f"There is no trained student in {plain(adapter)} any more; choose another one.")
    return {}


def _ask_base() -> bool:
    return st.toggle(
        "Ask the base as well",
        True,
        key="evaluate_base",
        persist_state="session",
        help="Before and after on the same problems: only then is there a difference with its interval.",
    )


# -- how -------------------------------------------------------------------------------------------------------------


def choose_how(hub: Hub, task: str | None, benchmark: str | None, limit: int | None) -> dict[str, Any] | None:
    """Draw how many answers, who grades, and what is rarely changed.

    Args:
        hub: of the home.
        task: of what is asked; None: not known yet.
        benchmark: that it is; None: none.
        limit: problems at most.

    Returns:
        Choices of ``start_evaluate``; None while something is not filled in.
    """
    way = st.segmented_control(
        "Answers to each problem", [GREEDY, DRAWN], default=GREEDY, required=True, key="evaluate_way"
    )
    n_samples, temperature, are_right = None, None, True
    if way == DRAWN:
        first, second = st.columns(2)
        kept = {"persist_state": "session"}
        n_samples, is_number = ask_number("Drawn", 1, MOST_SAMPLES, 8, place=first, key="evaluate_samples", **kept)
        temperature, is_right = ask_number(
            "Temperature", 0.1, 2.0, DRAWN_AT, place=second, step=0.1, key="evaluate_temperature", **kept
        )
        are_right = is_number and is_right
        st.caption("Gives mean@n, pass@k and the majority's answer (maj@n).")
    who = st.selectbox(
        "Who grades beside the checker",
        [NOBODY, RULES, LOCAL, SERVER],
        key="evaluate_grader",
        persist_state="session",
        help="The checker compares final answers. A grader reads the whole answer beside the reference (Kessler 2025, "
        "appendix D.3); where the two disagree, both are shown.",
    )
    grader = _choose_grader(hub, who)
    rare = _choose_rare(task, benchmark, limit, is_drawn=way == DRAWN)
    if not are_right or (grader is None and who != NOBODY):
        return None
    return {"n_samples": n_samples, "temperature": temperature, "grader": grader, "limit": limit, **rare}


def _choose_grader(hub: Hub, who: str) -> str | dict[str, str] | None:
    """Draw what a grader needs to be known; returns its spec, None for nobody and while something is missing."""
    if who == RULES:
        note_teacher()
        return "built-in"
    if who == SERVER:
        return draw_server_form("grader_server", home=hub.settings.home)
    if who == LOCAL:
        source = st.text_input(
            "The grader's folder or id",
            key="evaluate_grader_source",
            persist_state="session",
            placeholder="tiny, a folder, or a Hugging Face id",
            help="No server and no network: it is loaded when the students have been asked and are gone again.",
        ).strip()
        return {"student": source} if source else None
    return None


def _choose_rare(task: str | None, benchmark: str | None, limit: int | None, *, is_drawn: bool) -> Mapping[str, Any]:
    """Draw what is rarely changed, folded: the tolerance where the checker has one, and seeds where they decide."""
    has_tolerance = task is None or task in TOLERANT
    if not (has_tolerance or limit is not None or is_drawn):
        return {}
    rare: dict[str, Any] = {}
    with st.expander("More settings", key="evaluate_more"):
        if has_tolerance:
            usual = BENCHMARKS[benchmark].tolerance if benchmark else None
            rare["tolerance"] = st.number_input(
                "Tolerance of numbers, as a share",
                0.0,
                0.99,
                None,
                0.01,
                key="evaluate_tolerance",
                persist_state="session",
                placeholder="none: numbers must be equal" if usual is None else f"{usual:g}, as the benchmark has it",
                help="Numbers count as equal that differ from the reference by no more than this share of it: 0.01 is "
                "one per cent. 0: none, also where the benchmark has one.",
            )
        if limit is not None:
            rare["limit_seed"] = _choose_seed("Seed of the problems asked", "evaluate_limit_seed")
        if is_drawn:
            rare["seed"] = _choose_seed("Seed of the drawn answers", "evaluate_seed")
    return rare


def _choose_seed(label: str, key: str) -> int:
    return int(st.number_input(label, 0, None, 0, key=key, persist_state="session"))
