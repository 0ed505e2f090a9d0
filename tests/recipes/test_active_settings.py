"""What a loop may be told besides its selector: static choosing, no repeats, a budget in tokens, a pause for review."""

import json

import pytest

from core.__main__ import main
from core.hub import Hub
from core.lines import read_all
from core.recipes.reviewed import apply_reviews
from core.recipes.start import make_loop_config
from core.records import Candidate, Review
from core.runs.calls import write_call
from core.runs.folder import RunFolder
from core.settings import Settings
from core.store.journal import Journal, read_reviews


@pytest.fixture
def loop(few_files, tmp_path, capsys):
    """Run ``loop`` with further options; returns its folder and what was printed."""

    def run(*more, k=6, rounds=3):
        given = ("--seeds", few_files["train"], "--validation", few_files["validation"], "--test", few_files["test"])
        sizes = ("--select", k, "--rounds", rounds, "--epochs", 1)
        assert main(["loop", *map(str, (*given, *sizes, *more)), "--home", str(tmp_path)]) == 0
        (path,) = (tmp_path / "runs").glob("*-loop-*")
        return RunFolder(path), capsys.readouterr().out

    return run


def list_chosen(folder, number, k=6):
    rows = [row for row in read_all(folder.path / "records" / "selected.jsonl") if row["round"] == number]
    return [row["problem_id"] for row in rows][:k]


def count_tokens(folder):
    calls = read_all(folder.path / "records" / "calls.jsonl")
    return sum(call["n_input_tokens"] + call["n_output_tokens"] for call in calls if call.get("finish_reason"))


def test_a_static_loop_takes_the_first_students_order_in_lots(loop):
    folder, _ = loop("--static", "--selector", "loss_high", k=4)
    losses = {}
    import pandas as pd

    for part in (folder.path / "records" / "predictions").glob("*.parquet"):
        rows = pd.read_parquet(part)
        losses |= (
            rows[(rows["student"] == "base") & (rows["split"] == "train")].set_index("problem_id")["loss"].to_dict()
        )
    chosen = [id_ for number in (1, 2, 3) for id_ in list_chosen(folder, number, 4)]
    ranked = sorted(losses, key=losses.get, reverse=True)
    taken = [losses[id_] for id_ in chosen]
    assert taken == sorted(taken, reverse=True)
    assert set(chosen) <= set(ranked[: len(chosen) + 8])  # a rejected one's place is taken by the next, never twice
    assert len(set(chosen)) == 12
    students = {row["student"] for row in read_all(folder.path / "records" / "selections.jsonl")}
    assert students == {"base"}


def test_without_repeats_no_problem_is_chosen_twice_and_the_end_of_the_seeds_is_told(loop, few_files):
    n = len(few_files["train"].read_text(encoding="utf-8").splitlines())
    folder, told = loop("--no-repeats", "--selector", "loss_high", k=n // 2, rounds=4)
    chosen = [id_ for number in (1, 2) for id_ in list_chosen(folder, number, n // 2)]
    assert len(chosen) == len(set(chosen))
    summary = folder.read_state().summary
    assert len(summary["rounds"]) < 4
    assert "no seed was left" in summary["stopped"] and summary["stopped"] in told


def test_a_loop_as_usual_may_choose_again(loop, few_files):
    n = len(few_files["train"].read_text(encoding="utf-8").splitlines())
    folder, _ = loop("--selector", "loss_high", k=n // 2 + 1, rounds=2)
    first, second = (set(list_chosen(folder, number, n // 2 + 1)) for number in (1, 2))
    assert first & second
    assert folder.config == make_loop_config(
        folder.path.parent.parent,
        folder.config["seed_set"],
        selector="loss_high",
        k=n // 2 + 1,
        rounds=2,
        training={"epochs": 1},
    )


def test_a_budget_in_tokens_ends_the_loop_with_what_it_has(loop, tmp_path):
    folder, told = loop("--budget-tokens", 12_000, "--selector", "random")
    summary = folder.read_state().summary
    assert (1 <= len(summary["rounds"]) <= 3 and summary["rounds"][-1]["accepted"] < 6) or len(summary["rounds"]) < 3
    assert "budget" in summary["stopped"] and summary["stopped"] in told
    assert count_tokens(folder) <= 12_000


def test_a_budget_in_which_nothing_fits_is_one_sentence(few_files, tmp_path, capsys):
    arguments = ["loop", "--seeds", str(few_files["train"]), "--budget-tokens", "20", "--home", str(tmp_path)]
    assert main(arguments) == 1
    assert "brought nothing to train on" in capsys.readouterr().err


def test_a_loop_waits_for_review_and_trains_on_the_verdicts(loop, tmp_path):
    folder, told = loop("--review", rounds=2)
    summary = folder.read_state().summary
    assert summary["waits_after_round"] == 1 and len(summary["rounds"]) == 1
    assert f"go on: {write_call(['run', str(folder.path), '--again'])}" in told
    candidates = read_all(folder.path / "records" / "candidates.jsonl")
    rejected = {
        row["candidate_id"] for row in read_all(folder.path / "records" / "verdicts.jsonl") if not row["is_accepted"]
    }
    good = [row["candidate_id"] for row in candidates if row["failure"] is None and row["candidate_id"] not in rejected]
    journal = Journal(tmp_path)
    for id_ in good[:2]:
        journal.add_reviews([Review(folder.run_id, id_, "reject")])
    edited = {"question": "Ada has 2 nuts and finds 3 more. How many nuts has she?", "answer": "2+3=<<2+3=5>>5\n#### 5"}
    journal.add_reviews([Review(folder.run_id, good[2], "edit", **edited, final="5")])
    assert main(["run", str(folder.path), "--again"]) == 0
    rows = read_all(folder.path / "records" / "training_rows.jsonl")
    second = {row["origin_id"]: row for row in rows if row["round"] == 2}
    assert not set(good[:2]) & set(second) and set(good[2:]) <= set(second)
    assert len(second) == len(good) - 2 + 6
    summary = folder.read_state().summary
    assert len(summary["rounds"]) == 2 and "waits_after_round" not in summary and summary["stopped"] is None
    calls = read_all(folder.path / "records" / "calls.jsonl")
    first_again = {row["call_id"] for row in calls if row["attempt"] == 1}
    assert all(row["is_cached"] for row in calls if row["attempt"] == 2 and row["call_id"] in first_again)


def test_reviews_are_read_from_the_journal_as_the_database_reads_them(tmp_path):
    settings = Settings(home=tmp_path, device_slots=0, teacher_slots=0, light_slots=0)
    journal = Journal(tmp_path)
    journal.add_reviews([Review("run", "a", "accept")])
    journal.add_reviews([Review("run", "a", "reject")])
    journal.add_reviews([Review("run", "b", "edit", question="Q", answer=None, final=None)])
    (undone,) = journal.add_reviews([Review("run", "b", "edit", question=None, answer="A", final="1")])
    journal.add_reviews([Review("run", "b", "accept")])
    journal.undo_reviews([{"run_id": "run", "candidate_id": "b", "review_id": undone}])
    journal.add_reviews([Review("run", "c", "skip")])
    journal.add_reviews([Review("run", "d", "edit", question=None, answer="new", final=None)])
    journal.add_reviews([Review("other", "a", "accept")])
    hub = Hub(settings, is_threaded=False)
    hub.step()
    rows = hub.store._frame("select * from latest_reviews where run_id = 'run' order by candidate_id")
    hub.close()
    expected = {}
    for row in rows.astype(object).where(rows.notna(), None).to_dict("records"):
        if row["review"] is None:
            continue
        review = {"action": row["review"]}
        review |= {name: row[f"edited_{name}"] for name in ("question", "answer") if row[f"edited_{name}"] is not None}
        review |= {"final": row["edited_final"]} if row["has_edited_final"] else {}
        expected[row["candidate_id"]] = review
    assert read_reviews(tmp_path, "run") == expected
    assert json.dumps(expected)


def test_reviews_are_applied_and_counted():
    names = ("a", "b", "c")
    rows = [Candidate(name, (), "q", "a", "1", None, "rewrite", "built-in", None, None, 1, 1) for name in names]
    reviews = {"a": {"action": "reject"}, "b": {"action": "accept", "answer": "new", "final": None}}
    kept, said = apply_reviews(rows, reviews)
    assert [(row.candidate_id, row.answer, row.final) for row in kept] == [("b", "new", None), ("c", "a", "1")]
    assert said == "2 of 3 candidates reviewed: 1 rejected, 1 edited, 2 to train on"


def test_a_teacher_that_goes_away_ends_the_loop_with_the_rounds_that_it_brought(few_files, tmp_path, monkeypatch):
    from core.recipes import active

    grow = active.grow_round

    def stop(loop, number, seeds):
        outcome = grow(loop, number, seeds)
        if number == 2:
            outcome.candidates.clear()
            outcome.stopped = "The server is gone."
        return outcome

    monkeypatch.setattr(active, "grow_round", stop)
    given = ("--seeds", few_files["train"], "--validation", few_files["validation"], "--test", few_files["test"])
    more = ("--select", 5, "--rounds", 3, "--epochs", 1, "--home", tmp_path)
    assert main(["loop", *map(str, (*given, *more))]) == 0
    (path,) = (tmp_path / "runs").glob("*-loop-*")
    summary = RunFolder(path).read_state().summary
    assert len(summary["rounds"]) == 1 and summary["stopped"] == "In round 2: The server is gone."
