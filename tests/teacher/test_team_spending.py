"""What a team writes down and charges, and the budgets it keeps to, against a real HTTP server."""

import asyncio
import time
from collections import deque
from dataclasses import replace

import pytest

from core.errors import AskingStopped, TeacherError
from core.teacher.base import TeacherReply
from core.teacher.budget import Budget, bound_input
from core.teacher.ledger import Ledger
from core.teacher.metered import MeteredTeacher
from core.teacher.stopping import ErrorStop
from tests.teacher.faults import drop, hang_up, say, send_body, status
from tests.teacher.server import ChatServer, Spoken
from tests.teacher.table import ASK, PRICE, Table, many, server_spec


def test_every_call_is_a_line_with_what_it_took_and_what_was_paid():
    usage = {"prompt_tokens": 100, "completion_tokens": 30, "prompt_tokens_details": {"cached_tokens": 40},
             "completion_tokens_details": {"reasoning_tokens": 12}}  # fmt: skip
    price = replace(PRICE, cached_input=0.5)
    with ChatServer() as server:
        server.script.poison = {"odd": say("x", usage=usage), "bad": status(400, "no such thing")}
        table = Table({"teacher": server_spec(server)}, price=price)
        odd = replace(ASK, prompt="odd", sample_index=7)
        outcomes = table.ask(odd, replace(ASK, prompt="bad"), odd)
    assert isinstance(outcomes[1], TeacherError)
    paid, failed, cached = table.closed()
    cost = (60 * 1.0 + 40 * 0.5 + 30 * 2.0) / 1e6
    assert paid == {
        "call_id": paid["call_id"], "attempt": 1, "purpose": "question", "task": "custom", "teacher": "model",
        "host": server.url.split("/")[2], "sample_index": 7, "n_input_tokens": 100, "n_output_tokens": 30,
        "n_cached_tokens": 40, "n_reasoning_tokens": 12, "is_cached": False, "finish_reason": "stop", "error": None,
        "n_attempts": 1, "seconds": paid["seconds"], "nominal_usd": pytest.approx(cost),
        "paid_usd": pytest.approx(cost), "price_date": "2026-01-31", "charged_tokens": 130,
        "charged_usd": pytest.approx(cost), "written_at": paid["written_at"],
    }  # fmt: skip
    assert cached["call_id"] == f"{paid['call_id']}-2" and cached["is_cached"] and cached["n_attempts"] == 0
    assert cached["paid_usd"] == 0.0 and cached["nominal_usd"] == pytest.approx(cost)
    assert "no such thing" in failed["error"] and failed["paid_usd"] == 0.0 and "finish_reason" not in failed
    totals = table.team.ledger.totals()
    assert (totals.n_calls, totals.n_cached, totals.n_failed, totals.n_under_way) == (3, 1, 1, 0)
    assert (totals.n_input_tokens, totals.n_output_tokens, totals.n_paid_input_tokens) == (200, 60, 100)
    assert totals.nominal_usd == pytest.approx(2 * cost) and totals.paid_usd == pytest.approx(cost)
    assert (totals.n_unpriced, totals.n_uncounted) == (0, 0)


def test_a_call_has_a_line_before_it_is_sent_and_what_was_lost_stays_charged():
    with ChatServer() as server:
        table = Table({"teacher": server_spec(server)})
        table.ask(ASK)
    opened, closed = table.lines
    assert opened["call_id"] == closed["call_id"] and "finish_reason" not in opened
    worst = bound_input(ASK) + 10
    assert opened["charged_tokens"] == worst and closed["charged_tokens"] == 7
    resumed = Ledger(attempt=2, earlier=[opened])
    assert resumed.charged.tokens == 0 and resumed.charged.usd == pytest.approx(opened["charged_usd"])
    totals = resumed.totals()
    assert (totals.n_under_way, totals.n_unpriced, totals.paid_usd) == (1, 1, None)


def test_a_resumed_run_pays_nothing_twice_and_loses_nothing_that_was_paid():
    with ChatServer() as server:
        config = {"teacher": server_spec(server)}
        first = Table(config)
        first.ask(*many(5))
        second = Table(config, cache=first.cache, earlier=first.lines, attempt=2)
        second.ask(*many(8))
        assert len(server.bodies) == 8
    totals = second.team.ledger.totals()
    assert (totals.n_calls, totals.n_cached) == (8, 5)
    assert totals.n_input_tokens == totals.n_paid_input_tokens == 24
    cost = 8 * (3 * 1.0 + 4 * 2.0) / 1e6
    assert totals.paid_usd == pytest.approx(cost) and totals.nominal_usd == pytest.approx(cost)
    assert second.team.budget.spent.usd == pytest.approx(cost)
    assert second.team.budget.spent.tokens == 8 * 7  # nominal ones of this attempt
    again = Table(config, cache=second.cache, earlier=second.lines, attempt=2)  # a later round of the same attempt
    again.ask(*many(1))
    assert again.team.budget.spent.tokens == 9 * 7 and again.team.ledger.totals().n_calls == 9


def test_cached_replies_are_free_at_once_and_have_tokens(monkeypatch):
    with ChatServer() as server:
        table = Table({"teacher": server_spec(server)}, budget=(4 * 7, None))
        small = many(4, max_tokens=4)
        monkeypatch.setattr("core.teacher.metered.bound_input", lambda request: 3)
        assert not [e for e in table.ask(*small) if isinstance(e, Exception)]
    refused = table.ask(small[0])  # kept, but the budget counts it as if it were asked
    assert isinstance(refused[0], AskingStopped)
    free = Table({"teacher": server_spec(server)}, cache=table.cache, budget=(None, 1e-9))
    began = time.monotonic()
    assert all(reply.is_cached for reply in free.ask(*(small * 50)))  # the server is gone, and no dollar is paid
    assert time.monotonic() - began < 2.0
    assert free.team.ledger.totals().paid_usd == 0.0
    assert free.team.find(small[0]).text and free.team.find(ASK) is None


def test_a_token_budget_holds_under_concurrency():
    def speak(prompt, body, number):
        n = 1 + len(prompt) % body["max_tokens"]
        return Spoken([(b" x", -0.1)] * n)

    with ChatServer(speak=speak, delay_s=0.005, jitter=0.9) as server:
        table = Table({"teacher": server_spec(server, max_concurrency=64)}, budget=(20_000, None))
        outcomes = table.ask(*(replace(ASK, prompt="p " * n, max_tokens=300) for n in range(1, 301)))
    answered = [reply for reply in outcomes if isinstance(reply, TeacherReply)]
    taken = sum(reply.n_input_tokens + reply.n_output_tokens for reply in answered)
    stopped = {str(error) for error in outcomes if isinstance(error, AskingStopped)}
    assert taken == table.team.budget.spent.tokens <= 20_000
    assert len(answered) + sum(isinstance(error, AskingStopped) for error in outcomes) == 300
    assert len(stopped) == 1 and "budget of 20,000 tokens" in stopped.pop()
    assert taken > 18_000  # it goes on for as long as a worst case fits
    assert len(server.bodies) == len(answered)


def test_a_dollar_budget_holds_over_all_attempts_and_counts_what_nobody_counted():
    with ChatServer(gives_usage=False) as server:
        config = {"teacher": server_spec(server)}
        worst = PRICE.worst(bound_input(many(1)[0]), 10)
        first = Table(config, budget=(None, 4.5 * worst))
        outcomes = first.ask(*many(3))
        assert not [error for error in outcomes if isinstance(error, Exception)]
        second = Table(config, budget=(None, 4.5 * worst), cache=first.cache, earlier=first.lines, attempt=2)
        outcomes = second.ask(*many(9), at_once=1)
        assert len(server.bodies) == 4
    assert [reply.is_cached for reply in outcomes[:4]] == [True, True, True, False]
    assert all(isinstance(error, AskingStopped) for error in outcomes[4:])
    totals = second.team.ledger.totals()
    assert (totals.n_uncounted, totals.n_unpriced, totals.paid_usd) == (4, 4, None)


def test_a_call_that_is_cancelled_is_written_down_and_gives_its_place_back():
    async def go():
        with ChatServer(delay_s=5.0) as server:
            table = Table({"teacher": server_spec(server)}, budget=(10_000, None))
            asking = asyncio.ensure_future(table.team.complete(ASK))
            while not server.bodies:
                await asyncio.sleep(0.01)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            return table

    table = asyncio.run(go())
    (line,) = table.closed()
    assert line["error"] == "The run was stopped while this call was on its way." and line["paid_usd"] is None
    assert table.team.budget._n_held == 0 and table.team.budget.spent.tokens == bound_input(ASK) + 10


@pytest.mark.parametrize(("fault", "n_lost"), [(hang_up, 6), (drop, 6), (send_body(b"{"), 6), (status(500), 0)])
def test_every_attempt_whose_reply_was_lost_is_charged(monkeypatch, fault, n_lost):
    monkeypatch.setattr("core.teacher.client.MAX_BACKOFF_S", 0.0)
    worst = bound_input(ASK) + 10
    with ChatServer() as server:
        server.script.poison = {ASK.prompt: fault}
        table = Table({"teacher": server_spec(server)}, budget=(10 * worst, None))
        (error,) = table.ask(ASK)
        assert len(server.bodies) == 6 and not isinstance(error, AskingStopped)
        assert table.team.budget.spent.tokens == table.closed()[-1]["charged_tokens"] == n_lost * worst
        assert table.team.ledger.totals().n_unpriced == (n_lost > 0)
        server.script.poison, server.script.faults = {}, deque([fault, fault])
        (reply,) = table.ask(ASK)
        taken = reply.n_input_tokens + reply.n_output_tokens
        assert table.team.budget.spent.tokens == (n_lost + min(2, n_lost)) * worst + taken


def test_an_attempt_that_the_budget_has_no_room_for_is_not_made(monkeypatch):
    monkeypatch.setattr("core.teacher.client.MAX_BACKOFF_S", 0.0)
    worst = bound_input(ASK) + 10
    with ChatServer() as server:
        server.script.poison = {ASK.prompt: hang_up}
        table = Table({"teacher": server_spec(server)}, budget=(2 * worst + 5, None))
        (error,) = table.ask(ASK)
        assert len(server.bodies) == 2 and isinstance(error, AskingStopped)
    assert table.team.budget.spent.tokens == 2 * worst and table.team.budget._n_held == 0
    assert table.closed()[0]["charged_tokens"] == 2 * worst and table.closed()[0]["paid_usd"] is None


def test_a_server_that_is_not_there_costs_nothing(monkeypatch):
    monkeypatch.setattr("core.teacher.client.MAX_BACKOFF_S", 0.0)
    with ChatServer() as server:
        pass
    table = Table({"teacher": server_spec(server)}, budget=(10_000, None))
    (error,) = table.ask(ASK)
    assert isinstance(error, TeacherError) and table.team.budget.spent.tokens == 0
    assert table.closed()[0]["paid_usd"] == 0.0


def test_an_error_of_ours_leaves_no_reservation_behind():
    class Broken:
        name = "broken"

        async def complete(self, request, *, watch):
            watch.note_sent()
            raise ZeroDivisionError("secret")

    lines, budget = [], Budget(tokens=10_000)
    metered = MeteredTeacher(Broken(), ledger=Ledger(lines.append), budget=budget, stop=ErrorStop(), host="h")
    with pytest.raises(ZeroDivisionError):
        asyncio.run(metered.complete(ASK))
    assert lines[-1]["error"] == "The call ended by an error of ours: ZeroDivisionError." and budget._n_held == 0


def test_a_prompt_that_is_filtered_is_charged_what_reading_it_can_have_cost_and_no_answer():
    with ChatServer() as server:
        server.script.poison = {
            "refused": status(400, "no", code="content_filter"), "withheld": say("", "content_filter", usage=None)
        }  # fmt: skip
        table = Table({"teacher": server_spec(server)}, budget=(10_000, None))
        replies = table.ask(*(replace(ASK, prompt=prompt) for prompt in ("refused", "withheld")), at_once=1)
    assert [reply.finish_reason for reply in replies] == ["content_filter"] * 2
    n_input = [bound_input(replace(ASK, prompt=prompt)) for prompt in ("refused", "withheld")]
    assert [line["charged_tokens"] for line in table.closed()] == [n_input[0], n_input[1] + 10]
    assert table.team.budget.spent.tokens == sum(n_input) + 10 and table.team.budget._n_held == 0
    assert [line["paid_usd"] for line in table.closed()] == [None, None]  # nobody counted
