"""Teams against a real HTTP server: who is asked in which role, what is written down, where it stops."""

import asyncio
import itertools
import json
import time
from collections import Counter, deque
from dataclasses import replace

import pytest

from core.errors import AskingStopped, TeacherError, UnknownNameError
from core.teacher.base import ROLES, TeacherReply, TeacherRequest
from core.teacher.budget import Budget, bound_input
from core.teacher.ledger import Ledger
from core.teacher.metered import MeteredTeacher
from core.teacher.prices import Price
from core.teacher.roles import Spec, read_roles
from core.teacher.stopping import ErrorStop, StopRule
from core.teacher.team import is_private, make_team
from tests.teacher.faults import drop, hang_up, say, send_body, status
from tests.teacher.server import ChatServer, Spoken

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


def test_each_role_goes_to_who_has_it_with_the_sampling_of_its_spec():
    with ChatServer() as one, ChatServer(models=("other",)) as two:
        other = server_spec(two, model="other", temperature=0.3, top_p=0.9, max_tokens=99, extra={"effort": "low"})
        table = Table({"teacher": server_spec(one, temperature=1.1, max_tokens=77), "roles": {"answer": other}})
        assert table.team.name == "model, answers by other"
        table.ask(*(replace(ASK, purpose=role, temperature=0.0) for role in ROLES))
        sent = {body["max_tokens"]: body for body in (*one.bodies, *two.bodies)}
        assert two.bodies == [sent[99]] and sent[99]["temperature"] == 0.3
        assert (sent[99]["top_p"], sent[99]["effort"], sent[99]["model"]) == (0.9, "low", "other")
        assert Counter(body["temperature"] for body in one.bodies) == {1.1: 1, 0.0: 2}  # a judge is to be sure
        assert {body["max_tokens"] for body in one.bodies} == {77}
    assert [line["teacher"] for line in table.closed()] == ["model", "other", "model", "model"]
    assert Table({"teacher": "built-in"}).team.name == "echo"
    with pytest.raises(TeacherError, match="Nobody of the team"):
        asyncio.run(table.team.complete(replace(ASK, purpose="cook")))


@pytest.mark.parametrize(
    ("config", "error", "said"),
    [
        ({"teacher": "builtin"}, UnknownNameError, "known: built-in"),
        ({"roles": {"cook": "built-in"}}, UnknownNameError, "no role 'cook'"),
        ({"teacher": {"base_url": "http://x/v1"}}, TeacherError, "a base_url and a model"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "temperatur": 1}}, UnknownNameError, "'temperatur'"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "temperature": "hot"}}, TeacherError, "temperature"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "top_p": 0}}, TeacherError, "above 0"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "max_tokens": 1.5}}, TeacherError, "whole number"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "extra": {"n": 5}}}, TeacherError, "a place of its own"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "extra": [1]}}, TeacherError, "extra of a teacher"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "key_env": KEY}}, TeacherError, "not the key"),
        ({"teacher": {"student": "tiny", "base_url": "http://x/v1"}}, UnknownNameError, "a student as teacher"),
        ({"teacher": {"student": "tiny", "top_p": 0.5}}, TeacherError, "leave top_p out"),
        ({"teacher": 7}, TeacherError, "not 7"),
    ],
)
def test_a_configuration_that_cannot_be_is_one_sentence(config, error, said):
    with pytest.raises(error, match=said) as caught:
        read_roles(config)
    assert KEY not in str(caught.value)


def test_roles_of_one_model_share_its_throttle_with_the_lowest_limit():
    with ChatServer(delay_s=0.03) as server:
        other = server_spec(server, max_concurrency=3, temperature=0.2)
        table = Table({"teacher": server_spec(server, max_concurrency=9), "roles": {"answer": other}})
        table.ask(*many(8), *many(8, purpose="answer"))
        assert server.most_at_once == 3
        assert [state.limit for state in table.team.snapshot_throttles().values()] == [3]
        assert list(table.team.snapshot_throttles()) == [f"model at {server.url}"]


def test_a_server_of_ones_own_is_asked_less_at_once():
    for address in ("http://localhost:1/v1", "http://192.168.0.3/v1", "http://box/v1", "http://[::1]/v1"):
        assert is_private(address)
    assert not is_private("https://api.openai.com/v1") and not is_private("http://8.8.8.8/v1")


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


def test_a_server_that_writes_more_than_it_was_asked_for_is_stopped():
    speak = lambda prompt, body, number: Spoken([(b" x", -0.1)] * 5_000)  # noqa: E731
    with ChatServer(speak=speak) as server:
        table = Table({"teacher": server_spec(server)}, budget=(100_000, None))
        outcomes = table.ask(*many(9), at_once=1)
        assert len(server.bodies) == 1 and outcomes[0].n_output_tokens == 5_000
        assert all(isinstance(error, AskingStopped) for error in outcomes[1:])
        assert "wrote 5,000 tokens where at most 10 were asked for" in str(outcomes[1])
        unlimited = Table({"teacher": server_spec(server)})
        assert not [error for error in unlimited.ask(*many(9)) if isinstance(error, Exception)]


def test_a_wrong_key_or_model_stops_everything_at_once():
    with ChatServer() as server, ChatServer() as other:
        roles = {"answer": server_spec(other)}
        table = Table({"teacher": server_spec(server, model="nobody"), "roles": roles})
        outcomes = table.ask(*many(20), *many(3, purpose="answer"), at_once=1)
        assert len(server.bodies) == 1 and not other.bodies
    assert isinstance(outcomes[0], TeacherError)
    assert all(isinstance(error, AskingStopped) and "'nobody'" in str(error) for error in outcomes[1:])
    assert table.team.ledger.totals().n_failed == 1


def test_a_server_that_fails_is_stopped_and_one_that_sometimes_does_is_not(monkeypatch):
    monkeypatch.setattr("core.teacher.client.BACKOFF_S", 0.0)
    requests = many(400)
    with ChatServer() as server:
        server.script.poison = dict.fromkeys((one.prompt for one in requests[::24]), status(400, "not this one"))
        fine = Table({"teacher": server_spec(server)})
        outcomes = fine.ask(*requests)
        assert sum(isinstance(error, TeacherError) for error in outcomes) == 17  # 4.1 % or so
        assert not any(isinstance(error, AskingStopped) for error in outcomes)
        server.script.poison = dict.fromkeys((one.prompt for one in requests), status(422, "not that one"))
        broken = Table({"teacher": server_spec(server)})
        outcomes = broken.ask(*requests, at_once=8)
    failed = [error for error in outcomes if not isinstance(error, AskingStopped)]
    assert 20 <= len(failed) <= 30
    assert "requests failed, each time because" in str(outcomes[-1]) and "not that one" in str(outcomes[-1])


def test_fast_refusals_beside_slow_answers_do_not_stop_it():
    async def answer_slowly(exchange):
        await asyncio.sleep(0.15)
        await say("fine")(exchange)

    requests = many(120)
    with ChatServer() as server:
        refused = {one.prompt for one in requests[::3]}
        for one in requests:
            server.script.poison[one.prompt] = status(400, "no") if one.prompt in refused else answer_slowly
        outcomes = Table({"teacher": server_spec(server, max_concurrency=64)}).ask(*requests)
    assert sum(isinstance(error, TeacherError) for error in outcomes) == 40
    assert not any(isinstance(error, AskingStopped) for error in outcomes)


def test_pushbacks_refusals_and_cut_off_replies_are_no_errors():
    kinds = itertools.cycle([say("", "content_filter"), say("I", "length"), say("No.", refusal="No."), say("x")])
    requests = many(60)
    with ChatServer(limit=4, retry_after_s=0.01, delay_s=0.01) as server:
        server.script.poison = {one.prompt: next(kinds) for one in requests}
        table = Table({"teacher": server_spec(server, max_concurrency=8)}, rule=StopRule(minimum=1, share=0.0))
        outcomes = table.ask(*requests)
        assert server.n_pushed_back > 0
    assert not [error for error in outcomes if isinstance(error, Exception)]
    assert Counter(line["finish_reason"] for line in table.closed()) == {
        "content_filter": 15, "length": 15, "refusal": 15, "stop": 15
    }  # fmt: skip


def test_the_key_is_taken_out_of_whatever_the_server_says(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    with ChatServer(key=KEY) as server:
        server.script.poison = {
            "echo": say(f"your key is {KEY}", KEY), "refuse": status(400, f"bad: {KEY}"),
            "deny": status(402, f"pay with {KEY}"),
        }  # fmt: skip
        table = Table({"teacher": server_spec(server, key_env="MY_KEY")})
        outcomes = table.ask(*(replace(ASK, prompt=prompt) for prompt in ("echo", "refuse", "deny")), at_once=1)
    assert server.keys == [KEY] * 3
    assert outcomes[0].text == "your key is ***"
    assert KEY not in json.dumps([table.lines, table.cache]) and not [e for e in outcomes[1:] if KEY in str(e)]


def test_a_schema_is_sent_only_where_it_is_kept_and_finding_out_is_a_call_like_any_other():
    schema = {"type": "object", "properties": {"seedbed": {"type": "string", "enum": ["yes"]}}}
    wanted = replace(ASK, schema=schema)
    with (
        ChatServer() as good,
        ChatServer(honours_schema=False) as deaf,
        ChatServer(refused_fields=frozenset({"response_format"})) as strict,
    ):
        tables = {server: Table({"teacher": server_spec(server)}) for server in (good, deaf, strict)}
        for table in tables.values():
            table.ask(wanted, replace(wanted, prompt="again"))
        sent = {server: ["response_format" in body for body in server.bodies] for server in tables}
        assert sorted(sent[good]) == [True, True, True]
        assert sorted(sent[deaf]) == sorted(sent[strict]) == [False, False, True]
        again = Table({"teacher": server_spec(deaf)}, cache=tables[deaf].cache)
        assert again.ask(wanted)[0].is_cached and len(deaf.bodies) == 3
    purposes = Counter(line["purpose"] for line in tables[good].closed())
    assert purposes == {"schema": 1, "question": 2}


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


def test_specs_that_differ_in_sampling_alone_are_one_teacher():
    assert hash(Spec()) == hash(Spec(sampling={"temperature": 1.0}))
    table = Table({"teacher": "built-in", "roles": {"judge": "built-in"}})
    assert len({id(member.metered) for member in table.team.members.values()}) == 1
    (reply,) = table.ask(ASK)
    assert reply.text == "question 0.7" and table.team.ledger.totals().paid_usd == 0.0
    assert table.closed()[0]["host"] is None and table.closed()[0]["price_date"] is None
