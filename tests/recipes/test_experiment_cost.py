"""What an experiment will ask of its teacher, from runs whose sums a reader can do."""

import pandas as pd
import pytest

from core.recipes.experiment_cost import estimate_cost
from core.recipes.experiment_file import make_experiment
from core.teacher.prices import Price

COLUMNS = ["run_id", "kind", "selector", "seed_set_id", "seed_set_name", "n_accepted", "n_input", "n_output"]
RUNS = pd.DataFrame(
    [
        ("a", "loop", "random", "i", "x", 100, 20_000, 5_000),
        ("b", "loop", "random", "i", "x", 100, 40_000, 7_000),
        ("c", "loop", "random", "j", "y", 10, 999_999, 999_999),
        ("d", "loop", "judge_hard", "i", "x", 10, 90_000, 100),
        ("e", "sparq", None, "i", "x", 10, 1, 1),
    ],
    columns=COLUMNS,
)
SERVER = {"base_url": "https://api.example.com/v1", "model": "m-1"}


def estimate(teacher=None, roles=None, runs=RUNS):
    content = {"seed_set": "x", "replicates": 3, "common": {"accepted": 50, "rounds": 2}}
    content["arm"] = [{"selector": ["random", "judge_hard", "badge"]}]
    content |= {"teacher": teacher} if teacher else {}
    content |= {"roles": roles} if roles else {}
    return estimate_cost(runs, make_experiment(content, "x"), [Price("m-*", 2.0, 10.0)])


def test_it_is_what_earlier_runs_asked_for_an_accepted_candidate():
    found = estimate()
    assert found.n_input == pytest.approx(3 * 100 * (300 + 9_000))
    assert found.n_output == pytest.approx(3 * 100 * (60 + 10))
    assert found.n_runs == 3 and found.unknown == ("badge",) and found.usd is None, "nobody pays the rules"


def test_dollars_are_told_where_the_price_is_known():
    assert estimate(SERVER).usd == pytest.approx((2_790_000 * 2 + 21_000 * 10) / 1e6)
    assert estimate({**SERVER, "model": "other"}).usd is None
    assert estimate(SERVER, {"judge": {**SERVER, "model": "m-2"}}).usd is None, "two prices, one sum of tokens"


def test_without_earlier_runs_nothing_is_known():
    found = estimate(SERVER, runs=RUNS.iloc[:0])
    assert (found.n_runs, found.n_input) == (0, 0.0) and len(found.unknown) == 3
