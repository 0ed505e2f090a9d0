"""What ``filter`` compares lines with, how far it says it is, and what it says of lines that nothing could decide."""

import io
import json

import pytest

from core import shell_filter
from core.__main__ import main
from core.filters.base import FilterContext, make_filters
from core.filters.judging import judge
from core.settings import DEMO
from core.tasks import TASKS
from tests.filters.stand_ins import make_candidate
from tests.test_shell_generate import SEEDS, STORIES, generate, read_lines, run_filter, seeds, write_lines  # noqa: F401

GERMAN = "Wie viele Birnen liegen jetzt in dem großen Korb, wenn Ada noch drei Birnen hineinlegt?"


def judge_file(tmp_path, given, *more):
    out = tmp_path / "judged.jsonl"
    state = main(["filter", "--in", str(given), "--out", str(out), "--home", str(tmp_path / "home"), *map(str, more)])
    return state, read_lines(out) if out.exists() else []


def test_what_generate_wrote_is_judged_beside_its_seeds(tmp_path, seeds, capsys):  # noqa: F811
    _, rows = generate(tmp_path, "--seeds", seeds, "--accept", 3)
    grown = write_lines(tmp_path / "grown.jsonl", [*rows, {**rows[0], "question": GERMAN}])
    capsys.readouterr()
    state, judged = judge_file(tmp_path, grown, "--filters", "language", "--seeds", seeds)
    assert state == 0 and [row["is_accepted"] for row in judged] == [True] * len(rows) + [False]
    assert all(row["verdicts"][0]["is_accepted"] is not None for row in judged)
    said = capsys.readouterr()
    assert f"language: 1 rejected, 0 not decided\n{len(judged)} lines:" in said.out and said.err == ""


def test_the_task_is_that_of_the_seeds_and_splits_of_a_seed_set_are_held_out(tmp_path):
    test, train = (
        json.loads((DEMO / "word_problems" / f"{split}.jsonl").open().readline()) for split in ("test", "train")
    )
    wrong = {"question": STORIES[0], "answer": "It is 30+12=<<30+12=43>>43.\n#### 43"}
    lines = write_lines(tmp_path / "in.jsonl", [test, train, wrong])
    _, judged = judge_file(tmp_path, lines, "--seeds", "word_problems", "--filters", "held_out,verified")
    assert [row["is_accepted"] for row in judged] == [False, True, False]
    assert "stands in the validation or test problems" in judged[0]["reason"] and "43" in judged[2]["reason"]


def test_lines_whose_parents_are_not_known_are_counted(tmp_path, seeds, capsys):  # noqa: F811
    lines = write_lines(tmp_path / "in.jsonl", [{"question": STORIES[0], "parents": ["p_1"]}, {"question": STORIES[1]}])
    judge_file(tmp_path, lines, "--filters", "language")
    assert capsys.readouterr().err.startswith("seedbed: 1 line names parents; name their file by --seeds")
    judge_file(tmp_path, lines, "--filters", "well_formed")
    assert capsys.readouterr().err == ""
    judge_file(tmp_path, lines, "--filters", "language", "--seeds", seeds)
    assert f"1 line names parents that are not in {seeds}, read as word_problems" in capsys.readouterr().err


def test_it_is_said_why_nothing_was_decided_and_how_many_lines_were_accepted_all_the_same(tmp_path, capsys):
    rows = [{"question": STORIES[0]}, {"question": STORIES[1]}, {"question": STORIES[2], "answer": "It is 63."}]
    rows += [{"question": STORIES[3], "answer": "#### 75", "parents": ["p"]}, {"answer": "5"}]
    state, judged = run_filter(tmp_path, rows, "--filters", "verified,language", "--task", "word_problems")
    told = capsys.readouterr().out.splitlines()
    assert state == 0 and [row["is_accepted"] for row in judged] == [True, True, False, True, False]
    at = told.index("5 lines = 3 accepted + 1 rejected + 1 unusable")
    assert told[at + 1] == "  3 of the accepted ones could be decided by no filter"
    assert told[at + 2 :][:2] == ["  verified: 1 rejected, 3 not decided", "    2: There is no answer."]
    assert "    4: There is no seed whose language could be compared." in told


def test_one_line_is_singular(tmp_path, capsys):
    against = write_lines(tmp_path / "known.jsonl", [{"question": STORIES[3]}, {"no": "question"}])
    run_filter(tmp_path, [{"question": STORIES[0]}], "--filters", "rouge_l", "--against", against)
    said = capsys.readouterr()
    assert said.out.startswith("1 line = 1 accepted + ") and f"1 line: {tmp_path}" in said.out
    assert said.err == f"seedbed: 1 line of {against} has no question and was not compared with.\n"


def test_reasons_that_quote_are_one_and_only_the_commonest_are_told(capsys):
    undecided = [shell_filter.Verdict("c", "f", None, f"The question is “{each}”.") for each in "abc"]
    undecided += [shell_filter.Verdict("c", "f", None, f"Reason {each}.") for each in "dddeeghi"]
    shell_filter.print_open_reasons([*undecided, shell_filter.Verdict("c", "f", False, "No.")])
    told = capsys.readouterr().out.splitlines()
    assert sorted(told[:2]) == ["    3: Reason d.", "    3: The question is “…”."]
    assert told[2:] == ["    2: Reason e.", "    3: other reasons"]


@pytest.mark.parametrize("name", ["csv", "columns", "list", "built-in"])
def test_lines_are_compared_with_whatever_can_be_a_seed_set(tmp_path, name):
    home = tmp_path / "home"
    if name == "built-in":
        against = "word_problems"
        question = json.loads((DEMO / against / "test.jsonl").open().readline())["question"]
    else:
        question = SEEDS[0]["question"]
        against = tmp_path / f"known.{'csv' if name == 'csv' else 'jsonl'}"
        rows = {"csv": f'question,answer\n"{question}","It is #### 7"\n', "list": json.dumps(SEEDS)}
        columns = json.dumps({"problem": question, "solution": r"It is $\boxed{7}$."}) + "\n"
        against.write_text(rows.get(name, columns), encoding="utf-8")
    rows = [{"question": question.upper()}, {"question": STORIES[4]}]
    state, judged = run_filter(tmp_path, rows, "--filters", "rouge_l", "--against", against)
    assert state == 0 and [row["is_accepted"] for row in judged] == [False, True], judged
    assert list((home / "runs").glob("*-import-*"))


@pytest.mark.parametrize("name", ["rouge_l", "contamination"])
def test_lines_are_compared_with_standard_input(tmp_path, monkeypatch, name):
    give_input(monkeypatch, json.dumps({"question": STORIES[0]}))
    rows = [{"question": STORIES[0]}, {"question": STORIES[4]}]
    state, judged = run_filter(tmp_path, rows, "--filters", name, "--against", "-")
    assert state == 0 and [row["is_accepted"] for row in judged] == [False, True]
    assert ("“standard input”" in judged[0]["reason"]) == (name == "contamination")


def test_standard_input_without_a_question_is_refused(tmp_path, monkeypatch, capsys):
    give_input(monkeypatch, "{}")
    assert run_filter(tmp_path, [{"question": STORIES[0]}], "--against", "-") == (1, [])
    assert capsys.readouterr().err == "seedbed: No line of standard input has a question to compare with.\n"


def give_input(monkeypatch, line):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{line}\n".encode())))


def test_a_filter_that_is_named_twice_judges_once(tmp_path):
    _, judged = run_filter(tmp_path, [{"question": STORIES[0]}], "--filters", "rouge,rouge_l,rouge")
    assert [verdict["filter"] for verdict in judged[0]["verdicts"]] == ["rouge_l"]


def test_verdicts_do_not_depend_on_how_many_lines_a_filter_is_put_at_a_time(monkeypatch):
    texts = [STORIES[at % 5] + " Indeed." * (at // 5) for at in range(23)]
    candidates = [make_candidate(at, text) for at, text in enumerate(texts)]
    filters = make_filters(["rouge_l", "well_formed"])
    wanted = judge(candidates, filters, FilterContext(TASKS.get("custom"), [STORIES[6]]))
    monkeypatch.setattr(shell_filter, "BLOCK", 4)
    context = FilterContext(TASKS.get("custom"), [STORIES[6]])
    assert judge(candidates, [shell_filter.Watched(one) for one in filters], context) == wanted
    assert context.earlier_questions == [STORIES[6]]
    assert {each.is_accepted for said in wanted for each in said} >= {False, True}


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_shown_on_a_terminal_alone(monkeypatch, is_terminal):
    file = io.StringIO()
    file.isatty = lambda: is_terminal
    monkeypatch.setattr(shell_filter.sys, "stderr", file)
    with shell_filter.open_bar("rouge_l", 1000) as bar:
        if is_terminal:
            bar.start_t = bar.last_print_t = 0.0  # it began more than a second ago
        bar.update(512)
    assert ("rouge_l:  51%|" in file.getvalue()) == is_terminal


@pytest.mark.parametrize(
    ("data", "n", "sentence"),
    [
        (b"", 0, None),
        (b"\x1f\x8b\x08\x00\xff\n\x00\xfe\n", 2, "is not readable JSON."),
        (b'\xef\xbb\xbf{"question": "Where?"}\r\n\r\n{"question": "When?"}', 3, "Line 2 is empty."),
        (b'{"question": "' + b"long " * 200_000 + b'"}\n', 1, None),
    ],
)
def test_any_bytes_are_lines(tmp_path, data, n, sentence):
    (tmp_path / "in.jsonl").write_bytes(data)
    state, judged = judge_file(tmp_path, tmp_path / "in.jsonl", "--filters", "length")
    assert state == 0 and len(judged) == n
    reasons = [row["reason"] for row in judged if row["reason"] and "Line" in row["reason"]]
    assert all(sentence in each for each in reasons) and bool(reasons) == (sentence is not None)
