"""One draw for page, shell and loop: the ids that a replicate chooses, as they were chosen since the first version."""

import json

import numpy as np
import pandas as pd
import pytest

from core.__main__ import main
from core.errors import SelectionError
from core.recipes import active, selecting
from core.recipes.scoring import ScoreTable
from core.records import Problem
from core.runs.folder import RunFolder
from core.selection import SELECTORS, Pool, check_size
from core.signals import Scores
from core.tasks import TASKS

N, K = 40, 6
IDS = [f"p{i:02d}" for i in range(N)]
LOSS = np.round(np.random.default_rng(0).random(N), 3)

CHOSEN = {
    ("random", "argmax", 3, 1): ["p35", "p22", "p20", "p01", "p15", "p28"],
    ("loss_high", "argmax", 3, 1): ["p26", "p27", "p09", "p38", "p05", "p37"],
    ("loss_high", "softmax", 3, 1): ["p12", "p22", "p36", "p17", "p26", "p11"],
    ("random", "argmax", 3, 2): ["p23", "p16", "p17", "p38", "p26", "p10"],
    ("loss_high", "softmax", 3, 2): ["p20", "p18", "p05", "p12", "p23", "p16"],
}
"""(selector, pick, replicate, round) -> problem ids in the order of choice."""


def pool() -> Pool:
    return Pool(np.array(IDS), {"loss": LOSS})


def of_round(number: int) -> list:
    return [pytest.param(*key[:3], ids, id="-".join(map(str, key))) for key, ids in CHOSEN.items() if key[3] == number]


@pytest.mark.parametrize(("selector", "pick", "replicate", "ids"), of_round(1))
def test_page_and_shell_choose_alike(tmp_path, selector, pick, replicate, ids):
    chosen = selecting.choose_seeds(pool(), selector, K, replicate, pick)
    assert [IDS[row] for row in chosen.indices] == ids
    table, out = tmp_path / "scores.parquet", tmp_path / "chosen.jsonl"
    pd.DataFrame({"problem_id": IDS, "loss": LOSS}).to_parquet(table)
    options = ["--selector", selector, "--pick", pick, "--select", str(K), "--replicate", str(replicate)]
    assert main(["select", "--scores", str(table), "--out", str(out), *options]) == 0
    assert [json.loads(line)["problem_id"] for line in out.read_text().splitlines()] == ids


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(("selector", "pick"), [("random", "argmax"), ("loss_high", "softmax")])
def test_a_loop_draws_anew_in_each_round(tmp_path, monkeypatch, selector, pick, number):
    problems = [Problem(id_, "", None, None) for id_ in IDS]
    table = ScoreTable(IDS, {}, {"loss": Scores(LOSS)})
    required = []
    monkeypatch.setattr(active, "score_stage", lambda *_, **more: required.append(more["required"]) or table)
    config = {"selector": selector, "pick": pick, "k": K, "replicate": 3, "seed_set": "s"}
    folder = RunFolder.create(tmp_path, "loop", title="t", config=config, lane="device")
    loop = active.Loop(folder, config, TASKS.get("custom"), {"train": problems})
    with folder.hold():
        seeds, n_chosen = active.choose_seeds(loop, number, None, "base")
    assert required == [SELECTORS.get(selector).needs]  # it stops where these cannot be had
    assert n_chosen == K and [seed.problem_id for seed in seeds[:K]] == CHOSEN[selector, pick, 3, number]


def test_a_size_is_refused_before_anything_is_chosen():
    few = Pool(np.array(IDS), is_excluded=np.arange(N) < 30)
    assert check_size(few, 10) is None
    for k, refused, sentence in (
        (11, few, "The pool has 10 problems to choose from, fewer than the 11 asked for; ask for fewer."),
        (0, few, "Choose at least 1 problem, not 0."),
        (1, Pool(np.array([], dtype=str)), "The pool is empty; bring in a seed set that has train problems."),
    ):
        with pytest.raises(SelectionError) as caught:
            check_size(refused, k)
        assert str(caught.value) == sentence
