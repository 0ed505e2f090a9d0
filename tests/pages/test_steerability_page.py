"""The page Steerability: what is missing, the one button, the knob and its sentence, and the view to present."""

import pytest

from pages.components.frame import TEACHER_NOTE
from tests.pages import home
from tests.pages.steered import CHECK, N_WITHOUT, N, add_check, make_config
from tests.pages.test_pages import button, texts


@pytest.fixture
def drawn(monkeypatch):
    figures = {}
    path = "pages.components.steer_finding.draw_chart"
    monkeypatch.setattr(path, lambda figure, *, key: figures.update({key: figure}))
    return figures


@pytest.fixture
def checked(filled):
    add_check(filled.settings.home)
    filled.step()
    return filled


def read(app) -> str:
    return texts(app).replace("\\", "").replace("\u00a0", " ")


def test_without_a_loop_it_says_what_is_missing(empty, visit):
    app = visit("steerability")
    assert not app.exception and "no seed set is here yet" in read(app)
    assert not app.button


def test_without_a_finished_loop_it_says_which_verbs_make_one(tmp_path, visit):
    from core import hub as hubs
    from tests.pages.conftest import open_home

    for add in (home.add_seed_set, home.add_scores):
        add(tmp_path)
    open_home(tmp_path)
    try:
        app = visit("steerability")
        assert not app.exception and "**pens** has none yet" in read(app) and not app.button
    finally:
        hubs.close()


def test_checks_of_other_seed_sets_are_found(filled, visit):
    add_check(filled.settings.home, config=make_config(seed_set="tins", seed_set_name="tins"))
    filled.step()
    app = visit("steerability")
    assert "See the check of tins" in [each.label for each in app.button]
    assert not app.exception and "Nothing of pens was checked yet" in read(app)


def test_one_button_checks_the_newest_finished_loop(filled, visit):
    app = visit("steerability")
    assert not app.exception and "Nothing of pens was checked yet" in read(app) and "Demo: pens, loss_high" in read(app)
    primary = [each.key for each in app.button if each.proto.type == "primary"]
    assert primary == ["start_check"]
    app.number_input(key="steer_sample").set_value(40).run()
    assert "40 requests of the teacher, 160 answers" in read(app)
    assert button(app, "start_check").label == "Check 40 seeds"
    button(app, "start_check").click().run()
    assert not app.exception and not app.error
    runs = filled.store.list_steerability(home.SEED_SET)
    config = filled.store.read_run(runs.iloc[0]["run_id"])["config"]
    assert (config["of"], config["sample"], config["teacher"]) == (home.LOOP, 40, "built-in")
    assert "Waits for its turn" in app.get("progress")[0].proto.text
    assert "start_check" not in [each.key for each in app.button]  # one at a time
    button(app, f"cancel_{runs.iloc[0]['run_id']}").click().run()
    filled.step()
    app.run()
    assert button(app, "check_again").label == "Go on" and button(app, "start_check")


def test_how_long_it_takes_is_told_by_an_earlier_check_only(checked, visit):
    from core.recipes.steering_checks import estimate_check

    found = estimate_check(checked, "tiny", 520)
    run = checked.store.read_run(CHECK)
    assert found.is_whole and found.seconds == pytest.approx(10 * (run["ended_at"] - run["started_at"]))
    assert estimate_check(checked, "another", 520) is None
    assert "as the last check of this student took" in read(visit("steerability"))


def test_the_sentence_follows_the_knob(checked, visit, drawn):
    app = visit("steerability", run=CHECK)
    text = read(app)
    assert not app.exception
    assert (
        "Ask for hard seeds, and the student before training answers 0 % of their children rightly, against 33 % of "
        "all children: 33 points fewer (95 % interval" in text
    )
    assert "Hard seeds have a mean loss 0.33 higher than all seeds. Their children against all children: 0.3" in text
    assert f"16 of {N} seeds that have a child. {N_WITHOUT} more had none that could be used." in text
    assert text.count("A harder seed mostly has a harder child") == 2
    assert set(drawn) == {"moved_seeds", "moved_children", "cumulative"}
    assert [each.label for each in app.get("download_button")] == ["CSV"]
    assert drawn["moved_children"]["data"][1]["name"].startswith("16 children of hard seeds, mean 1.")
    app.pills(key="steer_wish").set_value("easy").run()
    app.segmented_control(key="steer_share").set_value("half").run()
    assert "Ask for easy seeds, and the student before training answers 67 % of their children rightly" in read(app)
    app.segmented_control(key="steer_student").set_value("last").run()
    assert "Ask for easy seeds, and the trained student answers" in read(app)
    address = {name: "".join(value) for name, value in app.query_params.items()}
    assert {"wish": "easy", "share": "half", "student": "last", "run": CHECK}.items() <= address.items()


def test_right_answers_so_far_are_drawn_for_both_students_by_the_score_of_the_wish(checked, visit, drawn):
    app = visit("steerability", run=CHECK)
    lines = {each["name"]: each["y"] for each in drawn["cumulative"]["data"] if "name" in each}
    assert list(lines) == ["before training", "after training"]
    assert lines["before training"][66] == 0 and lines["before training"][100] == pytest.approx(100 / 3, abs=0.01)
    assert lines["after training"][50] == pytest.approx(25, abs=0.6), "every other child, whatever its seed"
    assert "highest loss of the seed first" in str(drawn["cumulative"]["layout"])
    assert "a band holds 95 of 100 random orders" in read(app)
    assert "The loss of seeds and of their children: before training ρ 0.9" in read(app) and ", p < 0.001)" in read(app)
    app.pills(key="steer_wish").set_value("low_reward").run()
    assert not app.exception and "lowest reward of the seed first" in str(drawn["cumulative"]["layout"])
    app.pills(key="steer_wish").set_value("easy").run()
    assert not app.exception and "highest loss of the seed first" in str(drawn["cumulative"]["layout"])


def test_what_lies_within_chance_is_not_told(checked, visit, drawn):
    text = read(visit("steerability", run=CHECK, student="last"))
    assert "50 % of their children rightly, against 50 % of all children. No difference can be told (95 %" in text
    assert "so nothing can be told" in read(visit("steerability", run=CHECK, share="tenth"))  # of five children


def test_accuracy_before_and_after_has_its_intervals(checked, visit, drawn):
    text = read(visit("steerability", run=CHECK))
    assert "**25.0 % → 60.0 %** of 20 test problems answered rightly" in text
    assert "11.0 to 47.0 % before, 39.0 to 78.0 % after; change +35.0 points (+14.0 points to +56.0 points)" in text


def test_pairs_stand_side_by_side_and_are_obeyed_in_nothing(checked, visit, drawn):
    app = visit("steerability", run=CHECK, wish="easy")
    text = "\n".join(item.value for item in app.markdown)
    assert "16 pairs of easy seeds, in random order" in read(app)
    assert text.count("Tom buys") == 3 and text.count("Mia has") + text.count("How many?") >= 3
    for item in app.markdown:
        assert "![x](" not in item.value and "<img" not in item.value


def test_the_presenting_view_has_the_story_and_no_control_but_the_way_out(checked, visit, drawn):
    app = visit("steerability", run=CHECK, wish="easy", present="1")
    text = read(app)
    assert not app.exception and not app.title
    assert "Ask for easy seeds, and the student before training answers" in text and "25.0 % → 60.0 %" in text
    assert set(drawn) == {"moved_seeds", "moved_children"}
    assert [each.key for each in app.button] == ["leave_presenting"]
    assert not (app.selectbox or app.number_input or app.expander or app.get("page_link") or app.get("pills"))
    assert sum("Tom buys" in item.value for item in app.markdown) == 2
    assert TEACHER_NOTE in texts(app)
    button(app, "leave_presenting").click().run()
    assert app.title[0].value == "Steerability" and "present" not in app.query_params
    assert "Ask for easy seeds" in read(app)


def test_a_present_in_the_address_of_another_page_hides_nothing(checked, visit):
    app = visit("seeds", present="1")
    assert not app.exception and app.title[0].value == "Seeds" and "present" not in app.query_params


def test_what_is_not_checked_yet_cannot_be_presented(filled, visit):
    app = visit("steerability", present="1")
    assert not app.exception and button(app, "start_check") and "present" not in app.query_params


def test_a_real_teacher_is_not_called_a_stand_in(filled, visit, drawn):
    server = {"base_url": "http://127.0.0.1:1/v1", "model": "m"}
    add_check(filled.settings.home, config=make_config(teacher=server))
    filled.step()
    for more in ({}, {"present": "1"}):
        assert TEACHER_NOTE not in texts(visit("steerability", run=CHECK, **more))
    assert not visit("steerability", run=CHECK).exception
