"""What may stop a candidate, and what may stop a run: filters with their settings, and budgets."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.filters.base import FILTERS
from core.hub import Hub
from core.recipes.generating import ALWAYS
from core.recipes.start import FILTER_NAMES
from core.teacher.stopping import StopRule
from pages.components import numbers
from pages.components.frame import name_set
from pages.components.text import plain

COST_WORDS = {"none": "free", "compute": "a model here", "teacher": "asks the teacher"}


def draw_filters(hub: Hub, seed_set: str) -> dict[str, Any]:
    """Draw the choice of the filters; returns ``filters``, ``filter_settings`` (those changed) and ``benchmarks``."""
    names = [name for name in FILTERS if name != ALWAYS]
    filters = st.multiselect(
        "Filters",
        names,
        [name for name in FILTER_NAMES if name != ALWAYS],
        key="filters",
        persist_state="session",
        wrap=True,
    )
    settings: dict[str, dict[str, Any]] = {}
    with st.expander("Limits of the filters"):
        for name in filters:
            if changed := _draw_settings(name):
                settings[name] = changed
    _describe_filters(names)
    return {"filters": filters, "filter_settings": settings, "benchmarks": _draw_benchmarks(hub, seed_set, filters)}


def _describe_filters(names: list[str]) -> None:
    """Draw what each filter does and what it takes, folded: there are too many of them for a hint."""
    with st.popover("What the filters do", icon=":material/filter_alt:", key="filters_told"):
        for name in [ALWAYS, *names]:
            member = FILTERS.get(name)
            always = "always on, " if name == ALWAYS else ""
            st.markdown(f"**{plain(name)}** :gray[({always}{COST_WORDS[member.cost]})]  \n{plain(member.title)}.")


def _draw_benchmarks(hub: Hub, seed_set: str, filters: list[str]) -> list[str]:
    """Draw which other seed sets no candidate may come close to, where a filter looks at that."""
    sets = hub.store.list_seed_sets()
    names = {row["run_id"]: name_set(row) for row in sets.to_dict("records") if row["run_id"] != seed_set}
    if not names or not any(name.startswith("contamination") for name in filters):
        return []
    return st.multiselect(
        "Keep away from",
        list(names),
        key="benchmarks",
        persist_state="session",
        wrap=True,
        format_func=names.get,
        placeholder="the validation and test problems",
        help="Benchmarks that were imported as seed sets; the validation and test problems are kept away from anyway.",
    )


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


USUAL_PERCENT = round(100 * StopRule().share)


def _draw_error_stop() -> dict[str, float] | None:
    """Draw when too many failed requests stop a run; returns ``share`` where it is not as usual, else None."""
    rule = StopRule()
    percent = st.number_input(
        "Stop when more than this fails, %", 0, 100, USUAL_PERCENT, 5, key="error_stop_percent",
        persist_state="session",
        help=f"Of the last {rule.window} requests, once {rule.minimum} have ended; 100 never stops. What came before "
        "is kept, and the run can be resumed.",
    )  # fmt: skip
    return None if percent == USUAL_PERCENT else {"share": percent / 100}


def word_budget(budget: Mapping[str, float | None]) -> str:
    """Return ``12 000 tokens, $0.50`` as markdown; empty where there is no limit."""
    parts = []
    if budget.get("tokens"):
        parts.append(f"{numbers.count(budget['tokens'])} tokens")
    if budget.get("usd"):
        parts.append(plain(numbers.dollars(budget["usd"])))
    return ", ".join(parts)


def draw_budget() -> dict[str, Any]:
    """Draw what ends a run early; returns ``budget`` (``tokens`` and ``usd`` where a limit was set), ``error_stop``."""
    given = {name: st.session_state.get(f"budget_{name}") for name in ("tokens", "usd")}
    told = word_budget(given)
    with st.popover(f"Budget: {told}" if told else "Budget", icon=":material/savings:", key="budget_limits"):
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
        error_stop = _draw_error_stop()
    budget = {name: value for name, value in (("tokens", tokens), ("usd", usd)) if value is not None}
    return {"budget": budget, "error_stop": error_stop}
