"""Who is asked: the teacher of a run, and other models for other roles, each with its own sampling and limits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.teacher.base import ROLES
from core.teacher.prices import Price, read_prices
from pages.components.frame import note_teacher
from pages.components.serving import draw_server_form

BUILT_IN = "the built-in teacher"
SERVER = "a model behind a server"
STUDENT = "a student on this machine"
SAME = "the same"

ROLE_NAMES = {
    "question": "Who writes questions",
    "answer": "Who answers them",
    "judge": "Who judges and labels",
    "grader": "Who grades",
}

Spec = str | dict[str, Any]


def draw_team(home: Path) -> tuple[Spec, dict[str, Spec]] | None:
    """Draw the choice of the teacher and of the other roles; None until everything chosen is filled in.

    Args:
        home: the workspace, for a person's own prices.

    Returns:
        Who is asked, and role -> who is asked in it, where that is somebody else.
    """
    prices = read_prices(home)
    teacher = _draw_spec("question", [BUILT_IN, SERVER, STUDENT], prices)
    roles: dict[str, Spec | None] = {}
    with st.popover("Other roles", icon=":material/group:"):
        st.caption("Each role may have a model of its own, with its own sampling, limits and price.")
        for role in ROLES[1:3]:
            if (spec := _draw_spec(role, [SAME, BUILT_IN, SERVER, STUDENT], prices)) != SAME:
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
    return spec["model"] if "base_url" in spec else f"the student {spec['student']}"


def _draw_spec(role: str, options: list[str], prices: Sequence[Price]) -> Spec | None:
    """Draw whom a role asks; None until it is filled in, SAME where that is chosen."""
    choice = st.selectbox(ROLE_NAMES[role], options, key=f"{role}_teacher", persist_state="session")
    if choice == SAME:
        return SAME
    if choice == BUILT_IN:
        return "built-in"
    if choice == STUDENT:
        source = st.text_input(
            "Folder or Hugging Face id",
            "tiny",
            key=f"{role}_student",
            persist_state="session",
            help="The student as its own teacher, as in SPARQ: it needs no server and costs only time.",
        ).strip()
        return {"student": source, **_draw_sampling(role, has_top_p=False)} if source else None
    server = draw_server_form(f"{role}_server", is_teacher=True, prices=prices)
    return None if server is None else {**server, **_draw_sampling(role), **_draw_limits(role)}


def _draw_sampling(role: str, *, has_top_p: bool = True) -> dict[str, Any]:
    """Draw the sampling of a role, folded; returns what was set, nothing where the method's own stays."""
    with st.expander("Sampling"):
        temperature = st.number_input(
            "Temperature", 0.0, 2.0, None, 0.1, key=f"{role}_temperature", placeholder="the method's own"
        )
        top_p = None
        if has_top_p:
            top_p = st.number_input("Top p", 0.01, 1.0, None, 0.05, key=f"{role}_top_p", placeholder="the model's own")
        max_tokens = st.number_input("Tokens per reply, at most", 16, None, None, 256, key=f"{role}_max_tokens")
    given = {"temperature": temperature, "top_p": top_p, "max_tokens": max_tokens}
    return {name: value for name, value in given.items() if value is not None}


def _draw_limits(role: str) -> dict[str, Any]:
    """Draw the limits of a server, folded; returns what was set."""
    with st.expander("Limits"):
        st.caption("When the server says that it is too much, fewer are sent by itself; these are for its quotas.")
        given = {
            "max_concurrency": st.number_input("At the same time", 1, 1024, None, 8, key=f"{role}_concurrency"),
            "requests_per_minute": st.number_input("Requests per minute", 1, None, None, 60, key=f"{role}_rpm"),
            "tokens_per_minute": st.number_input("Tokens per minute", 1, None, None, 10_000, key=f"{role}_tpm"),
        }
    return {name: value for name, value in given.items() if value is not None}
