"""The throttle by itself, in times of a fraction of a second."""

import asyncio
import random
import threading
from collections import Counter
from itertools import pairwise
from time import monotonic, time

import pytest

from core.teacher import throttle as throttle_module
from core.teacher.throttle import Throttle


@pytest.fixture
def no_cool_down(monkeypatch):
    monkeypatch.setattr(throttle_module, "COOL_DOWN_S", 0.0)


async def hold(throttle: Throttle, n: int) -> list:
    """Send n requests that stay on their way."""
    turns = [throttle.take_turn() for _ in range(n)]
    for turn in turns:
        await turn.__aenter__()
    return turns


async def let_go(turns: list) -> None:
    for turn in turns:
        await turn.__aexit__()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


# Order


def test_turns_go_in_the_order_in_which_they_came_and_keep_their_place():
    order = []

    async def ask(throttle: Throttle, number: int) -> None:
        turn = throttle.take_turn()
        for attempt in range(2 if number == 0 else 1):
            async with turn:
                order.append((number, attempt))
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)

    async def run() -> None:
        throttle = Throttle(1)
        await asyncio.gather(*(ask(throttle, number) for number in range(6)))

    asyncio.run(run())
    assert order.index((0, 1)) <= 2  # its second attempt did not queue up behind all the others
    assert [number for number, attempt in order if not attempt] == list(range(6))


def test_a_cancelled_turn_loses_no_slot_whenever_it_is_cancelled():
    async def ask(throttle: Throttle, done: Counter) -> None:
        async with throttle.take_turn():
            done["begun"] += 1
            assert throttle.state.n_in_flight <= 3
            await asyncio.sleep(random.uniform(0, 0.002))

    async def run() -> None:
        throttle, done = Throttle(3), Counter()
        tasks = [asyncio.create_task(ask(throttle, done)) for _ in range(300)]
        while not all(task.done() for task in tasks):
            for task in random.sample(tasks, 5):
                task.cancel()
            await asyncio.sleep(0)
        assert done["begun"] < 300
        assert (throttle.state.n_in_flight, throttle.state.n_waiting) == (0, 0)
        async with asyncio.timeout(1):
            await let_go(await hold(throttle, 3))

    random.seed(3)
    asyncio.run(run())


def test_a_turn_cancelled_in_the_very_moment_it_is_sent_gives_its_slot_on():
    async def run() -> None:
        throttle = Throttle(1)
        first, *_ = await hold(throttle, 1)
        turns = [throttle.take_turn() for _ in range(2)]
        tasks = [asyncio.create_task(turn.__aenter__()) for turn in turns]
        await settle()
        await first.__aexit__()  # wakes up the second, which has not run yet
        assert turns[0].is_on_its_way
        tasks[0].cancel()
        await asyncio.wait(tasks)
        assert tasks[0].cancelled() and turns[1].is_on_its_way and throttle.state.n_in_flight == 1

    asyncio.run(run())


def test_several_event_loops_share_one_limit():
    throttle, most, lock = Throttle(4), [0], threading.Lock()
    now = [0]

    async def ask() -> None:
        async with throttle.take_turn():
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            await asyncio.sleep(0.002)
            with lock:
                now[0] -= 1

    async def ask_all() -> None:
        async with asyncio.timeout(10):
            await asyncio.gather(*(ask() for _ in range(100)))

    threads = [threading.Thread(target=lambda: asyncio.run(ask_all())) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert most == [4] and throttle.state.n_in_flight == throttle.state.n_waiting == 0


def test_a_loop_that_ended_with_turns_in_the_queue_holds_up_no_other():
    throttle = Throttle(1, requests_per_minute=60 / 0.2)

    async def wait() -> None:
        async with throttle.take_turn():
            await asyncio.sleep(10)

    async def wait_in_vain() -> None:
        held = await hold(throttle, 1)
        _ = [asyncio.create_task(wait()) for _ in range(3)]
        await settle()
        assert throttle.state.n_waiting == 3
        await let_go(held)

    async def go() -> None:
        async with asyncio.timeout(2):
            await let_go(await hold(throttle, 1))

    asyncio.run(wait_in_vain())
    asyncio.run(go())
    assert throttle.state.n_in_flight == 0


# Push-backs


def test_a_crowd_that_is_pushed_back_cuts_the_limit_once(no_cool_down):
    async def run() -> None:
        throttle = Throttle(64)
        crowd = await hold(throttle, 64)
        for turn in crowd[:40]:
            turn.take_pushback()
        assert (throttle.state.limit, throttle.state.n_pushbacks) == (32, 40)
        await let_go(crowd)
        (late,) = await hold(throttle, 1)
        more = await hold(throttle, 31)
        late.take_pushback()
        assert throttle.state.limit == 16
        await let_go([late, *more])

    asyncio.run(run())


def test_the_limit_never_falls_below_one_and_comes_back_with_answers(no_cool_down):
    async def run() -> None:
        throttle = Throttle(16)
        for _ in range(9):
            (turn,) = await hold(throttle, 1)
            turn.take_pushback()
            await let_go([turn])
        assert throttle.state.limit == 1
        n_answers = 0
        while throttle.state.limit < 16:
            turns = await hold(throttle, throttle.state.limit)
            for turn in turns:
                turn.take_answer()
                n_answers += 1
                await turn.__aexit__()
                await turn.__aenter__()  # as many as may be are always on their way
            await let_go(turns)
        assert n_answers < 16 * 30

    asyncio.run(run())


def test_answers_to_what_was_sent_before_a_cut_do_not_undo_it(no_cool_down):
    async def run() -> None:
        throttle = Throttle(8)
        crowd = await hold(throttle, 8)
        crowd[0].take_pushback()
        for turn in crowd[1:]:
            turn.take_answer()
        assert throttle.state.limit == 4
        await let_go(crowd)

    asyncio.run(run())


def test_nobody_sends_before_the_pause_that_was_asked_for_is_over():
    async def run() -> list[float]:
        throttle, times = Throttle(8), []
        first, *_ = await hold(throttle, 1)
        first.take_pushback(0.3)
        began = monotonic()
        state = throttle.state
        assert 0.25 < state.paused_until - time() < 0.6 and state.n_waiting == 0

        async def ask() -> None:
            async with throttle.take_turn():
                times.append(monotonic() - began)

        await first.__aexit__()
        await asyncio.gather(*(ask() for _ in range(5)))
        assert throttle.state.paused_until is None
        return times

    times = asyncio.run(run())
    assert min(times) >= 0.3 and max(times) < 0.3 + throttle_module.SPREAD_S + 0.3


def test_pauses_grow_as_long_as_nothing_is_answered(monkeypatch):
    drawn = []
    monkeypatch.setattr("random.uniform", lambda low, high: drawn.append((low, high)) or 0.0)
    pauses = []

    async def run() -> None:
        throttle = Throttle(4)
        for is_answered in (False, False, False, False, True, False):
            (turn,) = await hold(throttle, 1)
            if is_answered:
                turn.take_answer()
            else:
                turn.take_pushback()
                pauses.append(throttle._n_cuts_in_a_row)
            await let_go([turn])

    asyncio.run(run())
    assert pauses == [1, 2, 3, 4, 1] and drawn == [(0.5, 1.0)] * 5


def test_a_cool_down_is_drawn_from_its_upper_half(monkeypatch):
    monkeypatch.setattr(throttle_module, "COOL_DOWN_S", 10.0)

    async def run() -> list[float]:
        waits = []
        for _ in range(50):
            throttle = Throttle(1)
            (turn,) = await hold(throttle, 1)
            turn.take_pushback()
            waits.append(throttle.state.paused_until - time())
        return waits

    waits = asyncio.run(run())
    assert 4.9 < min(waits) < 6.5 and 8.5 < max(waits) <= 10.0


# Caps


def send_for(throttle: Throttle, seconds: float, n_tokens: int = 0, used: int | None = None) -> list[float]:
    times = []

    async def ask() -> None:
        while True:
            turn = throttle.take_turn(n_tokens)
            async with turn:
                times.append(monotonic())
                await asyncio.sleep(0.001)
                turn.take_answer(used)

    async def run() -> None:
        tasks = [asyncio.create_task(ask()) for _ in range(8)]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()

    asyncio.run(run())
    return times


def count_in_window(times: list[float], seconds: float) -> int:
    return max(sum(start <= time < start + seconds for time in times) for start in times)


def test_requests_are_spaced_evenly():
    times = send_for(Throttle(8, requests_per_minute=6000), 0.8)  # one in 10 ms
    assert 60 <= len(times) <= 80 + 5
    assert count_in_window(times, 0.4) <= 40 + 5  # 50 ms may be caught up at once, but only after a delay
    assert sum(later - earlier < 0.003 for earlier, later in pairwise(times)) < len(times) / 4


def test_no_minute_holds_more_requests_than_the_cap():
    for per_minute in (1, 3, 60, 600, 10_000):
        pace, now, sent = throttle_module._Pace(per_minute), 0.0, []
        rng = random.Random(per_minute)
        while now < 200 and len(sent) < 30_000:
            now = max(now, pace.ready_at) + rng.choice([0.0, 0.0, 0.001, 0.2])
            pace.spend(1, now)
            sent.append(now)
        most, first = 0, 0
        for last, at in enumerate(sent):
            while at - sent[first] >= 60:
                first += 1
            most = max(most, last - first + 1)
        assert most <= per_minute


def test_tokens_are_set_aside_before_and_corrected_after():
    each = 1000
    spaced = send_for(Throttle(8, tokens_per_minute=60 * each / 0.05), 0.5, n_tokens=each)  # one in 50 ms
    assert 8 <= len(spaced) <= 12
    refunded = send_for(Throttle(8, tokens_per_minute=60 * each / 0.05), 0.5, n_tokens=each, used=each // 5)
    assert 35 <= len(refunded) <= 60
    overdrawn = send_for(Throttle(8, tokens_per_minute=60 * each / 0.05), 0.5, n_tokens=each, used=4 * each)
    assert len(overdrawn) <= 6


def test_tokens_of_what_was_pushed_back_are_given_back(no_cool_down):
    async def run() -> None:
        throttle = Throttle(8, tokens_per_minute=60_000)
        (turn,) = await hold(throttle, 1)  # nothing set aside yet
        await let_go([turn])
        turn = throttle.take_turn(60_000)
        async with turn:
            assert throttle._tokens.ready_at > monotonic() + 50
            turn.take_pushback()
            assert throttle._tokens.ready_at < monotonic() + 1

    asyncio.run(run())
