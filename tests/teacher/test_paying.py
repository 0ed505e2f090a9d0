"""What is charged: what was sent, and nothing that only waited to be; what stops a team, and what it sends then."""

import asyncio
from collections import Counter, deque

import pytest

from core.errors import AskingStopped, TeacherError
from core.teacher.base import TeacherReply
from core.teacher.budget import bound_input
from core.teacher.ledger import Ledger
from core.teacher.schema import SCHEMA_PURPOSE
from core.teacher.stopping import StopRule
from tests.teacher.faults import status
from tests.teacher.server import ChatServer
from tests.teacher.test_team import ASK, Table, many, server_spec

WORST = bound_input(many(1)[0]) + 10
SCHEMA = {"type": "object", "properties": {"seedbed": {"type": "string", "enum": ["yes"]}}}


async def begin(table, server, requests, n_sent):
    """Ask, and return the tasks when so many requests have come to the server."""
    tasks = [asyncio.ensure_future(table.team.complete(one)) for one in requests]
    while len(server.bodies) < n_sent:
        await asyncio.sleep(0.005)
    return tasks


async def cancel(tasks):
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_calls_that_were_never_sent_cost_nothing_and_have_no_line():
    async def go():
        with ChatServer(delay_s=30.0) as server:
            table = Table({"teacher": server_spec(server, max_concurrency=2)}, budget=(100 * WORST, None))
            await cancel(await begin(table, server, many(30), 2))
            return table

    table = asyncio.run(go())
    assert len(table.closed()) == 2 and {line["charged_tokens"] for line in table.closed()} == {WORST}
    assert table.team.budget.spent.tokens == 2 * WORST and table.team.budget._n_held == 0
    resumed = Ledger(attempt=2, earlier=table.lines)
    assert resumed.charged.usd == pytest.approx(sum(line["charged_usd"] for line in table.closed()))


def test_a_run_that_is_killed_leaves_only_what_was_sent_charged():
    """The lines as they stand while the calls are on their way are what a killed process leaves behind."""

    async def go():
        with ChatServer(delay_s=30.0) as server:
            table = Table({"teacher": server_spec(server, max_concurrency=3)})
            tasks = await begin(table, server, many(30), 3)
            left = list(table.lines)
            await cancel(tasks)
            return left

    left = asyncio.run(go())
    assert len(left) == 3 and not [line for line in left if "error" in line]
    assert Ledger(earlier=left).charged.tokens == 3 * WORST
    assert Ledger(earlier=left).totals().n_under_way == 3


def test_a_call_that_waits_to_be_sent_again_is_charged_with_what_was_lost_alone(monkeypatch):
    monkeypatch.setattr("core.teacher.client.random.uniform", lambda low, high: high)
    monkeypatch.setattr("core.teacher.client.BACKOFF_S", 30.0)

    async def go(*faults):
        with ChatServer() as server:
            server.script.faults = deque(faults)
            table = Table({"teacher": server_spec(server)})
            tasks = await begin(table, server, many(1), 1)
            await asyncio.sleep(0.1)
            left = list(table.lines)
            (error,) = await cancel(tasks)
            assert isinstance(error, asyncio.CancelledError)
            return Ledger(earlier=left).charged.tokens, table

    pushed, table = asyncio.run(go(status(429, "busy", {"Retry-After": "60"})))
    assert pushed == table.team.budget.spent.tokens == 0 and table.closed()[0]["paid_usd"] == 0.0
    failed, table = asyncio.run(go(status(500)))
    assert failed == table.team.budget.spent.tokens == 0


@pytest.mark.parametrize(("code", "is_charged"), [(502, True), (504, True), (500, False), (503, False)])
def test_what_a_gateway_gave_up_on_may_have_to_be_paid_for(monkeypatch, code, is_charged):
    monkeypatch.setattr("core.teacher.client.MAX_BACKOFF_S", 0.0)
    with ChatServer() as server:
        server.script.faults = deque([status(code, headers={"Retry-After": "0"})] * 2)
        table = Table({"teacher": server_spec(server)}, budget=(10 * WORST, None))
        (reply,) = table.ask(*many(1))
        taken = reply.n_input_tokens + reply.n_output_tokens
    assert table.team.budget.spent.tokens == table.closed()[0]["charged_tokens"] == 2 * WORST * is_charged + taken


def test_a_team_that_was_told_to_stop_sends_nothing_more():
    async def go():
        with ChatServer(delay_s=0.2) as server:
            table = Table({"teacher": server_spec(server, max_concurrency=2)}, cache=cache)
            tasks = await begin(table, server, many(12), 2)
            table.team.stop("The run was told to stop.")
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            outcomes += await asyncio.gather(table.team.complete(ASK), return_exceptions=True)
            again = await table.team.complete(many(1)[0])  # what is kept costs nothing
            return len(server.bodies), outcomes, again, table

    cache = Table({}).cache
    n_sent, outcomes, again, table = asyncio.run(go())
    assert n_sent == 2 and again.is_cached
    assert Counter(type(one) for one in outcomes) == {TeacherReply: 2, AskingStopped: 11}
    assert {str(one) for one in outcomes if isinstance(one, AskingStopped)} == {"The run was told to stop."}
    assert table.team.ledger.totals().n_failed == 0 and table.team.budget._n_held == 0


def test_a_request_that_fails_is_not_tried_again_once_the_team_has_stopped(monkeypatch):
    monkeypatch.setattr("core.teacher.client.random.uniform", lambda low, high: 0.2)

    async def go():
        with ChatServer() as server:
            server.script.poison = {ASK.prompt: status(500)}
            table = Table({"teacher": server_spec(server)})
            tasks = await begin(table, server, [ASK], 1)
            table.team.stop("Enough.")
            (error,) = await asyncio.gather(*tasks, return_exceptions=True)
            return len(server.bodies), error, table

    n_sent, error, table = asyncio.run(go())
    assert n_sent == 1 and isinstance(error, AskingStopped)
    assert table.closed()[0]["error"] == "Enough." and table.closed()[0]["charged_tokens"] == 0


def fail_schemas():
    """Return a server that answers 500 to whatever asks for a schema."""

    class Failing(ChatServer):
        n_schemas = 0

        async def _chat(self, exchange):
            if b"response_format" in exchange.data:
                self.n_schemas += 1
                return await exchange.send_json(500, {"error": {"message": "boom"}})
            await super()._chat(exchange)

    return Failing()


def test_a_server_that_fails_at_schemas_alone_is_asked_without(monkeypatch):
    monkeypatch.setattr("core.teacher.client.MAX_BACKOFF_S", 0.0)
    with fail_schemas() as server:
        table = Table({"teacher": server_spec(server)})
        outcomes = table.ask(*many(8, schema=SCHEMA))
        assert [one.text for one in outcomes] and len(server.bodies) == 8 and server.n_schemas == 6
    assert Counter(line["purpose"] for line in table.closed()) == {SCHEMA_PURPOSE: 1, "question": 8}


def test_a_server_that_always_fails_is_stopped_where_schemas_are_asked_for(monkeypatch):
    monkeypatch.setattr("core.teacher.client.MAX_BACKOFF_S", 0.0)
    with ChatServer() as server:
        requests = many(60, schema=SCHEMA)
        server.script.poison = dict.fromkeys(("Say hello.", *(one.prompt for one in requests)), status(500))
        table = Table({"teacher": server_spec(server)}, rule=StopRule(minimum=4))
        outcomes = table.ask(*requests, at_once=2)
        assert len(server.bodies) <= 8 * 6
    failed = [one for one in outcomes if isinstance(one, TeacherError) and not isinstance(one, AskingStopped)]
    assert 1 <= len(failed) <= 6 and isinstance(outcomes[-1], AskingStopped)
    lines = [line for line in table.closed() if line["purpose"] == SCHEMA_PURPOSE]
    assert len(lines) == 1 and "status 500" in str(outcomes[-1])


def test_the_schema_call_that_failed_counts_in_the_error_stop(monkeypatch):
    monkeypatch.setattr("core.teacher.client.MAX_BACKOFF_S", 0.0)
    with fail_schemas() as server:
        table = Table({"teacher": server_spec(server)}, rule=StopRule(minimum=1, share=0.5))
        (error,) = table.ask(*many(1, schema=SCHEMA))
        assert isinstance(error, AskingStopped) and not server.bodies
