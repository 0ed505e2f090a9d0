"""The page Experiments: what a text amounts to, how runs stand, and what came of them."""

import json
import tomllib

import numpy as np
import pandas as pd
import pytest

from core.figures.experiments import draw_learning, draw_win_rates, find_styles
from core.recipes.experiment import describe_replicate, open_experiment
from core.runs.folder import RunFolder
from pages.components.experiment_form import list_sets
from pages.components.experiment_table import to_numbers
from tests.pages import home
from tests.pages.steered import add_check, make_config
from tests.pages.test_pages import button, texts

ARMS = {"random": 0.02, "loss_high": 0.05}
N = 12


def add_arm(place, config, arm, replicate, state="done"):
    """A run of two rounds whose accuracy rises by the arm's step, with children that resemble their seeds."""
    about = {"seed_set_name": "pens", "task": "word_problems", "student": "tiny", "selector": arm, "k": N, "rounds": 2}
    about |= {"parent": config["parent"], "arm": arm, "replicate": replicate, "seed_set": home.SEED_SET}
    title = f"pens: {arm}, replicate {replicate}"
    folder = RunFolder.create(place, "loop", title=title, config=about, lane="device", starts_itself=True)
    rng = np.random.default_rng([len(arm), replicate])
    with folder.hold():
        if state == "failed":
            folder.finish("failed", error="It met a stone; go round it.")
            return
        for number in range(3):
            accuracy = 0.4 + ARMS[arm] * number + 0.01 * replicate
            row = {"round": number, "split": "test", "n": 100, "accuracy": accuracy, "low": 0.3, "high": 0.6}
            row["difference"] = accuracy - 0.4 if number else None
            folder.append("evaluations", {**row, "written_at": 5.0})
            folder.append("evaluations", {**row, "split": "ood", "n": 50, "accuracy": 0.1, "written_at": 5.0})
        for number in (1, 2):
            tokens = {"n_input_tokens": 900, "n_output_tokens": 100}
            call = {"call_id": f"k_{number}", "purpose": "question", "is_cached": False, "finish_reason": "stop"}
            folder.append("calls", {**call, **tokens, "written_at": 6.0 * number - 1})
            tokens |= {"accepted": N, "selected": N, "training_rows": N * number}
            folder.append("rounds", {"round": number, **tokens, "written_at": 6.0 * number})
            folder.append("selections", {"round": number, "seed_set_id": home.SEED_SET, "selector": arm, "k": N,
                                         "replicate": replicate, "student": "base", "written_at": 3.0})  # fmt: skip
        seeds = [{"problem_id": f"problem_train_{i:03d}", "loss": i / 10, "is_correct": True} for i in range(2 * N)]
        children = [{"problem_id": f"c{i}", "loss": i / 10 + rng.random(), "is_correct": i < N} for i in range(2 * N)]
        for i in range(2 * N):
            about = {"candidate_id": f"c{i}", "round": 1 + i // N, "position": i, "failure": None}
            texts_ = {"parents": [f"problem_train_{i:03d}"], "question": "?", "answer": "1"}
            folder.append("candidates", {**about, **texts_})
        answers = pd.DataFrame([*seeds, *children]).assign(student="base", split="train", text="", final="1")
        folder.write_part("predictions", answers.assign(n_tokens=1, is_truncated=False))
        scored = answers[["student", "problem_id"]].assign(signal="correct", value=answers["is_correct"].astype(float))
        folder.write_part("scores", scored.assign(note=None).astype({"note": "str"}))
        folder.finish("done", {"n_test": 100})


@pytest.fixture
def experiment(filled):
    return add_experiment(filled, "Two arms")


def add_experiment(filled, title):
    """Two arms by three replicates, one of which failed; returns the run id."""
    place = filled.settings.home
    arms = [{"name": arm, "recipe": "active", "settings": {"selector": arm}} for arm in ARMS]
    about = {"seed_set": home.SEED_SET, "seed_set_name": "pens", "student": "tiny", "replicates": [0, 1, 2]}
    folder = open_experiment(place, title, {**about, "arms": arms})
    for replicate in range(3):
        title, config = describe_replicate(folder, replicate)
        run = RunFolder.create(place, "replicate", title=title, config=config, lane="device")
        with run.hold():
            for arm in ARMS:
                add_arm(place, config, arm, replicate, "failed" if (arm, replicate) == ("random", 2) else "done")
            run.finish("done", {"n_arms": 2, "failed": {}})
    filled.step()
    return folder.run_id


@pytest.fixture
def drawn(monkeypatch):
    figures = {}
    for name in ("compare", "steering", "choices", "wins"):
        path = f"pages.components.experiment_{name}.draw_chart"
        monkeypatch.setattr(path, lambda figure, *, key: figures.update({key: figure}))
    return figures


def test_a_text_is_said_in_arms_and_runs_and_queued_for_each_replicate(filled, visit):
    app = visit("experiments")
    assert not app.exception and "**2 arms** × 3 replicates = 6 runs" in texts(app)
    assert "How long it takes is not known" in texts(app)
    text = app.text_area(key="experiment_text").value
    app.text_area(key="experiment_text").set_value("seed_set = ").run()
    assert "This is no TOML" in texts(app).replace("\\", "") and button(app, "start_experiment").disabled
    app.text_area(key="experiment_text").set_value(text.replace("random", "by magic")).run()
    assert not app.exception and "by magic" in app.error[0].value.replace("\\", "")
    assert button(app, "start_experiment").disabled
    app.text_area(key="experiment_text").set_value(text).run()
    button(app, "start_experiment").click().run()
    assert not app.exception and not app.error
    runs = filled.store.list_runs(["replicate"])
    assert runs["state"].tolist() == ["queued"] * 3
    assert [arm["name"] for arm in json.loads(runs.iloc[0]["config"])["arms"]] == ["random", "loss_high"]
    assert "Replicate 2" in texts(app) and "".join(app.query_params["show"]) == "watch"


def test_the_form_writes_the_file(filled, visit):
    app = visit("experiments")
    assert "Hard seeds against random ones" in app.text_area(key="experiment_text").value
    app.selectbox(key="form_seed_set").set_value("pens").run()
    app.selectbox(key="form_recipe").set_value("negatives").run()
    app.multiselect(key="form_negatives").set_value(["sft", "rft", "dpo"]).run()
    app.number_input(key="form_accepted").set_value(7).run()
    assert not app.exception
    written = tomllib.loads(app.text_area(key="experiment_text").value)
    assert written["seed_set"] == "pens" and written["common"] == {"accepted": 7, "rounds": 2}
    assert written["arm"] == [{"recipe": "negatives", "objective": ["sft", "rft", "dpo"]}]
    assert "**3 arms** × 3 replicates = 9 runs" in texts(app)
    button(app, "start_experiment").click().run()
    assert not app.exception and not app.error
    (experiment,) = filled.store.list_experiments().to_dict("records")
    assert experiment["seed_set_id"] == home.SEED_SET and experiment["n_runs"] == 9


def test_a_set_that_shares_its_name_is_known_by_its_id():
    rows = [
        ("a", "pens", 5, 1.0),
        ("b", "pens", 5, 2.0),
        ("c", "maths", 5, 3.0),
        ("d", "tins", 5, 4.0),
        ("e", "x", 0, 5.0),
    ]
    found = list_sets(pd.DataFrame(rows, columns=["run_id", "name", "n_train", "created_at"]))
    assert list(found)[-4:] == ["a", "b", "c", "tins"] and found["maths"] == "maths" and "x" not in found
    assert found["a"].startswith("pens, imported") and found["tins"] == "tins"


def test_how_runs_stand_is_shown_and_what_failed_can_be_tried_again(experiment, filled, visit):
    app = visit("experiments", experiment=experiment, show="watch")
    text = texts(app).replace("\\", "")
    assert not app.exception and "**Replicate 2**" in text and "It met a stone; go round it." in text
    again = [item for item in app.button if item.label == "Try what failed again"]
    assert len(again) == 1
    again[0].click().run()
    replicate = again[0].key.removeprefix("again_")
    filled.step()
    assert filled.store.read_run(replicate)["state"] in ("queued", "running")


def test_what_was_found_is_drawn_and_told(experiment, visit, drawn):
    app = visit("experiments", experiment=experiment)
    text = texts(app).replace("\\", "").replace("\u00a0", " ")
    assert not app.exception and "1 run excluded: random, replicate 2: failed." in text
    assert set(drawn) == {"learning", "wins_0"} and "points, paired by replicate" in text
    table = next(item.value for item in app.table if "its data" in item.value)
    app.segmented_control(key="experiment_part").set_value("steering").run()
    assert not app.exception and set(drawn) == {"learning", "wins_0", "sets", "pairs", "cumulative", "gaps"}
    assert table["arm"].tolist() == ["loss\\_high"] and table["its data"].tolist() == ["10"]
    assert table["random\\'s data"].tolist() == ["24"]
    assert table["multiplier"].tolist()[0].replace("\\", "").replace("\u00a0", " ").startswith("2.50×")
    app.segmented_control(key="experiment_part").set_value("choices").run()
    assert not app.exception and {"choices_scores", "shifts", "shifted"} <= set(drawn)
    app.segmented_control(key="experiment_part").set_value("curves").run()
    app.segmented_control(key="experiment_over").set_value("n_tokens").run()
    means = [trace for trace in drawn["learning"]["data"] if trace.get("name") == "loss_high"]
    assert means[0]["x"] == [0.0, 1000.0, 2000.0]
    json.dumps(drawn, allow_nan=False)


def test_arms_of_several_experiments_meet_in_one_matrix(experiment, filled, visit, drawn, monkeypatch):
    met = []
    monkeypatch.setattr(
        "pages.components.experiment_wins.draw_win_rates",
        lambda rates, *, view: met.append(int(rates.meetings.loc["random", "loss_high"])) or {},
    )
    assert not visit("experiments", experiment=experiment).multiselect
    other = add_experiment(filled, "The same again")
    app = visit("experiments", experiment=experiment)
    app.multiselect(key=f"together_{experiment}").set_value([other]).run()
    assert not app.exception and met == [2, 2, 4], "two sizes in each"


def test_what_a_server_will_be_asked_is_told_beforehand(experiment, visit):
    app = visit("experiments", show="define")
    server = '\n[teacher]\nbase_url = "https://api.openai.com/v1"\nmodel = "gpt-4o-mini"\n'
    text = app.text_area(key="experiment_text").value
    assert "tokens to the teacher" not in texts(app)
    app.text_area(key="experiment_text").set_value(text + server).run()
    told = texts(app).replace("\\", "")
    # 900 in and 100 out for 12 accepted, 50 a round, two rounds, two arms, three replicates
    assert not app.exception and "45.0k tokens to the teacher and 5.0k back, at most some **$0.0" in told
    assert "by 5 earlier runs of any teacher" in told.replace("\u00a0", " ")


def test_curves_are_drawn_on_every_test_set(experiment, visit, drawn):
    app = visit("experiments", experiment=experiment)
    means = [trace["y"] for trace in drawn["learning"]["data"] if trace.get("name") == "loss_high"]
    assert means == [[41.0, 46.0, 51.0]] and "Test accuracy, % of 100" in json.dumps(drawn["learning"])
    app.selectbox(key="experiment_test_set").set_value("ood").run()
    means = [trace["y"] for trace in drawn["learning"]["data"] if trace.get("name") == "loss_high"]
    assert not app.exception and means == [[10.0, 10.0, 10.0]]
    assert "Accuracy out of distribution, % of 50" in json.dumps(drawn["learning"])


def test_the_rounds_of_a_run_open_their_seeds_and_children(experiment, visit):
    app = visit("experiments", experiment=experiment, show="watch")
    text = texts(app).replace("\\", "").replace("\u00a0", " ")
    assert not app.exception and "**Round 2**" in text and "Before any training: 40.0 %" in text
    links = [f"{link.proto.page}?{link.proto.query_string}" for link in app.get("page_link")]
    for number in (1, 2):
        assert sum("show=rows" in link and f"round={number}" in link for link in links) == 1
        assert sum("show=result" in link and f"round={number}" in link for link in links) == 1
    opens = [item for item in app.button if item.key and item.key.startswith("open_")]
    assert [item.label for item in opens] == [f"{N} seeds", f"{N} children"] * 2
    opens[0].click().run()
    assert not app.exception and "**Seeds of round 1**" in texts(app)
    children = [item for item in app.button if item.key and item.key.startswith("open_children")]
    children[1].click().run()
    assert "**Children of round 2**" in texts(app) and "**Seeds of round 1**" not in texts(app)
    children = [item for item in app.button if item.key and item.key.startswith("open_children")]
    children[1].click().run()
    assert "**Children of round 2**" not in texts(app)


def test_an_address_of_no_experiment_is_told_and_not_passed_over(experiment, visit):
    app = visit("experiments", experiment="20260101-000000-experiment-gone", show="compare")
    assert not app.exception and "There is no experiment 20260101" in app.warning[0].value.replace("\\", "")


def test_finished_checks_stand_with_what_was_asked_for(experiment, filled, visit, drawn):
    for replicate in (0, 1):
        config = make_config(parent=experiment, arm="check", recipe="steerability", replicate=replicate)
        add_check(filled.settings.home, f"20260101-00001{replicate}-steerability-aaaa", config)
    filled.step()
    app = visit("experiments", experiment=experiment, show="compare")
    app.segmented_control(key="experiment_part").set_value("steering").run()
    assert not app.exception
    rows = app.table[0].value
    assert rows["replicate"].tolist() == ["all", "0", "1"] * 2 and rows["children"].tolist()[0] == "96"
    links = [link.proto.label.replace("\\", "") for link in app.get("page_link")]
    assert "See check, replicate 0" in [label.replace("\u00a0", " ") for label in links]


def test_the_file_of_a_table_is_for_computing():
    lines = pd.DataFrame({
        "arm": ["random", "loss_high"], "at 30": ["45.5 ± 0.2 (45.0)", "1,045.8 (44.0)"], "95 %": ["−1.3 to +3.0", "–"],
        "p": ["< 0.001", "0.500"], "multiplier": ["1.50× (1.12 to 1.28)", "2.00×"],
    })  # fmt: skip
    found = to_numbers(lines)
    assert found["arm"].tolist() == ["random", "loss_high"]
    assert found["at 30"].tolist() == ["45.5", "1045.8"] and found["at 30 ±"].tolist() == ["0.2", ""]
    assert found["at 30 ()"].tolist() == ["45.0", "44.0"]
    assert found["95 % from"].tolist() == ["-1.3", ""] and found["95 % to"].tolist() == ["3.0", ""]
    assert found["p"].tolist() == ["< 0.001", "0.500"]
    assert found[["multiplier", "multiplier () from", "multiplier () to"]].iloc[0].tolist() == ["1.50", "1.12", "1.28"]


def test_an_arm_that_trains_nothing_is_a_level_line():
    rows = [("pens", "a", 0, size, 0.5 + size / 100, size // 5, 9, size, None, "loop") for size in (0, 5)]
    rows += [("pens", "the <teacher>", r, 0, 0.9 + r / 10, 0, 9, 0, None, "zero_shot") for r in (0, 1)]
    columns = ["data_set", "method", "replicate", "size", "accuracy", "round", "n_test", "n_tokens", "selector", "kind"]
    figure = draw_learning(pd.DataFrame(rows, columns=columns).assign(split="maths/test"))
    level = figure["data"][-1]
    assert level["name"] == "the &lt;teacher&gt;" and level["x"] == [0, 5.0] and level["y"] == [95.0, 95.0]
    json.dumps(figure, allow_nan=False)


def test_the_report_is_offered_and_made_in_the_click(experiment, filled, visit, drawn, monkeypatch):
    offered = {}
    monkeypatch.setattr(
        "pages.components.experiment_report.st.download_button",
        lambda label, data, *_, **__: offered.update({label: data}),
    )
    assert not visit("experiments", experiment=experiment).exception
    text = offered["Report (HTML)"]()
    assert text.startswith("<!DOCTYPE html>") and "It met a stone; go round it." in text


def test_arms_are_told_by_their_replicate_and_are_no_runs_of_the_overview(experiment, filled, visit):
    arms = filled.store.list_experiment_runs(experiment).dropna(subset=["method"])["run_id"]
    assert not set(arms) & {end.run_id for end in filled.ends.list_after(0) if not end.is_quiet}
    assert not set(arms) & set(filled.store.list_evaluations()["run_id"])
    assert not visit("overview").exception


def test_two_arms_of_one_selector_have_colours_of_their_own():
    rows = [("pens", arm, r, size, 0.5, 0, 9, size, "badge") for arm in ("a", "b") for r in (0, 1) for size in (0, 5)]
    columns = ["data_set", "method", "replicate", "size", "accuracy", "round", "n_test", "n_tokens", "selector"]
    points = pd.DataFrame(rows, columns=columns).assign(kind="loop", split="test")
    styles = find_styles(points)
    assert styles["a"] != styles["b"]
    figure = draw_learning(points)
    assert [trace["name"] for trace in figure["data"] if trace.get("name")] == ["a", "b"]
    json.dumps(figure, allow_nan=False)


def test_the_matrix_says_nothing_where_two_never_met():
    from core.analysis.win_rates import measure_win_rates

    rows = [("pens", "a", 5, 0.6, 0.01, 3), ("pens", "b", 5, 0.4, 0.01, 3), ("tins", "<c>", 5, 0.4, 0.01, 3)]
    curves = pd.DataFrame(rows, columns=["data_set", "method", "budget", "mean", "se", "n"])
    figure = draw_win_rates(measure_win_rates(curves))
    assert figure["data"][0]["z"][1] == [None, None, 1.0] and figure["data"][0]["z"][-1] == [None, 0.0, 1.0]
    assert figure["layout"]["yaxis"]["ticktext"] == ["&lt;c&gt;", "a", "b", "<b>mean<br>(lower is better)</b>"]
    json.dumps(figure, allow_nan=False)
