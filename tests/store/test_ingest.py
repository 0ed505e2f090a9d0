import json
import random
import time

import pandas as pd
import pytest

from core.lines import LineWriter
from core.runs.folder import RunFolder
from core.store import ingest as ingest_module
from core.store import pieces
from core.store.ingest import Ingest
from core.store.store import Store
from tests.runs.world import dump, merge_lines, read_stored

_FULL_DISK = "insert into ingested_files select * from batch union all select error('the disk is full'), 1, 1, 1, ''"


class Tables:
    """A home with one run, and its database, which can be closed and opened again."""

    def __init__(self, home):
        self.home = home
        self.run = RunFolder.create(home, "finetune", title="t", config={}, lane="device", run_id="run")
        self.metrics = self.run.path / "records" / "metrics.jsonl"
        self.open()

    def open(self):
        self.store = Store(self.home / "seedbed.duckdb")
        self.ingest = Ingest(self.store.database, self.home)

    def reopen(self):
        self.store.close()
        self.open()

    def read(self):
        with self.ingest.commit_after():
            return self.ingest.read_records("run")

    def rows(self, sql):
        with self.store.cursor() as cursor:
            return cursor.execute(sql).fetchall()

    def faults(self):
        return {reason: (first, n) for _, reason, first, n in self.rows("select * from ingest_faults")}


@pytest.fixture
def tables(tmp_path):
    made = Tables(tmp_path)
    yield made
    made.store.close()


def metric(step, value=0.5, attempt=1, **more):
    return {"attempt": attempt, "round": 1, "name": "loss", "step": step, "value": value, **more}


def write(path, text):
    with path.open("ab") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def line(record):
    return json.dumps({"v": 1, **record}) + "\n"


@pytest.mark.parametrize("seed", range(4))
def test_every_line_is_a_row_once_whatever_happens_in_between(tables, seed, monkeypatch):
    monkeypatch.setattr(pieces, "CHUNK_BYTES", 700)  # many chunks
    monkeypatch.setattr(ingest_module, "COMMIT_ROWS", 5)
    rng = random.Random(seed)
    data, cut, step = b"", 0, 0
    for _ in range(60):
        for _ in range(rng.randrange(4)):
            step = max(0, step - 2) if rng.random() < 0.2 else step + 1
            data += line(metric(step, rng.random(), attempt=rng.choice([1, 1, 2]))).encode()
        end = rng.randrange(cut, len(data) + 1)  # anywhere, also in the middle of a line
        write(tables.metrics, data[cut:end])
        cut = end
        if rng.random() < 0.5:
            tables.read()
        if rng.random() < 0.15:
            tables.reopen()
    write(tables.metrics, data[cut:])
    tables.read()
    assert read_stored(tables.store, "run") == merge_lines(tables.metrics)
    n_lines = data.count(b"\n")
    assert tables.rows('select "offset", n_records, n_torn from ingested_files') == [(len(data), n_lines, 0)]


def test_an_error_before_the_commit_takes_in_neither_rows_nor_offset(tables, monkeypatch):
    write(tables.metrics, line(metric(1)))
    with monkeypatch.context() as patch:
        patch.setattr(ingest_module, "_PUT_FILES", _FULL_DISK)
        with pytest.raises(Exception, match="the disk is full"):
            tables.read()
    assert tables.rows("select count(*) from metrics") == [(0,)]
    assert tables.read()
    assert tables.rows("select step from metrics") == [(1,)]
    assert not tables.read()


def test_a_torn_tail_waits_and_a_torn_line_is_counted(tables):
    write(tables.metrics, line(metric(1)) + '{"attempt": 1, "round": 1, "na')
    tables.read()
    assert not tables.read()
    assert tables.rows("select n_records, n_torn from ingested_files") == [(1, 0)]
    with LineWriter(tables.metrics) as writer:  # closes the torn line
        writer.append(metric(2))
    write(tables.metrics, b"[1, 2]\n\xff\xfe\n\n" + line(metric(3)).encode())
    tables.read()
    assert [step for (step,) in tables.rows("select step from metrics order by step")] == [1, 2, 3]
    assert tables.rows("select n_records, n_torn from ingested_files") == [(3, 3)]


def test_the_later_attempt_wins_whichever_line_comes_first(tables):
    write(tables.metrics, line(metric(1, 0.1)) + line(metric(1, 0.2, attempt=2)) + line(metric(1, 0.15)))
    write(tables.metrics, line(metric(2, 0.1)) + line(metric(2, 0.2)))
    tables.read()
    assert read_stored(tables.store, "run") == {1: 0.2, 2: 0.2}
    write(tables.metrics, line(metric(1, 0.3)) + line(metric(2, 0.3, attempt=3)))
    tables.read()
    assert read_stored(tables.store, "run") == {1: 0.2, 2: 0.3}


def test_what_cannot_be_stored_is_a_fault_and_stalls_nothing(tables):
    records = [
        metric(1),
        metric("two"),
        metric(3, "0.5"),
        metric(4, colour="red"),
        metric(5, colour="blue"),
        metric(None),
        metric(2**40),
        metric(1.5),
        metric(True),
        {"attempt": 1, "round": 1, "name": "\ud800", "step": 1},
        metric(9),
    ]
    text = "".join(line(record) for record in records)
    write(tables.metrics, text)
    tables.read()
    assert [step for (step,) in tables.rows("select step from metrics order by step")] == [1, 4, 5, 9]
    faults = tables.faults()
    second = len(line(records[0]))
    assert faults.pop("the field 'colour' is no column of metrics and was left out")[1] == 2
    assert faults.pop("step of metrics is not a whole number of 32 bits; the record was not stored") == (second, 4)
    assert faults.pop("step of metrics is missing; the record was not stored")[1] == 1
    assert faults.pop("value of metrics is not a number; the record was not stored")[1] == 1
    assert faults.pop("name of metrics is not a text; the record was not stored")[1] == 1
    assert not faults
    before = dump(tables.store)
    assert not tables.read()
    assert dump(tables.store) == before


def test_unknown_is_null_and_nested_values_are_json(tables):
    write(tables.metrics, '{"attempt": 1, "round": 1, "name": "loss", "step": 1, "value": NaN, "epoch": Infinity}\n')
    write(tables.metrics, line({"attempt": 1, "round": 1, "name": "loss", "step": 2.0, "value": 3}))
    candidate = {"candidate_id": "c", "parents": ["p1", "p2"], "meta": {"a": [1, None]}, "question": "x\u0000y"}
    write(tables.run.path / "records" / "candidates.jsonl", line(candidate))
    write(tables.run.path / "records" / "verdicts.jsonl", line({"candidate_id": "c", "filter": "f", "reason": ["a"]}))
    tables.read()
    assert tables.rows("select step, value, epoch from metrics order by step") == [(1, None, None), (2, 3.0, None)]
    assert tables.rows("select parents, meta, question, attempt from candidates") == [
        ('["p1", "p2"]', '{"a": [1, null]}', "x\u0000y", 1)
    ]
    assert tables.rows("select reason from verdicts") == [('["a"]',)]
    assert not tables.faults()


def test_parts_are_read_once_and_a_later_attempt_replaces_their_rows(tables):
    rows = pd.DataFrame({"problem_id": ["a", "b"], "position": [0, 1], "meta": [{"n": 1}, None], "final": ["1", None]})
    tables.run.write_part("problems", rows)
    assert tables.read()
    assert not tables.read()
    tables.reopen()
    assert not tables.read()
    tables.run.attempt = 2
    tables.run.write_part("problems", rows.assign(final=["7", "8"], meta='{"n": 2}').drop(columns="position"))
    tables.read()
    found = tables.rows("select problem_id, attempt, position, final, meta from problems order by 1")
    assert found == [("a", 2, None, "7", '{"n": 2}'), ("b", 2, None, "8", '{"n": 2}')]
    assert tables.rows("select count(*), sum(n_records) from ingested_parts") == [(2, 4)]


def test_faults_of_parts(tables):
    folder = tables.run.path / "records" / "predictions"
    folder.mkdir()
    (folder / "part-00000.parquet").write_bytes(b"no parquet")
    good = {"student": "base", "problem_id": ["a", "b"], "loss": [0.5, float("nan")], "n_tokens": [1.0, None]}
    pd.DataFrame({**good, "attempt": 1, "colour": "red"}).to_parquet(folder / "part-00001.parquet")
    pd.DataFrame({"student": "base", "problem_id": ["c", None], "n_tokens": [1.5, 2], "attempt": 1}).to_parquet(
        folder / "part-00002.parquet"
    )
    tables.read()
    assert tables.rows("select problem_id, loss, n_tokens from predictions order by 1") == [
        ("a", 0.5, 1),
        ("b", None, None),
    ]
    assert tables.faults() == {
        "it is not a readable Parquet file": (0, 1),
        "the field 'colour' is no column of predictions and was left out": (0, 2),
        "n_tokens of predictions is not a whole number of 32 bits; the record was not stored": (0, 1),
        "problem_id of predictions is missing; the record was not stored": (1, 1),
    }


def test_a_file_that_shrank_or_was_replaced_is_read_anew(tables):
    write(tables.metrics, "".join(line(metric(step)) for step in range(5)))
    tables.read()
    tables.metrics.write_text(line(metric(7)))
    tables.read()
    assert read_stored(tables.store, "run") == {7: 0.5}
    tables.store.close()
    tables.metrics.write_text("".join(line(metric(step)) for step in range(20, 40)))  # longer, and another beginning
    tables.open()
    tables.read()
    assert sorted(read_stored(tables.store, "run")) == list(range(20, 40))


def test_records_for_no_table_are_named_until_a_migration_brings_it(tables):
    write(tables.run.path / "records" / "colours.jsonl", line({"x": 1}))
    write(tables.run.path / "records" / "runs.jsonl", line({"run_id": "other", "state": "done"}))
    assert tables.read()
    assert not tables.read()
    assert sorted(tables.faults()) == [
        "there is no table 'colours' that runs write to",
        "there is no table 'runs' that runs write to",
    ]
    assert tables.rows("select count(*) from runs") == [(0,)]


def test_a_line_longer_than_a_chunk_does_not_stall_the_file(tables, monkeypatch):
    monkeypatch.setattr(pieces, "CHUNK_BYTES", 1000)
    path = tables.run.path / "records" / "candidates.jsonl"
    write(path, line({"candidate_id": "long", "question": "x" * 5000}) + line({"candidate_id": "next"}))
    tables.read()
    assert tables.rows("select candidate_id, length(question) from candidates order by 1") == [
        ("long", 5000),
        ("next", None),
    ]


def test_a_row_that_only_the_database_refuses_is_a_fault(tables):
    with tables.store.cursor() as cursor:
        (sql,) = cursor.execute("select sql from duckdb_tables() where table_name = 'metrics'").fetchone()
        cursor.execute("drop table metrics")
        cursor.execute(sql.replace("PRIMARY KEY", "check (value <> 3.0), PRIMARY KEY"))
    write(tables.metrics, "".join(line(metric(step, float(step))) for step in range(6)))
    tables.read()
    assert [step for (step,) in tables.rows("select step from metrics order by step")] == [0, 1, 2, 4, 5]
    reason = "the database refused it (ConstraintException); the record was not stored"
    assert tables.faults() == {reason: (3 * len(line(metric(0, 0.0))), 1)}


def test_a_hundred_thousand_lines_take_seconds(tables):
    write(tables.metrics, "".join(line(metric(step, 0.1, epoch=0.5, written_at=1.0)) for step in range(100_000)))
    began = time.process_time()
    tables.read()
    assert time.process_time() - began < 6
    assert tables.rows("select count(*) from metrics") == [(100_000,)]
