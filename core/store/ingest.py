"""The ingest: lines and parts become rows exactly once, however often anybody is killed.

The rows of a piece of a file and how far that file was read are committed in one transaction, so a piece is either in
the tables and never read again, or not there and read anew. Only complete lines are read. Whatever cannot be stored is
a row of ``ingest_faults``. It knows files, columns and keys, and nothing of what the records mean.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from core.runs.folder import RunState
from core.store.catalogue import Table, read_catalogue
from core.store.database import Database
from core.store.pieces import parse_piece, read_head, read_piece
from core.store.rows import Faults, make_rows, make_rows_of_part

COMMIT_ROWS = 20_000
"""How many rows wait for one another before they are committed."""

_PUT_RUNS = """
    insert into runs select * from batch
    on conflict (run_id) do update set title = excluded.title, state = excluded.state,
        started_at = excluded.started_at, ended_at = excluded.ended_at, attempt = excluded.attempt, pid = excluded.pid,
        error = excluded.error, summary = excluded.summary, note = excluded.note
"""
_PUT_FILES = """
    insert into ingested_files select * from batch
    on conflict (path) do update set "offset" = excluded."offset", n_records = excluded.n_records,
        n_torn = excluded.n_torn, head = excluded.head
"""
_PUT_PARTS = "insert into ingested_parts select * from batch"
_PUT_FAULT = """
    insert into ingest_faults values (?, ?, ?, ?)
    on conflict (path, reason) do update set n = ingest_faults.n + excluded.n
"""


@dataclass(slots=True)
class FileMark:
    """How far one append-only file was read."""

    offset: int = 0
    n_records: int = 0
    n_torn: int = 0
    head: str | None = None
    seen: tuple[int, ...] = ()
    """inode, size and time of the file when it was last looked at, by this process."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Rows of one piece or part that wait for their commit."""

    table: Table
    path: str
    rows: pa.Table
    faults: Faults


def put_batch(cursor: duckdb.DuckDBPyConnection, sql: str, rows: pa.Table, **added: pa.Array) -> None:
    """Execute a statement that reads the rows as ``batch``."""
    for name, column in added.items():
        rows = rows.append_column(name, column)
    cursor.register("batch", rows)
    cursor.execute(sql)
    cursor.unregister("batch")  # after an error nothing works before the rollback; the next batch takes the name then


def put_tuples(cursor: duckdb.DuckDBPyConnection, sql: str, rows: Sequence[tuple]) -> None:
    """Execute a statement that reads the tuples as ``batch``; a few go one by one, which is planned faster."""
    if len(rows) <= 4:
        for row in rows:
            cursor.execute(sql.replace("select * from batch", f"values ({', '.join('?' * len(row))})"), row)
        return
    columns = zip(*rows, strict=True)
    put_batch(cursor, sql, pa.table({f"c{i}": list(values) for i, values in enumerate(columns)}))


def _make_text(value: str) -> str:
    """Return a text that every reader can show: half a surrogate pair becomes a question mark."""
    return str(value).encode("utf-8", errors="replace").decode()


class Ingest:
    """Takes the files of one home into its database; one for each open database, called by one thread at a time."""

    def __init__(self, database: Database, home: Path):
        self.database = database
        self.home = home
        self.n_failed_commits = 0
        """Grows whenever what had been read was not stored, and so must be read again."""
        with database.cursor() as cursor:
            self.tables = read_catalogue(cursor)
        self._recall()

    def _recall(self) -> None:
        """Take from the tables what was read so far; nothing is pending then."""
        self._pending: list[Pending] = []
        self._new_marks: dict[str, FileMark] = {}
        self._new_parts: dict[str, tuple[int, int]] = {}
        self._new_runs: dict[str, tuple] = {}
        with self.database.cursor() as cursor:
            marks = cursor.execute('select path, "offset", n_records, n_torn, head from ingested_files').fetchall()
            self._parts = dict(cursor.execute("select path, size from ingested_parts").fetchall())
            self._faulty = set(cursor.execute("select path, reason from ingest_faults").fetchall())
            rows = cursor.execute("select * from runs").fetchall()
        self._marks = {path: FileMark(*rest) for path, *rest in marks}
        self._runs = {row[0]: row for row in rows}

    # -- one transaction for many files ----------------------------------------------------------------------

    @contextmanager
    def commit_after(self) -> Iterator[None]:
        """Collect what the verbs below read and commit it when the block ends (sooner where it is much).

        What was collected before an error is committed too. Where the commit itself fails (a full disk) nothing is
        taken in, and the files are read again at the next call.
        """
        try:
            yield
        finally:
            self.commit()

    def commit(self) -> None:
        """Store pending rows, faults, and how far the files were read, in one transaction.

        Rows are checked beforehand, so the database refuses none; should it still, the rows are parted until the one
        that it refuses is found, for one bad row must not stall a file.
        """
        if not (self._pending or self._new_marks or self._new_parts or self._new_runs):
            return
        try:
            with self.database.writing() as cursor:
                try:
                    self._store(cursor, self._pending)
                except (duckdb.DataError, duckdb.IntegrityError):
                    cursor.execute("rollback")
                    self._store(cursor, [self._sift(cursor, piece) for piece in self._pending])
        except Exception:
            self.n_failed_commits += 1
            self._recall()
            raise
        self._pending, self._new_marks, self._new_parts, self._new_runs = [], {}, {}, {}

    def _store(self, cursor: duckdb.DuckDBPyConnection, pieces: Sequence[Pending]) -> None:
        cursor.execute("begin")
        by_table: dict[str, list[pa.Table]] = {}
        for piece in pieces:
            if piece.rows.num_rows:
                by_table.setdefault(piece.table.name, []).append(piece.rows)
            for reason, (place, n) in piece.faults.found.items():
                cursor.execute(_PUT_FAULT, [piece.path, reason, place, n])
        for name, batches in by_table.items():
            rows = pa.concat_tables(batches) if len(batches) > 1 else batches[0]
            order = pa.array(range(rows.num_rows), pa.int64())  # places of several files cannot be compared
            put_batch(cursor, self.tables[name].make_upsert("batch"), rows.drop_columns("place"), place=order)
        files = [(path, m.offset, m.n_records, m.n_torn, m.head) for path, m in self._new_marks.items()]
        put_tuples(cursor, _PUT_FILES, files)
        put_tuples(cursor, _PUT_PARTS, [(path, *found) for path, found in self._new_parts.items()])
        put_tuples(cursor, _PUT_RUNS, list(self._new_runs.values()))
        cursor.execute("commit")

    def _sift(self, cursor: duckdb.DuckDBPyConnection, piece: Pending) -> Pending:
        """Return the piece without the rows that the database refuses; those become faults."""
        good = list(self._part_rows(cursor, piece, piece.rows))
        return replace(piece, rows=pa.concat_tables(good) if good else piece.rows[:0])

    def _part_rows(self, cursor: duckdb.DuckDBPyConnection, piece: Pending, rows: pa.Table) -> Iterator[pa.Table]:
        """Yield the parts of a batch that the database takes."""
        try:
            cursor.execute("begin")
            put_batch(cursor, piece.table.make_upsert("batch"), rows)
            cursor.execute("rollback")
            yield rows
        except (duckdb.DataError, duckdb.IntegrityError) as error:
            cursor.execute("rollback")
            half = rows.num_rows // 2
            if half == 0:
                reason = f"the database refused it ({type(error).__name__}); the record was not stored"
                piece.faults.add(reason, rows["place"][0].as_py())
                return
            yield from self._part_rows(cursor, piece, rows[:half])
            yield from self._part_rows(cursor, piece, rows[half:])

    def _wait(self, piece: Pending) -> None:
        """Keep a piece for the next commit; commit now where enough has come together."""
        self._pending.append(piece)
        self._faulty |= {(piece.path, reason) for reason in piece.faults.found}
        if sum(waiting.rows.num_rows for waiting in self._pending) > COMMIT_ROWS:
            self.commit()

    # -- what to read ----------------------------------------------------------------------------------------

    def read_journal(self, name: str) -> bool:
        """Take in what is new in ``journal/NAME.jsonl``; say whether there was anything."""
        return self._read_lines(self.tables[name], None, f"journal/{name}.jsonl")

    def read_records(self, run_id: str) -> bool:
        """Take in what is new in a run's ``records``; say whether there was anything."""
        has_rows = False
        base = f"runs/{run_id}/records"
        try:
            entries = sorted(os.scandir(self.home / base), key=lambda entry: entry.name)
        except FileNotFoundError:
            return False
        for entry in entries:
            name = entry.name.removesuffix(".jsonl")
            is_file = entry.name.endswith(".jsonl")
            if entry.name[0] == "." or not (is_file or entry.is_dir()):
                continue
            table = self.tables.get(name)
            if table is None or not table.is_of_runs:
                has_rows |= self._note_once(f"{base}/{entry.name}", f"there is no table {name!r} that runs write to")
            elif is_file:
                has_rows |= self._read_lines(table, run_id, f"{base}/{entry.name}")
            else:
                has_rows |= self._read_parts(table, run_id, f"{base}/{entry.name}")
        return has_rows

    # -- lines -----------------------------------------------------------------------------------------------

    def _read_lines(self, table: Table, run_id: str | None, path: str) -> bool:
        """Take in the complete new lines of a file, a chunk at a time."""
        mark = self._marks.get(path)
        try:
            stat = os.stat(self.home / path)  # noqa: PTH116 - called for every file of every live run, four times a second
        except FileNotFoundError:
            return False  # its rows stay: a file that went astray is no reason to forget what a person did
        seen = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if mark and mark.seen == seen:
            return False
        file = self.home / path
        if mark and mark.offset and (stat.st_size < mark.offset or read_head(file) != mark.head):
            self._forget_file(table, run_id, path)  # another file than the one that was read
            mark = None
        mark = mark or FileMark()
        has_rows = False
        while data := read_piece(file, mark.offset):
            piece, faults = parse_piece(data, mark.offset), Faults()
            rows = make_rows(table, piece.records, piece.places, run_id, faults)
            head = mark.head or read_head(file)
            mark = FileMark(piece.end, mark.n_records + len(piece.records), mark.n_torn + piece.n_torn, head)
            self._marks[path] = self._new_marks[path] = mark
            self._wait(Pending(table, path, rows, faults))
            has_rows = True
        mark.seen = seen
        self._marks[path] = mark
        return has_rows

    # -- parts -----------------------------------------------------------------------------------------------

    def _read_parts(self, table: Table, run_id: str, folder: str) -> bool:
        """Take in the Parquet parts of a folder that were not read yet, each in one transaction."""
        has_rows = False
        for entry in sorted(os.scandir(self.home / folder), key=lambda entry: entry.name):
            path = f"{folder}/{entry.name}"
            if not entry.name.endswith(".parquet") or entry.name[0] == ".":
                continue
            size = entry.stat().st_size
            known = self._parts.get(path)
            if known == size:
                continue
            if known is not None:  # another part under the same name
                self._forget_file(table, run_id, folder)
                return self._read_parts(table, run_id, folder) or True
            faults = Faults()
            try:
                part = pq.read_table(self.home / path)
            except (pa.ArrowException, OSError):
                part = pa.table({})
                faults.add("it is not a readable Parquet file", 0)
            rows = make_rows_of_part(table, part, run_id, faults) if part.num_columns else part
            self._parts[path] = size
            self._new_parts[path] = (size, part.num_rows)
            self._wait(Pending(table, path, rows, faults))
            has_rows = True
        return has_rows

    # -- forgetting ------------------------------------------------------------------------------------------

    def _forget_file(self, table: Table, run_id: str | None, path: str) -> bool:
        """Delete the rows that came from a file which is no longer that file, and that it was read.

        Lines and parts of one run may share a table, so both are read anew.
        """
        self.commit()
        base = path.removesuffix(".jsonl")
        where = ("where run_id = ?", [run_id]) if table.is_of_runs else ("", [])
        with self.database.writing() as cursor:
            cursor.execute("begin")
            cursor.execute(f'delete from "{table.name}" {where[0]}', where[1])
            self._forget_ledgers(cursor, f"{base}.jsonl", f"{base}/")
            cursor.execute("commit")
        return True

    def _forget_ledgers(self, cursor: duckdb.DuckDBPyConnection, file: str, folder: str) -> None:
        """Forget that a file, and everything under a folder, was read."""
        for ledger in ("ingested_files", "ingested_parts", "ingest_faults"):
            cursor.execute(f"delete from {ledger} where path = ? or starts_with(path, ?)", [file, folder])

        def stays(path: str) -> bool:
            return path != file and not path.startswith(folder)

        self._marks = {path: mark for path, mark in self._marks.items() if stays(path)}
        self._parts = {path: size for path, size in self._parts.items() if stays(path)}
        self._faulty = {(path, reason) for path, reason in self._faulty if stays(path)}

    def forget_run(self, run_id: str) -> bool:
        """Delete every row of a run but the reviews of its candidates, and that its files were read."""
        self.commit()
        with self.database.writing() as cursor:
            cursor.execute("begin")
            for table in self.tables.values():
                if table.is_of_runs:
                    cursor.execute(f'delete from "{table.name}" where run_id = ?', [run_id])
            cursor.execute("delete from runs where run_id = ?", [run_id])
            self._forget_ledgers(cursor, f"runs/{run_id}", f"runs/{run_id}/")
            cursor.execute("commit")
        self._runs.pop(run_id, None)
        return True

    # -- rows that are not records ---------------------------------------------------------------------------

    def put_run(self, run_id: str, run: dict[str, Any], state: RunState) -> bool:
        """Make the row of a run what its folder says; say whether it changed."""
        numbers = (state.started_at, state.ended_at)
        row = (
            run_id,
            *(_make_text(run[name]) for name in ("kind", "title", "lane")),
            state.state,
            json.dumps(run["config"]),
            float(run["created_at"]),
            *(None if number is None else float(number) for number in numbers),
            int(state.attempt),
            None if state.pid is None else int(state.pid),
            None if state.error is None else _make_text(state.error),
            None if state.summary is None else json.dumps(state.summary),
            None if run.get("note") is None else _make_text(run["note"]),
        )
        if self._runs.get(row[0]) == row:
            return False
        self._runs[row[0]] = self._new_runs[row[0]] = row
        return True

    def _note_once(self, path: str, reason: str) -> bool:
        """Record a fault of a whole file, the first time it is met."""
        if (path, reason) in self._faulty:
            return False
        with self.database.writing() as cursor:
            cursor.execute(_PUT_FAULT, [path, reason, 0, 1])
        self._faulty.add((path, reason))
        return True

    def list_run_ids(self) -> set[str]:
        """Return the runs of which there are rows, whether or not their folders are still there."""
        of_files = {path.split("/")[1] for path in [*self._marks, *self._parts] if path.startswith("runs/")}
        return of_files | self._runs.keys()

    def latest_journal_time(self) -> float | None:
        """Return the time of the latest journal line; None where there is none."""
        with self.database.cursor() as cursor:
            sql = "select max(t) from (select written_at t from reviews union all select written_at from trash_orders)"
            return cursor.execute(sql).fetchone()[0]
