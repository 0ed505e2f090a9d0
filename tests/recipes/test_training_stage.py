"""A finetune as a run, by objectives that draw: what it records, from rows alone and without a seed set."""

import json
from collections import Counter
from dataclasses import asdict, replace

import pytest

from core.datasets import ensure_seed_set
from core.errors import TrainingError
from core.lines import read_all
from core.models.student import Student
from core.recipes.cards import ADAPTER, write_card
from core.recipes.kinds import execute
from core.recipes.presets import choose_preset
from core.recipes.start import make_finetune_config
from core.recipes.trained import find_trained
from core.recipes.training import _Stage
from core.records import Prediction, Problem
from core.runs.folder import RunFolder
from core.settings import DEMO
from core.shell_finetune import print_result
from core.tasks import TASKS
from core.training.asking import StudentAsking
from core.training.config import PRESETS
from core.training.data import TrainingRow, from_frame, hash_rows, to_frame
from tests.models.tiny import save_random_student

ROWS = [TrainingRow(f"What is {i} + 2?", f"{i} + 2 = {i + 2}\nso {i + 2}", str(i + 2)) for i in range(6)]
FAST = {"rank": 4, "alpha": 4, "epochs": 1, "batch_size": 8, "accumulation_steps": 1, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return str(save_random_student(tmp_path_factory.mktemp("student")))


def finetune(home, student, objective, rows=ROWS, settings=None, task="custom", **more):
    """Carry a finetune out; returns its folder and its records by table."""
    config = make_finetune_config(
        student, task, rows, objective=objective, settings=settings, training=FAST, evaluates=[], **more
    )
    folder = RunFolder.create(
        home, "finetune", title="t", config=config, lane="device", inputs={"rows": to_frame(rows)}, starts_itself=True
    )
    execute(folder)
    records = {path.stem: read_all(path) for path in (folder.path / "records").glob("*.jsonl")}
    return folder, records


def read_word_problems(n):
    """Return the first built-in word problems as rows: the shipped student solves some of them."""
    lines = (DEMO / "word_problems" / "train.jsonl").read_text(encoding="utf-8").splitlines()[:n]
    task = TASKS.get("word_problems")
    return [
        TrainingRow(row["question"], row["answer"], task.extract_final(row["answer"])) for row in map(json.loads, lines)
    ]


def test_per_step_preferences_from_rows_alone(tmp_path):
    rows = read_word_problems(6)
    validation = tmp_path / "validation.jsonl"
    sums = ({"question": f"Tom has 9 pens and buys {n} more. How many?", "answer": f"#### {9 + n}"} for n in (1, 2))
    validation.write_text("\n".join(map(json.dumps, sums)))
    held_out = ensure_seed_set(tmp_path, validation, task="word_problems", has_splits=False)
    settings = {"n_samples": 4, "n_negatives": 1, "n_rollouts": 6}
    folder, records = finetune(
        tmp_path, "tiny", "per_step_dpo", rows, settings, "word_problems", validation_set=held_out
    )
    state = folder.read_state()
    assert state.state == "done", state.error
    drawn = Counter(row["problem_id"] for row in records["own_answers"])
    assert set(drawn.values()) == {4} and len(drawn) == 6
    assert all(row["is_kept"] or row["reason"] for row in records["own_answers"])
    used = [row for row in records["training_rows"] if row["is_used"]]
    assert state.summary["n_rows"] == len(used) > 0
    for row in used:
        assert row["answer"] in {each.answer for each in rows} and row["rejected"] and row["origin"] == "own"
    pits = [row for row in records["step_values"] if row["is_pit"]]
    assert len(pits) == len(used) and {row["step"] for row in records["step_values"]} >= {0, 1}
    names = {row["name"] for row in records["metrics"]}
    assert {"loss", "reward_margin", "validation_accuracy", "sft/loss", "sft/validation_accuracy"} <= names
    for table, prefix in (("checkpoint_answers", ""), ("policy_answers", "sft/")):
        steps = [row["step"] for row in records["metrics"] if row["name"] == f"{prefix}validation_accuracy"]
        assert {row["reference"] for row in records[table]} == {"10", "11"}
        assert sorted({row["step"] for row in records[table]}) == steps and steps[0] == 0
    starts = {row["name"]: row["value"] for row in records["metrics"] if row["step"] == 0}
    assert state.summary["validation_accuracy_before"] == starts["sft/validation_accuracy"], "that of the base"
    (adapter,) = records["adapters"]
    assert adapter["objective"] == "per_step_dpo" and adapter["rows_hash"] == hash_rows(rows)
    assert (tmp_path / adapter["path"] / "adapter_model.safetensors").is_file()
    assert adapter["validation_accuracy_before"] == starts["sft/validation_accuracy"]
    assert state.summary["metrics_share"] < 1 and state.summary["n_test"] == 0
    resumed = RunFolder(folder.path)
    resumed.order("again")
    assert execute(resumed) == "done"
    assert len(list((tmp_path / "cache" / "samples").glob("*"))) > 0


def test_what_the_start_answers_is_asked_once_for_all_trainings_from_it(tmp_path, student, monkeypatch):
    validation = tmp_path / "validation.jsonl"
    validation.write_text('{"question": "What is 9 + 2?", "answer": "11"}\n')
    held_out = ensure_seed_set(tmp_path, validation, task="custom", has_splits=False)
    asked, answer = [], Student.answer

    def note(self, prompts, *more, **options):
        asked.append((self.fingerprint is not None, len(prompts)))
        return answer(self, prompts, *more, **options)

    monkeypatch.setattr(Student, "answer", note)
    for objective in ("sft", "unlikelihood"):
        rows = [*ROWS, TrainingRow("How?", "3", "4", label=-1)]
        folder, records = finetune(tmp_path, student, objective, rows, validation_set=held_out)
        assert folder.read_state().state == "done"
        assert [row["step"] for row in records["checkpoint_answers"]] == [0, 1]
    assert asked == [(True, 1), (False, 1), (True, 0), (False, 1)]


@pytest.mark.parametrize(("right", "shown"), [
    ((0, 2, 4, 6, 8, 10), {0, 1, 4, 5, 8, 9}), ((), {0, 2, 4, 6, 8, 10}), ((0,), {0, 1, 3, 5, 7, 9}),
    (tuple(range(12)), {0, 2, 4, 6, 8, 10}),
])  # fmt: skip
def test_the_answers_shown_are_half_of_wrong_and_half_of_right_problems(tmp_path, right, shown):
    folder = RunFolder.create(tmp_path, "finetune", title="x", config={}, lane="light")
    problems = [Problem(f"p{n}", "?", "1", "1", "validation") for n in range(12)]
    said = [Prediction(f"p{n}", "", None, n in right, None, 1, False) for n in range(12)]
    stage = _Stage(folder, 1, TASKS.get("custom"), "tiny", problems, tmp_path)
    with folder.hold():
        stage._record_samples("checkpoint_answers", said, 0, 0.0)
        wrong_now = [replace(one, is_correct=False) for one in said]
        stage._record_samples("checkpoint_answers", wrong_now, 3, 1.0)  # the same ones, whatever they have become
    rows = read_all(folder.path / "records" / "checkpoint_answers.jsonl")
    for step in (0, 3):
        assert {int(row["problem_id"][1:]) for row in rows if row["step"] == step} == shown


def test_a_student_that_solves_nothing_cannot_learn_from_its_own_answers(tmp_path, student):
    rows = [replace(row, origin="seed", origin_run_id=f"set-{n % 2}", origin_id="p1") for n, row in enumerate(ROWS)]
    folder, records = finetune(tmp_path, student, "rft", rows, settings={"n_samples": 2})
    state = folder.read_state()
    assert state.state == "failed" and "answered none of 6 problems right" in state.error
    assert len(records["own_answers"]) == 12 and not any(row["is_kept"] for row in records["own_answers"])
    asked = Counter((row["problem_id"], row["question"]) for row in records["own_answers"])
    assert len({id_ for id_, _ in asked}) == len(asked) == 6  # problems of two sets may be called alike
    assert [row["is_used"] for row in records["policy_rows"]] == [True] * 6 and "training_rows" not in records


def test_the_policys_rows_are_recorded_and_the_hash_is_that_of_the_rows_given(tmp_path, student):
    validation = tmp_path / "validation.jsonl"
    validation.write_text('{"question": "What is 0 + 2?", "answer": "2"}\n')
    held_out = ensure_seed_set(tmp_path, validation, task="custom", has_splits=False)
    rows = [*(replace(row, rejected="so 99") for row in ROWS), TrainingRow("How?", "3", "4", label=-1)]
    folder, records = finetune(tmp_path, student, "dpo", rows, validation_set=held_out)
    assert folder.read_state().state == "done" and folder.read_state().summary["n_held_out_left_out"] == 1
    policy = {row["question"]: (row["is_used"], row["rejected"]) for row in records["policy_rows"]}
    assert policy == {**{row.question: (True, None) for row in ROWS[1:]}, "How?": (False, None)}
    assert "marked as wrong" in records["policy_rows"][-1]["reason"]
    reasons = {row["question"]: row["reason"] for row in records["training_rows"]}
    assert reasons == {**{row.question: None for row in ROWS[1:]}, "How?": "It has no right answer to prefer."}
    (adapter,) = records["adapters"]
    assert adapter["rows_hash"] == folder.config["rows_hash"] == hash_rows(rows) != hash_rows(rows[1:])


@pytest.mark.parametrize("objective", ["dpo", "per_step_dpo"])
def test_to_a_row_that_is_too_long_nothing_is_drawn(tmp_path, student, objective):
    rows = [*ROWS[:2], TrainingRow("What is 9 + 2?", "9 and 2 " * 800, "11")]
    _, records = finetune(tmp_path, student, objective, rows, settings={"n_samples": 2})
    assert {row["question"] for row in records["own_answers"]} == {row.question for row in ROWS[:2]}
    if objective == "dpo":  # this student has no step that lowers a value
        (reason,) = (row["reason"] for row in records["training_rows"] if row["question"] == rows[2].question)
        assert "tokens" in reason


def test_told_to_keep_what_it_has_during_the_policy_it_keeps_the_policy(tmp_path, student):
    config = make_finetune_config(
        student, "custom", ROWS, objective="dpo", training=FAST, settings={"n_samples": 1}, evaluates=[]
    )
    inputs = {"rows": to_frame(ROWS)}
    folder = RunFolder.create(
        tmp_path, "finetune", title="t", config=config, lane="device", inputs=inputs, starts_itself=True
    )
    folder.order("keep")
    assert execute(folder) == "done"
    summary = folder.read_state().summary
    (adapter,) = read_all(folder.path / "records" / "adapters.jsonl")
    assert "/sft/adapter" in adapter["path"] and summary["n_steps"] == 1 and "keep the best" in summary["stopped"]
    assert not (folder.path / "records" / "own_answers.jsonl").exists()


def refuse_second(load):
    """Let the second loading of a student fail: the first looks at what is there, the second begins to train anew."""
    calls = []

    def refuse(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise TrainingError("The disk is full.")
        return load(*arguments, **options)

    return refuse


def test_a_policy_that_was_ended_early_is_trained_to_its_end_when_the_run_goes_on(tmp_path, student, monkeypatch):
    config = make_finetune_config(
        student, "custom", ROWS, objective="dpo", training=FAST | {"epochs": 3}, settings={"n_samples": 1}, evaluates=[]
    )
    rows = [replace(row, rejected="so 99") for row in ROWS]
    folder = RunFolder.create(
        tmp_path, "finetune", title="t", config=config, lane="device", inputs={"rows": to_frame(rows)},
        starts_itself=True,
    )  # fmt: skip
    folder.order("keep")
    assert execute(folder) == "done" and folder.read_state().summary["n_steps"] == 1
    (kept,) = read_all(folder.path / "records" / "adapters.jsonl")
    again = RunFolder(folder.path)
    again.order("again")
    with monkeypatch.context() as fault:
        fault.setattr(Student, "load", refuse_second(Student.load))
        assert execute(again) == "failed" and (tmp_path / kept["path"] / "adapter_model.safetensors").is_file()
    again = RunFolder(folder.path)
    again.order("again")
    assert execute(again) == "done"
    steps = [row["step"] for row in read_all(folder.path / "records" / "metrics.jsonl") if row["name"] == "sft/loss"]
    assert (
        steps == [1, *range(1, config["policy_training"]["epochs"] + 1)]
        and again.read_state().summary["stopped"] is None
    )
    assert read_all(folder.path / "records" / "adapters.jsonl")[-1]["objective"] == "dpo"


def test_told_to_keep_what_it_has_while_it_draws_it_keeps_the_policy(tmp_path, student, monkeypatch, capsys):
    config = make_finetune_config(
        student, "custom", ROWS, objective="dpo", training=FAST, settings={"n_samples": 2}, evaluates=[]
    )
    inputs = {"rows": to_frame(ROWS)}
    folder = RunFolder.create(
        tmp_path, "finetune", title="t", config=config, lane="device", inputs=inputs, starts_itself=True
    )
    whole = StudentAsking.draw

    def draw(self, *arguments):
        folder.order("keep")
        return whole(self, *arguments)

    monkeypatch.setattr(StudentAsking, "draw", draw)
    assert execute(folder) == "done"
    (adapter,) = read_all(folder.path / "records" / "adapters.jsonl")
    assert "/sft/adapter" in adapter["path"] and adapter["objective"] == "sft"
    assert "keep the best" in folder.read_state().summary["stopped"]
    card = write_card(tmp_path, find_trained(tmp_path, folder.run_id), ADAPTER)
    assert "- objective: `sft`" in card and "beta" not in card
    capsys.readouterr()
    print_result(folder, tmp_path)
    assert f"the policy, epoch 10 of {config['policy_training']['epochs']} kept" in capsys.readouterr().out


def test_a_policy_needs_right_answers_and_held_out_rows_are_called_so(tmp_path, student):
    wrong = [TrainingRow("Q", "1", "2", label=-1)]
    with pytest.raises(TrainingError, match="have no answers to be made likelier"):
        make_finetune_config(student, "custom", wrong, objective="dpo")
    whole = make_finetune_config("someone/model", "custom", ROWS, objective="rft", preset="limo")
    assert whole["policy_training"]["learning_rate"] == PRESETS["limo"].learning_rate
    validation = tmp_path / "validation.jsonl"
    validation.write_text('{"question": "What is 0 + 2?", "answer": "2"}\n{"question": "More?", "answer": "3"}\n')
    held_out = ensure_seed_set(tmp_path, validation, task="custom", has_splits=False)
    folder, _ = finetune(tmp_path, student, "sft", ROWS[:1], validation_set=held_out)
    assert "Every row asks a validation or test problem" in folder.read_state().error


def test_rows_that_nothing_is_made_of_are_recorded_with_the_reason(tmp_path, student, capsys):
    more = [TrainingRow("Why?", " ", "1"), TrainingRow("How?", "3", "3", label=-1)]
    rows = [replace(ROWS[0], rejected="so 99"), *ROWS[1:], *more]
    folder, records = finetune(tmp_path, student, "sft", rows)
    assert folder.read_state().summary["n_rows"] == 6
    reasons = {row["question"]: row["reason"] for row in records["training_rows"] if not row["is_used"]}
    assert "round 1: 2 rows bring wrong answers (label -1, or rejected)" in capsys.readouterr().out
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
    config = make_finetune_config(str(DEMO / "tiny"), "word_problems", ROWS)
    assert (config["student"], config["preset"]) == ("tiny", "tiny"), "the shipped student by its folder"
    rows = [*ROWS, replace(ROWS[0], answer="so 99", label=-1)]
    config = make_finetune_config("tiny", "custom", rows, objective="signed", settings={"is_normalised": False})
    assert config["preset"] == "tiny-signed-summed" and config["training"] == asdict(PRESETS["tiny-signed-summed"])


def test_rows_keep_their_words_and_their_hash_through_a_frame():
    rows = [*ROWS, TrainingRow("q", "a", None, -1, "b", "own", "run", "p")]
    assert from_frame(to_frame(rows)) == rows
    assert hash_rows(from_frame(to_frame(rows))) == hash_rows(rows) != hash_rows(rows[::-1])
    other = [replace(rows[0], final="9"), *rows[1:]]  # own answers would be judged by another reference
    assert hash_rows(other) != hash_rows(rows) and other[0].texts == rows[0].texts
