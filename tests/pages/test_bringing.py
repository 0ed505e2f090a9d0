"""The second way on the page Generate: candidates made elsewhere, from the file to Review and Finetune."""

import json
import re

import pandas as pd
import pytest

from core.recipes.kinds import execute
from core.runs.folder import RunFolder
from tests.pages.home import SEED_SET, problem_row

HOSTILE = "<img src=x onerror=alert(1)> [click](javascript:1) $\\href{x}{y}$ How many of 2 and 3?"


@pytest.fixture
def file(tmp_path):
    rows = [
        {"instruction": HOSTILE, "generation": "2+3=<<2+3=5>>5\n#### 5", "model_name": "lab/<b>m</b>",
         "seed": problem_row(3, "train")["question"]},
        {"instruction": "And of 4 and 5?", "generation": "4+5=<<4+5=10>>10\n#### 10", "model_name": "m", "seed": None},
        {"instruction": "Nothing", "generation": None, "model_name": "lab/m", "seed": None},
    ]  # fmt: skip
    path = tmp_path / "made.parquet"
    pd.DataFrame(rows).to_parquet(path)
    return path


def open_form(visit, path):
    app = visit("generate", show="elsewhere", seeds=SEED_SET)
    app.radio(key="bring_way").set_value("Path on this machine").run()
    return app.text_input(key="bring_path_0").input(str(path)).run()


def test_a_file_is_looked_at_brought_reviewed_and_offered_to_finetune(filled, visit, file):
    app = open_form(visit, file)
    assert not app.exception and not app.error
    boxes = {box.label: box.value for box in app.selectbox}
    assert (boxes["Answer"], boxes["Seed"], boxes["Model"]) == ("generation", "seed", "model_name")
    shown = [each.value for each in app.markdown if "onerror" in each.value]
    assert shown and not any(re.search(r"(?<!\\)(<img|\[click)", text) for text in shown)  # escaped
    app.button(key="bring").click().run()
    assert not app.exception and not app.error
    [run] = filled.store.list_runs(["bring"]).to_dict("records")
    execute(RunFolder(filled.settings.home / "runs" / run["run_id"]))
    filled.step()
    app = visit("generate", show="elsewhere", run=run["run_id"], seeds=SEED_SET)
    said = " ".join(each.value for each in app.caption).replace("\\", "")
    assert "3 rows = 2 candidates + 1 left out" in said and "1: rejected by verified" in said
    assert not app.exception
    assert not app.warning
    app = open_form(visit, file)
    assert "This very file was brought to this seed set before" in app.warning[0].value and not app.exception
    app = visit("review", run=run["run_id"])
    assert not app.exception and not app.error
    assert any("from made.parquet, line 1" in each.value.replace("\\", "") for each in app.markdown)
    app = visit("finetune", seeds=SEED_SET)
    assert not app.exception
    sources = next(box for box in app.multiselect if box.key == "sources")
    assert any("made.parquet" in option for option in sources.options)
    for page in ("overview", "runs", "select", "generate", "evaluate", "diversity"):
        app = visit(page, run=run["run_id"]) if page == "runs" else visit(page)
        assert not app.exception, page


def test_columns_that_nobody_knows_are_chosen_by_hand(filled, visit, tmp_path):
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps({"alpha": "What is 2 and 2?", "beta": "4"}))
    app = open_form(visit, path)
    assert app.button(key="bring").disabled and any("Choose the columns" in each.value for each in app.info)
    next(box for box in app.multiselect if box.label.startswith("Question")).set_value(["alpha"])
    next(box for box in app.selectbox if box.label == "Answer").set_value("beta").run()
    assert not app.button(key="bring").disabled
    app.button(key="bring").click().run()
    [run] = filled.store.list_runs(["bring"])["run_id"]
    assert RunFolder(filled.settings.home / "runs" / run).config["columns"]["question"] == ["alpha"]


def test_a_file_that_is_not_there_is_one_sentence(filled, visit):
    app = open_form(visit, "/nowhere/at.all")
    assert [each.value for each in app.error] and "There is no file or folder" in app.error[0].value
    assert app.button(key="bring").disabled


def test_an_empty_home_is_told_to_bring_in_a_seed_set_first(empty, visit):
    app = visit("generate", show="elsewhere")
    assert not app.exception and any("belong to a seed set" in each.value for each in app.markdown)


def test_the_page_leads_there_and_back(filled, visit):
    app = visit("generate")
    app.button(key="to_bring").click().run()
    assert not app.exception and app.query_params["show"] == "elsewhere"
    assert app.button(key="bring").disabled
    app.button(key="to_teacher").click().run()
    assert not app.exception and "show" not in app.query_params and app.button(key="generate")


@pytest.mark.parametrize(
    ("content", "said"),
    [("hello\nworld\n", "No row of a.jsonl can be read."), ('{"question": "Q?", "answer": ""}\n', "choose others")],
)
def test_a_file_without_a_candidate_says_so(filled, visit, tmp_path, content, said):
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    app = open_form(visit, path)
    if box := next((each for each in app.multiselect if each.label.startswith("Question")), None):
        box.set_value(["question"]).run()
        next(box for box in app.selectbox if box.label == "Answer").set_value("answer").run()
    told = " ".join(each.value for each in (*app.error, *app.warning)).replace("\\", "")
    assert not app.exception and said in told and app.button(key="bring").disabled
