"""What a person chooses on the page Select: whose scores, a selector, a pick; and whom the try-it box may ask."""

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.selection import PICKS, SELECTORS, Pool, can_pick
from core.selection.own import load_selectors
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.scoring import name_adapter


def choose_scores(scored: pd.DataFrame) -> dict | None:
    """Let a person choose whose answers and scores are looked at; None where no student has been asked yet."""
    if scored.empty:
        return None
    by_key = {f"{row['run_id']}/{row['student']}": row for row in scored.to_dict("records")}

    def shown(key: str) -> str:
        row = by_key[key]
        right = f"{numbers.percent(row['accuracy'])} right of {numbers.count(row['n'])}"
        return f"{row['student_name']}, {row['student']}, {numbers.moment(row['created_at'])}: {right}"

    newest = next(iter(by_key))  # in the key: answers that have just come are taken without being asked for
    return by_key[st.selectbox("Answers and scores of", list(by_key), format_func=shown, key=f"scores_{newest}")]


def choose_selector(hub: Hub, pool: Pool) -> tuple[str, str]:
    """Let a person choose a selector and, where it ranks, a pick; what the pool lacks for one is named beside it."""
    with show_errors():
        load_selectors(hub.settings.selector_files)
    known = set(pool.signals) | set(pool.vectors)
    names = sorted(SELECTORS, key=lambda name: not SELECTORS.get(name).needs <= known)
    usual = "loss_high" if "loss" in known else "random"

    def shown(name: str) -> str:
        missing = sorted(SELECTORS.get(name).needs - known)
        return f"{name} (needs {' and '.join(missing)})" if missing else name

    selector = st.selectbox(
        "Selector", names, names.index(usual), format_func=shown, key=f"selector_{usual}", persist_state="session"
    )
    st.caption(SELECTORS.get(selector).title)
    if not can_pick(SELECTORS.get(selector)):
        return selector, "argmax"
    pick = st.segmented_control(
        "Pick",
        list(PICKS),
        default="argmax",
        required=True,
        key="pick",
        persist_state="session",
        help="argmax takes the best; softmax draws with p ∝ exp(score), which the paper found to be close to chance.",
    )
    return selector, pick


def list_students(hub: Hub, seed_set: str) -> list[dict]:
    """Return the base and every trained adapter of the seed set, for the try-it box."""
    adapters = hub.store.list_adapters(seed_set).to_dict("records")
    sources = list(dict.fromkeys(["tiny", *(row["student"] for row in adapters)]))
    bases = [{"label": f"{source}, base", "student": source, "adapter": None, "server": None} for source in sources]
    tuned = [
        {"label": name_adapter(row), "student": row["student"], "adapter": row["path"], "server": None}
        for row in adapters
    ]
    return [*bases, *tuned]
