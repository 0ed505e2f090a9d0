"""The filters ``verified`` and ``wrong`` on the tasks themselves, each on candidates that the other leaves alone."""

import pytest

from core.filters.base import FILTERS, FilterContext
from core.filters.wrong import is_equal_final
from core.records import Problem
from core.tasks import TASKS, maths
from tests.filters.stand_ins import AnyTask, make_candidate

QUESTION = "Tom has 5 pears and gives 2 away. How many are left?"


def judge(name, task, answer, question=QUESTION, label=None, parents=("p",), seed=None, final=None):
    meta = {"label": label} if label else {}
    candidate = make_candidate(0, question, answer, parents, final, **meta)
    context = FilterContext(TASKS.get(task), seeds={"p": seed} if seed else {})
    (verdict,) = FILTERS.get(name)([candidate], context)
    return verdict


@pytest.mark.parametrize(
    ("task", "answer", "is_accepted"),
    [
        ("word_problems", "He has <<5-2=3>>3 left.\n#### 3", True),
        ("word_problems", "5 - 2 = 3\n#### 3", True),
        ("word_problems", "He has <<5-2=4>>4 left.\n#### 4", False),
        ("word_problems", "He has three left.\n#### 3", None),
        ("maths", r"We take two away, so \boxed{3} are left.", None),
        ("maths", "5 - 2 = 3\n\\boxed{3}", True),
        ("maths", "5 - 2 = 4\n\\boxed{4}", False),
        ("maths", "We take two away.", False),
        ("custom", "Two are given away.\n#### 3", None),
        ("custom", "<<5-2=3>>\n#### 3", True),
        ("custom", "<<5-2=4>>\n#### 4", False),
    ],
)
def test_an_answer_without_a_calculation_is_left_open(task, answer, is_accepted):
    verdict = judge("verified", task, answer)
    assert verdict.is_accepted is is_accepted
    assert (verdict.reason or "").startswith("The answer holds no calculation") == (is_accepted is None)


@pytest.mark.parametrize(("final", "is_accepted"), [("3", True), ("3.0 pears", True), ("7", False), (None, True)])
def test_a_final_answer_that_the_worked_one_does_not_end_in_is_rejected(final, is_accepted):
    verdict = judge("verified", "word_problems", "He has <<5-2=3>>3 left.\n#### 3", final=final)
    assert verdict.is_accepted is is_accepted
    assert is_accepted or verdict.reason == "The final answer '7' is not the one that the answer ends in, '3'."


def test_wrong_on_purpose_is_left_to_the_filter_wrong():
    verdict = judge("verified", "word_problems", "He has <<5-2=4>>4 left.\n#### 4", label="incorrect")
    assert verdict.is_accepted is None and "filter wrong" in verdict.reason


@pytest.mark.parametrize(
    ("task", "final", "answer", "is_accepted"),
    [
        ("word_problems", "3", "He has 4 left.\n#### 4", True),
        ("word_problems", "3", "He has 3 left.\n#### 3.0", False),
        ("word_problems", "3", "He eats them all.", False),
        ("word_problems", None, "He has 4 left.\n#### 4", None),
        ("maths", "60%", r"So \boxed{0.4}.", True),
        ("maths", "1/2", r"So \boxed{0.5}.", False),
        ("custom", "Paris", "#### Lyon", True),
        ("custom", "Paris", "#### paris.", False),
    ],
)
def test_wrong_compares_with_the_reference_of_the_seed(task, final, answer, is_accepted):
    verdict = judge("wrong", task, answer, label="incorrect", seed=Problem("p", QUESTION, None, final))
    assert verdict.is_accepted is is_accepted


def test_wrong_needs_the_seed_whose_question_it_is():
    answer, seed = "He has 4 left.\n#### 4", Problem("p", QUESTION, None, "3")
    assert judge("wrong", "word_problems", answer, label="incorrect").is_accepted is None
    other = judge("wrong", "word_problems", answer, question="Another question?", label="incorrect", seed=seed)
    assert other.is_accepted is None and "none of its seeds'" in other.reason
    assert judge("wrong", "word_problems", answer, seed=seed).is_accepted is None, "it is meant to be right"
    torn = Problem("p", "1 4 8", None, "3")
    assert judge("wrong", "game24", "24", question="1 4 8", label="incorrect", seed=torn).is_accepted is None
    game = Problem("p", "1 4 8 8", None, "(1 + 8 / 4) * 8")
    for answer, is_accepted in ((r"\boxed{(1 + 4) * 8 - 8}", True), (r"\boxed{8 * (1 + 8 / 4)}", False)):
        verdict = judge("wrong", "game24", answer, question="1 4 8 8", label="incorrect", seed=game)
        assert verdict.is_accepted is is_accepted


def test_a_formula_that_could_not_be_compared_is_not_called_wrong(monkeypatch):
    monkeypatch.setattr(maths, "compare_finals", lambda gold, target: None)
    seed = Problem("p", QUESTION, None, r"\text{blue}")
    verdict = judge("wrong", "maths", r"So \boxed{\text{green}}.", label="incorrect", seed=seed)
    assert verdict.is_accepted is None and "could not be decided" in verdict.reason


def test_which_comparisons_cannot_be_decided_is_the_business_of_the_task():
    """A task of another name that cannot decide is believed too."""

    class Undecided(AnyTask):
        def judge_final(self, final, problem):
            return None

    assert is_equal_final(Undecided(), "4", Problem("p", QUESTION, None, "4")) is None
    assert is_equal_final(AnyTask(), "4", Problem("p", QUESTION, None, "4")) is True
