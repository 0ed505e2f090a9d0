"""The database file: one owner, migrations applied once each, a cursor for every call.

It knows no table of its own but the list of migrations; what the tables mean is said in ``migrations/*.sql`` and
``views.sql``.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from core.errors import HomeInUseError
from core.store.remembered import Remembered

HERE = Path(__file__).resolve().parent
MIGRATIONS = HERE / "migrations"
VIEWS = HERE / "views.sql"


def describe_conflict(path: Path, pid: str | int | None) -> HomeInUseError:
    """Return the one sentence for a home that another process owns."""
    who = f"process {pid}" if pid else "another process"
    return HomeInUseError(f"{path} is in use by {who}; close that one first, or choose another home (SEEDBED_HOME).")


def list_migrations(folder: Path = MIGRATIONS) -> list[Path]:
    """Return the migration files in the order in which they apply."""
    return sorted(folder.glob("m[0-9][0-9][0-9]_*.sql"))


class Database:
    """An open DuckDB file, owned by this process alone.

    Args:
        path: the file; made where it does not exist.
        migrations: folder of ``m001_name.sql`` files; given only by tests.

    Raises:
        HomeInUseError: another process has opened the file.
    """

    def __init__(self, path: Path, migrations: Path = MIGRATIONS):
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = duckdb.connect(str(self.path))
        except (duckdb.IOException, duckdb.ConnectionException) as error:
            found = re.search(r"PID (\d+)", str(error))
            if "lock" not in str(error) and "different configuration" not in str(error):
                raise
            raise describe_conflict(self.path, found and found.group(1)) from error
        self._is_open = True
        self._closing = threading.Lock()
        self.remembered = Remembered()
        self._migrate(migrations)

    def _migrate(self, folder: Path) -> None:
        """Apply what was not applied yet, each file and its name in one transaction; then make the views anew."""
        with self.cursor() as cursor:
            cursor.execute("create table if not exists applied_migrations (name varchar primary key)")
            applied = {name for (name,) in cursor.execute("select name from applied_migrations").fetchall()}
            for path in list_migrations(folder):
                if path.stem in applied:
                    continue
                cursor.execute("begin")
                cursor.execute(path.read_text(encoding="utf-8"))
                cursor.execute("insert into applied_migrations values (?)", [path.stem])
                cursor.execute("commit")
            if folder == MIGRATIONS:
                cursor.execute(VIEWS.read_text(encoding="utf-8"))

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection of its own for one call of one thread; use it as a context manager."""
        return self._connection.cursor()

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a connection for one change of the tables; answers of before it are forgotten when it ends."""
        try:
            with self.cursor() as cursor:
                yield cursor
        finally:
            self.remembered.forget()

    def close(self) -> None:
        """Write everything into the file and let it go; further calls do nothing."""
        with self._closing:
            if self._is_open:
                self._is_open = False
                self._connection.close()
