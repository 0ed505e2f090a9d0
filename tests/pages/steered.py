"""A finished check of steerability, written by hand: the children of hard seeds are hard, as both students find."""

from pathlib import Path

import numpy as np
import pandas as pd

from core.runs.folder import RunFolder
from tests.pages import home

CHECK = "20260101-000009-steerability-aaaa"
N, N_WITHOUT = 48, 4
STUDENTS = ("base", "round-1")
HOSTILE = "How many? ![x](http://evil.example/p.png) <img src=x onerror=alert(1)>"


def make_config(**more) -> dict:
    """Return what a check of the filled home's loop is about."""
    return {"student": "tiny", "of": home.LOOP, "sample": N + N_WITHOUT, "teacher": "built-in", "replicate": 0, **more}


def add_check(place: Path, run_id: str = CHECK, config: dict | None = None) -> RunFolder:
    """Add a check: seeds 0 to N - 1 have a child, the more losing the higher the number; the rest has none.

    The first student answers the easy third of the children rightly, the last one every other child.

    Args:
        place: the home.
        run_id: of the check.
        config: in place of ``make_config``.
    """
    title = "Steerability: pens, 52 seeds"
    folder = home.make_run(place, run_id, title, config or make_config(), "device")
    rng = np.random.default_rng(4)
    with folder.hold():
        for i in range(N + N_WITHOUT):
            seed, is_failed = home.problem_row(i, "train"), i >= N
            folder.append("candidates", {
                "candidate_id": f"child_{i:03d}", "round": 1, "position": i, "parents": [seed["problem_id"]],
                "question": None if is_failed else HOSTILE if i == 0 else f"Mia has {i} pens and $x^2$ more. How many?",
                "answer": None if is_failed else "#### 7", "final": "7", "method": "rewrite", "teacher": "built-in",
                "failure": "The reply holds no question." if is_failed else None, "meta": {}, "written_at": 4.0,
            })  # fmt: skip
        noise = rng.normal(0, 0.1, N)
        for number, student in enumerate(STUDENTS):
            rows = [_answer(student, f"problem_train_{i:03d}", i / N, i < N / 2) for i in range(N)]
            rows += [
                _answer(student, f"child_{i:03d}", i / N + noise[i] + 0.2, i % 2 == 0 if number else i < N / 3)
                for i in range(N)
            ]
            table = pd.DataFrame(rows)
            folder.write_part("predictions", table)
            rewards = table[["student", "problem_id"]].assign(signal="reward", value=-table["loss"], note=None)
            folder.write_part("scores", rewards.astype({"note": "str"}))
        folder.finish("done", {
            "loop": config["of"] if config else home.LOOP, "first": "base", "last": "round-1",
            "n_seeds": N + N_WITHOUT, "requested": N + N_WITHOUT, "failed": N_WITHOUT, "rejected": 0, "accepted": N,
            "teacher": "built-in",
        })  # fmt: skip
    return folder


def _answer(student: str, problem_id: str, loss: float, is_right: bool) -> dict:
    about = {"student": student, "problem_id": problem_id, "split": "train", "text": "#### 7", "final": "7"}
    return {**about, "is_correct": is_right, "loss": loss, "n_tokens": 3, "is_truncated": False}
