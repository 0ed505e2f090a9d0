"""The presenting view: nothing to turn, nothing to go to, large type; the address alone asks for it (``present=1``)."""

import streamlit as st

from core.hub import Hub
from core.recipes.trained import is_builtin
from pages.components import numbers
from pages.components.frame import TEACHER_NOTE
from pages.components.presenting import PARAM
from pages.components.steer_accuracy import draw_before_after
from pages.components.steer_finding import draw_distributions, draw_sentence
from pages.components.steer_knob import read_turn
from pages.components.steer_pairs import draw_pairs
from pages.components.steer_reading import Check
from pages.components.text import plain

N_PAIRS = 2

_STYLE = """<style>
html {font-size: clamp(15px, 1.04vw, 24px) !important;}
[data-testid="stHeader"], [data-testid="stToolbar"], [data-testid="stSidebar"] {display: none;}
.stMainBlockContainer {padding: 1.6rem 3rem .6rem; max-width: 92rem;}
.stMainBlockContainer > [data-testid="stVerticalBlock"] {gap: .6rem;}
.st-key-steer_sentence p {font-size: clamp(1.35rem, 2.2vw, 2.05rem); line-height: 1.25; font-weight: 600;}
.st-key-steer_accuracy {gap: .1rem;}
.st-key-steer_accuracy strong {font-size: 1.6em;}
.st-key-leave_presenting button {opacity: .6;}
@media (max-width: 768px) {.stMainBlockContainer {padding: 1.2rem 1rem;}}
</style>"""


def draw_presenting(hub: Hub, check: Check) -> None:
    """Draw the story of a check on one screen."""
    st.html(_STYLE)
    turn = read_turn(check)
    if turn is None:
        st.markdown("This check holds too little to tell a story.")
    else:
        draw_sentence(check, turn)
        draw_distributions(check, turn, height=240)
        draw_before_after(hub, check)
        draw_pairs(check, turn, n=N_PAIRS)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        config = check.run["config"]
        st.caption(
            f"{plain(config['seed_set_name'])} · student {plain(config['student'])} · "
            f"{numbers.moment(check.run['created_at'])}"
            + (f"  \n:material/info: {TEACHER_NOTE}" if is_builtin(config) else ""),
            width="content",
        )
        if st.button("Leave", key="leave_presenting", type="tertiary", shortcut="Esc"):
            st.query_params.pop(PARAM, None)
            st.rerun()
