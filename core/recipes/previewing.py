"""What a run that grows candidates would send and cost, before anything is spent.

Tokens follow from the messages, from what earlier runs of the same kind took, and from the seeds' own lengths; dollars
from the prices as they are now. Nothing is sent.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.datasets import load_problems
from core.filters.base import make_filters
from core.generation.base import METHODS, Brief
from core.generation.grow import first_sample_index
from core.generation.preview import (
    CallEstimate,
    CallPreview,
    Lengths,
    RoleEstimate,
    RunEstimate,
    Spread,
    add_to_run,
    estimate_asking,
    estimate_call,
    estimate_run,
    measure_lengths,
    preview_calls,
)
from core.hub import Hub
from core.recipes.growing import make_brief, make_draw, make_examples, require_examples
from core.tasks import TASKS
from core.teacher.prices import FREE, Price, find_price, read_prices
from core.teacher.roles import Spec, read_roles

N_COUNTED = 30
"""Calls whose first messages are counted."""

USUAL_ACCEPTANCE = 0.8
"""Share of candidates taken to be accepted where no earlier run of the same kind tells."""

FEWEST_JUDGED = 20
"""Candidates of earlier runs from which their share is preferred."""

HARDLY_ANY = 1e-9
"""Stands for a share of none at all: such a run ends at its limit."""

ALIKE = ("task", "teacher", "roles", "method", "method_settings", "filters")
"""Fields of the configuration in which an earlier run must agree to tell anything of a new one."""


@dataclass(frozen=True, slots=True)
class RunPreview:
    """A run that has not been started."""

    calls: list[CallPreview]
    each: CallEstimate
    whole: RunEstimate
    acceptance: float
    """Share of candidates taken to be accepted."""

    n_judged: int
    """Candidates of earlier runs that the share is from; 0: it is USUAL_ACCEPTANCE."""

    n_failed: int
    """Candidates of earlier runs where every one failed, so that they tell nothing of this one; else 0."""

    n_seeds: int
    """Seeds that it may ask for, spares included; 0 where the method asks without any."""

    usd: Spread | None
    """Dollars of the whole run; None where a price is unknown. What is in the cache already is not taken off."""

    unpriced: tuple[str, ...]
    """Models of unknown price, as ``MODEL at BASE_URL``."""


def preview_run(hub: Hub, config: Mapping[str, Any], seeds: Sequence[str]) -> RunPreview:
    """Return what a run of this configuration would send and take.

    Args:
        hub: of the home.
        config: as ``make_generate_config`` returns it.
        seeds: problem_ids in the order of priority.

    Raises:
        TeacherError: there are fewer seeds than a call needs.
        PromptError: a prompt of the person's own cannot be filled.
        PriceError: the person's own prices cannot be read.
    """
    problems = load_problems(hub.settings.home, config["seed_set"], ["train"]) if config["seed_set"] else []
    by_id = {problem.problem_id: problem for problem in problems}
    chosen = [by_id[id_] for id_ in seeds if id_ in by_id]
    shown = problems
    if config.get("examples_by_hand"):
        shown = make_examples(require_examples(hub.store.list_accepted_by_hand(config["seed_set"])))
    method, brief = METHODS.get(config["method"]), make_brief(config, TASKS.get(config["task"]), shown, "")
    index = first_sample_index(config["replicate"], config["turn"])
    roles = read_roles(config)
    calls = [
        _apply_role(one, roles) for one in preview_calls(chosen, brief, method, make_draw(config), N_COUNTED, index)
    ]
    used, counts = _read_history(hub, config)
    lengths = measure_lengths(chosen or problems)
    limits = {role: spec.sampling["max_tokens"] for role, spec in roles.items() if "max_tokens" in spec.sampling}
    each = estimate_call([one.call for one in calls], method, brief, lengths, used=used, limits=limits)
    n_failed = counts["made"] if counts["failed"] == counts["made"] else 0
    n_judged = counts["made"] if counts["made"] >= FEWEST_JUDGED and not n_failed else 0
    acceptance = counts["accepted"] / n_judged if n_judged else USUAL_ACCEPTANCE
    per_call = method.count_candidates(brief.settings)
    whole = estimate_run(each, config["n_accepted"], per_call, acceptance or HARDLY_ANY, config["max_requests"])
    whole = add_to_run(
        whole, _estimate_filters(config, calls[0], whole.n_candidates, acceptance, brief, lengths, limits)
    )
    usd, unpriced = _price(hub, roles, whole)
    n_seeds = len(chosen) if method.count_parents(brief.settings) else 0
    return RunPreview(calls, each, whole, acceptance, n_judged, n_failed, n_seeds, usd, unpriced)


def _read_history(hub: Hub, config: Mapping[str, Any]) -> tuple[list[int], dict[str, int]]:
    """Return completion tokens of whole earlier calls of the same kind, and what became of their candidates."""
    runs = hub.store.list_runs(["generate"], limit=None)
    wanted = {name: config.get(name) for name in ALIKE}
    alike = [
        run_id
        for run_id, text in zip(runs["run_id"], runs["config"], strict=True)
        if {name: json.loads(text).get(name) for name in ALIKE} == wanted
    ]
    if not alike:
        return [], {"made": 0, "failed": 0, "accepted": 0}
    return hub.store.list_call_outputs(alike), hub.store.count_candidates(alike)


def _apply_role(preview: CallPreview, roles: Mapping[str, Spec]) -> CallPreview:
    """Return a call with the sampling of the role that its first request goes to."""
    request = preview.call.request
    return replace(preview, call=replace(preview.call, request=roles[request.purpose].apply(request)))


def _estimate_filters(
    config: Mapping[str, Any],
    first: CallPreview,
    n_candidates: int,
    acceptance: float,
    brief: Brief,
    lengths: Lengths,
    limits: Mapping[str, int],
) -> list[RoleEstimate]:
    """Return what the filters take that ask a teacher.

    What is accepted in the end was put to each of them, and so was what they themselves rejected: at least the accepted
    candidates, at most all.
    """
    hint = first.call.request.hint
    is_incorrect = hint is not None and hint.wants == "wrong_answer"
    reached = Spread(n_candidates * acceptance, n_candidates * (1 + acceptance) / 2, n_candidates)
    return [
        estimate_asking(
            step.purpose,
            step.prompts,
            reached.of(Spread(step.fewest, (step.fewest + step.most) / 2, step.most)),
            brief,
            lengths,
            limits.get(step.purpose),
        )
        for one in make_filters(config["filters"], config.get("filter_settings"))
        if one.cost == "teacher" and hasattr(one, "list_steps")
        for step in one.list_steps(brief.task, is_incorrect)
    ]


def _price(hub: Hub, roles: Mapping[str, Spec], whole: RunEstimate) -> tuple[Spread | None, tuple[str, ...]]:
    """Return the dollars of a run, each role's tokens at the price of who is asked in it."""
    endpoints = {part.role: roles[part.role].endpoint for part in whole.by_role}
    table = read_prices(hub.settings.home) if any(endpoints.values()) else []
    prices: dict[str, Price | None] = {
        role: FREE if endpoint is None else find_price(endpoint.model, endpoint.base_url, table)
        for role, endpoint in endpoints.items()
    }
    unpriced = tuple(dict.fromkeys(str(endpoints[role]) for role, price in prices.items() if price is None))
    if unpriced:
        return None, unpriced
    costs = [
        sum(
            prices[part.role].worst(int(getattr(part.n_input, level)), int(getattr(part.n_output, level)))
            for part in whole.by_role
        )
        for level in ("low", "middle", "high")
    ]
    return Spread(*costs), ()
