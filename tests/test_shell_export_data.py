"""``core export --format``: the same as the page, beside an open dashboard and without one; what it refuses."""

import json

import datasets
import pandas as pd
import pytest

from core import hub as hubs
from core.__main__ import main
from core.exporting.base import FORMATS
from core.records import Review
from core.runs.folder import RunFolder
from core.store.journal import Journal
from tests.models.hub_server import TOKEN, open_hub_server
from tests.pages.home import GENERATE, fill_home, make_run


@pytest.fixture
def home(tmp_path):
    home = fill_home(tmp_path / "home")
    Journal(home).add_reviews([Review(GENERATE, f"candidate_{i:03d}", "accept") for i in (0, 2)])
    return home


@pytest.fixture
def export(home, tmp_path):
    """Return the status of a command that writes to ``tmp_path/out``."""
    return lambda *words, out="out": main(
        ["export", *words, "--home", str(home), *(["--out", str(tmp_path / out)] if out else [])]
    )


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "dpo"])
def test_every_format_is_written(name, export, tmp_path, capsys):
    assert export("--format", name) == 0
    said = capsys.readouterr().out
    assert "2 candidates = 2 taken + 0 left out" in said and f"2 records: {tmp_path / 'out'}" in said
    assert "no evidence about language models" in said
    assert (tmp_path / "out").is_dir() == (name == "dataset")


def test_what_is_left_out_is_told_with_its_reason_and_nothing_at_all_is_an_error(export, tmp_path, capsys):
    assert export("--format", "dpo") == 1
    said = capsys.readouterr()
    assert "2 candidates = 0 taken + 2 left out\n  2: no wrong answer to it is known" in said.out
    assert said.err.startswith("seedbed: Nothing is left to write") and not (tmp_path / "out").exists()


def test_the_sizes_of_both_parts_are_told_and_that_one_is_empty(export, tmp_path, capsys):
    assert export("--format", "dataset", "--validation", "0.5") == 0
    assert f"2 records (1 train, 1 validation): {tmp_path / 'out'}\n" in capsys.readouterr().out
    assert export("--format", "dataset", "--validation", "0.4", out="small") == 0
    assert f"2 records: {tmp_path / 'small'}\nNo record is kept apart: all of one seed" in capsys.readouterr().out


def test_filters_and_runs(export, tmp_path, capsys):
    assert export("--format", "chat", "--where", "review=standing,search=\\(6 + 3", "--run", GENERATE) == 0
    (line,) = read_lines(tmp_path / "out")
    assert line["id"] == f"{GENERATE}/candidate_001"
    assert export("--format", "chat", "--where", "review=standing", "--where", "status=any", out="all") == 0
    assert "26 candidates = 24 taken + 2 left out\n  2: it has no question" in capsys.readouterr().out


def test_a_part_of_a_map(export, home, tmp_path, capsys):
    folder = make_run(home, "20260101-000008-map-aaaa", "Map", {}, "device")
    points = [{"source_run": GENERATE, "item_id": f"candidate_{i:03d}", "x": float(i), "y": 0.5} for i in range(4)]
    with folder.hold():
        folder.write_part("map_points", pd.DataFrame(points))
        folder.finish("done", {})
    assert export("--format", "chat", "--where", f"area={folder.run_id}:1.5,0;3.5,0;3.5,1;1.5,1,review=standing") == 0
    assert [line["id"][-3:] for line in read_lines(tmp_path / "out")] == ["002", "003"]
    assert export("--format", "chat", "--where", "area=nope:1,0;3,0;3,1", out="no") == 1
    assert "There is no run 'nope'" in capsys.readouterr().err


def test_it_works_and_says_the_same_while_the_dashboard_is_open(export, home, tmp_path):
    from tests.pages.conftest import open_home

    assert export("--format", "parquet", out="before") == 0
    hub = open_home(home)
    try:
        hub.add_review(GENERATE, "candidate_003", "accept")
        assert export("--format", "parquet", out="during") == 0
    finally:
        hubs.close()
    datasets.disable_progress_bars()
    before, during = (
        datasets.load_dataset("parquet", data_files=str(tmp_path / name), split="train",
                              cache_dir=str(tmp_path / "cache"))["id"][:]
        for name in ("before", "during")
    )  # fmt: skip
    assert during == [*before, f"{GENERATE}/candidate_003"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Name either what was trained"),
        (["RUN", "--format", "chat"], "Name either what was trained"),
        (["RUN", "--where", "review=kept"], "--where is about candidates; name their --format"),
        (["--format", "xml"], "no format named 'xml'; known: alpaca, chat"),
        (["--format", "chat", "--where", "colour=red"], "no NAME=VALUE"),
        (["--format", "chat", "--where", "method=sing"], "has the method 'sing'; there are: rewrite"),
        (["--format", "chat", "--run", "nope"], "There is no run 'nope'"),
        (["--format", "chat", "--dtype", "float16"], "--dtype is about a model"),
        (["--format", "chat", "--validation", "0.1"], "--validation is about a dataset"),
        (["--format", "chat", "--push", "a/b"], "--push is about a dataset"),
        (["--format", "dataset", "--validation", "1"], "from 0 up to 1, not 1"),
        (["--format", "csv", "--as-asked"], "--as-asked is about prompts, and csv has none"),
        (["--format", "dataset", "--public"], "name its repository by --push"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(words, sentence, export, tmp_path, capsys):
    assert export(*words) == 1
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_path_that_cannot_be_written_is_told_before_anything_is_read(export, tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert export("--format", "chat") == 1 and "is there already" in capsys.readouterr().err
    assert export("--format", "chat", out="no/out") == 1 and "There is no folder" in capsys.readouterr().err
    assert export("--format", "chat", out=None) == 1 and "by --out" in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "mine"


def test_a_run_that_cannot_be_read_is_told_and_the_others_are_taken(export, home, capsys):
    (home / "runs" / "20260101-000006-loop-aaaa" / "run.json").write_text("{")
    assert export("--format", "chat") == 0
    assert "20260101-000006-loop-aaaa" in capsys.readouterr().err


@pytest.fixture
def server(monkeypatch):
    with open_hub_server(monkeypatch) as server:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server


def test_a_dataset_is_pushed_private_and_is_what_was_written(export, home, server, tmp_path, capsys):
    assert export("--format", "dataset", "--licence", "cc0-1.0", "--push", "ada/pens") == 0
    assert f"private: {server.address}/datasets/ada/pens (2 files" in capsys.readouterr().out
    repo = server.repos["ada/pens"]
    assert (repo["type"], repo["is_private"], repo["commits"]) == ("dataset", True, ["Seedbed: dataset"])
    written = {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
               for path in (tmp_path / "out").rglob("*") if path.is_file()}  # fmt: skip
    assert repo["files"] == written and 'license: "cc0-1.0"' in written["README.md"].decode()
    assert not [path for path in home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_a_name_that_is_taken_is_refused_unless_it_may_be_there(export, server, capsys):
    server.add_repo("ada/pens", type_="dataset")
    assert export("--format", "dataset", "--push", "ada/pens", out=None) == 1
    assert "The hub has a dataset named ada/pens already" in capsys.readouterr().err
    assert not server.repos["ada/pens"]["files"]
    assert export("--format", "dataset", "--push", "ada/pens", "--update", out=None) == 0
    assert set(server.repos["ada/pens"]["files"]) == {"README.md", "data/train-00000-of-00001.parquet"}


def test_a_push_that_failed_goes_on_with_the_files_that_it_had(export, home, server, capsys):
    server.faults["/commit/main"] = (500, "Something broke")
    assert export("--format", "dataset", "--push", "ada/pens", out=None) == 1
    assert "status 500" in capsys.readouterr().err
    Journal(home).add_reviews([Review(GENERATE, "candidate_004", "accept")])
    server.faults.clear()
    (folder,) = (path for path in (home / "runs").iterdir() if "-push-" in path.name)
    kept = (RunFolder(folder).path / "input" / "README.md").read_bytes()
    assert main(["run", str(folder), "--again"]) == 0
    assert server.repos["ada/pens"]["files"]["README.md"] == kept


def test_without_a_token_nothing_is_sent(export, server, monkeypatch, capsys):
    monkeypatch.delenv("HF_TOKEN")
    assert export("--format", "dataset", "--push", "ada/pens", out=None) == 1
    assert "There is no token for the hub" in capsys.readouterr().err and not server.repos
