"""Review, Export: a format, what would be written and what not, the file itself, the command, and the hub."""

import io
import json
import shlex
import sys
import zipfile

import pytest

from core.__main__ import main
from core.exporting.base import FORMATS
from core.recipes.taking_out import take_out
from core.records import Review
from core.settings import REPOSITORY
from pages.components import review_export
from tests.pages import home
from tests.pages.test_pages import button, texts


@pytest.fixture
def reviewed(filled):
    filled.add_reviews([Review(home.GENERATE, f"candidate_00{i}", "accept") for i in (0, 2)])
    filled.add_review(home.GENERATE, "candidate_003", "edit", answer="She pays 9.\n#### 9", final="9")
    filled.add_review(home.GENERATE, "candidate_004", "reject", reason="wrong_answer")
    return filled


@pytest.fixture
def look(reviewed, visit):
    return lambda **query: visit("review", run=home.GENERATE, show="export", **query)


def read(app):
    assert not app.exception
    return texts(app).replace("\\", "").replace("\u00a0", " ").replace("**", "")


def read_command(app):
    (command,) = (code.value for code in app.code if " -m core export " in code.value)
    words = shlex.split(command)
    assert words[:6] == ["cd", str(REPOSITORY), "&&", sys.executable, "-m", "core"], "it runs wherever it is pasted"
    return words[6:]


@pytest.fixture
def download(monkeypatch):
    """What the download button would hand to the browser."""
    offered = {}

    def catch(_label, data, name, **_):
        offered.update(name=name, make=data)

    monkeypatch.setattr(review_export.st, "download_button", catch)
    return offered


def test_what_people_accepted_is_what_is_offered(look):
    app = look()
    assert "3 candidates match: 3 written." in read(app)
    assert app.selectbox(key="review_shown").value == "kept"
    record = json.loads(next(code.value for code in app.code if code.value.startswith("{")))
    assert record["id"] == f"{home.GENERATE}/candidate_000" and list(record) == ["id", "messages"]


def test_another_filter_is_another_export_and_what_is_left_out_is_told(look):
    assert "8 candidates match: 8 written." in read(look(review="standing"))
    app = look(format="dpo")
    assert "3 candidates match: 1 written, 2 left out:" in read(app)
    assert "2: no wrong answer to it is known" in read(app)
    app = look(format="kto")
    assert "4 candidates match: 4 written as 5 records." in read(app)
    assert "1 candidate rejected by hand for a wrong answer" in read(app)


@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize("asked", ["", "1"])
def test_the_command_writes_what_the_button_brings(name, asked, reviewed, look, download, tmp_path, monkeypatch):
    app = look(format=name, asked=asked)
    words = read_command(app)
    at = words.index("--out")
    words[at + 1] = str(tmp_path / "written")
    assert main(words) == 0
    brought = download["make"]()
    if FORMATS.get(name).suffix:
        assert (tmp_path / "written").read_bytes() == brought
        return
    assert download["name"] == "seedbed-dataset.zip"
    with zipfile.ZipFile(io.BytesIO(brought)) as zip_:
        assert sorted(zip_.namelist()) == ["README.md", "data/train-00000-of-00001.parquet"]
        assert zip_.read("README.md").decode() == (tmp_path / "written" / "README.md").read_text()


def test_name_licence_and_validation_of_a_dataset_are_in_the_command(look):
    app = look(format="dataset")
    app.text_input(key="export_name").set_value("Pens, grown")
    app.text_input(key="export_licence").set_value("cc-by-4.0")
    app.number_input(key="export_validation").set_value(20).run()
    assert {"--name", "Pens, grown", "--licence", "cc-by-4.0", "--validation", "0.2"} <= set(read_command(app))


def test_nothing_accepted_is_told_with_what_to_do(filled, visit):
    app = visit("review", run=home.GENERATE, show="export")
    assert "Nobody has accepted anything here yet" in app.info[0].value and "Not rejected" in app.info[0].value
    assert not [code for code in app.code if " -m core " in code.value]


def test_the_records_are_made_once_and_anew_when_something_was_reviewed(reviewed, look, monkeypatch):
    asked = []

    def count(*args, **more):
        asked.append(args)
        return take_out(*args, **more)

    monkeypatch.setattr(review_export, "take_out", count)
    app = look()
    app.run().run()
    assert len(asked) == 1
    reviewed.add_review(home.GENERATE, "candidate_005", "accept")
    app.run()
    assert len(asked) == 2 and "4 candidates match" in read(app)


def test_the_other_views_show_all_again(look):
    app = look()
    app.segmented_control(key="review_view").set_value("table").run()
    assert app.selectbox(key="review_shown").value == "any" and "9 candidates match" in read(app)


def test_a_push_is_queued_with_its_own_copy_of_the_files(reviewed, look, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    app = look(format="dataset")
    app.text_input(key="data_repo").set_value("ada/pens")
    button(app, "data_push").click().run()
    assert not app.exception
    (run,) = reviewed.store.list_runs(("push",)).to_dict("records")
    config = json.loads(run["config"])
    assert (config["what"], config["repo"], config["is_private"]) == ("dataset", "ada/pens", True)
    inputs = reviewed.settings.home / "runs" / run["run_id"] / "input"
    assert sorted(path.name for path in inputs.iterdir()) == ["README.md", "train-00000-of-00001.parquet"]
    assert "Dataset to the hub" in read(app) and "hf_x" not in json.dumps(config)
    app.text_input(key="data_repo").set_value("a/b/c")
    button(app, "data_push").click().run()
    assert "cannot be the name of a repository" in app.error[0].value
