"""What the loop made of its student: accuracy on its test problems before and after, with intervals."""

import streamlit as st

from core.hub import Hub
from pages.components import numbers
from pages.components.steer_reading import Check
from pages.components.text import plain


def draw_before_after(hub: Hub, check: Check) -> None:
    """Draw the student's accuracy on test problems before any training and after the last round."""
    rows = hub.store.list_evaluations(check.loop)
    rows = rows[(rows["split"] == "test") & (rows["n"] > 0)].sort_values("round")
    if len(rows) < 2:
        st.caption("The loop asked its students no test problems before and after.")
        return
    before, after = rows.iloc[0], rows.iloc[-1]
    with st.container(key="steer_accuracy"):
        st.markdown(
            f"**{numbers.percent(before['accuracy'])} → {numbers.percent(after['accuracy'])}** of "
            f"{numbers.count(after['n'])} test problems answered rightly, before training and after "
            f"{numbers.counted(after['round'], 'round')} of it"
        )
        st.caption(
            f"95 % intervals: {numbers.interval(before['low'], before['high'])} before, "
            f"{numbers.interval(after['low'], after['high'])} after; change "
            f"{numbers.points(after['difference'])} ({numbers.points(after['difference_low'])} to "
            f"{numbers.points(after['difference_high'])}), problem by problem. {_name_loop(hub, check)}"
        )


def _name_loop(hub: Hub, check: Check) -> str:
    """Return which loop this was, as a link to its run; only its id where it is no longer there."""
    run = hub.store.read_run(check.loop)
    return f"Loop: {plain(check.loop if run is None else run['title'])}."
