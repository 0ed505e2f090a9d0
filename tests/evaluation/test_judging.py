"""Tests of the sentence that stands behind every judgement."""

import pytest

from core.evaluation.judging import TOLERANT, VERDICTS, judge_answer, judge_row
from core.models.generate import NO_ROOM, REFUSED, Answer
from core.models.predict import make_prediction
from core.records import Problem
from core.tasks import TASKS

DEDUCTION = "Each cat is red. Max is a cat.\nIs the following statement true or false? Max is red."


def judge(task, final, text, *, question="Q?", is_truncated=False, tolerance=None):
    task = TASKS.get(task)
    problem = Problem("p", question, None, final)
    answer = make_prediction(task, problem, Answer(text, 0.1, 7, is_truncated))
    judged = judge_answer(task, problem, answer, tolerance)
    assert judged.verdict in VERDICTS and judged.reason.endswith((".", ")")) and "\n" not in judged.reason
    if tolerance is None and judged.verdict not in ("no_reference", "no_answer"):
        assert judged.is_correct == answer.is_correct  # as everywhere else
    return judged


@pytest.mark.parametrize(
    ("task", "final", "text", "verdict", "sentence"),
    [
        ("word_problems", "72", "#### 72", "right", "The final answer 72 is the reference."),
        ("word_problems", "72", "#### 27", "wrong", "The final answer 27 differs from the reference 72."),
        ("word_problems", "72", "I do not know.", "no_final", "The answer states no final answer."),
        ("word_problems", "72", "", "no_final", "The answer is empty."),
        ("word_problems", None, "#### 72", "no_reference", "has no reference answer"),
        ("maths", r"\frac{1}{2}", r"\boxed{0.5}", "right", r"1/2 equals the reference \frac{1}{2}."),
        ("maths", "x+1", r"\boxed{x+2}", "wrong", "x+2 differs from the reference x+1."),
        ("custom", "red", "#### blue", "wrong", "blue differs from the reference red."),
    ],
)
def test_a_judgement_and_its_sentence(task, final, text, verdict, sentence):
    judged = judge(task, final, text)
    assert judged.verdict == verdict and sentence in judged.reason
    assert judged.is_correct is {"right": True, "no_reference": None}.get(verdict, False)


def test_an_answer_that_was_cut_off_says_when():
    assert judge("maths", "5", "so it", is_truncated=True).reason == (
        "The answer was cut off after 7 tokens, before it stated a final answer."
    )
    right = judge("custom", "red", "#### red", is_truncated=True)
    assert right.is_correct and right.reason.endswith("The answer was cut off behind it.")


def test_a_wrong_solution_of_a_game_says_what_it_makes():
    judged = judge("game24", "(10 + 1 + 1) * 2", r"\boxed{(10 - 1 + 1) * 2}", question="1 1 2 10")
    assert judged.verdict == "wrong" and judged.reason.endswith("The expression makes 20, not 24.")
    other = judge("game24", "(10 + 1 + 1) * 2", r"\boxed{2 * (1 + 10 + 1)}", question="1 1 2 10")
    assert other.is_correct and "equals the reference" in other.reason


def test_a_right_answer_by_wrong_steps_is_right_and_told():
    text = "Max is a cat.\nEach cat is blue.\nMax is red.\nAnswer: True"
    judged = judge("prontoqa", "True", text, question=DEDUCTION)
    assert judged.is_correct and judged.has_wrong_step and "The steps do not hold, though:" in judged.reason
    held = judge("prontoqa", "True", "Max is a cat.\nEach cat is red.\nMax is red.\nAnswer: True", question=DEDUCTION)
    assert held.is_correct and not held.has_wrong_step


def test_a_tolerance_makes_rounded_numbers_equal():
    assert judge("maths", "1.6", r"\boxed{1.59}").verdict == "wrong"
    judged = judge("maths", "1.6", r"\boxed{1.59}", tolerance=0.01)
    assert judged.is_correct and judged.verdict == "right"
    assert judge("maths", "1.6", r"\boxed{1.5}", tolerance=0.01).verdict == "wrong"
    assert set(TOLERANT) < set(TASKS)


def test_what_cannot_be_decided_counts_as_wrong_and_says_so():
    judged = judge("maths", "1 hour 30 minutes", r"\boxed{90}")
    assert judged.verdict == "undecided" and judged.is_correct is False
    assert "could not be decided, which counts as wrong" in judged.reason


def test_no_room_is_wrong_and_a_refusal_is_nothing():
    task, problem = TASKS.get("custom"), Problem("p", "Q?", None, "red")
    no_room = judge_answer(task, problem, make_prediction(task, problem, NO_ROOM))
    assert (no_room.is_correct, no_room.verdict) == (
        False,
        "no_answer",
    ) and "fills the student's context" in no_room.reason
    refused = judge_answer(task, problem, make_prediction(task, problem, REFUSED))
    assert (refused.is_correct, refused.verdict) == (None, "no_answer") and "refused" in refused.reason


def test_a_long_answer_is_shortened_in_its_sentence():
    reason = judge("custom", "red", "#### " + "very " * 100).reason
    assert len(reason) < 200 and "…" in reason


def test_a_kept_answer_is_judged_again_as_it_was():
    row = {"problem_id": "p", "question": "Q?", "answer": None, "reference": "72", "split": "test", "text": "#### 27",
           "final": "27", "is_correct": False, "loss": 0.1, "n_tokens": 7, "is_truncated": False,
           "unknown": None}  # fmt: skip
    assert judge_row("word_problems", row).reason == "The final answer 27 differs from the reference 72."
    unread = judge_row("word_problems", {**row, "question": None, "reference": None, "is_correct": None})
    assert (unread.is_correct, unread.verdict) == (None, "no_reference")
