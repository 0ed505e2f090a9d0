"""The store: one open database and every verb that reads it; pages and run starters ask here and nowhere else.

To add a verb, put it in the file of its subject (``reads_runs``, ``reads_metrics``, ``reads_seeds``,
``reads_candidates``, ``reads_reviews``, ``reads_exports``, ``reads_calls``, ``reads_training``, ``reads_rows``,
``reads_evaluations``, ``reads_sweeps``, ``reads_maps``). Rows come in through ``ingest.py`` only.
"""

from pathlib import Path

import duckdb

from core.store.database import Database
from core.store.reads_calls import CallReads
from core.store.reads_candidates import CandidateReads
from core.store.reads_evaluations import EvaluationReads
from core.store.reads_experiments import ExperimentReads
from core.store.reads_exports import ExportReads
from core.store.reads_maps import MapReads
from core.store.reads_metrics import MetricReads
from core.store.reads_reviews import ReviewReads
from core.store.reads_rows import RowReads
from core.store.reads_runs import RunReads
from core.store.reads_seeds import SeedReads
from core.store.reads_sweeps import SweepReads
from core.store.reads_training import TrainingReads


class Store(
    RunReads,
    MetricReads,
    SeedReads,
    CandidateReads,
    ReviewReads,
    CallReads,
    TrainingReads,
    RowReads,
    EvaluationReads,
    ExperimentReads,
    SweepReads,
    ExportReads,
    MapReads,
):
    """The tables of one home, for reading; opened by the one process that owns them.

    Args:
        path: the DuckDB file; made, with its tables, where it does not exist.

    Raises:
        HomeInUseError: another process has opened the file; the sentence names its pid.
    """

    def __init__(self, path: Path):
        self.database = Database(path)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection of its own, for one call of one thread."""
        return self.database.cursor()

    def count_rows(self) -> dict[str, int]:
        """Return how many rows each table holds, in the order in which the migrations made them."""
        names = self._records("select table_name as name from duckdb_tables() order by table_oid")
        counts = [self._record(f'select count(*) as n from "{row["name"]}"') for row in names]
        return {row["name"]: count["n"] for row, count in zip(names, counts, strict=True)}

    def close(self) -> None:
        """Close the database; the store cannot be asked afterwards."""
        self.database.close()
