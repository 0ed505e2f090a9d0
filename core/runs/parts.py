"""Reading again what a run wrote as Parquet parts: the wanted columns alone, for answers are long and many."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.runs.folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd


def read_parts(folder: RunFolder, table: str, columns: Sequence[str]) -> "pd.DataFrame":
    """Return these columns of all rows that a run wrote for a table, in the order of writing; empty without any part.

    Args:
        folder: of the run.
        table: name of the table.
        columns: in this order; where a part of before lacks one, its rows have no value there.
    """
    import pandas as pd
    from pyarrow import concat_tables
    from pyarrow.parquet import ParquetFile

    found = []
    for path in sorted((folder.path / "records" / table).glob("*.parquet")):
        with ParquetFile(path) as part:
            found.append(part.read([name for name in columns if name in part.schema_arrow.names], use_threads=False))
    if not found:
        return pd.DataFrame(columns=list(columns))
    # joined before it becomes a frame: a run has hundreds of parts, and each frame takes longer than its rows
    joined = concat_tables(found, promote_options="permissive").replace_schema_metadata(None)
    return joined.to_pandas().reindex(columns=list(columns))
