"""Records made rows: values checked against the columns of their table; what does not fit is named, never dropped.

A record with a field that the table does not have is stored without that field, and the field is named; a record with
a wrong value, or without a value for the key, is not stored, and the reason is named. Reasons hold no values, so that
like faults count together.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from core.store.catalogue import Table

ARROW = {
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
}
"""DuckDB types that a migration may use for a table that records go to."""

_FITTING = {
    "VARCHAR": {str},
    "INTEGER": {int},
    "BIGINT": {int},
    "DOUBLE": {float, int},
    "BOOLEAN": {bool},
}
_KINDS = {
    "VARCHAR": "a text",
    "JSON": "JSON",
    "INTEGER": "a whole number of 32 bits",
    "BIGINT": "a whole number of 64 bits",
    "DOUBLE": "a number",
    "BOOLEAN": "true or false",
}


@dataclass(slots=True)
class Faults:
    """Reasons with the first place and the number of records that had them."""

    found: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, reason: str, place: int, n: int = 1) -> None:
        """Count one more."""
        first, before = self.found.get(reason, (place, 0))
        self.found[reason] = (first, before + n)


def convert(value: Any, type_: str) -> Any:
    """Return the value as the column takes it; raises ValueError where it does not fit. None stays None."""
    if value is None:
        return None
    if type_ == "JSON":
        if isinstance(value, str):
            json.loads(value)
            return value
        return json.dumps(value, ensure_ascii=False)
    if type_ == "VARCHAR":
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
        if isinstance(text, str):
            text.encode()  # raises for half a surrogate pair
            return text
    elif type_ == "BOOLEAN":
        if isinstance(value, bool):
            return value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if type_ == "DOUBLE":
            return float(value) if math.isfinite(value) else None
        limit = 2 ** (31 if type_ == "INTEGER" else 63)
        if math.isfinite(value) and value == int(value) and -limit <= value < limit:
            return int(value)
        if not math.isfinite(value):
            return None
    raise ValueError(_KINDS[type_])


def _convert_column(values: list[Any], type_: str) -> pa.Array | None:
    """Return a whole column at once; None where some value does not fit as it is."""
    try:
        if type_ == "JSON":
            return pa.array([convert(value, type_) for value in values], pa.string())
        kinds = set(map(type, values)) - {type(None)}
        if not kinds <= _FITTING[type_]:
            return None
        column = pa.array(values, ARROW[type_])
    except (ValueError, TypeError, pa.ArrowException):
        return None
    return _drop_unknown(column)


def _drop_unknown(column: pa.Array | pa.ChunkedArray) -> Any:
    """Make NaN and infinities NULL: unknown is unknown."""
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    return column


def _note_strange_fields(table: Table, records: Sequence[dict], places: Sequence[int], faults: Faults) -> None:
    """Name fields that the table has no column for; a record's run_id is its folder's name and is no field."""
    known = (table.columns.keys() | {"v"}) - ({"run_id"} if table.is_of_runs else set())
    for record, place in zip(records, places, strict=True):
        if not record.keys() <= known:
            for name in record.keys() - known:
                faults.add(f"the field {name!r} is no column of {table.name} and was left out", place)


def make_rows(
    table: Table, records: Sequence[dict[str, Any]], places: Sequence[int], run_id: str | None, faults: Faults
) -> pa.Table:
    """Return an Arrow table of the table's columns and ``place``; what does not fit is added to the faults.

    Args:
        table: where the rows go.
        records: as read; ``attempt`` counts as 1 where it is missing.
        places: where each record stands in its file (byte or row), growing.
        run_id: the folder's name for tables of runs; None for journals.
        faults: gets what could not be stored.
    """
    _note_strange_fields(table, records, places, faults)
    given = {"run_id": run_id} if table.is_of_runs else {}
    columns: dict[str, list[Any]] = {}
    for name in table.columns:
        default = given.get(name, 1 if name == "attempt" else None)
        columns[name] = [default] * len(records) if name in given else [record.get(name, default) for record in records]
    arrays = {name: _convert_column(values, table.columns[name]) for name, values in columns.items()}
    keys = [*table.key, *(["attempt"] if table.is_of_runs else [])]
    if all(array is not None for array in arrays.values()) and not any(arrays[name].null_count for name in keys):
        return pa.table({**arrays, "place": pa.array(places, pa.int64())})
    return _make_rows_one_by_one(table, columns, places, keys, faults)


def _make_rows_one_by_one(
    table: Table, columns: dict[str, list[Any]], places: Sequence[int], keys: Sequence[str], faults: Faults
) -> pa.Table:
    """Do the same value by value, leaving out the rows that do not fit."""
    kept: list[tuple[Any, ...]] = []
    for row in zip(places, *columns.values(), strict=True):
        place, values, is_good = row[0], [], True
        for (name, type_), value in zip(table.columns.items(), row[1:], strict=True):
            try:
                values.append(convert(value, type_))
            except (ValueError, OverflowError):
                faults.add(f"{name} of {table.name} is not {_KINDS[type_]}; the record was not stored", place)
                is_good = False
                break
            if values[-1] is None and name in keys:
                faults.add(f"{name} of {table.name} is missing; the record was not stored", place)
                is_good = False
                break
        if is_good:
            kept.append((*values, place))
    names = [*table.columns, "place"]
    types = [*(ARROW[type_] for type_ in table.columns.values()), pa.int64()]
    by_column = list(zip(*kept, strict=True)) if kept else [()] * len(names)
    return pa.table({n: pa.array(v, t) for n, v, t in zip(names, by_column, types, strict=True)})


def _cast_part_column(column: pa.ChunkedArray, type_: str) -> pa.ChunkedArray | None:
    """Return a Parquet column as the table takes it, without looking at single values; None where that is not sure."""
    kind, wanted = column.type, ARROW[type_]
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
    fits = {
        "VARCHAR": is_text,
        "BOOLEAN": pa.types.is_boolean(kind),
        "INTEGER": is_number,
        "BIGINT": is_number,
        "DOUBLE": is_number,
    }
    if not (pa.types.is_null(kind) or fits.get(type_, False)):
        return None
    try:
        return _drop_unknown(_drop_unknown(column).cast(wanted))
    except pa.ArrowException:
        return None


def make_rows_of_part(table: Table, part: pa.Table, run_id: str, faults: Faults) -> pa.Table:
    """Return the rows of a Parquet part as ``make_rows`` does; places are row numbers."""
    known = table.columns.keys() - {"run_id"}
    names = [name for name in part.column_names if name in known]
    casts = {name: _cast_part_column(part[name], table.columns[name]) for name in names}
    keys = {*table.key, "attempt"} - {"run_id"}
    is_sure = all(cast is not None for cast in casts.values()) and keys <= set(names)
    has_json = any(type_ == "JSON" and name in names for name, type_ in table.columns.items())
    if has_json or not is_sure or any(casts[name].null_count for name in keys):
        return make_rows(table, part.to_pylist(), range(part.num_rows), run_id, faults)
    for name in set(part.column_names) - set(names):
        faults.add(f"the field {name!r} is no column of {table.name} and was left out", 0, part.num_rows)
    arrays = {name: casts.get(name, pa.nulls(part.num_rows, ARROW[type_])) for name, type_ in table.columns.items()}
    arrays["run_id"] = pa.repeat(pa.scalar(run_id), part.num_rows)
    return pa.table({**arrays, "place": pa.array(range(part.num_rows), pa.int64())})
