"""The database of a few runs, in memory: for a command that asks what a page would be told, beside an open app or not.

What it says of these runs is what the home's own database says, for it is made by the same ingest from the same files.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import RunError
from core.runs.folder import RunFolder
from core.store.ingest import Ingest
from core.store.store import Store


@contextmanager
def open_partial(home: Path, run_ids: Iterable[str]) -> Iterator[Store]:
    """Yield a store that knows these runs, and every review.

    Raises:
        RunError: this home has no such run.
    """
    store = Store(Path(":memory:"))
    try:
        ingest = Ingest(store.database, home)
        with ingest.commit_after():
            ingest.read_journal("reviews")
            for run_id in dict.fromkeys(run_ids):
                folder = RunFolder(home / "runs" / run_id)
                if not run_id or Path(run_id).name != run_id or not (folder.path / "run.json").exists():
                    raise RunError(f"There is no run {run_id!r} in {home}; `python -m core runs` lists them.")
                state = folder.read_state()
                ingest.read_records(run_id)
                ingest.put_run(run_id, folder.read_run(), state)
        yield store
    finally:
        store.close()
