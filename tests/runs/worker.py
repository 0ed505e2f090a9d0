"""A small real run for tests: appends metric lines at a steady rate, resumes behind its last checkpoint.

    python worker.py RUN_FOLDER

The run's config says how it behaves: n (lines), rate (per second), mode:
    plain      appends, ends when it is told to cancel
    child      starts a process of its own first (its pid is in child.pid) and never looks into the inbox
    fork       the same, by fork: the child inherits the lock
    stubborn   ignores SIGTERM and the inbox
    broken     ends before it takes the lock
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.errors import RunCancelled
from core.lines import read_all
from core.runs.folder import RunFolder

REPEATED = 7
"""How many steps a resumed attempt does once more."""


def main() -> None:
    folder = RunFolder(Path(sys.argv[1]))
    config = folder.config
    mode = config.get("mode", "plain")
    print("worker begins", flush=True)
    if mode == "broken":
        sys.exit(3)
    with folder.hold():
        try:
            if mode in ("child", "fork"):
                start_child(folder, is_forked=mode == "fork")
            if mode == "stubborn":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            append_lines(folder, config, looks=mode == "plain")
        except RunCancelled:
            folder.finish("cancelled")
            return
        folder.finish("done", {"attempts": folder.attempt})


def start_child(folder: RunFolder, is_forked: bool) -> None:
    if is_forked:
        pid = os.fork()
        if pid == 0:
            time.sleep(120)
            os._exit(0)
    else:
        pid = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"]).pid
    (folder.path / "child.pid").write_text(str(pid))


def append_lines(folder: RunFolder, config: dict, looks: bool) -> None:
    steps = [line["step"] for line in read_all(folder.path / "records" / "metrics.jsonl")]
    first = max(0, max(steps, default=-1) + 1 - REPEATED)
    for step in range(first, config["n"]):
        value = step + folder.attempt / 10
        folder.append("metrics", {"round": 1, "name": "loss", "step": step, "value": value, "written_at": time.time()})
        if step % 20 == 0:
            folder.report("train", step, 0, config["n"])
        if looks:
            folder.check_cancelled()
        time.sleep(1 / config.get("rate", 200))
    folder.report("train", config["n"], 0, config["n"])


if __name__ == "__main__":
    main()
