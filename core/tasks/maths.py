r"""Maths problems in the form of MATH: a question of some type and level, a worked answer with ``\boxed{}``.

The prompts are those of Kessler 2025, appendix D.2.2; student and teacher are asked for answers in the same words.
Plain numbers are compared exactly; formulas go to processes that are killed at their deadline.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.records import Problem, content_id
from core.tasks.answers.annotations import NOTHING_TO_RECOMPUTE, check_annotations, check_lines
from core.tasks.answers.boxes import last_box, list_boxes
from core.tasks.answers.compare import compare, is_plain
from core.tasks.answers.numbers import read_quantity
from core.tasks.answers.pool import shared_pool
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


class Maths:
    """Competition-style problems by type and level."""

    name = "maths"
    title = "Maths by type and level"
    needs_answer = True
    compares_questions = True
    max_new_tokens = 384

    def make_problem(
        self, question: str, answer: str | None, final: str | None, meta: Mapping[str, Any], split: str = "train"
    ) -> Problem:
        r"""Return the problem; the final answer is the last box of the answer, else ``final``.

        An answer without a box gets one; ``meta["level"]`` may be 3 or "Level 3" and becomes a whole number or None.

        Raises:
            ValueError: no question, or no final answer anywhere.
        """
        text, worked = require_question(question), (answer or "").strip()
        boxed = last_box(worked)
        found = canonical_final(boxed or "") or canonical_final(str(final if final is not None else ""))
        if found is None and worked and not list_boxes(worked) and "\n" not in worked:
            found = canonical_final(worked)
            worked = ""
        if found is None:
            raise ValueError(r"The row has no final answer; put it in \boxed{} or map a final column.")
        if not boxed:
            worked = f"{worked}\n\\boxed{{{found}}}".strip()
        kept = {**meta, "type": str(meta.get("type") or "").strip() or None, "level": read_level(meta.get("level"))}
        return Problem(content_id("p", self.name, text, worked), text, worked, found, split, kept)

    def split_key(self, problem: Problem) -> str:
        """Return the normalised question."""
        return normalise_question(problem.question)

    def student_prompt(self, question: str) -> str:
        """Return the answer prompt of Kessler 2025, D.2.2, word for word."""
        return fill_prompt("maths_answer", {"question": question})

    def pick_examples(self, pool: Sequence[Problem], problem: Problem, k: int, rng: Any) -> list[Problem]:
        """Return up to k random train problems of the same type as ``problem`` (Kessler 2025, D.2.2)."""
        return draw_examples(pool, problem, k, rng, lambda other: other.meta.get("type") == problem.meta.get("type"))

    def question_prompt(self, problem: Problem, examples: Sequence[Problem], prompts: Prompts = SHIPPED) -> str:
        """Return the prompt that asks for a different question of the same type (Kessler 2025, D.2.2)."""
        shown = "\n".join(
            f"The type of math problem is {name_type(example)}. {show_example(example)}" for example in examples
        )
        values = {"examples": shown, "type": name_type(problem), "question": problem.question}
        return prompts.fill("maths_question", values)

    def read_question(self, reply: str) -> NewQuestion:
        """Return the new question; raises ReplyError."""
        return NewQuestion(read_rewritten(reply))

    def fresh_prompt(self, prompts: Prompts = SHIPPED) -> str:
        """Return the fixed prompt for a competition problem in the style of AMC and AIME (Zhang 2025)."""
        return prompts.fill("maths_fixed", {"target_words": TARGET_WORDS})

    def read_fresh(self, reply: str) -> NewQuestion:
        """Return what stands behind ``Question:``, its difficulty as ``AMC``, ``AIME`` or None; raises ReplyError."""
        question, fields = read_labelled(reply)
        stated = fields.get("difficulty", "").strip(" .").upper()
        return NewQuestion(question, {"difficulty": stated if stated in ("AMC", "AIME") else None})

    def answer_prompt(self, new: NewQuestion, prompts: Prompts = SHIPPED) -> str:
        """Return the same prompt as the student's (Kessler 2025, D.2.2)."""
        return prompts.fill("maths_answer", {"question": new.question})

    def read_answer(self, reply: str) -> str:
        """Return the worked answer as it is; raises ReplyError where it holds no closed box with something in it."""
        if self.extract_final(reply) is None:
            raise ReplyError(r"The reply has no final answer in \boxed{}.")
        return reply.strip()

    def extract_final(self, answer: str) -> str | None:
        """Return the content of the last box in canonical form; None where there is none or it is cut off."""
        return canonical_final(last_box(answer) or "")

    def is_correct(self, final: str | None, problem: Problem) -> bool | None:
        """Compare with the reference; None where there is none. What cannot be decided in time counts as wrong."""
        if not problem.final:
            return None
        return final is not None and self.judge_final(final, problem) is True

    def judge_final(self, final: str, problem: Problem) -> bool | None:
        """Compare with the reference; None where there is none, and where the comparison cannot be decided."""
        return compare_finals(problem.final, final) if problem.final else None

    def find_fault(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Ask for one readable boxed answer, and recompute every annotation and every line that is plain arithmetic."""
        boxes = list_boxes(answer)
        if not boxes:
            return r"The answer has no \boxed{}."
        if None in boxes:
            return "A box of the answer never closes."
        finals = {canonical_final(box) for box in boxes}
        if None in finals:
            return "A box of the answer is empty."
        if len(finals) > 1:
            return f"The answer boxes {len(finals)} different results."
        if fault := next((each.fault for each in check_annotations(answer) + check_lines(answer) if each.fault), None):
            return fault
        return find_unreadable(finals.pop())

    def find_unchecked(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Say so where the answer holds no calculation that ``find_fault`` recomputes."""
        return None if check_annotations(answer) or check_lines(answer) else NOTHING_TO_RECOMPUTE

    def find_wrong_step(self, question: str, answer: str) -> str | None:
        """Return None: reasoning in free text cannot be checked; ``find_fault`` recomputes the calculations in it."""
        return None


def canonical_final(text: str) -> str | None:
    """Return one spelling per plain number ("7", "-3/4", "60%") and tidied LaTeX for the rest; None for nothing."""
    quantity = read_quantity(text)
    if quantity is not None:
        return f"{quantity.value * 100}%" if quantity.unit == "%" else str(quantity.value)
    return tidy_latex(text) or None


def tidy_latex(text: str) -> str:
    r"""Return LaTeX without what only changes its look: spacing, ``\left``, ``\dfrac``, outer ``$``, a closing stop."""
    text = re.sub(r"\\[,!;:]|\\(?:left|right|displaystyle)(?![a-zA-Z])", "", text.strip())
    text = re.sub(r"\\[dt]frac", r"\\frac", text)
    text = re.sub(r"\\(?:textbf|textrm|mbox|mathrm|textit)(?=\s*\{)", r"\\text", text)
    return re.sub(r"\s+", " ", text.strip().removesuffix(".").strip("$")).strip()


def compare_finals(gold: str, target: str) -> bool | None:
    """Say whether two final answers are the same; None where it could not be decided within the deadline."""
    return compare(gold, target).is_equal


def find_unreadable(final: str) -> str | None:
    """Return one sentence where a final answer is no number, word or formula that can be read in time."""
    if is_plain(final):
        return None
    is_readable = shared_pool().is_readable(final)
    if is_readable is None:
        return f"The final answer {final[:40]!r} could not be read within {shared_pool().deadline_s:.0f} seconds."
    return None if is_readable else f"The final answer {final[:40]!r} is not a formula that can be read."


def read_level(level: Any) -> int | None:
    """Return the level as a whole number: 3 for 3, "3" and "Level 3"; None for anything else."""
    match = re.fullmatch(r"(?:level\s*)?(\d+)(?:\.0)?", str(level).strip(), re.IGNORECASE)
    return int(match[1]) if match else None


def name_type(problem: Problem) -> str:
    """Return the type for a prompt; "general" where the row has none."""
    return str(problem.meta.get("type") or "general")


TASKS.register("maths")(Maths())
