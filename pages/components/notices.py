"""Notices: a run that ends is told on whatever page a person is, once, and only from the moment the tab was opened.

They are read from the hub's memory, not from the database: looking costs next to nothing, so it is done all the time.
"""

import time

import streamlit as st

from core.figures.colours import style_of_state
from core.hub import Hub
from core.runs.ends import End
from core.runs.orders import KEEPERS
from pages.components import numbers
from pages.components.running import REFRESH_S
from pages.components.standing import ACTIVE
from pages.components.text import plain

IDLE_S = 10.0
"""How often a tab looks while nothing runs: a shell may start something."""

SHOWN_S = 10
"""How long a notice stays; one of a failure stays until somebody takes it away."""

LONGEST = 70
"""Characters of a title that are shown."""

N_SHOWN = 3
"""Notices told one by one at a time; more are told as a number."""

AGAIN_S = 3.0
"""For how long a notice is told again by each run of the page: a browser that has not drawn it yet when the next run
begins (a run that ends changes the page at once) would never show it. One that it shows already stays as it is."""

_SEEN = "notices_seen"

_STYLE = "<style>.stToastContainer {top: auto !important; bottom: 1.5rem !important;}</style>"
"""At the foot of the page: at its top a notice would lie over the primary button, just when that is wanted."""


def draw_notices(hub: Hub) -> None:
    """Tell what has ended since this tab was opened; looks by itself from now on."""
    st.html(_STYLE)
    if st.session_state.get(_SEEN, (None,))[0] != hub.ends.began_at:  # a new tab, or a hub that was opened anew
        st.session_state[_SEEN] = (hub.ends.began_at, hub.ends.latest, {})
    _, opened_at, told_at = st.session_state[_SEEN]  # the last end before the tab; end -> when it was told first
    is_active = not hub.store.list_runs(states=ACTIVE, limit=1).empty

    def tell() -> None:
        now = time.monotonic()
        ended = [end for end in hub.ends.list_after(opened_at) if not end.is_quiet]
        news = [end for end in ended if end.number not in told_at or now - told_at[end.number] < AGAIN_S]
        if len(news) > N_SHOWN:
            st.toast(f"{numbers.counted(len(news) - N_SHOWN, 'more run')} ended; see the page Runs.")
        for end in news[-N_SHOWN:]:
            st.toast(say_end(end), icon=style_of_state(end.state).icon, duration="infinite" if end.error else SHOWN_S)
        for end in news:  # only now: a rerun may have ended us at a toast
            told_at.setdefault(end.number, now)

    st.fragment(tell, run_every=2 * REFRESH_S if is_active else IDLE_S)()


def say_end(end: End) -> str:
    """Return an end as Markdown: the title leads to the run; its state, how long it took, and why it failed."""
    became = {"done": "Done", "failed": "Failed", "cancelled": "Cancelled", "lost": "Lost"}[end.state]
    after = "" if end.seconds is None else f" after {numbers.duration(end.seconds)}"
    reason = f"  \n{plain(end.error)}" if end.error else ""
    show = "&show=result" if end.state == "done" else ""
    page = f"/finetune?run={end.run_id}{show}" if end.kind in KEEPERS else f"/runs?run={end.run_id}"
    page = f"/steerability?run={end.run_id}" if (end.kind, end.state) == ("steerability", "done") else page
    title = end.title if len(end.title) <= LONGEST else f"{end.title[: LONGEST - 1]}…"
    return f"**{became}{after}:** [{plain(title)}]({page}){reason}"
