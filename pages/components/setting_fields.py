"""A field for each setting of a dataclass, with its text as the help: numbers, words, switches, choices."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import streamlit as st

from core.setting_docs import read_docs


@dataclass(frozen=True, slots=True)
class Face:
    """How one setting is shown where that does not follow from its value."""

    label: str | None = None
    """None: the setting's name."""

    options: tuple[str, ...] = ()
    """Words that it can be; none: any."""

    form: str | None = None
    """Of a number, as ``%.1e``."""

    words: Mapping[str, str] = field(default_factory=dict)
    """Option -> what people read."""


PLAIN = Face()
NARROWEST = 130
"""Pixels of a field below which fewer stand beside one another."""


def draw_fields(
    owner: Any,
    key: str,
    *,
    faces: Mapping[str, Face] | None = None,
    n_columns: int = 3,
    is_shown: Callable[[str, Mapping[str, Any]], bool] = lambda name, values: True,
) -> dict[str, Any]:
    """Draw every setting of a dataclass instance, its present values in the fields; returns all of them.

    A number may be out of range, or None where its field is empty, and the owner's own checks say what is wrong: a
    field with limits shows such a value, keeps it to itself, and hands on the one before.

    Args:
        owner: the instance.
        key: of a field is its name, ``_`` and this; what is typed stays for the session.
        faces: setting -> how it is shown.
        n_columns: beside one another, at most.
        is_shown: whether a setting is drawn, given those drawn before it; one that is not keeps its value.
    """
    docs, values = read_docs(type(owner)), asdict(owner)
    boxes: list[Any] = []
    place = 0
    for each in fields(owner):
        if not is_shown(each.name, values):
            continue
        if place % n_columns == 0:
            boxes = st.columns(n_columns)  # row by row: on a narrow screen they stack in their order
        with boxes[place % n_columns]:
            face = (faces or {}).get(each.name, PLAIN)
            values[each.name] = _draw_field(
                each.name, values[each.name], f"{each.name}_{key}", face, docs.get(each.name)
            )
        place += 1
    return values


def make_label(name: str, face: Face = PLAIN) -> str:
    """Return what a field is called: what its face says, else the setting's own name."""
    return face.label or name.replace("_", " ").removeprefix("is ").capitalize()


def _draw_field(name: str, value: Any, key: str, face: Face, help_: str | None) -> Any:
    label = make_label(name, face)
    about: dict[str, Any] = {"key": key, "help": help_, "persist_state": "session"}
    st.session_state.setdefault(key, value)
    if face.options:
        return st.selectbox(label, face.options, format_func=lambda option: face.words.get(option, option), **about)
    if isinstance(value, bool):
        return st.toggle(label, **about)
    if isinstance(value, int):
        return st.number_input(label, value=None, step=1, **about)
    if isinstance(value, float):
        step = value / 10 or 0.01  # the usual 0.01 would make a learning rate 25 times as high by one click
        return st.number_input(label, value=None, step=step, format=face.form or "%g", **about)
    return st.text_input(label, **about).strip()
