"""A made-up experiment of many runs, in a home of its own: what the page Experiments is measured with.

Every run folder has what a loop writes and the page reads: evaluations on two test sets, rounds, calls, choices,
children with their texts, and the answers and scores of the whole pool and of the children in every round. Accuracies
and scores are random numbers, the texts are word problems, three in four of them found in no other run.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.demo.word_problems import make_problems
from core.hub import Hub, open_hub
from core.recipes.experiment import describe_replicate, open_experiment
from core.runs.folder import RunFolder
from core.settings import Settings

SELECTORS = ("random", "loss_high", "loss_low", "reward_low", "reward_high", "badge", "incorrect", "evokd")
SEED_SET = "20260101-000001-import-aaaa"


@dataclass(frozen=True, slots=True)
class Shape:
    """How large it is."""

    methods: int
    replicates: int
    rounds: int
    children: int
    pool: int


def name_methods(n: int) -> list[str]:
    """Return names of arms; the first ones are those of selectors."""
    return [*SELECTORS, *(f"arm {number:02d}" for number in range(len(SELECTORS), n))][:n]


def make_home(home: Path, shape: Shape) -> str:
    """Write the run folders; returns the experiment's run id."""
    rng = np.random.default_rng(0)
    problems = make_problems(shape.pool, rng)
    ids = [f"p_{number:05d}" for number in range(shape.pool)]
    _add_seed_set(home, ids, problems)
    arms = [{"name": name, "recipe": "active", "settings": {}} for name in name_methods(shape.methods)]
    about = {"seed_set": SEED_SET, "seed_set_name": "made", "student": "tiny", "task": "word_problems"}
    replicates = list(range(shape.replicates))
    experiment = open_experiment(home, "Many runs", {**about, "arms": arms, "replicates": replicates})
    for replicate in replicates:
        title, config = describe_replicate(experiment, replicate)
        run = RunFolder.create(home, "replicate", title=title, config=config, lane="device", starts_itself=True)
        with run.hold():
            for arm in arms:
                _add_arm(home, {**about, "parent": experiment.run_id}, arm["name"], replicate, ids, problems, shape)
            run.finish("done", {"n_arms": len(arms), "failed": {}})
    return experiment.run_id


def open_home(home: Path) -> Hub:
    """Read all folders into the database, and return the hub; nothing is started."""
    hub = open_hub(Settings(home=home, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    hub.step()
    return hub


def _add_seed_set(home: Path, ids: list[str], problems: list[dict[str, Any]]) -> None:
    config = {"name": "made", "task": "word_problems", "builtin": None, "files": {}}
    folder = RunFolder.create(home, "import", title="Import", config=config, lane="light", run_id=SEED_SET)
    table = pd.DataFrame(problems)[["question", "answer", "final"]]
    table = table.assign(problem_id=ids, split="train", position=range(len(ids)), meta="{}")
    with folder.hold():
        folder.write_part("problems", table)
        about = {"name": "made", "task": "word_problems", "origin": "made", "fingerprint": "f", "mapping": {}}
        counts = {"n_in": len(ids), "n_kept": len(ids), "n_rejected": 0, "split_rule": "none", "written_at": 1.0}
        folder.append("seed_sets", {**about, **counts})
        folder.finish("done", {"n_kept": len(ids)})


def _add_arm(
    home: Path, about: dict[str, Any], arm: str, replicate: int, ids: list[str], problems: list[dict], shape: Shape
) -> None:
    """Add one run with all its rounds."""
    selector = arm if arm in SELECTORS else "random"
    config = {**about, "arm": arm, "replicate": replicate, "selector": selector, "k": shape.children}
    config["rounds"] = shape.rounds
    folder = RunFolder.create(home, "loop", title=arm, config=config, lane="device", starts_itself=True)
    rng = np.random.default_rng([replicate, sum(arm.encode())])
    lines: dict[str, list[dict[str, Any]]] = {}
    with folder.hold():
        for number in range(shape.rounds + 1):
            for split, n in (("test", 500), ("ood", 200)):
                row = {"round": number, "split": split, "n": n, "accuracy": 0.3 + 0.02 * number + rng.normal(0, 0.01)}
                row |= {"low": 0.2, "high": 0.9, "difference": None, "written_at": 10.0 * number}
                lines.setdefault("evaluations", []).append(row)
            if number:
                _add_round(folder, lines, number, selector, rng, ids, problems, shape)
        for table, rows in lines.items():
            path = folder.path / "records" / f"{table}.jsonl"
            path.write_text("".join(json.dumps({"v": 1, "attempt": 1, **row}) + "\n" for row in rows))
        folder.finish("done", {"n_test": 500})


def _add_round(
    folder: RunFolder,
    lines: dict[str, list[dict[str, Any]]],
    number: int,
    selector: str,
    rng: np.random.Generator,
    ids: list[str],
    problems: list[dict],
    shape: Shape,
) -> None:
    """Add a round: who was chosen, what came of it, and what its student makes of both."""
    student, at, n = "base" if number == 1 else f"round-{number - 1}", 10.0 * number, shape.children
    chosen = rng.choice(shape.pool, n, replace=False)
    losses = rng.random(shape.pool) - 0.02 * number
    children = [f"c_{number:02d}_{place:04d}" for place in range(n)]
    counts = {"accepted": n, "selected": n, "training_rows": n * number, "written_at": at}
    lines.setdefault("rounds", []).append({"round": number, "n_input_tokens": 9, "n_output_tokens": 9, **counts})
    choice = {"round": number, "seed_set_id": SEED_SET, "selector": selector, "k": n, "replicate": 0}
    lines.setdefault("selections", []).append({**choice, "student": student, "written_at": at})
    for place, row in enumerate(chosen):
        own = {"round": number, "rank": place, "problem_id": ids[row], "priority": 0.5, "group": None, "reason": "so"}
        lines.setdefault("selected", []).append(own)
        text = _vary(problems[row], rng)
        grown = {"candidate_id": children[place], "round": number, "position": place, "parents": [ids[row]]}
        more = {"failure": None, "final": "1", "method": "rewrite", "teacher": "built-in", "meta": {}, "written_at": at}
        lines.setdefault("candidates", []).append({**grown, **text, **more})
        for purpose in ("question", "answer"):
            call = {"call_id": f"k_{purpose[0]}{children[place]}", "purpose": purpose, "is_cached": False}
            tokens = {"n_input_tokens": 850, "n_output_tokens": 65, "finish_reason": "stop", "written_at": at - 1}
            lines.setdefault("calls", []).append({**call, **tokens})
    values = np.concatenate([losses, 0.5 * losses[chosen] + rng.random(n)])
    answers = pd.DataFrame(
        {"problem_id": [*ids, *children], "loss": values, "is_correct": rng.random(len(values)) < 0.5}
    )
    answers = answers.assign(student=student, split="train", text="#### 1", final="1", n_tokens=40, is_truncated=False)
    folder.write_part("predictions", answers)
    scored = answers[["student", "problem_id"]].assign(signal="correct", value=answers["is_correct"].astype(float))
    folder.write_part("scores", scored.assign(note=None).astype({"note": "str"}))


def _vary(problem: dict[str, Any], rng: np.random.Generator) -> dict[str, str]:
    """Return a problem's question and answer, three times of four with a name and a number of their own."""
    question, answer = problem["question"], problem["answer"]
    if rng.random() < 0.75:
        question += f" Of them {rng.integers(2, 400)} were put aside on day {rng.integers(2, 400)}."
    return {"question": question, "answer": answer}
