"""Finding what runs of a home have trained: by run, by folder, and the policy that a run trained first."""

import json

import pytest

from core.errors import ModelLoadError, RunError
from core.recipes.trained import find_adapter, list_policies
from core.runs.folder import RunFolder

RUN, SWEPT, TORN = (f"2026010{day}-000000-finetune-aaaa" for day in (1, 2, 3))


def put_adapter(folder, base="some/base"):
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    (folder / "adapter_model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    return folder


def add_run(home, run_id, rounds, **config):
    """A run that trained a policy and an adapter in each of some rounds; of round 2 only the policy is there yet."""
    run = RunFolder.create(home, "finetune", title="T", config={"student": "tiny", **config}, lane="device",
                           run_id=run_id)  # fmt: skip
    for number in rounds:
        place = run.path / "checkpoints" / f"round-{number}"
        put_adapter(place / "sft" / "adapter")
        if number != 2:
            path = put_adapter(place / "adapter").relative_to(home)
            run.append("adapters", {"round": number, "student": "tiny", "path": str(path)})
    return run


@pytest.fixture
def home(tmp_path):
    home = tmp_path.resolve() / "home"
    add_run(home, RUN, (1, 2))
    return home


def test_a_policy_is_listed_by_its_name(home):
    add_run(home, SWEPT, (1,), parent="20260101-000000-sweep-aaaa")
    later, first = list_policies(home)
    assert (later.name, first.name) == (f"policy of run {RUN}, round 2", f"policy of run {RUN}")
    assert first.is_policy and first.student == "tiny" and first.folder.name == "adapter"
    assert [each.run_id for each in list_policies(home, SWEPT)] == [SWEPT]
    (home / "runs" / RUN / "checkpoints" / "round-2" / "sft" / "adapter").rename(home / "away")
    assert [each.round for each in list_policies(home)] == [1]


def test_what_a_run_kept_of_its_policy_alone_is_no_second_student(home):
    run = RunFolder(home / "runs" / RUN)
    path = f"runs/{RUN}/checkpoints/round-2/sft/adapter"
    run.append("adapters", {"round": 2, "student": "tiny", "path": path})
    assert [each.round for each in list_policies(home)] == [1]
    assert find_adapter(home, RUN).folder == home / path


def test_a_damaged_run_hides_no_other(home):
    (add_run(home, TORN, (1,)).path / "run.json").write_text("{")
    assert [each.run_id for each in list_policies(home)] == [RUN, RUN]


@pytest.mark.parametrize(
    ("text", "place", "name"),
    [
        (RUN, "round-1/adapter", f"run {RUN}"),
        (f"{RUN}/policy", "round-2/sft/adapter", f"policy of run {RUN}, round 2"),
        ("{checkpoints}/round-1/sft/adapter", "round-1/sft/adapter", f"policy of run {RUN}"),
        ("{checkpoints}/round-1/adapter", "round-1/adapter", f"run {RUN}"),
        ("{checkpoints}/..", "round-1/adapter", f"run {RUN}"),
    ],
)
def test_a_run_or_a_folder_names_what_was_trained(home, text, place, name):
    checkpoints = home / "runs" / RUN / "checkpoints"
    found = find_adapter(home, text.format(checkpoints=checkpoints))
    assert (found.folder, found.name, found.student) == (checkpoints / place, name, "tiny")


def test_a_folder_from_elsewhere_says_its_base_itself(home, tmp_path):
    found = find_adapter(home, str(put_adapter(tmp_path / "mine")))
    assert (found.name, found.student, found.run_id) == (str(tmp_path / "mine"), "some/base", None)


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("nowhere", RunError, f"no folder and no run 'nowhere'; .* a run of this home: {RUN}"),
        (f"{SWEPT}/policy", RunError, "There is no folder and no run"),
        ("~nosuchuser/x", RunError, "There is no folder and no run '~nosuchuser/x'"),
        ("{home}", ModelLoadError, "There is no LoRA adapter in"),
    ],
)
def test_what_is_not_there_is_one_sentence(home, text, error, sentence):
    with pytest.raises(error, match=sentence):
        find_adapter(home, text.format(home=home))


def test_a_run_without_a_policy_says_which_have_one(home):
    run = RunFolder.create(home, "finetune", title="T", config={}, lane="device", run_id=SWEPT)
    with pytest.raises(RunError, match=r"trained no policy .* only DPO and per-step DPO train one"):
        find_adapter(home, f"{run.run_id}/policy")
