"""The left side of Generate as an earlier run had it: a run's frozen configuration, put into the fields of the page.

The fields are those of ``prompting``, ``teaching``, ``serving`` and ``limiting``. The key of a server is in no
configuration, so only the name of its variable comes back.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.errors import SeedbedError
from core.filters.base import FILTERS
from core.generation.base import METHODS
from core.hub import Hub
from core.recipes.generating import ALWAYS
from core.recipes.growing import make_settings
from core.recipes.start import FILTER_NAMES
from core.teacher.stopping import read_stop_rule
from pages.components import numbers
from pages.components.scoring import OTHER, TINY
from pages.components.teaching import BUILT_IN, ROLE_NAMES, SAME, SERVER, STUDENT
from pages.components.text import plain
from pages.components.trained_students import list_offered

SETTINGS = {
    "form": "method_form",
    "n_per_call": "n_per_call",
    "tail": "tail",
    "n_parents": "n_parents",
    "labels_skills": "labels_skills",
    "prompt": "free_prompt",
    "temperature": "method_temperature",
}
"""Field of MethodSettings -> key of its field on the page; ``has_seeds`` stands there the other way round."""

USUAL = "rewrite"
"""The method of a run that names none."""

LIMITS = ("max_concurrency", "requests_per_minute", "tokens_per_minute")

Fields = dict[str, Any]
"""Key of a field -> its value."""


def list_fields(hub: Hub, row: Mapping[str, Any], config: Mapping[str, Any]) -> Fields:
    """Return what the fields of Generate hold where a run is to be asked for as this configuration says.

    Args:
        hub: of the home.
        row: of ``store.list_selections``: the selection that the page shows.
        config: of a generate run. The number wanted is left out where it is that of a preview or of a retry.

    Raises:
        UnknownNameError: there is no such method any more, or no such setting.
    """
    fields = {**_list_method(config), **_list_team(hub, config), **_list_filters(config)}
    sets = set(hub.store.list_seed_sets()["run_id"]) - {row["seed_set_id"]}
    fields["benchmarks"] = [name for name in config.get("benchmarks", ()) if name in sets]
    budget = config.get("budget") or {}
    fields |= {"budget_tokens": budget.get("tokens"), "budget_usd": _to_float(budget.get("usd"))}
    fields["error_stop_percent"] = round(100 * read_stop_rule(config.get("error_stop")).share)
    if config.get("n_accepted") and not config.get("is_preview") and not config.get("retry_of"):
        fields[f"n_accepted_{row['run_id']}"] = config["n_accepted"]
    return fields


def _list_method(config: Mapping[str, Any]) -> Fields:
    method, settings = METHODS.get(config.get("method", USUAL)), make_settings(config.get("method_settings"))
    fields = {key: getattr(settings, name) for name, key in SETTINGS.items() if name in method.uses}
    if "has_seeds" in method.uses:
        fields["without_seeds"] = not settings.has_seeds
    fields |= {f"prompt_{name}": prompt["text"] for name, prompt in (config.get("prompts") or {}).items()}
    return {"method": method.name, **fields}


def _list_team(hub: Hub, config: Mapping[str, Any]) -> Fields:
    """Return whom each role asks; on the page, who writes questions is who is asked in every other role as well."""
    teacher, roles = config.get("teacher", "built-in"), config.get("roles") or {}
    first = roles.get("question", teacher)
    adapters = set(list_offered(hub))
    fields: Fields = {}
    for role in ROLE_NAMES:
        spec = roles.get(role, teacher)
        is_same = role != "question" and spec == first
        fields |= {f"{role}_teacher": SAME} if is_same else _list_spec(role, spec, adapters)
    return fields


def _list_spec(role: str, spec: str | Mapping[str, Any], adapters: set[str]) -> Fields:
    if isinstance(spec, str):
        return {f"{role}_teacher": BUILT_IN}
    fields = {f"{role}_{name}": _to_float(spec.get(name)) for name in ("temperature", "top_p")}
    fields[f"{role}_max_tokens"] = spec.get("max_tokens")
    if "base_url" in spec:
        fields |= {f"{role}_server_{part}": spec[name] for part, name in (("url", "base_url"), ("model", "model"))}
        fields[f"{role}_server_key_env"] = spec.get("key_env") or ""
        return {f"{role}_teacher": SERVER, **fields, **{f"{role}_{name}": spec.get(name) for name in LIMITS}}
    student, adapter = spec["student"], spec.get("adapter")
    fields[f"{role}_teacher"] = STUDENT
    if adapter in adapters or (student == "tiny" and not adapter):
        return {**fields, f"{role}_student": adapter or TINY}
    return {**fields, f"{role}_student": OTHER, f"{role}_source": student, f"{role}_adapter": adapter or ""}


def _list_filters(config: Mapping[str, Any]) -> Fields:
    """Return the filters that a person chose, and their settings; one that always filters is in no field."""
    method = config.get("method")
    unasked = {ALWAYS, *(METHODS.get(method).always if method in METHODS else ())}
    chosen = [name for name in config.get("filters", FILTER_NAMES) if name in FILTERS and name not in unasked]
    fields: Fields = {"filters": chosen}
    for name in chosen:
        given = (config.get("filter_settings") or {}).get(name, {})
        for field in getattr(FILTERS.get(name), "__dataclass_fields__", {}):
            usual = getattr(FILTERS.get(name), field)
            value = given.get(field, usual)
            if isinstance(usual, bool | int | float | str):
                fields[f"filter_{name}_{field}"] = type(usual)(value)
            elif isinstance(usual, tuple):
                fields[f"filter_{name}_{field}"] = ", ".join(value)
    return fields


def _to_float(value: float | None) -> float | None:
    return None if value is None else float(value)


def refill_anew(hub: Hub, row: Mapping[str, Any]) -> None:
    """Fill the fields in as the run that the address names had them, in a session that has not filled in any yet.

    So a reload, which ends the session, keeps the settings of the run that is looked at.
    """
    if "method" in st.session_state:
        return
    run = hub.store.read_run(st.query_params.get("run", ""))
    if run is None or run["kind"] != "generate" or run["selection_run_id"] != row["run_id"]:
        return
    try:
        st.session_state.update(list_fields(hub, row, run["config"]))
    except SeedbedError:
        return  # what is said of it stands where the run is offered


def offer_refill(
    hub: Hub,
    row: Mapping[str, Any],
    run: Mapping[str, Any],
    config: Mapping[str, Any] | None,
    *,
    label: str,
    key: str,
    says_same: bool = False,
) -> None:
    """Draw a button that fills the fields in as a run had them; none where they are so already.

    Args:
        hub: of the home.
        row: see ``list_fields``.
        run: of ``store.read_run``, of the kind generate.
        config: what the fields say now; None where no run can be made of them yet.
        label: of the button.
        key: of the button.
        says_same: whether it is said in its place that the fields are so.
    """
    when = numbers.moment(run["created_at"])
    try:
        fields = list_fields(hub, row, run["config"])
        now = {} if config is None else list_fields(hub, row, config)
    except SeedbedError as error:
        st.caption(f"The settings of the run of {when} cannot be taken again: {plain(error)}")
        return
    if all(key_ in now and now[key_] == value for key_, value in fields.items()):
        if says_same:
            st.caption(f":material/check: As in the run of {when}.")
        return
    help_ = "Method, prompts, who is asked, filters, limits and budget, as that run had them."
    st.button(label, key=key, icon=":material/history:", help=help_, on_click=st.session_state.update, args=(fields,))
