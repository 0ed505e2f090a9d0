"""Word problems: prompts, final numbers, and what a worked answer can get wrong."""

import numpy as np
import pytest

from core.tasks.base import NewQuestion, ReplyError
from core.tasks.word_problems import WordProblems

TASK = WordProblems()
QUESTION = "Pia packs 4 bags of 6 rolls and eats 3 rolls. How many rolls are left?"
WORKED = "There are 4*6=<<4*6=24>>24 rolls.\nShe keeps 24-3=<<24-3=21>>21.\n#### 21"


def make(answer=WORKED, final=None, **meta):
    return TASK.make_problem(QUESTION, answer, final, meta)


def test_student_prompt_is_that_of_the_paper():
    assert TASK.student_prompt("Why?") == "Question: Why?\nSolve the problem step-by-step.\nAnswer:"


def test_answer_prompt_adds_only_the_form_of_the_last_line():
    prompt = TASK.answer_prompt(NewQuestion("Why?"))
    assert prompt.startswith("Question: Why?\nSolve the problem step-by-step.\n") and prompt.endswith("\nAnswer:")
    assert "####" in prompt


def test_question_prompt_shows_examples_in_the_paper_s_form():
    prompt = TASK.question_prompt(make(), [make("5+5=10\n#### 10")])
    assert f"#Given Instruction#: {QUESTION} #Answer#: 5+5=10\n#### 10\n" in prompt
    assert prompt.endswith(f"#Given Instruction#:\n{QUESTION}\n#Rewritten Instruction#:")


def test_gsm8k_row():
    problem = make()
    assert (problem.answer, problem.final, problem.meta["n_steps"]) == (WORKED, "21", 2)
    assert make(final="21") == problem == make(final="21.0")


@pytest.mark.parametrize(
    ("answer", "final", "expected"),
    [
        (None, "1,200", ("#### 1200", "1200")),
        ("Half of 5 is 2.5.", "2.50", ("Half of 5 is 2.5.\n#### 2.5", "2.5")),
        ("#### $1,080", None, ("#### $1,080", "1080")),
        ("21", None, ("21\n#### 21", "21")),
    ],
)
def test_rows_get_a_final_line_and_a_canonical_number(answer, final, expected):
    problem = make(answer, final)
    assert (problem.answer, problem.final) == expected


@pytest.mark.parametrize(
    ("answer", "final", "message"),
    [
        (WORKED, "22", "but the final answer is given as '22'"),
        ("She keeps some.\nThat is all.", None, "no final answer"),
        ("#### many", None, "'many' is not a number"),
        ("", None, "no final answer"),
    ],
)
def test_bad_rows_say_why(answer, final, message):
    with pytest.raises(ValueError, match=message):
        make(answer, final)


@pytest.mark.parametrize(
    ("reply", "final"),
    [
        ("So 3+4=7.\n#### 7", "7"),
        ("#### 1,000", "1000"),
        ("####18 dollars", "18"),
        ("We get 5 and then 9.\nThe answer is 9.", "9"),
        ("**Final answer: $4.50**", "4.5"),
        ("A: 26", "26"),
        (r"so \boxed{12}", "12"),
        ("42", "42"),
        ("#### 5\n#### 6", "6"),
        ("He has 5 apples and then 9 pears,\nand he", None),
        ("3+4=7\n####", None),
        (r"I get \boxed{1", None),
        ("", None),
    ],
)
def test_final_number(reply, final):
    assert TASK.extract_final(reply) == final


@pytest.mark.parametrize(
    ("gold", "student", "is_correct"),
    [
        ("1000", "1,000", True),
        ("1000", "$1000", True),
        ("1000", "1000.0", True),
        ("60", "60%", True),
        ("0.6", "60%", True),
        ("5", "-5", False),
        ("0.5", "1/2", True),
        ("0.33", "1/3", False),
        ("5", "5 apples", True),
        ("5", "x", False),
        ("5", None, False),
    ],
)
def test_numbers_are_compared_exactly(gold, student, is_correct):
    assert TASK.is_correct(student, make("", gold)) is is_correct


def test_problem_without_reference_is_not_judged():
    from core.records import Problem

    assert TASK.is_correct("5", Problem("p_1", "Why?", None, None)) is None


@pytest.mark.parametrize(
    ("reply", "target"),
    [
        ("Steps.\n#### 7", "Steps.\n#### 7"),
        ("Steps.\n#### $7.00\nHope that helps!", "Steps.\n#### 7"),
        ("Steps.\nThe answer is 7.", "Steps.\nThe answer is 7.\n#### 7"),
        ("She has 2+5=7, so #### 7\nDone", "She has 2+5=7, so\n#### 7"),
        ("Steps.\nFinal answer: #### 7", "Steps.\n#### 7"),
        ("Steps.\n**Answer:** #### 7", "Steps.\n#### 7"),
    ],
)
def test_training_targets_end_in_the_final_line(reply, target):
    assert TASK.read_answer(reply) == target


def test_reply_that_only_calculates_is_refused():
    with pytest.raises(ReplyError, match="no final number"):
        TASK.read_answer("4*6=24 rolls.\n24-3=21 rolls.")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (WORKED, None),
        ("Two steps of 3 give 6.\n#### 6", None),
        (WORKED.replace("<<4*6=24>>24", "<<4*6=26>>26"), "'4*6=26' is wrong"),
        (WORKED.replace("#### 21", "#### 24"), "not the last calculated value"),
        ("<<4*6=24>>24 rolls, and 24 - 3 = 21 are left.\n#### 21", None),
        ("<<4*6=24>>24 rolls, and 24 - 3 = 22 are left.\n#### 22", "not the last calculated value"),
        ("<<3-8=-5>>-5\n#### -5", "negative"),
        ("<<10000000*10000000=100000000000000>>\n#### 100000000000000", "too large"),
        ("<<six*2=12>>12\n#### 12", "cannot be checked"),
        ("<<1/4=25%>>25%\n#### 25%", None),
        ("#### a lot", "'a lot' is not a number"),
        ("<<3*20=60>>60% of them\n#### 60%", None),
        ("<<3*20=60>>60 percent of them\n#### 0.6", None),
        ("<<3*20=60>>60\n#### 0.6", "not the last calculated value"),
        ("<<5*20=100>>100% in all, <<3*20=60>>60\n#### 0.6", "not the last calculated value"),
        ("3 + 4 = 9\n#### 9", "'3 + 4 = 9' is wrong"),
        ("3 + 4 = 7\n#### 7", None),
        ("3 + 4\n= 7\n#### 7", None),
    ],
)
def test_faults(answer, fault):
    found = TASK.find_fault(QUESTION, answer, {})
    assert found is None if fault is None else found is not None and fault in found


def test_one_label_in_front_of_a_new_question_is_taken_off():
    assert TASK.read_question("#Rewritten Instruction#:\nHow many?").question == "How many?"
    assert TASK.read_question("**Rewritten Instruction:** How many?").question == "How many?"
    assert TASK.read_question("How many?\n#Answer#: 5").question == "How many?"


def test_examples_leave_out_twins_of_the_seed():
    twin = TASK.make_problem(QUESTION.upper(), "#### 3", None, {})
    other = TASK.make_problem("How many?", "#### 3", None, {})
    assert TASK.pick_examples([make(), twin, other], make(), 5, np.random.default_rng(0)) == [other]
