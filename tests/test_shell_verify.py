"""The verb ``verify``: every line comes back in order with a verdict and a reason, whatever is in it."""

import io
import json
import sys

import pytest

from core.__main__ import main
from core.shell_verify import judge_lines
from core.tasks.answers.pool import close_shared_pool, shared_pool


@pytest.fixture(scope="module", autouse=True)
def _no_workers_left():
    yield
    close_shared_pool()


def verify(tmp_path, capsys, *lines, more=()):
    path = tmp_path / "answers.jsonl"
    path.write_bytes(
        b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines) + b"\n"
    )
    assert main(["verify", str(path), *more]) == 0
    said = capsys.readouterr()
    return [json.loads(line) for line in said.out.splitlines()], said.err


def test_lines_come_back_with_their_own_fields_in_order(tmp_path, capsys):
    given = [
        {"id": 1, "gold": "18", "pred": "$18", "more": {"a": [1]}},
        {"id": 2, "gold": "18", "response": "5 + 13 = 19\nA: 19"},
        {"id": 3, "gold": r"2\sqrt{2}", "response": r"It is $\boxed{\sqrt{8}}$."},
        {"id": 4, "gold": 0.5, "pred": "1/2"},
        {"id": 5, "gold": "5", "pred": "9^{9^{9^9}}"},
        {"id": 6, "gold": "5", "pred": None},
        {"id": 7, "gold": "5", "response": "I have no idea, sorry, none at all for this one."},
    ]
    rows, said = verify(tmp_path, capsys, *given)
    assert [row["is_equal"] for row in rows] == [True, False, True, True, None, False, False]
    assert [{key: row[key] for key in old} for row, old in zip(rows, given, strict=True)] == given
    assert all(row["reason"].endswith(".") and "\n" not in row["reason"] for row in rows)
    assert said == "7 lines: 3 equal, 3 unequal, 1 undecided, 0 unusable\n"


def test_lines_that_cannot_be_used_come_back_with_a_reason(tmp_path, capsys):
    rows, said = verify(
        tmp_path,
        capsys,
        b'\xef\xbb\xbf{"gold": "1", "pred": "1"}',
        b'{"gold": "1", "pred": ',
        b"",
        b"[1, 2]",
        b"\xff\x00\xfe",
        b"[" * 100_000,
        {"pred": "1"},
        {"gold": "1"},
        {"gold": None, "pred": "1"},
        b'{"gold": NaN, "pred": 1e999}',
        b'{"gold": "x", "pred": "\\ud800"}',
        b'{"gold": "1", "pred": "1"}\r',
        b'{"gold": "1", "pred": "1", "more": ' + b"[" * 900 + b"]" * 900 + b"}",
    )
    assert len(rows) == 13
    assert [row["is_equal"] for row in rows] == [True, *[None] * 9, False, True, None]
    assert "nested" in rows[12]["reason"] and rows[12]["text"].startswith('{"gold": "1"')
    assert [row.get("line") for row in rows[:6]] == [None, 2, 3, 4, 5, 6]
    assert rows[1]["text"] == '{"gold": "1", "pred": ' and rows[5]["text"] == "[" * 100_000
    assert "no gold" in rows[6]["reason"] and "neither" in rows[7]["reason"] and "no reference" in rows[8]["reason"]
    assert said.endswith("13 lines: 2 equal, 1 unequal, 2 undecided, 8 unusable\n")


def test_million_brackets_neither_hang_nor_raise(tmp_path, capsys):
    rows, _ = verify(tmp_path, capsys, {"gold": "5", "pred": "(" * 10**6}, {"gold": "5", "response": "{" * 10**6})
    assert rows[0]["is_equal"] is None and "not looked at" in rows[0]["reason"]
    assert rows[1]["is_equal"] is False and "no final answer" in rows[1]["reason"]


def test_tolerance_is_relative_and_none_by_default(tmp_path, capsys):
    line = {"gold": "1/3", "pred": "0.333"}
    assert verify(tmp_path, capsys, line)[0][0]["is_equal"] is False
    assert verify(tmp_path, capsys, line, more=["--tolerance", "0.01"])[0][0]["is_equal"] is True
    assert verify(tmp_path, capsys, line, more=["--tolerance", "0.0001"])[0][0]["is_equal"] is False


def test_a_response_beside_a_pred_is_said_to_be_unread(tmp_path, capsys):
    both = {"gold": "1", "pred": "1", "response": "A: 2"}
    rows, _ = verify(tmp_path, capsys, both, {**both, "response": None}, {**both, "pred": None})
    assert [row["is_equal"] for row in rows] == [True, True, False]
    assert [row["reason"].endswith(". The response was not read, as the line has a pred.") for row in rows] == [
        True,
        False,
        False,
    ]


def test_standard_input(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"gold": "A", "pred": "(A)"}')))
    assert main(["verify", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["is_equal"] is True


def test_empty_file_has_no_lines(tmp_path, capsys):
    (tmp_path / "empty").touch()
    assert main(["verify", str(tmp_path / "empty")]) == 0
    assert capsys.readouterr() == ("", "0 lines: 0 equal, 0 unequal, 0 undecided, 0 unusable\n")


@pytest.mark.parametrize(("name", "sentence"), [("none.jsonl", "cannot be read"), ("", "is a folder")])
def test_what_is_no_file_is_one_sentence(tmp_path, capsys, name, sentence):
    assert main(["verify", str(tmp_path / name)]) == 1
    said = capsys.readouterr()
    assert said.out == "" and sentence in said.err and said.err.count("\n") == 1


def test_lines_are_judged_as_they_are_read():
    """A file is never held as a whole: the first rows are out before the last lines are in."""

    def endless():
        while True:
            yield b'{"gold": "1", "pred": "1"}\n'

    rows = judge_lines(endless(), None)
    assert [next(rows)[1] for _ in range(3)] == ["equal"] * 3


def test_numbers_need_no_process(tmp_path, capsys):
    close_shared_pool()
    verify(tmp_path, capsys, {"gold": "1,000", "pred": "1000"}, {"gold": "(1, 2)", "pred": "(1, 3)"})
    assert shared_pool().list_pids() == []
