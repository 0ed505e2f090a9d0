"""What a scoring stage leaves in a run folder, read again: vectors, the table of a score run, the pool of such a table.

Vectors are too wide for a table; they lie beside the records:

    vectors/LABEL/ids.npy       problem ids
    vectors/LABEL/SIGNAL.npy    (n, width) float32, aligned with the ids, rows of NaN where unknown
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.datasets import load_problems
from core.errors import DataFormatError
from core.recipes.stages import home_of
from core.runs.folder import RunFolder
from core.runs.parts import read_parts
from core.runs.whole_files import write_array
from core.selection import Pool
from core.signals import SIGNALS

if TYPE_CHECKING:
    import pandas as pd


def write_vectors(folder: RunFolder, label: str, name: str, ids: Sequence[str], values: np.ndarray) -> None:
    """Keep vectors beside the records, each file complete or not there."""
    place = folder.path / "vectors" / label
    write_array(np.array(ids, dtype=str), place / "ids.npy")
    write_array(values.astype(np.float32, copy=False), place / f"{name}.npy")


def drop_vectors(folder: RunFolder, label: str, name: str) -> None:
    """Remove the vectors that an earlier attempt kept of a signal, if any."""
    (folder.path / "vectors" / label / f"{name}.npy").unlink(missing_ok=True)


def read_vectors(run: Path, label: str, name: str, problem_ids: Sequence[str]) -> np.ndarray | None:
    """Return (n, width) float32 vectors in the order of these problems, NaN where there is none; None without a file.

    Args:
        run: the run folder.
        label: of the student.
        name: of the signal.
        problem_ids: n ids.
    """
    place = run / "vectors" / label
    if not (place / f"{name}.npy").is_file():
        return None
    ids = np.load(place / "ids.npy", allow_pickle=False)
    kept = np.load(place / f"{name}.npy", allow_pickle=False, mmap_mode="r")
    if len(ids) == len(problem_ids) and (ids == np.asarray(problem_ids, dtype=str)).all():
        return kept  # stays on the disk until a selector looks
    rows = {id_: row for row, id_ in enumerate(ids.tolist())}
    found = np.array([rows.get(id_, -1) for id_ in problem_ids])
    vectors = np.full((len(found), kept.shape[1]), np.nan, dtype=np.float32)
    vectors[found >= 0] = kept[found[found >= 0]]
    return vectors


def read_score_frame(folder: RunFolder) -> "pd.DataFrame":
    """Return what a score run found, one row per problem in the order of the seed set.

    Columns: problem_id, question, reference, final, answer, answer_final, each signal and the numbers behind it,
    n_tokens, is_truncated. A vector signal is a column of lists, None where unknown. A signal that failed is a column
    without values; ``attrs["failed"]``, which a Parquet file keeps, has the sentence of each.
    """
    import pandas as pd

    config = folder.config
    problems = load_problems(home_of(folder), config["seed_set"], config["splits"])
    ids = [problem.problem_id for problem in problems]
    columns = ["problem_id", "text", "final", "loss", "n_tokens", "is_truncated"]
    answers = read_parts(folder, "predictions", columns).drop_duplicates("problem_id", keep="last")
    answers = answers.set_index("problem_id").reindex(ids).reset_index()
    frame = pd.DataFrame(
        {
            "problem_id": ids,
            "question": [problem.question for problem in problems],
            "reference": [problem.answer for problem in problems],
            "final": [problem.final for problem in problems],
            "answer": answers["text"],
            "answer_final": answers["final"],
            "loss": answers["loss"].astype("float64"),
        }
    )
    scores = read_parts(folder, "scores", ["problem_id", "signal", "value"])
    scores = scores.drop_duplicates(["problem_id", "signal"], keep="last")
    wide = scores.pivot(index="problem_id", columns="signal", values="value").reindex(ids).astype("float64")
    wide = wide[list(dict.fromkeys(scores["signal"]))]  # in the order of scoring
    for name in wide:
        frame[name] = wide[name].to_numpy()
    for name in (name for name in wide if name in SIGNALS and SIGNALS.get(name).is_vector):
        vectors = read_vectors(folder.path, config["label"], name, ids)
        frame[name] = None if vectors is None else [None if np.isnan(row[0]) else row for row in vectors]
    frame = frame.assign(n_tokens=answers["n_tokens"], is_truncated=answers["is_truncated"])
    frame.attrs["failed"] = dict((folder.read_state().summary or {}).get("failed") or {})
    return frame


def read_score_file(path: Path) -> "tuple[pd.DataFrame, Pool]":
    """Return the table that ``core score`` wrote into a Parquet file, and its pool.

    Raises:
        DataFormatError: there is no such file, it is no table, or its rows are not one problem each.
    """
    import pandas as pd

    if not path.is_file():
        raise DataFormatError(f"There is no file {path}; make it with `core score`.")
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataFormatError(f"{path} is no table of scores: {error}".splitlines()[0]) from error
    if "problem_id" not in frame:
        raise DataFormatError(f"{path} has no column problem_id; give a file that `core score` wrote.")
    ids = frame["problem_id"]
    if ids.isna().any():
        raise DataFormatError(f"{path} has no problem_id in {ids.isna().sum():,} of its rows; give each row one.")
    if ids.duplicated().any():
        raise DataFormatError(
            f"{path} has the problem_id {ids[ids.duplicated()].iloc[0]} more than once; keep one row per problem."
        )
    return frame, pool_from_scores(frame)


def pool_from_scores(frame: "pd.DataFrame") -> Pool:
    """Return the pool of a table made by ``read_score_frame``, read from a file or not; without what failed.

    Raises:
        DataFormatError: the column of a signal holds something else than its values.
    """
    plain, vectors = {}, {}
    for name in SIGNALS:
        if name not in frame or name in frame.attrs.get("failed", ()):
            continue
        if SIGNALS.get(name).is_vector:
            vectors[name] = _read_vector_column(frame[name])
        else:
            plain[name] = _read_number_column(frame[name])
    return Pool(frame["problem_id"].to_numpy(dtype=str), plain, vectors=vectors)


def _read_number_column(column: "pd.Series") -> np.ndarray:
    """Return (n,) float64, NaN where unknown."""
    from pandas.api.types import is_numeric_dtype

    if not is_numeric_dtype(column) and column.notna().any():  # a column of nothing has no type
        raise DataFormatError(f"The column {column.name} holds no numbers; give a table that `core score` wrote.")
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _read_vector_column(column: "pd.Series") -> np.ndarray:
    """Return (n, width) float32, rows of NaN where unknown."""
    try:
        width = next((len(row) for row in column if row is not None), 1)
        rows = [np.full(width, np.nan) if row is None else row for row in column]
        return np.array(rows, dtype=np.float32).reshape(len(column), width)
    except (TypeError, ValueError) as error:
        raise DataFormatError(
            f"The column {column.name} holds no vectors of one width; give a table that `core score` wrote."
        ) from error
