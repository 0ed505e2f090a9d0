import json
import math

import pandas as pd
import pytest

from core.runs.folder import RunFolder
from core.store.queue_filter import QueueFilter
from tests.runs.world import make_candidates, make_seed_set, open_test_hub


@pytest.fixture
def home(tmp_path):
    make_seed_set(tmp_path)
    make_candidates(tmp_path)
    return tmp_path


@pytest.fixture
def hub(home):
    opened = open_test_hub(home, device_slots=0, teacher_slots=0, light_slots=0)
    opened.step()
    yield opened
    opened.close()


def finish(hub, run_id, kind, config, records, lane="light"):
    """Make a run that is done, with records of several tables."""
    home = hub.settings.home
    folder = RunFolder.create(home, kind, title=run_id, config=config, lane=lane, run_id=run_id)
    with folder.hold():
        for table, rows in records.items():
            for row in rows:
                folder.append(table, row)
        folder.finish("done", {"answer": 42})
    hub.step()


def predict(hub, run_id="predicted"):
    rows = [
        {"student": "base", "problem_id": "p0", "split": "train", "text": "so 0", "final": "0", "is_correct": True,
         "loss": 0.5, "n_tokens": 3, "is_truncated": False},
        {"student": "base", "problem_id": "p1", "split": "train", "text": "so 9", "final": "9", "is_correct": False,
         "loss": 1.5, "n_tokens": 3, "is_truncated": True},
        {"student": "base", "problem_id": "p2", "split": "train", "text": "", "final": None, "is_correct": None,
         "loss": None, "n_tokens": 0, "is_truncated": False},
        {"student": "base", "problem_id": "p6", "split": "test", "text": "6", "final": "6", "is_correct": True,
         "loss": 9.0, "n_tokens": 1, "is_truncated": False},
    ]  # fmt: skip
    rows[0]["surprises"] = "[[2, 0.25], [4, 1.5]]"
    scores = [
        {"student": "base", "problem_id": "p0", "signal": "reward", "value": -1.5, "note": None},
        {"student": "base", "problem_id": "p1", "signal": "reward", "value": None, "note": "too long"},
        {"student": "base", "problem_id": "p0", "signal": "judge", "value": 2.0, "note": None},
        {"student": "round-1", "problem_id": "p0", "signal": "reward", "value": 9.0, "note": None},
    ]
    texts = [{"student": "base", "problem_id": "p0", "name": "judge_reply_1", "text": "Score of the Assistant 1: 8"}]
    tables = {"predictions": rows, "scores": scores, "score_texts": texts}
    finish(hub, run_id, "score", {"seed_set": "seeds", "student": "tiny"}, tables)


def test_runs_come_newest_first_with_their_latest_progress(hub):
    progress = [
        {"stage": "read", "made": 5, "failed": 0, "total": 5, "written_at": 1.0},
        {"stage": "train", "made": 2, "failed": 1, "total": None, "written_at": 2.0},
    ]
    finish(hub, "latest", "loop", {"seed_set": "seeds", "student": "tiny", "is_preview": True}, {"progress": progress})
    runs = hub.store.list_runs()
    assert list(runs["run_id"]) == ["latest", "grown", "seeds"]
    first = runs.iloc[0]
    assert (first.stage, first.made, first.failed) == ("train", 2, 1)
    assert pd.isna(first.total) and pd.isna(first.began_at)
    assert (first.seed_set_id, first.student_name, first.is_preview) == ("seeds", "tiny", True)
    assert list(hub.store.list_runs(["import"])["run_id"]) == ["seeds"]
    assert list(hub.store.list_runs(states=["done"], limit=1)["run_id"]) == ["latest"]
    assert hub.store.list_runs(states=["queued", "running"]).empty
    run = hub.store.read_run("latest")
    assert run["config"]["student"] == "tiny" and run["summary"] == {"answer": 42} and run["total"] is None
    assert hub.store.read_run("none") is None


def test_seed_sets_and_problems(hub):
    (sets,) = hub.store.list_seed_sets().to_dict("records")
    assert (sets["run_id"], sets["state"], sets["n_train"], sets["n_test"], sets["n_ood"]) == ("seeds", "done", 6, 2, 0)
    assert hub.store.read_seed_set("seeds")["n_kept"] == 8
    assert hub.store.read_seed_set("grown") is None
    problems = hub.store.list_problems("seeds", "train", limit=2, offset=1)
    assert list(problems["problem_id"]) == ["p1", "p2"]
    assert json.loads(problems["meta"][0]) == {"n_steps": 1}
    assert list(hub.store.list_problems("seeds", search="question 3, 50%")["problem_id"]) == ["p3"]
    assert hub.store.list_problems("seeds", search="question_3").empty  # a sign in the text is no wildcard
    assert len(hub.store.list_problems("seeds", search="%", limit=None)) == 8
    assert list(hub.store.list_problems("seeds", problem_ids=["p7", "p2"])["problem_id"]) == ["p7", "p2"]
    counts = hub.store.count_problems("seeds")
    assert dict(zip(counts["split"], counts["n"], strict=True)) == {"train": 6, "test": 2}
    assert list(hub.store.count_problems("seeds", "question 3")["n"]) == [1]


def test_what_was_brought_in_whole_comes_after_the_seed_sets(hub):
    about = {"name": "w", "task": "custom", "n_in": 1, "n_kept": 1, "n_rejected": 0}
    for run_id, config in (("second", {"has_splits": True}), ("asked", {"has_splits": False})):
        finish(hub, run_id, "import", config, {"seed_sets": [about]})
    assert hub.store.list_seed_sets()["run_id"].tolist() == ["second", "seeds", "asked"]
    assert hub.store.list_rejected_rows("seeds")["reason"].tolist() == ["no question"]


def test_predictions_and_the_pool_keep_unknown_apart_from_wrong(hub):
    predict(hub)
    (found,) = hub.store.list_prediction_sets("seeds").to_dict("records")
    assert (found["n"], found["n_correct"], found["accuracy"], found["mean_loss"]) == (3, 1, 0.5, 1.0)
    assert (found["n_truncated"], found["student"], found["student_name"]) == (1, "base", "tiny")
    pool = hub.store.read_pool("seeds", "predicted")
    assert list(pool["problem_id"]) == [f"p{i}" for i in range(6)]
    assert pool["loss"].isna().tolist() == [False, False, True, True, True, True]
    assert pool["is_correct"].isna().tolist() == [False, False, True, True, True, True]
    assert pool["final_predicted"][1] == "9"
    assert hub.store.read_pool("seeds")["loss"].isna().all()
    assert hub.store.read_pool("seeds", "predicted", "round-1")["text"].isna().all()
    answers = hub.store.list_predictions("predicted", split="test")
    assert answers[["problem_id", "reference"]].values.tolist() == [["p6", "6"]]


def test_scores_have_a_column_each_and_unknown_stays_unknown(hub):
    predict(hub)
    scores = hub.store.read_scores("predicted")
    assert sorted(scores.columns) == ["judge", "reward"] and scores.index.name == "problem_id"
    assert scores.loc["p0"].to_dict() == {"judge": 2.0, "reward": -1.5}
    assert scores.loc["p1"].isna().all()
    assert hub.store.read_scores("predicted", "round-1")["reward"].tolist() == [9.0]
    assert hub.store.read_scores("never").empty


def test_one_answer_comes_with_surprises_notes_and_texts(hub):
    predict(hub)
    answer = hub.store.read_answer("predicted", "base", "p0")
    assert answer["text"] == "so 0" and answer["surprises"] == [[2, 0.25], [4, 1.5]]
    assert answer["texts"] == {"judge_reply_1": "Score of the Assistant 1: 8"} and answer["notes"] == {}
    assert hub.store.read_answer("predicted", "base", "p1")["notes"] == {"reward": "too long"}
    assert hub.store.read_answer("predicted", "base", "p1")["surprises"] is None
    assert hub.store.read_answer("predicted", "base", "p9") is None


def test_a_selection_shows_problems_and_the_answers_that_were_scored(hub):
    predict(hub)
    selection = {"round": 1, "seed_set_id": "seeds", "selector": "loss_high", "k": 1, "replicate": 0}
    chosen = [
        {"round": 1, "rank": 1, "problem_id": "p0", "priority": 0.5, "reason": "spare"},
        {"round": 1, "rank": 0, "problem_id": "p1", "priority": 1.5, "reason": "loss 1.5"},
    ]
    selection |= {"prediction_run_id": "predicted", "student": "base"}
    finish(hub, "chosen", "select", {"seed_set": "seeds"}, {"selections": [selection], "selected": chosen})
    rows = hub.store.list_selected("chosen")
    assert rows[["problem_id", "is_spare", "loss", "final_predicted"]].values.tolist() == [
        ["p1", False, 1.5, "9"],
        ["p0", True, 0.5, "0"],
    ]
    assert rows["question"][0] == "Question 1, 50% of it?"
    assert list(hub.store.list_selections("seeds")["run_id"]) == ["chosen"]
    assert hub.store.list_selections("other").empty
    assert len(hub.store.list_selections()) == 1
    assert list(hub.store.list_candidates(selection_run_id="chosen")["run_id"].unique()) == ["grown"]


def test_candidates_say_what_filters_and_people_said(hub):
    hub.add_review("grown", "c3", "edit", question="Edited 100%?")
    rows = hub.store.list_candidates("grown").set_index("candidate_id")
    assert list(rows["status"]) == ["failed", "rejected", "accepted", "accepted", "accepted", "accepted"]
    assert rows.loc["c0", "reason"] == "The reply held no question."
    assert rows.loc["c1", ["rejected_by", "rouge_l"]].tolist() == ["rouge_l", 0.91]
    assert rows.loc["c3", ["review", "current_question", "question"]].tolist() == ["edit", "Edited 100%?", "Q3?"]
    assert rows.loc["c3", ["parent_id", "parent_question"]].tolist() == ["p3", "Question 3, 50% of it?"]
    assert pd.isna(rows.loc["c2", "review"])
    assert list(hub.store.list_candidates("grown", status="rejected")["candidate_id"]) == ["c1"]
    assert list(hub.store.list_candidates(search="edited 100%")["candidate_id"]) == ["c3"]
    assert list(hub.store.list_candidates("grown", limit=2, offset=3)["candidate_id"]) == ["c3", "c4"]
    failures = hub.store.list_failures("grown")
    assert sorted(zip(failures["status"], failures["n"], strict=True)) == [("failed", 1), ("rejected", 1)]
    found = hub.store.read_candidate("grown", "c1")
    assert found["parents"] == ["p1"] and found["meta"] == {"n_steps": 1}
    assert found["verdicts"][0]["reason"].startswith("ROUGE-L 0.91")
    assert found["parent_problems"][0]["meta"] == {"n_steps": 1}
    assert hub.store.read_candidate("grown", "c9") is None


def test_parents_may_be_candidates_of_the_same_run_and_come_in_their_order(hub):
    about = {"round": 1, "meta": {}, "parents": ["p1"], "question": "Grown?", "answer": "#### 4", "final": "4"}
    rows = [{**about, "candidate_id": "z1", "position": 0}]
    rows += [{**about, "candidate_id": "z2", "position": 1, "parents": ["z1", "p2"], "question": "Grown of grown?"}]
    finish(hub, "search", "sparq", {"seed_set": "seeds"}, {"candidates": rows})
    finish(hub, "elsewhere", "sparq", {"seed_set": "seeds"}, {"candidates": rows[1:]})
    found = hub.store.read_candidate("search", "z2")
    assert [parent["problem_id"] for parent in found["parent_problems"]] == ["z1", "p2"]
    assert (found["parent_question"], found["parent_answer"], found["parent_final"]) == ("Grown?", "#### 4", "4")
    assert pd.isna(hub.store.list_candidates("elsewhere")["parent_question"]).all()


def test_two_runs_may_share_a_candidate_and_their_reviews_do_not_mix(hub):
    make_candidates(hub.settings.home, "again")
    hub.step()
    hub.add_review("again", "c2", "reject")
    assert hub.store.count_candidates("grown")["reviewed_reject"] == 0
    assert hub.store.count_candidates(["grown", "again"])["made"] == 12
    queue = hub.store.list_queue(QueueFilter(run="grown,again", review="waiting"))
    assert len(queue) == 7 and ("again", "c2") not in set(zip(queue["run_id"], queue["candidate_id"], strict=True))


def test_earlier_questions_leave_out_previews_and_other_seed_sets(hub):
    candidate = {"candidate_id": "x", "round": 1, "position": 0, "question": "Else?"}
    finish(hub, "preview", "generate", {"seed_set": "seeds", "is_preview": True}, {"candidates": [candidate]})
    finish(hub, "other", "generate", {"seed_set": "others"}, {"candidates": [candidate]})
    assert hub.store.list_earlier_questions("seeds") == [f"Q{i}?" for i in range(1, 6)]


def test_what_was_trained_and_whether_it_paid_off(hub):
    base = {"split": "test", "n": 10, "n_correct": 4, "accuracy": 0.4}
    after = {**base, "round": 1, "n_correct": 6, "accuracy": 0.6, "difference": 0.2, "difference_low": 0.05}
    records = {
        "evaluations": [{**base, "round": 0}, after],
        "adapters": [{"round": 1, "path": "runs/trained/adapter", "n_rows": 5, "written_at": 1.0}],
        "rounds": [{"round": 1, "accepted": 5, "test_accuracy": 0.6}],
        "training_rows": [{"round": 1, "position": 0, "candidate_run_id": "grown", "candidate_id": "c3"}],
        "checkpoints": [{"round": 1, "step": 5, "path": "checkpoints/5", "sha256": "ab"}],
    }
    config = {"seed_set": "seeds", "selector": "random", "k": 5, "replicate": 2}
    finish(hub, "trained", "loop", config, records)
    found = hub.store.list_evaluations("trained")
    assert list(found["accuracy"]) == [0.4, 0.6] and math.isnan(found["difference"][0])
    assert hub.store.list_rounds()[["selector", "k", "replicate", "accepted"]].values.tolist() == [["random", 5, 2, 5]]
    assert list(hub.store.list_adapters("seeds")["path"]) == ["runs/trained/adapter"]
    assert hub.store.list_adapters("others").empty


def candidate_row(name, index=0, parents=("p0",), failure=None, **more):
    text = None if failure else f"What is {name}?"
    return {
        "candidate_id": name, "round": 1, "position": 0, "parents": list(parents), "question": text, "answer": text,
        "final": None if failure else "1", "failure": failure, "method": "rewrite", "teacher": "t",
        "raw_question": None, "raw_answer": None, "n_input_tokens": 1, "n_output_tokens": 2, "sample_index": index,
        "meta": {}, "written_at": 1.0, **more,
    }  # fmt: skip


def test_a_call_from_a_fixed_prompt_may_have_a_number_of_more_than_32_bits(hub):
    row = candidate_row("far", 3_001_000_000_007, parents=())
    finish(hub, "seedless", "generate", {"seed_set": "seeds"}, {"candidates": [row]})
    assert hub.store.list_candidates("seedless")["sample_index"].tolist() == [3_001_000_000_007]
    assert hub.store.list_faults().empty


def test_what_only_an_earlier_attempt_asked_for_is_no_part_of_a_run_that_is_done(hub):
    home = hub.settings.home
    folder = RunFolder.create(home, "generate", title="t", config={"seed_set": "seeds"}, lane="light", run_id="again")
    with folder.hold():
        for name in ("kept", "stale", "judged"):
            folder.append("candidates", candidate_row(name))
        folder.finish("cancelled")
    hub.step()
    hub.add_review("again", "judged", "accept")
    assert hub.store.count_candidates("again")["made"] == 3
    folder = RunFolder(home / "runs" / "again")
    folder.order("again")
    with folder.hold():
        folder.append("candidates", candidate_row("kept"))
        hub.step()
        assert hub.store.count_candidates("again")["made"] == 3  # nothing vanishes while it works
        folder.finish("done", {})
    hub.step()
    assert set(hub.store.list_candidates("again")["candidate_id"]) == {"kept", "judged"}


def test_tokens_of_a_call_that_brought_several_candidates_are_one_number(hub):
    rows = [candidate_row("a", 1), candidate_row("b", 1), candidate_row("c", 2), candidate_row("d", 3)]
    rows[3]["n_output_tokens"] = None
    finish(hub, "calls", "generate", {"seed_set": "seeds"}, {"candidates": rows})
    assert sorted(hub.store.list_call_outputs(["calls"])) == [2, 4]
