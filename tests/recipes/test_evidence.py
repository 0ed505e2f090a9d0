"""The experiments that docs/log.md reports: their files can be read, and their test problems are made as they say."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.demo.rows import encode_rows
from core.demo.word_problems import make_problems
from core.recipes.experiment_file import read_experiment
from core.settings import DEMO

FOLDER = Path(__file__).parents[2] / "docs" / "experiments"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.toml")), ids=lambda file: file.stem)
def test_every_experiment_can_be_read(file):
    experiment = read_experiment(file)
    assert experiment.arms and experiment.title


def test_the_evidence_has_enough_replicates_rounds_and_test_problems():
    experiment = read_experiment(FOLDER / "active_vs_static.toml")
    names = {arm.name for arm in experiment.arms}
    assert names == {"random", "loss_high", "loss_low", "reward_low", "badge", "lion", "judge_hard", "incorrect"}
    assert len(experiment.replicates) >= 5
    assert all(arm.settings["rounds"] >= 4 and 50 <= arm.settings["accepted"] <= 100 for arm in experiment.arms)
    assert len(Path(experiment.test).read_text().splitlines()) >= 500


def test_the_test_problems_are_made_by_the_generator_and_are_in_no_other_split():
    file = FOLDER / "word_problems_test.jsonl"
    assert file.read_bytes() == encode_rows(make_problems(700, np.random.default_rng(20261122))[:600])
    asked = {json.loads(line)["question"] for line in file.open()}
    built_in = (DEMO / "word_problems").glob("*.jsonl")
    assert len(asked) == 600
    assert not asked & {json.loads(line)["question"] for path in built_in for line in path.open()}
