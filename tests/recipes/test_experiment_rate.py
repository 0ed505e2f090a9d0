"""How long an experiment will take: a straight line through earlier rounds, and what is not known."""

import numpy as np
import pandas as pd
import pytest

from core.recipes.experiment_file import make_experiment
from core.recipes.experiment_rate import estimate_seconds, predict_seconds

COLUMNS = ["kind", "student", "training_rows", "seconds"]


def test_it_is_a_line_through_the_rounds_summed_over_arms_and_replicates():
    rows = [("loop", "tiny", size, 20 + 0.2 * size) for size in (50, 100, 200)]
    rows += [("loop", "other", 50, 900.0), ("sparq", "tiny", 50, 900.0), ("loop", "tiny", 100, None)]
    content = {"seed_set": "x", "replicates": 3, "common": {"accepted": 50, "rounds": 2}}
    content["arm"] = [{"selector": ["random", "badge"]}, {"recipe": "negatives"}]
    found = estimate_seconds(pd.DataFrame(rows, columns=COLUMNS), make_experiment(content, "x"))
    assert found.seconds == pytest.approx(3 * 2 * (30 + 40))
    assert found.n_rounds == 3 and found.unknown == ("negatives",)


def test_sizes_that_are_all_alike_or_times_that_fall_give_the_median():
    alike = pd.DataFrame({"training_rows": [50, 50, 50], "seconds": [10.0, 30.0, 20.0]})
    assert predict_seconds(alike, [50, 100]) == 40.0
    falling = pd.DataFrame({"training_rows": [50, 100], "seconds": [30.0, 10.0]})
    assert predict_seconds(falling, [50, 100, 150]) == 60.0
    assert predict_seconds(pd.DataFrame({"training_rows": [100, 200], "seconds": [0.0, 100.0]}), [50]) == pytest.approx(
        np.float64(50.0)
    )


def test_nothing_is_known_without_rounds():
    experiment = make_experiment({"seed_set": "x", "arm": [{}]}, "x")
    found = estimate_seconds(pd.DataFrame(columns=COLUMNS), experiment)
    assert (found.seconds, found.n_rounds, found.unknown) == (0.0, 0, ("active",))
