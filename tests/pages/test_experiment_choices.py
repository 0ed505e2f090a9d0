"""The part of Compare that asks how seeds were chosen: one replicate, one student, and the words of every arm."""

import numpy as np
import pandas as pd
import pytest

from core.analysis.token_shift import AT_RANDOM
from core.recipes.experiment import describe_replicate, open_experiment
from core.runs.folder import RunFolder
from pages.components.experiment_choices import find_common
from tests.pages import home
from tests.pages.test_experiments import drawn  # noqa: F401
from tests.pages.test_pages import texts

N = 6
ARMS = {
    "active, random": ("random", "tiny", 0.0),
    "active, loss_high": ("loss_high", "tiny", 0.0),
    "active, large, loss_high": ("loss_high", "large", 5.0),
    "sparq": (None, "tiny", None),
}
"""Arm -> its selector, its student, and what is added to the loss of every seed in that one's eyes."""


def add_arm(place, config, arm, replicate, state="done"):
    selector, student, level = ARMS[arm]
    about = {"seed_set_name": "pens", "task": "word_problems", "student": student, "k": N, "rounds": 1}
    about |= {"parent": config["parent"], "arm": arm, "replicate": replicate, "seed_set": home.SEED_SET}
    about |= {"selector": selector} if selector else {}
    folder = RunFolder.create(place, "loop", title=arm, config=about, lane="device", starts_itself=True)
    with folder.hold():
        if state == "failed":
            folder.finish("failed", error="It met a stone.")
            return
        for number in (0, 1):
            row = {"round": number, "split": "test", "n": 100, "accuracy": 0.4, "low": 0.3, "high": 0.6}
            folder.append("evaluations", {**row, "written_at": 5.0})
        tokens = {"n_input_tokens": 9, "n_output_tokens": 9, "accepted": N, "selected": N, "training_rows": N}
        folder.append("rounds", {"round": 1, **tokens, "written_at": 6.0})
        for i in range(N):
            about = {"candidate_id": f"c{i}", "round": 1, "position": i, "failure": None, "answer": "1"}
            parents = [f"problem_train_{i:03d}"] if selector else []
            folder.append("candidates", {**about, "parents": parents, "question": f"{arm} {i} pens"})
        if selector:
            choice = {"round": 1, "seed_set_id": home.SEED_SET, "selector": selector, "k": N, "replicate": replicate}
            folder.append("selections", {**choice, "student": "base", "written_at": 3.0})
            ids = [f"problem_train_{i:03d}" for i in range(20)]
            answers = pd.DataFrame({"problem_id": ids, "loss": np.arange(20) / 10 + level + 0.001 * replicate})
            answers = answers.assign(student="base", split="train", text="", final="1", is_correct=True)
            folder.write_part("predictions", answers.assign(n_tokens=1, is_truncated=False))
            rows = [{"round": 1, "rank": i, "problem_id": ids[i], "reason": "so", "priority": 0.0} for i in range(N)]
            for row in rows:
                folder.append("selected", row)
        folder.finish("done", {"n_test": 100})


@pytest.fixture
def experiment(filled):
    place = filled.settings.home
    arms = [{"name": arm, "recipe": "active", "settings": {}} for arm in ARMS]
    about = {"seed_set": home.SEED_SET, "seed_set_name": "pens", "student": "tiny", "replicates": [0, 1]}
    folder = open_experiment(place, "Arms", {**about, "arms": arms})
    for replicate in (0, 1):
        title, config = describe_replicate(folder, replicate)
        run = RunFolder.create(place, "replicate", title=title, config=config, lane="device")
        with run.hold():
            for arm in ARMS:
                is_lost = (arm, replicate) == ("active, random", 0)
                add_arm(place, config, arm, replicate, "failed" if is_lost else "done")
            run.finish("done", {"n_arms": len(ARMS), "failed": {}})
    filled.step()
    return folder.run_id


def open_part(visit, experiment):
    app = visit("experiments", experiment=experiment)
    app.segmented_control(key="experiment_part").set_value("choices").run()
    assert not app.exception
    return app


def list_means(figure):
    """Name of every group that is drawn -> the middle of where it is drawn."""
    found = {}
    for trace in figure["data"]:
        x, y = np.array(trace["x"], float), np.array(trace["y"], float)
        found[trace["name"]] = float((x * y).sum() / y.sum())
    return found


def test_arms_by_loss_are_shown_first_whatever_they_are_called(experiment, visit, drawn):  # noqa: F811
    app = open_part(visit, experiment)
    app.selectbox(key="choices_student").set_value("tiny").run()
    assert not app.exception and list(list_means(drawn["choices_scores"]))[1:] == ["active, loss_high"]


def test_arms_of_another_student_have_its_scores_behind_them(experiment, visit, drawn):  # noqa: F811
    app = open_part(visit, experiment)
    assert app.selectbox(key="choices_student").options == ["large", "tiny"]
    means = list_means(drawn["choices_scores"])
    assert list(means)[1:] == ["active, large, loss_high"] and 5.5 < means["all 20"] < 6.5
    app.selectbox(key="choices_student").set_value("tiny").run()
    means = list_means(drawn["choices_scores"])
    assert not app.exception and 0.5 < means["all 20"] < 1.5


def test_arms_are_shown_in_a_replicate_that_all_of_them_have(experiment, visit, drawn):  # noqa: F811
    app = open_part(visit, experiment)
    app.selectbox(key="choices_student").set_value("tiny").run()
    assert "Replicate 0, in the eyes" in texts(app).replace("\\", "")
    app.pills(key="choices_arms_tiny").set_value(["active, loss_high", "active, random"]).run()
    assert not app.exception and "Replicate 1, in the eyes" in texts(app).replace("\\", "")
    assert list(list_means(drawn["choices_scores"]))[1:] == ["active, loss_high", "active, random"]


def test_the_words_of_every_arm_that_has_children_are_drawn(experiment, visit, drawn):  # noqa: F811
    app = open_part(visit, experiment)
    named = {trace["name"] for trace in drawn["shifts"]["data"] if "name" in trace}
    assert named == {*ARMS, AT_RANDOM} and app.selectbox(key="choices_tokens").options == sorted(ARMS)
    app.selectbox(key="choices_tokens").set_value("sparq").run()
    assert not app.exception and "sparq" in drawn["shifted"]["data"][0]["y"]


def test_the_first_common_replicate_is_found():
    rows = [
        ("a", 0, "a0"),
        ("a", 1, "a1"),
        ("a", 1, "a1"),
        ("a", 2, "a2"),
        ("b", 1, "b1"),
        ("b", 2, "b2"),
        ("c", 0, "c0"),
    ]
    points = pd.DataFrame(rows, columns=["method", "replicate", "run_id"])
    assert find_common(points, ["b", "a"]) == (1, {"b": "b1", "a": "a1"})
    assert find_common(points, ["a"]) == (0, {"a": "a0"})
    assert find_common(points, ["b", "c"]) == (None, {})
