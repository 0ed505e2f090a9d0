"""Candidates made elsewhere: which columns of a table hold what, and what one of its rows says.

Known are the tables of distilabel (instruction, generation or generations, model_name; evolved_instruction beside the
instruction that it came from), of data-designer (a person's own names, with ``__`` columns beside them), conversations,
and whatever names its columns after questions and answers. A row that is no candidate is a ValueError with one
sentence. This file knows nothing of runs, filters or pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.datasets.reading import Fault, Rows, read_rows
from core.datasets.recognise import N_LOOKED_AT, ColumnMapping, Sample, is_small_json, to_text
from core.errors import DataFormatError
from core.training.line_forms import CONVERSATIONS, ROLES, find_talk

QUESTIONS = (
    "evolved_instruction", "evolved_question", "question", "problem", "instruction", "prompt", "query", "input", "text",
)  # fmt: skip
WORKED = (
    "generation", "generations", "evolved_answer", "solution", "response", "output", "completion", "worked_answer",
    "rationale", "target", "chosen",
)  # fmt: skip
"""Columns of a whole answer; beside one of them a short ``answer`` is the final answer alone."""

FINALS = ("final", "final_answer", "expected_answer", "gold")
PARENTS = (
    "parents", "parent", "parent_id", "seed_id", "seed", "seed_question", "parent_question", "source_question",
    "original_question", "original_instruction",
)  # fmt: skip
MODELS = ("model_name", "generation_model", "model", "teacher", "generator")
EVOLVED = "evolved_instruction"

SHORT = 60
"""Characters up to which a text may be a final answer alone."""

MAX_TEXT = 100_000
"""Characters of a question or answer above which nobody could read it in a review."""

MAX_PARTS = 20
"""Fields of a structured column up to which each is a column of its own."""

TABLES = (".parquet", ".pq", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow")
"""Endings of the files that are read."""

DATA_DESIGNER = "parquet-files"
"""Folder in which data-designer keeps its batches, beside others that are no result."""

NOT_DATA = ("metadata.json", "dataset_info.json", "state.json", "dataset_dict.json", "builder_config.json")
"""Files that tools write beside a table."""


@dataclass(frozen=True, slots=True)
class CandidateColumns(ColumnMapping):
    """Which columns become what; one that is both question and answer holds conversations."""

    parent: str | None = None
    """Column that names the seed by its id or by its question; None: the file names none."""

    model: str | None = None
    """Column with the name of the model that wrote the answer; None: nobody says."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "CandidateColumns":
        """Return the columns that a run's configuration holds."""
        return cls(**{**config, "question": tuple(config["question"])})

    def to_config(self) -> dict[str, Any]:
        """Return them as JSON values."""
        return {**asdict(self), "question": list(self.question)}

    def check(self, columns: Sequence[str], name: str) -> None:
        """Raise DataFormatError where one of them is not in the file, or there is no question or answer."""
        ColumnMapping.check(self, columns, name)
        if self.answer is None:
            raise DataFormatError(f"Choose the column of {name} that holds the answers; a candidate has one.")
        for column in (self.parent, self.model):
            if column is not None and column not in columns:
                raise DataFormatError(f"{name} has no column {column!r}; it has {', '.join(columns)}.")


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """What a row says."""

    question: str
    answer: str
    final: str | None
    """As the file has it; None where it has none of its own."""

    parents: tuple[str, ...]
    """Ids or questions of seeds, as written."""

    model: str | None
    n_answers: int
    """Answers that the row holds; the first one is taken."""

    others: dict[str, Any]
    """Other columns that JSON can hold and that are not large."""


@dataclass(slots=True)
class CandidatePreview:
    """What the beginning of a file shows."""

    columns: list[str]
    n_rows: int
    """Rows looked at, bad ones included."""

    is_whole: bool
    chosen: CandidateColumns | None
    """None where it is not known yet."""

    rows: list[CandidateRow] = field(default_factory=list)
    """The first good ones."""

    faults: list[Fault] = field(default_factory=list)


# -- files -----------------------------------------------------------------------------------------------------


def list_tables(path: Path) -> list[Path]:
    """Return the files of one table: the file itself, or those of a folder as a tool left it.

    Raises:
        DataFormatError: there is none, or the folder holds several tables.
    """
    if not path.is_dir():
        if not path.exists():
            raise DataFormatError(f"There is no file or folder {path}; check its path.")
        return [path]
    if (path / DATA_DESIGNER).is_dir():
        path = path / DATA_DESIGNER
    found = sorted(
        each
        for each in path.rglob("*")
        if each.suffix.lower() in TABLES and each.is_file() and each.name not in NOT_DATA and not _is_hidden(each, path)
    )
    if not found:
        raise DataFormatError(f"{path} holds no JSONL, CSV, Parquet or Arrow file; name a file, or another folder.")
    folders = sorted({each.parent for each in found})
    if len(folders) > 1:
        names = ", ".join(str(folder.relative_to(path)) for folder in folders[:5])
        raise DataFormatError(f"{path} holds tables in several folders ({names}); name one of them.")
    return found


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.relative_to(root).parts)


def read_table(path: Path | bytes, name: str | None = None, n_max: int | None = None) -> Rows:
    """Read a file as ``read_rows`` does, with the fields of structured columns as columns ``column.field``."""
    rows = read_rows(path, name, n_max)
    rows.rows = [_spread(row) for row in rows.rows]
    rows.columns = list(dict.fromkeys(key for row in rows.rows for key in row))
    return rows


def _spread(row: Mapping[str, Any]) -> dict[str, Any]:
    spread: dict[str, Any] = {}
    for column, cell in row.items():
        spread[column] = cell
        if isinstance(cell, Mapping) and len(cell) <= MAX_PARTS and column != "distilabel_metadata":
            spread |= {f"{column}.{part}": value for part, value in cell.items() if f"{column}.{part}" not in row}
    return spread


# -- columns ---------------------------------------------------------------------------------------------------


def recognise_columns(rows: Rows) -> CandidateColumns | None:
    """Return which columns hold what; None where question or answer cannot be told, so that a person must choose."""
    # columns with two underscores in a row are traces beside the real ones
    columns = [column for column in rows.columns if "__" not in column]
    sample = Sample(columns, rows.rows[:N_LOOKED_AT])
    model, parent = sample.first(MODELS), _find_parent(sample)
    question = sample.first(QUESTIONS) or _find_named(sample, QUESTIONS, ())
    is_talk = question is not None and _is_answered(sample, question)
    answer, final = (None, sample.first(FINALS)) if question is None or is_talk else _find_answer(sample, question)
    if question is None or answer is None:
        talk = sample.first(CONVERSATIONS) or (question if is_talk else None)
        return CandidateColumns((talk,), talk, final, parent, model) if talk else None
    if question == EVOLVED and parent is None:
        parent = sample.first(("instruction",))
    parts = [question]
    if question == "instruction" and answer != "input" and (more := sample.first(("input",))):
        parts.append(more)
    return CandidateColumns(tuple(parts), answer, final, parent, model)


def _find_parent(sample: Sample) -> str | None:
    """Return the column that names seeds; one of numbers is somebody's random seed."""
    found = (sample.first((name,)) for name in PARENTS)
    return next((column for column in found if sample.mostly(column, lambda text: not text.isdecimal())), None)


def _is_answered(sample: Sample, column: str) -> bool:
    """Say whether a column holds conversations with an answer in them."""
    cells = [row.get(column) for row in sample.rows[:20] if row.get(column) is not None]
    return bool(cells) and all(isinstance(cell, list) and any(map(_is_reply, cell)) for cell in cells)


def _is_reply(turn: Any) -> bool:
    return isinstance(turn, Mapping) and ROLES.get(str(turn.get("role", turn.get("from"))).lower()) == "assistant"


def _find_answer(sample: Sample, question: str) -> tuple[str | None, str | None]:
    """Return the columns of the whole answer and of the final one."""
    final, short = sample.first(FINALS), sample.first(("answer",))
    worked = next((name for name in map(sample.first, [(each,) for each in WORKED]) if name and name != question), None)
    is_stray = worked and short and 2 * sample.count_filled(worked) < sample.count_filled(short)
    if worked is None or is_stray:
        found = short or _find_named(sample, ("answer", *WORKED), (question, final))
        return found, final
    is_final = short is not None and sample.mostly(short, lambda text: len(text) <= SHORT and "\n" not in text)
    return worked, final or (short if is_final else None)


def _find_named(sample: Sample, names: Sequence[str], taken: Sequence[str | None]) -> str | None:
    """Return the first filled column one of whose words is one of these names: ``math_question``, ``qa.question``."""
    for name in names:
        for column in sample.columns:
            words = column.lower().replace(".", "_").replace("-", "_").replace(" ", "_").split("_")
            if name in words and column not in taken and sample.is_filled(column):
                return column
    return None


# -- rows ------------------------------------------------------------------------------------------------------


def read_row(row: Mapping[str, Any], columns: CandidateColumns) -> CandidateRow:
    """Return what a row says; raises ValueError with one sentence where it is no candidate."""
    if columns.question == (columns.answer,):
        said = find_talk(row.get(columns.answer))
        if said is None:
            raise ValueError(f"There is no conversation in {columns.answer}.")
        question, answer, n_answers, place = *said, 1, 0
    else:
        question = _read_question(row, columns.question)
        answer, n_answers, place = _read_answer(row.get(columns.answer), columns.answer)
    for what, text, names in (("question", question, columns.question), ("answer", answer, (columns.answer,))):
        if text is None or not text.strip():
            raise ValueError(f"The row has no {what} ({' + '.join(filter(None, names))} is empty).")
        if len(text) > MAX_TEXT:
            raise ValueError(f"The {what} has {len(text):,} characters; more than {MAX_TEXT:,} are not taken.")
    return CandidateRow(
        question.strip(),
        answer.strip(),
        to_text(row.get(columns.final)) if columns.final else None,
        _read_parents(row.get(columns.parent)) if columns.parent else (),
        _read_model(row.get(columns.model), place) if columns.model else None,
        n_answers,
        _keep_others(row, columns),
    )


def _read_question(row: Mapping[str, Any], columns: Sequence[str]) -> str | None:
    """Return the texts of the columns, divided by an empty line; the first one must hold some, the others may."""
    texts = []
    for column in columns:
        talk = find_talk(row.get(column))
        texts.append(talk[0] if talk else _read_text(row.get(column), column))
    return "\n\n".join(filter(None, texts)) if texts[0] else None


def _read_answer(cell: Any, column: str) -> tuple[str | None, int, int]:
    """Return the first answer of a cell that holds one or a list of them, how many there are, and its place."""
    talk = find_talk(cell)
    if talk:
        return talk[1], 1, 0
    cells = cell if isinstance(cell, list) else [cell]
    texts = {place: text for place, each in enumerate(cells) if (text := _read_text(each, column)) is not None}
    first = min(texts, default=0)
    return texts.get(first), len(texts), first


def _read_model(cell: Any, place: int) -> str | None:
    """Return who wrote the answer; of several answers with a name each, the name at the same place."""
    if isinstance(cell, list):
        cell = cell[place] if place < len(cell) else None
    return to_text(cell)


def _read_text(cell: Any, column: str) -> str | None:
    if isinstance(cell, Mapping | list):
        raise ValueError(f"What {column} holds is a {'list' if isinstance(cell, list) else 'table'} and no text.")
    if isinstance(cell, bytes):
        raise ValueError(f"What {column} holds are bytes and no text.")
    return to_text(cell)


def _read_parents(cell: Any) -> tuple[str, ...]:
    cells = cell if isinstance(cell, list) else [cell]
    return tuple(text for each in cells if isinstance(each, str | int) and (text := to_text(each)) is not None)


def _keep_others(row: Mapping[str, Any], columns: CandidateColumns) -> dict[str, Any]:
    used = {*columns.question, columns.answer, columns.final, columns.parent, columns.model}
    spread = {column for column in row if any(column.startswith(f"{other}.") for other in row if other != column)}
    return {
        column: cell
        for column, cell in row.items()
        if column not in used and column not in spread and to_text(cell) is not None and is_small_json(cell)
    }


def preview_table(
    source: Path | bytes, columns: CandidateColumns | None = None, n: int = 3, name: str | None = None
) -> CandidatePreview:
    """Look at the first rows of a file, or of the first file of a folder.

    Args:
        source: path, or the bytes of an upload.
        columns: chosen by hand; None: recognised.
        n: candidates shown, at most.
        name: file name of an upload.

    Raises:
        DataFormatError: nothing can be read of it.
    """
    if isinstance(source, Path):
        source = list_tables(source)[0]
    rows = read_table(source, name, n_max=N_LOOKED_AT)
    chosen = columns or recognise_columns(rows)
    preview = CandidatePreview(rows.columns, len(rows.rows) + len(rows.faults), rows.is_whole, chosen)
    preview.faults = list(rows.faults)
    if chosen is None:
        return preview
    chosen.check(rows.columns, rows.name)
    for line, row in zip(rows.lines, rows.rows, strict=True):
        try:
            read = read_row(row, chosen)
        except ValueError as error:
            preview.faults.append(Fault(line, str(error)))
            continue
        if len(preview.rows) < n:
            preview.rows.append(read)
    preview.faults.sort(key=lambda fault: fault.line)
    return preview
