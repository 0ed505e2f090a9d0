import asyncio

import pytest

from core.errors import AskingStopped, SeedbedError, TeacherError
from core.filters.agrees import FIRST_SAMPLE, Agrees, are_equal
from core.filters.base import FilterContext, make_filters
from core.records import Problem
from core.tasks import TASKS
from tests.filters.stand_ins import AnyTask, ScriptedTeacher, make_candidate

QUESTION = "How many pears are left?"


def judge(script, final="3", task=None, candidate=None, teacher=None, **settings):
    (one,) = make_filters(["agrees"], {"agrees": settings})
    teacher = teacher or ScriptedTeacher(script)
    seeds = {"p": Problem("p", "Seed?", None, None)}
    context = FilterContext(task or AnyTask(), seeds=seeds, teacher=teacher)
    (verdict,) = asyncio.run(one([candidate or make_candidate(0, QUESTION, final=final, parents=["p"])], context))
    return verdict, teacher.requests


def votes(text):
    """``3`` and ``4`` are answers, ``-`` is no answer, ``!`` an error, ``/`` the end of the budget, ``~`` a cut one."""
    faults = {"-": "I do not know.", "!": TeacherError("The server is gone."), "~": ("#### 3", "length")}
    faults["/"] = AskingStopped("The budget is used up.")
    return [faults.get(sign, f"#### {sign}") for sign in text]


@pytest.mark.parametrize(
    ("script", "is_accepted", "n_asked", "value"),
    [
        ("33", True, 2, 1.0),
        ("343", True, 3, 0.75),
        ("3443", True, 4, 0.6),
        ("444", False, 3, 0.25),
        ("456", False, 3, 0.25),
        ("3444", False, 4, 0.4),
        ("-334", True, 3, 1.0),
        ("-43-", True, 4, 0.6667),
        ("-344", False, 4, 0.5),
        ("--33", True, 4, 1.0),
        ("!~-3", None, 4, 1.0),
        ("!!!!", None, 4, 1.0),
        ("3/", None, 2, None),
        ("33/", True, 2, 1.0),
    ],
)
def test_more_than_half_must_agree_and_no_more_are_asked_than_needed(script, is_accepted, n_asked, value):
    verdict, requests = judge(votes(script))
    assert (verdict.is_accepted, len(requests), verdict.value) == (is_accepted, n_asked, value)


def test_reasons_count_and_quote():
    assert judge(votes("-344"))[0].reason == "2 of 4 answers are “3”, 2 say “4” (a tie); 1 more could not be used."
    assert "The server is gone." in judge(votes("!!!!"))[0].reason
    assert judge(votes("3/"))[0].reason == "The budget is used up."
    assert "no teacher" in asyncio.run(
        make_filters(["agrees"])[0]([make_candidate(0, QUESTION)], FilterContext(AnyTask()))
    )[0].reason  # fmt: skip


def test_requests_are_the_answer_prompt_with_other_sample_indices():
    candidate = make_candidate(0, QUESTION, parents=["p"])
    _, requests = judge(votes("3443"), candidate=candidate)
    assert {request.prompt for request in requests} == {f"Answer this: {QUESTION}"}
    assert [request.sample_index for request in requests] == [FIRST_SAMPLE + i for i in range(4)]
    assert {request.purpose for request in requests} == {"answer"}
    assert {(request.subject.problem_id, request.hint.asked_as) for request in requests} == {("p", 0)}


def test_requests_of_a_wave_are_on_their_way_together():
    class Gate(ScriptedTeacher):
        n_inside = n_most = 0

        async def complete(self, request):
            self.n_inside += 1
            self.n_most = max(self.n_most, self.n_inside)
            await asyncio.sleep(0.001)
            self.n_inside -= 1
            return await super().complete(request)

    teacher = Gate(lambda request: "#### 3")
    judge(None, teacher=teacher, n_samples=9)
    assert teacher.n_most == 5, "five more settle ten"


def test_wrong_on_purpose_and_no_final_answer_are_not_asked_about():
    for candidate in (
        make_candidate(0, QUESTION, label="incorrect"),
        make_candidate(0, QUESTION, answer=None),
        make_candidate(0, QUESTION, answer="#### ", final=None),
    ):
        verdict, requests = judge(votes("3333"), candidate=candidate)
        assert verdict.is_accepted is None and verdict.reason and not requests


def test_equality_is_the_tasks():
    game, maths = TASKS.get("game24"), TASKS.get("maths")
    assert are_equal(game, "1 4 8 8", "(1 + 8 / 4) * 8", "8 * (8 / 4 + 1)") is True
    assert are_equal(game, "1 4 8 8", "1 + 4 + 8 + 8", "(1 + 8 / 4) * 8") is False
    assert are_equal(game, "no puzzle", "1", "2") is None
    assert are_equal(maths, "", "1/2", "0.5") is True
    assert judge(votes("33"), final="3.0", task=TASKS.get("word_problems"))[0].is_accepted is True


def test_the_built_in_teacher_agrees_with_itself():
    import numpy as np

    from core.generation.base import METHODS, Brief
    from core.generation.grow import grow
    from core.teacher.builtin import BuiltInTeacher

    task = TASKS.get("game24")
    seeds = [task.make_problem("1 4 8 8", None, None, {}), task.make_problem("2 9 10 12", None, None, {})]
    teacher = BuiltInTeacher()
    context = FilterContext(task, seeds={seed.problem_id: seed for seed in seeds}, teacher=teacher)
    verdicts = []
    grow(
        seeds, Brief(task, seeds), METHODS.get("rewrite"), teacher, make_filters(["agrees"]), n_accepted=2,
        rng=np.random.default_rng(0), context=context, on_candidate=lambda _, said: verdicts.extend(said),
        sample_index=7_000,
    )  # fmt: skip
    assert [(verdict.is_accepted, verdict.value) for verdict in verdicts] == [(True, 1.0)] * 2


@pytest.mark.parametrize("n", [0, 101])
def test_a_number_of_samples_that_makes_no_sense_is_refused(n):
    with pytest.raises(SeedbedError):
        make_filters(["agrees"], {"agrees": {"n_samples": n}})


@pytest.mark.parametrize("n_samples", [1, 2, 4, 9])
def test_a_candidate_takes_as_many_requests_as_are_estimated(n_samples):
    task, one = TASKS.get("word_problems"), Agrees(n_samples=n_samples)
    (step,) = one.list_steps(task, False)
    assert step.purpose == "answer" and step.prompts == ("word_problems_answer",)
    counts = []
    for finals in ("4" * 20, "5" * 20, "4545454545", "5454545454"):
        teacher = ScriptedTeacher([f"It is so.\n#### {final}" for final in finals])
        context = FilterContext(task, teacher=teacher)
        asyncio.run(one([make_candidate(0, "How many are 2 and 2?", answer="#### 4", final="4")], context))
        counts.append(len(teacher.requests))
    assert counts[0] == step.fewest == min(counts) and max(counts) <= step.most == n_samples
    assert one.list_steps(task, True) == ()
