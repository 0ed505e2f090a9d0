"""A map as a run: real embeddings and a real UMAP, what comes of it in the database, and a later map on it."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from core import hub as hubs
from core.__main__ import main
from core.datasets import ensure_seed_set
from core.errors import RunError
from core.hub import Hub
from core.maps.near import lie_inside
from core.recipes import mapping
from core.recipes.kinds import execute
from core.recipes.mapping import find_neighbours, read_tokens, start_map
from core.runs.folder import RunFolder
from core.settings import REPOSITORY, Settings
from core.store.areas import write_area
from core.store.queue_filter import QueueFilter
from tests.pages import home as made

AROUND = [(-0.4, -0.5), (0.5, -0.2), (0.1, 0.1), (0.3, 0.6), (-0.6, 0.3)]
"""Corners of an area, from its middle."""

REJECTED = made.STATES.index("rejected")
"""Number of a candidate that a filter rejected, and a person accepts."""


def open_home(home) -> Hub:
    hub = hubs.open_hub(Settings(home=home, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    hub.step()
    return hub


def draw(hub: Hub, **choices) -> str:
    run_id = start_map(hub, made.SEED_SET, **choices)
    folder = RunFolder(hub.settings.home / "runs" / run_id)
    assert execute(folder) == "done", folder.read_result()
    hub.step()
    return run_id


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """A home with everything, and its map by UMAP."""
    hub = open_home(made.fill_home(tmp_path_factory.mktemp("home")))
    for number in (0, 1, 2, REJECTED):
        hub.add_review(made.GENERATE, f"candidate_{number:03d}", "accept")
    hub.add_review(made.GENERATE, "candidate_003", "reject")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("NUMBA_OPT", "0")  # compiling UMAP takes most of the time; of so few points it is as good
        patched.setenv("NUMBA_CACHE_DIR", str(tmp_path_factory.mktemp("numba")))  # nobody else's code is so compiled
        run_id = draw(hub)
    yield hub, run_id
    hubs.close()


def test_every_seed_and_candidate_with_a_question_is_a_point(mapped):
    hub, run_id = mapped
    points = hub.store.list_map_points(run_id)
    summary = hub.store.read_run(run_id)["summary"]
    assert summary["projection"] == "umap" and summary["fault"] is None and summary["n_placed"] == 0
    assert (points["source"] == "seed").sum() == made.N_TRAIN
    wanted = hub.store.list_queue(QueueFilter(status="", review="any", run=made.GENERATE))
    failed = hub.store.list_queue(QueueFilter(status="failed", review="any", run=made.GENERATE))
    own = points[points["source_run"] == made.GENERATE]
    assert len(own) == len(wanted) - len(failed) > 0 and not own["item_id"].isin(failed["candidate_id"]).any()
    assert points["position"].tolist() == list(range(len(points)))
    assert points[["x", "y"]].abs().to_numpy().max() == pytest.approx(1.0)
    said = own.set_index("item_id")["review"]
    assert said["candidate_000"] == "accepted" and said["candidate_003"] == "rejected"
    assert said["candidate_004"] == "waiting"
    assert own["verdict"].str.startswith("rejected by").sum() == 3
    counts = hub.store.count_texts_to_map(made.SEED_SET, run_id)
    assert counts["new"] == 0 and counts["seeds"] + counts["grown"] == len(points)
    assert hub.store.count_texts_to_map(made.SEED_SET, None)["new"] == len(points)


def test_numbers_of_seeds_of_what_was_grown_and_of_what_was_kept(mapped):
    hub, run_id = mapped
    found = hub.store.list_map_measures(run_id).set_index(["grouping", "member", "measure"])
    assert found.loc[("all", "seeds", "distance"), "n_texts"] == made.N_TRAIN
    assert found.loc[("all", "kept", "distance"), "n_texts"] == 4, "one of them against a filter's verdict"
    distance = found.loc[("all", "seeds", "distance")]
    assert 0 < distance["low"] <= distance["value"] <= distance["high"] < 1
    texts = hub.store.list_texts_to_map(made.SEED_SET)
    grown = found.loc[("all", "grown", "wording"), "n_texts"]
    assert grown == texts["has_passed"].sum()


def test_neighbours_and_words_are_those_of_the_points(mapped):
    hub, run_id = mapped
    points, home = hub.store.list_map_points(run_id), hub.settings.home
    texts = hub.store.list_point_texts(run_id)
    near = find_neighbours(home, run_id, 5, 4)
    assert len(near) == 4 and 5 not in [row for row, _ in near]
    assert [value for _, value in near] == sorted((value for _, value in near), reverse=True)
    tokens = read_tokens(home, run_id)
    seeds = np.flatnonzero(points["source"] == "seed")
    pens = texts["question"].str.count("pens") + texts["answer"].fillna("").str.count("pens")
    assert tokens.add_up(seeds)[tokens.names.index("pens")] == pens.iloc[seeds].sum() > 0
    assert hub.store.list_point_texts(run_id, [3, 1], width=10)["question"].str.len().tolist() == [10, 10]


def test_an_area_finds_the_same_candidates_in_the_queue_as_on_the_map(mapped):
    hub, run_id = mapped
    points = hub.store.list_map_points(run_id)
    x, y = points.loc[points["item_id"] == "candidate_004", ["x", "y"]].iloc[0]
    area = [(x + right, y + up) for right, up in AROUND]
    inside = points[lie_inside(points[["x", "y"]].to_numpy(float), area)]
    wanted = set(inside.loc[inside["verdict"] == "passed", "item_id"])
    found = hub.store.list_queue(QueueFilter(area=write_area(run_id, area)))
    assert set(found["candidate_id"]) == wanted and "candidate_004" in wanted
    for broken in ("nonsense", f"{run_id}:1,2", f"{run_id}:0,0;1,1;1,0') or true --", "no-such-map:0,0;1,0;0,1"):
        assert hub.store.list_queue(QueueFilter(area=broken)).empty


def test_a_task_whose_questions_are_no_sentences_has_a_map_and_no_distances(mapped, monkeypatch):
    hub, _ = mapped
    monkeypatch.setattr(mapping, "MOST_POINTS", 60)
    set_id = ensure_seed_set(hub.settings.home, "game24")
    hub.step()
    run_id = start_map(hub, set_id, projection="pca")
    assert execute(RunFolder(hub.settings.home / "runs" / run_id)) == "done"
    hub.step()
    summary, measures = hub.store.read_run(run_id)["summary"], set(hub.store.list_map_measures(run_id)["measure"])
    assert summary["embedder"] is None and summary["n_points"] == len(hub.store.list_map_points(run_id))
    assert "wording" in measures and not measures & {"distance", "vendi", "clusters"}


def test_scores_of_points_are_those_of_the_run_that_asked_last(mapped):
    hub, run_id = mapped
    assert hub.store.list_map_scores(run_id)[:2] == ["loss", "correct"]
    points = hub.store.list_map_points(run_id).set_index("position")
    loss = hub.store.list_point_scores(run_id, "loss").set_index("position")["value"]
    assert loss.index.is_unique and len(loss) >= made.N_TRAIN
    pool = hub.store.read_pool(made.SEED_SET, made.LOOP).set_index("problem_id")["loss"]
    newest = hub.store.read_pool(made.SEED_SET, made.SCORE).set_index("problem_id")["loss"]
    own = {points.loc[place, "item_id"]: value for place, value in loss.items()}
    assert own["problem_train_003"] in (pool.get("problem_train_003"), newest.get("problem_train_003"))


def test_new_candidates_are_placed_and_nothing_else_moves(mapped, tmp_path):
    hub, run_id = mapped
    before = hub.store.list_map_points(run_id).set_index(["source_run", "item_id"])
    folder = RunFolder(hub.settings.home / "runs" / made.add_second_generate(hub.settings.home))
    hub.step()
    n_new = hub.store.count_texts_to_map(made.SEED_SET, run_id)["new"]
    assert n_new > 0
    later = draw(hub, based_on=run_id)
    after = hub.store.list_map_points(later).set_index(["source_run", "item_id"])
    same = after.loc[before.index, ["x", "y"]]
    assert np.allclose(same.to_numpy(), before[["x", "y"]].to_numpy())
    assert after["is_placed"].sum() == n_new == hub.store.read_run(later)["summary"]["n_placed"]
    assert after.loc[folder.run_id, "is_placed"].all()
    twin = hub.store.list_map_points(draw(hub, based_on=later))
    assert twin["is_placed"].sum() == n_new, "what was placed once stays told apart"


def test_what_is_in_the_trash_stays_what_it_was_on_the_map(mapped):
    hub, run_id = mapped
    before = hub.store.list_map_points(run_id)
    hub.trash(made.GENERATE)
    hub.step()
    try:
        points = hub.store.list_map_points(run_id)
        assert points["source"].tolist() == before["source"].tolist(), "no candidate has become a seed"
        gone = points[points["source_run"] == made.GENERATE]
        assert gone[["verdict", "review", "method", "type", "run"]].isna().all().all() and len(gone)
    finally:
        hub.restore(made.GENERATE)
        hub.step()
    assert hub.store.list_map_points(run_id).equals(before)


def test_a_map_that_is_gone_or_nothing_to_map_is_told(mapped):
    hub, _ = mapped
    for other in ("20260101-000009-map-zzzz", made.SCORE, made.SEED_SET):
        with pytest.raises(RunError, match="of this seed set is not there, or was not finished"):
            start_map(hub, made.SEED_SET, based_on=other)
    with pytest.raises(RunError, match="no projection 'tsne'; known: umap, pca"):
        start_map(hub, made.SEED_SET, projection="tsne")
    with pytest.raises(RunError, match="no seed set"):
        start_map(hub, "nowhere")


def test_large_sets_are_drawn_from_and_the_map_knows_of_how_many(mapped, monkeypatch):
    hub, _ = mapped
    monkeypatch.setattr(mapping, "MOST_POINTS", 30)
    run_id = draw(hub, projection="pca")
    summary = hub.store.read_run(run_id)["summary"]
    assert summary["n_points"] == 30 < summary["n_all"] and summary["projection"] == "pca"


def read_tables(hub: Hub, run_id: str) -> list[pd.DataFrame]:
    """What the database has of a map, rows and columns in one order."""
    found = [getattr(hub.store, name)(run_id) for name in ("list_map_points", "list_map_measures", "list_map_shifts")]
    keys = ["position"], ["grouping", "member", "measure"], ["method", "round"]
    return [
        table.sort_values(key).reset_index(drop=True).sort_index(axis=1) for table, key in zip(found, keys, strict=True)
    ]


@pytest.mark.parametrize("n_measured", [pytest.param(0, marks=pytest.mark.soak), 3])
def test_a_map_that_was_killed_and_goes_on_is_the_one_that_was_never_killed(mapped, n_measured):
    hub, _ = mapped
    run_id = start_map(hub, made.SEED_SET, projection="pca")
    folder = RunFolder(hub.settings.home / "runs" / run_id)
    points, measures = folder.path / "records" / "map_points", folder.path / "records" / "map_measures.jsonl"
    command = [sys.executable, "-m", "core", "run", str(folder.path)]
    with subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True) as process:
        deadline = time.monotonic() + 120
        while not (list(points.glob("*.parquet")) if n_measured == 0 else count_lines(measures) >= n_measured):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.001)
        os.killpg(process.pid, signal.SIGKILL)
    assert folder.read_state().state == "lost" and not (folder.path / "map" / "tokens").exists()
    hub.step()
    assert main(["run", str(folder.path), "--again"]) == 0
    hub.step()
    whole = draw(hub, projection="pca")
    assert len(list(points.glob("*.parquet"))) == 2, "the part of each attempt"
    for one, other in zip(read_tables(hub, run_id), read_tables(hub, whole), strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert find_neighbours(hub.settings.home, run_id, 5) == find_neighbours(hub.settings.home, whole, 5)
    assert read_tokens(hub.settings.home, run_id).names == read_tokens(hub.settings.home, whole).names


def count_lines(path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_the_database_made_anew_has_the_same_map(mapped, tmp_path):
    hub, run_id = mapped
    copy = tmp_path / "copy"
    shutil.copytree(hub.settings.home, copy, ignore=shutil.ignore_patterns("*.duckdb*", "*.lock"))
    other = Hub(Settings(home=copy, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    try:
        other.step()
        for one, second in zip(read_tables(hub, run_id), read_tables(other, run_id), strict=True):
            pd.testing.assert_frame_equal(one, second)
    finally:
        other.close()
