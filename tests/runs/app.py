"""A small real app for tests: opens a hub, submits runs, and reviews as fast as it can until it is killed.

    python app.py HOME N_LINES

Every review is written to ``acknowledged.txt`` (fsync) after the hub has returned, so a test knows what was promised.
"""

import os
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.hub import open_hub
from core.runs.executor import LocalExecutor
from core.settings import Settings

WORKER = Path(__file__).with_name("worker.py")


def main() -> None:
    home, n_lines = Path(sys.argv[1]), int(sys.argv[2])
    hub = open_hub(Settings(home), LocalExecutor([sys.executable, str(WORKER)]))
    known = hub.store.list_candidates(limit=None)
    if hub.store.list_runs(["demo"]).empty:
        hub.submit("demo", "Lines", {"n": n_lines}, lane="device")
    acknowledged = os.open(home / "acknowledged.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    print("ready", flush=True)
    while True:
        row = known.iloc[random.randrange(len(known))]
        action = random.choice(["accept", "reject", "edit", "skip", "undo"])
        if action == "undo":
            hub.undo_review([row.run_id])
            continue
        texts = {"question": "Anew?", "answer": "Anew."} if action == "edit" else {}
        made = hub.add_review(row.run_id, row.candidate_id, action, **texts)
        os.write(acknowledged, f"{made}\n".encode())
        os.fsync(acknowledged)


if __name__ == "__main__":
    main()
