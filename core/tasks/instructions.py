"""What the tasks share whose questions are free text: reading a rewritten question, few-shot examples, the split key.

Follows the prompts of Kessler 2025, appendix D.2; knows nothing of answers.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from core.records import Problem
from core.tasks.base import ReplyError

TARGET_WORDS = "80"
"""Length that the fixed prompts ask for, words (Zhang 2025)."""

LABELLED = re.compile(
    r"^[ \t*#]*(question|problem|difficulty|answer|solution)[ \t*#]*:[ \t*]*", re.IGNORECASE | re.MULTILINE
)

LABEL = re.compile(r"^[\s*#'’\"]*rewritten instruction[\s*#'’\"]*:?[\s*]*", re.IGNORECASE)
FORBIDDEN = re.compile(r"given instruction|rewritten instruction", re.IGNORECASE)
ANSWER_LABEL = re.compile(r"^[\s*]*#\s*answer\s*#.*", re.IGNORECASE | re.MULTILINE | re.DOTALL)


def read_rewritten(reply: str) -> str:
    """Return the new question of a teacher's reply.

    One label in front is what the prompt ends in and is taken off, and an ``#Answer#`` that follows the form of the
    examples is cut; anywhere else the words of the prompt are forbidden (Kessler 2025, D.2).

    Raises:
        ReplyError: nothing is left, or the prompt's words are in it.
    """
    text = ANSWER_LABEL.sub("", LABEL.sub("", reply.strip(), count=1)).strip()
    if not text:
        raise ReplyError("The reply holds no new question.")
    if match := FORBIDDEN.search(text):
        raise ReplyError(f"The new question still holds the words {match.group(0)!r} of the prompt.")
    return text


def read_labelled(reply: str) -> tuple[str, dict[str, str]]:
    """Return the question behind ``Question:`` (or ``Problem:``), and what stands behind every other label.

    A reply of one paragraph may lack the label: it can have no words of the teacher's around it. What stands behind
    ``Answer:`` or ``Solution:`` was not asked for, and is no part of the question.

    Raises:
        ReplyError: there is no such label, or nothing behind it.
    """
    lead, *parts = LABELLED.split(reply.strip())
    fields: dict[str, str] = {}
    for label, text in zip(parts[::2], parts[1::2], strict=True):
        fields.setdefault(label.lower().replace("problem", "question"), text.strip().strip("*").strip())
    if "question" not in fields and "\n" not in lead.strip():
        fields["question"] = lead.strip()
    question = fields.pop("question", None)
    if question is None:
        raise ReplyError("The reply has no line that begins with 'Question:'.")
    if not question:
        raise ReplyError("The reply holds no new question.")
    return question, fields


def normalise_question(question: str) -> str:
    """Return the question without differences in case, spacing and Unicode form: the key of its split."""
    return " ".join(unicodedata.normalize("NFKC", question).casefold().split())


def draw_examples(
    pool: Sequence[Problem], problem: Problem, k: int, rng: Any, is_kin: Callable[[Problem], bool] = lambda _: True
) -> list[Problem]:
    """Return up to k different train problems with an answer, drawn at random, never the problem or a twin of it."""
    own = normalise_question(problem.question)
    # Drawn one by one rather than from a list of all that fit: a large pool would be gone through for every request.
    drawn = (pool[int(index)] for index in rng.permutation(len(pool)))
    fitting = (
        other
        for other in drawn
        if other.split == "train" and other.answer and is_kin(other) and normalise_question(other.question) != own
    )
    return list(islice(fitting, k))


def show_example(example: Problem) -> str:
    """Return one few-shot example in the form of Kessler 2025, D.2.1."""
    return f"#Given Instruction#: {example.question} #Answer#: {example.answer}"


def require_question(question: str) -> str:
    """Return the stripped question; raises ValueError where there is none."""
    text = (question or "").strip()
    if not text:
        raise ValueError("The row has no question.")
    return text
