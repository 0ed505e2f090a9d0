"""The public comparison beyond single verdicts: odd input, threads, event loops, memory, tolerance, bombs."""

import asyncio
import threading
import time

import pytest

from core.tasks.answers import compare as comparing
from core.tasks.answers.compare import compare, compare_many, judge_response
from core.tasks.answers.pool import VerificationPool, close_shared_pool, shared_pool

TOWER = "9^{9^{9^9}}"
BOMB = r"\sum_{k=1}^{2} \dfrac{5^{(5^{(5^{(5^5)})}-4)}-5}{16}"
"""Reaches math-verify, which works on it until it is killed."""

ODD = [
    "",
    "   ",
    None,
    "\x00\x01\x02\xff",
    "\ud800",
    "I don't know",
    "nan",
    float("nan"),
    float("inf"),
    {},
    {"a": 1},
    [[]],
]
ODD += [
    "\\",
    "{",
    "}",
    "$",
    "$$",
    "\\boxed{",
    "\\frac{",
    "\\text{",
    "^",
    "_",
    "\\begin{pmatrix}",
    ",,,,",
    "====",
    "<>",
    "||",
    "5" * 5000,
]
ODD += [
    "\\frac" * 400,
    "(" * 400,
    "x+" * 90,
    "\\boxed{" * 20_000,
    "," * 400,
    "a b " * 20,
    " " * 10**6 + "x",
    "#" * 10**5,
    "-" * 50,
]
ODD += [
    "\\sqrt" * 40,
    "|" * 999,
    "1/0",
    r"\frac{1}{0}",
    "0^0",
    "0^{-1}",
    r"\log 0",
    r"\tan\frac{\pi}{2}",
    "1e999",
    "9" * 90 + "!",
    "\\text{ cm} " * 12 + "!",
    "**" * 50_000 + "}",
    "\n " * 50_000 + "x",
    "a \\pm " * 60,
    "1:" * 500,
    "x_{" * 300,
]
"""Answers that are none: empty, of another type, broken off, without a value, or long rows of the same sign."""


@pytest.fixture(scope="module", autouse=True)
def _no_workers_left():
    yield
    close_shared_pool()


@pytest.mark.parametrize("gold", ["5", "Monday"])
def test_no_answer_hangs_raises_or_is_accepted(gold):
    start = time.monotonic()
    for judge in (compare_many, comparing.judge_many):
        found = judge([(gold, each) for each in ODD])
        assert {each.is_equal for each in found} <= {False, None}
        assert all(each.reason.endswith(".") for each in found)
    assert time.monotonic() - start < 20


def test_no_reference_hangs_or_raises():
    found = compare_many([(each, "5") for each in ODD])
    assert not any(each.is_equal for each in found)
    assert compare(None, None).is_equal is None and compare("", "5").is_equal is None


def test_missing_answer_is_wrong():
    for nothing in (None, "", "  ", "$$"):
        assert compare("5", nothing).is_equal is False
    assert "missing" in compare("5", None).reason and "missing" in judge_response("5", "I give up.\nSorry.").reason


def test_values_of_json_are_read():
    assert compare(18, "18").is_equal and compare(0.5, "1/2").is_equal and compare(True, "yes").is_equal
    assert compare(["1", 2], "2 and 1").is_equal and compare("5", 5).is_equal
    assert compare("5", {"value": 5}).is_equal is False


@pytest.mark.parametrize(
    "pred", [TOWER, "10^{10^{10}}", "(10^9)!!!", r"e^{e^{e^{e^{e^e}}}}", "2^{2^{2^{2^{2^{2^2}}}}}"]
)
def test_towers_are_undecided_at_once(pred):
    start = time.monotonic()
    found = compare(r"\sqrt{5}", pred)
    assert found.is_equal is None and "too large" in found.reason
    assert compare(pred, pred).is_equal is True
    assert time.monotonic() - start < 4


def test_million_brackets_are_undecided_at_once():
    start = time.monotonic()
    for brackets in ("(" * 10**6, "{" * 10**6):
        assert compare("5", brackets).is_equal is None
        assert compare(brackets, "5").is_equal is None
        assert judge_response("5", f"{brackets} \\boxed{{5}}").is_equal is True
    assert time.monotonic() - start < 8


def test_a_bomb_costs_its_deadline_and_only_itself():
    pool = VerificationPool(n_workers=2, deadline_s=1.0)
    pairs = [(r"\sqrt{8}", rf"2\sqrt{{2}}+{at}") for at in range(40)]
    pairs[17] = ("5", BOMB)
    comparing.results.clear()
    start = time.monotonic()
    found = [each.is_equal for each in compare_many(pairs, pool=pool)]
    assert time.monotonic() - start < 12
    assert found == [True, *[False] * 16, None, *[False] * 22]
    start = time.monotonic()
    assert compare_many([pairs[17]], pool=pool)[0].is_equal is None
    assert time.monotonic() - start < 0.5  # remembered
    pool.close()


def test_plain_numbers_and_words_need_no_process():
    close_shared_pool()
    pairs = [("1,000", "1000"), (r"\frac{6}{8}", "0.75"), ("(1,2)", "(1, 3)"), ("Monday", "monday"), ("1,-2", "-2,1")]
    pairs += [
        ("(2,\\infty)", "x>2"),
        ("60%", "0.6"),
        ("A", "(B)"),
        ("x=5", "5"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", "(1,2)"),
    ]
    assert None not in [each.is_equal for each in compare_many(pairs)]
    assert shared_pool().list_pids() == []


def test_results_are_remembered_and_bounded(monkeypatch):
    comparing.results.clear()
    monkeypatch.setattr(comparing, "MAX_CACHED", 3)
    asked = []

    class Counting(VerificationPool):
        def judge_many(self, pairs, tolerance=None):
            asked.extend(pairs)
            return [comparing.Judgement(True, "Said so.") for _ in pairs]

    pool = Counting()
    same = [("x+1", "1+x")] * 5
    assert all(each.is_equal for each in compare_many(same, pool=pool)) and len(asked) == 1
    compare_many([(f"x+{at}", f"{at}+x") for at in range(2, 6)], pool=pool)
    assert len(asked) == 5
    compare_many(same, pool=pool)
    assert len(asked) == 6  # the oldest had gone
    compare_many([("x+1", "1+x")], tolerance=0.1, pool=pool)
    assert len(asked) == 7  # another question
    comparing.results.clear()


@pytest.mark.parametrize(
    ("gold", "pred", "tolerance", "expected"),
    [
        ("1/3", "0.333333", None, False),
        ("1/3", "0.333333", 1e-4, True),
        ("1/3", "0.33", 1e-4, False),
        (r"\sqrt{2}", "1.414", None, False),
        (r"\sqrt{2}", "1.414", 1e-3, True),
        ("4.5e33", r"4.52 \times 10^{33}", 0.01, True),
        ("4.5e33", r"4.52 \times 10^{33}", 0.001, False),
        ("(1, 2)", "(1.001, 2)", 0.01, True),
        ("0", "0.001", 0.01, False),
        ("100", "-100", 0.01, False),
        ("5 km", "5001 m", 0.01, True),
    ],
)
def test_tolerance_is_relative(gold, pred, tolerance, expected):
    assert compare(gold, pred, tolerance).is_equal is expected


def test_event_loop_goes_on_while_an_answer_is_worked_out():
    async def run():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        found = await asyncio.gather(
            asyncio.to_thread(compare, r"\sqrt{8}", r"2\sqrt{2}+0"),
            asyncio.to_thread(compare, "x+2", "2+x"),
            asyncio.to_thread(judge_response, "x+3", r"It is \boxed{3+x}."),
            asyncio.sleep(0.1),
        )
        ticking.cancel()
        return [each.is_equal for each in found[:3]], ticks

    found, ticks = asyncio.run(run())
    assert found == [True, True, True] and ticks >= 5


def test_threads_get_their_own_answers():
    found = {}

    def ask(at):
        found[at] = compare(f"y+{at}", f"{at % 3}+y").is_equal

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {at: at < 3 for at in range(8)}
    assert len(shared_pool().list_pids()) <= 2
