"""How long an experiment will take: a straight line through earlier rounds, and what is not known."""

import numpy as np
import pandas as pd
import pytest

from core.recipes.experiment_file import make_experiment
from core.recipes.experiment_rate import estimate_seconds, predict_seconds

COLUMNS = ["kind", "student", "seed_set_id", "seed_set_name", "round", "size", "n_searched", "seconds"]


def make_rounds(sizes, seconds, kind="loop", student="tiny", about=("id", "x"), n_searched=None):
    """Rounds of one run, each of which brought as much as the first."""
    rows = zip(sizes, seconds, strict=True)
    rows = [(kind, student, *about, size // sizes[0], size, n_searched, time) for size, time in rows]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_it_is_a_line_through_the_rounds_summed_over_arms_and_replicates():
    rounds = [make_rounds((50, 100, 200), (30, 40, 60)), make_rounds((50,), (900.0,), student="other")]
    rounds += [make_rounds((50,), (900.0,), kind="sparq"), make_rounds((100,), (None,))]
    content = {"seed_set": "x", "replicates": 3, "common": {"accepted": 50, "rounds": 2}}
    content["arm"] = [{"selector": ["random", "badge"]}, {"recipe": "negatives"}]
    found = estimate_seconds(pd.concat(rounds), make_experiment(content, "x"))
    assert found.seconds == pytest.approx(3 * 2 * (30 + 40))
    assert found.n_rounds == 3 and found.unknown == ("negatives",)


@pytest.mark.parametrize("named", ["maths", "/a/folder/maths.jsonl", "20260101-000000-import-aaaa"])
def test_rounds_on_the_same_seed_set_count_alone_where_there_are_enough(named):
    here = ("20260101-000000-import-aaaa", "maths")
    rounds = pd.concat([make_rounds((50, 100), (10.0, 20.0)), make_rounds((50, 100), (500.0, 600.0), about=here)])
    content = {"common": {"accepted": 50, "rounds": 2}, "arm": [{}]}
    found = estimate_seconds(rounds, make_experiment({**content, "seed_set": named}, "x"))
    assert found.seconds == pytest.approx(1100) and found.n_rounds == 2
    found = estimate_seconds(rounds.iloc[:3], make_experiment({**content, "seed_set": named}, "x"))
    assert found.n_rounds == 3  # one round of its own is too few


def test_sizes_that_are_all_alike_or_times_that_fall_give_the_median():
    assert predict_seconds(make_rounds((50, 50, 50), (10.0, 30.0, 20.0)), [50, 100]) == 40.0
    assert predict_seconds(make_rounds((50, 100), (30.0, 10.0)), [50, 100, 150]) == 60.0
    found = predict_seconds(make_rounds((100, 200), (0.0, 100.0)), [50])
    assert found == pytest.approx(np.float64(50.0))


def test_a_search_is_of_the_first_round_and_takes_as_long_as_problems_are_generated():
    rounds = make_rounds((50, 100, 150), (1000 + 15, 20, 25), kind="sparq", n_searched=500)
    assert predict_seconds(rounds, [50, 100, 150], 500) == pytest.approx(1000 + 15 + 20 + 25)
    assert predict_seconds(rounds, [50, 100], 1000) == pytest.approx(2000 + 15 + 20)
    assert predict_seconds(rounds[:1], [50], 500) == pytest.approx(1015)  # of training alone nothing is known yet


def test_nothing_is_known_without_rounds():
    experiment = make_experiment({"seed_set": "x", "arm": [{}]}, "x")
    found = estimate_seconds(pd.DataFrame(columns=COLUMNS), experiment)
    assert (found.seconds, found.n_rounds, found.unknown) == (0.0, 0, ("active",))
