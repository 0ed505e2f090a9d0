"""Seeds: the problems that new ones are grown from; bring them in, see what was kept and what was not, browse them."""

import streamlit as st

from core.hub import Hub
from pages.components import numbers
from pages.components.access import use_hub
from pages.components.frame import choose, draw_empty, explain, name_set, open_page
from pages.components.importing import draw_import_form
from pages.components.problems import draw_problem
from pages.components.rejected import draw_rejected
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE
from pages.components.subject import view_seed_set
from pages.components.text import plain

PAGE_SIZE = 50
SPLIT_NAMES = {"train": "seeds (train)", "validation": "validation", "test": "test", "ood": "test, unseen kinds"}


def draw_import_runs(hub: Hub, wanted: dict | None) -> None:
    """Draw imports under way, live, and the one in the address where it failed.

    Args:
        hub: of the home.
        wanted: the run in the address as the page has read it; where it was under way then it is followed, even if it
            has ended since, or the page would wait for it for ever.
    """
    runs = hub.store.list_runs(["import"], limit=10)
    ids = runs[runs["state"].isin(ACTIVE)]["run_id"].tolist()
    if wanted and wanted["state"] in ACTIVE and wanted["run_id"] not in ids:
        ids.append(wanted["run_id"])
    stopped = runs[runs["state"].isin(["failed", "lost"]) & (runs["run_id"] == st.query_params.get("seeds"))]
    for row in stopped.to_dict("records"):
        draw_run(row)

    def draw() -> bool:
        found = [hub.store.read_run(id_) for id_ in ids]
        for run in found:
            draw_run(run)
        return any(run and run["state"] in ACTIVE for run in found)

    if ids:
        draw_live(draw, is_active=True)


def draw_counts(seed_set: dict) -> None:
    """Draw what came in and how it was divided; rows in = kept + rejected."""
    with st.container(horizontal=True, gap="large"):
        for label, value in [
            ("rows in", seed_set["n_in"]),
            ("kept", seed_set["n_kept"]),
            ("rejected", seed_set["n_rejected"]),
            *[(name, seed_set[f"n_{split}"]) for split, name in SPLIT_NAMES.items()],
        ]:
            st.metric(label, numbers.count(value), width="content")
    st.caption(
        f"Task **{plain(seed_set['task'])}** · from {plain(seed_set['origin'])} · {plain(seed_set['split_rule'])}"
    )


def draw_browser(hub: Hub, seed_set: dict) -> None:
    """Draw the problems: search on the left, the marked one rendered on the right."""
    with st.container(key="two_sides_seeds"):
        left, right = st.columns([1.35, 1], gap="large")
    with left:
        first, second = st.columns([2, 1])
        search = first.text_input("Search in questions and answers", key="seeds_search", icon=":material/search:")
        splits = [split for split in SPLIT_NAMES if seed_set[f"n_{split}"]]
        split = second.selectbox("Split", splits, key="seeds_split", format_func=SPLIT_NAMES.get)
        counts = hub.store.count_problems(seed_set["run_id"], search or None).set_index("split")["n"]
        n = int(counts.get(split, 0))
        n_pages = max(-(-n // PAGE_SIZE), 1)
        number = st.pagination(n_pages, key="seeds_page_number", width="stretch") if n_pages > 1 else 1
        problems = hub.store.list_problems(
            seed_set["run_id"], split, search or None, PAGE_SIZE, ((number or 1) - 1) * PAGE_SIZE
        )
        event = st.dataframe(
            problems,
            hide_index=True,
            height=min(38 + 35 * len(problems), 430),
            key="seeds_table",
            on_select="rerun",
            selection_mode="single-row",
            column_order=["final", "question"],
            column_config={
                "question": st.column_config.TextColumn("question", width="large"),
                "final": st.column_config.TextColumn("final answer", width="small", alignment="right"),
            },
        )
        st.caption(
            f"{numbers.counted(n, 'problem')} found. Mark a row to read it." if n else "No problem holds this text."
        )
    with right:
        marked = event.selection.rows
        if not problems.empty:
            row = problems.iloc[marked[0] if marked and marked[0] < len(problems) else 0]
            draw_problem(row["question"], row["answer"], row["final"], title=f"Problem {int(row['position']) + 1}")


hub = use_hub()
place = open_page("Seeds", "Problems with reference answers, from which a teacher grows new ones.")
# read before the seed sets: an import that is done by then is among them
wanted = hub.store.read_run(st.query_params["seeds"]) if "seeds" in st.query_params else None
sets = {row["run_id"]: row for row in hub.store.list_seed_sets().to_dict("records")}
if "seeds_view_wanted" in st.session_state:
    st.session_state["seeds_view"] = st.session_state.pop("seeds_view_wanted")
elif "seeds_view" not in st.session_state:
    st.session_state["seeds_view"] = "Browse" if sets else "Bring in"
view = st.segmented_control(
    "View", ["Browse", "Bring in"], key="seeds_view", required=True, label_visibility="collapsed"
)
draw_import_runs(hub, wanted)
if view == "Bring in":
    draw_import_form(hub, place)
elif wanted and wanted["kind"] == "import" and wanted["state"] in ACTIVE:
    st.caption("Its problems are shown here as soon as they are read.")  # and the address stays with it until then
elif wanted and wanted["kind"] == "import" and wanted["state"] in ("failed", "lost"):
    draw_rejected(hub, wanted["run_id"])
    draw_empty("Nothing was kept of it. **Bring in** another file, or the same one read in another way.")
elif not sets:
    draw_empty("No seed set is here yet. **Bring in** one: built-in, from a file, or from Hugging Face.")
else:
    seed_set_id = choose(
        "Seed set",
        list(sets),
        param="seeds",
        key="seeds_shown",
        shown=lambda id_: name_set(sets[id_]),
    )
    view_seed_set(seed_set_id)
    seed_set = sets[seed_set_id]
    if place.button("Select from these", type="primary", key="to_select", icon=":material/arrow_forward:"):
        st.switch_page("select_page.py", query_params={"seeds": seed_set_id})
    draw_counts(seed_set)
    draw_rejected(hub, seed_set_id, int(seed_set["n_rejected"]))
    draw_browser(hub, seed_set)
explain(
    "rows in = kept + rejected; a row is rejected where it has no question, no answer although its task needs one, is "
    "broken or not UTF-8, or repeats an earlier question and answer. A problem's id is the hash of task, question and "
    "answer, so the same file gives the same ids again. Only seeds (train) reach the teacher. `core.datasets`."
)
