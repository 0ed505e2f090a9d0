"""What every page has: its head with the place of the one primary button, an empty state, how a number is made."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import numbers

T = TypeVar("T")

RUN_TIMES = "The time is that at which a run was made: put into the queue, or begun in a shell."

NEWEST = "newest"
"""The choice that follows what is made. A value of its own, never set by us: a browser that has not heard yet of a
value that we set sends the one before again, which looks as if a person had chosen it."""

TEACHER_NOTE = (
    "The built-in teacher is a rule-based stand-in: it shows how the loop works, and is no evidence about language "
    "models."
)


def open_page(title: str, purpose: str) -> DeltaGenerator:
    """Draw the head of a page; returns the place at its top right where the primary button goes."""
    with st.container(key="page_head"):
        left, right = st.columns([3.2, 1], vertical_alignment="top")
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
    """Return what a choice of seed sets calls one: by its time too, for names may be alike."""
    return f"{seed_set['name']}, {numbers.moment(seed_set['created_at'])}"


def name_run(run: Mapping[str, Any]) -> str:
    """Return what a choice of runs calls one: the time comes first, for a narrow box cuts off the end."""
    return f"{numbers.moment(run['created_at'])} · {run['title']}"


def choose_view(views: Mapping[str, str], key: str, usual: str) -> str:
    """Draw which view of a page is shown; the address says it, and is told it.

    The browser forgets the choice while another page is open, and then brings none: the address decides.

    Args:
        views: name -> what people read.
        key: of the choice.
        usual: the view where the address names none.
    """
    asked, seen = st.query_params.get("show"), f"{key}_shown"
    wanted = asked if asked in views else usual
    if st.session_state.get(seen) != wanted or st.session_state.get(key) not in views:
        st.session_state[key] = wanted
    view = st.segmented_control(
        "View", list(views), format_func=views.get, key=key, required=True, label_visibility="collapsed"
    )
    view = wanted if view is None else view
    st.session_state[seen] = st.query_params["show"] = view
    return view


def explain(body: str) -> None:
    """Draw the expander at the foot of a page that says how its numbers are made, and how it works."""
    with st.expander("How this is made", icon=":material/functions:"):
        st.markdown(body)


def note_teacher() -> None:
    """Say wherever its output is shown that the built-in teacher is no language model."""
    st.caption(f":material/info: {TEACHER_NOTE}")


def choose(
    label: str,
    options: Sequence[T],
    *,
    param: str,
    key: str,
    shown: Callable[[T], str] = str,
    usual: T | None = None,
    **more: object,
) -> T:
    """Draw a select box that follows, and is followed by, a query parameter: a page's address says what it shows.

    Args:
        label: of the box.
        options: at least one; text or values whose ``str`` is unique.
        param: query parameter.
        key: of the widget.
        shown: option -> what people read.
        usual: the option at first, which the address need not name; None: the first one, which it names.
        more: further arguments of ``st.selectbox``.
    """
    follow_address(param, key, {str(option): option for option in options}.get, usual)
    shown = tell_apart(options, shown)
    if key in st.session_state and st.session_state[key] not in options:
        st.session_state[key] = options[0]  # set, not deleted: the browser would go on showing the old one
    memory = f"{key}_words"
    before, words = st.session_state.get(memory, (None, None))
    if key in st.session_state and st.session_state[key] == before and shown(before) != words:
        st.session_state[key] = before  # set anew: the browser would go on showing an old title
    chosen = st.selectbox(label, options, format_func=shown, key=key, **more)
    st.session_state[memory] = (chosen, shown(chosen))
    tell_address(param, key, chosen, usual)
    return chosen


def tell_apart(
    options: Iterable[T], shown: Callable[[T], str], tail: Callable[[T], str] = lambda option: str(option).split("/")[0]
) -> Callable[[T], str]:
    """Return ``shown`` with the end of an option's id where two options would read alike: a box would mix them up.

    Args:
        options: of a box.
        shown: option -> what people read.
        tail: option -> its id; its last four characters are shown, where they suffice.
    """
    ways = (
        shown,
        lambda option: f"{shown(option)} · {tail(option)[-4:]}",
        lambda option: f"{shown(option)} · {option}",
    )
    counts = [Counter(map(way, options)) for way in ways]
    return lambda option: next(
        (way(option) for way, count in zip(ways, counts, strict=True) if count[way(option)] == 1), ways[-1](option)
    )


def choose_newest(
    label: str, options: Sequence[T], *, param: str, key: str, shown: Callable[[T], str] = str, most_buttons: int = 12
) -> T:
    """Draw a choice among some that grow in number: the last one, until a person takes another; the address knows.

    Args:
        label: of the choice.
        options: at least one, in their order; of one there is nothing to choose and nothing is drawn.
        param: query parameter.
        key: of the widget.
        shown: option -> what people read, as Markdown.
        most_buttons: up to so many are buttons; more are a slider.
    """
    if len(options) == 1:
        return options[0]
    offered = [*options, NEWEST]
    follow_address(param, key, {str(option): option for option in offered}.get, NEWEST)
    if st.session_state[key] not in offered:
        st.session_state[key] = NEWEST

    def show(option: T | str) -> str:
        return NEWEST if option == NEWEST else shown(option)

    if len(options) <= most_buttons:
        chosen = st.segmented_control(label, offered, key=key, required=True, format_func=show)
    else:
        chosen = st.select_slider(label, offered, key=key, format_func=show)
    tell_address(param, key, chosen, NEWEST)
    return options[-1] if chosen == NEWEST else chosen


def follow_address(param: str, key: str, read: Callable[[str], T | None], usual: T | None = None) -> None:
    """Set the widget that is drawn next to what the address says, where that is new; else to its usual value.

    The usual value may change, as scores come or another pool is looked at; what a person has chosen stays.

    Args:
        param: query parameter.
        key: of the widget.
        read: text of the parameter -> value, None where it is none.
        usual: value that nobody had to choose; None leaves it to the widget.
    """
    wanted, memory = st.query_params.get(param), f"{key}_usual"
    is_new = key not in st.session_state or st.session_state.get(f"{key}_in_address") != wanted
    value = read(wanted) if wanted is not None and is_new else None
    if value is not None:
        st.session_state[key] = value
    elif usual is not None and (key not in st.session_state or st.session_state[key] == st.session_state.get(memory)):
        st.session_state[key] = usual  # at first, and where nobody has chosen anything else than the usual one before
    st.session_state[memory] = usual


def peek(param: str, key: str) -> object:
    """Return what a widget that follows the address will hold when it is drawn: its value, or the address's text.

    Args:
        param: query parameter.
        key: of the widget.
    """
    wanted = st.query_params.get(param)
    is_new = key not in st.session_state or st.session_state.get(f"{key}_in_address") != wanted
    return wanted if wanted is not None and is_new else st.session_state.get(key)


def tell_address(param: str, key: str, value: object, usual: object = None) -> None:
    """Put the value of a widget into the address, or nothing where it is the usual one."""
    st.session_state[f"{key}_in_address"] = str(value)
    if usual is not None and value == usual:
        st.query_params.pop(param, None)
    else:
        st.query_params[param] = str(value)


def choose_number(label: str, least: int, *, param: str, key: str, usual: int, **more: object) -> int:
    """Draw a box for a whole number that follows, and is followed by, a query parameter.

    Args:
        label: of the box.
        least: the smallest number allowed.
        param: query parameter.
        key: of the widget.
        usual: the number at first, which the address need not name.
        more: further arguments of ``st.number_input``.
    """

    def read(text: str) -> int | None:
        return int(text) if text.isascii() and text.isdigit() and least <= int(text) < 10**9 else None

    follow_address(param, key, read, usual)
    number = int(st.number_input(label, least, key=key, persist_state="session", **more))
    tell_address(param, key, number, usual)
    return number
