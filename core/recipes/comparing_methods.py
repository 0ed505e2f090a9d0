"""The same seeds through several prompting methods, side by side, as Zhang 2025 compares Verbalized Sampling.

Every method is asked for the same number of candidates of the same seeds, none is replaced, and nothing of it trains or
counts as an earlier question. One run carries all methods out, see ``core.recipes.comparing_run``. This file has what
the page calls; it knows the hub and the store's reading verbs, and nothing of pages.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import RunError
from core.generation.base import METHODS
from core.generation.grow import require_seeds
from core.hub import Hub
from core.recipes.comparing_run import config_of_method
from core.recipes.generating import choose_lane, describe_selection, find_turn, make_generate_config, require_servers
from core.recipes.growing import make_brief, make_settings
from core.recipes.start import FILTER_NAMES
from core.records import INCORRECT
from core.tasks import TASKS

N_SEEDS = 4
N_PER_SEED = 5
"""Seeds, and candidates of each by each method, unless a comparison says otherwise (k = 5: Zhang 2025)."""


def start_comparison(
    hub: Hub,
    selection_run: str,
    methods: Sequence[str],
    *,
    n_seeds: int = N_SEEDS,
    n_per_seed: int = N_PER_SEED,
    round_: int = 1,
    **choices: Any,
) -> str:
    """Put the first seeds of a selection through several methods; returns the run id.

    A method that lists several candidates in one call is asked for all ``n_per_seed`` of a seed at once, the others
    are asked so many times: each brings ``n_seeds * n_per_seed`` candidates.

    Args:
        hub: of the home.
        selection_run: id of the run that chose the seeds.
        methods: names, at least two.
        n_seeds: the first so many seeds; fewer where the selection has fewer.
        n_per_seed: candidates of each seed by each method.
        round_: which round's selection, where the run chose several times.
        choices: ``teacher``, ``roles``, ``settings``, ``prompts``, ``filters``, ``filter_settings``, ``benchmarks``,
            ``budget`` (of all methods together) and ``error_stop``, as ``make_generate_config`` takes them.

    Raises:
        RunError: fewer than two methods.
        TeacherError: a server cannot be reached, or a method needs more seeds than there are.
        SeedbedError: what ``make_generate_config`` raises.
    """
    names = list(dict.fromkeys(methods))
    if len(names) < 2:
        raise RunError("Choose at least two methods to compare.")
    if n_seeds < 1 or n_per_seed < 1:
        raise RunError("A comparison needs at least one seed, and one candidate of each.")
    about = describe_selection(hub, selection_run, round_)
    seeds = hub.store.list_selected(selection_run, round_).sort_values("rank")[["problem_id"]].head(n_seeds)
    config = make_comparison_config(
        hub.settings.home,
        about,
        names,
        n_seeds=len(seeds),
        n_per_seed=n_per_seed,
        replicate=about["replicate"],
        turn=find_comparison_turn(hub, about["seed_set"]),
        **choices,
    )
    for name in names:
        brief = make_brief(config_of_method(config, name), TASKS.get(config["task"]), (), "")
        require_seeds(seeds["problem_id"].tolist(), METHODS.get(name), brief)
    require_servers(config)
    title = f"Compare {', '.join(names)} on {len(seeds)} seeds of {about['seed_set_name']}"
    lane = choose_lane({**config, "is_preview": False})  # it asks as much as a full run does
    return hub.submit("compare", title[:200], config, lane=lane, inputs={"seeds": seeds})


def make_comparison_config(
    home: Path,
    about: Mapping[str, Any],
    methods: Sequence[str],
    *,
    n_seeds: int,
    n_per_seed: int,
    filters: Sequence[str] = FILTER_NAMES,
    settings: Mapping[str, Any] | None = None,
    prompts: Mapping[str, str] | None = None,
    **choices: Any,
) -> dict[str, Any]:
    """Return the frozen configuration of a comparison: that of a generate run, its prompts by method.

    An edited prompt goes to those methods that send it.

    Raises:
        SeedbedError: what ``make_generate_config`` raises for any of the methods.
    """
    filters = [*filters, *(each for name in methods for each in METHODS.get(name).always)]
    task, settings = TASKS.get(about["task"]), {**(settings or {}), "n_per_call": n_per_seed}
    sent = {name: METHODS.get(name).list_prompts(task, make_settings(settings)) for name in methods}
    configs = {
        name: make_generate_config(
            home,
            about,
            n_accepted=n_seeds * n_per_seed,
            method=name,
            filters=filters,
            settings=settings,
            prompts={one: text for one, text in (prompts or {}).items() if one in sent[name]},
            is_preview=True,
            **choices,
        )
        for name in methods
    }
    shared = next(iter(configs.values()))
    return {
        **{name: value for name, value in shared.items() if name not in ("method", "prompts")},
        "methods": list(methods),
        "prompts": {name: config["prompts"] for name, config in configs.items()},
        "n_seeds": n_seeds,
        "n_per_seed": n_per_seed,
    }


def count_requests(
    task: str, methods: Sequence[str], n_seeds: int, n_per_seed: int, settings: Mapping[str, Any] | None = None
) -> int:
    """Return how many requests a comparison sends at most, those of filters that ask a teacher aside.

    It is fewer where questions fail: they are not asked to be answered.
    """
    chosen = make_settings({**(settings or {}), "n_per_call": n_per_seed})
    n_requests = 0
    for name in methods:
        member = METHODS.get(name)
        n_calls = -(-n_seeds * n_per_seed // member.count_candidates(chosen))
        n_requests += n_calls * sum(step.n_times for step in member.list_steps(TASKS.get(task), chosen))
    return n_requests


def find_comparison_turn(hub: Hub, seed_set: str) -> int:
    """Return a number above those that earlier runs of this seed set asked the teacher with; see ``find_turn``."""
    runs = hub.store.list_runs(["compare"], seed_set_id=seed_set, limit=None)
    turns = [json.loads(config)["turn"] for config in runs["config"]]
    return max(find_turn(hub, seed_set), 1 + max(turns, default=0))


def list_comparisons(hub: Hub, selection_run: str | None = None, seed_set: str | None = None) -> pd.DataFrame:
    """Return the comparisons of a selection, or of a seed set, newest first; columns of ``store.list_runs``."""
    runs = hub.store.list_runs(["compare"], seed_set_id=seed_set, limit=None)
    return runs if selection_run is None else runs[runs["selection_run_id"] == selection_run]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison has brought so far."""

    run: Mapping[str, Any]
    """As ``store.read_run`` returns it."""

    candidates: pd.DataFrame
    """In the order of the methods: the columns of ``store.list_candidates``, ``probability`` (NaN: none stated) and
    ``is_incorrect`` (the answer is meant to be wrong)."""

    methods: pd.DataFrame | None
    """As ``compare_methods`` returns it; None before the run is done."""


def read_comparison(hub: Hub, run_id: str) -> Comparison:
    """Return a comparison's run, candidates and measures; raises RunError where there is none of that id."""
    run = hub.store.read_run(run_id)
    if run is None or run["kind"] != "compare":
        raise RunError(f"There is no comparison {run_id!r} in this home.")
    candidates = hub.store.list_candidates(run_id=run_id, limit=None)
    order = {name: place for place, name in enumerate(run["config"]["methods"])}
    candidates = candidates.sort_values("method", key=lambda names: names.map(order), kind="stable", ignore_index=True)
    metas = candidates["meta"].map(lambda text: json.loads(text) if isinstance(text, str) else {})
    candidates["probability"] = pd.to_numeric(metas.map(lambda meta: meta.get("probability")), errors="coerce")
    candidates["is_incorrect"] = metas.map(lambda meta: meta.get("label") == INCORRECT).astype(bool)
    rows = (run["summary"] or {}).get("measures")
    return Comparison(run, candidates, None if rows is None else pd.DataFrame(rows))
