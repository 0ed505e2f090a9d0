"""Where a candidate comes from: the very messages that were sent for it, what they took and cost, who chose its seed.

Nothing is kept of a message but the hash in its run's ledger. So the messages are written again, as the run wrote
them (same seeds, examples, prompts and draws), the replies taken from the cache; and a message whose hash stands in
the ledger is, letter for letter, what was sent. One whose hash does not is shown too, and said to be unproven.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.cache import Cache
from core.datasets import load_problems
from core.errors import SeedbedError, TeacherError
from core.generation.base import METHODS, Brief, Call, PromptingMethod
from core.generation.grow import first_sample_index, list_calls
from core.hub import Hub
from core.recipes.answering import METHOD as ANSWER
from core.recipes.answering import SeedAnswers
from core.recipes.bringing import KIND as BROUGHT
from core.recipes.growing import EXAMPLES, make_brief, make_draw, make_examples
from core.recipes.teachers import read_frozen_prices
from core.recipes.trained import list_trained
from core.records import Problem
from core.runs.folder import RunFolder
from core.tasks import TASKS
from core.teacher.base import TeacherReply, TeacherRequest
from core.teacher.builtin import BuiltInTeacher
from core.teacher.ledger import make_call_key
from core.teacher.prices import Price
from core.teacher.roles import TASTES, read_roles
from core.teacher.team import make_team

FURTHER = 2_000
"""Calls beyond the place of a candidate that are looked through: those of calls that were not answered are not counted
in the places."""

Find = Callable[[TeacherRequest], TeacherReply | None]


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of a candidate, as it was sent."""

    request: TeacherRequest
    reply: str
    call: Mapping[str, Any] | None
    """Its row of the ledger; None: no such text stands there, so that nothing proves that it was sent."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The requests behind one candidate."""

    sent: tuple[Sent, ...] = ()
    n_shared: int = 1
    """Candidates that the first request brought."""

    fault: str | None = None
    """Why they cannot be told, in one sentence."""


@dataclass(slots=True)
class _Replay:
    """A teacher that says again what was said, and notes what it is asked; it sends nothing."""

    name: str
    apply: Callable[[TeacherRequest], TeacherRequest]
    find: Find
    asked: list[tuple[TeacherRequest, str]] = field(default_factory=list)

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Return the reply that came; raises TeacherError where nobody knows it any more."""
        reply = self.find(request)
        self.asked.append((self.apply(request), reply.text if reply else ""))
        if reply is None:
            raise TeacherError("The reply is not known any more.")
        return reply


def trace_candidate(hub: Hub, record: Mapping[str, Any]) -> Trace:
    """Return the requests behind a candidate; nothing is sent.

    Args:
        hub: of the home.
        record: of ``Store.read_records``.
    """
    run = hub.store.read_run(record["run_id"])
    if run is None:
        return Trace(fault="The run that made it is in the trash.")
    if run["kind"] == BROUGHT:
        return Trace(fault="It was brought in from elsewhere: nobody was asked for it here.")
    if run["kind"] not in ("generate", "answers", "loop"):
        return Trace(fault=f"For a run of the kind {run['kind']} the messages are not written again here.")
    try:
        method, brief, calls = _open_calls(hub, run, record["round"])
        call = _find_call(calls, record)
        if call is None:
            return Trace(fault="No call of its run, as it would be made now, is about the same seeds.")
        return _replay(hub, run, record, method, brief, call)
    except SeedbedError as error:
        return Trace(fault=str(error))


def _open_calls(hub: Hub, run: Mapping[str, Any], round_: int) -> tuple[PromptingMethod, Brief, Iterator[Call]]:
    """Return method, brief and calls of a round, made as the run made them."""
    config, folder = run["config"], RunFolder(hub.settings.home / "runs" / run["run_id"])
    problems = load_problems(hub.settings.home, config["seed_set"], ["train"]) if config["seed_set"] else []
    by_id = {problem.problem_id: problem for problem in problems}
    shown: Sequence[Problem] = (
        make_examples(folder.read_input(EXAMPLES)) if config.get("examples_by_hand") else problems
    )
    brief = make_brief(config, TASKS.get(config["task"]), shown, "")
    method = SeedAnswers() if config["method"] == ANSWER else METHODS.get(config["method"])
    turn = {"answers": 0, "loop": round_}.get(run["kind"], config.get("turn"))
    if run["kind"] == "loop":
        ids = hub.store.list_selected(run["run_id"], round_)["problem_id"].tolist()
    else:
        ids = folder.read_input("seeds")["problem_id"].tolist()
    seeds = [by_id[id_] for id_ in ids if id_ in by_id]
    rng = (
        np.random.default_rng(config["replicate"]) if run["kind"] == "answers" else make_draw({**config, "turn": turn})
    )
    if not seeds and method.count_parents(brief.settings):
        raise TeacherError("Its seeds are not there any more.")
    return method, brief, list_calls(seeds, brief, method, rng, first_sample_index(config["replicate"], turn))


def _find_call(calls: Iterator[Call], record: Mapping[str, Any]) -> Call | None:
    """Return the call that a candidate came of; None where none is about its seeds, at its repetition."""
    wanted = (list(record["parents"] or []), record["sample_index"])
    for _, call in zip(range(record["position"] + FURTHER), calls, strict=False):
        if ([parent.problem_id for parent in call.parents], call.request.sample_index) == wanted:
            return call
    return None


def _replay(
    hub: Hub, run: Mapping[str, Any], record: Mapping[str, Any], method: PromptingMethod, brief: Brief, call: Call
) -> Trace:
    """Carry a call out again on what was replied then, and keep what of it this candidate is from."""
    roles = read_roles(run["config"])
    raw = {"question": record["raw_question"], "answer": record["raw_answer"]}

    with _open_replies(hub, run["config"]) as (names, find_kept):

        def find(request: TeacherRequest) -> TeacherReply | None:
            text = raw.get(request.purpose)
            kept = find_kept(request)
            return kept if kept or text is None else TeacherReply(text, "stop", None, None)

        teacher = _Replay(record["teacher"], lambda request: roles[request.purpose].apply(request), find)
        asyncio.run(method.carry_out(call, brief, teacher))
    own = [(request, text) for request, text in teacher.asked if text in raw.values() or request.purpose == "judge"]
    own = own or teacher.asked[:1]
    keys = [make_call_key(request, names[request.purpose]) for request, _ in own]
    rows = hub.store.find_calls(record["run_id"], keys)
    sent = tuple(Sent(request, text, rows.get(key)) for (request, text), key in zip(own, keys, strict=True))
    return Trace(sent, method.count_candidates(brief.settings))


@contextmanager
def _open_replies(hub: Hub, config: Mapping[str, Any]) -> Iterator[tuple[dict[str, str], Find]]:
    """Yield role -> name of who has it, and what finds the reply to a request in the cache of the home."""
    home = hub.settings.home
    with Cache(home / "cache" / "replies") as cache:
        closing: list[Callable[[], Any]] = []
        team = make_team(read_roles(config), cache, home=home, builtin=BuiltInTeacher, on_close=closing.append)

        def find(request: TeacherRequest) -> TeacherReply | None:
            try:
                return team.find(request)
            except SeedbedError:  # the model of a local teacher is gone, and so is its name in the cache
                return None

        try:
            yield {role: member.name for role, member in team.members.items()}, find
        finally:
            for close in closing:
                close()


def find_run_price(home: Path, run_id: str, config: Mapping[str, Any]) -> Price | None:
    """Return what a run's tokens cost, as far as questions and answers have one price that is above nothing.

    Args:
        home: the workspace.
        run_id: of the run.
        config: its configuration.
    """
    if not (frozen := read_frozen_prices(RunFolder(home / "runs" / run_id))):
        return None
    roles = read_roles(config)
    prices = [frozen.get(str(roles[role].endpoint)) for role in TASTES]
    return prices[0] if prices[0] == prices[1] and prices[0] and prices[0].output else None


def find_chooser(hub: Hub, run: Mapping[str, Any], round_: int) -> dict[str, Any] | None:
    """Return what chose the seeds of a round: selector, student (label), and its adapter; None where nothing did.

    Args:
        hub: of the home.
        run: of ``read_run``, that grew them.
        round_: number of the round.
    """
    chosen = hub.store.read_selection(
        run["selection_run_id"] or run["run_id"], run["config"].get("selection_round", round_)
    )
    if chosen is None:
        return None
    scored = hub.store.read_run(chosen["prediction_run_id"] or chosen["run_id"])
    config = scored["config"] if scored else {}
    adapter = config.get("adapter")
    if scored and scored["kind"] == "loop" and (chosen["student"] or "").startswith("round-"):
        made = {f"round-{each.round}": each.folder for each in list_trained(hub.settings.home, scored["run_id"])}
        adapter = str(made[chosen["student"]].relative_to(hub.settings.home)) if chosen["student"] in made else None
    return {**chosen, "source": config.get("student"), "adapter": adapter}
