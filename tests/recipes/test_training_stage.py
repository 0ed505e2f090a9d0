"""A finetune as a run, by objectives that draw: what it records, from rows alone and without a seed set."""

from collections import Counter

import pytest

from core.datasets import ensure_seed_set
from core.errors import TrainingError
from core.lines import read_all
from core.recipes.kinds import execute
from core.recipes.start import make_finetune_config
from core.recipes.training import choose_preset
from core.runs.folder import RunFolder
from core.training.config import PRESETS
from core.training.data import TrainingRow, from_frame, hash_rows, to_frame
from tests.models.tiny import save_random_student

ROWS = [TrainingRow(f"What is {i} + 2?", f"{i} + 2 = {i + 2}\nso {i + 2}", str(i + 2)) for i in range(6)]
FAST = {"rank": 4, "alpha": 4, "epochs": 1, "batch_size": 8, "accumulation_steps": 1, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return str(save_random_student(tmp_path_factory.mktemp("student")))


def finetune(home, student, objective, rows=ROWS, settings=None, **more):
    """Carry a finetune out; returns its folder and its records by table."""
    config = make_finetune_config(
        student, "custom", rows, objective=objective, settings=settings, training=FAST, evaluates=[], **more
    )
    folder = RunFolder.create(
        home, "finetune", title="t", config=config, lane="device", inputs={"rows": to_frame(rows)}, starts_itself=True
    )
    execute(folder)
    records = {path.stem: read_all(path) for path in (folder.path / "records").glob("*.jsonl")}
    return folder, records


def test_per_step_preferences_from_rows_alone(tmp_path, student):
    validation = tmp_path / "validation.jsonl"
    validation.write_text(
        '{"question": "What is 9 + 1?", "answer": "10"}\n{"question": "And 9 + 2?", "answer": "11"}\n'
    )
    held_out = ensure_seed_set(tmp_path, validation, task="custom", has_splits=False)
    settings = {"n_samples": 2, "n_negatives": 1, "n_rollouts": 2}
    folder, records = finetune(tmp_path, student, "per_step_dpo", settings=settings, validation_set=held_out)
    state = folder.read_state()
    assert state.state == "done", state.error
    drawn = Counter(row["problem_id"] for row in records["own_answers"])
    assert set(drawn.values()) == {2} and len(drawn) == 6
    assert all(row["is_kept"] or row["reason"] for row in records["own_answers"])
    used = [row for row in records["training_rows"] if row["is_used"]]
    assert state.summary["n_rows"] == len(used) > 0
    for row in used:
        assert row["answer"].startswith(tuple("012345")) and row["rejected"] and row["origin"] == "own"
    pits = [row for row in records["step_values"] if row["is_pit"]]
    assert len(pits) == len(used) and {row["step"] for row in records["step_values"]} >= {0, 1}
    names = {row["name"] for row in records["metrics"]}
    assert {"loss", "reward_margin", "validation_accuracy", "sft/loss", "sft/validation_accuracy"} <= names
    assert {row["reference"] for row in records["checkpoint_answers"]} == {"10", "11"}
    (adapter,) = records["adapters"]
    assert adapter["objective"] == "per_step_dpo" and adapter["rows_hash"] == hash_rows(ROWS)
    assert (tmp_path / adapter["path"] / "adapter_model.safetensors").is_file()
    assert state.summary["metrics_share"] < 1 and state.summary["n_test"] == 0
    resumed = RunFolder(folder.path)
    resumed.order("again")
    assert execute(resumed) == "done"
    assert len(list((tmp_path / "cache" / "samples").glob("*"))) > 0


def test_a_student_that_solves_nothing_cannot_learn_from_its_own_answers(tmp_path, student):
    folder, records = finetune(tmp_path, student, "rft", settings={"n_samples": 2})
    state = folder.read_state()
    assert state.state == "failed" and "answered none of 6 problems right" in state.error
    assert len(records["own_answers"]) == 12


def test_rows_that_nothing_is_made_of_are_recorded_with_the_reason(tmp_path, student):
    rows = [*ROWS, TrainingRow("Why?", " ", "1"), TrainingRow("How?", "3", "3", label=-1)]
    folder, records = finetune(tmp_path, student, "sft", rows)
    assert folder.read_state().summary["n_rows"] == 6
    reasons = {row["question"]: row["reason"] for row in records["training_rows"] if not row["is_used"]}
    assert "empty" in reasons["Why?"] and "marked as wrong" in reasons["How?"] and len(reasons) == 2


def test_one_row_is_enough_and_none_is_refused_before_it_waits(tmp_path, student):
    folder, _ = finetune(tmp_path, student, "sft", ROWS[:1])
    assert folder.read_state().summary["n_rows"] == 1
    with pytest.raises(TrainingError, match="nothing to train on"):
        make_finetune_config(student, "custom", [])
    with pytest.raises(TrainingError, match=r"Signed likelihood cannot begin: the 6 rows have no wrong answers"):
        make_finetune_config(student, "custom", ROWS, objective="signed")
    with pytest.raises(TrainingError, match="no preset 'best'; known: tiny"):
        make_finetune_config(student, "custom", ROWS, preset="best")


def test_presets_fit_student_task_and_objective():
    assert choose_preset("tiny", "word_problems") == "tiny"
    assert choose_preset("some/model", "maths") == "math-synthetic"
    assert choose_preset("some/model", "maths", "dpo") == "preferences"
    assert choose_preset("some/model", "game24", "unlikelihood") == "game24-unlikelihood"
    for objective in ("sft", "rft", "dpo", "per_step_dpo", "signed", "unlikelihood"):
        assert choose_preset("tiny", "word_problems", objective) in PRESETS


def test_rows_keep_their_words_and_their_hash_through_a_frame():
    rows = [*ROWS, TrainingRow("q", "a", None, -1, "b", "own", "run", "p")]
    assert from_frame(to_frame(rows)) == rows
    assert hash_rows(from_frame(to_frame(rows))) == hash_rows(rows) != hash_rows(rows[::-1])
