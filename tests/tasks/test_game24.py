"""Game of 24: exact expressions, the solver against a slow plain search, and the task's contract."""

from fractions import Fraction
from itertools import combinations_with_replacement, permutations

import pytest

from core.tasks.arithmetic24 import (
    ExpressionError,
    find_error,
    find_step_error,
    format_expression,
    list_steps,
    parse_expression,
    replace_numbers,
    solve_for_number,
    write_worked,
)
from core.tasks.base import NewQuestion, ReplyError
from core.tasks.game24 import Game24, read_numbers
from core.tasks.solutions24 import needs_fraction, solve

TASK = Game24()
WORKED = "8 / 4 = 2 (left: 1 2 8)\n2 + 1 = 3 (left: 3 8)\n8 * 3 = 24 (left: 24)\nAnswer: \\boxed{8 * (8 / 4 + 1)}"


@pytest.mark.parametrize(
    "text",
    [
        "(1 + 8 / 4) * 8",
        "(1+8/4)*8 = 24",
        "(1 + 8 ÷ 4) × 8",
        r"\left(1 + \frac{8}{4}\right) \times 8",
        r"(1 + 8 \div 4) \cdot 8 = 24",
        "((1) + ((8 / 4))) * 8",
        "(1 + 8 / 4) x 8",
    ],
)
def test_ways_to_write_one_solution(text):
    assert find_error(text, [1, 4, 8, 8]) is None
    assert format_expression(parse_expression(text)) == "(1 + 8 / 4) * 8"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24",
        "8 * (8 / 4 + 1",
        "8 * 4 - 8",  # leaves out the 1
        "8 * 4 - 8 * 1 * 1",
        "1 - 4 + 8 * 8",  # not 24
        "48 - 8 - 8 - 8",
        "8 ** 1 * 4 - 8",
        "8 * 4 - 8 // 1",
        "-8 * 1 + 4 * 8",  # a sign is no operation on two numbers
        "8 * 4 - 8 * 1.0",
        "8 * 4 - 8 * True",
        "(8)(4) - 8 * 1",
        "1_8 + 4 + 8",
        "8 * 4 - 8 / (1 - 1)",
        "__import__('os').system('true')",
        "8 * 4 - 8 * 1 if 1 else 0",
        "(" * 150 + "1" + ")" * 150,
        "1+" * 95 + "1",
        "1+" * 5000 + "1",
    ],
)
def test_what_is_no_solution(text):
    assert find_error(text, [1, 4, 8, 8]) is not None


def test_values_are_exact():
    assert parse_expression("1 / 3 + 1 / 3 + 1 / 3").value == 1
    assert find_error("8 / (3 - 8 / 3)", [3, 3, 8, 8]) is None
    with pytest.raises(ExpressionError, match="divides by zero"):
        parse_expression("1 / (2 - 2)")


@pytest.mark.parametrize(
    "text", ["1 - (2 - 3)", "8 / (4 / 2)", "(1 + 2) * 3", "1 + 2 * 3", "1 - 2 - 3", "8 / (3 - 8 / 3)"]
)
def test_formatting_keeps_the_tree(text):
    assert format_expression(parse_expression(text)) == text


def test_steps_of_a_solution_with_fractions():
    assert list_steps(parse_expression("8 / (3 - 8 / 3)")) == [
        "8 / 3 = 8/3 (left: 8/3 3 8)",
        "3 - (8/3) = 1/3 (left: 1/3 8)",
        "8 / (1/3) = 24 (left: 24)",
    ]
    assert find_step_error(write_worked("8 / (3 - 8 / 3)"), [3, 3, 8, 8]) is None


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("8 / 4 = 3 (left: 1 3 8)", "result is 2"),
        ("8 / 5 = 8/5 (left: 1 8/5 8)", "not left"),
        ("8 / 4 = 2 (left: 1 2)", "does not list"),
        ("8 / 0 = 2 (left: 1 2 8)", "cannot be calculated"),
    ],
)
def test_wrong_steps_are_found(line, fault):
    assert fault in find_step_error(line, [1, 4, 8, 8])


def reach_24_slowly(numbers):
    """Try every order, every operator and all five ways to bracket four numbers; the set of expression texts."""
    found = set()
    shapes = ["(({} {} {}) {} {}) {} {}", "({} {} ({} {} {})) {} {}", "({} {} {}) {} ({} {} {})"]
    shapes += ["{} {} (({} {} {}) {} {})", "{} {} ({} {} ({} {} {}))"]
    for a, b, c, d in set(permutations(numbers)):
        for signs in [(p, q, r) for p in "+-*/" for q in "+-*/" for r in "+-*/"]:
            for shape in shapes:
                text = shape.format(a, signs[0], b, signs[1], c, signs[2], d)
                try:
                    if parse_expression(text).value == 24:
                        found.add(text)
                except ExpressionError:
                    continue
    return found


@pytest.mark.parametrize(
    "numbers", [(1, 1, 1, 8), (3, 3, 8, 8), (1, 4, 8, 8), (1, 1, 1, 1), (13, 13, 13, 13), (6, 9, 9, 10)]
)
def test_solver_agrees_with_a_slow_search(numbers):
    slow, fast = reach_24_slowly(numbers), solve(numbers)
    assert bool(slow) == bool(fast)
    assert all(find_error(text, numbers) is None for text in fast)
    assert len(set(fast)) == len(fast) <= len(slow)


def test_distinct_solutions_by_hand():
    # 6*6-6-6 and 6+6+6+6, nothing else; 3 3 8 8 has one solution, through fractions alone.
    assert sorted(solve([6, 6, 6, 6])) == ["6 * 6 - 6 - 6", "6 + 6 + 6 + 6"]
    assert solve([8, 3, 8, 3]) == ["8 / (3 - 8 / 3)"]
    assert needs_fraction([3, 3, 8, 8]) and not needs_fraction([6, 6, 6, 6]) and not needs_fraction([1, 1, 1, 1])


def test_number_of_solvable_puzzles():
    # The known counts: 1,362 of the 1,820 multisets over 1..13, and 566 over 1..10 (of 715).
    solvable = [numbers for numbers in combinations_with_replacement(range(1, 14), 4) if solve(numbers)]
    assert len(solvable) == 1362
    assert sum(max(numbers) <= 10 for numbers in solvable) == 566


def test_solving_backwards():
    node = parse_expression("13 * 8 - 10 * 8")
    changed = replace_numbers(node, [13, 4, 10, 8])
    assert format_expression(changed) == "13 * 4 - 10 * 8"
    assert solve_for_number(changed, 0) == 26  # the paper's example: a * 4 - 10 * 8 = 24
    for text in ("1 + 2 * 3", "9 / (4 - 1)", "8 / (3 - 8 / 3)", "(5 - 2) * 8"):
        tree = parse_expression(text)
        for place, number in enumerate(tree.numbers()):
            assert solve_for_number(tree, place, tree.value) == Fraction(number)
    assert solve_for_number(parse_expression("5 * (3 - 3) + 24"), 0) is None


@pytest.mark.parametrize("text", ["1 4 8 8", "8, 4, 1, 8", "[8, 8, 4, 1]", " 8 1 8 4 "])
def test_question_forms(text):
    assert read_numbers(text) == [1, 4, 8, 8]


@pytest.mark.parametrize("text", ["1 4 8", "1 4 8 8 8", "1 4 8 x", "0 4 8 8", "-1 4 8 8", "", "1.5 4 8 8"])
def test_bad_questions(text):
    with pytest.raises(ValueError, match="four whole numbers"):
        TASK.make_problem(text, None, None, {})


def test_missing_reference_is_solved():
    problem = TASK.make_problem("8 8 4 1", None, "24", {"rank": 3})
    assert problem.question == "1 4 8 8"
    assert problem.final == solve([1, 4, 8, 8])[0]
    assert TASK.find_fault(problem.question, problem.answer, problem.meta) is None
    assert problem.meta == {"rank": 3, "numbers": [1, 4, 8, 8], "needs_fraction": False}


def test_given_references():
    assert TASK.make_problem("1 4 8 8", WORKED, None, {}).answer == WORKED
    assert TASK.make_problem("1 4 8 8", None, "8*(8/4+1)=24", {}).answer == WORKED
    assert TASK.make_problem("1 4 8 8", "8*(8/4+1)", "24", {}).final == "8 * (8 / 4 + 1)"


@pytest.mark.parametrize(
    ("question", "answer", "final", "message"),
    [
        ("1 1 1 1", None, None, "cannot make 24"),
        ("1 4 8 8", None, "8 * 4 - 8", "instead of each of 1 4 8 8"),
        ("1 4 8 8", None, "8 * 8 - 4 * 1", "makes 60"),
        ("1 4 8 8", "no idea", None, "no expression"),
        ("1 4 8 8", "8 * 4 = 32\nAnswer: 32 - 8", "8 * 4 - 8 * 1", "does not end in a solution"),
    ],
)
def test_bad_references(question, answer, final, message):
    with pytest.raises(ValueError, match=message):
        TASK.make_problem(question, answer, final, {})


def test_solutions_of_one_puzzle_share_a_split_but_no_id():
    one, other = (TASK.make_problem("1 4 8 8", None, text, {}) for text in solve([1, 4, 8, 8])[:2])
    assert one.problem_id != other.problem_id
    assert TASK.split_key(one) == TASK.split_key(other) == "1 4 8 8"


def test_prompts():
    problem = TASK.make_problem("1 4 8 8", WORKED, None, {})
    student = TASK.student_prompt("3 3 8 8")
    assert student.endswith("Input: 3 3 8 8\nPut your final answer within \\boxed{answer}. Steps:")
    assert student.count("Input:") == 6
    asked = TASK.question_prompt(problem, [])
    assert "The numbers 1 4 8 8 need" in asked and asked.count("8 * (8 / 4 + 1) = 24") == 4 and "\\boxed{null}" in asked
    steps = TASK.answer_prompt(NewQuestion("3 3 8 8", answer_hint="8 / (3 - 8 / 3)"))
    assert "Here is the final answer: 8 / (3 - 8 / 3) = 24" in steps and "\\boxed{answer}" in steps
    assert TASK.answer_prompt(NewQuestion("3 3 8 8")) == student


def test_question_reply():
    new = TASK.read_question(r"First \boxed{null}, but then a = 26: \boxed{4*26-10*8=24}.")
    assert new.question == "4 8 10 26"
    assert new.answer_hint == "4 * 26 - 10 * 8"
    assert new.meta == {"numbers": [4, 8, 10, 26]}


@pytest.mark.parametrize(
    "reply", ["a = 26", r"\boxed{null}", r"\boxed{4*26-10*9}", r"\boxed{12*2}", r"\boxed{x + 1}", r"\boxed{4*26-10*8"]
)
def test_bad_question_replies(reply):
    with pytest.raises(ReplyError):
        TASK.read_question(reply)


def test_answer_reply():
    reply = WORKED.replace("Answer: ", "Final: ").replace("\n", "\nNext:\n", 1)
    assert TASK.read_answer(reply) == WORKED
    assert TASK.read_answer("Answer: 8*(8/4+1) = 24") == "Answer: \\boxed{8 * (8 / 4 + 1)}"
    with pytest.raises(ReplyError):
        TASK.read_answer("It cannot be done.")


@pytest.mark.parametrize(
    ("answer", "is_correct"),
    [
        (WORKED, True),
        (r"\boxed{8*4*1-8}", True),
        ("Answer: (1 + 8 / 4) * 8 = 24", True),
        (r"\boxed{(1 + 8/4) \times 8}", True),
        (r"\boxed{24}", False),
        (r"\boxed{8*4-8}", False),
        ("8 / 4 = 2 (left: 1 2 8)\n2 + 1 = 3 (left: 3 8)", False),
        ("", False),
    ],
)
def test_student_answers(answer, is_correct):
    problem = TASK.make_problem("1 4 8 8", None, None, {})
    assert TASK.is_correct(TASK.extract_final(answer), problem) is is_correct


@pytest.mark.parametrize(
    ("question", "answer", "fault"),
    [
        ("1 4 8 8", WORKED, None),
        ("1 4 8 9", WORKED, "instead of"),
        ("1 4 8", WORKED, "four whole numbers"),
        ("1 4 8 8", WORKED.replace("2 + 1 = 3", "2 + 1 = 4"), "result is 3"),
        ("1 4 8 8", "8 / 4 = 2 (left: 1 2 8)", "no final expression"),
    ],
)
def test_faults(question, answer, fault):
    found = TASK.find_fault(question, answer, {})
    assert found is None if fault is None else fault in found


def test_fixed_prompt_is_answered_by_an_equation_or_by_the_numbers_alone():
    task = Game24()
    boxed = task.read_fresh(r"I take 4 and 8. \boxed{(4 + 8) * (6 - 4) = 24}")
    assert boxed.question == "4 4 6 8" and boxed.answer_hint
    assert task.read_fresh("8 6 4 4").question == "4 4 6 8"
