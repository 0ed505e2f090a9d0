"""Methods side by side: obvious cases, and that a row adds up."""

import numpy as np
import pandas as pd
import pytest

from core.analysis.accuracy import wilson_interval
from core.analysis.methods import MEASURES, compare_methods, find_kind
from core.lines import to_plain

SAME = "How many pens does Tom buy?"
OTHERS = ["When does the train leave?", "Which number is even?", "What is half of nine apples?"]


def make_candidates(method: str, texts: list[str | None], **more) -> pd.DataFrame:
    """Candidates of three seeds, two of each in one call; None is a failed one."""
    n = len(texts)
    rows = {
        "method": method,
        "seed": [f"seed_{i // 2}" for i in range(n)],
        "sample_index": 0,
        "status": ["failed" if text is None else "accepted" for text in texts],
        "text": [text or "" for text in texts],
        "kind": [f"kind_{i // 2}" for i in range(n)],
        "is_own_kind": False,
        "probability": np.nan,
    }
    return pd.DataFrame({**rows, **more}, columns=list(rows))


def one_hot(texts: pd.Series) -> np.ndarray:
    """Vectors of which two are the same or at right angles."""
    codes = pd.factorize(texts)[0]
    return np.eye(codes.max() + 1)[codes]


STAGE = {"method": "a", "error": None, "n_calls": 6, "n_cached": 0, "n_input_tokens": 600, "n_output_tokens": 90,
         "usd": None, "seconds": 12.0}  # fmt: skip


@pytest.fixture
def frame() -> pd.DataFrame:
    monotonous = make_candidates("a", [SAME] * 6)
    monotonous["status"] = ["accepted", *["rejected"] * 5]
    varied = make_candidates("b", [SAME, *OTHERS, None, "Why?"])
    both = pd.concat([monotonous, varied], ignore_index=True)
    stages = [STAGE, {**STAGE, "method": "b", "usd": 0.5}, {**STAGE, "method": "c", "error": "No."}]
    return compare_methods(both, one_hot(both["text"]), stages, ["kind_0", "kind_1", "kind_2", "kind_3"])


def test_a_method_that_repeats_itself_has_no_distance_and_one_that_does_not_has_all(frame):
    a, b, _ = frame.to_dict("records")
    assert (a["distance"], a["distance_within"], a["wording"], a["distinct_texts"]) == (0, 0, 1, pytest.approx(1 / 6))
    assert (b["distance"], b["distance_within"], b["distinct_texts"]) == (1, 1, 1)
    assert b["wording"] < 0.5 and b["distance_n"] == 10 and b["distance_within_n"] == 2
    assert a["distinct_1_n"] == 36 and a["distinct_1"] == pytest.approx(1 / 6)


def test_every_request_is_accounted_for_and_what_was_lost_is_paid_for(frame):
    for row in frame.to_dict("records"):
        assert row["n_asked"] == row["n_failed"] + row["n_rejected"] + row["n_accepted"]
        assert row["n_usable"] == row["n_asked"] - row["n_failed"]
    a, b, c = frame.to_dict("records")
    assert (a["acceptance"], a["acceptance_low"], a["acceptance_high"]) == (1 / 6, *wilson_interval(1, 6))
    assert a["n_input_tokens_per_accepted"] == 600 and a["seconds_per_accepted"] == 12
    assert b["n_input_tokens_per_accepted"] == 120 and b["usd_per_accepted"] == 0.1
    assert np.isnan(a["usd_per_accepted"])
    assert c["error"] == "No." and c["n_asked"] == 0 and np.isnan(c["acceptance"]) and np.isnan(c["distance"])


def test_rejected_ones_count_for_diversity_and_not_among_the_accepted(frame):
    a, b, _ = frame.to_dict("records")
    assert np.isnan(a["accepted_distance"]) and a["accepted_distinct_texts"] == 1
    assert a["coverage"] == 0.75 and a["accepted_coverage"] == 0.25
    assert b["accepted_distance"] == b["distance"]


def test_one_seed_of_three_that_repeats_is_a_third_of_the_way():
    texts = [SAME, SAME, *OTHERS, "Why?"]
    rows = make_candidates("a", texts)
    (row,) = compare_methods(rows, one_hot(rows["text"]), [STAGE]).to_dict("records")
    assert row["distance_within"] == pytest.approx(2 / 3) and row["distance"] == pytest.approx(14 / 15)
    assert row["distance_within_low"] < row["distance_within"] <= row["distance_within_high"] == 1


def test_without_seeds_all_is_one_prompt_and_calls_are_drawn_again():
    rows = make_candidates("a", [SAME, SAME, *OTHERS, "Why?"], seed=None, sample_index=[0, 0, 1, 1, 2, 2])
    (row,) = compare_methods(rows, one_hot(rows["text"]), [STAGE]).to_dict("records")
    assert row["distance_within"] == row["distance"] == pytest.approx(14 / 15)
    assert row["distance_within_low"] < row["distance_within"] <= row["distance_within_high"]


def test_without_vectors_only_the_distances_are_missing(frame):
    rows = make_candidates("a", [SAME, *OTHERS])
    (row,) = compare_methods(rows, None, [STAGE]).to_dict("records")
    missing = {name for name in MEASURES if row[name] is None or np.isnan(row[name])}
    assert missing == {"distance", "distance_within", "coverage"}
    assert to_plain(row)["distance"] is None


def test_stated_probabilities_stay_raw_and_their_sums_are_held_against_one():
    rows = make_candidates("a", [SAME, *OTHERS, "Why?", None], probability=[0.5, 0.7, 0.1, 0.2, 0.4, np.nan])
    rows["status"] = ["accepted", "accepted", "rejected", "rejected", "accepted", "failed"]
    (row,) = compare_methods(rows, None, [STAGE]).to_dict("records")
    assert row["n_probabilities"] == 5 and row["probability_mean"] == pytest.approx(0.38)
    assert row["probability_sum"] == pytest.approx((1.2 + 0.3 + 0.4) / 3)
    assert row["probability_over_one"] == pytest.approx(1 / 3) and row["probability_rank"] > 0.8
    (silent,) = compare_methods(make_candidates("a", [SAME]), None, [STAGE]).to_dict("records")
    assert silent["n_probabilities"] == 0 and silent["probability_sum"] is None


def test_what_the_stage_says_of_wrong_answers_stays():
    stage = {**STAGE, "wrong_rate": 0.5, "wrong_coverage": 0.25}
    (row,) = compare_methods(make_candidates("a", [SAME]), None, [stage]).to_dict("records")
    assert (row["wrong_rate"], row["wrong_coverage"]) == (0.5, 0.25)


def test_candidates_of_unknown_kind_cover_nothing_that_could_be_told():
    (row,) = compare_methods(make_candidates("a", [SAME], kind=None), None, [STAGE], ["x"]).to_dict("records")
    assert row["coverage"] is None


def test_the_kind_is_the_first_field_that_tells_problems_apart():
    metas = [{"type": "Algebra", "level": 1}, {"type": "Algebra", "level": 2}, {}]
    assert find_kind(metas, ("type", "level")) == "level"
    assert find_kind(metas[:1], ("type", "level")) is None
