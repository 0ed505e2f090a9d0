"""How long a training will take, told from the steps of earlier ones."""

import pytest

from core import hub as hubs
from core.recipes.answer_rate import LOOP_STAGE
from core.recipes.training_rate import count_steps, estimate_training
from core.runs.folder import RunFolder
from core.training.config import TrainingConfig
from tests.pages.conftest import open_home
from tests.recipes.test_drawing_rate import add_run

SETTINGS = TrainingConfig(epochs=2, batch_size=10, accumulation_steps=1)
THEN = {"weights": "lora", "batch_size": 5}


@pytest.fixture
def home(tmp_path):
    yield tmp_path
    hubs.close()


def test_the_last_batch_of_an_epoch_is_a_step_too():
    assert [count_steps(n, SETTINGS) for n in (1, 10, 11, 30)] == [2, 2, 4, 6]


def add_training(home, number, metric="loss", gap=2.0, n=9, student="tiny", kind="finetune", **config):
    """A training of steps that take ``gap`` seconds, three in an epoch, with 10 s of validation behind each epoch."""
    run_id = f"20260101-00000{number}-{kind}-aaaa"
    config = {"student": student, "task": "custom", "training": THEN, **config}
    folder = RunFolder.create(home, kind, title="x", config=config, lane="light", run_id=run_id)
    with folder.hold():
        for step in range(1, n + 1):
            at = gap * step + 10.0 * ((step - 1) // 3)
            about = {"round": 1, "name": metric, "step": step, "value": 1.0, "epoch": step / 3}
            folder.append("metrics", {**about, "written_at": 100.0 + at})
        folder.finish("done", {"n": 1})


def test_the_time_is_that_of_the_newest_training_alike_and_of_the_validation_to_come(home):
    add_training(home, 1)  # 5 rows in 2 s
    add_training(home, 2, kind="loop", gap=1.0, training={**THEN, "weights": "full"})
    add_training(home, 3, student="org/other", gap=0.5)
    add_training(home, 4, n=3)  # too short to tell
    policy = {"objective": "dpo", "policy_training": {**THEN, "batch_size": 20}}
    add_training(home, 5, metric="sft/loss", gap=4.0, **policy)
    add_training(home, 6, gap=3.0, objective="dpo")
    hub = open_home(home)
    passed = count_steps(30, SETTINGS) * 10
    assert estimate_training(hub, "tiny", "sft", SETTINGS, 30, 50) == pytest.approx(passed * 2.0 / 5)
    assert estimate_training(hub, "tiny", "dpo", SETTINGS, 30, 50) == pytest.approx(passed * 3.0 / 5)
    assert estimate_training(hub, "tiny", "sft", SETTINGS, 30, 50, is_policy=True) == pytest.approx(passed * 4.0 / 20)
    assert estimate_training(hub, "org/other", "sft", SETTINGS, 30, 0) == pytest.approx(passed * 0.5 / 5)
    assert estimate_training(hub, "tiny", "rft", SETTINGS, 30, 0) is None
    assert estimate_training(hub, "another", "sft", SETTINGS, 30, 0) is None
    whole = TrainingConfig(weights="full", epochs=1, batch_size=10, accumulation_steps=1)
    assert estimate_training(hub, "tiny", "sft", whole, 30, 0) == pytest.approx(30 * 1.0 / 5)
    add_run(home, 7, "loop", {"training": {}}, [(f"round 1: {LOOP_STAGE}", 0, 100, 20.0)])  # 0.2 s an answer
    hub.step()
    asked = 50 * (SETTINGS.epochs + 1)
    assert estimate_training(hub, "tiny", "sft", SETTINGS, 30, 50) == pytest.approx(passed * 2.0 / 5 + asked * 0.2)
