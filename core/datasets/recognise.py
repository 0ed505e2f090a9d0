"""Tell what a table of problems is by its columns and content, and turn its rows into questions and answers.

Each known kind of file has one function below; what none of them knows can be mapped by hand. This file knows nothing
of files, of splits, or of how a task checks a row.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import DataFormatError

N_LOOKED_AT = 200
"""Rows at the beginning of a file that decide what it is."""

SHARE = 0.8
"""Share of those rows that must look the part; a few bad rows do not hide what a file is."""

MAX_META = 4000
"""Characters of JSON up to which another column is kept with the problem."""

QUESTIONS = ("question", "problem", "prompt", "instruction", "query", "input", "text")
ANSWERS = ("answer", "solution", "rationale", "output", "completion", "target")
FINALS = ("final", "final_answer", "label", "expected_answer")
MODEL_ANSWERS = frozenset(("pred", "prediction", "response", "is_correct"))


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which columns become what; all other columns stay with the problem as ``meta``."""

    question: tuple[str, ...]
    """Columns that are joined by a newline to the question: one, or ProntoQA's context and question."""

    answer: str | None = None
    """Column of the full reference answer; None where the file has none."""

    final: str | None = None
    """Column of the final answer alone; None: it is read out of the full answer."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | None) -> "ColumnMapping | None":
        """Return the mapping that a run's configuration holds; None where it leaves it to recognition."""
        if config is None:
            return None
        return cls(tuple(config["question"]), config.get("answer"), config.get("final"))

    def to_config(self) -> dict[str, Any]:
        """Return the mapping as JSON values."""
        return {**asdict(self), "question": list(self.question)}

    def check(self, columns: Sequence[str], name: str) -> None:
        """Raise DataFormatError where a mapped column is not in the file, or where no question is mapped."""
        if not self.question:
            raise DataFormatError(f"Choose at least one column of {name} as the question.")
        for column in (*self.question, self.answer, self.final):
            if column is not None and column not in columns:
                raise DataFormatError(f"{name} has no column {column!r}; it has {', '.join(columns)}.")


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a table was taken for."""

    task: str
    mapping: ColumnMapping
    why: str
    """One sentence for people."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a table, asked about by column."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]

    def first(self, names: Sequence[str]) -> str | None:
        """Return the first of these columns that the table has with anything in it, whatever its case."""
        by_name = {column.lower(): column for column in reversed(self.columns)}
        return next((by_name[name] for name in names if name in by_name and self.is_filled(by_name[name])), None)

    def is_filled(self, column: str) -> bool:
        """Say whether a column has anything in it."""
        return self.count_filled(column) > 0

    def count_filled(self, column: str) -> int:
        """Return how many rows have anything in a column."""
        return sum(row.get(column) not in (None, "", []) for row in self.rows)

    def mostly(self, column: str | None, test: Callable[[str], Any]) -> bool:
        """Say whether enough of the column's filled cells pass the test, read as text."""
        texts = [text for row in self.rows if column and (text := to_text(row.get(column))) is not None]
        return bool(texts) and sum(bool(test(text)) for text in texts) >= SHARE * len(texts)


def to_text(cell: Any) -> str | None:
    """Return a cell as text, None where it is empty; words of a list are joined by spaces, lines by newlines."""
    if cell is None or cell == "" or cell != cell:  # NaN is the one value that differs from itself
        return None
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, list):
        texts = [text for text in map(to_text, cell) if text is not None]
        return ("\n" if any(" " in text for text in texts) else " ").join(texts) or None
    if isinstance(cell, dict):
        return json.dumps(cell, ensure_ascii=False, default=str)
    return str(cell)


_IS_FOUR_NUMBERS = re.compile(r"[\[(]?\s*\d{1,6}(?:[\s,;]+\d{1,6}){3}\s*[\])]?").fullmatch
_IS_EXPRESSION = re.compile(r"\d.*[-+*/×÷].*\d", re.DOTALL).search
_IS_LABEL = re.compile(r"(?:true|false|[ab])[.)]?", re.IGNORECASE).fullmatch
_IS_LETTER = re.compile(r"[ab][.)]?", re.IGNORECASE).fullmatch
_ASKS_TRUE = re.compile(r"\btrue\b|\bfalse\b", re.IGNORECASE).search
_HAS_BOX = re.compile(r"\\f?box(?:ed)?\b").search


def _recognise_game24(sample: Sample) -> Recognition | None:
    numbers = sample.first(("numbers", "puzzles", "puzzle", "question", "input"))
    if not sample.mostly(numbers, _IS_FOUR_NUMBERS):
        return None
    answer = sample.first((*ANSWERS, "expression", "solutions"))
    final = sample.first((*FINALS, "expression"))
    mapping = ColumnMapping(
        (numbers,),
        answer if sample.mostly(answer, _IS_EXPRESSION) else None,
        final if final != answer and sample.mostly(final, _IS_EXPRESSION) else None,
    )
    solved = "with solutions" if mapping.answer or mapping.final else "without solutions: our solver fills them"
    return Recognition("game24", mapping, f"Game of 24: four numbers in {numbers!r}, {solved}.")


def _recognise_prontoqa(sample: Sample) -> Recognition | None:
    question, context = sample.first(("question", "query")), sample.first(("context", "facts"))
    if context is None and question == "question" and (query := sample.first(("query",))):
        context, question = question, query  # the generator's own files: facts in "question", statement in "query"
    if not sample.mostly(question, _ASKS_TRUE):
        return None
    labels = map(sample.first, [(name,) for name in (*FINALS, "answer", "answer_letter")])
    final = next((column for column in labels if sample.mostly(column, _IS_LABEL)), None)
    proofs = map(sample.first, [(name,) for name in ("answer", "chain_of_thought", "explanation", "steps")])
    proof = next((column for column in proofs if column and not sample.mostly(column, _IS_LABEL)), None)
    if final is None and not sample.mostly(proof, _ASKS_TRUE):
        return None
    parts = (context, question) if context else (question,)
    return Recognition(
        "prontoqa", ColumnMapping(parts, proof, final), f"ProntoQA: {' + '.join(parts)} asked, True or False answered."
    )


def _recognise_word_problems(sample: Sample) -> Recognition | None:
    question, answer = sample.first(QUESTIONS), sample.first(ANSWERS)
    if not (question and sample.mostly(answer, lambda text: "####" in text)):
        return None
    mapping = ColumnMapping((question,), answer, sample.first(FINALS))
    return Recognition("word_problems", mapping, f"Word problems as in GSM8K: {answer!r} ends with #### and a number.")


def _recognise_maths(sample: Sample) -> Recognition | None:
    question = sample.first(("problem", *QUESTIONS))
    answers = [column for name in ("solution", *ANSWERS) if (column := sample.first((name,)))]
    boxed = next((column for column in answers if sample.mostly(column, _HAS_BOX)), None)
    short = sample.first(FINALS) or next((column for column in answers if boxed and column != boxed), None)
    if question and boxed:
        mapping = ColumnMapping((question,), boxed, short)
        return Recognition("maths", mapping, rf"Maths as in MATH: {boxed!r} ends with a \boxed answer.")
    if question and short and sample.mostly(question, lambda text: "$" in text or "\\" in text):
        mapping = ColumnMapping((question,), next((column for column in answers if column != short), None), short)
        return Recognition("maths", mapping, f"Maths: questions in LaTeX, the final answer in {short!r}.")
    return None


KINDS: dict[str, Callable[[Sample], Recognition | None]] = {
    "game24": _recognise_game24,
    "prontoqa": _recognise_prontoqa,
    "word_problems": _recognise_word_problems,
    "maths": _recognise_maths,
}
"""Task -> function that knows its files; asked in this order, the most particular first."""


def recognise(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], task: str | None = None) -> Recognition | None:
    """Return what the table is; None where it is nothing known, so that a person must choose.

    Args:
        columns: of the table.
        rows: of the table; the first N_LOOKED_AT are looked at.
        task: look only for this task's files, and take a plain table with a question column for it.
    """
    sample = Sample(columns, rows[:N_LOOKED_AT])
    if not task and holds_model_answers(columns):
        return None
    for name, look in KINDS.items():
        if task in (None, name) and (found := look(sample)):
            return found
    question, answer, final = (sample.first(names) for names in (QUESTIONS, ANSWERS, FINALS))
    if question is None or (task is None and answer is None and final is None):
        return None
    why = f"A plain table: {question!r} asked, {answer or final or 'nothing'!r} answered."
    return Recognition(task or "custom", ColumnMapping((question,), answer, final), why)


def holds_model_answers(columns: Sequence[str]) -> bool:
    """Say whether the columns are those of answers to be graded: a wrong answer must not become a reference."""
    return not MODEL_ANSWERS.isdisjoint(column.lower() for column in columns)


@dataclass(frozen=True, slots=True)
class MappedRow:
    """A row as the task will get it."""

    question: str | None
    answer: str | None
    final: str | None
    meta: dict[str, Any]


def map_row(row: Mapping[str, Any], mapping: ColumnMapping) -> MappedRow:
    """Apply the mapping to one row; a letter that names an option becomes the option's text."""
    parts = [to_text(row.get(column)) for column in mapping.question]
    question = "\n".join(part for part in parts if part) if all(parts) else None
    final = to_text(row.get(mapping.final)) if mapping.final else None
    if final and _IS_LETTER(final) and isinstance(options := row.get("options"), list):
        final = _read_option(final[0].upper(), options) or final
    answer = to_text(row.get(mapping.answer)) if mapping.answer else None
    return MappedRow(question, answer, final, _keep_meta(row, mapping))


def _read_option(letter: str, options: Sequence[Any]) -> str | None:
    texts = (re.fullmatch(r"\s*([A-Za-z])\s*[).:]\s*(.+)", str(option), re.DOTALL) for option in options)
    return next((match.group(2).strip() for match in texts if match and match.group(1).upper() == letter), None)


def _keep_meta(row: Mapping[str, Any], mapping: ColumnMapping) -> dict[str, Any]:
    """Return the other columns that JSON can hold and that are not large; ``subject`` is what MATH calls ``type``.

    Columns with the names of a problem's own fields are left out: they could be taken for them.
    """
    used = {"question", "answer", "final", "split", mapping.answer, mapping.final, *mapping.question}
    meta: dict[str, Any] = {}
    for column, cell in row.items():
        if column not in used and to_text(cell) is not None and is_small_json(cell):
            meta["type" if column == "subject" and "type" not in row else column] = cell
    return meta


def is_small_json(cell: Any) -> bool:
    """Say whether JSON can hold a cell, and it is not large."""
    if isinstance(cell, int | float | bool):
        return True
    if isinstance(cell, str):
        return len(cell) <= MAX_META
    try:
        return len(json.dumps(cell, ensure_ascii=False)) <= MAX_META
    except (TypeError, ValueError):
        return False
