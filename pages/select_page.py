"""Select: which seeds are worth more data, by which selector, against a random choice of the same size."""

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis.accuracy import correlate_loss_with_error
from core.figures.histograms import draw_shares, draw_signal
from core.recipes.start import choose_seeds, pool_from_frame, record_seeds
from core.selection.base import SELECTORS, Selection
from pages.components import numbers
from pages.components.access import show_errors, use_hub
from pages.components.chart import draw_chart
from pages.components.chosen import draw_chosen
from pages.components.frame import choose, draw_empty, explain, name_set, open_page
from pages.components.predicting import draw_predict_form, follow_predictions
from pages.components.subject import view_seed_set
from pages.components.text import plain

UNITS = {"loss": "nats per token", "correct": ""}


def choose_answers(asked: pd.DataFrame) -> dict | None:
    """Let a person choose whose answers are scored; None where the student has not been asked yet."""
    if asked.empty:
        return None
    by_key = {f"{row['run_id']}/{row['student']}": row for row in asked.to_dict("records")}

    def shown(key: str) -> str:
        row = by_key[key]
        right = f"{numbers.percent(row['accuracy'])} right of {numbers.count(row['n'])}"
        return f"{row['student_name']}, {row['student']}, {numbers.moment(row['created_at'])}: {right}"

    newest = next(iter(by_key))  # in the key: answers that have just come are taken without being asked for
    return by_key[st.selectbox("Answers of", list(by_key), format_func=shown, key=f"select_answers_{newest}")]


def draw_distribution(pool: pd.DataFrame, selection: Selection, at_random: np.ndarray, selector: str) -> None:
    """Draw the selector's raw signal: all, at random, chosen."""
    signals = pool_from_frame(pool).signals
    needs = sorted(SELECTORS.get(selector).needs)
    name = needs[0] if needs else "loss"
    if name not in signals:
        st.info("A random choice reads no signal. Let the student answer the seeds to see how hard they are for it.")
    elif name == "correct":
        groups = {"all": np.arange(len(pool)), "at random": at_random, f"by {selector}": selection.indices}
        shares = {key: float(np.nanmean(signals["correct"][rows])) for key, rows in groups.items()}
        bars = {key: {"right": share, "wrong": 1 - share} for key, share in shares.items()}
        draw_chart(draw_shares(bars, selector=selector, title="The student's answers, % of each group"), key="signal")
    else:
        figure = draw_signal(
            signals[name], selection.indices, at_random, selector=selector, name=name, unit=UNITS[name], view=selector
        )
        draw_chart(figure, key="signal")
        told = correlate_loss_with_error(signals["loss"], signals["correct"])
        if told is not None:
            st.caption(
                f"Rank correlation of the loss with being wrong: {told:.2f} over all answers (0: it tells nothing of "
                "what is hard; 1: the most it can)."
            )
    if selection.n_topped_up:
        st.warning(f"{selection.n_topped_up} of the chosen were drawn at random, because their group ran short.")


hub = use_hub()
place = open_page(
    "Select", "Which seeds are worth more data? Compare a selector's choice with chance before you use it."
)
sets = hub.store.list_seed_sets()
sets = sets[sets["n_train"] > 0]
if sets.empty:
    draw_empty("There is no seed set to choose from yet.", "seeds_page.py", "Bring in seeds")
    st.stop()
names = {row["run_id"]: name_set(row) for row in sets.to_dict("records")}
with st.container(key="two_sides_select"):
    inputs, picture = st.columns([1, 2.4], gap="large")
with inputs:
    seed_set = choose("Seed set", list(names), param="seeds", key="select_seeds", shown=names.get)
    view_seed_set(seed_set)
    asked = hub.store.list_prediction_sets(seed_set)
    asked = asked[asked["state"] == "done"]
    answers = choose_answers(asked)
    pool = hub.store.read_pool(seed_set, *([answers["run_id"], answers["student"]] if answers else []))
    titles = {name: SELECTORS.get(name).title for name in SELECTORS if answers or not SELECTORS.get(name).needs}
    selector = st.radio(
        "Selector",
        list(titles),
        captions=list(titles.values()),
        key="selector",
        index=list(titles).index("loss_high") if "loss_high" in titles else 0,
    )
    if answers is None:
        st.caption("loss_high, loss_low and incorrect can be chosen once a student has answered the seeds, below.")
    usual = min(100, max(len(pool) // 4, 1))
    k = st.number_input("Seeds to choose", 1, None, usual, step=10, key=f"select_k_{seed_set}")
    replicate = st.number_input(
        "Replicate",
        0,
        None,
        0,
        key="select_replicate",
        help="Seed of every draw: the same replicate gives the same choice.",
    )
    draw_predict_form(hub, seed_set, len(pool), asked)
    follow_predictions(hub, seed_set)
with picture, show_errors():
    selection, _spares = choose_seeds(pool, selector, int(k), int(replicate))
    at_random = choose_seeds(pool, "random", int(k), int(replicate))[0].indices
    draw_distribution(pool, selection, at_random, selector)
    draw_chosen(pool, selection)
    if place.button("Use this selection", type="primary", icon=":material/check:", key="use_selection"):
        run_id = record_seeds(
            hub,
            seed_set,
            pool,
            selector=selector,
            k=int(k),
            replicate=int(replicate),
            prediction_run=answers and answers["run_id"],
            student=answers and answers["student"],
        )
        st.switch_page("generate_page.py", query_params={"seeds": seed_set, "selection": run_id})
explain(
    f"The signal of **{plain(selector)}** is read from the student's own greedy answers: loss is the mean negative "
    "log-likelihood per token of what it wrote (end of text included), correctness compares its final answer with the "
    "reference. Outlines are shares of each group, so that a hundred chosen seeds can be held against the whole pool. "
    "Ties are broken by the replicate's draw. `core.selection` and `core.recipes.start.choose_seeds`."
)
