"""Where the loop stands: what each step has made, what is next, which step a run works on."""

import time

import pytest

from core.hub import Hub
from core.runs.folder import RunFolder
from pages.components import numbers
from pages.components.running import describe_rest
from pages.components.stage_words import when_evaluated
from pages.components.standing import Step, read_standing, step_of_run
from pages.components.training_facts import _say_rest
from tests.pages import home
from tests.pages.conftest import open_home


def counts(hub: Hub) -> dict[str, str]:
    return {step.name: step.count.replace("\u00a0", " ") for step in read_standing(hub.store).steps}


def test_an_empty_home_starts_with_seeds(empty):
    standing = read_standing(empty.store)
    assert standing.next_step == "seeds" and standing.seed_set_id is None
    assert set(counts(empty).values()) == {"–"}


@pytest.mark.parametrize(
    ("made", "next_step"),
    [
        ([home.add_seed_set], "select"),
        ([home.add_seed_set, home.add_scores, home.add_selection], "generate"),
        ([home.add_seed_set, home.add_selection, home.add_candidates], "review"),
        ([home.add_seed_set, home.add_selection, home.add_candidates, home.add_finetune], "select"),
        ([home.add_seed_set, home.add_loop], "select"),
    ],
)
def test_the_next_step_follows_from_what_is_there(tmp_path, made, next_step):
    from core import hub as hubs

    for add in made:
        add(tmp_path)
    try:
        assert read_standing(open_home(tmp_path).store).next_step == next_step
    finally:
        hubs.close()


def test_after_the_first_review_training_is_next(tmp_path):
    from core import hub as hubs

    for add in (home.add_seed_set, home.add_selection, home.add_candidates):
        add(tmp_path)
    hub = open_home(tmp_path)
    try:
        hub.add_review(home.GENERATE, "candidate_000", "accept")
        assert read_standing(hub.store).next_step == "finetune"
        assert counts(hub)["review"] == "1 reviewed"
    finally:
        hubs.close()


def test_counts_of_a_filled_home(filled):
    assert counts(filled) == {
        "seeds": "60 seeds", "select": "12 chosen", "generate": "9 accepted, 18 in all",
        "review": "9 waiting, 18 in all",
        "finetune": "2 trained", "evaluate": f"60.0 % on test, loop of {made_at(filled, home.LOOP)}",
    }  # fmt: skip


def made_at(hub: Hub, run_id: str) -> str:
    return numbers.moment(hub.store.read_run(run_id)["created_at"])


def evaluate_step(hub: Hub) -> Step:
    return read_standing(hub.store).steps[-1]


def add_untested(hub: Hub) -> str:
    """A finetune that answered no test problem; returns its adapter."""
    config = {"student": "tiny", "training": {}, "generate_runs": [home.GENERATE]}
    folder = home.make_run(hub.settings.home, "20260102-000001-finetune-bbbb", "Another finetune", config, "device")
    with folder.hold():
        home.append_training(folder)
        folder.finish("done", {})
    hub.step()
    return f"runs/{folder.run_id}/checkpoints/adapter"


def add_evaluation(hub: Hub, adapter: str, accuracy: float, split: str = "test") -> str:
    config = {
        "student": "tiny", "adapter": adapter, "seed_set_name": f"pens/{split}", "benchmark": None, "splits": [split],
    }  # fmt: skip
    folder = RunFolder.create(
        hub.settings.home, "evaluate", title="Evaluate", config={"seed_set": home.SEED_SET, **config}, lane="device"
    )
    with folder.hold():
        folder.finish("done", {"n": 20, "students": {"tuned": {"accuracy": accuracy}}})
    hub.step()
    return folder.run_id


@pytest.mark.parametrize("is_whole_path", [False, True])
def test_evaluate_is_next_until_the_newest_finetune_is_evaluated(filled, is_whole_path):
    adapter = add_untested(filled)
    standing, whose = read_standing(filled.store), f"finetune of {made_at(filled, adapter.split('/')[1])}"
    assert standing.next_step == "evaluate" and not standing.is_round_over
    assert evaluate_step(filled).count == f"not yet: {whose}" and evaluate_step(filled).query["adapter"] == adapter
    add_evaluation(filled, f"runs/{home.FINETUNE}/checkpoints/adapter", 0.1)  # of another one
    add_evaluation(filled, adapter, 0.9, "train")  # what its problems were grown from
    assert read_standing(filled.store).next_step == "evaluate"
    run_id = add_evaluation(filled, str(filled.settings.home / adapter) if is_whole_path else adapter, 0.7)
    standing, step = read_standing(filled.store), evaluate_step(filled)
    assert standing.next_step == "select" and standing.is_round_over
    assert counts(filled)["evaluate"] == f"70.0 % on pens/test, {whose}"
    assert (step.page, step.query["run"], step.query["show"]) == ("evaluate_page.py", run_id, "numbers")


def test_after_the_next_seeds_are_chosen_generating_is_next(filled):
    config = {"selector": "random", "k": 3, "replicate": 0}
    folder = home.make_run(filled.settings.home, "20260102-000002-select-bbbb", "Select 3", config)
    with folder.hold():
        folder.append("selections", {
            "round": 1, "seed_set_id": home.SEED_SET, "selector": "random", "k": 3, "replicate": 0,
            "prediction_run_id": None, "student": None, "n_pool": 60, "n_topped_up": 0, "written_at": time.time(),
        })  # fmt: skip
        folder.finish("done", {"k": 3})
    filled.step()
    assert read_standing(filled.store).next_step == "generate"


def test_a_run_marks_its_step(filled):
    filled.submit("score", "Score", {"seed_set": home.SEED_SET}, lane="device")
    assert read_standing(filled.store).running_step == "select"


@pytest.mark.parametrize(
    ("kind", "stage", "step"),
    [
        ("import", None, "seeds"), ("loop", "round 1: score the seeds, answers", "select"),
        ("loop", "round 1: teacher", "generate"),
        ("loop", "round 1: finetune", "finetune"), ("loop", "test, after round 1", "evaluate"), ("loop", None, "seeds"),
        ("finetune", "test, before", "evaluate"), ("finetune", None, "finetune"),
    ],
)  # fmt: skip
def test_steps_of_stages(kind, stage, step):
    assert step_of_run(kind, stage) == step


def test_the_rest_of_a_stage_is_told_from_its_own_rate():
    run = {"began_at": 100.0, "began_made": 40, "progress_at": 110.0, "made": 60, "total": 100}
    assert describe_rest(run) == "some 20\u00a0s left at this rate"  # 20 in 10 s: what came from the cache is no rate
    assert describe_rest({**run, "progress_at": 101.0}) == ""  # not measured long enough
    assert describe_rest({**run, "made": 40}) == "" and describe_rest({**run, "made": 100}) == ""
    assert describe_rest({**run, "total": None}) == "" and describe_rest({**run, "began_at": float("nan")}) == ""


def test_while_a_loop_works_no_step_is_asked_of_a_person(filled, visit):
    arm = {"seed_set": home.SEED_SET, "parent": "an experiment"}
    filled.submit("loop", "An arm", arm, lane="device")
    filled.step()
    assert not read_standing(filled.store).is_at_work, "experiments are nobody's next step"
    run_id = filled.submit("loop", "A loop", {"seed_set": home.SEED_SET}, lane="device")
    filled.step()
    standing = read_standing(filled.store)
    assert standing.is_at_work and "takes the next steps by itself" in standing.sentence
    assert "go_on" not in {each.key for each in visit("overview").button}
    filled.order(run_id, "cancel")
    filled.step()
    assert not read_standing(filled.store).is_at_work


def test_a_later_run_that_brought_nothing_hides_no_earlier_one(filled):
    filled.submit("generate", "Generate", {"seed_set": home.SEED_SET, "is_preview": False}, lane="teacher")
    filled.step()
    found = counts(filled)
    assert (found["generate"], found["review"]) == ("9 accepted, 18 in all", "9 waiting, 18 in all")


@pytest.mark.parametrize(
    ("stage", "when"),
    [("test, before", "before"), ("ood, after", "after"), ("test, after round 12", "after"), ("generate", None),
     ("round 1: score the seeds, answers", None), ("round 1: finetune", None), (None, None)],
)  # fmt: skip
def test_what_was_kept_is_evaluated_at_a_rate_of_its_own(stage, when):
    run = {"began_at": 100.0, "began_made": 0, "progress_at": 110.0, "made": 50, "total": 100, "stage": stage}
    assert when_evaluated(stage) == when
    assert bool(describe_rest({**run, "is_kept": True})) == (when is not None)
    told = _say_rest({"kind": "loop", "state": "running", "stage": stage, "is_kept": True}, run)
    assert told == ("none" if when == "after" else "stopping")
