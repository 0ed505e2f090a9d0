import json

import pandas as pd
import pytest

from core.datasets import ColumnMapping, ensure_seed_set, import_seed_set, load_problems
from core.errors import DataFormatError, RunCancelled
from core.lines import read_all
from core.runs.folder import RunFolder


def make_row(number, answer=None, **more):
    total = number + 2
    return {
        "question": f"Ann has {number} pears and gets 2 more. How many?",
        "answer": answer or f"#### {total}",
        **more,
    }


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read_records(home, run_id, table):
    return read_all(home / "runs" / run_id / "records" / f"{table}.jsonl")


def run_import(home, file=None, **config):
    config = {"name": "mine", "task": None, "mapping": None, "split_seed": 0, **config}
    files = {}
    if file is not None:
        config["files"], files = {"train": file.name}, {file.name: file}
    folder = RunFolder.create(home, "import", title="Import", config=config, lane="light", files=files)
    with folder.hold():
        summary = import_seed_set(folder)
        folder.finish("done", summary)
    return folder, summary


def test_good_rows_are_kept_and_bad_ones_listed_and_the_counts_add_up(tmp_path):
    file = tmp_path / "pears.jsonl"
    lines = [json.dumps(make_row(i)) for i in range(60)]
    lines[3] = '{"question": "cut'
    lines[5] = json.dumps({"question": "", "answer": "#### 1"})
    lines[7] = json.dumps({"question": "How many?", "answer": None})
    lines[9] = lines[2]
    lines[11] = json.dumps(make_row(2, "#### 5"))  # the same question with another answer is no repeat
    file.write_text("\n".join(lines))
    run_id = ensure_seed_set(tmp_path, file)
    [row] = read_records(tmp_path, run_id, "seed_sets")
    assert (row["n_in"], row["n_kept"], row["n_rejected"]) == (60, 56, 4)
    assert (row["name"], row["task"], row["origin"]) == ("pears", "word_problems", "pears.jsonl")
    assert row["mapping"] == {"question": ["question"], "answer": "answer", "final": None}
    rejected = read_records(tmp_path, run_id, "rejected_rows")
    assert {(row["source"], row["line"]): row["reason"] for row in rejected} == {
        ("pears.jsonl", 4): "The line is not complete JSON.",
        ("pears.jsonl", 6): "The row has no question (question is empty).",
        ("pears.jsonl", 8): "The row has no answer, and this task needs one.",
        ("pears.jsonl", 10): "The same question and answer stand in line 3 already.",
    }
    assert rejected[-1]["excerpt"] == make_row(2)["question"]
    state = RunFolder(tmp_path / "runs" / run_id).read_result()
    assert state["state"] == "done" and (state["n_train"], state["n_validation"], state["n_test"]) == (46, 5, 5)
    assert state["split_rule"].startswith("5 test and 5 validation problems were drawn from 56")


def test_problems_come_back_as_they_were_written(tmp_path):
    file = write_lines(tmp_path / "a.jsonl", [make_row(i, level=i, note=None) for i in range(30)])
    run_id = ensure_seed_set(tmp_path, file)
    problems = load_problems(tmp_path, run_id)
    assert [problem.question for problem in problems] == [make_row(i)["question"] for i in range(30)]
    assert problems[4].final == "6" and problems[4].meta["level"] == 4 and "note" not in problems[4].meta
    held = load_problems(tmp_path, run_id, ["validation", "test"])
    assert sorted({problem.split for problem in held}) == ["test", "validation"] and len(held) == 6
    frame = pd.read_parquet(tmp_path / "runs" / run_id / "records" / "problems" / "part-00000.parquet")
    assert list(frame["position"]) == list(range(30)) and set(frame["attempt"]) == {1}


def test_ids_are_those_of_the_content_and_an_import_is_made_once(tmp_path):
    rows = [make_row(i) for i in range(20)]
    first = ensure_seed_set(tmp_path, write_lines(tmp_path / "a.jsonl", rows))
    assert ensure_seed_set(tmp_path, str(write_lines(tmp_path / "copy.jsonl", rows))) == first
    turned = ensure_seed_set(tmp_path, write_lines(tmp_path / "turned.jsonl", rows[::-1]))
    other = ensure_seed_set(tmp_path, tmp_path / "a.jsonl", split_seed=1)
    assert len({first, turned, other}) == 3

    def splits(run_id):
        return {problem.problem_id: problem.split for problem in load_problems(tmp_path, run_id)}

    assert splits(first) == splits(turned)
    assert splits(first).keys() == splits(other).keys() and splits(first) != splits(other)


def test_a_problem_of_a_test_or_validation_file_never_reaches_the_train_split(tmp_path):
    leaked = {"question": make_row(5)["question"].upper(), "answer": "It is 7.\n#### 7"}
    train = write_lines(tmp_path / "train.jsonl", [make_row(i) for i in range(20)])
    test = write_lines(tmp_path / "test.jsonl", [leaked, make_row(90)])
    validation = write_lines(tmp_path / "validation.jsonl", [make_row(6), make_row(90)])
    run_id = ensure_seed_set(tmp_path, train, validation=validation, test=test)
    [row] = read_records(tmp_path, run_id, "seed_sets")
    assert (row["n_in"], row["n_kept"], row["n_rejected"]) == (24, 21, 3)
    assert row["split_rule"] == "Validation and test problems are those of their own files."
    reasons = {(row["source"], row["line"]): row["reason"] for row in read_records(tmp_path, run_id, "rejected_rows")}
    assert reasons == {
        ("validation.jsonl", 2): "The same problem is held out in the test file (line 2).",
        ("train.jsonl", 6): "The same problem is held out in the test file (line 1).",
        ("train.jsonl", 7): "The same problem is held out in the validation file (line 1).",
    }
    assert len(load_problems(tmp_path, run_id, ["train"])) == 18


def test_two_files_of_one_name_are_told_apart(tmp_path):
    (tmp_path / "other").mkdir()
    bad = [{"question": "", "answer": "#### 1"}]
    train = write_lines(tmp_path / "a.jsonl", [*bad, *(make_row(i) for i in range(12))])
    test = write_lines(tmp_path / "other" / "a.jsonl", [*bad, make_row(50)])
    run_id = ensure_seed_set(tmp_path, train, test=test)
    sources = [row["source"] for row in read_records(tmp_path, run_id, "rejected_rows")]
    assert sources == ["a.jsonl (test)", "a.jsonl (train)"]


def test_game_of_24_needs_only_numbers_and_splits_by_multiset(tmp_path):
    rows = "1 1 4 6\n6 4 1 1\n1 1 1 1\n4 4 10 10\n".splitlines()
    file = tmp_path / "puzzles.csv"
    file.write_text("Puzzles\n" + "".join(row + "\n" for row in rows))
    run_id = ensure_seed_set(tmp_path, file)
    problems = load_problems(tmp_path, run_id)
    assert [problem.question for problem in problems] == ["1 1 4 6", "4 4 10 10"]
    assert all(problem.answer and problem.final for problem in problems)
    reasons = {row["line"]: row["reason"] for row in read_records(tmp_path, run_id, "rejected_rows")}
    assert "line 2 already" in reasons[3] and "cannot make 24" in reasons[4]


def test_columns_mapped_by_hand_are_used_as_told(tmp_path):
    rows = [{"facts": f"Ann has {i} pears.", "ask": "How many?", "gold": str(i), "question": "?"} for i in range(3)]
    file = write_lines(tmp_path / "a.jsonl", rows)
    mapping = ColumnMapping(("facts", "ask"), None, "gold").to_config()
    folder, summary = run_import(tmp_path, file, task="word_problems", mapping=mapping)
    assert summary["n_kept"] == 3 and summary["why"] == "Mapped by hand."
    problem = load_problems(tmp_path, folder.run_id)[2]
    assert (problem.question, problem.final) == ("Ann has 2 pears.\nHow many?", "2")
    with pytest.raises(DataFormatError, match="no column 'gone'"):
        run_import(tmp_path, file, task="word_problems", mapping={"question": ["gone"]})


def test_a_built_in_seed_set_brings_all_four_splits(tmp_path):
    run_id = ensure_seed_set(tmp_path, "maths")
    assert ensure_seed_set(tmp_path, "maths") == run_id
    splits = {problem.split for problem in load_problems(tmp_path, run_id)}
    assert splits == {"train", "validation", "test", "ood"}
    [row] = read_records(tmp_path, run_id, "seed_sets")
    assert row["origin"] == "maths" and row["n_rejected"] == 0 and row["n_in"] == row["n_kept"]


def test_a_built_in_seed_set_takes_another_test_file(tmp_path):
    test = write_lines(tmp_path / "t.jsonl", [{"question": "What is $1+1$?", "answer": r"\boxed{2}", "final": "2"}])
    run_id = ensure_seed_set(tmp_path, "maths", test=test)
    assert [problem.final for problem in load_problems(tmp_path, run_id, ["test"])] == ["2"]
    assert len(load_problems(tmp_path, run_id, ["validation"])) > 1


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nothing", "no built-in seed set 'nothing'; built-in: word_problems, maths, prontoqa, game24"),
        ("absent.jsonl", "no built-in seed set"),
        ("folder", "is a folder"),
        ("empty.jsonl", "is empty"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence_and_leaves_no_run(tmp_path, monkeypatch, name, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(DataFormatError, match=sentence):
        ensure_seed_set(tmp_path, name)
    assert not (tmp_path / "runs").exists()


def test_an_import_that_fails_says_so_in_its_folder_and_is_not_found_again(tmp_path):
    file = write_lines(tmp_path / "a.jsonl", [{"question": "How many?", "answer": "no number #### here"}] * 3)
    for _ in range(2):
        with pytest.raises(DataFormatError, match="has no usable row; most often"):
            ensure_seed_set(tmp_path, file)
    folders = [RunFolder(path) for path in (tmp_path / "runs").iterdir()]
    assert [folder.read_result()["state"] for folder in folders] == ["failed", "failed"]
    unknown = write_lines(tmp_path / "b.jsonl", [{"name": "Ann", "age": 5}])
    with pytest.raises(DataFormatError, match=r"no known kind of file \(columns: name, age\)"):
        ensure_seed_set(tmp_path, unknown)
    graded = write_lines(tmp_path / "c.jsonl", [{"question": "?", "gold": "1", "response": "2"}])
    with pytest.raises(DataFormatError, match="answers of models"):
        ensure_seed_set(tmp_path, graded)


def test_a_cancelled_import_stops(tmp_path):
    file = write_lines(tmp_path / "a.jsonl", [make_row(i) for i in range(5)])
    config = {"name": "a", "task": None, "files": {"train": "a.jsonl"}, "mapping": None, "split_seed": 0}
    folder = RunFolder.create(tmp_path, "import", title="Import", config=config, lane="light", files={"a.jsonl": file})
    folder.order("cancel")
    with folder.hold(), pytest.raises(RunCancelled):
        import_seed_set(folder)


def test_a_repeated_import_replaces_the_first(tmp_path):
    file = write_lines(tmp_path / "a.jsonl", [make_row(i) for i in range(12)])
    folder, _ = run_import(tmp_path, file)
    before = load_problems(tmp_path, folder.run_id)
    folder.order("again")
    with folder.hold():
        folder.finish("done", import_seed_set(folder))
    assert load_problems(tmp_path, folder.run_id) == before


def test_an_unknown_seed_set_is_one_sentence(tmp_path):
    with pytest.raises(DataFormatError, match="no seed set 'gone'"):
        load_problems(tmp_path, "gone")


def test_files_of_two_tasks_are_one_sentence(tmp_path):
    train = write_lines(tmp_path / "pears.jsonl", [make_row(i) for i in range(30)])
    other = write_lines(tmp_path / "puzzles.jsonl", [{"numbers": [1, 2, 3, 4 + i]} for i in range(5)])
    sentence = "puzzles.jsonl is a file of game24, and pears.jsonl one of word_problems"
    with pytest.raises(DataFormatError, match=sentence):
        ensure_seed_set(tmp_path, train, test=other)


def test_an_import_of_bad_rows_alone_still_lists_them(tmp_path):
    file = write_lines(tmp_path / "pears.jsonl", [{"question": "", "answer": "#### 1"}, make_row(1) | {"answer": None}])
    with pytest.raises(DataFormatError, match="has no usable row"):
        run_import(tmp_path, file, task="word_problems")
    [folder] = (tmp_path / "runs").glob("*-import-*")
    assert [row["line"] for row in read_records(tmp_path, folder.name, "rejected_rows")] == [1, 2]
