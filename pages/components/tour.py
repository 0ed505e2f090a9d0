"""A tour of two minutes for who opens Seedbed for the first time: offered on the overview, then a bar on every page.

The bar stays until it is closed; how far it is, and that it was closed, is remembered for the home. A stop whose page
is still empty says what will be there.
"""

from dataclasses import dataclass

import streamlit as st

from core.hub import Hub
from core.tour import read_tour, write_tour
from pages.components import numbers
from pages.components.standing import PAGES, Standing, read_standing
from pages.components.subject import recall_seed_set


@dataclass(frozen=True, slots=True)
class Stop:
    """A page, and what to look at there."""

    name: str
    """As in the navigation; that of a step of the loop goes where the strip goes."""

    look: str
    """What to look at."""

    coming: str
    """What will be there, while nothing is."""


STOPS = (
    Stop(
        "Overview",
        "The strip above is the loop, with what each step has made; the green button takes the next one.",
        "Press **Start the demo**: a whole round on word problems runs by itself, in a few minutes; go on meanwhile.",
    ),
    Stop(
        "Seeds",
        "Seeds are problems with reference answers, from which new ones are grown: mark a row to read one.",
        "Here the problems will stand from which new ones are grown; the demo brings some at once.",
    ),
    Stop(
        "Select",
        "With **loss_high** the coloured line is what is chosen, the dashed one what chance would: is it harder?",
        "Here you will see which seeds the student finds hard, and choose some of them.",
    ),
    Stop(
        "Generate",
        "The teacher wrote a new problem from each seed: mark a row to see both, and what the filters said.",
        "Here the teacher will write new problems from the chosen seeds, and filters turn down the bad ones.",
    ),
    Stop(
        "Review",
        "Compare a candidate with its seed, then press `A` to accept or `X` to reject it; `Z` takes that back.",
        "Here you will read what the teacher wrote, one candidate at a time, and judge it with one key.",
    ),
    Stop(
        "Finetune",
        "**Watch** shows the student's loss falling step by step, and **Result** its answers before and after.",
        "Here the student will be trained on what was accepted, with its curves as they grow.",
    ),
    Stop(
        "Evaluate",
        "Ask the student problems that it was never trained on; **Experiments** compares loops in the same way.",
        "Here you will see whether it paid off, on problems that the student was never trained on.",
    ),
)
"""In the order of the tour."""

BEGUN = "A run is at work, and shown below. The strip above is the loop, with what each step has made; go on meanwhile."
"""What to look at at the first stop while something runs."""

_STYLE = """<style>
.st-key-tour_bar {padding: .25rem .8rem; border-left: 3px solid #3F9463; border-radius: 4px; gap: .2rem .9rem;
  background: rgba(128,128,128,.1);}
.st-key-tour_bar > div:first-child {flex: 1 1 22rem;}
.st-key-tour_bar button {min-height: 0;}
</style>"""


def draw_tour(hub: Hub, here: str) -> None:
    """Draw the bar of the tour, where it is open.

    Args:
        hub: of the home.
        here: name of the page shown, as in the navigation.
    """
    place = read_tour(hub.settings.home).place
    if place is None:
        return
    place = min(place, len(STOPS) - 1)
    standing = read_standing(hub.store, recall_seed_set())
    stop = STOPS[place]
    st.html(_STYLE)
    with st.container(key="tour_bar", horizontal=True, vertical_alignment="center"):
        is_begun = place == 0 and standing.running_step is not None  # who started the demo is not told to start it
        words = BEGUN if is_begun else stop.look if _has_something(stop, standing) else stop.coming
        st.markdown(f"**{place + 1} of {len(STOPS)} · {stop.name}** {words}")
        page, query = _find_page(stop, standing)
        if here != stop.name:
            st.page_link(page, label=f"Go to {stop.name}", icon=":material/arrow_forward:", query_params=query)
        if st.button("Back", type="tertiary", key="tour_back", disabled=place == 0):
            _go_to(hub, place - 1, standing)
        if place < len(STOPS) - 1 and st.button("Next", type="tertiary", key="tour_next"):
            _go_to(hub, place + 1, standing)
        if st.button("Close the tour", type="tertiary", icon=":material/close:", key="tour_close"):
            write_tour(hub.settings.home, None)
            st.rerun()


def offer_tour(hub: Hub, standing: Standing) -> None:
    """Offer the tour on the overview: as a card to who is new, and as a line once it was closed."""
    tour = read_tour(hub.settings.home)
    if tour.place is not None:
        return
    if not tour.is_new or _has_something(STOPS[-2], standing):  # somebody has trained here: not the first time
        if st.button("Take the tour of two minutes", type="tertiary", icon=":material/explore:", key="tour_again"):
            _go_to(hub, 0, standing)
        return
    with st.container(border=True, key="reading_tour"):
        st.markdown(
            "**Two minutes: what is what**  \nSeven stops along the loop, a sentence at each: what the page is "
            "for, and what to look at there."
        )
        with st.container(horizontal=True):
            if st.button("Take the tour", icon=":material/explore:", key="tour_start"):
                _go_to(hub, 0, standing)
            if st.button("Not now", type="tertiary", key="tour_refuse"):
                write_tour(hub.settings.home, None)
                st.rerun()


def _has_something(stop: Stop, standing: Standing) -> bool:
    counts = {step.name: step.count for step in standing.steps}
    return counts.get(stop.name.lower(), counts["seeds"]) != numbers.MISSING


def _find_page(stop: Stop, standing: Standing) -> tuple[str, dict[str, str]]:
    """Return the script of a stop's page and the address that shows what the strip shows."""
    step = next((step for step in standing.steps if step.name == stop.name.lower()), None)
    if step is None:
        return "overview_page.py", {}
    page = PAGES[step.name]
    return page, step.query if step.page == page else {}


def _go_to(hub: Hub, place: int, standing: Standing) -> None:
    write_tour(hub.settings.home, place)
    page, query = _find_page(STOPS[place], standing)
    st.switch_page(page, query_params=query)
