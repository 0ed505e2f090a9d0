"""Curves as they are read: thinned honestly, counted whole; answers at checkpoints; stages."""

import numpy as np
import pytest

from core.figures.curves import smooth
from core.runs.folder import RunFolder
from tests.runs.world import open_test_hub


@pytest.fixture
def hub(tmp_path):
    opened = open_test_hub(tmp_path, device_slots=0)
    yield opened
    opened.close()


def write(hub, run_id="curve", **tables) -> RunFolder:
    folder = RunFolder.create(hub.settings.home, "finetune", title="t", config={}, lane="device", run_id=run_id)
    with folder.hold():
        for table, rows in tables.items():
            for row in rows:
                folder.append(table, {"round": 1, **row})
        folder.finish("done", {})
    hub.step()
    return folder


def points(name, values, round_=1) -> list[dict]:
    return [
        {"round": round_, "name": name, "step": i, "value": v, "epoch": i / 100, "written_at": float(i)}
        for i, v in enumerate(values)
    ]


def test_curves_keep_spikes_gaps_and_the_last_point(hub):
    values = [0.1] * 5000
    values[2345], values[3000] = 9.0, -9.0
    write(hub, metrics=points("loss", values) + points("accuracy", [0.5, None, 0.5], round_=2))
    whole = hub.store.read_metrics("curve", max_points=5000)
    assert len(whole) == 5003 and (whole["mean"].dropna() == whole["value"].dropna()).all()
    order = ["round", "name", "step"]
    assert whole[order].equals(whole[order].sort_values(order))
    thin = hub.store.read_metrics("curve", ["loss"], max_points=300)
    assert 100 <= len(thin) <= 300 and (thin["n_points"] == 5000).all()
    assert {2345, 3000, 4999} <= set(thin["step"])
    assert (thin.set_index("step").loc[2345, ["value", "epoch", "written_at"]] == [9.0, 23.45, 2345.0]).all()
    assert thin["step"].is_monotonic_increasing and thin["step"].is_unique
    short = hub.store.read_metrics("curve", ["accuracy"], round_=2)
    assert short["value"].isna().tolist() == [False, True, False] and short["n_mean"].tolist() == [1, 0, 1]
    assert hub.store.read_metrics("curve", ["accuracy"], round_=1).empty


def test_a_thinned_curve_still_smooths_all_of_its_points(hub):
    values = (2 * np.exp(-np.arange(6000) / 1500) + np.random.default_rng(0).normal(0, 0.3, 6000)).tolist()
    write(hub, metrics=points("loss", values))
    thin = hub.store.read_metrics("curve", max_points=300)
    ends = thin[thin["n_mean"] > 0]
    assert ends["n_mean"].sum() == 6000 and len(ends) == 100
    assert (ends["mean"] * ends["n_mean"]).sum() == pytest.approx(sum(values))
    drawn = smooth(ends["mean"].tolist(), ends["n_mean"].tolist(), span=200)
    whole = smooth(values, span=200)
    assert np.abs(np.array(drawn) - np.array(whole)[ends["step"]]).max() < 0.06  # their extremes lie 0.9 away from it


def test_what_lies_above_the_axis_is_counted_on_all_points(hub):
    values = [float(i) for i in range(1, 1001)]
    write(hub, metrics=points("loss", [*values, None]) + points("loss", [5000.0], round_=2))
    assert hub.store.find_p99([("curve", 1)], ["loss"]) == (pytest.approx(990.01), 10)
    write(hub, "other", metrics=points("loss", [1.0] * 1000))
    bound, n_above = hub.store.find_p99([("curve", 1), ("other", 1)], ["loss", "validation_loss"])
    assert bound == pytest.approx(980.01) and n_above == 20
    assert hub.store.find_p99([("curve", 3)], ["loss"]) == (None, 0)


def test_the_best_checkpoint_is_that_of_the_lowest_loss_or_the_first_of_those_alike(hub):
    rows = [{"name": "validation_accuracy", "step": s, "value": v} for s, v in ((5, 0.4), (10, 0.6), (15, 0.6))]
    write(hub, metrics=rows, checkpoints=[{"step": 5, "path": "checkpoints/5", "sha256": "ab"}])
    assert hub.store.find_best("curve", 1) == (10, 0.6)
    losses = [{"name": "validation_loss", "step": s, "value": v} for s, v in ((5, 0.1), (10, 0.9), (15, 0.8))]
    write(hub, "told", metrics=[*rows, *losses])
    assert hub.store.find_best("told", 1) == (15, 0.6), "of equal ones that of the lowest loss"
    assert (
        hub.store.find_best("curve", 2) is None and hub.store.find_best("curve", 1, "sft/validation_accuracy") is None
    )
    assert hub.store.has_checkpoint("curve") and not hub.store.has_checkpoint("nowhere")


def test_the_curves_of_a_run_are_listed_with_how_far_they_are(hub):
    write(hub, metrics=points("sft/loss", [1.0, 0.5]) + points("loss", [1.0], round_=2))
    listed = hub.store.list_curves("curve")[["round", "name", "n", "last_step", "last_epoch"]]
    assert listed.values.tolist() == [[1, "sft/loss", 2, 1, 0.01], [2, "loss", 1, 0, 0.0]]


def test_answers_at_checkpoints_stand_problem_by_problem(hub):
    rows = [
        {"step": step, "problem_id": problem, "epoch": step / 10, "question": "Q?", "reference": "3", "text": "#### 3",
         "final": "3", "is_correct": None if step == 10 else True, "n_tokens": 4}
        for step in (20, 10) for problem in ("b", "a")
    ]  # fmt: skip
    write(hub, checkpoint_answers=rows)
    found = hub.store.list_checkpoint_answers("curve", 1)
    assert found[["problem_id", "step"]].values.tolist() == [["a", 10], ["a", 20], ["b", 10], ["b", 20]]
    assert found["is_correct"].isna().tolist() == [True, False, True, False]
    assert hub.store.list_checkpoint_answers("curve", 2).empty


def test_every_stage_is_there_with_where_it_began(hub):
    folder = RunFolder.create(hub.settings.home, "finetune", title="t", config={}, lane="device", run_id="staged")
    with folder.hold():
        folder.report("test, before", 60, 0, 60)
        folder.report("round 1: finetune", 3, 0, 40)
        folder.report("round 1: finetune", 9, 0, 40)
        folder.finish("done", {})
    hub.step()
    stages = hub.store.list_stages("staged")
    assert stages["stage"].tolist() == ["test, before", "round 1: finetune"]
    assert stages.iloc[1][["made", "total", "began_made"]].tolist() == [9, 40, 3]
