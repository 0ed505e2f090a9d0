"""Maths: boxes, types and levels, exact and symbolic comparison, and what a worked answer can get wrong."""

import numpy as np
import pytest

from core.tasks.answers.pool import close_shared_pool, shared_pool
from core.tasks.base import NewQuestion
from core.tasks.maths import Maths, canonical_final, compare_finals

TASK = Maths()
QUESTION = "What is $3\\times 4+5$?"
WORKED = "- 3*4=12\n- 12+5=17\n\\boxed{17}"


@pytest.fixture(scope="module", autouse=True)
def _no_workers_left():
    yield
    close_shared_pool()


def make(answer=WORKED, final=None, **meta):
    return TASK.make_problem(QUESTION, answer, final, meta)


def test_both_answer_prompts_are_that_of_the_paper():
    expected = (
        "Can you solve the following math problem? Why?. Provide a bullet point summary of your reasoning. Your final "
        "answer should be a single answer, in the form \\boxed{answer}, at the end of your response."
    )
    assert TASK.student_prompt("Why?") == expected == TASK.answer_prompt(NewQuestion("Why?"))


def test_question_prompt_names_the_type_and_shows_typed_examples():
    prompt = TASK.question_prompt(make(type="Algebra"), [make(type="Algebra")])
    assert prompt.startswith("I want you to act as an Instruction Creator for Algebra mathematics problems.\n")
    assert f"The type of math problem is Algebra. #Given Instruction#: {QUESTION} #Answer#: {WORKED}" in prompt
    assert f"#Given Instruction# is a Algebra math problem.\n#Given Instruction#:\n{QUESTION}\n" in prompt


def test_examples_are_of_the_seed_s_type():
    pool = [TASK.make_problem(f"Question {i}?", r"\boxed{1}", None, {"type": "AB"[i % 2]}) for i in range(10)]
    examples = TASK.pick_examples(pool, make(type="A"), 9, np.random.default_rng(0))
    assert {example.meta["type"] for example in examples} == {"A"} and len(examples) == 5


@pytest.mark.parametrize(("level", "expected"), [(3, 3), ("Level 5", 5), ("2", 2), ("Level ?", None), (None, None)])
def test_level_is_a_whole_number_or_unknown(level, expected):
    assert make(level=level).meta["level"] == expected


@pytest.mark.parametrize(
    ("answer", "final", "expected"),
    [
        (WORKED, None, (WORKED, "17")),
        (WORKED, "17", (WORKED, "17")),
        (None, r"\frac{1}{2}", ("\\boxed{1/2}", "1/2")),
        ("Half of it.", "0.5", ("Half of it.\n\\boxed{1/2}", "1/2")),
        (r"x^2", None, ("\\boxed{x^2}", "x^2")),
        (r"so $\boxed{\left( 1,2 \right)}$.", None, (r"so $\boxed{\left( 1,2 \right)}$.", "( 1,2 )")),
        (r"\boxed{3} or rather \fbox{5}", None, (r"\boxed{3} or rather \fbox{5}", "5")),
    ],
)
def test_rows(answer, final, expected):
    problem = make(answer, final)
    assert (problem.answer, problem.final) == expected


@pytest.mark.parametrize("answer", [r"\boxed{}", "First this.\nThen that.", r"\boxed{\frac{3}{4}", "", None])
def test_rows_without_a_final_answer_are_refused(answer):
    with pytest.raises(ValueError, match="no final answer"):
        make(answer)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\frac{6}{8}", "3/4"),
        (r"\$32{,}348", "32348"),
        (r"50\%", "50%"),
        (r"\dfrac{x}{2}", r"\frac{x}{2}"),
        (r"\mbox{even}", r"\text{even}"),
        ("  ", None),
    ],
)
def test_one_spelling_per_answer(text, expected):
    assert canonical_final(text) == expected


@pytest.mark.parametrize(
    ("gold", "target", "expected"),
    [
        ("1/3", "0.333333", False),  # a looser comparison says True
        (r"\frac{1}{2}", "0.5", True),
        (r"2\sqrt{2}", r"\sqrt{8}", True),
        ("x+1", "1+x", True),
        ("x+1", "x+2", False),
        ("x=5", "5", True),
        ("(1,2)", "(2,1)", False),
        ("1,2,3", "3,2,1", True),
        (r"\text{even}", "Even", True),
        ("even", "neve", False),  # letters multiplied would be equal
        (r"\text{(C)}", "C", True),
        (r"\text{(C)}", "(D)", False),
        (r"10\text{ units}", "10", True),
        (r"120^\circ", "120", True),
        ("60%", "60", True),
        (r"\frac34i", r"\frac{3}{4}i", True),
    ],
)
def test_comparison(gold, target, expected):
    assert compare_finals(gold, target) is expected


def test_plain_numbers_need_no_process():
    close_shared_pool()
    assert TASK.is_correct("17.0", make()) is True
    assert TASK.is_correct("-17", make()) is False
    assert TASK.is_correct(None, make()) is False
    assert TASK.find_fault(QUESTION, WORKED, {}) is None
    assert shared_pool().list_pids() == []


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (WORKED, None),
        (r"\boxed{\frac{1}{x}}", None),
        (r"\boxed{\text{Monday}}", None),
        (r"\boxed{3}, that is \boxed{3.0}", None),
        (r"\boxed{3} no wait \boxed{5}", "2 different results"),
        (r"\boxed{\frac{3}{4}", "never closes"),
        (r"\boxed{ }", "empty"),
        ("It is 17.", r"no \boxed"),
        (WORKED.replace("=12", "=13"), "'3*4=13' is wrong"),
        ("- 17=3*5+1\n\\boxed{1}", "'17=3*5+1' is wrong"),
        ("It is <<3*4=13>>13.\n\\boxed{13}", "'3*4=13' is wrong"),
        (r"\boxed{???}", "not a formula"),
    ],
)
def test_faults(answer, fault):
    found = TASK.find_fault(QUESTION, answer, {})
    assert found is None if fault is None else found is not None and fault in found


def test_fixed_prompt_states_the_difficulty():
    """The format of Zhang 2025; what is neither AMC nor AIME is unknown."""
    task = Maths()
    new = task.read_fresh("Sure!\n\nQuestion: Find $x$.\nIt is positive.\nDifficulty: AIME\nAnswer: 7")
    assert new.question == "Find $x$.\nIt is positive." and new.meta == {"difficulty": "AIME"}
    assert task.read_fresh("**Question:** Find $x$.\n**Difficulty:** Hard").meta == {"difficulty": None}
    assert task.read_fresh("Find $x$ in one paragraph.").question == "Find $x$ in one paragraph."
