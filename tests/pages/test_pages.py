"""Every page, on an empty and on a filled home: no exception, the empty state's sentence, the numbers that matter."""

import json
import math

import pytest

from core import hub as hubs
from pages.components.frame import TEACHER_NOTE
from tests.pages import home
from tests.pages.conftest import open_home

NAMES = (
    "overview", "seeds", "select", "generate", "review", "finetune", "experiments", "diversity", "steerability", "runs",
)  # fmt: skip


def texts(app) -> str:
    """Everything written on a page."""
    parts = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success]
    return "\n".join(part.value for part in parts)


def metric(app, label: str) -> str:
    return next(metric.value for metric in app.metric if metric.label == label)


def button(app, key: str):
    return next(button for button in app.button if button.key == key)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_an_empty_home_says_what_to_do(empty, visit, name):
    app = visit(name)
    assert not app.exception and not app.error
    assert app.title[0].value == name.capitalize()
    sentences = {
        "overview": "Nothing is here yet", "seeds": "Made by our own generators", "select": "There is no seed set",
        "generate": "No seeds are chosen yet", "review": "There is nothing to review yet",
        "finetune": "There is nothing to train on yet", "experiments": "2 arms",
        "diversity": "There is no seed set to look at yet",
        "steerability": "no seed set is here yet", "runs": "Nothing has run yet",
    }  # fmt: skip
    assert sentences[name] in texts(app)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_a_filled_home_is_drawn(filled, visit, name):
    app = visit(name)
    assert not app.exception and not app.error
    assert len(app.expander) >= 1
    assert any("How this is made" in expander.label for expander in app.expander)


@pytest.mark.parametrize("name", ("generate", "review", "overview"))
def test_the_stand_in_is_named_where_its_words_are_shown(filled, visit, name):
    assert TEACHER_NOTE in texts(visit(name))


def test_one_primary_button_a_page(filled, visit):
    for name in NAMES:
        primary = [button.key for button in visit(name).button if button.proto.type == "primary"]
        assert len(primary) <= 1, (name, primary)


def test_an_unknown_error_is_not_swallowed_and_a_known_one_is_a_sentence(filled, visit, monkeypatch):
    from core.errors import RunError

    def refuse(*_args, **_more):
        raise RunError("The disk is full; free some space.")

    monkeypatch.setattr(filled.store, "list_seed_sets", refuse)
    app = visit("seeds")
    assert not app.exception
    assert [error.value for error in app.error][-1].replace("\\", "") == "The disk is full; free some space."
    monkeypatch.setattr(filled.store, "list_seed_sets", lambda: 1 / 0)
    assert visit("seeds").exception


def test_a_home_that_another_process_owns_gives_one_sentence(tmp_path, visit, monkeypatch):
    from core.errors import HomeInUseError
    from pages.components import access

    def refuse(_settings):
        raise HomeInUseError("The home is in use by process 4242; close it first.")

    monkeypatch.setattr(access.hub, "open_hub", refuse)
    app = visit("overview")
    assert not app.exception
    assert "4242" in app.error[0].value
    assert [button.label for button in app.button] == ["Try again"]


# -- overview ----------------------------------------------------------------------------------------------------


def test_the_demo_puts_an_import_and_a_loop_in_the_queue(empty, visit):
    app = visit("overview")
    button(app, "start_demo").click().run()
    assert not app.exception
    runs = empty.store.list_runs().set_index("kind")
    assert set(runs.index) == {"import", "loop"}
    assert set(runs["state"]) == {"queued"}
    assert '"loss_high"' in runs.loc["loop", "config"]
    assert "Waits for its turn" in app.get("progress")[0].proto.text


def test_the_overview_shows_before_and_after(filled, visit):
    table = visit("overview").dataframe[0].value
    assert table["before"].tolist()[0].startswith("25.0") and table["after"].tolist()[0].startswith("60.0")
    assert set(table["run_id"]) == {home.FINETUNE, home.LOOP}


def test_the_overview_names_runs_by_letters_and_leaves_out_columns_without_a_value(tmp_path, visit):
    for add in (home.add_seed_set, home.add_selection, home.add_candidates, home.add_finetune):
        add(tmp_path)
    hub = open_home(tmp_path)
    try:
        shown = visit("overview").dataframe[0]
        assert shown.value["name"].tolist() == ["A"]
        assert "rows" in shown.proto.column_order and not {"seeds", "candidates"} & set(shown.proto.column_order)
        home.add_loop(tmp_path)
        hub.step()
        shown = visit("overview").dataframe[0]
        assert dict(zip(shown.value["run_id"], shown.value["name"], strict=True)) == {
            home.FINETUNE: "A",
            home.LOOP: "B",
        }
        assert {"seeds", "candidates"} <= set(shown.proto.column_order)
    finally:
        hubs.close()


# -- seeds -------------------------------------------------------------------------------------------------------


def test_seeds_counts_rows_in_kept_and_rejected(filled, visit):
    app = visit("seeds")
    assert (metric(app, "rows in"), metric(app, "kept"), metric(app, "rejected")) == ("92", "90", "2")
    assert "seeded part of the rows" in texts(app).replace("\\", "")
    rejected = next(frame.value for frame in app.dataframe if "reason" in frame.value)
    assert rejected["line"].tolist() == [7, 8]


def test_seeds_search_finds_and_says_when_it_finds_nothing(filled, visit):
    app = visit("seeds")
    app.text_input(key="seeds_search").input("buys 7 boxes").run()
    assert "1 problem found" in texts(app)
    app.text_input(key="seeds_search").input("zebra").run()
    assert not app.exception and "No problem holds this text" in texts(app)


def test_a_built_in_seed_set_is_put_in_the_queue(empty, visit):
    app = visit("seeds")
    button(app, "import").click().run()
    assert not app.exception
    runs = empty.store.list_runs()
    assert runs["kind"].tolist() == ["import"] and "word_problems" in runs["title"].iloc[0]


def test_a_path_is_previewed_and_its_faults_are_listed(empty, visit, tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text('{"question": "What is 1+1?", "answer": "It is 2.\\n#### 2"}\n{"question": ""}\nnot json\n')
    app = visit("seeds")
    app.segmented_control(key="source").set_value("Files").run()
    app.radio(key="file_way").set_value("Path on this machine").run()
    app.text_input(key="path_train").input(str(file)).run()
    assert not app.exception and not app.error
    assert "2 bad rows" in texts(app)
    button(app, "import").click().run()
    assert empty.store.list_runs()["title"].tolist() == ["Import mine"]


def test_a_missing_file_is_one_sentence(empty, visit):
    app = visit("seeds")
    app.segmented_control(key="source").set_value("Files").run()
    app.radio(key="file_way").set_value("Path on this machine").run()
    app.text_input(key="path_train").input("/nowhere/x.jsonl").run()
    assert not app.exception
    assert "There is no file" in app.error[0].value


# -- select ------------------------------------------------------------------------------------------------------


def choose_selector(app, name: str):
    next(box for box in app.selectbox if box.label == "Selector").set_value(name).run()
    return app


def visit_scored(visit):
    """Open the page on the answers of the score run; the loop's are newer."""
    app = visit("select")
    box = next(box for box in app.selectbox if box.label == "Answers and scores of")
    return box.set_value(f"{home.SCORE}/base").run()


def chosen_table(app):
    return next(table.value for table in app.dataframe if "rank" in table.value)


def test_select_shows_the_hardest_first_and_keeps_the_choice(filled, visit):
    app = visit("select")
    app.number_input(key="select_k").set_value(5).run()
    table = chosen_table(app)
    assert len(table) == 5 and table["loss"].tolist()[0] == 2.0 and table["rank"].tolist() == [1, 2, 3, 4, 5]
    assert next(box for box in app.selectbox if box.label == "Selector").value == "loss_high"
    button(app, "use_selection").click().run()
    assert not app.exception
    newest = filled.store.list_selections().iloc[0]
    assert (newest["k"], newest["selector"], newest["student"], newest["pick"]) == (5, "loss_high", "base", "argmax")
    assert filled.store.list_selected(newest["run_id"])["problem_id"].tolist()[0] == "problem_train_000"


@pytest.mark.parametrize(
    ("selector", "first"), [("loss_low", "problem_train_059"), ("reward_low", "problem_train_000")]
)
def test_another_selector_changes_the_choice_at_once(filled, visit, selector, first):
    app = visit_scored(visit)
    app.number_input(key="select_k").set_value(5).run()
    choose_selector(app, selector)
    assert not app.exception and chosen_table(app)["problem_id"].tolist()[0] == first


def test_a_pick_is_offered_where_a_selector_ranks_and_is_kept(filled, visit):
    app = visit_scored(visit)
    app.segmented_control(key="pick").set_value("softmax").run()
    button(app, "use_selection").click().run()
    assert not app.exception and filled.store.list_selections().iloc[0]["pick"] == "softmax"
    app = choose_selector(visit_scored(visit), "incorrect")
    assert not app.exception and all(control.key != "pick" for control in app.segmented_control)


def test_badge_reads_the_vectors_of_the_run(filled, visit):
    app = choose_selector(visit_scored(visit), "badge")
    assert not app.exception and not app.error
    assert "gradient of length" in chosen_table(app)["reason"].tolist()[0]


def test_a_selector_without_its_scores_says_what_to_do(filled, visit):
    app = choose_selector(visit_scored(visit), "lion")
    assert not app.exception
    assert "needs judge" in texts(app) and button(app, "use_selection").disabled


def test_all_problems_can_be_searched_and_sorted(filled, visit):
    app = visit_scored(visit)
    app.segmented_control(key="pool_rows_False").set_value("all").run()
    assert len(chosen_table(app)) == home.N_TRAIN
    app.selectbox(key="pool_order").set_value("reward").run()
    rewards = chosen_table(app)["reward"].tolist()
    assert rewards[:-1] == sorted(rewards[:-1], reverse=True) and math.isnan(rewards[-1])
    app.text_input(key="pool_search").input("17 boxes").run()
    assert chosen_table(app)["question"].tolist() == [home.problem_row(16, "train")["question"]]


def test_answers_on_which_the_grader_disagrees_are_listed(filled, visit):
    app = visit_scored(visit)
    app.segmented_control(key="pool_rows_False").set_value("grader disagrees").run()
    assert not app.exception and chosen_table(app)["problem_id"].tolist() == ["problem_train_005"]


def test_what_is_unknown_is_counted_with_its_reason(filled, visit):
    assert "reward of 1 problem unknown" in texts(visit_scored(visit))


def test_more_seeds_than_there_are_is_one_sentence(filled, visit):
    app = visit("select")
    app.number_input(key="select_k").set_value(1000).run()
    assert not app.exception
    assert "60" in app.error[0].value and button(app, "use_selection").disabled


def test_score_is_a_run(filled, visit):
    app = visit_scored(visit)
    button(app, "score").click().run()
    assert not app.exception
    queued = filled.store.list_runs(["score"], states=["queued"])
    assert queued["title"].tolist() == ["Score pens with tiny (round-1)"]  # the student of the newest finetune
    config = json.loads(queued.iloc[0]["config"])
    assert config["adapter"] == filled.store.list_adapters().iloc[0]["path"]
    assert {"loss", "correct", "reward", "gradient"} <= set(config["signals"])  # what was scored before too


def test_the_address_says_what_is_chosen_and_is_followed(filled, visit):
    app = visit("select", selector="reward_low", pick="softmax", k="7", replicate="3", scored=f"{home.SCORE}/base")
    assert not app.exception and len(chosen_table(app)) == 7
    assert next(box for box in app.selectbox if box.label == "Selector").value == "reward_low"
    assert app.segmented_control(key="pick").value == "softmax"
    assert app.number_input(key="select_replicate").value == 3
    app.number_input(key="select_replicate").set_value(4).run()
    choose_selector(app, "loss_high")
    app.segmented_control(key="select_view").set_value("Compare").run()
    said = {name: "".join(value) for name, value in app.query_params.items()}
    assert (said["replicate"], said["k"], said["view"]) == ("4", "7", "Compare")
    assert "selector" not in said  # the usual one needs no word


@pytest.mark.parametrize("is_link", [False, True])
def test_what_was_chosen_is_still_there_after_a_look_at_another_page(filled, visit, is_link):
    app = visit("select", scored=f"{home.SCORE}/base")
    app.number_input(key="select_replicate").set_value(4).run()
    choose_selector(app, "reward_low")
    query = {name: "".join(value) for name, value in app.query_params.items()}
    app.query_params.clear()  # as the side bar does
    app.switch_page("runs_page.py").run()
    app.query_params.clear()
    app.query_params.update(query if is_link else {})
    app.switch_page("select_page.py").run()
    assert not app.exception and app.number_input(key="select_replicate").value == 4
    assert {name: "".join(value) for name, value in app.query_params.items()} == query
    assert next(box for box in app.selectbox if box.label == "Selector").value == "reward_low"


@pytest.mark.parametrize("query", [{"selector": "none_such"}, {"k": "many"}, {"k": "0"}, {"k": "²"}, {"view": ""}])
def test_an_address_that_makes_no_sense_is_passed_over(filled, visit, query):
    app = visit("select", **query)
    assert not app.exception and len(chosen_table(app)) == home.N_TRAIN // 4


def test_a_signal_that_was_removed_stays_away_and_a_newly_needed_one_comes(filled, visit):
    app = visit_scored(visit)
    signals = next(box for box in app.multiselect if box.label == "Signals")
    signals.set_value([name for name in signals.value if name != "reward"]).run()
    choose_selector(app, "solve_rate")
    taken = next(box for box in app.multiselect if box.label == "Signals").value
    assert "solve_rate" in taken and "reward" not in taken


def test_the_views_compare_and_try_open(filled, visit):
    app = visit_scored(visit)
    for view in ("Compare", "Try a problem"):
        app.segmented_control(key="select_view").set_value(view).run()
        assert not app.exception and not app.error


# -- generate ----------------------------------------------------------------------------------------------------


def test_generate_shows_made_failed_rejected_accepted(filled, visit):
    app = visit("generate", selection=home.SELECT)
    counts = [metric(app, name) for name in ("made", "failed", "rejected", "accepted", "left")]
    assert counts == ["13", "1", "3", "9", "0"]
    reasons = next(table.value for table in app.table if "what" in table.value)
    assert reasons["n"].tolist() == ["3", "1"] and reasons["what"].tolist() == ["rejected by rouge\\_l", "failed"]
    candidates = next(table.value for table in app.dataframe if "what" in table.value)
    assert candidates["what"].tolist() == ["accepted"] * 9 + ["failed"] + ["rejected by rouge_l"] * 3
    assert candidates.iloc[9].iloc[-1] == "The reply holds no question.", "why it failed, in its question's place"


def test_a_preview_comes_before_the_full_run(filled, visit):
    app = visit("generate", selection=home.SELECT)
    button(app, "preview").click().run()
    assert not app.exception and not app.error
    newest = filled.store.list_runs(["generate"]).iloc[0]
    assert newest["is_preview"] and newest["lane"] == "light"
    button(app, "generate").click().run()
    newest = filled.store.list_runs(["generate"]).iloc[0]
    assert not newest["is_preview"] and newest["lane"] == "teacher"


# -- finetune ----------------------------------------------------------------------------------------------------


def test_finetune_says_what_it_trains_on_and_starts(filled, visit):
    app = visit("finetune", sources=home.GENERATE, show="train")
    assert metric(app, "training rows") == "9"
    filled.add_review(home.GENERATE, "candidate_000", "reject")
    app.run()
    assert metric(app, "training rows") == "8"
    app.number_input(key="epochs_tiny").set_value(3).run()
    button(app, "launch").click().run()
    assert not app.exception and not app.error
    newest = filled.store.list_runs(["finetune"]).iloc[0]
    config = filled.store.read_run(newest["run_id"])["config"]
    assert config["n_rows"] == 8 and config["training"]["epochs"] == 3
    assert "Waits for its turn" in app.get("progress")[0].proto.text


def test_the_result_is_paired_with_its_interval(filled, visit):
    app = visit("finetune", run=home.FINETUNE, show="result")
    text = texts(app).replace("\u00a0", " ")
    assert "25.0 % → 60.0 % of 20 test problems" in text
    assert "+35.0 points" in text and "+14.0 points to +56.0 points" in text and "gained 7, lost 0" in text


# -- runs --------------------------------------------------------------------------------------------------------


def test_a_queued_run_is_cancelled_and_a_run_goes_to_the_trash_and_back(filled, visit):
    waiting = filled.submit("score", "Score again", {"seed_set": home.SEED_SET}, lane="device")
    app = visit("runs", run=waiting)
    button(app, f"run_cancel_{waiting}").click().run()
    assert filled.store.read_run(waiting)["state"] == "cancelled"
    app = visit("runs", run=home.FINETUNE)
    button(app, "run_trash").click().run()
    assert not app.exception
    assert filled.store.read_run(home.FINETUNE) is None
    button(app, "restore").click().run()
    assert filled.store.read_run(home.FINETUNE)["state"] == "done"


def test_a_clone_changes_one_thing(filled, visit):
    app = visit("runs", run=home.SCORE)
    app.selectbox(key="clone_name").set_value("student").run()
    app.text_input(key=f"clone_value_{home.SCORE}_student").input("other").run()
    button(app, "clone").click().run()
    assert not app.exception
    newest = filled.store.list_runs().iloc[0]
    assert filled.store.read_run(newest["run_id"])["config"]["student"] == "other"


def test_a_clone_refuses_what_would_change_nothing_and_what_cannot_be(filled, visit):
    app = visit("runs", run=home.FINETUNE)
    names = app.selectbox(key="clone_name").options
    assert {"learning rate", "epochs", "batch size", "student"} <= set(names) and "policy" not in names
    app.selectbox(key="clone_name").set_value("training.epochs").run()
    button(app, "clone").click().run()
    assert "Write another value." in app.warning[0].value
    app.number_input(key=f"clone_value_{home.FINETUNE}_training.epochs").set_value(0).run()
    button(app, "clone").click().run()
    assert "“Epochs” must be at least 1" in app.error[0].value.replace("\\", "")
    assert len(filled.store.list_runs(["finetune"])) == 1


def test_the_shell_command_names_the_folder_and_repeats_what_has_ended(filled, visit):
    app = visit("runs", run=home.LOOP)
    assert any(f"-m core run {filled.settings.home}/runs/{home.LOOP} --again" in code.value for code in app.code)


def test_what_could_not_be_stored_is_said(filled, visit):
    assert not any("Not stored" in expander.label for expander in visit("runs").expander)
    folder = filled.settings.home / "runs" / "20260101-000009-loop-aaaa"
    folder.mkdir()
    (folder / "run.json").write_text("{")
    (filled.settings.home / "runs" / home.FINETUNE / "records" / "poems.jsonl").write_text("{}\n")
    filled._watch.touch(home.FINETUNE)
    filled.step()
    app = visit("runs")
    labels = [expander.label for expander in app.expander]
    assert any("Not stored (2)" in label for label in labels), labels
    (folder / "run.json").unlink()
    folder.rmdir()
    filled.step()
    assert filled.unread == {}
