"""A made-up home as large as a year of work leaves it: what every page is measured with.

One seed set of 10,000 problems, loops whose students answered all of them in every round, and generate runs with many
candidates, verdicts, scores and some reviews. Losses and rewards are random numbers, the texts are word problems.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from core.demo.word_problems import make_problems
from core.hub import Hub
from core.recipes import mapping
from core.recipes.kinds import execute
from core.runs.folder import RunFolder
from core.settings import Settings

SEED_SET = "20260101-000001-import-aaaa"
REVIEWED = "20260102-000001-generate-aaaa"
"""The run that is reviewed."""

SELECTORS = ("random", "loss_high", "loss_low", "reward_low", "badge", "lion", "judge_hard", "incorrect")


@dataclass(frozen=True, slots=True)
class Shape:
    """How large it is: candidates are ``reviewed + loops * rounds * grown``, predictions ``loops * rounds * pool``."""

    pool: int = 10_000
    loops: int = 10
    rounds: int = 10
    grown: int = 800
    """Candidates of a round of a loop."""

    reviewed: int = 20_000
    """Candidates of the one generate run that is reviewed."""


SMALL = Shape(pool=200, loops=2, rounds=2, grown=20, reviewed=300)


def make_home(home: Path, shape: Shape = Shape()) -> None:
    """Write the run folders, and a journal with a verdict on every tenth candidate of the reviewed run."""
    rng = np.random.default_rng(0)
    problems = pd.DataFrame(make_problems(shape.pool, rng))
    problems["problem_id"] = [f"problem_{number:05d}" for number in range(shape.pool)]
    problems["split"] = np.where(np.arange(shape.pool) < 0.9 * shape.pool, "train", "test")
    problems["type"] = rng.choice(["buying", "places", "days", "races"], shape.pool)
    _add_seed_set(home, problems)
    for number in range(shape.loops):
        _add_loop(home, number, problems, shape, rng)
    _add_generated(home, problems, shape, rng)
    _add_reviews(home, shape, rng)


def make_map(home: Path) -> None:
    """Draw the map of all of it, with vectors made up: to embed a hundred thousand texts takes most of an hour."""
    hub = Hub(Settings(home=home, light_slots=0), is_threaded=False)
    hub.step()
    run_id = mapping.start_map(hub, SEED_SET, projection="pca")
    hub.close()
    with patch.object(mapping, "embed_stage", _make_vectors):
        execute(RunFolder(home / "runs" / run_id))


def _make_vectors(_folder: RunFolder, questions: list[str], _stage: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(60, 384))
    vectors = middles[rng.integers(60, size=len(questions))] + 0.7 * rng.normal(size=(len(questions), 384))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _add_seed_set(home: Path, problems: pd.DataFrame) -> None:
    config = {"name": "made", "task": "word_problems", "builtin": None, "files": {}}
    folder = RunFolder.create(home, "import", title="Import made", config=config, lane="light", run_id=SEED_SET)
    meta = [json.dumps({"type": type_}) for type_ in problems["type"]]
    table = problems[["problem_id", "split", "question", "answer", "final"]]
    n = len(table)
    with folder.hold():
        folder.write_part("problems", table.assign(position=range(n), meta=meta))
        about = {"name": "made", "task": "word_problems", "origin": "made", "fingerprint": "f", "mapping": {}}
        counts = {"n_in": n, "n_kept": n, "n_rejected": 0, "split_rule": "none", "written_at": 1.0}
        folder.append("seed_sets", {**about, **counts})
        folder.finish("done", {"n_kept": n})


def _grow(parents: pd.DataFrame, prefix: str, rng: np.random.Generator) -> pd.DataFrame:
    """Return a candidate of each parent: its text with a name and numbers of its own."""
    n = len(parents)
    numbers = rng.integers(2, 400, size=(n, 2))
    said = [f" Of them {a} were put aside on day {b}." for a, b in numbers]
    return pd.DataFrame(
        {
            "candidate_id": [f"{prefix}_{place:05d}" for place in range(n)],
            "position": range(n),
            "parents": [json.dumps([id_]) for id_ in parents["problem_id"]],
            "question": [question + more for question, more in zip(parents["question"], said, strict=True)],
            "answer": parents["answer"].to_list(),
            "final": parents["final"].to_list(),
            "method": "rewrite",
            "teacher": "built-in",
            "raw_question": "New Question: ...",
            "raw_answer": "...",
            "n_input_tokens": 400,
            "n_output_tokens": 60,
            "sample_index": 0,
            "meta": "{}",
            "written_at": 4.0,
        }
    )


def _judge(candidates: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return the verdicts of two filters; one of ten is rejected for its wording."""
    rouge = rng.random(len(candidates)) * 0.78
    own = candidates[["candidate_id"]]
    reason = [f"ROUGE-L {value:.2f} with an earlier question is above 0.7." if value > 0.7 else None for value in rouge]
    worded = own.assign(filter="rouge_l", is_accepted=rouge <= 0.7, reason=reason, value=rouge)
    return pd.concat([worded, own.assign(filter="verified", is_accepted=True, reason=None, value=np.nan)])


def _answer(ids: pd.Series, student: str, split: str, rng: np.random.Generator) -> pd.DataFrame:
    n = len(ids)
    return pd.DataFrame(
        {
            "student": student, "problem_id": ids.to_numpy(), "split": split, "text": "He pays.\n#### 7", "final": "7",
            "is_correct": rng.random(n) < 0.4, "loss": rng.gamma(2.0, 0.4, n), "n_tokens": 8, "is_truncated": False,
        }
    )  # fmt: skip


def _list_students(shape: Shape) -> Iterator[tuple[int, str]]:
    for number in range(1, shape.rounds + 1):
        yield number, "base" if number == 1 else f"round-{number - 1}"


def _add_loop(home: Path, number: int, problems: pd.DataFrame, shape: Shape, rng: np.random.Generator) -> None:
    selector = SELECTORS[number % len(SELECTORS)]
    config = {
        "seed_set": SEED_SET, "seed_set_name": "made", "task": "word_problems", "student": "tiny", "selector": selector,
        "k": shape.grown, "rounds": shape.rounds, "replicate": number, "training": {}, "teacher": "built-in",
        "method": "rewrite", "filters": ["rouge_l", "verified"],
    }  # fmt: skip
    run_id = f"20260101-0001{number:02d}-loop-aaaa"
    title = f"Loop {number}: made, {selector}"
    folder = RunFolder.create(home, "loop", title=title, config=config, lane="device", run_id=run_id)
    pool = problems[problems["split"] == "train"]
    with folder.hold():
        for round_, student in _list_students(shape):
            chosen = pool.sample(shape.grown, random_state=int(rng.integers(2**31)))
            grown = _grow(chosen, f"c_{number:02d}_{round_:02d}", rng).assign(round=round_)
            folder.write_part("candidates", grown)
            folder.write_part("verdicts", _judge(grown, rng))
            answers = [_answer(problems["problem_id"], student, "train", rng)]
            answers.append(_answer(grown["candidate_id"], student, "train", rng))
            folder.write_part("predictions", pd.concat(answers))
            _append_round(folder, round_, student, selector, chosen, rng)
        folder.finish("done", {"test_accuracy": [0.5] * shape.rounds})


def _append_round(
    folder: RunFolder, round_: int, student: str, selector: str, chosen: pd.DataFrame, rng: np.random.Generator
) -> None:
    n, at = len(chosen), 10.0 * round_
    about = {"round": round_, "seed_set_id": SEED_SET, "selector": selector, "k": n, "replicate": 0, "student": student}
    folder.append("selections", {**about, "n_pool": 9_000, "n_topped_up": 0, "written_at": at})
    selected = pd.DataFrame(
        {"round": round_, "rank": range(n), "problem_id": chosen["problem_id"].to_numpy(),
         "priority": rng.random(n), "reason": "so"}
    )  # fmt: skip
    folder.write_part("selected", selected)
    for split, n_test in (("test", 500), ("ood", 200)):
        accuracy = 0.3 + 0.03 * round_ + float(rng.normal(0, 0.01))
        row = {"round": round_, "split": split, "n": n_test, "accuracy": accuracy, "low": 0.2, "high": 0.9}
        folder.append("evaluations", {**row, "written_at": at})
    for step in range(1, 201):
        row = {"round": round_, "step": step, "epoch": step / 40, "written_at": at, "name": "loss"}
        folder.append("metrics", {**row, "value": float(2 / step + 0.1 * rng.random())})
    counts = {"selected": n, "requested": n, "failed": 0, "rejected": n // 10, "accepted": n - n // 10}
    more = {"training_rows": n * round_, "n_input_tokens": 400 * n, "n_output_tokens": 60 * n, "written_at": at}
    folder.append("rounds", {"round": round_, **counts, **more})


def _add_generated(home: Path, problems: pd.DataFrame, shape: Shape, rng: np.random.Generator) -> None:
    config = {
        "seed_set": SEED_SET, "seed_set_name": "made", "task": "word_problems", "selector": "loss_high",
        "teacher": "built-in", "method": "rewrite", "filters": ["rouge_l", "verified"], "n_accepted": shape.reviewed,
        "max_requests": 4 * shape.reviewed, "replicate": 0, "is_preview": False,
    }  # fmt: skip
    title = f"Generate {shape.reviewed:,} from made by loss_high"
    folder = RunFolder.create(home, "generate", title=title, config=config, lane="teacher", run_id=REVIEWED)
    pool = problems[problems["split"] == "train"]
    parents = pool.sample(shape.reviewed, replace=True, random_state=1)
    grown = _grow(parents, "c", rng).assign(round=1)
    with folder.hold():
        folder.write_part("candidates", grown)
        folder.write_part("verdicts", _judge(grown, rng))
        folder.report("generate", shape.reviewed, 0, shape.reviewed)
        folder.finish("done", {"accepted": shape.reviewed})


def _add_reviews(home: Path, shape: Shape, rng: np.random.Generator) -> None:
    path = home / "journal" / "reviews.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for place in range(0, shape.reviewed, 10):
            line = {"review_id": f"review_{place:06x}", "run_id": REVIEWED, "candidate_id": f"c_{place:05d}"}
            line |= {"action": "accept" if rng.random() < 0.8 else "reject", "written_at": 100.0 + place}
            file.write(json.dumps({"v": 1, **line}) + "\n")
