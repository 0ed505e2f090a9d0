"""Which rows are too long to be trained on, told from the tokenizer's file before anything is loaded.

It knows nothing of chat templates, whose marks come on top: what it finds is left out, and a row that is just short
enough may be left out as well. ``core.training.rows`` decides.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from core.errors import ModelLoadError
from core.models.student import check_source
from core.tasks.base import Task
from core.training.data import TrainingRow


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
