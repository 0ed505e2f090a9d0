"""Whole responses: where the final answer stands, and what is said where there is none."""

import pytest

from core.tasks.answers.compare import judge_many, judge_response
from core.tasks.answers.final_line import extract_answer, reduce_sentence
from core.tasks.answers.pool import close_shared_pool

RESPONSES = [
    ("34", "Final Answer: The largest $n$ is 34.", True),
    ("3", "So t = 8.\nFinal Answer: Jane started growing it 3 hours ago. I hope it is correct.", True),
    ("18", "She sells 9 eggs.\nShe makes $18 every day at the farmers' market.", True),
    ("18", "She sells 9 eggs.\nShe makes $17 every day at the farmers' market.", False),
    ("100\\%", "Therefore, the error of the position increases by 100%.", True),
    ("10", "Answer \\( (9+1) \\)", True),
    ("1,-2", "The integers are \\[ \\boxed{-2} \\quad \\text{and} \\quad \\boxed{1}. \\]", True),
    ("The roots are $\\boxed{1,-2}$.", "They are $\\boxed{-2}$ and $\\boxed{1}$.", True),
    ("2 clips, so\n#### 72", "48 + 24 = 72 clips in all. #### 72", True),
    (r"\frac{1}{3}", r"The answer is $\frac{1}{3}.$", True),
    ("1", "The answer is $1/3.$", False),
    ("2", r"It is $2^{10}.$", False),
    ("18", "Janet sells 9 eggs.\nSo she makes 9 * 2 = $<<9*2=18>>18 every day.\n#### 18", True),
    ("18", "She makes $18.\n\nThe answer is 18.", True),
    ("18", "The final answer is: $\\boxed{18}$. I hope it is correct.", True),
    ("18", "Final Answer: The final answer is $18$. I hope it is correct.", True),
    ("18", "**Answer:** 18 dollars", True),
    ("18", "**Answer: $18**", True),
    ("18", "Answer: **18**", True),
    ("18", "### Final Answer\n\n18", True),
    ("18", "#### Step 1: add\n3+15=18\n#### Final Answer: 18", True),
    ("18", "#### Final Answer\n**18**", True),
    ("18", "<think>maybe 20? \\boxed{20}</think>\nThe answer is \\boxed{18}.", True),
    ("18", "<think>so it is \\boxed{18}", False),
    ("18", "<think>18</think>", False),
    ("18", "<think>x</think>18", True),
    ("18", "<answer>18</answer>", True),
    ("18", "<answer> \\boxed{18} </answer>", True),
    ("18", "\\boxed{17} no wait, \\boxed{18}", True),
    ("18", "\\boxed{18} no wait, \\boxed{17}", False),
    ("18", "first \\boxed{18} then \\boxed{1", False),
    ("3/4", "\\boxed{\\frac{3}{4}", False),
    ("18", "So she makes 9 * 2 = 18 dollars every day.", True),
    ("18", "Therefore, she makes $18 every day at the market.", True),
    ("18", "She had 3.\nShe makes 18 every day", False),
    ("18", "The answer is 18.\n\nQuestion: What is 2+3?\nAnswer: 5", True),
    ("18", "Answer: 18<|im_end|>\n<|im_start|>user", True),
    ("18", "The answer is 17, no: the answer is 18.", True),
    ("18", "A: 18 eggs", True),
    ("18", "A: She makes 18 dollars", True),
    ("18", "A: 9*2 = 18", True),
    ("1,000", "A: 1000", True),
    ("1000", "#### 1,000", True),
    ("-5", "#### -5", True),
    ("0.5", "#### 1/2", True),
    ("50", "#### 50%", True),
    ("Monday", "The answer is Monday.", True),
    ("Monday", "\\boxed{\\text{Monday}}", True),
    ("C", "The correct answer is (C).", True),
    ("C", "The answer is C) 42", True),
    ("C", "Answer: C", True),
    ("C", "The correct option is **C**.", True),
    ("C", "Therefore, the correct choice is (C) 42.", True),
    ("C", "The answer is (B).", False),
    ("C", "\\boxed{C}", True),
    ("C", "\\boxed{\\text{(C) }42}", True),
    ("C", "so option C is correct.\nAnswer: Option C", True),
    ("True", "Alex is a cat. Cats are not dogs.\nAnswer: True", True),
    ("True", "Therefore, the statement is true.", True),
    ("False", "So the statement is not true.", True),
    ("True", "The answer is false.", False),
    ("A", "The answer is: True", True),
    ("B", "The correct option is: B", True),
    ("24", "(1+2+3)*4 = 24", True),
    ("24", "Answer: (1 + 2 + 3) * 4 = 24", True),
    (
        "(6 - 4) * (4 + 8)",
        "6 - 4 = 2 (left: 2 4 8)\n4 + 8 = 12 (left: 2 12)\n2 * 12 = 24 (left: 24)\nAnswer: \\boxed{(6-4)*(4+8)}",
        True,
    ),
    ("\\frac{1}{2}", "The final answer is:\n$$\n\\frac{1}{2}\n$$", True),
    ("\\frac{1}{2}", "The final answer is\n\\[ x = \\frac12 \\]", True),
    ("\\frac{1}{2}", "Thus the probability is $\\frac{1}{2}$.", True),
    ("\\frac{1}{2}", "So we get\n\n$\\frac12$", True),
    ("1,-2", "so $x=\\boxed{1}$ or $x=\\boxed{-2}$.", True),
    ("1,-2", "\\boxed{1} and \\boxed{-2}", True),
    ("-2", "$\\boxed{1}$ and $\\boxed{-2}$", True),
    ("2", "it follows that it is $\\boxed 2$.", True),
    ("5", "x = 5", True),
    ("5", "5", True),
    ("5", "", False),
    ("5", "   \n", False),
    ("5", "I do not know.", False),
    ("9 \\pi", "The area is $9\\pi$ square units, so the answer is $9\\pi$ square units.", True),
    ("(1,2)", "The answer is the point $(1,2)$.", True),
    ("70", "Thus, the answer is 70\\%.", True),
    ("5", "The answer is not 5.", False),
    ("5", "The answer is less than 5.", False),
    ("2.5", "The answer is 2.5.", True),
    ("2.5", "The answer is: 2.5 hours.", True),
    ("12", "Ans: 12", True),
    ("12", "The answer is $12. She pays $12.", True),
    ("Paris", "The capital is Paris.\n\n**Final answer:** Paris", True),
    ("540", "The final result is 540.", True),
    ("7", "Answer:\n7", True),
    ("7", "Answer\n\n7\n", True),
    ("10", "The answer is $\\text{10}$.", True),
    ("3", "the answer is 1+2=3", True),
    ("6", "The answer is $x = 6$", True),
    ("42", "<reasoning>\nblah\n</reasoning>\n<answer>\n42\n</answer>\n", True),
    ("\\$36", "The total cost is \\boxed{\\$36}", True),
    ("36", "the cost is $\\boxed{36\\text{ dollars}}$", True),
]
"""Reference, response, whether the response is right."""


@pytest.fixture(scope="module", autouse=True)
def _no_workers_left():
    yield
    close_shared_pool()


def test_verdicts():
    found = judge_many([case[:2] for case in RESPONSES])
    wrong = [f"{case[:2]}: {each}" for case, each in zip(RESPONSES, found, strict=True) if each.is_equal is not case[2]]
    assert wrong == []


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (None, "empty"),
        ("  \n ", "empty"),
        ("<think>It is 5, so", "inside its thinking"),
        ("\\boxed{5} and then \\boxed{6", "cut off"),
        ("It is \\boxed{ }.", "empty"),
        ("I wonder.\nMaybe", "no final answer"),
        ("5 + 3 = 8\n####  ", "Nothing stands behind"),
    ],
)
def test_why_there_is_none(response, words):
    found = extract_answer(response)
    assert found.text is None and words in found.reason
    judged = judge_response("5", response)
    assert judged.is_equal is False and "missing answer is wrong" in judged.reason


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        ("She has 12 eggs left.", "12"),
        ("It costs $1,234.50 in all", "1,234.50"),
        ("5 + 7 = 12 eggs", "12"),
        ("so $x^2$ is it", "x^2"),
        ("3 apples and 2 pears", None),
        ("It is not 12.", None),
        ("at least 12", None),
        ("nothing", None),
    ],
)
def test_one_value_of_a_sentence(sentence, value):
    assert reduce_sentence(sentence) == value


def test_long_responses_are_read_from_the_end():
    assert extract_answer("word " * 10**6 + "\n#### 42").text == "42"
    assert extract_answer("#" * 10**6).text is None
    assert extract_answer("answer " * 10**5 + "is 5").text == "5"
    assert extract_answer(("the answer is 1. " * 100 + "\n") * 200 + "A: 7").text == "7"
