"""Reservations: never beyond the limit, whoever waits goes on or is refused, and nothing is left behind."""

import asyncio
import random

import pytest

from core.errors import AskingStopped, TeacherError
from core.teacher.base import TeacherRequest
from core.teacher.budget import Budget, Cost, bound_input, read_budget


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 5))


def test_the_worst_case_is_set_aside_and_replaced_by_what_was_spent():
    async def go():
        budget = Budget(tokens=100)
        await budget.reserve(Cost(60))
        budget.settle(Cost(60), Cost(10))
        await budget.reserve(Cost(90))
        assert budget.spent == Cost(10)

    run(go())


def test_what_others_have_set_aside_is_waited_for_in_the_order_of_coming():
    async def go():
        budget, order = Budget(tokens=100), []

        async def ask(name, worst, spent):
            await budget.reserve(Cost(worst))
            order.append(name)
            await asyncio.sleep(0)
            budget.settle(Cost(worst), Cost(spent))

        await asyncio.gather(ask("a", 80, 20), ask("b", 70, 5), ask("c", 10, 5), ask("d", 60, 5))
        assert order == ["a", "b", "c", "d"] and budget.spent == Cost(
            35
        )  # c would have fitted beside a, but came later

    run(go())


def test_what_completes_something_goes_before_what_begins_something():
    async def go():
        budget, order = Budget(tokens=100), []

        async def ask(name, worst, goes_first):
            await budget.reserve(Cost(worst), goes_first=goes_first)
            order.append(name)
            budget.settle(Cost(worst), Cost(0))

        await budget.reserve(Cost(90))
        asking = [asyncio.ensure_future(ask(*one)) for one in (("question", 50, False), ("answer", 50, True))]
        asking.append(asyncio.ensure_future(ask("second answer", 50, True)))
        asking.append(asyncio.ensure_future(ask("short answer", 10, True)))  # behind the others that go first
        await asyncio.sleep(0)
        budget.settle(Cost(90), Cost(0))
        await asyncio.gather(*asking)
        assert order == ["answer", "second answer", "short answer", "question"]

    run(go())


def test_where_nothing_can_make_room_it_is_refused_at_once_in_the_words_of_the_first_time():
    async def go():
        budget = Budget(tokens=100, spent=Cost(50))
        with pytest.raises(AskingStopped) as first:
            await budget.reserve(Cost(51))
        assert "50 tokens spent, and the next one could take 51 tokens" in str(first.value)
        with pytest.raises(AskingStopped) as second:
            await budget.reserve(Cost(60))
        assert str(second.value) == str(first.value)
        await budget.reserve(Cost(50))  # a smaller one still fits

    run(go())


def test_a_refusal_says_what_is_set_aside_and_when_one_alone_is_too_much():
    async def go():
        budget = Budget(tokens=100, spent=Cost(50))
        await budget.reserve(Cost(30))
        with pytest.raises(AskingStopped, match=r"50 tokens spent, up to 30 tokens set aside .* take 60 tokens;"):
            await budget.reserve(Cost(60))
        with pytest.raises(AskingStopped, match="further request: one alone could take 101 tokens;"):
            await Budget(tokens=100).reserve(Cost(101))

    run(go())


def test_a_waiting_request_is_refused_as_soon_as_it_cannot_fit_any_more():
    async def go():
        budget = Budget(tokens=100, usd=1.0)
        await budget.reserve(Cost(10, 0.9))
        waiting = asyncio.ensure_future(budget.reserve(Cost(10, 0.2)))
        small = asyncio.ensure_future(budget.reserve(Cost(10, 0.15)))
        await asyncio.sleep(0)
        budget.settle(Cost(10, 0.9), Cost(10, 0.85))
        with pytest.raises(AskingStopped, match=r"budget of \$1.00 .* \$0.850 spent, and the next"):
            await waiting
        await small

    run(go())


def test_a_cancelled_request_gives_back_what_it_has_or_waits_for():
    async def go():
        budget = Budget(tokens=100)
        await budget.reserve(Cost(80))
        waiting, later = (asyncio.ensure_future(budget.reserve(Cost(30))) for _ in range(2))
        await asyncio.sleep(0)
        waiting.cancel()
        budget.settle(Cost(80), Cost(60))  # room for one: for the later one
        await later
        with pytest.raises(asyncio.CancelledError):
            await waiting
        third = asyncio.ensure_future(budget.reserve(Cost(20)))
        await asyncio.sleep(0)
        budget.settle(Cost(30), Cost(5))
        third.cancel()  # it was just given its place, and does not know yet
        with pytest.raises(asyncio.CancelledError):
            await third
        await budget.reserve(Cost(35))

    run(go())


def test_a_waiting_request_of_another_event_loop_goes_on():
    budget = Budget(tokens=10)

    async def hold_then_release(other):
        await budget.reserve(Cost(10))
        asking = asyncio.get_running_loop().run_in_executor(None, asyncio.run, other())
        while not budget._waiting:
            await asyncio.sleep(0.001)
        budget.settle(Cost(10), Cost(0))
        return await asking

    async def wait():
        await budget.reserve(Cost(7))
        return "reserved"

    assert run(hold_then_release(wait)) == "reserved"


def test_no_sequence_of_requests_passes_the_limits():
    async def go(seed):
        rng = random.Random(seed)
        budget, most = Budget(tokens=5_000, usd=0.5), 0

        async def ask():
            worst = Cost(rng.randint(1, 400), rng.random() * 0.05)
            await budget.reserve(worst)
            try:
                await asyncio.sleep(rng.random() * 0.001)
                if rng.random() < 0.1:
                    raise RuntimeError
            finally:
                share = rng.random()
                budget.settle(worst, Cost(int(worst.tokens * share), worst.usd * share))

        ended = await asyncio.gather(*(ask() for _ in range(200)), return_exceptions=True)
        assert budget.spent.tokens <= 5_000 and budget.spent.usd <= 0.5
        assert budget._n_held == 0 and budget._held == Cost() and not budget._waiting
        assert any(isinstance(error, AskingStopped) for error in ended)
        return most

    for seed in range(5):
        run(go(seed))


def test_without_limits_nothing_waits():
    async def go():
        budget = Budget()
        for _ in range(3):
            await budget.reserve(Cost(10**12, 1e9))
        assert not budget.is_limited

    run(go())


def test_a_prompt_has_at_most_a_token_for_each_byte():
    request = TeacherRequest("question", "t", "äöü", None, system="be", earlier=(("a", "b"),), schema={"a": 1})
    assert bound_input(request) == 6 + 2 + 1 + 1 + len('{"a": 1}') + 4 * 16 + 256


@pytest.mark.parametrize("value", [{"tokens": 0}, {"usd": -1}, {"tokens": "5"}, {"euro": 1}, 7, {"usd": float("inf")}])
def test_what_is_no_budget_is_one_sentence(value):
    with pytest.raises(TeacherError, match="budget"):
        read_budget(value)


def test_a_budget_may_be_left_out():
    assert read_budget(None) == read_budget({}) == read_budget({"tokens": None, "usd": None}) == (None, None)
    assert read_budget({"tokens": 5, "usd": 1}) == (5, 1.0)
