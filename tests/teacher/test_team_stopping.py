"""Where a team stops asking, and where it does not, against a real HTTP server."""

import asyncio
import itertools
from collections import Counter

from core.errors import AskingStopped, TeacherError
from core.teacher.stopping import StopRule
from tests.teacher.faults import say, status
from tests.teacher.server import ChatServer, Spoken
from tests.teacher.table import Table, many, server_spec


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
    assert all(isinstance(error, AskingStopped) for error in outcomes)
    assert {str(error) for error in outcomes} == {
        f"The server {server.url} does not know the model 'nobody'; check the name."
    }
    assert table.team.ledger.totals().n_failed == 1


def test_requests_that_are_on_their_way_when_a_server_denies_all_are_no_failures_of_their_own():
    with ChatServer(models=("another",), delay_s=0.02) as server:
        outcomes = Table({"teacher": server_spec(server, max_concurrency=4)}).ask(*many(12))
        assert len(server.bodies) == 4
    assert {type(error) for error in outcomes} == {AskingStopped} and len({str(error) for error in outcomes}) == 1


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
