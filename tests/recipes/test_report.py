"""The report of an experiment: one file that loads nothing, with every arm, every number of the tables, and why not."""

import json
from html.parser import HTMLParser

import pytest

from core.errors import RunError
from core.recipes import experiment_tables as tables
from core.recipes.experiment import describe_replicate, open_experiment
from core.recipes.experiment_reports import list_reports
from core.recipes.experiment_results import read_results
from core.recipes.report import STAND_IN, make_report, write_report
from core.recipes.steering_tables import list_steering
from core.runs.folder import RunFolder
from tests.pages import home as homes
from tests.pages import steered
from tests.pages.test_experiments import ARMS, add_arm

HOSTILE = "</script><img src=https://evil.example/x.png onerror=alert(1)> & 'so'"
LOADING = {"src", "href", "srcset", "data", "action", "poster", "background", "formaction", "xlink:href"}
"""Attributes from which a browser loads."""


class Reader(HTMLParser):
    """What a browser would find: tags with their attributes, the cells of tables, and the text outside of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.tables, self.text, self.scripts, self._inside = [], [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside in ("td", "th"):
            self.tables[-1][-1][-1] += data
        if self._inside not in ("script", "style"):
            self.text.append(data)


def make_experiment(place, *, teacher=None, has_runs=True):
    """An experiment of two arms and a check, one run of which failed, and whose title and check have hostile names."""
    arms = [{"name": arm, "recipe": "active", "settings": {"selector": arm}} for arm in ARMS]
    arms.append({"name": HOSTILE, "recipe": "steerability", "settings": {"of": "loss_high", "sample": 52}})
    about = {"seed_set": homes.SEED_SET, "seed_set_name": "pens", "student": "tiny", "replicates": [0, 1, 2]}
    named = {"teacher": teacher} if teacher else {}
    folder = open_experiment(place, f"Two arms {HOSTILE}", {**about, "arms": arms, **named})
    for replicate in range(3) if has_runs else ():
        title, config = describe_replicate(folder, replicate)
        run = RunFolder.create(place, "replicate", title=title, config=config, lane="device")
        with run.hold():
            for arm in ARMS:
                add_arm(place, config, arm, replicate, "failed" if (arm, replicate) == ("random", 2) else "done")
            own = {"parent": config["parent"], "arm": HOSTILE, "replicate": replicate, "recipe": "steerability"}
            check = f"20260101-00002{replicate}-steerability-bbbb"
            steered.add_check(place, check, steered.make_config(**{**own, **named}))
            run.finish("done", {"n_arms": 3, "failed": {}})
    return folder.run_id


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return homes.fill_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def experiment(place):
    return make_experiment(place)


@pytest.fixture(scope="module")
def read(place, experiment):
    return Reader(make_report(place, experiment))


def test_nothing_is_loaded_from_anywhere(read):
    for tag, attributes in read.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "audio", "video"), (tag, attributes)
        assert not LOADING & set(attributes), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes)
        assert "url(" not in (attributes.get("style") or "")
    policies = [each["content"] for tag, each in read.tags if each.get("http-equiv") == "Content-Security-Policy"]
    assert policies and policies[0].startswith("default-src 'none';") and "http" not in policies[0]


def test_no_style_loads_anything(place, experiment):
    style = make_report(place, experiment).split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style and "http" not in style
    assert "prefers-color-scheme: dark" in style and "@media print" in style


def test_every_name_is_there_and_none_is_obeyed(read):
    text = "".join(read.text)
    for name in (*ARMS, HOSTILE, "pens", "tiny"):
        assert name in text
    assert sum(tag == "script" for tag, _ in read.tags) == 3  # the data, the library, the drawing
    figures = json.loads(read.scripts[0])
    assert {"scattergl"} & {trace["type"] for figure in figures.values() for trace in figure["data"]} == set()
    named = {trace.get("name") for figure in figures.values() for trace in figure["data"]}
    assert set(ARMS) <= named


def test_the_tables_are_those_of_the_shell(place, experiment, read):
    results = read_results(place, experiment)
    found = [
        *tables.list_tables(results.tests, results.arms),
        *list_reports(results.reports, results.arms),
        *list_steering(results.pairs, results.points),
    ]
    assert {"curves", "needs", "wins", "steering", "steering_sets"} <= {table.name for table in found}
    for table in found:
        assert table.lines in read.tables or not table.lines, table.name
        assert (table.caption[1:] if table.lines else table.note) in "".join(read.text)


def test_what_was_compared_is_said(read):
    arms = next(table for table in read.tables if table[0][0] == "arm")
    assert [row[0] for row in arms[1:]] == [*ARMS, HOSTILE]
    rows = {row[0]: row for row in arms[1:]}
    assert rows["random"][1:5] == ["active", "selector random", "2 rounds of 12 accepted candidates", "2 of 3"]
    assert rows["loss_high"][4] == "3 of 3" and "sample 52" in rows[HOSTILE][2]
    assert "60 to grow from, 10 for validation, 20 to test" in "".join(read.text)


def test_what_is_left_out_is_told_with_its_reason(read):
    rows = next(table for table in read.tables if table[0][:3] == ["arm", "replicate", "state"])
    assert rows[1:] == [["random", "2", "failed", "It met a stone; go round it."]]


def test_a_check_of_steerability_is_told(read):
    text = "".join(read.text).replace("\u00a0", " ")
    assert "Ask for hard seeds, and the student before training answers 0 % of their children rightly" in text
    rows = next(table for table in read.tables if table[0][0] == "check")
    assert [row[1:3] for row in rows[1:]] == [
        [replicate, f"{when} training"] for when in ("before", "after") for replicate in ("all", "0", "1", "2")
    ]
    assert rows[1][:7] == [HOSTILE, "all", "before training", "144", "0.0 %", "33.3 %", "−33.3"]
    assert rows[2][:7] == [HOSTILE, "0", "before training", "48", "0.0 %", "33.3 %", "−33.3"]
    spread = [float(row[7].split(" to ")[1].replace("−", "-")) for row in rows[1:3]]
    assert spread[0] < spread[1], "three times the children tell it more surely"
    assert "all replicates together" in text and "by Fisher's z" in text


def test_figures_are_named_in_the_text_and_drawn_once(read):
    figures = json.loads(read.scripts[0])
    places = [each["id"] for tag, each in read.tags if each.get("class") == "chart"]
    assert places == list(figures) and len(places) >= 6
    text = "".join(read.text)
    assert "Test accuracy, % of 100 problems" in text and "How often the row beats the column" in text
    assert all(figure["layout"]["title"]["text"] == "" for figure in figures.values())


def test_each_number_says_how_it_is_made_and_with_what(read):
    text = "".join(read.text)
    assert "How these numbers are made" in text and "Newcombe" in text
    assert "Report written by Seedbed 0." in text and "plotly " in text and STAND_IN in text
    assert "leaving out one replicate at a time (jackknife)" in text


def test_a_real_teacher_is_not_called_a_stand_in(tmp_path):
    place = homes.fill_home(tmp_path)
    server = {"base_url": "http://127.0.0.1:1/v1", "model": "m"}
    experiment = make_experiment(place, teacher=server)
    for run in (place / "runs").glob("*-loop-*"):  # written by hand without a teacher's name
        config = json.loads((run / "run.json").read_text())
        if config["config"].get("parent") == experiment:
            config["config"]["teacher"] = server
            (run / "run.json").write_text(json.dumps(config))
    text = make_report(place, experiment)
    assert STAND_IN not in text and "Ask for hard seeds" in text


def test_an_experiment_that_has_just_begun_has_a_report_too(tmp_path):
    place = homes.fill_home(tmp_path)
    read = Reader(make_report(place, make_experiment(place, has_runs=False)))
    text = "".join(read.text)
    assert "Nothing was evaluated yet." in text and "9 runs still to come" in text
    assert "loss_high" in text and read.scripts[0] == "{}" and len(read.scripts) == 1


def test_what_cannot_be_written_is_one_sentence(place, experiment, tmp_path):
    write_report(place, experiment, tmp_path / "here.html")
    assert (tmp_path / "here.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(RunError, match="cannot be written to"):
        write_report(place, experiment, tmp_path / "nowhere" / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["here.html"]
