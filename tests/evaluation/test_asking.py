"""Tests of asking: what is remembered, what is counted, and what is drawn."""

import pytest

from core.evaluation.asking import MeteredStudent, ask_greedily, ask_often, ignores_temperature
from core.models.generate import Answer
from core.records import Prediction
from core.teacher.client import RequestRefused
from tests.models.tiny import EchoTask, make_problem

TASK = EchoTask()


class Speaker:
    """A student that says what it was asked, and the number of the sample."""

    source, dtype_name, has_weights = "speaker", "server", False

    def __init__(self, refuses=(), n_tokens=3, fingerprint="f"):
        self.refuses, self.n_tokens, self.fingerprint = refuses, n_tokens, fingerprint
        self.asked = []

    def answer(self, prompts, max_new_tokens, *, check=None):
        for index, prompt in enumerate(prompts):
            check()
            self.asked.append(prompt)
            yield [(index, Answer(prompt.strip(), 0.5, self.n_tokens, False))]

    def sample(self, prompts, max_new_tokens, *, n, temperature, seed, check=None):
        for index, prompt in enumerate(prompts):
            check()
            if prompt.strip() in self.refuses:
                continue
            self.asked.append(prompt)
            text = f"{prompt.strip()} {seed}"
            yield [(index, number, Answer(f"{text} {number}", 0.5, self.n_tokens, False)) for number in range(n)]
        if self.refuses and not self.asked:
            raise RequestRefused("The server refused.")


class Stopped(Exception):
    pass


def stop_after(n):
    calls = iter(range(n))

    def check():
        if next(calls, None) is None:
            raise Stopped

    return check


def draw(student, questions, cache, n=3, check=lambda: None, seen=None, **more):
    problems = [make_problem(question, "0") for question in questions]
    report = lambda done, total: None if seen is None else seen.append((done, total))  # noqa: E731
    settings = {"n_samples": n, "temperature": 0.7, "seed": 5, **more}
    return ask_often(MeteredStudent(student), TASK, problems, cache=cache, on_batch=report, check=check, **settings)


class Memory(dict):
    def put(self, key, value):
        self[key] = value


def test_samples_are_drawn_judged_and_remembered_by_number():
    cache, seen = Memory(), []
    rows = draw(Speaker(), ["a", "b", "a"], cache, seen=seen)
    assert [[row.text for row in each] for each in rows] == [
        ["a 5 0", "a 5 1", "a 5 2"], ["b 5 0", "b 5 1", "b 5 2"], ["a 5 0", "a 5 1", "a 5 2"]
    ]  # fmt: skip
    assert [row.is_correct for row in rows[0]] == [True, False, False]
    assert seen[0] == (0, 3) and seen[-1] == (3, 3) and len(cache) == 6
    again = Speaker()
    assert draw(again, ["b"], cache, n=2) == [rows[1][:2]] and again.asked == []
    assert len(draw(again, ["b"], cache, n=4)[0]) == 4 and again.asked == ["b\n"]
    for other in ({"temperature": 0.8}, {"seed": 6}):
        fresh = Speaker()
        draw(fresh, ["a"], cache, **other)
        assert fresh.asked == ["a\n"]


def test_a_student_in_training_is_not_remembered():
    cache = Memory()
    draw(Speaker(fingerprint=None), ["a"], cache)
    assert cache == {}


def test_what_came_before_a_stop_is_kept():
    cache = Memory()
    with pytest.raises(Stopped):
        draw(Speaker(), ["a", "b", "c"], cache, check=stop_after(2))
    assert len(cache) == 6
    rest = Speaker()
    draw(rest, ["a", "b", "c"], cache)
    assert rest.asked == ["c\n"]


def test_a_prompt_that_a_server_refuses_has_no_answer_and_is_asked_again():
    cache = Memory()
    rows = draw(Speaker(refuses={"b"}), ["a", "b"], cache)
    assert [row.unknown for row in rows[0]] == [None] * 3
    assert all("refused" in row.unknown for row in rows[1]) and len(cache) == 3
    with pytest.raises(RequestRefused):
        draw(Speaker(refuses={"a"}), ["a"], Memory())
    assert all("refused" in row.unknown for row in draw(Speaker(refuses={"b"}), ["a", "b"], cache)[1])


def test_only_what_was_generated_is_counted():
    cache, problems = Memory(), [make_problem("a"), make_problem("b")]
    silent = {"on_batch": lambda done, total: None, "check": lambda: None}
    first = MeteredStudent(Speaker())
    ask_greedily(first, TASK, problems, cache=cache, **silent)
    assert (first.n_answers, first.n_tokens) == (2, 6) and first.tokens_per_second > 0
    second = MeteredStudent(Speaker())
    ask_greedily(second, TASK, [*problems, make_problem("c")], cache=cache, **silent)
    assert (second.n_answers, second.n_tokens) == (1, 3)
    third = MeteredStudent(Speaker())
    ask_greedily(third, TASK, problems, cache=cache, **silent)
    assert third.n_answers == 0 and third.tokens_per_second is None
    blind = MeteredStudent(Speaker(n_tokens=None))
    ask_greedily(blind, TASK, problems, cache=Memory(), **silent)
    assert blind.n_answers == 2 and blind.tokens_per_second is None and not blind.is_counted


def test_the_time_between_two_batches_is_not_counted(monkeypatch):
    clock = iter([0.0, 1.0, 50.0, 52.0, 99.0])
    monkeypatch.setattr("core.evaluation.asking.time.perf_counter", lambda: next(clock))
    metered = MeteredStudent(Speaker())
    for _ in metered.answer(["a", "b"], 5, check=lambda: None):
        pass
    assert metered.seconds == 3.0 and metered.tokens_per_second == 2.0


def test_a_server_that_ignores_the_temperature_is_noticed():
    def rows(n, texts):
        return [[Prediction("p", text, None, None, None, 1, False) for text in texts] for _ in range(n)]

    assert ignores_temperature(rows(4, ["a"] * 4))
    assert not ignores_temperature(rows(3, ["a"] * 4)) and not ignores_temperature(rows(4, ["a"] * 3))
    assert not ignores_temperature([*rows(4, ["a"] * 4), *rows(1, ["a", "a", "b", "a"])])
