"""Comparing methods on the page: empty, started, live, done, with real runs of the built-in teacher in between."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.models.embedder import WIDTH, Embedder
from core.recipes.comparing_methods import list_comparisons, read_comparison, start_comparison
from core.recipes.kinds import execute
from core.runs.folder import RunFolder
from pages.components import numbers
from pages.components.method_measures import describe_kinds, make_measure_table, make_outcome_table, name_method
from tests.pages.home import SELECT

CHOICES = {"method": "rewrite", "teacher": "built-in", "filters": ["rouge_l", "verified"], "budget": {"tokens": None}}
METHODS = ["rewrite", "vs_standard", "incorrect"]


class LengthEmbedder:
    """Any vectors do here; the real encoder takes seconds to come."""

    def embed(self, texts):
        vectors = np.ones((len(texts), WIDTH), np.float32)
        vectors[:, 0] = [len(text) for text in texts]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def encoder(monkeypatch):
    monkeypatch.setattr(Embedder, "load", LengthEmbedder)


def script(selection_run, choices):
    import streamlit as st

    from core.hub import get_hub
    from pages.components.method_table import draw_method_comparison

    st.title("Compare")
    rows = get_hub().store.list_selections()
    row = rows[rows["run_id"] == selection_run].iloc[0].to_dict()
    draw_method_comparison(get_hub(), selection_run, row, choices)


def open_table(choices=CHOICES, **query) -> AppTest:
    app = AppTest.from_function(script, args=(SELECT, choices), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def carry_out(hub, run_id: str) -> str:
    execute(RunFolder(hub.settings.home / "runs" / run_id))
    hub.step()
    return run_id


@pytest.fixture
def done(filled):
    return carry_out(filled, start_comparison(filled, SELECT, METHODS, n_seeds=3, n_per_seed=2))


def texts_of(app: AppTest) -> str:
    return "\n".join(item.value for kind in (app.markdown, app.caption, app.subheader) for item in kind)


def test_without_a_comparison_it_says_what_one_is_and_what_it_sends(filled):
    app = open_table()
    assert app.multiselect[0].value == ["rewrite", "vs_standard"] and app.number_input[0].value == 4
    assert "No methods are compared" in texts_of(app)
    assert "20 candidates by each method" in texts_of(app) and "at most 64 requests" in texts_of(app)
    assert not app.button(key="compare_methods").disabled


def test_what_is_not_filled_in_or_one_method_alone_cannot_be_compared(filled):
    assert open_table(None).button(key="compare_methods").disabled
    app = open_table()
    app.multiselect[0].set_value(["rewrite"]).run()
    assert app.button(key="compare_methods").disabled and "at least two methods" in texts_of(app)


def test_a_click_starts_one_run_which_is_shown_live_and_then_measured(filled):
    app = open_table()
    app.number_input(key=f"compared_seeds_{SELECT}").set_value(3)
    app.number_input(key="compared_per_seed").set_value(2)
    app.button(key="compare_methods").click().run()
    assert not app.exception and not app.error
    run = list_comparisons(filled, SELECT).iloc[0]
    config = json.loads(run["config"])
    assert (config["n_seeds"], config["n_per_seed"], config["filters"][1:]) == (3, 2, CHOICES["filters"])
    assert run["run_id"] in app.query_params["comparison"]
    assert app.button(key=f"stop_{run['run_id']}") and app.dataframe[0].value["asked for"].tolist() == ["6", "6"]
    carry_out(filled, run["run_id"])
    app.run()
    assert not app.exception and "What came, and what it cost" in texts_of(app)


def test_a_stop_reaches_the_run(filled):
    run_id = start_comparison(filled, SELECT, METHODS)
    open_table().button(key=f"stop_{run_id}").click().run()
    carry_out(filled, run_id)
    assert filled.store.read_run(run_id)["state"] == "cancelled"
    app = open_table()
    assert not app.exception and app.dataframe[0].value["method"].tolist() == [name_method(name) for name in METHODS]


def test_tables_say_what_was_measured(filled, done):
    app = open_table(comparison=done)
    frame = read_comparison(filled, done).methods
    outcome, measures, stated = (item.value for item in app.dataframe[:3])
    assert outcome["method"].tolist() == [name_method(name) for name in METHODS]
    for shown, row in zip(outcome.to_dict("records"), frame.to_dict("records"), strict=True):
        n = row["n_accepted"]
        assert shown["accepted"] == f"{n} of 6" and shown["$"] == ("$0" if n else numbers.MISSING)
        assert shown["tokens in"] == (numbers.tokens(row["n_input_tokens"] / n) if n else numbers.MISSING)
    assert frame["n_accepted"][:2].tolist() == [6, 6]
    found = re.fullmatch(r"(\d\.\d\d) \((\d\.\d\d) to (\d\.\d\d)\)", measures["VS-Standard"][0])
    value = frame["distance_within"][1]
    assert found and float(found[1]) == pytest.approx(value, abs=0.005) and float(found[2]) <= float(found[3])
    assert stated["method"].tolist() == ["VS-Standard", name_method("incorrect")]
    assert "are wrong, as they were to be" in texts_of(app) and "rule-based stand-in" in texts_of(app)
    columns = json.loads(app.dataframe[0].proto.columns)
    assert all(columns[name]["alignment"] == "right" for name in list(outcome)[1:])


def test_the_accepted_ones_alone_and_other_measures_can_be_looked_at(filled, done):
    app = open_table(comparison=done)
    app.segmented_control(key="methods_part").set_value("accepted_")
    app.selectbox(key="methods_measure").set_value("wording").run()
    assert not app.exception
    frame = read_comparison(filled, done).methods
    measures = app.dataframe[1].value.set_index("measure")
    assert measures.loc["ROUGE-L, all", "VS-Standard"].startswith(numbers.score(frame["accepted_wording"][1]))


def test_each_method_s_candidates_of_one_seed_stand_below_it(filled, done):
    app = open_table(comparison=done)
    candidates = read_comparison(filled, done).candidates
    seed = candidates["parent_id"].iloc[0]
    shown = texts_of(app).replace("\\", "").replace("\u2060", "")
    for row in candidates.to_dict("records"):
        text = row["current_answer" if row["is_incorrect"] else "current_question"]
        is_shown = " ".join(text.split())[:40] in " ".join(shown.split())
        assert is_shown == (row["parent_id"] == seed)


def test_whose_kinds_are_covered_is_said():
    def describe(*named):
        frame = pd.DataFrame({"method": ["rewrite", "direct"], "n_own_kinds": named, "n_usable": [6, 6]})
        return describe_kinds(frame).replace("\\", "")

    assert "each counts as its seed's" in describe(0, 0)
    assert "Rewrite, then answer 2 of 6; Direct 6 of 6" in describe(2, 6) and "counts as its seed's" in describe(2, 6)
    assert "seed" not in describe(6, 6)


def test_unknown_numbers_are_dashes(filled, done):
    frame = read_comparison(filled, done).methods
    frame.loc[0, [name for name in frame if name not in ("method", "error") and not name.startswith("n_")]] = None
    row = make_outcome_table(frame).iloc[0]
    assert (row["share, 95 %"], row["$"], row["time"]) == (numbers.MISSING,) * 3
    assert set(make_measure_table(frame)[name_method("rewrite")]) == {numbers.MISSING}


def test_what_a_method_failed_by_and_where_asking_stopped_is_said(filled):
    run_id = start_comparison(filled, SELECT, METHODS, n_seeds=1, n_per_seed=2, budget={"tokens": 3000})
    carry_out(filled, run_id)
    assert filled.store.read_run(run_id)["summary"]["stopped"]
    app = open_table(comparison=run_id)
    assert "budget" in app.warning[0].value
    came = read_comparison(filled, run_id).methods["n_asked"].tolist()
    assert f"VS-Standard {came[1]}, " in app.warning[1].value.replace("\\", "") and "of 2 each" in app.warning[1].value


def test_one_that_stopped_short_goes_on_with_a_larger_budget(filled):
    run_id = start_comparison(filled, SELECT, METHODS, n_seeds=2, n_per_seed=2, budget={"tokens": 7000})
    carry_out(filled, run_id)
    app = open_table(comparison=run_id)
    assert "unequal numbers" in app.warning[1].value
    app.number_input(key=f"more_{run_id}").set_value(500_000).run()
    app.button(key=f"go_on_{run_id}").click().run()
    carry_out(filled, run_id)
    assert read_comparison(filled, run_id).methods["n_asked"].tolist() == [4, 4, 4]
    app = open_table(comparison=run_id)
    assert not app.warning and f"resume_{run_id}" not in {button.key for button in app.button}


def test_a_budget_is_in_what_a_comparison_sends(filled):
    app = open_table({**CHOICES, "budget": {"tokens": 12_000, "usd": 0.5}})
    assert "The budget of 12,000 tokens, $0.50, for all" in texts_of(app).replace("\\", "")
