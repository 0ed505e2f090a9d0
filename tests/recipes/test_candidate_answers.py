"""A student is asked for candidates afterwards: its answers, and their shift against the seeds, stand beside them."""

import pytest

from core.errors import RunError
from core.recipes.candidate_answers import estimate_asking, start_asking
from core.recipes.kinds import execute
from core.runs.folder import RunFolder
from core.store.queue_filter import QueueFilter
from tests.pages import home
from tests.pages.conftest import filled  # noqa: F401


def carry_out(hub, run_id):
    assert execute(RunFolder(hub.settings.home / "runs" / run_id)) == "done"
    hub.step()


def test_every_candidate_of_several_runs_has_an_answer_a_judgement_and_a_shift(filled):  # noqa: F811
    before = filled.store.read_records([(home.GENERATE, "candidate_000")])[home.GENERATE, "candidate_000"]
    assert before["student"] is None
    assert estimate_asking(filled, "tiny", filled.store.list_answerable(QueueFilter(run=home.GENERATE))) is None
    edited = "Mia buys 2 boxes of chalk for $4 and a sponge for $3. How much does she pay in all?"
    filled.add_review(home.GENERATE, "candidate_000", "edit", question=edited, answer="4 + 3 = 7\n#### 7", final="7")
    filled.add_review(home.GENERATE, "candidate_001", "trash")
    other = home.add_second_generate(filled.settings.home)
    filled.step()
    run_id = start_asking(filled, QueueFilter(run=f"{home.GENERATE},{other}"), student="tiny", label="tiny, base")
    carry_out(filled, run_id)
    summary = filled.store.read_run(run_id)["summary"]
    assert (summary["n"], summary["n_seeds"]) == (8 + 9, 9)
    assert filled.store.list_queue_texts(QueueFilter(run=other))["shift"].notna().all()
    rows = filled.store.list_queue_texts(QueueFilter(run=home.GENERATE, order="hardest"))
    assert rows["loss"].notna().all() and rows["shift"].notna().all() and rows["is_correct"].notna().all()
    assert rows["loss"].is_monotonic_decreasing and len(rows) == 8
    for answer, sign in (("harder", 1), ("easier", -1)):
        found = filled.store.list_queue_texts(QueueFilter(run=home.GENERATE, answer=answer))
        assert set(found["candidate_id"]) == set(rows.loc[sign * rows["shift"] > 0, "candidate_id"])
    record = filled.store.read_records([(home.GENERATE, "candidate_000")])[home.GENERATE, "candidate_000"]
    assert record["student"] == "tiny, base" and record["is_correct"] == (record["student_final"] == "7")
    assert record["shift"] == pytest.approx(record["loss"] - record["seed_loss"])
    assert filled.store.list_prediction_sets(home.SEED_SET)["run_id"].tolist().count(run_id) == 0, "no pool of Select"


def test_without_candidates_that_passed_nothing_is_queued(filled):  # noqa: F811
    with pytest.raises(RunError, match="no candidate of these has passed the filters"):
        start_asking(filled, QueueFilter(run=home.SCORE), student="tiny")


def test_only_what_is_in_view_is_asked_for(filled):  # noqa: F811
    filled.add_review(home.GENERATE, "candidate_000", "accept")
    run_id = start_asking(filled, QueueFilter(run=home.GENERATE, review="kept"), student="tiny")
    asked = RunFolder(filled.settings.home / "runs" / run_id).read_input("candidates")
    assert asked["candidate_id"].tolist() == ["candidate_000"]
    everything = filled.store.list_answerable(QueueFilter(run=home.GENERATE, status="", review="any"))
    assert len(everything) == 9, "neither what a filter rejected nor what failed"
