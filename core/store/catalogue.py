"""What the tables are, as DuckDB's own catalogue says: the ingest asks here, so a new table needs a migration only."""

from dataclasses import dataclass

import duckdb

NOT_FROM_FILES = ("runs", "applied_migrations", "ingested_files", "ingested_parts", "ingest_faults")
"""Tables that the hub and the ingest write themselves."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table that records go to."""

    name: str
    columns: dict[str, str]
    """Column -> DuckDB type, in order."""

    key: tuple[str, ...]
    """Primary key: a record with the same values replaces the earlier one."""

    @property
    def is_of_runs(self) -> bool:
        """Whether runs write it (attempts count, the run_id is the folder's name), and not a journal."""
        return "attempt" in self.columns

    def make_upsert(self, source: str) -> str:
        """Return the statement that takes the rows of ``source`` in: the last of the highest attempt wins.

        ``source`` has the table's columns and ``place``, the order in which the records were written.
        """
        names = ", ".join(f'"{name}"' for name in self.columns)
        key = ", ".join(f'"{name}"' for name in self.key)
        changes = ", ".join(f'"{name}" = excluded."{name}"' for name in self.columns if name not in self.key)
        order = "attempt desc, place desc" if self.is_of_runs else "place desc"
        newer = f'where excluded.attempt >= "{self.name}".attempt' if self.is_of_runs else ""
        return f"""
            insert into "{self.name}" ({names}) select {names} from {source}
            qualify row_number() over (partition by {key} order by {order}) = 1
            on conflict ({key}) do update set {changes} {newer}
        """


def read_catalogue(cursor: duckdb.DuckDBPyConnection) -> dict[str, Table]:
    """Return the tables that records and journals go to, by name."""
    keys = dict(
        cursor.execute(
            """select table_name, constraint_column_names from duckdb_constraints()
            where constraint_type = 'PRIMARY KEY'"""
        ).fetchall()
    )
    tables: dict[str, dict[str, str]] = {}
    for table, column, type_ in cursor.execute(
        """select table_name, column_name, data_type from duckdb_columns()
        where table_name in (select table_name from duckdb_tables()) order by table_name, column_index"""
    ).fetchall():
        tables.setdefault(table, {})[column] = type_
    return {
        name: Table(name, columns, tuple(keys[name]))
        for name, columns in tables.items()
        if name in keys and name not in NOT_FROM_FILES
    }
