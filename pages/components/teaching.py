"""Who is asked: the teacher of a run, and other models for other roles, each with its own sampling and limits."""

from typing import Any

import streamlit as st

from core.hub import Hub
from core.models.adapters import check_fit
from core.paths import expand
from core.recipes.start import fix_model
from core.recipes.trained import find_trained_run
from pages.components.access import show_errors
from pages.components.frame import note_teacher
from pages.components.scoring import OTHER, TINY
from pages.components.serving import draw_server_form
from pages.components.trained_students import list_offered, show_offered

BUILT_IN = "the built-in teacher"
SERVER = "a model behind a server"
STUDENT = "a student on this machine"
SAME = "the same"

ROLE_NAMES = {
    "question": "Who writes questions",
    "answer": "Who answers them",
    "judge": "Who labels their skills",
}
"""Roles that growing candidates asks; a grader is asked by a score run alone, and chosen there."""

Spec = str | dict[str, Any]


def draw_team(hub: Hub) -> tuple[Spec, dict[str, Spec]] | None:
    """Draw the choice of the teacher and of the other roles; None until everything chosen is filled in.

    Args:
        hub: of the home, for students trained there and a person's own prices.

    Returns:
        Who is asked, and role -> who is asked in it, where that is somebody else.
    """
    teacher = _draw_spec(hub, "question", [BUILT_IN, SERVER, STUDENT])
    roles: dict[str, Spec | None] = {}
    with st.popover("Other roles", icon=":material/group:"):
        st.caption("Each role may have a model of its own, with its own sampling, limits and price.")
        for role in list(ROLE_NAMES)[1:]:
            if (spec := _draw_spec(hub, role, [SAME, BUILT_IN, SERVER, STUDENT])) != SAME:
                roles[role] = spec
    for role in roles:
        st.caption(f"{ROLE_NAMES[role]}: {name_spec(roles[role])}.")
    if teacher is None or None in roles.values():
        st.caption("Fill in what is empty above: a run needs to know whom to ask.")
        return None
    if BUILT_IN in (name_spec(teacher), *map(name_spec, roles.values())):
        note_teacher()
    return teacher, roles


def name_spec(spec: Spec | None) -> str:
    """Return what people call whom a run asks."""
    if spec is None:
        return "not filled in yet"
    if isinstance(spec, str):
        return BUILT_IN
    if "base_url" in spec:
        return spec["model"]
    adapter = spec.get("adapter")
    return f"the student {spec['student']}" + (f" with {find_trained_run(adapter) or adapter}" if adapter else "")


def _draw_spec(hub: Hub, role: str, options: list[str]) -> Spec | None:
    """Draw whom a role asks; None until it is filled in, SAME where that is chosen."""
    choice = st.selectbox(ROLE_NAMES[role], options, key=f"{role}_teacher", persist_state="session")
    if choice == SAME:
        return SAME
    if choice == BUILT_IN:
        return "built-in"
    if choice == STUDENT:
        student = _draw_student(hub, role)
        return None if student is None else {**student, **_draw_sampling(role, has_top_p=False)}
    server = draw_server_form(f"{role}_server", home=hub.settings.home)
    return None if server is None else {**server, **_draw_sampling(role), **_draw_limits(role)}


def _draw_student(hub: Hub, role: str) -> dict[str, str] | None:
    """Draw which student answers in a role: as shipped, as trained in this home, or from a folder; None: not known."""
    made = list_offered(hub)
    options, key = [TINY, *made, OTHER], f"{role}_student"
    if st.session_state.get(key, TINY) not in options:
        st.session_state[key] = TINY  # its run is in the trash
    choice = st.selectbox(
        "Which student",
        options,
        key=key,
        persist_state="session",
        format_func=show_offered(made, options),
        help="The student as its own teacher, as trained here, is SPARQ's way: it needs no server and costs only time.",
    )
    if choice in made:
        return {"student": made[choice].student, "adapter": choice}
    if choice == TINY:
        return {"student": "tiny"}
    source = st.text_input("Folder or id", key=f"{role}_source", persist_state="session").strip()
    tuned = st.text_input("Adapter folder (optional)", key=f"{role}_adapter", persist_state="session").strip()
    if not source:
        return None
    student = {"student": fix_model(source)}
    if not tuned:
        return student
    folder = expand(tuned).resolve()
    with show_errors():
        check_fit(student["student"], folder)
        return {**student, "adapter": str(folder)}
    return None


def _draw_sampling(role: str, *, has_top_p: bool = True) -> dict[str, Any]:
    """Draw the sampling of a role, folded; returns what was set, nothing where the method's own stays."""
    with st.expander("Sampling"):
        temperature = st.number_input(
            "Temperature",
            0.0,
            2.0,
            None,
            0.1,
            key=f"{role}_temperature",
            placeholder="the method's own",
            persist_state="session",
        )
        top_p = None
        if has_top_p:
            top_p = st.number_input(
                "Top p", 0.01, 1.0, None, 0.05, key=f"{role}_top_p", placeholder="the model's own",
                persist_state="session",
            )  # fmt: skip
        max_tokens = st.number_input(
            "Tokens per reply, at most", 16, None, None, 256, key=f"{role}_max_tokens", placeholder="the method's own",
            persist_state="session",
        )  # fmt: skip
    given = {"temperature": temperature, "top_p": top_p, "max_tokens": max_tokens}
    return {name: value for name, value in given.items() if value is not None}


def _draw_limits(role: str) -> dict[str, Any]:
    """Draw the limits of a server, folded; returns what was set."""
    with st.expander("Limits"):
        st.caption("When the server says that it is too much, fewer are sent by itself; these are for its quotas.")
        boxes = {
            "max_concurrency": ("At the same time", 1024, 8, "what the server bears"),
            "requests_per_minute": ("Requests per minute", None, 60, "no limit"),
            "tokens_per_minute": ("Tokens per minute", None, 10_000, "no limit"),
        }
        given = {
            name: st.number_input(
                label, 1, most, None, step, key=f"{role}_{name}", placeholder=if_none, persist_state="session"
            )
            for name, (label, most, step, if_none) in boxes.items()
        }
    return {name: value for name, value in given.items() if value is not None}
