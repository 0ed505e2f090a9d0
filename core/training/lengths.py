"""How many rows will be trained on, and which are too long, told from the tokenizer's file before anything is loaded.

It knows nothing of chat templates, whose marks come on top: what it finds is left out, and a row that is just short
enough may be left out as well. ``core.training.rows`` decides.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ModelLoadError
from core.models.student import check_source
from core.tasks.base import Task
from core.training.data import TrainingRow
from core.training.objectives.base import Objective, draws_answers, prefers_given


@dataclass(frozen=True, slots=True)
class Foresight:
    """What can be said of a training before it begins."""

    n_used: int | None
    """Rows, or pairs, that will be trained on; None where the student's own answers decide that."""

    long: tuple[tuple[int, int], ...]
    """(tokens, place) of the given rows that are left out as too long; empty also where nobody can count them."""

    longest: int
    """Tokens that a row may have."""

    long_for_policy: tuple[tuple[int, int], ...] = ()
    """The same of the rows that the training of a policy leaves out; empty also where none is trained first."""


def foresee(
    objective: Objective,
    rows: Sequence[TrainingRow],
    student: str,
    task: Task,
    max_length: int,
    *,
    makes_policy: bool = False,
) -> Foresight:
    """Return how many rows will be trained on.

    Args:
        objective: with its settings.
        rows: that are given to it.
        student: name, folder or hub id.
        task: renders the questions as prompts.
        max_length: the setting.
        makes_policy: whether a policy is trained first, on the right ones of these rows.

    Raises:
        TrainingError: the objective makes nothing of these rows.
    """
    has_pairs, longest = objective.form == "pairs", find_longest(student, max_length)

    def list_long(rows: Sequence[TrainingRow], *, has_pairs: bool) -> tuple[tuple[int, int], ...]:
        places = [place for place, row in enumerate(rows) if not is_surely_short(row, task, longest)]
        lengths = count_tokens(student, task, [rows[place] for place in places], has_pairs=has_pairs) or ()
        return tuple((n, place) for n, place in zip(lengths, places, strict=False) if n > longest)

    given = list_long(rows, has_pairs=False) if makes_policy else ()
    for_policy = tuple((length, place) for length, place in given if rows[place].label > 0)
    if draws_answers(objective, rows):
        # where own answers are preferred, or trained on, it is of no account how long the given ones are
        long = list_long(rows, has_pairs=has_pairs) if prefers_given(objective) else ()
        return Foresight(None, long, longest, for_policy)
    made = [row for row in objective.prepare(rows, None).rows if row.answer.strip()]  # an empty answer teaches nothing
    n_used = len(made) - len(list_long(made, has_pairs=has_pairs))
    return Foresight(n_used, list_long(rows, has_pairs=has_pairs), longest, for_policy)


def is_surely_short(row: TrainingRow, task: Task, longest: int) -> bool:
    """Say whether a row cannot have more tokens than that: of plain ASCII a token is one letter or more.

    Counting the tokens of tens of thousands of rows takes seconds, and nearly all of them are far from the limit.
    """
    texts = (task.student_prompt(row.question), row.answer.strip(), (row.rejected or "").strip())
    prompt, answer, rejected = map(len, texts)
    margin = 3  # the blank before the answer, one that a tokenizer may put before the prompt, and the end of text
    return all(text.isascii() for text in texts) and prompt + max(answer, rejected) + margin <= longest


def find_longest(student: str, max_length: int) -> int:
    """Return how many tokens a row may have: the setting, or the student's context where that is shorter."""
    try:
        folder = check_source(student)
        about = {} if folder is None else json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (ModelLoadError, OSError, ValueError):
        return max_length
    context = about.get("max_position_embeddings")
    return min(max_length, context) if isinstance(context, int) else max_length


def count_tokens(student: str, task: Task, rows: Sequence[TrainingRow], *, has_pairs: bool) -> list[int] | None:
    """Return the tokens of each row, prompt and answer together, the end-of-text token included.

    Args:
        student: name, folder or hub id.
        task: renders the questions as prompts.
        rows: to be counted.
        has_pairs: whether a rejected answer is trained on too: then the longer one of the two counts.

    Returns:
        None where the student's tokenizer is not on this machine as one file, so that nobody can say.
    """
    from tokenizers import Tokenizer

    try:
        folder = check_source(student)
    except ModelLoadError:
        return None
    file = None if folder is None else Path(folder) / "tokenizer.json"
    if file is None or not file.is_file():
        return None
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception:  # the library raises a bare Exception for a file that is none
        return None
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        return [len(found.ids) for found in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    prompts = count([task.student_prompt(row.question) for row in rows])
    answers = count([" " + row.answer.strip() for row in rows])
    if has_pairs:
        rejected = count([" " + (row.rejected or "").strip() for row in rows])
        answers = [max(pair) for pair in zip(answers, rejected, strict=True)]
    return [prompt + answer + 1 for prompt, answer in zip(prompts, answers, strict=True)]
