"""The loop strip: seeds, select, generate, review, finetune, evaluate, in sight on every page.

Each step is a link to its page and says what it has made; the page shown, the next step and a running step are marked
by words and lines, not by colour alone.
"""

import streamlit as st

from core.hub import Hub
from pages.components.access import show_errors
from pages.components.running import REFRESH_S
from pages.components.standing import ACTIVE, Standing, read_standing
from pages.components.subject import note_strip, recall_seed_set
from pages.components.text import plain

REVIEW_S = 10.0
"""How often it looks on the page Review, whose keys draw nothing but the records."""

_STYLE = """<style>
.st-key-loop_strip {flex-wrap: nowrap !important; gap: 0 !important; align-items: stretch; overflow: hidden;
  margin-bottom: .4rem; border: 1px solid rgba(128,128,128,.3); border-radius: 8px;}
.st-key-loop_strip > div {flex: 1 1 0; min-width: 0; border-left: 1px solid rgba(128,128,128,.3);}
.st-key-loop_strip > div:last-child {min-height: 4.25rem;}  /* three lines, so that a longer count moves no page */
.st-key-loop_strip a {border-radius: 0; padding: .4rem .8rem .5rem; height: auto; background: transparent;
  align-items: flex-start;}
.st-key-loop_strip > div:first-child {border-left: none;}
.st-key-loop_strip a :is(div, span, p) {height: auto; overflow: visible;}
.st-key-loop_strip a p {white-space: normal; line-height: 1.3; font-size: .88rem;}
.st-key-loop_strip > div:has([class*="-here"]) {box-shadow: inset 0 -3px 0 #3F9463; background: rgba(128,128,128,.1);}
@media (max-width: 1000px) {
  .st-key-loop_strip a {padding: .3rem .5rem .4rem;}
  .st-key-loop_strip a p {font-size: .78rem;}
}
@media (max-width: 640px) {  /* two rows of three: six beside one another leave no room for words */
  .st-key-loop_strip {flex-wrap: wrap !important;}
  .st-key-loop_strip > div {flex-basis: 33%;}
  .st-key-loop_strip > div:last-child {min-height: 3.5rem;}
  .st-key-loop_strip > div:nth-child(4) {border-left: none;}
  .st-key-loop_strip > div:nth-child(n+4) {border-top: 1px solid rgba(128,128,128,.3);}
}
</style>"""


def _draw_steps(standing: Standing, here: str) -> None:
    with st.container(key="loop_strip", horizontal=True, gap=None):
        for step in standing.steps:
            mark = ""
            if step.name == standing.running_step:
                mark = " :blue[●\u00a0running]"
            elif step.name == standing.next_step and standing.running_step is None:
                mark = " :green[●\u00a0next]"
            state = "-here" if step.name == here else ""
            with st.container(key=f"step_{step.name}{state}"):
                st.page_link(
                    step.page,
                    label=f"**{step.name.capitalize()}**  \n:gray[{plain(step.count)}]{mark}",
                    icon="",
                    width="stretch",
                    query_params=step.query,
                )


def draw_strip(hub: Hub, here: str) -> None:
    """Draw the strip; it follows running work by itself.

    Args:
        hub: of the home.
        here: name of the page shown (``seeds`` ... ``finetune``), or any other for none of them.
    """
    st.html(_STYLE)
    is_active = not hub.store.list_runs(states=ACTIVE, limit=1).empty

    def draw() -> None:
        with show_errors():
            standing = read_standing(hub.store, recall_seed_set())
            note_strip(standing.seed_set_id)
            _draw_steps(standing, here)

    often = 2 * REFRESH_S if is_active else REVIEW_S if here == "review" else None
    st.fragment(draw, run_every=often)()
