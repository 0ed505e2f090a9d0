"""The frame around every page: navigation, the loop strip, and one sentence where the home cannot be had.

Pages are plain scripts; a SeedbedError that one of them lets through is shown as its sentence.
"""

import streamlit as st

from core.errors import SeedbedError
from pages.components.access import show_errors, use_hub
from pages.components.looks import draw_looks
from pages.components.notices import draw_notices
from pages.components.presenting import PARAM, is_presenting
from pages.components.strip import draw_strip
from pages.components.text import plain
from pages.components.tour import draw_tour

st.set_page_config(page_title="Seedbed", page_icon="🌱", layout="wide", initial_sidebar_state=220)


def open_overview() -> None:
    """Lead from the address /overview to the first page, whose own address is that of the server."""
    st.switch_page("overview_page.py")


PAGES = {
    "": [
        st.Page("overview_page.py", title="Overview", icon=":material/home:", default=True),
        st.Page(open_overview, title="Overview", url_path="overview", visibility="hidden"),
    ],
    "The loop": [
        st.Page("seeds_page.py", title="Seeds", icon=":material/grass:", url_path="seeds"),
        st.Page("select_page.py", title="Select", icon=":material/checklist:", url_path="select"),
        st.Page("generate_page.py", title="Generate", icon=":material/auto_awesome:", url_path="generate"),
        st.Page("review_page.py", title="Review", icon=":material/rate_review:", url_path="review"),
        st.Page("finetune_page.py", title="Finetune", icon=":material/model_training:", url_path="finetune"),
        st.Page("evaluate_page.py", title="Evaluate", icon=":material/grading:", url_path="evaluate"),
    ],
    "Over several rounds": [
        st.Page("experiments_page.py", title="Experiments", icon=":material/science:", url_path="experiments"),
        st.Page("diversity_page.py", title="Diversity", icon=":material/scatter_plot:", url_path="diversity"),
        st.Page("steerability_page.py", title="Steerability", icon=":material/tune:", url_path="steerability"),
    ],
    "Behind it": [st.Page("runs_page.py", title="Runs", icon=":material/list_alt:", url_path="runs")],
}

is_presented = is_presenting()
page = st.navigation(PAGES, position="hidden" if is_presented else "sidebar")
if is_presented and page.url_path != "steerability":  # another page has no way to leave that view
    st.query_params.pop(PARAM)
    st.rerun()
draw_looks()
try:
    hub = use_hub()
except SeedbedError as error:
    st.title("Seedbed", anchor=False)
    st.error(plain(error), icon=":material/lock:")
    st.button("Try again", type="primary")
    st.stop()

with show_errors():
    if not is_presented:
        draw_strip(hub, page.title.lower())
        draw_tour(hub, page.title)
        draw_notices(hub)
    page.run()
