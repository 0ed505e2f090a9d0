"""A small home with one of everything, written by hand through run folders, for page and browser tests."""

import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd

from core.recipes.score_tables import write_vectors
from core.runs.folder import RunFolder

SEED_SET = "20260101-000001-import-aaaa"
SCORE = "20260101-000002-score-aaaa"
SELECT = "20260101-000003-select-aaaa"
GENERATE = "20260101-000004-generate-aaaa"
FINETUNE = "20260101-000005-finetune-aaaa"
LOOP = "20260101-000006-loop-aaaa"

N_TRAIN, N_VALIDATION, N_TEST = 60, 10, 20
K = 12
N_REJECTED_ROWS = 2
EMPTY = b"\x02\0\0\0\0\0\0\0{}"
"""A safetensors file that holds nothing."""

STATES = ["accepted"] * 9 + ["rejected"] * 3 + ["failed"]
"""What becomes of the candidates of GENERATE, in order."""


def problem_row(number: int, split: str) -> dict:
    """One word problem whose answer is plain to see."""
    each = 2 + number % 7
    return {
        "problem_id": f"problem_{split}_{number:03d}",
        "split": split,
        "position": number,
        "question": f"Tom buys {number + 1} boxes of pens at ${each} each and pays with $500. How much does he pay?",
        "answer": f"He pays {number + 1} * {each} = <<{number + 1}*{each}={(number + 1) * each}>>"
        f"{(number + 1) * each} dollars.\n#### {(number + 1) * each}",
        "final": str((number + 1) * each),
        "meta": "{}",
    }


def all_problems() -> pd.DataFrame:
    """Every problem of the seed set."""
    sizes = {"train": N_TRAIN, "validation": N_VALIDATION, "test": N_TEST}
    return pd.DataFrame([problem_row(i, split) for split, n in sizes.items() for i in range(n)])


def make_run(
    home: Path, run_id: str, title: str, config: dict, lane: str = "light", **inputs: pd.DataFrame
) -> RunFolder:
    """Make a run folder whose kind is in its id."""
    kind = run_id.split("-")[2]
    config = {"seed_set": SEED_SET, "seed_set_name": "pens", "task": "word_problems", **config}
    return RunFolder.create(home, kind, title=title, config=config, lane=lane, inputs=inputs, run_id=run_id)


def add_seed_set(home: Path) -> None:
    """An import that kept all but two rows."""
    folder = make_run(
        home, SEED_SET, "Import pens", {"name": "pens", "builtin": None, "files": {"train": "train.jsonl"}}
    )
    n = N_TRAIN + N_VALIDATION + N_TEST
    with folder.hold():
        folder.write_part("problems", all_problems())
        folder.append("seed_sets", {
            "name": "pens", "task": "word_problems", "origin": "pens.jsonl", "fingerprint": "f",
            "mapping": {"question": ["question"], "answer": "answer", "final": None},
            "split_rule": "Validation and test are a seeded part of the rows.",
            "n_in": n + N_REJECTED_ROWS, "n_kept": n, "n_rejected": N_REJECTED_ROWS, "written_at": 1.0,
        })  # fmt: skip
        for line in range(N_REJECTED_ROWS):
            row = {
                "source": "pens.jsonl",
                "line": 7 + line,
                "reason": "It has no question.",
                "excerpt": '{"question": ""}',
            }
            folder.append("rejected_rows", row)
        folder.finish("done", {"n_kept": n})


def predictions(label: str, split: str, n: int, share: float) -> pd.DataFrame:
    """Answers of which the first ``share`` are right, with a loss that falls with the position."""
    rows = []
    for i in range(n):
        right = i < share * n
        final = problem_row(i, split)["final"] if right else "7"
        rows.append({
            "student": label, "problem_id": f"problem_{split}_{i:03d}", "split": split,
            "text": f"He pays.\n#### {final}",
            "final": final, "is_correct": right, "loss": 2.0 - i / 40, "n_tokens": 8, "is_truncated": False,
        })  # fmt: skip
    return pd.DataFrame(rows)


def scores(label: str, n: int) -> pd.DataFrame:
    """Rewards that rise with the position (the last unknown), a grader that disagrees once, gradients of one length."""
    rows = []
    for i in range(n):
        right = float(i < 0.25 * n)
        values = {
            "correct": right,
            "reward": None if i == n - 1 else i / 10 - 3,
            "grade": 1 - right if i == 5 else right,
        }
        for signal, value in {**values, "gradient": 2.0}.items():
            note = "longer than the reward model's context" if value is None else None
            rows.append({"student": label, "problem_id": f"problem_train_{i:03d}", "signal": signal, "value": value,
                         "note": note})  # fmt: skip
    return pd.DataFrame(rows)


def add_scores(home: Path) -> None:
    """The tiny student's answers to the train problems, a quarter of them right, with their scores."""
    config = {"student": "tiny", "adapter": None, "label": "base", "signals": ["loss", "reward", "correct", "grade"]}
    folder = make_run(home, SCORE, "Score pens with tiny", config, "device")
    answers = predictions("base", "train", N_TRAIN, 0.25)
    with folder.hold():
        surprises = [json.dumps([[2, 0.1], [7, 2.5], [len(text), 0.0]]) for text in answers["text"]]
        folder.write_part("predictions", answers.assign(surprises=surprises))
        folder.write_part("scores", scores("base", N_TRAIN))
        text = {"student": "base", "problem_id": "problem_train_000", "name": "grade_reply", "text": "Final Verdict: ?"}
        folder.write_part("score_texts", pd.DataFrame([text]))
        rng = np.random.default_rng(0)
        gradients = rng.normal(size=(N_TRAIN, 16)).astype(np.float32)
        write_vectors(folder, "base", "gradient", answers["problem_id"].tolist(), gradients)
        folder.report("answers", N_TRAIN, 0, N_TRAIN)
        unknown = {"reward": {"longer than the reward model's context": 1}}
        folder.finish("done", {"n": N_TRAIN, "accuracy": 0.25, "unknown": unknown, "seconds": {"answers": 6.0}})


def append_selection(folder: RunFolder, prediction_run: str) -> None:
    """The K problems with the highest loss, and as many spares."""
    folder.append("selections", {
        "round": 1, "seed_set_id": SEED_SET, "selector": "loss_high", "k": K, "replicate": 0,
        "prediction_run_id": prediction_run, "student": "base", "n_pool": N_TRAIN, "n_topped_up": 0, "written_at": 3.0,
    })  # fmt: skip
    for rank in range(2 * K):
        reason = f"loss {2 - rank / 40:.3g}, rank {rank + 1} of {N_TRAIN}" if rank < K else "spare"
        row = {"round": 1, "rank": rank, "problem_id": f"problem_train_{rank:03d}", "priority": 2 - rank / 40,
               "group": None, "reason": reason}  # fmt: skip
        folder.append("selected", row)


def add_selection(home: Path) -> None:
    """A selection by hand."""
    config = {"selector": "loss_high", "k": K, "replicate": 0, "prediction_run": SCORE, "student": "base"}
    folder = make_run(home, SELECT, f"Select {K} of pens by loss_high", config)
    with folder.hold():
        append_selection(folder, SCORE)
        folder.finish("done", {"k": K})


def append_candidates(folder: RunFolder, states: list[str], method: str = "rewrite", name: str = "candidate") -> None:
    """Candidates of which the accepted ones hold mathematics, money, and something hostile."""
    for i, state in enumerate(states):
        seed = problem_row(i, "train")
        total = int(seed["final"]) + 3
        is_failed = state == "failed"
        hostile = " ![x](http://evil.example/p.png) <img src=x onerror=alert(1)>" if i == 1 else ""
        folder.append("candidates", {
            "candidate_id": f"{name}_{i:03d}", "round": 1, "position": i, "parents": [seed["problem_id"]],
            "question": None if is_failed else f"Mia buys {i + 1} boxes of chalk for ${total - 3} and a sponge for $3. "
            f"How much does she pay in all?{hostile}",
            "answer": None if is_failed else f"She pays \\({total - 3} + 3 = {total}\\) dollars.\n#### {total}",
            "final": None if is_failed else str(total),
            "failure": "The reply holds no question." if is_failed else None,
            "method": method, "teacher": "built-in", "raw_question": "New Question: ...", "raw_answer": "...",
            "n_input_tokens": 400, "n_output_tokens": 60, "sample_index": 0, "meta": {}, "written_at": 4.0,
        })  # fmt: skip
        if not is_failed:
            ok = state == "accepted"
            reason = None if ok else "ROUGE-L 0.81 with an earlier question is above 0.7."
            folder.append("verdicts", {"candidate_id": f"{name}_{i:03d}", "filter": "rouge_l", "is_accepted": ok,
                                       "reason": reason, "value": 0.43 if ok else 0.81})  # fmt: skip
            folder.append("verdicts", {"candidate_id": f"{name}_{i:03d}", "filter": "verified", "is_accepted": True,
                                       "reason": None, "value": None})  # fmt: skip


def add_candidates(home: Path) -> None:
    """A generate run: nine accepted, three rejected, one failed."""
    config = {"selection_run": SELECT, "selector": "loss_high", "teacher": "built-in", "method": "rewrite",
              "filters": ["rouge_l", "verified"], "n_accepted": 9, "max_requests": 36, "replicate": 0,
              "is_preview": False}  # fmt: skip
    folder = make_run(home, GENERATE, "Generate 9 from pens by loss_high", config, "teacher")
    with folder.hold():
        append_candidates(folder, STATES)
        folder.report("generate", 9, 4, 9)
        folder.finish("done", {"accepted": 9})


def add_second_generate(home: Path) -> str:
    """Another generate run of the same selection, by another method; returns its id."""
    config = {"selection_run": SELECT, "selector": "loss_high", "teacher": "built-in", "method": "mutate",
              "filters": ["rouge_l", "verified"], "n_accepted": 9, "max_requests": 36, "replicate": 1,
              "is_preview": False}  # fmt: skip
    run_id = "20260101-000007-generate-bbbb"
    folder = make_run(home, run_id, "Generate 9 from pens by loss_high, mutated", config, "teacher")
    with folder.hold():
        append_candidates(folder, STATES, method="mutate", name="mutated")
        folder.finish("done", {"accepted": 9})
    return run_id


def append_training(folder: RunFolder, n_steps: int = 40, first: str = "base") -> None:
    """A falling loss, validation after each tenth step, an adapter, and answers before (of ``first``) and after."""
    for step in range(1, n_steps + 1):
        row = {"round": 1, "step": step, "epoch": step / 10, "written_at": 5.0 + step}
        folder.append("metrics", {**row, "name": "loss", "value": 2 * math.exp(-step / 15) + 0.1 * math.sin(step)})
        if step % 10 == 0:
            folder.append("metrics", {**row, "name": "validation_loss", "value": 2 * math.exp(-step / 18)})
            folder.append("metrics", {**row, "name": "validation_accuracy", "value": 0.2 + step / 100})
    adapter = folder.path / "checkpoints" / "adapter"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").touch()  # nothing here loads it
    (adapter / "adapter_model.safetensors").write_bytes(EMPTY)
    path = adapter.relative_to(folder.path.parent.parent).as_posix()
    folder.append("adapters", {"round": 1, "student": "tiny", "path": path, "n_rows": 9, "best_epoch": 4.0,
                               "validation_accuracy": 0.6, "written_at": time.time()})  # fmt: skip
    folder.write_part("predictions", predictions(first, "test", N_TEST, 0.25))
    folder.write_part("predictions", predictions("round-1", "test", N_TEST, 0.6))


def append_evaluations(folder: RunFolder) -> None:
    """A quarter right before, three fifths after."""
    base = {"split": "test", "n": N_TEST, "n_truncated": 0}
    folder.append("evaluations", {**base, "round": 0, "n_correct": 5, "accuracy": 0.25, "low": 0.11, "high": 0.47,
                                  "difference": None, "difference_low": None, "difference_high": None,
                                  "n_gained": None, "n_lost": None, "written_at": time.time()})  # fmt: skip
    folder.append("evaluations", {**base, "round": 1, "n_correct": 12, "accuracy": 0.6, "low": 0.39, "high": 0.78,
                                  "difference": 0.35, "difference_low": 0.14, "difference_high": 0.56,
                                  "n_gained": 7, "n_lost": 0, "written_at": time.time()})  # fmt: skip


def add_finetune(home: Path) -> None:
    """A finetune on the accepted candidates, evaluated."""
    config = {"student": "tiny", "training": {"epochs": 4}, "generate_runs": [GENERATE],
              "policy": "filters and not rejected", "n_rows": 9}  # fmt: skip
    folder = make_run(home, FINETUNE, "Finetune tiny on 9 candidates of pens", config, "device")
    with folder.hold():
        append_training(folder)
        append_evaluations(folder)
        folder.finish("done", {"test_accuracy_before": 0.25, "test_accuracy": 0.6})


def add_loop(home: Path) -> None:
    """A loop of one round."""
    config = {"student": "tiny", "selector": "loss_high", "k": K, "rounds": 1, "replicate": 0, "training": {},
              "teacher": "built-in", "method": "rewrite", "filters": ["rouge_l", "verified"]}  # fmt: skip
    folder = make_run(home, LOOP, "Demo: pens, loss_high", config, "device")
    with folder.hold():
        folder.write_part("predictions", predictions("base", "train", N_TRAIN, 0.25))
        append_selection(folder, LOOP)
        append_candidates(folder, STATES)
        append_training(folder)
        append_evaluations(folder)
        folder.append("rounds", {
            "round": 1, "selected": K, "requested": 13, "failed": 1, "rejected": 3, "accepted": 9, "training_rows": 9,
            "validation_accuracy": 0.6, "test_accuracy": 0.6, "test_low": 0.39, "test_high": 0.78,
            "n_input_tokens": 5200, "n_output_tokens": 780, "seconds": 75.0, "written_at": time.time(),
        })  # fmt: skip
        folder.finish("done", {"test_accuracy": [0.6]})


def fill_home(home: Path) -> Path:
    """Write one of everything; returns the home."""
    for add in (add_seed_set, add_scores, add_selection, add_candidates, add_finetune, add_loop):
        add(home)
    return home
