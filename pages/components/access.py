"""How pages reach the hub, and how they show what went wrong.

The hub is one per process and lives in ``core.hub``, not in Streamlit's caches, so that it survives every rerun.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core import hub
from core.errors import SeedbedError
from core.hub import Hub
from core.settings import Settings
from pages.components.text import plain


def use_hub() -> Hub:
    """Return this process's hub, opening it where the start of the server could not; raises HomeInUseError."""
    try:
        return hub.get_hub()
    except SeedbedError:
        return hub.open_hub(Settings.from_env())


@contextmanager
def show_errors() -> Iterator[None]:
    """Show an error that a person can act on as its one sentence; anything else is a bug and looks like one."""
    try:
        yield
    except SeedbedError as error:
        st.error(plain(error), icon=":material/error:")
