"""``rows`` as a person runs it: a file that ``finetune --rows`` reads, and every row that is not in it told of."""

import json

import pytest

from core.__main__ import main
from core.training.rows_file import read_rows_file
from tests.recipes.rows_world import make_world

PEARS = [
    {"question": f"{name} picks {a} pears and then {b} more. How many?", "answer": f"{a}+{b}={a + b}\n#### {a + b}"}
    for name, a, b in [("Ada", 3, 4), ("Ben", 12, 9), ("Cleo", 40, 2), ("Dov", 7, 7), ("Eve", 1, 2), ("Fay", 8, 90)]
]


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("home"))


@pytest.fixture
def gather(home, tmp_path, capsys):
    def run(*more):
        out = tmp_path / "out" / "rows.jsonl"
        status = main(["rows", "--home", str(home), "--out", str(out), *map(str, more)])
        told = capsys.readouterr()
        return status, read_rows_file(out) if out.exists() else None, told

    return run


def test_parts_of_every_kind_go_into_one_file_whose_hash_is_told(gather, home):
    status, file, told = gather(
        "--seeds", "seeds", "--candidates", "grown", "wrong", "--own", "tuned", "--teacher-answers", "answered"
    )
    assert status == 0 and file.left_out == []
    assert [row.origin for row in file.rows] == ["candidate"] * 3 + ["seed"] * 6 + ["teacher"] * 2 + ["own"] * 3
    assert "accepted candidates: 3 of 7 taken, 1 of them as wrong answers\n" in told.out
    assert "  1: rejected by the filter rouge_l\n" in told.out and "  1: rejected by hand\n" in told.out
    from core.training.data import hash_rows

    assert f"hash {hash_rows(file.rows)}\n14 rows: " in told.out


def test_what_a_person_accepted_and_the_seeds_of_a_selection(gather):
    _, file, _ = gather("--candidates", "grown", "--policy", "by_hand")
    assert [row.question for row in file.rows] == ["Q4 edited?"]
    _, file, _ = gather("--seeds", "seeds", "--selection", "chosen")
    assert [row.origin_id for row in file.rows] == ["p4", "p1"]


def test_a_seed_file_is_imported_and_a_teacher_asked(gather, tmp_path):
    seeds = write_lines(tmp_path / "pears.jsonl", PEARS)
    test = write_lines(tmp_path / "test.jsonl", [{**PEARS[0], "question": "Is it a test?"}])
    _, file, told = gather("--seeds", seeds, "--test", test, "--validation", test, "--teacher", "built-in")
    assert "right + 0 wrong + 0 undecided + 0 failed" in told.out
    assert {row.origin for row in file.rows} == {"seed"}  # the rules repeat the references, so nothing is new
    assert "the same question and answer stand in the set already" in told.out
    assert "built-in" in told.out and "no evidence" in told.out
    _, file, _ = gather(
        "--seeds", seeds, "--test", test, "--validation", test, "--no-references", "--teacher", "built-in"
    )
    assert {row.origin for row in file.rows} == {"teacher"} and len(file.rows) == 6


def test_lines_of_a_file_are_checked_against_what_is_held_out(gather, tmp_path):
    lines = [
        {"prompt": "Who asks?", "completion": "#### 1"},
        {"prompt": "Question 7, 50% of it?", "completion": "#### 1"},
        {"prompt": "No answer"},
    ]
    path = write_lines(tmp_path / "mine.jsonl", lines)
    _, file, told = gather("--seeds", "seeds", "--no-references", "--candidates", path)
    assert [row.question for row in file.rows] == ["Who asks?"]
    assert (
        "rows of a file: 1 of 3 taken" in told.out and "  1: its question is a validation or test problem" in told.out
    )
    assert "mine.jsonl, line 3: The line has no answer" in told.err
    _, file, told = gather("--candidates", path)
    assert len(file.rows) == 2 and "no row was compared with validation or test problems" in told.out


def test_the_rows_of_an_earlier_run(gather):
    _, file, _ = gather("--rows-of", "tuned")
    assert [(row.question, row.origin, row.origin_id) for row in file.rows] == [("Q2?", "candidate", "c2")]
    _, file, _ = gather("--rows-of", "old")  # it kept no texts: those of its candidates, as they are now
    assert [row.origin_id for row in file.rows] == ["c2", "c3"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Name what the rows are made of"),
        (["--candidates", "nowhere"], "'nowhere' is neither a run of"),
        (["--own", "nowhere"], "There is no run 'nowhere'"),
        (["--no-references"], "--no-references is about the seeds"),
        (["--teacher", "built-in"], "--teacher answers seeds; name them by --seeds."),
        (["--seeds", "seeds", "--no-references"], "Name what the rows are made of"),
        (["--seeds", "seeds", "--no-references", "--selection", "chosen"], "--selection says which seeds"),
        (["--seeds", "grown"], "The run grown is no finished import"),
        (["--candidates", "answered", "--policy", "by_hand", "--own", "chosen"], None),
        (["--selection", "chosen"], "--selection is about the seeds"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_wrong_command_gets_one_sentence(gather, arguments, sentence):
    status, file, told = gather(*arguments)
    if sentence is None:
        assert status == 0
    else:
        assert (status, file) == (1, None) and told.err.startswith(f"seedbed: {sentence}") and told.err.count("\n") == 1


def test_no_row_left_fails_and_writes_nothing(gather):
    status, file, told = gather("--candidates", "wrong", "--policy", "by_hand")
    assert (status, file) == (1, None)
    assert "  1: not accepted by hand" in told.out and "No row is left to train on" in told.err
