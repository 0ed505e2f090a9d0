"""The part of Compare that asks whether the children are what the seeds were chosen for."""

import json

from tests.pages.test_experiments import N, drawn, experiment  # noqa: F401
from tests.pages.test_pages import texts


def open_part(visit, experiment):  # noqa: F811
    app = visit("experiments", experiment=experiment)
    app.segmented_control(key="experiment_part").set_value("steering").run()
    assert not app.exception
    return app


def read(app) -> str:
    return texts(app).replace("\\", "").replace("\u00a0", " ")


def test_every_arm_has_its_row_and_the_random_one_is_first(experiment, visit, drawn):  # noqa: F811
    app = open_part(visit, experiment)
    (within,) = (item.value for item in app.table)
    assert within["arm"].tolist() == ["random", "loss\\_high"] and within["seeds"].tolist() == ["random", "chosen"]
    assert within["rounds told"].tolist() == ["4", "6"] and within["not told"].tolist() == ["0", "0"]
    assert within["replicates"].tolist() == ["2", "3"] and within["ρ"].str.startswith("0\\.").all()
    assert "that takes 4 arms of one student" in read(app)
    assert "their rounds depend on one another" in read(app)


def test_a_score_that_tells_nothing_says_so(experiment, visit, drawn):  # noqa: F811
    app = open_part(visit, experiment)
    app.segmented_control(key="experiment_signal").set_value("correct").run()
    within = app.table[0].value
    assert not app.exception and within["ρ"].tolist() == ["–", "–"] and within["not told"].tolist() == ["4", "6"]
    assert "no rank correlation can be told of 12 pairs" in read(app)


def test_the_pairs_of_one_round_are_of_one_arm_and_replicate_with_a_p_value(experiment, visit, drawn):  # noqa: F811
    app = open_part(visit, experiment)
    assert len(drawn["pairs"]["data"][0]["x"]) == N and drawn["pairs"]["data"][0]["name"] == "random"
    assert {trace["name"]: len(trace["x"]) for trace in drawn["sets"]["data"]} == {"random": 2, "loss_high": 3}
    assert "random, replicate 0: ρ 0." in read(app) and " of 12 pairs." in read(app) and ", p " in read(app)
    app.selectbox(key="experiment_arm").set_value("loss_high").run()
    app.segmented_control(key="steering_replicate").set_value(2).run()
    assert "loss_high, replicate 2: ρ 0." in read(app) and drawn["cumulative"]["data"][-1]["name"] == "loss_high"
    app.selectbox(key="experiment_arm").set_value("random").run()
    assert not app.exception and "random, replicate 0: ρ 0." in read(app), "its replicate 2 failed"


def test_right_answers_are_drawn_in_the_order_of_the_chosen_score(experiment, visit, drawn):  # noqa: F811
    app = open_part(visit, experiment)
    app.segmented_control(key="experiment_round").set_value(2).run()
    for chart in ("cumulative", "gaps"):
        assert "highest loss of the seed first" in json.dumps(drawn[chart])
    assert len([each for each in drawn["cumulative"]["data"] if each["line"].get("width") == 1]) == 2
    app.segmented_control(key="experiment_signal").set_value("correct").run()
    assert not app.exception
    for chart in ("cumulative", "gaps"):
        assert "seeds answered wrongly first" in json.dumps(drawn[chart])
    json.dumps(drawn, allow_nan=False)
