"""What Compare says of runs that count for nothing, that wait for a person, and that are still to come."""

import pytest

from core.recipes.experiment import describe_replicate, open_experiment
from core.runs.folder import RunFolder
from tests.pages import home
from tests.pages.test_experiments import ARMS, add_arm
from tests.pages.test_pages import texts


@pytest.fixture
def stopped(filled):
    """An experiment of which one replicate failed before its first arm, and one arm waits for a person."""
    place = filled.settings.home
    arms = [{"name": arm, "recipe": "active", "settings": {"selector": arm}} for arm in ARMS]
    about = {"seed_set": home.SEED_SET, "seed_set_name": "pens", "student": "tiny", "replicates": [0, 1]}
    folder = open_experiment(place, "Two arms", {**about, "arms": arms})
    for replicate in (0, 1):
        title, config = describe_replicate(folder, replicate)
        run = RunFolder.create(place, "replicate", title=title, config=config, lane="device")
        with run.hold():
            if replicate:
                run.finish("failed", error="There is no student any more.")
                continue
            for arm in ARMS:
                add_arm(place, config, arm, replicate)
            run.finish("done", {"n_arms": 2, "failed": {}})
    (waiting,) = [RunFolder(path) for path in (place / "runs").glob("*-loop-*") if is_arm(path, folder.run_id)]
    with waiting.hold():
        waiting.finish("done", {"n_test": 100, "waits_after_round": 1, "stopped": "It waits for you to review."})
    filled.step()
    return folder.run_id


def is_arm(path, experiment):
    config = RunFolder(path).config
    return config.get("parent") == experiment and config["arm"] == "random"


def test_what_is_left_out_is_told_with_why(stopped, filled, visit):
    app = visit("experiments", experiment=stopped)
    text = texts(app).replace("\\", "").replace("\u00a0", " ")
    assert not app.exception
    assert "2 runs excluded: loss_high, replicate 1: failed; random, replicate 1: failed. There is no student" in text
    assert "random, replicate 0, waits for a review after round 1." in text and "ended early" not in text
    assert "still to come" not in text, "what waits for a person is told by itself"
