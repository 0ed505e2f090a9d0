"""The teachers of a run behind one name: each request goes to who has its role, through cache, budget and ledger.

From the outside in, for each role:

    Member         sampling of the role; a schema only where the server keeps to one; a ledger line for what was cached
    CachedTeacher  what was answered once is not asked again: free, and at once
    MeteredTeacher error stop, budget, a ledger line for what is sent
    RemoteTeacher, LocalTeacher or BuiltInTeacher

It knows nothing of prompting methods or run folders.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from core.errors import AskingStopped, TeacherError
from core.teacher.base import Teacher, TeacherReply, TeacherRequest
from core.teacher.budget import Budget, Cost
from core.teacher.cached import CachedTeacher, ReplyCache
from core.teacher.ledger import Ledger
from core.teacher.metered import MeteredTeacher
from core.teacher.prices import FREE, Price
from core.teacher.roles import Spec
from core.teacher.schema import SCHEMA_WORD, make_schema_request
from core.teacher.stopping import ErrorStop, StopRule
from core.teacher.throttle import HOSTED_CONCURRENCY, Throttle, ThrottleState

LOCAL_CONCURRENCY = 8
"""Requests on their way at once to a server on this machine or in a private network, unless a spec says otherwise: what
such a server cannot do at once it lets wait, and 64 that wait for one slow model outlast their time."""

PriceOf = Callable[[str, str], Price | None]
"""Model and base_url -> price; None: unknown."""


class Member:
    """Who has one role.

    Args:
        spec: its sampling is used.
        metered: who answers what is not cached.
        cache: of the replies.
        ledger: gets a line for what was cached.
        budget: counts the tokens of what was cached.
    """

    def __init__(self, spec: Spec, metered: MeteredTeacher, cache: ReplyCache, ledger: Ledger, budget: Budget):
        self.name = metered.name
        self.metered = metered
        self._spec, self._ledger, self._budget = spec, ledger, budget
        self._cached = CachedTeacher(metered, cache)
        self._keeps_schema: bool | None = None
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Answer one request as the role's spec wants it; see ``Team.complete``."""
        request = self._spec.apply(request)
        if request.schema and not await self._is_schema_kept():
            request = replace(request, schema=None)
        started = monotonic()
        reply = await self._cached.complete(request)
        if reply.is_cached:
            await self._note_cached(request, reply, monotonic() - started)
        return reply

    def find(self, request: TeacherRequest) -> TeacherReply | None:
        """Return the kept reply to a request, None where it would have to be asked; nothing is counted."""
        request = self._spec.apply(request)
        if request.schema and self._keeps_schema is False:
            request = replace(request, schema=None)
        return self._cached.find(request)

    async def _note_cached(self, request: TeacherRequest, reply: TeacherReply, seconds: float) -> None:
        """Count the tokens of a reply that was not paid for, and write it down."""
        is_counted = reply.n_input_tokens is not None and reply.n_output_tokens is not None
        tokens = reply.n_input_tokens + reply.n_output_tokens if is_counted else self.metered.bound(request).tokens
        await self._budget.spend(Cost(tokens))
        line = self._ledger.open_call(request, self.name, self.metered.host, Cost(), is_written=False)
        self._ledger.close_call(
            line, price=self.metered.price, reply=reply, paid_usd=0.0, charged=Cost(tokens), seconds=seconds
        )

    async def _is_schema_kept(self) -> bool:
        """Say whether a server keeps to a schema: asked once, for a word that no model says unasked; cached too.

        Where no answer can be had, none is sent in this run: some servers fail at that field alone.
        """
        if self.metered.host is None:
            return True  # nothing is sent: there is no field that could be refused or ignored
        async with self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if self._keeps_schema is None:
                request = make_schema_request()
                try:
                    reply = await self._cached.complete(request)
                    if reply.is_cached:
                        await self._note_cached(request, reply, 0.0)
                    self._keeps_schema = SCHEMA_WORD in reply.text
                except AskingStopped:
                    raise
                except TeacherError:
                    self._keeps_schema = False
            return self._keeps_schema


class Team:
    """A teacher that is several: each request goes to the member that has its role.

    Its name is the question role's model, which records carry, and who answers where that is another one.
    """

    def __init__(
        self,
        members: Mapping[str, Member],
        throttles: Mapping[str, Throttle],
        ledger: Ledger,
        budget: Budget,
        error_stop: ErrorStop,
    ):
        self.members = dict(members)
        self.ledger = ledger
        self.budget = budget
        self._error_stop = error_stop
        self._throttles = dict(throttles)
        question, answer = self.members["question"].name, self.members["answer"].name
        self.name = question if question == answer else f"{question}, answers by {answer}"

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Answer one request.

        Raises:
            AskingStopped: the budget is used up, too many requests fail, or a server denies every one.
            TeacherError: no reply can be had.
        """
        return await self._find_member(request).complete(request)

    def find(self, request: TeacherRequest) -> TeacherReply | None:
        """Return the kept reply to a request; None where it would have to be asked."""
        return self._find_member(request).find(request)

    def stop(self, sentence: str) -> None:
        """Send nothing more: what is on its way may still arrive, all else raises AskingStopped, cached replies aside.

        Args:
            sentence: why, as those who ask are told; an earlier reason to stop stays.
        """
        self._error_stop.stop(sentence)

    def snapshot_throttles(self) -> dict[str, ThrottleState]:
        """Return ``MODEL at BASE_URL`` -> what its throttle is doing now; nothing for what needs no server."""
        return {name: throttle.state for name, throttle in self._throttles.items()}

    def _find_member(self, request: TeacherRequest) -> Member:
        if request.purpose not in self.members:
            raise TeacherError(f"Nobody of the team has the role {request.purpose!r}.")
        return self.members[request.purpose]


def make_team(
    roles: Mapping[str, Spec],
    cache: ReplyCache,
    *,
    home: Path,
    builtin: Callable[[], Teacher],
    price_of: PriceOf = lambda model, base_url: None,
    ledger: Ledger | None = None,
    budget: Budget | None = None,
    rule: StopRule | None = None,
    on_close: Callable[[Callable[[], Any]], Any] = lambda close: None,
) -> Team:
    """Return the team of these roles; nothing is sent or loaded yet.

    Args:
        roles: role -> spec, for each of ROLES.
        cache: of the replies.
        home: the workspace that adapters' paths are relative to.
        builtin: makes the built-in teacher.
        price_of: says what models cost.
        ledger: None: one that only adds up.
        budget: None: no limits.
        rule: when too many requests fail.
        on_close: called with what is to be called when the team is no longer needed.
    """
    ledger, budget = ledger or Ledger(), budget or Budget()
    throttles = _make_throttles(roles)
    stop = ErrorStop(rule, lambda: sum(throttle.state.n_waiting for throttle in throttles.values()))
    made: dict[tuple, MeteredTeacher] = {}

    def meter(spec: Spec) -> MeteredTeacher:
        """Return who answers for a spec; roles that differ in their sampling alone have the same one."""
        key = (spec.endpoint, spec.extra, spec.student, spec.adapter)
        if key not in made:
            shared = {"ledger": ledger, "budget": budget, "stop": stop}
            if spec.endpoint is not None:
                made[key] = _open_server(spec, throttles[str(spec.endpoint)], price_of, shared)
            elif spec.student is not None:
                from core.teacher.local import LocalTeacher

                teacher = LocalTeacher(spec.student, home / spec.adapter if spec.adapter else None)
                on_close(teacher.close)
                made[key] = MeteredTeacher(teacher, price=FREE, **shared)
            else:
                made[key] = MeteredTeacher(builtin(), price=FREE, **shared)
        return made[key]

    members = {role: Member(spec, meter(spec), cache, ledger, budget) for role, spec in roles.items()}
    return Team(members, throttles, ledger, budget, stop)


def _open_server(spec: Spec, throttle: Throttle, price_of: PriceOf, shared: dict[str, Any]) -> MeteredTeacher:
    from core.teacher.client import ChatClient
    from core.teacher.remote import RemoteTeacher

    endpoint = spec.endpoint
    client = ChatClient(endpoint, throttle=throttle, omits_refused=True)
    teacher = RemoteTeacher(endpoint, client=client, extra=json.loads(spec.extra))
    return MeteredTeacher(
        teacher,
        price=price_of(endpoint.model, endpoint.base_url),
        host=urlsplit(endpoint.base_url).netloc,
        key=endpoint.read_key(),
        **shared,
    )


def _make_throttles(roles: Mapping[str, Spec]) -> dict[str, Throttle]:
    """Return a throttle for each model of each server; where roles share one, the lowest of their limits counts."""
    specs: dict[str, list[Spec]] = {}
    for spec in roles.values():
        if spec.endpoint is not None:
            specs.setdefault(str(spec.endpoint), []).append(spec)

    def lowest(shared: list[Spec], name: str) -> Any:
        return min((value for spec in shared if (value := getattr(spec, name)) is not None), default=None)

    return {
        name: Throttle(
            lowest(shared, "max_concurrency")
            or (LOCAL_CONCURRENCY if is_private(shared[0].endpoint.base_url) else HOSTED_CONCURRENCY),
            lowest(shared, "requests_per_minute"),
            lowest(shared, "tokens_per_minute"),
        )
        for name, shared in specs.items()
    }


def is_private(base_url: str) -> bool:
    """Say whether an address is on this machine or in a private network."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".localhost", ".internal", ".lan"))
