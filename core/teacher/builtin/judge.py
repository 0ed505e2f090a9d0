"""The built-in teacher as judge, as grader, and asked a seed's own question: rules in place of an opinion.

It decides by the task's own check against the reference answer, which a real judge is not shown. Each answer is scored
by itself, so it makes no difference which of two is shown first. What it reads of a prompt is found by the prompt's
file, so a prompt may be reworded at will.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from core.errors import TeacherError
from core.records import Problem
from core.tasks import TASKS, NewQuestion, Task
from core.tasks.arithmetic24 import write_worked
from core.tasks.game24 import read_numbers
from core.tasks.prompts import PROMPTS, SLOT, read_prompt
from core.tasks.prontoqa import read_theory, write_answer
from core.tasks.solutions24 import solve
from core.teacher.base import TeacherRequest

RIGHT_WORKED = 9.0
RIGHT_BARE = 8.5
"""A right answer without steps loses less than the one point from which Jiang 2023 calls a problem hard."""

RIGHT_FLAWED = 6.0
WRONG_WORKED = 3.0
WRONG_BARE = 2.0
UNANSWERED = 1.0

N_WORDS_BARE = 7
"""An answer in one line of more words than this shows how it was found."""

EMPTY = ("", "(no answer)")
"""Answers that are none."""

LONGEST_SHOWN = 60
"""Characters of a final answer that the evidence repeats."""


def is_about_seed(request: TeacherRequest, seed: Problem) -> bool:
    """Say whether an answer request asks the seed's own question, in the words of the task's prompts.

    Whole prompts are compared: the Game of 24's hold five puzzles as examples, which can be seeds as well.
    """
    if request.task not in TASKS:
        return False
    task = TASKS.get(request.task)
    return request.prompt in (task.student_prompt(seed.question), task.answer_prompt(NewQuestion(seed.question)))


def answer_seed(task: str, seed: Problem) -> str:
    """Return a worked answer to the seed's question: proved or solved anew where rules can, else the reference.

    Raises:
        TeacherError: no rules reach the question, and it brings no reference answer.
    """
    derived = SOLVERS[task](seed.question) if task in SOLVERS else None
    answer = derived or seed.answer
    if not answer:
        raise TeacherError(
            "The built-in teacher cannot solve this problem by rules, and it brings no answer to repeat; "
            "choose another teacher."
        )
    return answer


def answer_question(request: TeacherRequest) -> str | None:
    """Return a worked answer to whatever question an answer prompt of the task asks, where rules can solve it.

    None where they cannot, and where the prompt was not made from the task's own text.
    """
    if request.task not in SOLVERS:
        return None
    names = [f"{request.task}_{kind}" for kind in ("answer", "student")]
    read = (read_slots(name, request.prompt) for name in names if (PROMPTS / f"{name}.txt").exists())
    slots = next(filter(None, read), None)
    return SOLVERS[request.task](slots["question"]) if slots else None


def _solve_deduction(question: str) -> str | None:
    """Return a proof by forward chaining; None where the question cannot be read or is not decided."""
    try:
        theory, statement = read_theory(question)
        truth = theory.judge(statement)
        return None if truth is None else write_answer(theory.prove(statement), str(truth))
    except ValueError:
        return None


def _solve_game24(question: str) -> str | None:
    """Return the plainest solution with its steps; None where the numbers make no 24."""
    try:
        solutions = solve(read_numbers(question))
    except ValueError:
        return None
    return write_worked(solutions[0]) if solutions else None


SOLVERS: dict[str, Callable[[str], str | None]] = {"prontoqa": _solve_deduction, "game24": _solve_game24}
"""Tasks whose questions rules can solve from their text alone."""


def write_judgement(request: TeacherRequest, subject: Problem) -> str:
    """Return a sentence of evidence for each of the two answers and the closing lines with the scores.

    Raises:
        TeacherError: the prompt is not the judge's, is about another problem, or the problem has no reference.
    """
    task = _find_task(request)
    slots = read_slots("judge", request.prompt)
    _require_subject(request, subject, slots.get("instruction") if slots else None)
    score_1, evidence_1 = _score(task, subject, slots["answer_1"])
    score_2, evidence_2 = _score(task, subject, slots["answer_2"])
    return (
        f"Assistant 1 {evidence_1} Assistant 2 {evidence_2}\n"
        f"Score of the Assistant 1: {score_1:g}\nScore of the Assistant 2: {score_2:g}"
    )


def write_grade(request: TeacherRequest, subject: Problem) -> str:
    """Return the comparison of the two final answers in one sentence and the verdict of the task's check.

    Raises:
        TeacherError: the prompt is no grader's, is about another problem, or the problem has no reference.
    """
    task = _find_task(request)
    slots = next(filter(None, (read_slots(name, request.prompt) for name in list_graders())), None)
    _require_subject(request, subject, slots["question"] if slots else None)
    final, is_right = _check_final(task, subject, slots["answer"])
    told = f"is {_shorten(final)}, which is {'right' if is_right else 'not right'}" if final else "is missing"
    return (
        f"Error Analysis: The problem setter's final answer is {_shorten(subject.final or 'not stated')}; "
        f"the student's {told}.\nFinal Verdict: {'Correct' if is_right else 'Incorrect'}"
    )


JUDGES: dict[str, Callable[[TeacherRequest, Problem], str]] = {"judge": write_judgement, "grader": write_grade}
"""What is written for which purpose."""


@lru_cache(maxsize=1)
def list_graders() -> tuple[str, ...]:
    """Return the names of the grader prompts."""
    return tuple(sorted(path.stem for path in PROMPTS.glob("grader_*.txt")))


def read_slots(name: str, prompt: str) -> dict[str, str] | None:
    """Return what was put into the slots of a prompt file, stripped; None where the prompt was not made from it."""
    match = _compile_prompt(name).fullmatch(prompt)
    return {slot: text.strip() for slot, text in match.groupdict().items()} if match else None


@lru_cache(maxsize=16)
def _compile_prompt(name: str) -> re.Pattern[str]:
    source, known = "", set()
    for i, piece in enumerate(SLOT.split(read_prompt(name))):
        if not i % 2:
            source += re.escape(piece)
        else:
            source += f"(?P={piece})" if piece in known else f"(?P<{piece}>.*?)"
            known.add(piece)
    return re.compile(source, re.S)


def _find_task(request: TeacherRequest) -> Task:
    if request.task not in TASKS:
        raise TeacherError(
            f"The built-in teacher has no rules to act as {request.purpose} for the task {request.task!r}; "
            "choose another teacher."
        )
    return TASKS.get(request.task)


def _require_subject(request: TeacherRequest, subject: Problem, asked: str | None) -> None:
    """Raise TeacherError where the prompt cannot be read or asks about another problem than the subject."""
    if asked is None:
        raise TeacherError(
            f"The built-in teacher is a rule-based stand-in; as {request.purpose} it reads Seedbed's own prompts only."
        )
    if subject.question.strip() not in asked:
        raise TeacherError(f"The built-in teacher was asked to act as {request.purpose} on another problem's prompt.")


def _check_final(task: Task, subject: Problem, answer: str) -> tuple[str | None, bool]:
    """Return the final answer and whether it is right; raises TeacherError where there is nothing to compare with."""
    final = None if answer in EMPTY else task.extract_final(answer)
    is_right = task.is_correct(final, subject)
    if is_right is None:
        raise TeacherError(
            "The built-in teacher judges by the reference answer, and this problem has none; choose another teacher."
        )
    return final, is_right


def _score(task: Task, subject: Problem, answer: str) -> tuple[float, str]:
    """Return the score of one answer, 1 to 10, and the evidence as the end of a sentence about who gave it."""
    final, is_right = _check_final(task, subject, answer)
    if final is None:
        return UNANSWERED, "gives no final answer."
    shown, is_worked = _shorten(final), _has_steps(answer)
    if not is_right:
        steps = "after some steps" if is_worked else "without any steps"
        return (WRONG_WORKED if is_worked else WRONG_BARE), f"ends in {shown} {steps}, which is not right."
    if not is_worked:
        return RIGHT_BARE, f"ends in {shown}, which is right, but does not show how it was found."
    if flaw := _find_flaw(task, subject, answer):
        return RIGHT_FLAWED, f"ends in {shown}, which is right, but the way to it does not hold: {flaw}"
    return RIGHT_WORKED, f"ends in {shown}, which is right, and shows steps in which no fault is found."


def _has_steps(answer: str) -> bool:
    """Say whether an answer is more than its final line."""
    lines = [line for line in answer.splitlines() if line.strip()]
    return len(lines) > 1 or len(re.findall(r"[^\W\d_]{2,}", answer)) > N_WORDS_BARE


def _find_flaw(task: Task, subject: Problem, answer: str) -> str | None:
    """Return what the task's check finds wrong in the way to a right answer.

    Where it finds fault with the reference as well, that is the check's limit and not held against the answer.
    """
    fault = task.find_fault(subject.question, answer, subject.meta)
    if fault is None or (subject.answer and task.find_fault(subject.question, subject.answer, subject.meta)):
        return None
    return fault


def _shorten(text: str) -> str:
    """Return a final answer in one line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}..."
