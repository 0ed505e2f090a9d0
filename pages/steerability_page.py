"""Steerability: ask for a kind of seed, and see whether that is the kind of child that comes; for five minutes."""

import streamlit as st

from core.hub import Hub
from core.recipes.steering_checks import list_loops
from core.recipes.trained import is_builtin
from pages.components.access import use_hub
from pages.components.frame import RUN_TIMES, choose, draw_empty, explain, name_run, note_teacher, open_page
from pages.components.presenting import PARAM, is_presenting
from pages.components.standing import read_standing
from pages.components.steer_accuracy import draw_before_after
from pages.components.steer_finding import draw_distributions, draw_order, draw_ranks, draw_sentence
from pages.components.steer_knob import draw_knob
from pages.components.steer_pairs import draw_pairs
from pages.components.steer_present import draw_presenting
from pages.components.steer_reading import Check, read_check
from pages.components.steer_start import draw_first, draw_others, draw_unfinished, start
from pages.components.subject import keep_in_view, view_seed_set

_STYLE = """<style>
.st-key-steer_sentence p {font-size: 1.42rem; line-height: 1.35; font-weight: 600;}
.st-key-steer_accuracy strong {font-size: 1.35em;}
</style>"""


def draw_check(hub: Hub, check: Check) -> None:
    """Draw the knob beside what it does, then what the loop brought, then the pairs."""
    with st.container(key="two_sides_steer"):
        inputs, output = st.columns([1, 2.6], gap="large")
    with inputs:
        turn = draw_knob(check)
    if turn is None:
        output.info("Too few seeds of this check have a child, or they have nothing that could be asked for.")
        return
    with output:
        draw_sentence(check, turn)
        draw_distributions(check, turn)
        draw_ranks(check, turn)
        draw_order(check, turn)
    st.subheader("Before and after", anchor=False)
    draw_before_after(hub, check)
    st.subheader("Seeds and their children", anchor=False)
    draw_pairs(check, turn)


def draw_more(hub: Hub, seed_set_id: str, n_train: int) -> None:
    """Offer another check: of another loop, or of more seeds."""
    loops = list_loops(hub, seed_set_id)
    if not loops.empty:
        with st.expander("Check again: another loop, or more seeds", icon=":material/tune:"):
            start(hub, loops, n_train, st.container(), is_primary=False)


hub = use_hub()
checks = keep_in_view(hub.store.list_steerability(), "run")
done = {row["run_id"]: row for row in checks[checks["state"] == "done"].to_dict("records")}
if is_presenting() and not done:
    st.query_params.pop(PARAM)
    st.rerun()
if is_presenting():
    wanted = st.query_params.get("run")
    draw_presenting(hub, read_check(hub, wanted if wanted in done else next(iter(done))))
    st.stop()
st.html(_STYLE)
place = open_page("Steerability", "Ask for a kind of seed, and see whether that is the kind of child that comes.")
sets = hub.store.list_seed_sets()
if done:
    if len(done) == 1:
        run_id = st.query_params["run"] = next(iter(done))
    else:
        run_id = choose(
            "Check", list(done), param="run", key="steer_run", shown=lambda id_: name_run(done[id_]), help=RUN_TIMES
        )
    seed_set_id = done[run_id]["seed_set_id"]
    view_seed_set(seed_set_id)
    is_active = draw_unfinished(hub, seed_set_id)
    check = read_check(hub, run_id)
    if place.button("Present", type="primary", key="present", icon=":material/present_to_all:"):
        st.query_params[PARAM] = "1"
        st.rerun()
    draw_check(hub, check)
    if is_builtin(check.run["config"]):
        note_teacher()
    if not is_active:
        draw_more(hub, seed_set_id, int(sets.set_index("run_id").loc[seed_set_id, "n_train"]))
else:
    wanted = read_standing(hub.store, st.query_params.get("seeds")).seed_set_id
    found = sets[sets["run_id"] == wanted].to_dict("records")
    if draw_unfinished(hub, wanted):
        draw_empty("What comes of the check will stand here.")
    else:
        draw_first(hub, found[0] if found else None, place)
    draw_others(hub)
explain(
    "Seeds are drawn at random from the train problems, each asked for once, none replaced; so their children differ "
    "by what the seeds are, not by how they were chosen. **Hard** and **easy** seeds are those whose own answer by "
    "the student has the highest or lowest loss; high and low reward likewise; long and short by the words of the "
    "question; type and level as the seed set has them. The type of a child is told by its words (TF-IDF and logistic"
    " regression, learned from other seeds than its own; not told where fewer than 80 % of the seeds are named "
    "rightly). Ties are broken by the problem's id. A share's interval is Newcombe's (1998, method 10), a mean's the "
    "percentiles of 10,000 resamples of children (Efron 1979); both compare chosen with other seeds, and are told "
    "against all, which hold the chosen ones too. Where an interval holds 0 no difference is told. Twenty wishes "
    "looked at are twenty looks: one of them is expected to stand out by chance. Rank "
    "correlations are Spearman's, with the interval of Bonett & Wright (2000). Dotted lines are means. Right answers "
    "so far are counted over the children in the order of their seeds' scores, the hardest first (high loss, low "
    "reward); the band of random orders is hypergeometric. "
    "`core.recipes.steerability`, `core.analysis.wishes`, `core.analysis.child_types`, `core.analysis.steering` "
    "(Kessler 2025, section 5.4.3)."
)
