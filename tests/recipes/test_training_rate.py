"""How long a training will take, told from the steps of earlier ones."""

import pytest

from core import hub as hubs
from core.recipes.training_rate import count_steps, estimate_training
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


def test_the_time_is_that_of_the_newest_training_alike_by_the_rows_it_passed(home):
    add_run(home, 1, "finetune", {"training": THEN}, [("round 1: finetune", 1, 11, 25.0)])  # 50 rows in 25 s
    add_run(home, 2, "loop", {"training": {"weights": "full", "batch_size": 5}}, [("round 1: finetune", 1, 11, 1.0)])
    add_run(home, 3, "finetune", {"training": THEN, "student": "org/other"}, [("round 1: finetune", 1, 11, 2.0)])
    add_run(home, 4, "finetune", {"training": THEN}, [("round 1: finetune", 1, 3, 3.0)])  # too short to tell
    preferences = {"training": THEN, "objective": "dpo", "policy_training": {"weights": "lora", "batch_size": 20}}
    stages = [("round 1: policy", 1, 11, 40.0), ("round 1: answers", 0, 50, 9.0), ("round 1: finetune", 1, 6, 75.0)]
    add_run(home, 5, "finetune", preferences, stages)
    hub = open_home(home)
    passed = count_steps(30, SETTINGS) * 10
    assert estimate_training(hub, "tiny", "sft", SETTINGS, 30) == passed * 25.0 / 50
    assert estimate_training(hub, "tiny", "dpo", SETTINGS, 30) == passed * 75.0 / 25
    assert estimate_training(hub, "tiny", "sft", SETTINGS, 30, is_policy=True) == passed * 40.0 / 200
    assert estimate_training(hub, "org/other", "sft", SETTINGS, 30) == passed * 2.0 / 50
    assert estimate_training(hub, "tiny", "rft", SETTINGS, 30) is None
    assert estimate_training(hub, "another", "sft", SETTINGS, 30) is None
    whole = TrainingConfig(weights="full", epochs=1, batch_size=10, accumulation_steps=1)
    assert estimate_training(hub, "tiny", "sft", whole, 30) == 30 * 1.0 / 50
