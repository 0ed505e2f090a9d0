"""The chat client with many requests at once: order, push-backs, caps, cancellation and event loops."""

import asyncio
import gc
import threading
import warnings
from dataclasses import replace
from time import monotonic, sleep

import pytest

from core.teacher.client import ChatClient, EndpointDenied, ServerUnavailable
from core.teacher.endpoint import Endpoint
from core.teacher.throttle import Throttle
from tests.teacher.asking import ask, ask_many, make_client, note_order
from tests.teacher.faults import drop, hang_up, say, status
from tests.teacher.server import ChatServer, Script


@pytest.fixture
def server():
    with ChatServer() as server:
        yield server


# Push-backs


def test_pushbacks_use_up_patience_and_no_attempts(server, monkeypatch):
    monkeypatch.setattr("core.teacher.throttle.COOL_DOWN_S", 0.02)
    monkeypatch.setattr("core.teacher.throttle.MAX_COOL_DOWN_S", 0.02)
    server.script.faults.extend([status(429), status(503), status(500)] + [status(429)] * 8)
    assert ask(server, client=make_client(server, max_attempts=2)).n_attempts == 12
    server.script.faults.extend([status(429, "slow down")] * 1000)
    started = monotonic()
    with pytest.raises(ServerUnavailable, match=r"no answer in \d\d attempts: status 429, slow down"):
        ask(server, client=make_client(server, patience_s=0.5))
    assert 0.4 < monotonic() - started < 1.0


def test_the_slot_of_a_request_that_waits_for_its_next_attempt_is_free(server, monkeypatch):
    monkeypatch.setattr("core.teacher.client.random.uniform", lambda low, high: high)
    server.script.faults.append(status(500))
    client = make_client(server, max_concurrency=1, backoff_s=0.3)
    order = asyncio.run(note_order(client, 4))
    assert order == [1, 2, 3, 0] and server.most_at_once == 1


# Many at once, and event loops


def test_no_more_than_the_limit_are_on_their_way_at_once(server):
    server.script.delay_s = 0.05
    assert len(asyncio.run(ask_many(make_client(server, max_concurrency=3), ["x"] * 10))) == 10
    assert server.most_at_once == 3


@pytest.mark.parametrize("retry_after_s", [None, 0.2])
def test_a_limit_that_halves_twice_loses_nothing_and_pays_nothing_twice(server, retry_after_s):
    server.script = replace(server.script, delay_s=0.03, jitter=0.5, limit=32, retry_after_s=retry_after_s)
    client = make_client(server, max_concurrency=32, max_attempts=1)
    prompts = [f"prompt number {i}" for i in range(300)]

    async def halve() -> None:
        for n_answered in (80, 160):
            while sum(server.answered.values()) < n_answered:
                await asyncio.sleep(0.005)
            server.script.limit //= 2

    async def run():
        halving = asyncio.create_task(halve())
        replies = await ask_many(client, prompts)
        await halving
        return replies

    replies = asyncio.run(run())
    alone = Script()
    for prompt, reply in zip(prompts, replies, strict=True):  # each got its own
        assert reply.texts[0] == alone.speak(prompt, {"temperature": 0.0}, 0).text
    assert server.script.limit == 8 and server.n_pushed_back == client.throttle.state.n_pushbacks > 0
    assert set(server.answered) == set(prompts) and set(server.answered.values()) == {1}
    assert sum(reply.n_attempts for reply in replies) == len(server.bodies) == 300 + server.n_pushed_back
    assert server.n_pushed_back < 60  # nobody hammers


def test_the_caps_on_requests_hold_at_the_server(server):
    client = make_client(server, max_concurrency=24, requests_per_minute=1500)  # one in 40 ms
    asyncio.run(ask_many(client, ["x"] * 24))
    most = max(sum(start <= time < start + 0.4 for time in server.times) for start in server.times)
    assert most <= 10 + 6  # what was sent in time may arrive late
    assert server.times[-1] - server.times[0] >= 0.8


def test_the_cap_on_tokens_holds_at_the_server(server):
    client = make_client(server, max_concurrency=16, tokens_per_minute=60 * 100 / 0.02)
    server.script.faults.extend([say("yes", usage=(60, 40))] * 31)
    asyncio.run(ask_many(client, ["x"] * 31, max_tokens=20))
    assert server.times[-1] - server.times[0] >= 0.3  # 100 tokens in 20 ms, though but 20 were foreseen at first


def test_two_clients_may_share_one_throttle(server):
    server.script.delay_s = 0.03
    throttle = Throttle(3)
    clients = [make_client(server, throttle=throttle) for _ in range(2)]

    async def run():
        await asyncio.gather(*(ask_many(client, ["x"] * 8) for client in clients))

    asyncio.run(run())
    assert server.most_at_once == 3 and clients[0].max_concurrency == 3


def test_several_event_loops_at_once_share_the_limit_and_have_their_own_connections(server):
    server.script.delay_s = 0.02
    client = make_client(server, max_concurrency=4)
    threads = [threading.Thread(target=lambda: asyncio.run(ask_many(client, ["x"] * 12))) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]
    assert sum(server.answered.values()) == 36 and server.most_at_once == 4
    assert client.throttle.state.n_in_flight == 0


async def ask_one_by_one(client, n):
    return [reply for _ in range(n) for reply in await ask_many(client, ["x"])]


def test_connections_are_kept_and_those_that_the_server_closed_are_replaced(server):
    async def run(client):
        await ask_many(client, ["x"] * 12)
        n_first = server.n_accepted
        await ask_one_by_one(client, 10)
        await ask_many(client, ["x"] * 12)
        assert n_first == server.n_accepted == 4
        server.script.faults.extend([hang_up, drop])
        assert [reply.n_attempts for reply in await ask_one_by_one(client, 4)] == [3, 1, 1, 1]
        assert 4 <= server.n_accepted <= 6

    server.script.delay_s = 0.01
    asyncio.run(run(make_client(server, max_concurrency=4)))


def test_proxies_of_the_environment_are_used(server, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))  # the server stands in for one
    client = ChatClient(Endpoint("http://teacher.invalid/v1", "model", ""), max_attempts=1)
    with pytest.raises(EndpointDenied, match=r"Nothing answers at http://teacher\.invalid"):
        asyncio.run(ask_many(client, ["x"]))
    assert server.n_accepted == 1


def test_a_cancelled_run_leaves_no_connection_open_and_no_slot_taken(server):
    server.script.delay_s = 5.0
    client = make_client(server, max_concurrency=8)

    async def run():
        task = asyncio.create_task(ask_many(client, ["x"] * 20))
        while server.most_at_once < 8:
            await asyncio.sleep(0.01)
        assert server.n_open == 8
        task.cancel()
        await asyncio.wait([task])
        assert client.throttle.state.n_in_flight == client.throttle.state.n_waiting == 0

    asyncio.run(run())
    deadline = monotonic() + 2
    while server.n_open and monotonic() < deadline:
        sleep(0.01)
    assert server.n_open == 0


def test_a_client_outlives_its_event_loop_and_leaves_no_connection_open(server):
    gc.collect()  # what other tests left behind warns when it goes
    client = make_client(server)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            assert ask(server, client=client).texts[0]
        del client
        gc.collect()
    assert [str(one.message) for one in caught if one.category is ResourceWarning] == []
