import asyncio

import numpy as np
import pytest

from core.errors import AskingStopped, TeacherError
from core.generation.base import METHODS, Brief, MethodSettings
from core.records import Problem
from core.teacher.base import TeacherReply


def ask(problems, task, teacher, pool=(), sample_index=0, salt="", seed=0):
    """Carry out one call for each problem, all at the same time."""
    method, brief, rng = METHODS.get("rewrite"), Brief(task, pool, salt=salt), np.random.default_rng(seed)

    async def collect():
        calls = [method.open_call((problem,), brief, sample_index, rng) for problem in problems]
        made = await asyncio.gather(*(method.carry_out(call, brief, teacher) for call in calls))
        return [candidate for [candidate] in made]

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


def test_the_first_request_is_settled_before_anything_is_sent(task, scripted, seeds):
    brief, rng = Brief(task, seeds, MethodSettings(temperature=0.2)), np.random.default_rng(0)
    call = METHODS.get("rewrite").open_call(seeds[:1], brief, 4, rng)
    assert call.request.list_messages() == [{"role": "user", "content": call.request.prompt}]
    assert call.request.temperature == 0.2 and call.request.sample_index == 4
    assert [example.question in call.request.prompt for example in call.examples] == [True] * 5
    teacher = scripted(write_well)
    asyncio.run(METHODS.get("rewrite").carry_out(call, brief, teacher))
    assert teacher.requests[0] == call.request


def test_what_stops_all_asking_is_raised_before_the_first_reply_and_a_reason_after_it(task, scripted, seeds):
    def write(request):
        if request.purpose == purpose:
            raise AskingStopped("The budget is used up.")
        return write_well(request)

    purpose = "question"
    with pytest.raises(AskingStopped):
        ask(seeds[:1], task, scripted(write))
    purpose = "answer"
    [candidate] = ask(seeds[:1], task, scripted(write))
    assert candidate.failure == "The answer was not asked for: The budget is used up."
    assert candidate.raw_question == "Q: new p0" and candidate.n_input_tokens == 10


FAILURES = {
    "no question": ({"question": "sorry"}, "The reply holds no question.", 10),
    "no answer": ({"answer": "sorry"}, "The reply holds no answer.", 20),
    "no final": ({"answer": "A: nothing"}, "The teacher's answer ends without a final answer.", 20),
    "cut off": (
        {"answer": TeacherReply("A: 1 = 1", "length", 10, 1024)},
        "The teacher's answer was cut off at its token limit; raise the limit or shorten the examples.",
        20,
    ),
    "empty": ({"question": TeacherReply("  ", "stop", 10, 1)}, "The teacher's question is empty.", 10),
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
