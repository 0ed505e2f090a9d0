"""Experiments: recipes by settings by replicates, how they stand, and what they found."""

import streamlit as st

from pages.components.access import use_hub
from pages.components.experiment_compare import draw_compare
from pages.components.experiment_define import draw_define
from pages.components.experiment_watch import draw_watch
from pages.components.frame import RUN_TIMES, choose, choose_view, draw_empty, explain, name_run, open_page
from pages.components.text import plain

LEFT = "experiments_left"
"""What of the address of this page was shown when it was left."""

VIEWS = {"define": "Define", "watch": "Watch", "compare": "Compare"}

hub = use_hub()
place = open_page("Experiments", "Compare strategies at the same budget, several times over.")
rows = {row["run_id"]: row for row in hub.store.list_experiments().to_dict("records")}
if not {"show", "experiment"} & set(st.query_params) and LEFT in st.session_state:
    st.query_params.update(st.session_state[LEFT])  # links of the side bar drop the address
asked = st.query_params.get("experiment")
if rows and asked is not None and asked not in rows:
    st.warning(f"There is no experiment {plain(asked)} in this home; this is the newest one.", icon=":material/info:")
    st.query_params.pop("experiment")
usual = "compare" if st.query_params.get("experiment") in rows else "define"
view = choose_view(VIEWS, "experiments_view", usual)
if view == "define":
    if made := draw_define(hub, place):
        st.query_params.from_dict({"show": "watch", "experiment": made})
        st.rerun()
elif not rows:
    draw_empty("There is no experiment yet. **Define** starts one.")
else:
    experiment_id = choose(
        "Experiment",
        list(rows),
        param="experiment",
        key="experiment_shown",
        shown=lambda id_: name_run(rows[id_]),
        help=RUN_TIMES,
    )
    (draw_watch if view == "watch" else draw_compare)(hub, rows[experiment_id])
st.session_state[LEFT] = {name: st.query_params[name] for name in ("show", "experiment") if name in st.query_params}
explain(
    "An arm is a recipe with its settings; every replicate carries out all arms from the same seeds and splits. "
    "A curve is the mean of its replicates with the standard error of that mean. Data needs are compared at "
    "the highest accuracy that both mean curves reach. One arm beats another at one size where its mean less one "
    "standard error is above the other's plus one (Kessler 2025, section 5.4.2). Scores before and after are those of "
    "the student that chose the seeds; ρ is Spearman's. `core.recipes.experiment`, `core.analysis.learning`, "
    "`core.analysis.win_rates`, `core.analysis.steering`."
)
