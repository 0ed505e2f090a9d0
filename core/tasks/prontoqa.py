"""ProntoQA: does a statement about an individual follow from facts and rules about invented kinds? True or false.

A worked answer is the proof, a sentence a line, and a last line ``Answer: True`` or ``Answer: False``. The prompts are
those of Kessler 2025, appendix D.2.3; the data set is that of Saparov 2023.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from core.records import Problem, content_id
from core.tasks.base import TASKS, NewQuestion, ReplyError
from core.tasks.deduction import Clause, DeductionError, Theory, split_sentences
from core.tasks.instructions import TARGET_WORDS
from core.tasks.prompts import SHIPPED, Prompts, fill_prompt

QUESTION = "Is the following statement true or false?"
LABEL_LINE = re.compile(r"^[^\w\n]*answer[^\w\n]*?:[^\w\n]*(true|false)\b.*$", re.IGNORECASE | re.MULTILINE)
_ASKED = re.compile(
    r"(?:question\s*:\s*)?(?:is (?:the following|this) statement[^?:.]*[?:]|true or false\s*[?:.])\s*", re.IGNORECASE
)
_LABEL = re.compile(r"\b(not\s+)?(true|false)\b", re.IGNORECASE)
_LEAD_IN = re.compile(
    r"^\W*(?:(?:\d+|step \d+)\s*[.:)]\s*)?(?:(?:so|thus|therefore|hence|then|we know that)\b,?\s*)?", re.I
)


def split_question(question: str) -> tuple[str, str]:
    """Return context and statement of a whole question text; raises ValueError where one of them is missing."""
    matches = list(_ASKED.finditer(question))
    if not matches:
        raise ValueError(f"The question does not ask {QUESTION!r} after its context.")
    context = re.sub(r"\s+", " ", question[: matches[-1].start()]).strip()
    statement = re.sub(r"\s+", " ", question[matches[-1].end() :]).strip().strip('"“”*')
    if not context or not statement:
        raise ValueError(f"The question has no {'statement' if context else 'context'}.")
    return context, statement if statement[-1] in ".!" else statement + "."


def join_question(context: str, statement: str) -> str:
    """Return the whole text that the student reads."""
    return f"{context}\n{QUESTION} {statement}"


def read_theory(question: str) -> tuple[Theory, Clause]:
    """Return the theory of a question and the fact to judge; raises ValueError where they cannot be read."""
    context, statement = split_question(question)
    theory = Theory(context, [statement])
    clause = theory.read(statement)
    if clause is None or clause.is_rule:
        raise DeductionError(f"The statement {statement!r} is not a fact about one individual.")
    return theory, clause


def write_answer(steps: Sequence[str], final: str) -> str:
    """Return the worked answer: proof sentences, then the label line."""
    return "\n".join([*steps, f"Answer: {final}"])


def list_steps(answer: str) -> list[str]:
    """Return the proof sentences of a worked answer: without label lines, list marks and words such as "Therefore"."""
    sentences = split_sentences(LABEL_LINE.sub("", answer))
    steps = [_LEAD_IN.sub("", sentence.replace("**", "")).strip() for sentence in sentences]
    return [step for step in steps if step]


class Prontoqa:
    """Deductions over invented kinds."""

    name = "prontoqa"
    title = "ProntoQA deductions"
    needs_answer = True
    compares_questions = True
    max_new_tokens = 256

    def make_problem(
        self, question: str, answer: str | None, final: str | None, meta: Mapping[str, Any], split: str = "train"
    ) -> Problem:
        """Return the problem with its proof normalised to steps and a label line; raises ValueError for a bad row.

        ``question`` holds context and statement; ``meta["context"]`` is put before a question that lacks its context.
        ``meta["steps"]`` serves where there is no worked answer. An answer of a label alone keeps no proof.
        """
        if meta.get("context") and str(meta["context"]).strip() not in question:
            question = f"{meta['context']}\n{question}"
        context, statement = split_question(question)
        given = meta.get("steps")
        text = answer if answer is not None else "\n".join(map(str, [] if given is None else given))
        label = self.extract_final(text) if final is None else self._read_label(final)
        if label is None:
            raise ValueError("The row says neither True nor False; map the column that holds the label.")
        if (written := LABEL_LINE.findall(text)) and written[-1].capitalize() != label:
            raise ValueError(f"The worked answer ends with {written[-1]}, but the label is {label}.")
        steps = [] if self._read_label(text) else list_steps(text)
        full, worked = join_question(context, statement), write_answer(steps, label)
        kept = {**meta, "context": context, "statement": statement, "steps": steps, "n_steps": len(steps) // 2}
        return Problem(content_id("p", self.name, full, worked), full, worked, label, split, kept)

    def _read_label(self, text: object) -> str | None:
        label = str(text).strip().strip(".").capitalize()
        return label if label in ("True", "False") else None

    def split_key(self, problem: Problem) -> str:
        """Return the context: statements about the same facts and rules fall into one split."""
        try:
            return split_question(problem.question)[0]
        except ValueError:  # a candidate that a person edited may ask in another form
            return problem.question

    def student_prompt(self, question: str) -> str:
        """Return the prompt of Kessler 2025, D.2.3: the question and "Let's think step by step"."""
        return fill_prompt("prontoqa_answer", {"question": question})

    def pick_examples(self, pool: Sequence[Problem], problem: Problem, k: int, rng: Any) -> list[Problem]:
        """Return up to k random train problems with another context than ``problem``."""
        own = self.split_key(problem)
        drawn = (pool[int(i)] for i in rng.permutation(len(pool)))
        return list(islice((other for other in drawn if other.split == "train" and self.split_key(other) != own), k))

    def question_prompt(self, problem: Problem, examples: Sequence[Problem], prompts: Prompts = SHIPPED) -> str:
        """Return the rewriting prompt; seed and examples are written ``Context: ... Question: ...``."""
        shown = "\n".join(_show_question(example.question) for example in examples)
        return prompts.fill("prontoqa_question", {"examples": shown, "question": _show_question(problem.question)})

    def read_question(self, reply: str) -> NewQuestion:
        """Read ``Context: ... Question: ...``; the labels may be missing where the question itself is plain to find."""
        text = re.sub(r"\*\*|#?rewritten instruction#?\s*:?", "", reply, flags=re.IGNORECASE)
        labelled = re.search(r"context\s*:(.*)", text, re.IGNORECASE | re.DOTALL)
        try:
            context, statement = split_question(labelled.group(1) if labelled else text)
        except ValueError as error:
            raise ReplyError(f"The reply holds no context with a true-or-false question: {error}") from None
        if "given instruction" in f"{context} {statement}".lower():
            raise ReplyError("The new question still holds the words 'given instruction' of the prompt.")
        return NewQuestion(join_question(context, statement), {"context": context, "statement": statement})

    def fresh_prompt(self, prompts: Prompts = SHIPPED) -> str:
        """Return our fixed prompt for a deduction, its answer to be found in one to five steps."""
        return prompts.fill("prontoqa_fixed", {"target_words": TARGET_WORDS})

    def read_fresh(self, reply: str) -> NewQuestion:
        """Return context and statement, as ``read_question`` does; raises ReplyError."""
        return self.read_question(reply)

    def answer_prompt(self, new: NewQuestion, prompts: Prompts = SHIPPED) -> str:
        """Return the same prompt as the student's (Kessler 2025, D.2.3)."""
        return prompts.fill("prontoqa_answer", {"question": new.question})

    def read_answer(self, reply: str) -> str:
        """Return the reply's sentences a line each and its label as the last line; raises ReplyError."""
        final = self.extract_final(reply)
        if final is None:
            raise ReplyError("The reply says neither True nor False.")
        return write_answer(list_steps(reply), final)

    def extract_final(self, answer: str) -> str | None:
        """Return "True" or "False": of the last ``Answer:`` line, else the last such word ("not true" is False)."""
        if lines := LABEL_LINE.findall(answer):
            return lines[-1].capitalize()
        words = [match for match in _LABEL.finditer(answer) if not _is_choice(answer, match)]
        if not words:
            return None
        is_true = (words[-1].group(2).lower() == "true") != bool(words[-1].group(1))
        return str(is_true)

    def is_correct(self, final: str | None, problem: Problem) -> bool | None:
        """Compare the labels; None where the problem has none."""
        return None if problem.final is None else final == problem.final

    def judge_final(self, final: str, problem: Problem) -> bool | None:
        """Return what ``is_correct`` says: it decides every answer."""
        return self.is_correct(final, problem)

    def find_fault(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Derive the label by forward chaining and check every step; a proof must reach the statement or its denial."""
        try:
            theory, statement = read_theory(question)
            truth = theory.judge(statement)
        except ValueError as error:
            return str(error)
        if truth is None:
            return "The context does not decide the statement."
        final = self.extract_final(answer)
        if final != str(truth):
            return f"The answer says {final}, but {truth} follows from the context."
        steps = list_steps(answer)
        if fault := theory.find_wrong_step(steps):
            return fault
        clauses = [clause for clause in map(theory.read, steps) if clause]
        goal = statement if truth else statement.negate()
        return None if not clauses or goal in clauses else "The proof does not reach the statement."

    def find_unchecked(self, question: str, answer: str, meta: Mapping[str, Any]) -> str | None:
        """Return None: ``find_fault`` decides every answer."""
        return None

    def find_wrong_step(self, question: str, answer: str) -> str | None:
        """Check every proof sentence by forward chaining; None as well where the question cannot be read."""
        try:
            theory, _ = read_theory(question)
        except ValueError:
            return None
        return theory.find_wrong_step(list_steps(answer))


def _is_choice(answer: str, match: re.Match[str]) -> bool:
    """Say whether the word belongs to the phrase "true or false", which decides nothing."""
    around = answer[max(0, match.start() - 9) : match.end() + 9].lower()
    return "true or false" in around


def _show_question(question: str) -> str:
    context, statement = split_question(question)
    return f"Context: {context} Question: {QUESTION} {statement}"


TASKS.register("prontoqa")(Prontoqa())
