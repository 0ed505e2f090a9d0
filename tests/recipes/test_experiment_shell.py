"""What the shell says of an experiment that is refused, that was not begun, and of which every arm failed."""

import pandas as pd
import pytest

from core.__main__ import main
from core.recipes.experiment_file import make_experiment
from core.recipes.experiment_results import Results, read_results
from core.shell_experiment import find_or_open, list_tables

CONTENT = 'title = "Mine"\nseed_set = "game24"\n[common]\naccepted = 5\n[[arm]]\nselector = ["random", "badge"]\n'


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(CONTENT)
    return path


def test_a_server_that_is_not_there_is_told_before_anything_is_made(file, tmp_path, capsys):
    file.write_text(CONTENT + '[teacher]\nbase_url = "http://127.0.0.1:9"\nmodel = "m"\n')
    assert main(["experiment", str(file), "--home", str(tmp_path / "home")]) == 1
    assert "Nothing listens at 127.0.0.1" in capsys.readouterr().err
    assert not list((tmp_path / "home").glob("runs/*"))


def test_tables_of_an_edited_file_name_the_experiment_of_the_same_title(file, tmp_path, capsys):
    command = ["experiment", str(file), "--home", str(tmp_path / "home"), "--tables"]
    assert main(command) == 1
    assert "No experiment was begun in this home; leave --tables out" in capsys.readouterr().err
    assert not list((tmp_path / "home").glob("runs/*"))
    content = {"title": "Mine", "seed_set": "game24", "arm": [{"accepted": 4}]}
    made = find_or_open(tmp_path / "home", make_experiment(content, "x"), only_find=False)
    assert main(command) == 1
    said = capsys.readouterr().err
    assert f"{made.run_id} has its title, but a file that was edited is another experiment" in said


def test_a_reason_that_several_runs_share_stands_once_and_not_again_where_it_was_just_told(tmp_path):
    content = {"seed_set": "game24", "arm": [{"selector": ["random", "badge", "lion"]}]}
    folder = find_or_open(tmp_path, make_experiment(content, "x"), only_find=False)
    results = read_results(tmp_path, folder.run_id)
    columns = ["method", "replicate", "state", "error"]
    stone, tree = "It met a stone.", "It met a tree."
    rows = [("random", 0, "failed", stone), ("badge", 0, "failed", stone), ("lion", 0, "failed", tree)]
    excluded = pd.DataFrame(rows, columns=columns)
    results = Results(**{**{name: getattr(results, name) for name in Results.__slots__}, "excluded": excluded})
    told = [line for line in list_tables(results) if line.startswith("excluded")]
    assert told == [
        f"excluded: random, replicate 0; badge, replicate 0: failed. {stone}",
        f"excluded: lion, replicate 0: failed. {tree}",
    ]
    told = [line for line in list_tables(results, {stone}) if line.startswith("excluded")]
    assert told[0] == "excluded: random, replicate 0; badge, replicate 0: failed. Why stands above."
    assert told[1].endswith(tree)
