"""Paths as people write them, also of a user that there is not: one sentence, and no folder called so is made."""

from pathlib import Path

import pytest

from core.__main__ import main
from core.datasets.seed_set import ensure_seed_set
from core.errors import DataFormatError, ModelLoadError, RunError, SeedbedError
from core.evaluation.sets import find_set
from core.models.student import check_source
from core.paths import expand, expand_new
from core.recipes.start import fix_model

NOBODY = "~nobody-is-called-so/rows.jsonl"


def test_a_home_folder_stands_for_its_mark_and_an_unknown_user_for_nothing(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert expand("~/a.txt") == Path("/home/ann/a.txt") == expand(Path("~/a.txt")) == expand_new("~/a.txt")
    assert expand(NOBODY) == Path(NOBODY)
    with pytest.raises(RunError, match="There is no user for ~nobody-is-called-so"):
        expand_new(NOBODY)


@pytest.mark.parametrize(
    ("look", "error"),
    [
        (lambda home: check_source(NOBODY), ModelLoadError),
        (lambda home: find_set(home, NOBODY), SeedbedError),
        (lambda home: ensure_seed_set(home, NOBODY), DataFormatError),
        (lambda home: ensure_seed_set(home, "word_problems", validation=NOBODY), DataFormatError),
    ],
)
def test_what_lies_nowhere_is_not_there(tmp_path, look, error):
    with pytest.raises(error) as refused:
        look(tmp_path)
    assert "~nobody-is-called-so" in str(refused.value) and "\n" not in str(refused.value)
    assert fix_model(NOBODY) == NOBODY


def test_a_home_of_nobody_is_one_sentence_in_the_shell(monkeypatch, capsys):
    monkeypatch.setenv("SEEDBED_HOME", "~nobody-is-called-so/home")
    assert main(["runs"]) == 1
    assert capsys.readouterr().err.startswith("seedbed: There is no user for ~nobody-is-called-so")
