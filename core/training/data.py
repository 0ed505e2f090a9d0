"""Training data: an explicit set of rows, each with where it came from, and one hash for all of them.

What a finetune was trained on is this set and nothing else; it lies as ``input/rows.parquet`` in the run's folder. It
knows nothing of objectives, tokens or files of other shapes.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from core.records import Candidate, content_id

if TYPE_CHECKING:
    import pandas as pd

ORIGINS = ("candidate", "seed", "teacher", "own", "file")
"""An accepted candidate; a seed with its reference answer; a seed with a teacher's answer; a student's own answer; a
line of a file."""

ORIGINS_COUNTED = {
    "candidate": ("accepted candidate", "accepted candidates"),
    "seed": ("seed with its reference answer", "seeds with their reference answers"),
    "teacher": ("seed with a teacher's answer", "seeds with a teacher's answers"),
    "own": ("answer of the student's own", "answers of the student's own"),
    "file": ("line of a file", "lines of a file"),
}
"""What one is called in a count, and several."""

POSITIVE, NEGATIVE = 1, -1


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A question and an answer to be made likelier, or unlikelier."""

    question: str
    """As the student reads it, context included."""

    answer: str
    """The whole answer, steps and final answer."""

    final: str | None = None
    """Reference final answer of the question; None where nobody knows it, so own answers to it cannot be judged."""

    label: int = POSITIVE
    """POSITIVE or NEGATIVE: the objectives that know wrong answers make these unlikelier."""

    rejected: str | None = None
    """An answer that loses to ``answer``, for preferences; None where there is none."""

    origin: str = "file"
    """One of ORIGINS."""

    origin_run_id: str | None = None
    """Run that it came from: a generate run, an import, the run that drew it; None for a file."""

    origin_id: str | None = None
    """candidate_id or problem_id there, or what that run calls the question; for a file the line, from 1."""

    @property
    def row_id(self) -> str:
        """Hash of all that a training may read of it; where it came from does not count."""
        return content_id("row", self.question, self.answer, self.final, self.label, self.rejected)

    @property
    def texts(self) -> tuple[str, str, int, str | None]:
        """Question, answer, label and rejected answer: rows that are alike in these are one row, there twice."""
        return self.question, self.answer, self.label, self.rejected


COLUMNS = ("row_id", *(field.name for field in fields(TrainingRow)))
"""Of the frame that a run is given."""


def rows_from_candidates(run_id: str, candidates: Sequence[Candidate]) -> list[TrainingRow]:
    """Return the training rows of a run's accepted candidates; of those with the same texts only the first."""
    first = {}
    for row in candidates:
        first.setdefault((row.question.strip(), row.answer.strip()), row)
    return [
        TrainingRow(
            row.question, row.answer, row.final, origin="candidate", origin_run_id=run_id, origin_id=row.candidate_id
        )
        for row in first.values()
    ]


def hash_rows(rows: Iterable[TrainingRow]) -> str:
    """Return the SHA-256 of a set of rows, in their order."""
    return hashlib.sha256("\n".join(row.row_id for row in rows).encode()).hexdigest()


def to_frame(rows: Sequence[TrainingRow]) -> "pd.DataFrame":
    """Return one line per row with COLUMNS."""
    import pandas as pd

    return pd.DataFrame([{"row_id": row.row_id, **asdict(row)} for row in rows], columns=list(COLUMNS))


def from_frame(frame: "pd.DataFrame") -> list[TrainingRow]:
    """Return the rows of a frame that ``to_frame`` made.

    Frames from before there were origins hold ``candidate_run_id``, ``candidate_id``, question and answer.
    """
    if "origin" not in frame:
        frame = frame.rename(columns={"candidate_run_id": "origin_run_id", "candidate_id": "origin_id"})
        frame = frame.assign(origin="candidate")
    names = [field.name for field in fields(TrainingRow) if field.name in frame]
    return [
        TrainingRow(**{name: _plain(name, value) for name, value in zip(names, values, strict=True)})
        for values in frame[names].itertuples(index=False, name=None)
    ]


def _plain(name: str, value: Any) -> Any:
    """Return a cell as the record keeps it: pandas has its own words for nothing and for whole numbers."""
    import pandas as pd

    if pd.isna(value):
        return None
    return int(value) if name == "label" else value
