"""Verbalized Sampling as a source of training data, and incorrect data: by the shell, on small files."""

import json

import pandas as pd
import pytest

from core.__main__ import main
from core.errors import SeedbedError
from core.lines import read_all
from core.recipes.experiment import find_children
from core.recipes.experiment_results import read_results
from core.recipes.grown_portions import Stock
from core.recipes.recipes import make_recipe

COMMON = "[common]\naccepted = 6\nrounds = 2\nepochs = 1\n"


def carry_out(home, file, arms, few_files, more=""):
    """Return the id of an experiment and arm -> run, after the shell carried it out."""
    seeds = f'seed_set = "{few_files["train"]}"\ntest = "{few_files["test"]}"\n'
    file.write_text(f"{seeds}{more}{COMMON}{arms}")
    assert main(["experiment", str(file), "--home", str(home)]) == 0
    (path,) = (home / "runs").glob("*-experiment-*")
    return path.name, {run.config["arm"]: run for run in find_children(home, path.name) if "arm" in run.config}


@pytest.fixture(scope="module")
def asked(few_files, tmp_path_factory):
    """Two ways of asking, tested on another set too."""
    place = tmp_path_factory.mktemp("asked")
    other = place / "other.jsonl"
    other.write_text("".join(few_files["validation"].open(encoding="utf-8").readlines()[:5]), encoding="utf-8")
    arms = '[[arm]]\nrecipe = "verbalized"\nmethod = ["direct", "vs_standard"]\nper_call = 5\n'
    more = f'benchmarks = ["{other}"]\n'
    return place / "home", *carry_out(place / "home", place / "vs.toml", arms, few_files, more)


@pytest.fixture(scope="module")
def wrong(few_files, tmp_path_factory):
    place = tmp_path_factory.mktemp("wrong")
    arms = '[[arm]]\nrecipe = "incorrect"\nform = ["none", "vs_cot"]\n'
    return carry_out(place / "home", place / "wrong.toml", arms, few_files)[1]


def read_rows(run, number):
    return [row for row in read_all(run.path / "records" / "training_rows.jsonl") if row["round"] == number]


def test_questions_come_without_seeds_and_are_trained_on_with_the_teachers_answers(asked):
    for name, run in asked[2].items():
        candidates = read_all(run.path / "records" / "candidates.jsonl")
        assert all(row["parents"] == [] and row["method"] == name for row in candidates)
        rows = read_rows(run, 2)
        assert {row["origin_id"] for row in rows} <= {row["candidate_id"] for row in candidates}
        for row in run.read_state().summary["rounds"]:
            assert row["requested"] == row["failed"] + row["rejected"] + row["accepted"]
    calls = {name: read_all(run.path / "records" / "calls.jsonl") for name, run in asked[2].items()}
    questions = {name: sum(call["purpose"] == "question" for call in each) for name, each in calls.items()}
    assert questions["direct"] > questions["vs_standard"]  # one call brings several


def list_accepted(run):
    """Return the ids of what no filter turned down, in the order of asking."""
    lost = {row["candidate_id"] for row in read_all(run.path / "records" / "verdicts.jsonl") if not row["is_accepted"]}
    candidates = read_all(run.path / "records" / "candidates.jsonl")
    return [row["candidate_id"] for row in candidates if row["failure"] is None and row["candidate_id"] not in lost]


def test_ways_of_asking_are_compared_at_the_same_number_of_problems_whatever_one_call_brings(asked):
    surplus = {}
    for name, run in asked[2].items():
        summary, accepted = run.read_state().summary, list_accepted(run)
        for number, row in enumerate(summary["rounds"], 1):
            assert (row["accepted"], row["training_rows"]) == (6, 6 * number), name
            assert [each["origin_id"] for each in read_rows(run, number)] == accepted[: 6 * number], name
        surplus[name] = summary["surplus"]
        assert len(accepted) == 12 + surplus[name]
        n_counted = sum(row["requested"] for row in summary["rounds"])
        assert len(read_all(run.path / "records" / "candidates.jsonl")) == n_counted + surplus[name]
    # two calls of five bring four more than the first six, so that one more call is enough for the other six
    assert surplus == {"direct": 0, "vs_standard": 3}


def test_what_came_beyond_a_round_is_kept_for_the_next_and_told_after_the_last(capsys):
    stock = Stock(4)
    assert (stock.count_wanted(), stock.take([*"abcdef"]), stock.list_used()) == (4, 4, [*"abcd"])
    assert (stock.count_wanted(), stock.take([*"ghijkl"]), stock.list_used()) == (2, 4, [*"abcdefgh"])
    assert (stock.count_wanted(), stock.take([]), stock.list_used()) == (0, 4, [*"abcdefghijkl"])
    assert stock.count_wanted() == 4 and stock.summarise() == {"short": [], "surplus": 0}
    assert not capsys.readouterr().out
    stock.take([*"mnopq"])
    assert stock.summarise()["surplus"] == 1
    assert "1 accepted candidate came beyond the budget of 16 with the last call" in capsys.readouterr().out


def test_a_method_that_reads_no_seeds_chooses_none(asked):
    for run in asked[2].values():
        assert [row["selected"] for row in run.read_state().summary["rounds"]] == [0, 0]
        assert not (run.path / "records" / "selections.jsonl").exists()
        assert not (run.path / "records" / "selected.jsonl").exists()


def test_every_arm_is_tested_on_the_other_set_too_and_not_trained_near_it(asked):
    home, experiment, arms = asked
    tests = read_results(home, experiment).tests
    assert set(tests["split"]) == {"test", "other"}
    assert (tests[tests["split"] == "other"]["n_test"] == 5).all()
    (asked_set,) = arms["direct"].config["asked_sets"]
    assert asked_set["seed_set"] in arms["direct"].config["benchmarks"]
    parts = [pd.read_parquet(path) for path in (arms["direct"].path / "records" / "predictions").glob("*.parquet")]
    assert pd.concat(parts).groupby("student")["problem_id"].nunique().min() >= 5


def test_wrong_solutions_are_rows_of_the_label_minus_one(wrong):
    rows = read_rows(wrong["vs_cot"], 2)
    positive, negative = ([row for row in rows if row["label"] == label] for label in (1, -1))
    assert len(positive) == len(negative) == 12  # although one call brings five
    assert [row["origin_id"] for row in negative] == list_accepted(wrong["vs_cot"])[:12]
    assert {row["question"] for row in negative} <= {row["question"] for row in positive}
    verdicts = read_all(wrong["vs_cot"].path / "records" / "verdicts.jsonl")
    truly = {row["candidate_id"] for row in verdicts if row["filter"] == "wrong" and row["is_accepted"]}
    assert {row["origin_id"] for row in negative} <= truly
    summary = wrong["vs_cot"].read_state().summary
    assert 0 < summary["wrong_rate"] <= 1 and 0 < summary["wrong_coverage"] <= 1


def test_the_arm_without_wrong_ones_has_the_same_right_ones(wrong):
    alone = read_rows(wrong["none"], 2)
    beside = [row for row in read_rows(wrong["vs_cot"], 2) if row["label"] == 1]
    assert {row["row_id"] for row in alone} == {row["row_id"] for row in beside} and len(alone) == 12
    assert not (wrong["none"].path / "records" / "calls.jsonl").exists()


@pytest.mark.parametrize(
    ("recipe", "settings", "sentence"),
    [
        ("verbalized", {"method": "rewrite"}, "take one of: direct, cot"),
        ("verbalized", {"method": "direct", "tail": 0.1}, "states no probabilities"),
        ("verbalized", {"per_call": 0}, "1 to 50 instances"),
        ("verbalized", {"accepted": 0}, "accepted must be at least 1"),
        ("incorrect", {"form": "rewrite"}, "take one of: none, direct"),
        ("incorrect", {"rounds": 0}, "rounds must be at least 1"),
    ],
)
def test_what_cannot_be_is_one_sentence(asked, recipe, settings, sentence):
    home, _, arms = asked
    with pytest.raises(SeedbedError, match=sentence):
        make_recipe(recipe, settings).make_config(home, arms["direct"].config["seed_set"], "tiny", 0)


def test_a_test_set_called_as_a_split_is_refused_and_seeds_that_are_asked_are_left_out(few_files, tmp_path, capsys):
    lines = few_files["train"].read_text(encoding="utf-8").splitlines()
    for name in ("test", "other"):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines[:5]) + "\n", encoding="utf-8")
    start = f'seed_set = "{few_files["train"]}"\ntest = "{few_files["test"]}"\n'
    arms = '[common]\naccepted = 90\nrounds = 1\nepochs = 1\n[[arm]]\nrecipe = "baseline"\n'
    file = tmp_path / "near.toml"
    file.write_text(f'{start}benchmarks = ["test.jsonl"]\n{arms}', encoding="utf-8")
    assert main(["experiment", str(file), "--home", str(tmp_path / "home")]) == 1
    assert "Two test sets would be called 'test'" in capsys.readouterr().err
    file.write_text(f'{start}benchmarks = ["other.jsonl"]\n{arms}', encoding="utf-8")
    assert main(["experiment", str(file), "--home", str(tmp_path / "home")]) == 0
    assert "5 of " in capsys.readouterr().out
    (run,) = (tmp_path / "home" / "runs").glob("*-baseline-*")
    trained = {row["question"] for row in read_all(run / "records" / "training_rows.jsonl")}
    asked = {json.loads(line)["question"] for line in lines[:5]}
    assert trained and not trained & asked


def test_ones_own_seed_set_is_no_other_test_set(few_files, tmp_path, capsys):
    file = tmp_path / "own.toml"
    file.write_text('seed_set = "word_problems"\nbenchmarks = ["word_problems/test"]\n[[arm]]\n')
    assert main(["experiment", str(file), "--home", str(tmp_path / "home")]) == 1
    assert "is the experiment's own seed set" in capsys.readouterr().err
