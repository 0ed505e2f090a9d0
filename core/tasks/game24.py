"""The Game of 24: four numbers, each used once with + - * / to make 24.

The reference is any of the solutions; a row without one gets the plainest from our solver, and an answer counts where
exact arithmetic says that it makes 24 with these numbers. The prompts are those of Kessler 2025, appendix D.2.4.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.records import Problem, content_id
from core.tasks import arithmetic24, solutions24
from core.tasks.answers.boxes import last_box
from core.tasks.base import TASKS, NewQuestion, ReplyError
from core.tasks.prompts import SHIPPED, Prompts, fill_prompt

ANSWER_LINE = re.compile(r"^[^\w\n]*(?:final )?answer[^\w\n]*?:[ \t]*(.+)$", re.IGNORECASE | re.MULTILINE)


def read_numbers(text: str) -> list[int]:
    """Return the four numbers of a question ("1 4 8 8", "[1, 4, 8, 8]"), ascending; raises ValueError."""
    parts = re.split(r"[\s,;]+", text.strip().strip("[](){}").strip())
    if len(parts) != 4 or not all(re.fullmatch(r"\d{1,6}", part) and int(part) > 0 for part in parts):
        raise ValueError(f"A Game of 24 question is four whole numbers of at least 1, not {text!r}.")
    return sorted(map(int, parts))


class Game24:
    """Four numbers to 24."""

    name = "game24"
    title = "Game of 24"
    needs_answer = False
    compares_questions = False
    max_new_tokens = 160

    def make_problem(
        self, question: str, answer: str | None, final: str | None, meta: Mapping[str, Any], split: str = "train"
    ) -> Problem:
        """Return the problem with numbers ascending; a reference is checked, a missing one comes from the solver.

        ``final`` may be an expression or just "24" (a file that brings no solutions). Raises ValueError where the
        numbers cannot make 24 or the given solution does not.
        """
        numbers = read_numbers(str(question))
        expression = self._find_reference(answer, None if final is None else str(final))
        if expression is None:
            solutions = solutions24.solve(numbers)
            if not solutions:
                raise ValueError(f"The numbers {' '.join(map(str, numbers))} cannot make 24.")
            expression = solutions[0]
        elif error := arithmetic24.find_error(expression, numbers):
            raise ValueError(f"The reference is not a solution: {error}")
        # A solution written with steps stays as it is; a bare expression gets its steps.
        has_steps = answer is not None and "\n" in answer.strip()
        worked = answer if has_steps else arithmetic24.write_worked(expression)
        if error := arithmetic24.find_error(self.extract_final(worked) or "", numbers):
            raise ValueError(f"The worked answer does not end in a solution: {error}")
        text = " ".join(map(str, numbers))
        kept = {**meta, "numbers": numbers, "needs_fraction": solutions24.needs_fraction(numbers)}
        return Problem(content_id("p", self.name, text, worked), text, worked, expression, split, kept)

    def _find_reference(self, answer: str | None, final: str | None) -> str | None:
        if final and final.strip() not in ("", "24"):
            return _tidy(final)
        found = self.extract_final(answer) if answer and answer.strip() not in ("", "24") else None
        if answer and answer.strip() not in ("", "24") and found is None:
            raise ValueError("The answer holds no expression; put it after 'Answer:' or leave the answer empty.")
        return found

    def split_key(self, problem: Problem) -> str:
        """Return the number multiset: all solutions of one puzzle fall into one split."""
        try:
            return " ".join(map(str, read_numbers(problem.question)))
        except ValueError:  # a candidate that a person edited may be no four numbers
            return problem.question

    def student_prompt(self, question: str) -> str:
        """Return the five-shot prompt of Kessler 2025, D.2.4."""
        return fill_prompt("game24_student", {"question": question})

    def pick_examples(self, pool: Sequence[Problem], problem: Problem, k: int, rng: Any) -> list[Problem]:
        """Return none: the paper's prompts for this task bring their own fixed examples."""
        return []

    def question_prompt(self, problem: Problem, examples: Sequence[Problem], prompts: Prompts = SHIPPED) -> str:
        """Return the backward-reasoning prompt: the numbers and one solution in, another equation out."""
        solution = f"{problem.final} = 24"
        return prompts.fill("game24_question", {"numbers": problem.question, "solution": solution})

    def read_question(self, reply: str) -> NewQuestion:
        """Read the last boxed equation; its four numbers are the question, the equation is the answer hint."""
        box = last_box(reply)
        if box is None:
            raise ReplyError(r"The reply holds no equation in \boxed{}.")
        if box.strip().lower() in ("null", r"\text{null}", ""):
            raise ReplyError("The teacher found no new problem by backward reasoning.")
        try:
            expression = _tidy(box)
            numbers = read_numbers(" ".join(map(str, arithmetic24.parse_expression(expression).numbers())))
        except ValueError as error:
            raise ReplyError(f"The boxed equation cannot be used: {error}") from None
        if error := arithmetic24.find_error(expression, numbers):
            raise ReplyError(f"The boxed equation cannot be used: {error}")
        return NewQuestion(" ".join(map(str, numbers)), {"numbers": numbers}, expression)

    def fresh_prompt(self, prompts: Prompts = SHIPPED) -> str:
        """Return our fixed prompt for a puzzle that comes with an equation, as backward reasoning brings it."""
        return prompts.read("game24_fixed")

    def read_fresh(self, reply: str) -> NewQuestion:
        """Read the boxed equation, or the four numbers where the reply is nothing but these; raises ReplyError."""
        try:
            numbers = read_numbers(reply)
        except ValueError:
            return self.read_question(reply)
        return NewQuestion(" ".join(map(str, numbers)), {"numbers": numbers})

    def answer_prompt(self, new: NewQuestion, prompts: Prompts = SHIPPED) -> str:
        """Return the prompt for the steps, which shows the teacher its own equation (Kessler 2025, D.2.4).

        Without a hint (a question that no equation came with) the student's prompt is asked instead.
        """
        if not new.answer_hint:
            return prompts.fill("game24_student", {"question": new.question})
        return prompts.fill("game24_answer", {"question": new.question, "answer": f"{new.answer_hint} = 24"})

    def read_answer(self, reply: str) -> str:
        """Return the steps with the solution boxed in a last line; raises ReplyError where no expression is found."""
        expression = self.extract_final(reply)
        if expression is None:
            raise ReplyError("The reply holds no final expression.")
        steps = [match.group(0).strip() for match in arithmetic24.STEP.finditer(reply)]
        return "\n".join([*steps, rf"Answer: \boxed{{{expression}}}"])

    def extract_final(self, answer: str) -> str | None:
        """Return the last box's expression, else that of the last ``Answer:`` line, spaced evenly; None without one."""
        box = last_box(answer)
        lines = ANSWER_LINE.findall(answer)
        for text in (box, lines[-1] if lines else None, answer if "\n" not in answer.strip() else None):
            if text is None:
                continue
            try:
                return _tidy(text)
            except ValueError:
                continue
        return box

    def is_correct(self, final: str | None, problem: Problem) -> bool | None:
        """Judge by exact arithmetic: any expression that makes 24 from the problem's numbers, each once."""
        return final is not None and arithmetic24.find_error(final, read_numbers(problem.question)) is None

    def judge_final(self, final: str, problem: Problem) -> bool | None:
        """Return what ``is_correct`` says: it decides every answer."""
        return self.is_correct(final, problem)

    def find_fault(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Check the final expression and every written step (``a + b = c (left: ...)``) against the numbers."""
        try:
            numbers = read_numbers(question)
        except ValueError as error:
            return str(error)
        final = self.extract_final(answer)
        if final is None:
            return "The answer holds no final expression."
        return arithmetic24.find_error(final, numbers) or arithmetic24.find_step_error(answer, numbers)

    def find_unchecked(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Return None: ``find_fault`` decides every answer."""
        return None

    def find_wrong_step(self, question: str, answer: str) -> str | None:
        """Return None: only the final expression counts here; ``find_fault`` checks the steps as well."""
        return None


def _tidy(text: str) -> str:
    """Return the expression evenly spaced, without brackets it does not need and without ``= 24``."""
    return arithmetic24.format_expression(arithmetic24.parse_expression(text))


TASKS.register("game24")(Game24())
