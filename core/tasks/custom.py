"""Any other questions with one short answer: compared as a number where it is one, else as normalised text.

The rewriting prompt follows that of Kessler 2025, D.2.2, without the type; the other prompts are ours.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from core.records import Problem, content_id
from core.tasks.answers.annotations import NOTHING_TO_RECOMPUTE, check_annotations
from core.tasks.answers.final_line import find_final
from core.tasks.answers.numbers import read_quantity
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
from core.tasks.word_problems import write_quantity


class Custom:
    """Questions of the user's own kind."""

    name = "custom"
    title = "Own questions"
    needs_answer = True
    compares_questions = True
    max_new_tokens = 256

    def make_problem(
        self, question: str, answer: str | None, final: str | None, meta: Mapping[str, Any], split: str = "train"
    ) -> Problem:
        """Return the problem; without a ``final`` the answer states it, or is it as a whole where it is one line.

        Raises:
            ValueError: no question or no answer.
        """
        text, worked = require_question(question), (answer or "").strip()
        given = canonical_text(str(final)) if final is not None else None
        found = given or self.extract_final(worked)
        if found is None and worked and "\n" not in worked:
            found = canonical_text(worked)
        if found is None:
            raise ValueError("The row has no final answer; end the answer in a line '#### ...' or map a final column.")
        if not worked:
            worked = f"#### {found}"
        elif self.extract_final(worked) != found and canonical_text(worked) != found:
            worked = f"{worked}\n#### {found}"
        return Problem(content_id("p", self.name, text, worked), text, worked, found, split, dict(meta))

    def split_key(self, problem: Problem) -> str:
        """Return the normalised question."""
        return normalise_question(problem.question)

    def student_prompt(self, question: str) -> str:
        """Return the question between two labels."""
        return fill_prompt("custom_student", {"question": question})

    def pick_examples(self, pool: Sequence[Problem], problem: Problem, k: int, rng: Any) -> list[Problem]:
        """Return up to k random train problems other than ``problem``."""
        return draw_examples(pool, problem, k, rng)

    def question_prompt(self, problem: Problem, examples: Sequence[Problem], prompts: Prompts = SHIPPED) -> str:
        """Return the prompt that asks for a different question of the same kind."""
        shown = "\n".join(map(show_example, examples))
        return prompts.fill("custom_question", {"examples": shown, "question": problem.question})

    def read_question(self, reply: str) -> NewQuestion:
        """Return the new question; raises ReplyError."""
        return NewQuestion(read_rewritten(reply))

    def fresh_prompt(self, prompts: Prompts = SHIPPED) -> str:
        """Return our fixed prompt for a question with one short answer."""
        return prompts.fill("custom_fixed", {"target_words": TARGET_WORDS})

    def read_fresh(self, reply: str) -> NewQuestion:
        """Return what stands behind ``Question:``; raises ReplyError."""
        return NewQuestion(read_labelled(reply)[0])

    def answer_prompt(self, new: NewQuestion, prompts: Prompts = SHIPPED) -> str:
        """Return the prompt that asks for a short explanation and a last line ``#### answer``."""
        return prompts.fill("custom_answer", {"question": new.question})

    def read_answer(self, reply: str) -> str:
        """Return the reply as it is; raises ReplyError where it states no final answer."""
        if self.extract_final(reply) is None:
            raise ReplyError("The reply states no final answer in a last line '#### ...'.")
        return reply.strip()

    def extract_final(self, answer: str) -> str | None:
        """Return the stated final answer, a number in one spelling, text with single spaces; None without one."""
        return canonical_text(find_final(answer) or "")

    def is_correct(self, final: str | None, problem: Problem) -> bool | None:
        """Compare as numbers where both are, else as text without case, punctuation at the ends and extra spaces."""
        if not problem.final:
            return None
        if final is None:
            return False
        gold, value = read_quantity(problem.final), read_quantity(final)
        if gold is not None and value is not None:
            return gold.equals(value)
        return fold_text(problem.final) == fold_text(final)

    def judge_final(self, final: str, problem: Problem) -> bool | None:
        """Return what ``is_correct`` says: it decides every answer."""
        return self.is_correct(final, problem)

    def find_fault(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Ask for a final answer and recompute calculator annotations; no more is known about such questions."""
        if self.extract_final(answer) is None:
            return "The answer states no final answer."
        return next((each.fault for each in check_annotations(answer) if each.fault), None)

    def find_unchecked(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Say so where the answer holds no calculation that ``find_fault`` recomputes."""
        return None if check_annotations(answer) else NOTHING_TO_RECOMPUTE

    def find_wrong_step(self, question: str, answer: str) -> str | None:
        """Return None: reasoning in free text cannot be checked; ``find_fault`` recomputes the calculations in it."""
        return None


def canonical_text(text: str) -> str | None:
    """Return a number in its one spelling, other text with single spaces; None for nothing."""
    quantity = read_quantity(text)
    if quantity is not None and quantity.unit in ("", "%"):
        return write_quantity(quantity)
    return " ".join(text.split()) or None


def fold_text(text: str) -> str:
    """Return the text for a comparison: Unicode form, case, outer punctuation and spacing do not matter."""
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return folded.strip(" .,;:!?\"'“”‘’`*$") or folded


TASKS.register("custom")(Custom())
