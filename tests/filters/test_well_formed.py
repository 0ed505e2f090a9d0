import pytest

from core.filters.base import FILTERS, FilterContext
from core.filters.text_faults import find_cut_off, find_imbalance, find_loop
from core.tasks import TASKS
from tests.filters.stand_ins import AnyTask, make_candidate

GOOD = "Tom has $5 and spends $2 on pears. How many dollars does he have left?"


def judge(question, answer="He keeps 5 - 2 = <<5-2=3>>3 dollars.\n#### 3", task=None):
    (verdict,) = FILTERS.get("well_formed")([make_candidate(0, question, answer)], FilterContext(task or AnyTask()))
    return verdict


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("", "empty"),
        ("?!…", "?!…"),
        (f"{GOOD} \ufffd", "U+FFFD"),
        (f"Itâ€™s late. {GOOD}", "â€™s"),
        (f"<think>{GOOD}", "<think>"),
        (f"{GOOD}<|im_end|>", "<|im_end|>"),
        (f"```\n{GOOD}\n```", "```"),
        (f'{{"question": "{GOOD}"}}', '{"question"'),
        (f"#Rewritten Instruction#: {GOOD}", "#Rewritten Instruction#"),
        (f"**New question:** {GOOD}", "**New question:"),
        (f"{GOOD}\nAnswer: 3", "Answer:"),
        (f"{GOOD}\n#### 3", "####"),
        (f"As an AI, I like this: {GOOD}", "As an AI"),
        (f"Sure! {GOOD}", "Sure!"),
        (f"Here is a rewritten question. {GOOD}", "Here is a rewritten question"),
        ("{question}", "{question}"),
        ("[Name] has 5 pears. How many are left?", "[Name]"),
        ("Tom has 5 pears. He gives 2 of them to the", "to the"),
        ("Tom has 5 pears. How many pears does he have le", "have le"),
        (r"Compute $\frac{1}{2 + 3$.", r"\frac{1}{2"),
        (r"Compute $\frac{1}{2} + 3.", "$"),
        (r"Let \begin{align} x = 2. Find $x$.", "align"),
        ("The cat sat on the mat again. " * 6 + "Why?", "The cat sat"),
    ],
)
def test_what_a_reviewer_turns_down_is_rejected_and_quoted(question, quoted):
    verdict = judge(question)
    assert verdict.is_accepted is False
    assert quoted in verdict.reason


@pytest.mark.parametrize(
    "question",
    [
        GOOD,
        "If a<b and b>c, what is the largest of a, b and c?",
        r"What is $\left\{x : x > 2\right\} \cap [0, 3)$? Enter your answer as an interval.",
        r"A pen costs \$2 and a book $\$3$. How much are both?\[x\]",
        "Find $x$.\n[asy]\ndraw((0,0)--(1,1));\nlabel(\"{\", (0,0));\n[/asy]",
        "Max is a yumpus. Is the following statement true or false? Max is sour.",
        "Tom buys 3 apples, 2 of them red\nHow many are not red?",
        "小明买了三个苹果，吃了一个。还剩几个？",
        "¿Cuánto es todo? Todo cuesta 5.",
        "Note the given: 3 + 4. What is it?",
    ],
)  # fmt: skip
def test_what_is_fine_is_accepted(question):
    assert judge(question).is_accepted is True, judge(question).reason


def test_answers_are_looked_at_too():
    assert judge(GOOD, r"He has $5 - 2 = \boxed{3$ left.").reason.startswith("A box in the answer never closes")
    assert "placeholder" in judge(GOOD, r"The answer is \boxed{answer}.").reason
    assert "repeats the question" in judge(GOOD, GOOD).reason
    assert judge(GOOD, "").is_accepted is False
    assert judge(GOOD, "Answer: True").is_accepted is True
    assert judge(GOOD, r"Answer: \boxed{4 * (9 - (13 - 10))}").is_accepted is True
    assert judge(GOOD, r"So she baked \boxed{3} cakes").is_accepted is True
    assert judge(GOOD, None).is_accepted is None


def test_tasks_with_a_shape_of_their_own_ask_for_it():
    game, deduction = TASKS.get("game24"), TASKS.get("prontoqa")
    assert judge("1 4 8 8", r"Answer: \boxed{(1 + 8 / 4) * 8}", game).is_accepted is True
    assert judge(GOOD, "3", game).is_accepted is False
    good = "Every yumpus is sour. Max is a yumpus.\nIs the following statement true or false? Max is sour."
    assert judge(good, "Max is sour.\nAnswer: True", deduction).is_accepted is True
    assert "does not ask" in judge(GOOD, "Answer: True", deduction).reason


def test_longest_text_is_a_setting():
    from core.filters.base import make_filters

    (strict,) = make_filters(["well_formed"], {"well_formed": {"max_characters": 20}})
    (verdict,) = strict([make_candidate(0, GOOD)], FilterContext(AnyTask()))
    assert "more than 20" in verdict.reason


def test_money_needs_no_pair_and_a_line_may_stand_often_enough():
    assert find_imbalance("It costs $5 or 5$ or {5}.", "question") is None
    assert find_loop("This line is long enough to count.\n" * 4, "answer") is None
    assert find_loop("This line is long enough to count.\n" * 5, "answer") is not None
    assert find_cut_off("Therefore, the shop has 38 benches", "answer") is None
