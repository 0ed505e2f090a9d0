"""The shipped reward model: small, loaded like any other, and better than chance on pairs it was not trained on."""

import random

import pytest

from core.demo.reward_pairs import draw_pairs, draw_problems, is_kept_apart
from core.models.reward import TINY_REWARD, RewardModel
from core.settings import DEMO

FOLDER = DEMO / TINY_REWARD


@pytest.fixture(scope="module")
def reward():
    return RewardModel.load(TINY_REWARD, device="cpu")


def test_it_is_small_and_has_a_card_with_its_figures():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 4_000_000
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "| **all** |" in card and "rewarded above a wrong one with probability" in card


def test_it_prefers_right_answers_to_wrong_ones_of_problems_kept_apart(reward):
    rng = random.Random(2024)
    problems = [("word_problems", p) for p in draw_problems("word_problems", 150, rng, is_apart=True)]
    assert all(is_kept_apart(problem.question) for _, problem in problems)
    pairs = [pair for task, problem in problems for pair in draw_pairs(problem, task, rng)]
    right = reward.score([(pair.prompt, pair.right) for pair in pairs])
    wrong = reward.score([(pair.prompt, pair.wrong) for pair in pairs])
    assert (right > wrong).mean() > 0.5
    assert abs(right.mean()) < 10 and right.std() > 0.01  # centred about 0, and not one value for all
