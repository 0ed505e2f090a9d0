"""The rounds of one run of an experiment: round, seeds, children, training and accuracy, each a way to see it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from pages.components import numbers
from pages.components.text import plain

OPENED = "experiment_round_opened"
"""What of which round stands open below: (run, round, seeds or children)."""

WIDTHS = [0.7, 1, 1.1, 1.1, 1.6]


def draw_rounds(hub: Hub, runs: pd.DataFrame) -> None:
    """Draw the rounds of one run, to be chosen; nothing where none has ended a round.

    Args:
        hub: of the home.
        runs: of ``list_experiment_runs``.
    """
    arms = {row["run_id"]: row for row in runs[runs["method"].notna()].to_dict("records")}
    if not arms:
        return
    st.subheader("Rounds of a run", anchor=False)
    run_id = st.selectbox(
        "Run",
        list(arms),
        key="experiment_rounds_of",
        format_func=lambda id_: f"{arms[id_]['method']}, replicate {arms[id_]['replicate']}",
        label_visibility="collapsed",
    )
    rounds = hub.store.list_rounds(run_id).sort_values("round")
    tests = hub.store.list_evaluations(run_id)
    tests = tests[tests["split"] == "test"].set_index("round")
    if rounds.empty:
        st.caption("It has not ended a round yet.")
        return
    if 0 in tests.index:
        st.caption(f"Before any training: {_say_accuracy(tests.loc[0])}")
    for row in rounds.to_dict("records"):
        _draw_round(run_id, row, tests)
    opened = st.session_state.get(OPENED)
    if opened and opened[0] == run_id:
        (_draw_seeds if opened[2] == "seeds" else _draw_children)(hub, run_id, opened[1])


def _draw_round(run_id: str, row: Mapping[str, Any], tests: pd.DataFrame) -> None:
    number = int(row["round"])
    query = {"run": run_id, "round": str(number)}
    with st.container(border=True, key=f"round_{run_id}_{number}"):
        cells = st.columns(WIDTHS, vertical_alignment="center")
    cells[0].markdown(f"**Round {number}**")
    counts = {"seeds": row["selected"], "children": row["accepted"]}
    for cell, (name, count) in zip(cells[1:3], counts.items(), strict=True):
        with cell:
            if numbers.is_missing(count) or not count:
                st.caption(f"no {name}")
            else:
                st.button(
                    f"{numbers.count(count)} {name}",
                    key=f"open_{name}_{run_id}_{number}",
                    type="tertiary",
                    icon=":material/visibility:",
                    on_click=_open,
                    args=(run_id, number, name),
                )
    with cells[3]:
        label = numbers.counted(row["training_rows"], "training row")
        st.page_link("finetune_page.py", label=label, query_params={**query, "show": "rows"}, icon=":material/tune:")
    with cells[4]:
        if number in tests.index:
            label = _say_accuracy(tests.loc[number])
            query = {**query, "show": "result"}
            st.page_link("finetune_page.py", label=label, query_params=query, icon=":material/target:")
        else:
            st.caption("not tested")


def _open(run_id: str, number: int, name: str) -> None:
    """Open what was clicked, or close it where it is open."""
    wanted = (run_id, number, name)
    st.session_state[OPENED] = None if st.session_state.get(OPENED) == wanted else wanted


def _say_accuracy(row: Mapping[str, Any]) -> str:
    return f"{numbers.percent(row['accuracy'])} ({numbers.interval(row['low'], row['high'])})"


def _draw_seeds(hub: Hub, run_id: str, number: int) -> None:
    """Draw the seeds that a round chose, by rank, with the student's own answer."""
    rows = hub.store.list_selected(run_id, number)
    rows = rows[~rows["is_spare"].astype(bool)]
    st.markdown(f"**Seeds of round {number}**")
    st.dataframe(
        rows[["rank", "reason", "question", "final", "final_predicted", "loss"]].assign(rank=rows["rank"] + 1),
        hide_index=True,
        key="experiment_seeds",
        column_config={
            "reason": st.column_config.TextColumn("why", width="medium"),
            "question": st.column_config.TextColumn("question", width="large"),
            "final_predicted": "student's answer",
            "final": "reference",
            "loss": st.column_config.NumberColumn("its loss", format="%.3f"),
        },
    )


def _draw_children(hub: Hub, run_id: str, number: int) -> None:
    """Draw what a round brought, with the filters' verdicts and the seed of each."""
    rows = hub.store.list_candidates(run_id, limit=None)
    rows = rows[rows["round"] == number].assign(reason=lambda found: found["reason"].fillna(""))
    st.markdown(f"**Children of round {number}**: {plain(_count(rows['status']))}")
    st.dataframe(
        rows[["status", "current_question", "current_answer", "parent_question", "reason"]],
        hide_index=True,
        key="experiment_children",
        column_config={
            "current_question": st.column_config.TextColumn("question", width="large"),
            "current_answer": st.column_config.TextColumn("answer", width="medium"),
            "parent_question": st.column_config.TextColumn("its seed", width="medium"),
            "reason": st.column_config.TextColumn("why not", width="small"),
        },
    )
    st.page_link("review_page.py", label="Open in Review", query_params={"run": run_id}, icon=":material/rate_review:")


def _count(states: pd.Series) -> str:
    return ", ".join(f"{numbers.count(n)} {state}" for state, n in states.value_counts().items())
