"""A team with its ledger and a cache of its own, as tests of teams set it up."""

import asyncio
from dataclasses import replace

from core.teacher.base import TeacherReply, TeacherRequest
from core.teacher.budget import Budget
from core.teacher.ledger import Ledger
from core.teacher.prices import Price
from core.teacher.roles import read_roles
from core.teacher.team import make_team

ASK = TeacherRequest("question", "custom", "one two three", None, max_tokens=10)
PRICE = Price("model", input=1.0, output=2.0, date="2026-01-31")
KEY = "sk-very-secret-0123456789"


class DictCache(dict):
    async def put_durable(self, key, value):
        self[key] = value


class Echo:
    name = "echo"

    async def complete(self, request):
        return TeacherReply(f"{request.purpose} {request.temperature:g}", "stop", 3, 2)


class Table:
    """A team with its ledger's lines, as a test sets it up."""

    def __init__(self, config, *, price=PRICE, budget=None, rule=None, cache=None, earlier=(), attempt=1):
        self.lines = list(earlier)
        self.cache = DictCache() if cache is None else cache
        ledger = Ledger(lambda line: self.lines.append({**line, "attempt": attempt}), attempt, earlier)
        self.team = make_team(
            read_roles(config), self.cache, home=None, builtin=Echo, price_of=lambda model, base_url: price,
            ledger=ledger, budget=Budget(*(budget or ()), spent=ledger.charged), rule=rule,
        )  # fmt: skip

    def ask(self, *requests, at_once=64):
        """Return the outcome of each request, errors among them."""

        async def ask_all():
            gate = asyncio.Semaphore(at_once)

            async def one(request):
                async with gate:
                    return await self.team.complete(request)

            return await asyncio.gather(*map(one, requests), return_exceptions=True)

        return asyncio.run(ask_all())

    def closed(self):
        """Return the last line of each call."""
        return list({line["call_id"]: line for line in self.lines}.values())


def server_spec(server, **more):
    return {"base_url": server.url, "model": "model", "key_env": "", **more}


def many(n, **more):
    return [replace(ASK, prompt=f"prompt number {index}", **more) for index in range(n)]
