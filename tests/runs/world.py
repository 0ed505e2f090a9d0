"""What the tests of store, runs and hub share: small filled homes, and ways to compare databases and lines."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil

from core.hub import Hub
from core.lines import read_all
from core.runs.executor import LocalExecutor
from core.runs.folder import RunFolder
from core.settings import Settings
from core.store.store import Store

WORKER = [sys.executable, str(Path(__file__).with_name("worker.py"))]
APP = Path(__file__).with_name("app.py")


def open_test_hub(home: Path, is_threaded: bool = False, **slots: int) -> Hub:
    """Return a hub whose runs are the test worker's."""
    return Hub(Settings(home, **slots), LocalExecutor(WORKER), is_threaded)


def wait_for(is_true: Callable[[], object], timeout_s: float = 20.0, pause_s: float = 0.02) -> object:
    """Return the first true value; raises AssertionError after the time-out."""
    deadline = time.monotonic() + timeout_s
    while not (found := is_true()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(pause_s)
    return found


def is_running(pid: int) -> bool:
    """Say whether a process exists and is no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def make_seed_set(home: Path, run_id: str = "seeds", n: int = 6) -> RunFolder:
    """Make a finished import of n train problems and two test problems."""
    folder = RunFolder.create(home, "import", title="Seeds", config={"name": "w"}, lane="light", run_id=run_id)
    rows = [
        {
            "problem_id": f"p{i}",
            "split": "train" if i < n else "test",
            "position": i,
            "question": f"Question {i}, 50% of it?",
            "answer": f"Answer {i}",
            "final": str(i),
            "meta": f'{{"n_steps": {i}}}',
        }
        for i in range(n + 2)
    ]
    with folder.hold():
        folder.append(
            "seed_sets", {"name": "w", "task": "word_problems", "n_in": n + 3, "n_kept": n + 2, "n_rejected": 1}
        )
        folder.append("rejected_rows", {"source": "w.jsonl", "line": 3, "reason": "no question", "excerpt": "{}"})
        folder.write_part("problems", pd.DataFrame(rows))
        folder.finish("done", {"n": n + 2})
    return folder


def make_candidates(home: Path, run_id: str = "grown", n: int = 6, seed_set: str = "seeds") -> RunFolder:
    """Make a finished generate run: candidate 0 failed, candidate 1 rejected, the others accepted."""
    config = {"seed_set": seed_set, "selection_run": "chosen"}
    folder = RunFolder.create(home, "generate", title="Grown", config=config, lane="teacher", run_id=run_id)
    with folder.hold():
        for i in range(n):
            is_failed = i == 0
            texts = {"question": None, "answer": None} if is_failed else {"question": f"Q{i}?", "answer": f"A{i}"}
            folder.append(
                "candidates",
                {
                    "candidate_id": f"c{i}",
                    "round": 1,
                    "position": i,
                    "parents": [f"p{i}"],
                    **texts,
                    "final": str(i),
                    "failure": "The reply held no question." if is_failed else None,
                    "method": "rewrite",
                    "teacher": "built-in",
                    "n_input_tokens": 10,
                    "n_output_tokens": 5,
                    "meta": {"n_steps": i},
                    "written_at": 1000.0 + i,
                },
            )
            if not is_failed:
                reason = None if i != 1 else "ROUGE-L 0.91 with an earlier question."
                value = 0.91 if i == 1 else 0.2
                verdict = {"candidate_id": f"c{i}", "is_accepted": i != 1, "reason": reason, "value": value}
                folder.append("verdicts", {**verdict, "filter": "rouge_l"})
        folder.finish("done", {})
    return folder


def dump(store: Store) -> dict[str, list[tuple]]:
    """Return every row of every table, sorted, for comparison."""
    tables = {}
    with store.cursor() as cursor:
        for name in store.count_rows():
            tables[name] = sorted(cursor.execute(f'select * from "{name}"').fetchall(), key=repr)
    return tables


def merge_lines(path: Path) -> dict[int, float]:
    """Return step -> value of a metrics file as it is meant: the last of the highest attempt of every step."""
    latest: dict[int, tuple[int, float]] = {}
    for line in read_all(path):
        if line["attempt"] >= latest.get(line["step"], (0, 0.0))[0]:
            latest[line["step"]] = (line["attempt"], line["value"])
    return {step: value for step, (_, value) in latest.items()}


def read_stored(store: Store, run_id: str) -> dict[int, float]:
    """Return step -> value as the database has it; fails where a step is there twice."""
    with store.cursor() as cursor:
        rows = cursor.execute("select step, value from metrics where run_id = ?", [run_id]).fetchall()
    assert len(rows) == len({step for step, _ in rows})
    return dict(rows)
