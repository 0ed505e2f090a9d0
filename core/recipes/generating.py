"""What the page Generate and the shell call to grow candidates: the run's configuration, checked before it runs.

It knows the hub and the store's reading verbs; it knows nothing of pages.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import PromptError, RunError, TeacherError
from core.filters.base import make_filters
from core.generation.base import METHODS, MethodSettings
from core.generation.free import check_free_prompt
from core.generation.grow import REQUESTS_PER_ACCEPTED
from core.hub import Hub
from core.recipes.growing import EXAMPLES, make_settings, require_examples
from core.recipes.start import FILTER_NAMES, read_seed_set
from core.recipes.teachers import check_team, require_reachable
from core.runs.folder import RunFolder
from core.runs.orders import ROUNDS
from core.tasks import TASKS
from core.tasks.prompts import Prompts

N_PREVIEW = 4
"""Candidates of a preview."""

ALWAYS = "held_out"
"""The filter that no run is without: test problems must not come back as training rows."""

Spec = str | Mapping[str, Any]
"""Who is asked: ``built-in``, or the fields of a server or of a local student (``core.recipes.teachers``)."""


def make_generate_config(
    home: Path,
    about: Mapping[str, Any],
    *,
    n_accepted: int,
    teacher: Spec = "built-in",
    roles: Mapping[str, Spec] | None = None,
    method: str = "rewrite",
    settings: Mapping[str, Any] | None = None,
    prompts: Mapping[str, str] | None = None,
    filters: Sequence[str] = FILTER_NAMES,
    filter_settings: Mapping[str, Mapping[str, Any]] | None = None,
    benchmarks: Sequence[str] = (),
    budget: Mapping[str, float | None] | None = None,
    error_stop: Mapping[str, float] | None = None,
    max_requests: int | None = None,
    replicate: int = 0,
    turn: int = 1,
    is_preview: bool = False,
) -> dict[str, Any]:
    """Return the frozen configuration of a run that grows candidates, the texts of its prompts in it.

    Args:
        home: the workspace, for a person's own prices.
        about: ``seed_set`` (id, None without seeds), ``seed_set_name`` and ``task``, and whatever else the run keeps.
        n_accepted: accepted candidates wanted.
        teacher: who is asked in every role that ``roles`` does not name.
        roles: role -> who is asked in it.
        method: name of the prompting method.
        settings: fields of MethodSettings that are not as they usually are.
        prompts: name -> edited text of a prompt.
        filters: names; ``held_out`` filters in any case.
        filter_settings: name -> field -> value.
        benchmarks: ids of seed sets that the filters of contamination compare with, beside the held-out problems.
        budget: ``tokens`` and ``usd``, None for no limit.
        error_stop: fields of ``core.teacher.stopping.StopRule`` that are not as they usually are.
        max_requests: limit on candidates; None: four times as many as wanted.
        replicate: random seed.
        turn: decides the sample indices, see ``find_turn``.
        is_preview: exactly ``n_accepted`` candidates are asked for, and none is replaced.

    Raises:
        UnknownNameError: no such method, setting, filter, role or teacher.
        PromptError: an edited prompt, or a prompt of one's own, lacks a placeholder or has an unknown one.
        TeacherError: a number that cannot be, or a budget in dollars where a price is unknown.
        ModelLoadError: no such local student.
    """
    config = {
        **about,
        "teacher": teacher,
        "roles": dict(roles or {}),
        **freeze_method(about["task"], method, settings, prompts),
        **freeze_filters(method, filters, filter_settings, benchmarks),
        **freeze_limits(n_accepted, n_accepted if is_preview else max_requests, budget, error_stop),
        "replicate": replicate,
        "turn": turn,
        "is_preview": is_preview,
    }
    check_team(home, config)
    return config


def freeze_method(
    task: str, method: str, settings: Mapping[str, Any] | None, prompts: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return ``method``, ``method_settings`` and ``prompts`` of a configuration."""
    frozen = freeze_prompts(task, method, make_settings(settings), prompts)
    return {"method": method, "method_settings": dict(settings or {}), "prompts": frozen}


def freeze_filters(
    method: str,
    filters: Sequence[str],
    settings: Mapping[str, Mapping[str, Any]] | None,
    benchmarks: Sequence[str],
) -> dict[str, Any]:
    """Return ``filters``, with those that no run of the method is without, ``filter_settings`` and ``benchmarks``."""
    names = list(dict.fromkeys([ALWAYS, *METHODS.get(method).always, *filters]))
    make_filters(names, settings)
    return {"filters": names, "filter_settings": dict(settings or {}), "benchmarks": list(benchmarks)}


def freeze_limits(
    n_accepted: int,
    max_requests: int | None,
    budget: Mapping[str, float | None] | None,
    error_stop: Mapping[str, float] | None,
) -> dict[str, Any]:
    """Return what ends a run, under the names of these arguments; raises TeacherError where nothing is asked for."""
    if n_accepted < 1:
        raise TeacherError("Ask for at least one candidate.")
    return {
        "budget": dict(budget or {}),
        "error_stop": dict(error_stop) if error_stop else None,
        "n_accepted": n_accepted,
        "max_requests": max_requests or REQUESTS_PER_ACCEPTED * n_accepted,
    }


def freeze_prompts(
    task: str, method: str, settings: MethodSettings, edited: Mapping[str, str] | None
) -> dict[str, dict[str, str]]:
    """Return the prompts that a method sends as a run keeps them; raises PromptError where it could not send them."""
    member = METHODS.get(method)
    if "prompt" in member.uses:
        check_free_prompt(settings)
    used = member.list_prompts(TASKS.get(task), settings)
    if unknown := sorted(set(edited or {}) - set(used)):
        raise PromptError(
            f"The method {method} sends no prompt named {unknown[0]!r} here; it sends: {', '.join(used)}."
        )
    return Prompts(edited).freeze(used)


def start_generate(
    hub: Hub,
    selection_run: str,
    *,
    n_accepted: int,
    is_preview: bool = False,
    round_: int = 1,
    examples_by_hand: bool = False,
    **choices: Any,
) -> str:
    """Let the teacher grow candidates from a selection; returns the run id.

    A preview asks for exactly ``n_accepted`` candidates and replaces none; a full run asks for up to four times as many
    as it must accept. Each further run on a seed set asks for other rewrites. ``held_out`` always filters.

    Args:
        hub: of the home.
        selection_run: id of the run that chose the seeds.
        n_accepted: accepted candidates wanted.
        is_preview: see above.
        round_: which round's selection, where the run chose several times.
        examples_by_hand: few-shot examples are candidates that people accepted, in place of train problems.
        choices: see ``make_generate_config``.

    Raises:
        TeacherError: a server cannot be reached.
        SeedbedError: what ``make_generate_config`` raises.
    """
    about = describe_selection(hub, selection_run, round_) | describe_examples(by_hand=examples_by_hand)
    seeds = hub.store.list_selected(selection_run, round_).sort_values("rank")[["problem_id"]]
    what = "Preview" if is_preview else "Generate"
    return _submit(hub, about, seeds, what, n_accepted=n_accepted, is_preview=is_preview, **choices)


def start_retry(hub: Hub, run_id: str) -> str:
    """Ask again for what failed in a run, in the same way and exactly as often, by a run of its own; returns its id.

    Its budget is the one that the run had in the end, where that was raised.

    Raises:
        RunError: no candidate of the run failed, or it was made from no selection.
        SeedbedError: what ``start_generate`` raises.
    """
    folder = RunFolder(hub.settings.home / "runs" / run_id)
    config = folder.config
    if not config.get("selection_run"):
        raise RunError(f"The run {run_id} was made from no selection; start it again where it was started.")
    failed = hub.store.list_candidates(run_id=run_id, status="failed", limit=None).to_dict("records")
    rows = [{**row, "parents": json.loads(row["parents"])} for row in failed]
    seeds, n_candidates = plan_retry(run_id, config, rows)
    names = (
        "teacher",
        "roles",
        "method",
        "filters",
        "filter_settings",
        "benchmarks",
        "error_stop",
        "is_preview",
    )
    about = {**describe_selection(hub, config["selection_run"], config.get("selection_round", 1)), "retry_of": run_id}
    about |= describe_examples(by_hand=config.get("examples_by_hand", False))
    return _submit(
        hub,
        about,
        pd.DataFrame({"problem_id": seeds}, dtype="str"),
        "Retry",
        n_accepted=n_candidates,
        max_requests=n_candidates,
        budget=folder.read_budget(),
        settings=config.get("method_settings"),
        prompts={name: prompt["text"] for name, prompt in (config.get("prompts") or {}).items()},
        **{name: config[name] for name in names if config.get(name)},
    )


def plan_retry(run_id: str, config: Mapping[str, Any], failed: Iterable[Mapping[str, Any]]) -> tuple[list[str], int]:
    """Return the seeds of a run that asks again for what failed in another, and how many candidates it asks for.

    First parents come first, in the order of asking, each once; a seed whose calls failed twice is gone round to again.

    Args:
        run_id: of the run in which they failed.
        config: its configuration.
        failed: its failed candidates, each with ``parents`` (ids of problems) and ``sample_index``.

    Raises:
        RunError: none failed.
    """
    calls = dict.fromkeys((tuple(row["parents"]), row["sample_index"]) for row in failed)
    if not calls:
        raise RunError(f"No candidate of the run {run_id} failed, so there is nothing to ask for again.")
    parents = [each for each, _ in calls]
    firsts, others = [each[:1] for each in parents], [each[1:] for each in parents]
    seeds = list(dict.fromkeys(id_ for each in [*firsts, *others] for id_ in each))
    n_per_call = METHODS.get(config["method"]).count_candidates(make_settings(config.get("method_settings")))
    return seeds, len(calls) * n_per_call


def describe_selection(hub: Hub, selection_run: str, round_: int) -> dict[str, Any]:
    """Return what a run keeps of the selection that it grows from."""
    selection = RunFolder(hub.settings.home / "runs" / selection_run).config
    about = read_seed_set(hub, selection["seed_set"])
    return {
        "seed_set": selection["seed_set"],
        "seed_set_name": about["name"],
        "task": about["task"],
        "selection_run": selection_run,
        "selection_round": round_,
        "selector": selection["selector"],
        "replicate": selection["replicate"],
    }


def describe_examples(*, by_hand: bool) -> dict[str, bool]:
    """Return what a configuration says of the few-shot examples: nothing where they are seeds, as is usual."""
    return {"examples_by_hand": True} if by_hand else {}


def _submit(hub: Hub, about: Mapping[str, Any], seeds: pd.DataFrame, what: str, **choices: Any) -> str:
    """Put a run in the queue; returns its id."""
    turn = find_turn(hub, about["seed_set"])
    config = make_generate_config(hub.settings.home, about, replicate=about["replicate"], turn=turn, **choices)
    require_servers(config)
    earlier = hub.store.list_earlier_questions(about["seed_set"])
    inputs = {"seeds": seeds, "earlier": pd.DataFrame({"question": earlier}, dtype="str")}
    if config.get("examples_by_hand"):
        inputs[EXAMPLES] = require_examples(hub.store.list_accepted_by_hand(about["seed_set"]))
    title = f"{what} {config['n_accepted']} from {about['seed_set_name']} by {about['selector']}, {config['method']}"
    return hub.submit("generate", title, config, lane=choose_lane(config), inputs=inputs)


def require_servers(config: Mapping[str, Any]) -> None:
    """Raise TeacherError where a server that a run would ask cannot be reached, before the run waits for it."""
    for spec in [config["teacher"], *config["roles"].values()]:
        if isinstance(spec, Mapping) and "base_url" in spec:
            require_reachable({name: spec[name] for name in ("base_url", "model", "key_env") if name in spec})


def choose_lane(config: Mapping[str, Any]) -> str:
    """Return the queue of a run: a local student needs the device, a preview is not to wait behind full runs."""
    specs = [config["teacher"], *config["roles"].values()]
    if any(isinstance(spec, Mapping) and "student" in spec for spec in specs):
        return "device"
    return "light" if config["is_preview"] else "teacher"


def find_turn(hub: Hub, seed_set: str) -> int:
    """Return a number above those that the runs of this seed set used to ask the teacher, by page or by rounds.

    It decides the sample indices of the requests: with the same ones the teacher would repeat itself. What is in the
    trash does not count; its questions are gone too.
    """
    runs = hub.store.list_runs(["generate", *ROUNDS], seed_set_id=seed_set, limit=None)
    configs = [json.loads(config) for config in runs["config"]]
    return 1 + max((config.get("turn", config.get("rounds", 0)) for config in configs), default=0)
