"""What may stop a candidate, and what may stop a run: filters with their settings, and budgets."""

from typing import Any

import streamlit as st

from core.filters.base import FILTERS
from core.recipes.generating import ALWAYS
from core.recipes.start import FILTER_NAMES

COST_WORDS = {"none": "free", "compute": "a model here", "teacher": "asks the teacher"}


def draw_filters() -> tuple[list[str], dict[str, dict[str, Any]]]:
    """Draw the choice of the filters; returns their names, and filter -> setting -> value where one was changed."""
    names = [name for name in FILTERS if name != ALWAYS]
    filters = st.multiselect(
        "Filters",
        names,
        [name for name in FILTER_NAMES if name != ALWAYS],
        key="filters",
        persist_state="session",
        help="  \n".join(
            f"{name}: {FILTERS.get(name).title} ({COST_WORDS[FILTERS.get(name).cost]})." for name in names
        ),
    )
    settings: dict[str, dict[str, Any]] = {}
    with st.expander("Limits of the filters"):
        for name in filters:
            if changed := _draw_settings(name):
                settings[name] = changed
    st.caption(f"{ALWAYS} always filters too: {FILTERS.get(ALWAYS).title}.")
    return filters, settings


def _draw_settings(name: str) -> dict[str, Any]:
    """Draw the numbers, words and switches that a filter has; returns those that are not as they usually are."""
    member, changed = FILTERS.get(name), {}
    for field in getattr(member, "__dataclass_fields__", {}):
        usual = getattr(member, field)
        key, label = f"filter_{name}_{field}", f"{name}: {field.replace('_', ' ')}"
        if isinstance(usual, bool):
            value = st.toggle(label, usual, key=key, persist_state="session")
        elif isinstance(usual, int):
            value = int(st.number_input(label, 0, None, usual, key=key, persist_state="session"))
        elif isinstance(usual, float):
            value = st.number_input(label, 0.0, None, usual, 0.05, key=key, persist_state="session")
        elif isinstance(usual, str):
            value = st.text_input(label, usual, key=key, persist_state="session")
        elif isinstance(usual, tuple):
            text = st.text_input(label, ", ".join(usual), key=key, persist_state="session", help="Divided by commas.")
            value = tuple(part.strip() for part in text.split(",") if part.strip())
        else:
            continue
        if value != usual:
            changed[field] = list(value) if isinstance(value, tuple) else value
    return changed


def draw_budget() -> dict[str, float]:
    """Draw the budget; returns ``tokens`` and ``usd`` where a limit was set."""
    with st.popover("Budget", icon=":material/savings:"):
        tokens = st.number_input(
            "Tokens, in and out", 1, None, None, 10_000, key="budget_tokens", placeholder="no limit",
            persist_state="session",
        )  # fmt: skip
        usd = st.number_input(
            "Dollars", 0.01, None, None, 0.5, key="budget_usd", placeholder="no limit", persist_state="session"
        )
        st.caption(
            "The worst case of each request is set aside before it is sent, so neither is ever passed. Tokens count as "
            "if nothing were cached; dollars as they are paid."
        )
    return {name: value for name, value in (("tokens", tokens), ("usd", usd)) if value is not None}
