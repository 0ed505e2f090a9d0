"""Diversity: what an empty home says, the map made by a button, words, numbers, the archive, seeds to grow from."""

import pytest

from core.errors import RunError
from core.recipes import mapping
from core.recipes.kinds import execute
from core.recipes.mapping import estimate_map, find_neighbours, read_tokens, start_map
from core.recipes.selecting import BY_HAND
from core.runs.folder import RunFolder
from core.store.areas import write_area
from tests.pages import home
from tests.pages.test_pages import button, metric, texts

EVERYWHERE = [(-2.0, -2.0), (2.0, -2.0), (2.0, 2.0), (-2.0, 2.0)]


def carry_out(hub) -> str:
    """Carry out the newest map, by PCA: what UMAP makes of it is tested where maps are made."""
    run_id = hub.store.list_runs(["map"]).iloc[0]["run_id"]
    assert execute(RunFolder(hub.settings.home / "runs" / run_id)) == "done"
    hub.step()
    return run_id


@pytest.fixture(scope="module")
def mapped(hub):
    start_map(hub, home.SEED_SET, projection="pca")
    return hub, carry_out(hub)


def pick(app, key: str, value: dict):
    """What the browser would send of a chart."""
    app.session_state[key] = {"pick": value}
    return app.run()


def test_an_empty_home_and_one_without_a_map_say_what_to_do(empty, visit):
    app = visit("diversity")
    assert not app.exception and "There is no seed set to look at yet." in texts(app)


def test_an_archive_of_seeds_that_nobody_answered_says_what_to_do(empty, visit):
    home.add_seed_set(empty.settings.home)
    empty.step()
    app = visit("diversity", show="archive")
    assert not app.exception and "let it answer the seeds" in texts(app)


def test_the_button_draws_the_first_map(filled, visit):
    app = visit("diversity", show="words")
    assert "There is none of this seed set yet. **Draw the map**" in texts(app)
    button(app, "draw_map").click().run()
    run = filled.store.list_runs(["map"]).iloc[0]
    assert run["state"] == "queued" and run["title"].startswith("Map of")
    assert button(visit("diversity"), "draw_map").disabled, "one map at a time"


def test_a_map_is_measured_again_with_the_verdicts_of_now(filled, visit):
    start_map(filled, home.SEED_SET, projection="pca")
    first = carry_out(filled)
    before = filled.store.list_map_measures(first)
    assert not ((before["member"] == "kept").any())
    for number in (0, 1):
        filled.add_review(home.GENERATE, f"candidate_{number:03d}", "accept")
    app = visit("diversity", show="numbers")
    assert button(app, "add_to_map").label == "Measure again"
    button(app, "add_to_map").click().run()
    second = carry_out(filled)
    after = filled.store.list_map_measures(second)
    assert second != first and (after["member"] == "kept").any()
    places = [filled.store.list_map_points(id_)[["x", "y"]].to_numpy() for id_ in (first, second)]
    assert (places[0] == places[1]).all()


def test_the_map_says_what_it_shows(mapped, visit):
    hub, run_id = mapped
    app = visit("diversity")
    assert not app.exception
    assert "Rings are seeds, discs what was grown." in texts(app)
    labels = next(box for box in app.selectbox if box.key == "map_colour").options
    assert "Seed or grown" in labels and "What the filters said" in labels and "Score: loss" in labels
    app = visit("diversity", colour="loss")
    n = len(hub.store.list_point_scores(run_id, "loss"))
    assert f"Known of {n} of {len(hub.store.list_map_points(run_id))}" in texts(app)


def test_what_is_inside_a_line_can_be_judged_and_taken_back(mapped, visit):
    hub, run_id = mapped
    app = visit("diversity")
    app = pick(app, f"map_{run_id}", {"area": EVERYWHERE})
    points = hub.store.list_map_points(run_id)
    assert app.subheader[0].value == f"{len(points)} points inside the line"
    n_waiting = int((points["review"] == "waiting").sum())
    button(app, "bulk_accept").click().run()
    accepted = hub.store.list_map_points(run_id)["review"].value_counts()
    assert accepted.get("accepted", 0) >= n_waiting and "waiting" not in accepted
    button(app, "bulk_undo").click().run()
    assert (hub.store.list_map_points(run_id)["review"] == "waiting").sum() == n_waiting


def test_seeds_inside_a_line_become_a_selection(mapped, visit):
    hub, run_id = mapped
    app = pick(visit("diversity"), f"map_{run_id}", {"area": EVERYWHERE})
    button(app, "grow_from_area").click().run()
    newest = hub.store.list_runs(["select"]).iloc[0]
    assert newest["title"].endswith(BY_HAND)
    chosen = hub.store.list_selected(newest["run_id"], 1)
    assert len(chosen) == home.N_TRAIN and not chosen["is_spare"].any()
    generate = visit("generate", seeds=home.SEED_SET, selection=newest["run_id"])
    assert not generate.exception and not generate.error


def test_a_point_is_shown_with_its_neighbours(mapped, visit):
    _, run_id = mapped
    app = pick(visit("diversity"), f"map_{run_id}", {"at": {"row": 3}})
    assert not app.exception and "**Nearest in meaning**" in texts(app)
    table = next(table.value for table in app.dataframe if "cosine" in table.value)
    assert len(table) == 10 and table["cosine"].is_monotonic_decreasing


def test_a_point_whose_run_is_in_the_trash_says_so(mapped, visit):
    hub, run_id = mapped
    rows = hub.store.list_map_points(run_id)["source_run"].eq(home.GENERATE)
    hub.trash(home.GENERATE)
    hub.step()
    try:
        app = pick(visit("diversity"), f"map_{run_id}", {"at": {"row": int(rows.idxmax())}, "area": EVERYWHERE})
        assert not app.exception and "It is no longer there: its run is in the trash" in texts(app)
        assert f"{home.N_TRAIN} seeds." in texts(app).replace("\u00a0", " ")
    finally:
        hub.restore(home.GENERATE)
        hub.step()


@pytest.mark.parametrize("value", [{"at": {"row": 10**6}}, {"area": [[0, 0]]}, {"area": None, "at": None}])
def test_a_pick_of_another_map_is_none(mapped, visit, value):
    _, run_id = mapped
    app = pick(visit("diversity"), f"map_{run_id}", value)
    assert not app.exception and "Nothing is marked." in texts(app)


def test_the_review_queue_holds_what_was_marked(mapped, visit):
    _, run_id = mapped
    app = visit("review", run=home.GENERATE, area=write_area(run_id, EVERYWHERE), show="table")
    assert "9 candidates" in texts(app).replace("\u00a0", " ")
    nowhere = [(5.0, 5.0), (6.0, 5.0), (6.0, 6.0)]
    app = visit("review", run=home.GENERATE, area=write_area(run_id, nowhere), show="table")
    assert "No candidate is like that." in texts(app)
    button(app, "leave_area").click().run()
    assert "9 candidates" in texts(app).replace("\u00a0", " ")


def test_words_of_two_sets_are_held_against_halves_of_one(mapped, visit):
    app = visit("diversity", show="words")
    assert not app.exception
    value = float(metric(app, "Total variation distance"))
    assert 0 < value < 1
    said = texts(app)
    assert "**The words differ**" in said or "**No difference can be told**" in said
    assert any(box.key == "words_token" for box in app.selectbox)


def test_numbers_have_intervals_and_a_meaning(mapped, visit):
    app = visit("diversity", show="numbers", measure="near_duplicates")
    assert not app.exception
    table = app.dataframe[0].value
    assert table.columns.tolist()[1:3] == ["seeds", "grown and passed"]
    assert table.iloc[0, 1] == str(home.N_TRAIN)
    row = table[table.iloc[:, 0] == "Distance in meaning"].iloc[0]
    assert " to " in row["seeds"]
    assert "Pairs: seeds" in texts(app).replace("\u00a0", " ")


def test_a_set_may_be_called_like_one_of_ours(mapped):
    from pages.components import map_numbers

    hub, _ = mapped
    rows = [{"grouping": "all", "member": "seeds"}, {"grouping": "type", "member": "seeds"},
            {"grouping": "type", "member": "fractions"}, {"grouping": "round", "member": "2"}]  # fmt: skip
    assert [map_numbers._name(hub, row) for row in rows] == ["seeds", "type seeds", "fractions", "round 2"]


def test_the_archive_counts_and_suggests(mapped, visit):
    hub, _ = mapped
    app = visit("diversity", show="archive")
    assert not app.exception
    items = hub.store.list_archive(home.SEED_SET)
    assert metric(app, "Problems grown") == str(int((~items["is_seed"]).sum()))
    assert "What to fill next" in [each.value for each in app.subheader]
    button(app, "grow_targets").click().run()
    newest = hub.store.list_runs(["select"]).iloc[0]
    assert newest["title"].endswith(BY_HAND)


def test_the_time_of_a_map_is_told_by_the_last_one(mapped, monkeypatch):
    hub, run_id = mapped
    run = hub.store.read_run(run_id)
    assert estimate_map(hub, 1000, "pca") is None, "too small a map to go by"
    monkeypatch.setattr(mapping, "FEWEST_TIMED", run["summary"]["n_points"])
    took = (run["ended_at"] - run["started_at"]) / run["summary"]["n_points"]
    assert estimate_map(hub, 1000, "pca") == pytest.approx(1000 * took)
    assert estimate_map(hub, 1000, "umap") is None


def test_what_lay_beside_a_map_that_is_gone_is_missed_in_one_sentence(tmp_path):
    for read in (lambda: find_neighbours(tmp_path, "gone", 0), lambda: read_tokens(tmp_path, "gone")):
        with pytest.raises(RunError, match="This map is no longer there"):
            read()
