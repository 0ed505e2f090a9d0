import subprocess
import sys

import duckdb
import pytest

from core.errors import HomeInUseError
from core.store.database import Database, list_migrations
from core.store.store import Store

TABLES = (
    "applied_migrations runs attempts progress seed_sets problems rejected_rows predictions selections selected "
    "candidates verdicts reviews training_rows metrics adapters checkpoints evaluations rounds trash_orders "
    "ingested_files ingested_parts ingest_faults scores score_texts calls own_answers step_values checkpoint_answers "
    "answers policy_rows policy_answers map_points map_measures map_shifts"
)
METRICS = "run_id round name step attempt value epoch written_at"
REVIEWS = (
    "review_id run_id candidate_id action question answer final undoes written_at reviewer reason note batch_id plan "
    "is_blind"
)
CALLS = (
    "run_id call_id attempt purpose task teacher host sample_index n_input_tokens n_output_tokens n_cached_tokens "
    "n_reasoning_tokens is_cached finish_reason error n_attempts seconds nominal_usd paid_usd price_date "
    "charged_tokens charged_usd written_at"
)
FILES = "path offset n_records n_torn head"


def read_columns(store, table):
    with store.cursor() as cursor:
        sql = "select column_name from duckdb_columns() where table_name = ? order by column_index"
        return " ".join(name for (name,) in cursor.execute(sql, [table]).fetchall())


def test_migrations_make_the_tables_that_the_records_are_written_for(tmp_path):
    store = Store(tmp_path / "a.duckdb")
    assert " ".join(store.count_rows()) == TABLES
    assert read_columns(store, "metrics") == METRICS
    assert read_columns(store, "reviews") == REVIEWS
    assert read_columns(store, "ingested_files") == FILES
    assert read_columns(store, "calls") == CALLS
    assert read_columns(store, "problems") == "run_id problem_id attempt split position question answer final meta"
    store.close()


def test_each_migration_is_applied_once_and_in_order(tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "m001_first.sql").write_text("create table t (x integer); insert into t values (1);")
    Database(tmp_path / "a.duckdb", folder).close()
    (folder / "m002_second.sql").write_text("update t set x = x + 10; alter table t add column y varchar;")
    for _ in range(2):
        database = Database(tmp_path / "a.duckdb", folder)
        with database.cursor() as cursor:
            assert cursor.execute("select * from t").fetchall() == [(11, None)]
            assert cursor.execute("select name from applied_migrations order by name").fetchall() == [
                ("m001_first",),
                ("m002_second",),
            ]
        database.close()


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "m001_first.sql").write_text("create table t (x integer); create table t (x integer);")
    with pytest.raises(duckdb.CatalogException):
        Database(tmp_path / "a.duckdb", folder)
    (folder / "m001_first.sql").write_text("create table t (x integer);")
    database = Database(tmp_path / "a.duckdb", folder)
    with database.cursor() as cursor:
        assert cursor.execute("select count(*) from t").fetchone() == (0,)
    database.close()


def test_every_shipped_migration_has_a_number_of_its_own():
    numbers = [path.name[:4] for path in list_migrations()]
    assert numbers and len(numbers) == len(set(numbers))


def test_a_database_that_another_process_has_open_is_refused_with_its_pid(tmp_path):
    path = tmp_path / "a.duckdb"
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(HomeInUseError) as caught:
            Store(path)
        assert f"process {other.pid}" in str(caught.value)
        assert "\n" not in str(caught.value)
    finally:
        other.communicate("\n", timeout=20)
    Store(path).close()


def test_a_file_that_is_no_database_is_not_called_one_in_use(tmp_path):
    path = tmp_path / "a.duckdb"
    path.write_bytes(b"this is not a database " * 500)
    with pytest.raises(duckdb.Error):
        Store(path)
