"""What a person chooses on Select: boxes that tell options apart, numbers that follow the pool, clicked bars."""

import time

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.figures.histograms import draw_signal
from core.recipes import selecting
from core.runs.folder import RunFolder
from pages.components.choosing import name_scorer
from pages.components.distribution import fit_to_bins
from pages.components.frame import name_run, tell_apart
from tests.pages import home
from tests.pages.test_pages import texts


def test_runs_that_read_alike_can_be_told_apart():
    row = {"run_id": home.SCORE, "student": "base", "student_name": "tiny", "created_at": 1.0, "accuracy": 0.5, "n": 9}
    other = {**row, "run_id": home.SCORE[:-4] + "ffff"}
    labels = [f"{each['run_id']}/base" for each in (row, other)]
    shown = tell_apart(labels, lambda key: "tiny, base, 15:05")
    assert shown(labels[0]) != shown(labels[1]) and shown(labels[1]).endswith(" · ffff")
    same = [f"{home.SCORE}/{student}" for student in ("base", "round-1")]
    assert len({tell_apart(same, lambda key: "tiny, 15:05")(key) for key in same}) == 2
    assert tell_apart(labels[:1], lambda key: "tiny")(labels[0]) == "tiny"


def test_the_usual_number_follows_the_pool_until_somebody_chooses_one():
    def page():
        import streamlit as st

        from pages.components.frame import choose_number

        choose_number("Seeds", 1, param="k", key="k", usual=st.session_state.get("n", 40))

    app = AppTest.from_function(page).run()
    app.session_state["n"] = 15
    assert app.run().number_input[0].value == 15
    app.number_input[0].set_value(7).run()
    app.session_state["n"] = 30
    assert app.run().number_input[0].value == 7 and dict(app.query_params) == {"k": "7"}


def test_a_box_is_set_anew_for_a_new_title_and_not_for_every_choice():
    def page():
        import streamlit as st

        from pages.components.frame import choose

        choose("Run", ["a", "b"], param="run", key="box", shown=st.session_state.get("titles", {}).get)

    app = AppTest.from_function(page)
    app.session_state["titles"] = {"a": "One", "b": "Two"}
    app.run()
    assert not app.selectbox[0].set_value("b").run().selectbox[0].proto.set_value  # what is sent back may be too late
    app.session_state["titles"] = {"a": "One", "b": "Three"}
    box = app.run().selectbox[0]
    assert box.proto.set_value and box.value == "b" and box.options == ["One", "Three"]


@pytest.mark.parametrize("n_values", [17, 5, 1000])
def test_a_clicked_bar_gives_the_problems_that_it_counts(n_values):
    rng = np.random.default_rng(0)
    values = rng.integers(0, n_values, 500) / (n_values - 1)  # many of them on the edges of bins
    figure = draw_signal(values, [], title="", axis="")
    edges, bars = np.array(figure["layout"]["meta"]["edges"]), figure["data"][0]
    taken = 0
    for middle, share in zip(bars["x"], bars["y"], strict=True):
        limits = fit_to_bins((middle - bars["width"] / 2, middle + bars["width"] / 2), edges)
        rows = pd.Series(values).between(*limits, inclusive="left").sum()
        assert rows == round(share / 100 * len(values))
        taken += rows
    assert taken == len(values)


def test_right_means_every_step_right_wherever_steps_are_checked(filled, visit, monkeypatch):
    read = selecting.read_pool

    def with_a_wrong_step(*args):
        frame, pool = read(*args)
        frame.loc[0, "correct"] = 0.0  # its final answer is right
        return frame, pool

    monkeypatch.setattr("core.recipes.selecting.read_pool", with_a_wrong_step)
    app = visit("select", scored=f"{home.SCORE}/base")
    table = next(table.value for table in app.dataframe if "rank" in table.value)
    assert table.iloc[0]["is_correct"] and table.iloc[0]["answered"] == "wrong"
    assert not any("check: right" in item.value for item in app.markdown)


def test_a_selector_that_somebody_chose_stays_when_scores_come(filled, visit, monkeypatch):
    read = selecting.read_pool

    def find_box(app):
        return next(box for box in app.selectbox if box.label == "Selector")

    for chosen, after in ((None, "loss_high"), ("badge", "badge")):
        with monkeypatch.context() as patch:
            patch.setattr(selecting, "read_pool", lambda hub, seed_set, *scored: read(hub, seed_set, None))
            app = visit("select", scored=f"{home.SCORE}/base")
            assert find_box(app).value == "random"
            if chosen:
                find_box(app).set_value(chosen).run()
        assert find_box(app.run()).value == after


def test_a_sent_link_shows_the_same_comparison_and_the_same_earlier_choice(filled, visit):
    compared = ["reward_low", "loss_low · softmax"]
    app = visit("select", scored=f"{home.SCORE}/base", view="Compare", compare=compared)
    box = next(box for box in app.multiselect if box.label.startswith("Compare"))
    assert not app.exception and set(compared) <= set(box.value)
    box.set_value(compared[:1]).run()
    assert "loss_low · softmax" not in app.query_params["compare"]
    app = visit("select", earlier=f"{home.SELECT}/1")
    box = next(box for box in app.selectbox if "earlier" in box.label)
    assert box.value == f"{home.SELECT}/1"
    box.set_value(None).run()
    assert "earlier" not in app.query_params


def choose_by(hub, adapter: str | None, student: str) -> dict:
    """A selection by the answers of a score run; returns its row."""
    config = {"seed_set": home.SEED_SET, "student": "tiny", "adapter": adapter, "label": student}
    scores = RunFolder.create(hub.settings.home, "score", title="Score", config=config, lane="device")
    folder = RunFolder.create(hub.settings.home, "select", title="Select", config=config, lane="light")
    for each in (scores, folder):
        with each.hold():
            if each is folder:
                each.append("selections", {
                    "round": 1, "seed_set_id": home.SEED_SET, "selector": "loss_high", "k": 3, "replicate": 0,
                    "prediction_run_id": scores.run_id, "student": student, "n_pool": 60, "n_topped_up": 0,
                    "written_at": time.time(),
                })  # fmt: skip
            each.finish("done", {})
    hub.step()
    return hub.store.list_selections().iloc[0].to_dict()


def test_a_selection_names_the_student_that_answered_and_what_trained_it(filled, visit):
    assert "Scored by the answers of the student tiny." in texts(visit("generate", selection=home.SELECT))
    path = f"runs/{home.FINETUNE}/checkpoints/adapter"
    row = choose_by(filled, path, "round-1")
    run = filled.store.read_run(home.FINETUNE)
    assert name_scorer(filled, row) == f"the student tiny, {name_run(run)}"
    assert "of the student tiny, " in texts(visit("generate", selection=row["run_id"])).replace("\\", "")
    assert (
        name_scorer(filled, choose_by(filled, "/elsewhere/adapter", "round-1"))
        == "the student tiny, with /elsewhere/adapter"
    )
    of_loop = {"prediction_run_id": home.LOOP, "student": "round-2"}
    assert name_scorer(filled, of_loop) == "the student tiny after round 2"
    assert name_scorer(filled, {"prediction_run_id": "gone", "student": "base"}) == "a run that is no longer there"
