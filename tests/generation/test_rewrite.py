import asyncio

import numpy as np
import pytest

from core.errors import TeacherError
from core.generation.base import METHODS
from core.records import Problem
from core.teacher.base import TeacherReply


def ask(problems, task, teacher, pool=(), sample_index=0, salt="", seed=0):
    async def collect():
        rng = np.random.default_rng(seed)
        made = METHODS.get("rewrite").generate(problems, task, teacher, pool, sample_index, rng, salt)
        return [candidate async for candidate in made]

    return asyncio.run(collect())


def write_well(request):
    if request.purpose == "question":
        return f"Q: new {request.subject.problem_id}"
    return f"A: worked {request.subject.problem_id} = 5"


def test_two_requests_become_a_candidate_with_raw_replies_and_counted_tokens(task, scripted, seeds):
    teacher = scripted(write_well)
    [candidate] = ask(seeds[:1], task, teacher, pool=seeds, sample_index=3)
    assert [request.purpose for request in teacher.requests] == ["question", "answer"]
    assert teacher.requests[1].prompt == "Answer: new p0"
    assert {request.sample_index for request in teacher.requests} == {3}
    assert (candidate.question, candidate.answer, candidate.final) == ("new p0", "worked p0 = 5", "5")
    assert (candidate.raw_question, candidate.raw_answer) == ("Q: new p0", "A: worked p0 = 5")
    assert (candidate.n_input_tokens, candidate.n_output_tokens) == (20, 6)
    assert candidate.parents == ("p0",) and candidate.failure is None and candidate.sample_index == 3
    assert candidate.meta == {"length": 9}


def test_five_examples_are_shown_and_never_the_seed_itself(task, scripted, seeds):
    teacher = scripted(write_well)
    ask(seeds[:2], task, teacher, pool=seeds)
    prompts = [request.prompt.split("\n") for request in teacher.requests if request.purpose == "question"]
    for seed, (*examples, asked) in zip(seeds, prompts, strict=False):
        assert asked == f"Rewrite: {seed.question}"
        assert len(set(examples)) == 5 and seed.question not in examples


@pytest.mark.parametrize("leak", ["itself", "held out"])
def test_a_task_that_leaks_a_problem_into_the_prompt_is_stopped(task, scripted, seeds, leak):
    shown = seeds[0] if leak == "itself" else Problem("t", "What is 9?", None, "9", split="test")
    task.pick_examples = lambda *_: [shown]
    with pytest.raises(ValueError, match="held-out"):
        ask(seeds[:1], task, scripted(write_well), pool=seeds)


def test_results_come_in_the_order_of_the_seeds_however_late_a_reply_is(task, scripted, seeds):
    class Slow(scripted):
        async def complete(self, request):
            await asyncio.sleep(0.02 if request.subject.problem_id == "p0" else 0)
            return await super().complete(request)

    made = ask(seeds, task, Slow(write_well))
    assert [candidate.parents for candidate in made] == [(seed.problem_id,) for seed in seeds]


def test_no_more_than_eight_candidates_are_in_flight(task, scripted, seeds):
    class Counting(scripted):
        now = most = 0

        async def complete(self, request):
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.001)
            self.now -= 1
            return await super().complete(request)

    teacher = Counting(write_well)
    assert len(ask(seeds * 4, task, teacher)) == 32
    assert teacher.most == 8


FAILURES = {
    "no question": ({"question": "sorry"}, "The reply holds no question.", 10),
    "no answer": ({"answer": "sorry"}, "The reply holds no answer.", 20),
    "no final": ({"answer": "A: nothing"}, "The teacher's answer ends without a final answer.", 20),
    "cut off": (
        {"answer": TeacherReply("A: 1 = 1", "length", 10, 1024)},
        "The teacher's answer was cut off at its token limit; raise the limit or shorten the examples.",
        20,
    ),
    "refused": ({"question": TeacherReply("", "refusal", 10, 1)}, "The teacher's question was a refusal.", 10),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_bad_reply_is_a_candidate_with_a_sentence_and_its_tokens(task, scripted, seeds, name):
    replies, sentence, n_input = FAILURES[name]
    [candidate] = ask(seeds[:1], task, scripted(lambda request: replies.get(request.purpose) or write_well(request)))
    assert candidate.failure == sentence
    assert candidate.n_input_tokens == n_input
    assert candidate.raw_question is not None


def test_a_teacher_that_does_not_answer_fails_one_candidate_and_not_the_batch(task, scripted, seeds):
    def write(request):
        if request.subject.problem_id == "p1" and request.purpose == "answer":
            raise TeacherError("No reply came.")
        return write_well(request)

    made = ask(seeds[:3], task, scripted(write))
    assert [candidate.failure for candidate in made] == [None, "No reply came.", None]
    assert made[1].raw_question == "Q: new p1" and made[1].raw_answer is None and made[1].question == "new p1"
    assert made[1].n_input_tokens == 10


def test_ids_depend_on_parent_index_and_salt_alone(task, scripted, seeds):
    first = ask(seeds[:2], task, scripted(write_well), salt="r1")
    again = ask(seeds[:2], task, scripted(write_well), salt="r1", seed=9)
    others = ask(seeds[:2], task, scripted(write_well), salt="r2")
    later = ask(seeds[:2], task, scripted(write_well), salt="r1", sample_index=1)
    assert [c.candidate_id for c in first] == [c.candidate_id for c in again]
    assert len({c.candidate_id for c in [*first, *others, *later]}) == 6


def test_a_bug_in_the_teacher_looks_like_one(task, scripted, seeds):
    def write(request):
        raise KeyError("bug")

    with pytest.raises(KeyError):
        ask(seeds, task, scripted(write))
