"""Every format: what is written is read back by a library that is not ours, text by text, and nothing goes unsaid."""

import csv
import re
from contextlib import nullcontext

import datasets
import pandas as pd
import pytest

import core.exporting  # noqa: F401
from core.errors import RunError
from core.exporting.base import FORMATS, KNOWN_WRONG, NO_ANSWER, NO_QUESTION, NOT_ACCEPTED, TRAIN, make_all
from core.exporting.tables import guard_cell
from core.exporting.writing import write_whole
from tests.exporting.rows import NASTY, WRONG, make_row, make_rows

UNGUARD = r"^'(?='*[=+\-@\t\r\n＝＋－＠])"
"""What the docstring of guard_cell says takes the guard away."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def write(name, rows, path):
    made = make_all(FORMATS.get(name), rows)
    with write_whole(path) as part:
        FORMATS.get(name).write({TRAIN: made.records}, "---\nlicense: unknown\n---\n", part)
    return made


def load_json(path):
    return list(datasets.load_dataset("json", data_files=str(path), split="train"))


def read_csv(path):
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return frame.replace(UNGUARD, "", regex=True).to_dict("records")


# Format -> path -> (id, question, answer) of every record that teaches an answer, as the format's readers see them.
READERS = {
    "chat": lambda path: [(row["id"], *(turn["content"] for turn in row["messages"])) for row in load_json(path)],
    "sharegpt": lambda path: [
        (row["id"], *(turn["value"] for turn in row["conversations"])) for row in load_json(path)
    ],
    "prompt_completion": lambda path: [
        (row["id"], row["prompt"], row["completion"].removeprefix("\n")) for row in load_json(path)
    ],
    "alpaca": lambda path: [
        (row["id"], row["instruction"] + row["input"], row["output"]) for row in load_json(path)
    ],
    "dpo": lambda path: [
        (row["id"], row["prompt"], row["chosen"].removeprefix("\n")) for row in load_json(path)
        if row["source"] == "student"
    ],
    "kto": lambda path: [
        (row["id"], row["prompt"], row["completion"].removeprefix("\n")) for row in load_json(path) if row["label"]
    ],
    "parquet": lambda path: [
        (row["id"], row["question"], row["answer"])
        for row in datasets.load_dataset("parquet", data_files=str(path), split="train")
    ],
    "csv": lambda path: [(row["id"], row["question"], row["answer"]) for row in read_csv(path)],
    "dataset": lambda path: [
        (row["id"], row["question"], row["answer"]) for row in datasets.load_dataset(str(path), split="train")
    ],
}  # fmt: skip


def test_every_format_is_read_back_by_somebody():
    assert set(READERS) == set(FORMATS)


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_text_comes_back_in_order(name, tmp_path):
    path = tmp_path / f"out{FORMATS.get(name).suffix}"
    made = write(name, make_rows(wrong=WRONG), path)
    assert (made.n_found, made.n_taken, made.left_out) == (len(NASTY), len(NASTY), {})
    assert READERS[name](path) == [(f"run/c{place}", *texts[:2]) for place, texts in enumerate(NASTY)]
    assert [left.name for left in tmp_path.iterdir() if left.name.startswith(".")] == []


@pytest.mark.parametrize("name", list(FORMATS))
def test_nothing_is_left_out_without_a_reason(name):
    rows = [
        make_row(0, wrong=WRONG),
        make_row(1, (None, None, None)),
        make_row(2, ("Why?", " \n", None)),
        make_row(3, is_right=False),
        make_row(4, is_right=None, wrong=WRONG),
    ]
    made = make_all(FORMATS.get(name), rows)
    assert made.n_found == 5 == made.n_taken + sum(made.left_out.values())
    assert made.left_out[NO_QUESTION] == made.left_out[NO_ANSWER] == 1
    keeps_wrong = {"kto", "parquet", "csv"}
    assert made.left_out.get(KNOWN_WRONG, 0) == (name not in keeps_wrong)
    assert made.left_out.get(NOT_ACCEPTED, 0) == (name in ("dpo", "kto"))
    assert len(made.records) == len(made.owners)


def test_preference_pairs_have_every_wrong_answer_and_kto_only_what_is_known_to_be_wrong():
    right, wrong, bare = make_row(0, wrong=WRONG), make_row(1, is_right=False, wrong=WRONG), make_row(2)
    pairs = make_all(FORMATS.get("dpo"), [right, wrong, bare])
    assert [(each["chosen"], each["rejected"], each["source"]) for each in pairs.records] == [
        ("\n4", "\n=7", "student"), ("\n4", "\nfive,\n5", "edit"),
    ]  # fmt: skip
    assert pairs.left_out == {KNOWN_WRONG: 1, "no wrong answer to it is known": 1}
    labelled = make_all(FORMATS.get("kto"), [right, wrong, bare])
    assert [(each["completion"], each["label"]) for each in labelled.records] == [
        ("\n4", True), ("\n=7", False), ("\n4", False), ("\n4", True),
    ]  # fmt: skip


def test_what_takes_the_guard_away_is_told():
    assert UNGUARD in guard_cell.__doc__


@pytest.mark.parametrize(
    "name", ["chat", "prompt_completion", "alpaca", "sharegpt", "dpo", "kto", "parquet", "dataset"]
)
def test_what_is_taken_out_can_be_trained_on_here_too(name):
    from core.training.line_forms import read_line

    made = make_all(FORMATS.get(name), [make_row(0, wrong=WRONG[:1])])
    lines = [read_line(record) for record in made.records]
    assert {(line.question, line.answer) for line in lines if line.label == 1} == {("What is 2 + 2?", "4")}
    assert [line.rejected for line in lines if line.rejected] == (["=7"] if name == "dpo" else [])
    assert [line.answer for line in lines if line.label == -1] == (["=7"] if name == "kto" else [])


def test_no_cell_of_a_spreadsheet_is_run_and_numbers_stay_numbers(tmp_path):
    path = tmp_path / "out.csv"
    write("csv", make_rows(), path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel would take it for another alphabet"
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    running = [cell for cell in cells if re.match(r"[=+\-@\t\r]", cell)]
    assert sorted(running) == ["-3", "-5"], "plain numbers, and nothing else, begin with a sign"
    assert read_csv(path)[1]["final"] == "-5" and read_csv(path)[3]["final"] == "''-twice"
    assert [guard_cell(value) for value in (-5, None, True, "-5,000.5", "+49 1", "-2+3")] == [
        -5, None, True, "-5,000.5", "'+49 1", "'-2+3",
    ]  # fmt: skip


def test_a_column_that_is_unknown_throughout_keeps_its_type(tmp_path):
    write("parquet", make_rows(), tmp_path / "out.parquet")
    features = datasets.load_dataset("parquet", data_files=str(tmp_path / "out.parquet"), split="train").features
    assert features["selector"].dtype == "string" and features["round"].dtype == "int64"


def test_a_dataset_names_no_reviewer(tmp_path):
    write("dataset", make_rows(), tmp_path / "out")
    assert "reviewer" not in datasets.load_dataset(str(tmp_path / "out"), split="train").column_names


def test_what_cannot_be_written_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    for target, sentence in [(taken, "is there already"), (tmp_path / "no" / "x", "There is no folder")]:
        with pytest.raises(RunError, match=sentence):
            write("chat", make_rows(), target)
    assert taken.read_text() == "mine"

    def fill_up(*_):
        raise OSError(28, "No space left on device")

    for name in ("chat", "dataset"):
        monkeypatch.setattr("pathlib.Path.rename", fill_up)
        with pytest.raises(RunError, match="out could not be written: the disk is full; nothing of it was kept"):
            write(name, make_rows(), tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["taken"]
        monkeypatch.undo()


def test_what_somebody_else_wrote_meanwhile_is_not_replaced(tmp_path):
    target = tmp_path / "out.jsonl"
    with pytest.raises(RunError, match=r"out.jsonl is there already"), write_whole(target) as part:
        part.write_text("ours")
        target.write_text("theirs")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["theirs"]


@pytest.mark.parametrize(("name", "fits"), [("数" * 85, True), ("数" * 86, False), ("x" * 300, False)])
def test_a_name_as_long_as_a_file_can_have_is_taken_and_a_longer_one_is_told(tmp_path, name, fits):
    refusal = nullcontext() if fits else pytest.raises(RunError, match="longer than a file can have")
    with refusal, write_whole(tmp_path / name) as part:
        part.write_text("ours")
    assert [path.name for path in tmp_path.iterdir()] == [name] * fits
