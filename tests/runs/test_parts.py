"""Reading again what a run wrote as Parquet parts."""

import pandas as pd
import pytest
from pyarrow.parquet import ParquetFile

from core.runs.folder import RunFolder
from core.runs.parts import read_parts


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path, "score", title="t", config={}, lane="device")


def test_only_the_wanted_columns_are_read_in_the_order_of_writing(run, monkeypatch):
    for number in range(12):  # the tenth stands after the ninth
        frame = pd.DataFrame({"problem_id": [f"p{number}"], "text": ["long " * 99], "loss": [number / 2]})
        run.write_part("predictions", frame)
    read, asked = ParquetFile.read, []
    monkeypatch.setattr(ParquetFile, "read", lambda part, names, **how: asked.append(names) or read(part, names, **how))
    found = read_parts(run, "predictions", ["loss", "problem_id"])
    assert list(found) == ["loss", "problem_id"] and found["loss"].tolist() == [number / 2 for number in range(12)]
    assert found["problem_id"].iloc[-1] == "p11" and asked == [["loss", "problem_id"]] * 12


def test_a_part_that_lacks_a_column_has_no_value_there(run):
    run.write_part("predictions", pd.DataFrame({"problem_id": ["a"]}))
    run.write_part("predictions", pd.DataFrame({"problem_id": ["b"], "is_truncated": [True], "loss": [None]}))
    run.write_part("predictions", pd.DataFrame({"problem_id": ["c"], "is_truncated": [False], "loss": [2]}))
    found = read_parts(run, "predictions", ["problem_id", "is_truncated", "loss", "unknown"])
    assert found["problem_id"].tolist() == ["a", "b", "c"]
    assert found["is_truncated"].isna().tolist() == [True, False, False] and found["is_truncated"].iloc[1]
    assert found["loss"].isna().tolist() == [True, True, False] and found["loss"].iloc[2] == 2
    assert found["unknown"].isna().all()


def test_without_parts_there_are_columns_and_no_rows(run):
    found = read_parts(run, "scores", ["problem_id", "value"])
    assert list(found) == ["problem_id", "value"] and found.empty
