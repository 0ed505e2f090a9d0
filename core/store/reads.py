"""How a reading verb asks the database: its own cursor, a DataFrame or plain Python values back.

Unknown stays unknown: in a frame NULL is <NA> (whole numbers, booleans) or NaN (the rest), and ``pd.isna`` knows both;
in a dict it is None.
"""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.store.database import Database


class Reads:
    """Base of the reading verbs; safe in any thread."""

    database: Database

    def _frame(self, sql: str, values: Sequence[Any] = (), *, is_large: bool = False) -> pd.DataFrame:
        """Return the rows as a DataFrame with the columns of the query; it is the caller's own.

        Args:
            sql: the query.
            values: of its parameters.
            is_large: whether many rows are worth remembering until the tables change: they are read again and again.
        """

        def find() -> pd.DataFrame:
            with self.database.cursor() as cursor:
                return cursor.execute(sql, list(values)).df()

        found = self.database.remembered.ask(["frame", sql, *values], find, is_large=is_large)
        return found.copy(deep=False)  # copied where written to

    def _records(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows as dicts of plain Python values; the dicts are the caller's own."""

        def find() -> list[dict[str, Any]]:
            with self.database.cursor() as cursor:
                found = cursor.execute(sql, list(values))
                names = [column[0] for column in found.description]
                return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

        return [dict(row) for row in self.database.remembered.ask(["records", sql, *values], find)]

    def _record(self, sql: str, values: Sequence[Any] = ()) -> dict[str, Any] | None:
        """Return the first row as a dict; None where there is none."""
        rows = self._records(sql, values)
        return rows[0] if rows else None


def parse_json(record: dict[str, Any], *columns: str) -> dict[str, Any]:
    """Return the record with the JSON text of the named columns made values; NULL stays None."""
    return {
        name: json.loads(value) if name in columns and value is not None else value for name, value in record.items()
    }


def match_all(conditions: Sequence[str]) -> str:
    """Return a WHERE clause that asks for all conditions; nothing where there are none."""
    return f"where {' and '.join(conditions)}" if conditions else ""


def match_text(search: str) -> str:
    """Return the ILIKE pattern for a text that may hold ``%`` and ``_`` itself (use with ``escape '!'``)."""
    for sign in "!%_":
        search = search.replace(sign, "!" + sign)
    return f"%{search}%"
