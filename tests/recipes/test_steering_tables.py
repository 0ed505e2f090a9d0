"""Tables of steering: a row per arm, the random seeds first, what cannot be told counted, p values beside intervals."""

import math

import numpy as np
import pandas as pd
import pytest

from core.analysis.steering import correlate_ranks, correlate_within
from core.recipes.steering_tables import find_random, keep_student, list_steering, order_arms, say_correlation

ARMS = {"hard": "loss_high", "any": "random", "lists": None, "easy": "loss_low"}


@pytest.fixture
def points():
    rows = [(arm, replicate, selector, "tiny") for arm, selector in ARMS.items() for replicate in range(3)]
    return pd.DataFrame(rows, columns=["method", "replicate", "selector", "student"])


@pytest.fixture
def pairs():
    rng, parts = np.random.default_rng(0), []
    for place, arm in enumerate(ARMS):
        for replicate, number in ((replicate, number) for replicate in range(3) for number in (1, 2)):
            seeds = rng.random(20) + place
            about = {"method": arm, "replicate": replicate, "round": number}
            parts.append(pd.DataFrame({**about, "signal": "loss", "before": seeds, "after": seeds + rng.random(20)}))
            right = np.ones(20) if arm == "easy" else (rng.random(20) < 0.2 * (4 - place)).astype(float)
            parts.append(pd.DataFrame({**about, "signal": "correct", "before": right, "after": rng.permutation(right)}))
    return pd.concat(parts, ignore_index=True)


def test_arms_of_random_seeds_come_first_and_are_named(points, pairs):
    assert find_random(points) == {"any", "lists"} and order_arms(ARMS, {"any"}) == ["any", "easy", "hard", "lists"]
    loss, correct, _ = list_steering(pairs, points)
    assert [row[:2] for row in loss.lines[1:]] == [
        ["any", "random"], ["lists", "random"], ["easy", "chosen"], ["hard", "chosen"]
    ]  # fmt: skip
    assert loss.lines[0] == ["arm", "seeds", "pairs", "ρ", "95 %", "p", "rounds told", "not told", "replicates"]
    found = correlate_within(pairs[pairs["signal"] == "loss"])["any"]
    row = loss.lines[1]
    assert row[2:5] == ["120", f"{found.rho:.2f}", f"{found.low:.2f} to {found.high:.2f}"]
    assert row[5] == ("< 0.001" if found.p_value < 0.001 else f"{found.p_value:.3f}") and row[6:] == ["6", "0", "3"]
    assert loss.caption.startswith("loss of seeds") and not loss.note and "Student's t" in correct.note


def test_rounds_that_tell_nothing_are_counted(points, pairs):
    correct = list(list_steering(pairs, points))[1]
    easy = next(row for row in correct.lines if row[0] == "easy")
    assert easy[2:] == ["0", "–", "–", "–", "0", "6", "0"], "all of its seeds are answered rightly"


def test_arms_are_ranked_by_medians_and_by_shares_of_what_is_right(points, pairs):
    sets = list(list_steering(pairs, points))[-1]
    assert [row[:3] for row in sets.lines[1:]] == [
        ["loss, medians", "first", "12"], ["loss, medians", "all", "24"],
        ["correct, shares", "first", "12"], ["correct, shares", "all", "24"],
    ]  # fmt: skip
    assert sets.lines[1][3:] == ["1.00", "–", "–", "3", "0", "3"], "all replicates agree alike: no spread to tell by"
    assert sets.lines[3][3] == "1.00" and "share the seed set" in sets.note


def test_arms_of_other_students_are_other_ranks(points, pairs):
    two = points.assign(student=np.where(points["method"].isin(["hard", "any"]), "tiny", "large"))
    sets = list(list_steering(pairs, two))[-1]
    assert not sets.lines and "that takes 4 arms of one student with both scores in a round" in sets.note
    three = points.assign(student=np.where(points["method"] == "any", "large", "tiny"))
    sets = list(list_steering(pairs, pd.concat([three, three[three["method"] == "hard"].assign(method="more")])))[-1]
    assert not sets.lines
    more = pd.concat([pairs, pairs[pairs["method"] == "hard"].assign(method="more")])
    sets = list(list_steering(more, pd.concat([three, three[three["method"] == "hard"].assign(method="more")])))[-1]
    assert sets.lines[1][2] == "12" and sets.lines[1][6:] == ["3", "3", "3"], "four of one student, one of the other"
    assert set(keep_student(pairs, two, "any")["method"]) == {"hard", "any"}


def test_nothing_scored_is_no_table(points, pairs):
    assert list(list_steering(pairs[:0], points)) == []


def test_a_correlation_is_told_with_its_interval_and_p_value():
    found = correlate_ranks(list(range(30)), [(7 * i) % 30 + i / 3 for i in range(30)])
    told = say_correlation(found)
    assert told.startswith(f"ρ {found.rho:.2f} (95 % ") and told.endswith(") of 30 pairs") and ", p = 0." in told
    assert "p < 0.001" in say_correlation(correlate_ranks(list(range(30)), list(range(30))))
    assert say_correlation(correlate_ranks([1, 2, 3], [1, 3, 2])).endswith("too few to say how sure that is")
    assert say_correlation(correlate_ranks([1, 1], [1, 3])) == "no rank correlation can be told of 2 pairs"
    assert say_correlation(correlate_ranks([1], [math.nan])) == "no rank correlation can be told of 0 pairs"
