"""Grade-school word problems in the form of GSM8K: a story, worked steps, and a last line ``#### 72``.

The prompts are those of Kessler 2025, appendix D.2.1. Our addition: the answer prompt asks the teacher to end in a
``#### N`` line and allows ``<<48/2=24>>`` annotations, because that is the form of the training targets.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.records import Problem, content_id
from core.tasks.answers.annotations import (
    ANNOTATION,
    NOTHING_TO_RECOMPUTE,
    check_annotations,
    check_lines,
    list_closing_results,
)
from core.tasks.answers.final_line import find_final, find_hash_final
from core.tasks.answers.numbers import Quantity, read_quantity, write_decimal
from core.tasks.base import TASKS, NewQuestion, ReplyError
from core.tasks.instructions import (
    TARGET_WORDS,
    draw_examples,
    normalise_question,
    read_labelled,
    read_rewritten,
    require_question,
    show_example,
)
from core.tasks.prompts import SHIPPED, Prompts, fill_prompt

_FINAL_LINE = re.compile(r"(?:^[ \t*]*(?:the )?(?:final )?answer(?: is)?[ \t*:]*)?####", re.MULTILINE | re.IGNORECASE)
"""Where the final line begins; a label before the mark belongs to it, a worked step before it does not."""

LARGEST = 10**12
"""A final answer of this size or more is no count, price or length of a word problem."""

PERCENTAGE = re.compile(r"<<[^<>]*>>\s*-?[\d.,]+\s*(?:%|percent\b)", re.IGNORECASE)
"""An annotation whose result is then written as a percentage: ``<<3*20=60>>60%``."""


class WordProblems:
    """Stories with one number as the answer."""

    name = "word_problems"
    title = "Word problems"
    needs_answer = True
    compares_questions = True
    max_new_tokens = 320

    def make_problem(
        self, question: str, answer: str | None, final: str | None, meta: Mapping[str, Any], split: str = "train"
    ) -> Problem:
        """Return the problem; the final number comes from the answer's ``####`` line, else from ``final``.

        Raises:
            ValueError: no question, no number as the final answer, or two that differ.
        """
        text, worked = require_question(question), (answer or "").strip()
        written = find_final(worked) if worked else None
        given = final if final is not None and str(final).strip() else written
        if given is None:
            raise ValueError("The row has no final answer; end the answer in a line '#### 42' or map a final column.")
        value = read_quantity(str(given))
        if value is None:
            raise ValueError(f"The final answer {str(given)[:40]!r} is not a number.")
        stated = read_quantity(written) if written and "####" in worked else None
        if stated is not None and not stated.equals(value):
            raise ValueError(f"The answer ends in {written!r}, but the final answer is given as {given!r}.")
        canonical = write_quantity(value)
        if "####" not in worked:
            worked = f"{worked}\n#### {canonical}".strip()
        kept = {**meta, "n_steps": meta.get("n_steps", len(ANNOTATION.findall(worked)) or None)}
        return Problem(content_id("p", self.name, text, worked), text, worked, canonical, split, kept)

    def split_key(self, problem: Problem) -> str:
        """Return the normalised question."""
        return normalise_question(problem.question)

    def student_prompt(self, question: str) -> str:
        """Return the answer prompt of Kessler 2025, D.2.1, word for word."""
        return fill_prompt("word_problems_student", {"question": question})

    def pick_examples(self, pool: Sequence[Problem], problem: Problem, k: int, rng: Any) -> list[Problem]:
        """Return up to k random train problems other than ``problem``."""
        return draw_examples(pool, problem, k, rng)

    def question_prompt(self, problem: Problem, examples: Sequence[Problem], prompts: Prompts = SHIPPED) -> str:
        """Return the prompt that asks for a harder rewriting (Kessler 2025, D.2.1)."""
        shown = "\n".join(map(show_example, examples))
        return prompts.fill("word_problems_question", {"examples": shown, "question": problem.question})

    def read_question(self, reply: str) -> NewQuestion:
        """Return the rewritten question; raises ReplyError."""
        return NewQuestion(read_rewritten(reply))

    def fresh_prompt(self, prompts: Prompts = SHIPPED) -> str:
        """Return our fixed prompt for a story with a number as the answer."""
        return prompts.fill("word_problems_fixed", {"target_words": TARGET_WORDS})

    def read_fresh(self, reply: str) -> NewQuestion:
        """Return what stands behind ``Question:``; raises ReplyError."""
        return NewQuestion(read_labelled(reply)[0])

    def answer_prompt(self, new: NewQuestion, prompts: Prompts = SHIPPED) -> str:
        """Return the student's prompt with one sentence more, on the form of the last line."""
        return prompts.fill("word_problems_answer", {"question": new.question})

    def read_answer(self, reply: str) -> str:
        """Return the worked answer, always ending in ``#### N``; raises ReplyError where no final number is stated.

        A final answer that was stated in another way ("The answer is 42.") gets its line; what follows one is cut.
        """
        final = self.extract_final(reply)
        if final is None:
            raise ReplyError("The reply states no final number in a last line '#### N'.")
        steps = _FINAL_LINE.split(reply.strip())[:-1] if "####" in reply else [reply]
        return f"{'####'.join(steps).strip()}\n#### {final}".strip()

    def extract_final(self, answer: str) -> str | None:
        """Return the final number ("72", "12.5", "60%"); None where the answer states none."""
        found = find_final(answer)
        value = read_quantity(found) if found else None
        return None if value is None else write_quantity(value)

    def is_correct(self, final: str | None, problem: Problem) -> bool | None:
        """Compare exact numbers; None where the problem has no reference."""
        gold = read_quantity(problem.final) if problem.final else None
        if gold is None:
            return None
        value = read_quantity(final) if final else None
        return value is not None and gold.equals(value)

    def judge_final(self, final: str, problem: Problem) -> bool | None:
        """Return what ``is_correct`` says: it decides every answer."""
        return self.is_correct(final, problem)

    def find_fault(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Recompute every annotation; the final number must be the last calculated result and a possible quantity.

        Where there are no annotations, the lines that are nothing but an equation are recomputed (a line
        that only goes on, ``= 7``, is none).
        """
        written = find_hash_final(answer) or find_final(answer)
        if written is None:
            return "The answer states no final number."
        final = read_quantity(written)
        if final is None:
            return f"The final answer {written[:40]!r} is not a number."
        annotations = check_annotations(answer)
        checked = annotations or [each for each in check_lines(answer) if each.text.strip("=") == each.text]
        if fault := next((each.fault for each in checked if each.fault), None):
            return fault
        if final.value < 0:
            return f"The final answer {written} is negative."
        if final.value >= LARGEST:
            return f"The final answer {written} is too large to be meant."
        results = [each.value for each in annotations[-1:]] + list_closing_results(answer)
        # "60 percent" may be calculated as 60 or as 0.6.
        is_percentage = final.unit == "%" or PERCENTAGE.match(answer, max(answer.rfind("<<"), 0))
        accepted = {final.value, final.value * 100} if is_percentage else {final.value}
        if annotations and not accepted & set(results):
            return f"The final answer {written} is not the last calculated value, {annotations[-1].text!r}."
        return None

    def find_unchecked(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Say so where the answer holds no calculation that ``find_fault`` recomputes."""
        return None if check_annotations(answer) or check_lines(answer) else NOTHING_TO_RECOMPUTE

    def find_wrong_step(self, question: str, answer: str) -> str | None:
        """Return None: reasoning in free text cannot be checked; ``find_fault`` recomputes the calculations in it."""
        return None


def write_quantity(value: Quantity) -> str:
    """Return the one form of a final number; a percentage keeps its sign, other units are dropped."""
    return f"{write_decimal(value.value * 100)}%" if value.unit == "%" else write_decimal(value.value)


TASKS.register("word_problems")(WordProblems())
