"""What the pages start, stage by stage, through a real hub and real processes; then the database from nothing."""

import numpy as np
import pandas as pd
import pytest

from core.datasets import load_problems
from core.errors import SeedbedError, SelectionError
from core.hub import Hub, rebuild
from core.lines import read_all
from core.recipes import generating, selecting, start
from core.recipes.clone import CHANGEABLE, start_clone
from core.recipes.kinds import KINDS, execute
from core.recipes.trained import find_trained_run, is_of_policy
from core.recipes.training_choice import Choice
from core.recipes.training_sets import build_rows
from core.runs.folder import RunFolder
from core.settings import DEMO, Settings
from core.store.queue_filter import QueueFilter
from core.tasks import TASKS

SIGNALS_HERE = ("loss_truth", "gradient", "solve_rate", "grade")


def carry_out(hub: Hub, run_id: str) -> dict:
    """Do what the queue would have a process do; ``tests/runs`` and ``tests/browser`` have those processes."""
    assert execute(RunFolder(hub.settings.home / "runs" / run_id)) == "done", hub.store.read_run(run_id)["error"]
    hub.step()
    return hub.store.read_run(run_id)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def hub(home):
    hub = Hub(Settings(home=home), is_threaded=False)
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def seed_set(hub, seed_files):
    run_id = start.start_import(hub, "small", files=seed_files)
    carry_out(hub, run_id)
    return run_id


@pytest.fixture(scope="module")
def prediction(hub, seed_set):
    run_id = selecting.start_score(hub, seed_set, signals=SIGNALS_HERE)
    carry_out(hub, run_id)
    return run_id


@pytest.fixture(scope="module")
def selection(hub, seed_set, prediction):
    _, pool = selecting.read_pool(hub, seed_set, prediction)
    return selecting.record_seeds(
        hub, seed_set, pool, selector="loss_low", k=10, prediction_run=prediction, student="base"
    )


@pytest.fixture(scope="module")
def generated(hub, selection):
    run_id = generating.start_generate(hub, selection, n_accepted=10)
    carry_out(hub, run_id)
    return run_id


@pytest.fixture(scope="module")
def finetuned(hub, seed_set, generated):
    first, second, *_ = hub.store.list_queue(QueueFilter(run=generated))["candidate_id"]
    hub.add_review(generated, first, "reject")
    text = hub.store.read_candidate(generated, second)
    hub.add_review(generated, second, "edit", question=text["question"] + " Think twice.", answer=text["answer"])
    choice = Choice(candidates=(generated,))
    problems = load_problems(hub.settings.home, seed_set)
    rows = build_rows(hub.store, choice, TASKS.get("word_problems"), problems, seed_set=seed_set).rows
    config = start.make_finetune_config(
        "tiny", "word_problems", rows, seed_set=seed_set, training={"epochs": 2}, generate_runs=[generated]
    )
    run_id = start.start_training(hub, rows, config)
    carry_out(hub, run_id)
    return run_id


def test_the_import_counts_every_row(hub, seed_set):
    row = hub.store.read_seed_set(seed_set)
    assert (row["n_in"], row["n_kept"], row["n_rejected"]) == (100, 100, 0)
    assert row["task"] == "word_problems"
    assert "train" in row["origin"] and row["origin"].endswith(".jsonl")  # the names of the files that were given


def test_every_seed_is_predicted_and_scored(hub, seed_set, prediction):
    pool = hub.store.read_pool(seed_set, prediction)
    assert len(pool) == 60
    assert pool["loss"].notna().all() and (pool["loss"] > 0).all()
    assert pool["is_correct"].notna().all()


def test_a_score_run_brings_every_signal_that_was_asked_for(hub, seed_set, prediction):
    frame, pool = selecting.read_pool(hub, seed_set, prediction)
    assert set(pool.signals) == {"loss", "correct", "loss_truth", "solve_rate", "grade"}
    assert all(np.isfinite(values).all() for values in pool.signals.values())
    assert pool.vectors["gradient"].shape == (60, 4096) and np.isfinite(pool.vectors["gradient"]).all()
    lengths = np.linalg.norm(pool.vectors["gradient"], axis=1)
    np.testing.assert_allclose(frame["gradient"], lengths, rtol=1e-4)
    assert (frame["solve_rate_low"] <= frame["solve_rate"]).all()
    for selector in ("loss_truth_high", "badge", "solve_rate", "evokd"):
        assert len(set(selecting.choose_seeds(pool, selector, 7).indices.tolist())) == 7
    answer = hub.store.read_answer(prediction, "base", frame["problem_id"][0])
    assert answer["surprises"][-1][0] == len(answer["text"]) and "Final Verdict" in answer["texts"]["grade_reply"]
    assert hub.store.list_faults().empty


def test_what_a_run_took_is_the_estimate_of_the_next(hub, prediction):
    settings = {"reward": "tiny-reward", "teacher": "built-in", "n_samples": 16}
    stages = ["answers", "loss", "loss_truth", "grade", "judge"]
    seconds, unknown = selecting.estimate_seconds(hub, "tiny", stages, 120, settings)
    run = hub.store.read_run(prediction)
    summary = run["summary"]
    assert summary["computed"]["answers"] == summary["computed"]["loss_truth"] == 60
    measured = sum(summary["seconds"][stage] for stage in ("answers", "loss_truth", "grade"))
    loading = run["ended_at"] - run["started_at"] - sum(summary["seconds"].values())
    assert loading > 0 and seconds == pytest.approx(loading + 2 * measured, rel=0.02) and unknown == ["judge"]
    other = {**settings, "teacher": {"base_url": "http://x/v1", "model": "m", "key_env": ""}}
    assert selecting.estimate_seconds(hub, "tiny", ["grade"], 120, other) == (None, ["grade"])
    assert selecting.estimate_seconds(hub, "another", ["answers"], 10, settings) == (None, ["answers"])


def test_earlier_choices_can_be_laid_over_later_ones(hub, prediction, selection, seed_set):
    frame, _ = selecting.read_pool(hub, seed_set, prediction)
    then = selecting.read_earlier(hub, selection, 1, "loss")
    assert sorted(then) == pytest.approx(sorted(frame["loss"])[:10])
    assert len(selecting.read_earlier(hub, selection, 1, "solve_rate")) == 10
    assert np.isnan(selecting.read_earlier(hub, selection, 1, "reward")).all()


def test_the_selection_takes_the_lowest_losses(hub, seed_set, prediction, selection):
    pool = hub.store.read_pool(seed_set, prediction)
    chosen = hub.store.list_selected(selection).sort_values("rank")["problem_id"].tolist()[:10]
    assert set(chosen) == set(pool.nsmallest(10, "loss")["problem_id"])


def test_a_signal_that_failed_is_told_and_no_selector_draws_lots_by_it(hub, seed_set):
    run_id = selecting.start_score(hub, seed_set, signals=["reward", "loss_truth"], reward=str(DEMO / "tiny"))
    sentence = carry_out(hub, run_id)["summary"]["failed"]["reward"]
    frame, pool = selecting.read_pool(hub, seed_set, run_id)
    assert frame["reward"].isna().all() and set(pool.signals) == {"loss", "correct", "loss_truth"}
    assert hub.store.read_answer(run_id, "base", frame["problem_id"][0])["notes"]["reward"] == sentence
    with pytest.raises(SelectionError, match="needs the signal reward"):
        selecting.choose_seeds(pool, "reward_low", 5)


def test_what_is_kept_is_what_was_shown(hub, seed_set, prediction):
    _, pool = selecting.read_pool(hub, seed_set, prediction)
    shown = selecting.choose_seeds(pool, "loss_high", 7, 3, "softmax").indices
    kept = selecting.record_seeds(hub, seed_set, pool, selector="loss_high", k=7, pick="softmax", replicate=3)
    chosen = hub.store.list_selected(kept).sort_values("rank")["problem_id"].tolist()
    assert chosen[:7] == pool.problem_ids[shown].tolist()


def test_more_than_the_pool_holds_is_refused(hub, seed_set, prediction):
    _, pool = selecting.read_pool(hub, seed_set, prediction)
    with pytest.raises(SelectionError, match="60 problems to choose from, fewer than the 61"):
        selecting.choose_seeds(pool, "random", 61)
    with pytest.raises(SelectionError, match="60 problems to choose from, fewer than the 61"):
        selecting.record_seeds(hub, seed_set, pool, selector="random", k=61)


def test_a_preview_asks_for_no_more_than_it_shows(hub, selection):
    run_id = generating.start_generate(hub, selection, n_accepted=generating.N_PREVIEW, is_preview=True)
    summary = carry_out(hub, run_id)["summary"]
    assert summary["requested"] == generating.N_PREVIEW
    assert len(hub.store.list_candidates(run_id)) == generating.N_PREVIEW


def test_the_turn_rises_whatever_is_trashed(hub, seed_set, selection):
    preview = generating.start_generate(hub, selection, n_accepted=1, is_preview=True)
    carry_out(hub, preview)
    full = generating.start_generate(hub, selection, n_accepted=2)
    carry_out(hub, full)
    hub.trash(preview)
    later = generating.find_turn(hub, seed_set)
    assert later == hub.store.read_run(full)["config"]["turn"] + 1


def test_every_kind_of_run_says_what_a_copy_may_change():
    assert set(CHANGEABLE) == set(KINDS)


def test_progress_carries_when_its_stage_began_and_with_what(hub, home, prediction):
    stages = [line for line in read_all(home / "runs" / prediction / "records" / "progress.jsonl")]
    first = [line for line in stages if line["stage"] == "solve_rate"]
    assert len({(line["began_at"], line["began_made"]) for line in first}) == 1 and first[0]["began_made"] == 0
    assert first[-1]["made"] == first[-1]["total"] == 60
    assert hub.store.read_run(prediction)["began_at"] is not None


def test_a_student_folder_is_kept_by_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert start.fix_model("./mine") == str(tmp_path / "mine")
    assert start.fix_model("tiny") == "tiny" and start.fix_model("owner/model") == "owner/model"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("policy", "accepted by hand", "cannot change 'policy'; it can change: n_accepted, filters"),
        ("n_accepted", 0, "at least 1, not 0"),
        ("filters", ["rouge"], "rouge_l"),
    ],
)
def test_a_copy_changes_only_what_its_worker_reads(hub, generated, name, value, sentence):
    with pytest.raises(SeedbedError, match=sentence):
        start_clone(hub, generated, name, value)


def test_a_copy_may_ask_for_more(hub, generated):
    run_id = start_clone(hub, generated, "n_accepted", 12)
    assert carry_out(hub, run_id)["summary"]["accepted"] == 12


def test_generated_candidates_are_counted_by_what_became_of_them(hub, generated):
    summary = hub.store.read_run(generated)["summary"]
    counts = hub.store.count_candidates(generated)
    assert summary["accepted"] == counts["accepted"] == 10
    assert counts["made"] == summary["requested"] == summary["failed"] + summary["rejected"] + summary["accepted"]


def test_the_finetune_trains_on_what_was_not_rejected_and_on_the_edit(hub, home, generated, finetuned):
    rows = pd.read_parquet(home / "runs" / finetuned / "input" / "rows.parquet")
    assert len(rows) == 9
    assert rows["question"].str.endswith("Think twice.").sum() == 1
    run = hub.store.read_run(finetuned)
    assert run["summary"]["n_rows"] == 9
    losses = hub.store.read_metrics(finetuned, ["loss"])
    assert losses["step"].tolist() == sorted(set(losses["step"]))
    assert set(hub.store.list_evaluations(finetuned)["round"]) == {0, 1}
    adapter = home / hub.store.list_adapters().iloc[-1]["path"]
    assert (adapter / "adapter_model.safetensors").exists()


def test_the_next_round_scores_with_the_finetuned_student(hub, seed_set, finetuned):
    adapter = hub.store.list_adapters().iloc[-1]["path"]
    run_id = selecting.start_score(hub, seed_set, adapter=adapter, label="round-1")
    assert carry_out(hub, run_id)["summary"]["n"] == 60


def test_the_next_round_trains_on_what_the_earlier_ones_brought_too(
    hub, seed_set, generated, finetuned, tmp_path_factory
):
    prediction = hub.store.list_runs(["score"], limit=1).iloc[0]["run_id"]
    _, pool = selecting.read_pool(hub, seed_set, prediction, "round-1")
    selection = selecting.record_seeds(
        hub, seed_set, pool, selector="loss_high", k=2, prediction_run=prediction, student="round-1"
    )
    later = generating.start_generate(hub, selection, n_accepted=2)
    carry_out(hub, later)
    assert start.list_lineage(hub, later) == [later, generated]
    assert start.list_lineage(hub, generated) == [generated]
    away = tmp_path_factory.mktemp("elsewhere")
    assert find_trained_run("runs/a/checkpoints/round-1/adapter") == "a"
    assert find_trained_run(str(away)) is None
    assert is_of_policy("runs/a/checkpoints/round-1/sft/adapter") and not is_of_policy("/sft/runs/a/round-1/adapter")


def dump_tables(hub: Hub) -> dict[str, pd.DataFrame]:
    """Return every table, its rows in one fixed order."""
    cursor = hub.store.cursor()
    names = [name for (name,) in cursor.execute("select table_name from duckdb_tables()").fetchall()]
    return {name: cursor.execute(f'select * from "{name}" order by all').df() for name in names}


def test_the_database_made_again_is_equal_table_by_table(hub, home, finetuned):
    hub.step()
    before = dump_tables(hub)
    hub.close()
    rebuild(home)
    again = Hub(Settings(home=home), is_threaded=False)
    after = dump_tables(again)
    again.close()
    assert set(before) == set(after) and len(before) > 15
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, after[name], obj=name)
