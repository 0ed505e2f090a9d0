"""A box for a number that says what is wrong with it.

A box with limits of its own shows a number outside of them, keeps it to itself, and hands on the one before: what is
seen is then not what is used.
"""

from typing import Any

import streamlit as st

from pages.components.text import plain


def ask_number(
    label: str, least: float, most: float | None = None, usual: float | None = None, *, place: Any = st, **more: Any
) -> tuple[float | None, bool]:
    """Draw the box; returns what is in it (None: nothing), and whether that can be used, with a sentence where not.

    Args:
        label: of the box.
        least: the smallest number allowed; its type is that of the box.
        most: the largest; None: any.
        usual: the number at first, without which nothing works; None: it may be empty.
        place: where it is drawn.
        more: further arguments of ``st.number_input``, ``key`` among them.
    """
    if usual is not None:
        st.session_state.setdefault(more["key"], usual)
    number = place.number_input(label, value=None, **{"step": type(least)(1), **more})
    is_right = usual is None if number is None else least <= number and (most is None or number <= most)
    if not is_right:
        allowed = f"of at least {least:g}" if most is None else f"from {least:g} to {most:g}"
        place.warning(f"“{plain(label)}” must be a number {allowed}.", icon=":material/info:")
    return number, is_right
