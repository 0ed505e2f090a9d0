"""What every page has: its head with the place of the one primary button, an empty state, how a number is made."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import numbers

T = TypeVar("T")

TEACHER_NOTE = (
    "The built-in teacher is a rule-based stand-in: it shows how the loop works, and is no evidence about language "
    "models."
)


def open_page(title: str, purpose: str) -> DeltaGenerator:
    """Draw the head of a page; returns the place at its top right where the primary button goes."""
    with st.container(key="page_head"):
        left, right = st.columns([3.2, 1], vertical_alignment="bottom")
    left.title(title, anchor=False)
    left.caption(purpose)
    return right.container(key="primary_place", horizontal_alignment="right")


def draw_empty(sentence: str, page: str | None = None, label: str | None = None) -> None:
    """Say what would fill this place, and offer the page that does it."""
    with st.container(border=True):
        st.markdown(sentence)
        if page:
            st.page_link(page, label=label, icon=":material/arrow_forward:")


def name_set(seed_set: Mapping[str, Any]) -> str:
    """Return what a choice of seed sets calls one: names may be alike, times are not."""
    return f"{seed_set['name']}, {numbers.moment(seed_set['created_at'])}"


def explain(body: str) -> None:
    """Draw the expander at the foot of a page that says how its numbers are made."""
    with st.expander("How this number is made", icon=":material/functions:"):
        st.markdown(body)


def note_teacher() -> None:
    """Say wherever its output is shown that the built-in teacher is no language model."""
    st.caption(f":material/info: {TEACHER_NOTE}")


def choose(
    label: str, options: Sequence[T], *, param: str, key: str, shown: Callable[[T], str] = str, **more: object
) -> T:
    """Draw a select box that follows, and is followed by, a query parameter: a page's address says what it shows.

    Args:
        label: of the box.
        options: at least one; text or values whose ``str`` is unique.
        param: query parameter.
        key: of the widget.
        shown: option -> what people read.
        more: further arguments of ``st.selectbox``.
    """
    by_text = {str(option): option for option in options}
    wanted, memory = st.query_params.get(param), f"{key}_in_address"
    if wanted in by_text and st.session_state.get(memory) != wanted:
        st.session_state[key] = by_text[wanted]
    if key in st.session_state and st.session_state[key] not in options:
        st.session_state[key] = options[0]  # set, not deleted: the browser would go on showing the old one
    chosen = st.selectbox(label, options, format_func=shown, key=key, **more)
    st.session_state[memory] = st.query_params[param] = str(chosen)
    return chosen
