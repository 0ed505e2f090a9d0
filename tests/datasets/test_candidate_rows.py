"""Candidates made elsewhere: what columns are taken for, and what a row says, on real files of each kind."""

import json
from pathlib import Path

import pandas as pd
import pytest

from core.datasets.candidate_rows import (
    MAX_TEXT,
    CandidateColumns,
    list_tables,
    preview_table,
    read_row,
    read_table,
    recognise_columns,
)
from core.datasets.reading import Rows
from core.errors import DataFormatError


def recognise(path: Path) -> CandidateColumns | None:
    return recognise_columns(read_table(path))


def write_lines(path: Path, rows: list) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_distilabel_text_generation(tmp_path):
    rows = [
        {"instruction": f"How much is {i}+1?", "generation": f"It is {i + 1}.", "model_name": "m/x",
         "distilabel_metadata": {"raw_output_text_generation_0": "It is", "statistics": {"input_tokens": 3}}}
        for i in range(3)
    ]  # fmt: skip
    pd.DataFrame(rows).to_parquet(tmp_path / "train.parquet")
    found = recognise(tmp_path / "train.parquet")
    assert found == CandidateColumns(("instruction",), "generation", None, None, "model_name")
    row = read_row(read_table(tmp_path / "train.parquet").rows[2], found)
    assert (row.question, row.answer, row.model, row.n_answers) == ("How much is 2+1?", "It is 3.", "m/x", 1)


def test_distilabel_several_generations_and_evolved_instruction(tmp_path):
    rows = [
        {"instruction": "A seed?", "evolved_instruction": "A harder one?", "generations": [None, "First.", "Second."]}
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "a.parquet")
    found = recognise(tmp_path / "a.parquet")
    assert (found.question, found.answer, found.parent) == (("evolved_instruction",), "generations", "instruction")
    row = read_row(read_table(tmp_path / "a.parquet").rows[0], found)
    assert (row.answer, row.n_answers, row.parents) == ("First.", 2, ("A seed?",))


def test_saved_to_disk_by_datasets(tmp_path):
    from datasets import Dataset, DatasetDict

    data = Dataset.from_list([{"instruction": f"Q{i}?", "generation": f"A{i}."} for i in range(5)])
    DatasetDict({"train": data}).save_to_disk(tmp_path / "distiset" / "default")
    [path] = list_tables(tmp_path / "distiset")
    assert path.suffix == ".arrow" and recognise(path).answer == "generation"
    assert [row["instruction"] for row in read_table(path).rows] == [f"Q{i}?" for i in range(5)]


def test_two_leaves_in_a_folder_are_refused_by_name(tmp_path):
    for name in ("first_step", "second_step"):
        (tmp_path / name).mkdir()
        write_lines(tmp_path / name / "data.jsonl", [{"question": "Q", "answer": "A"}])
    with pytest.raises(DataFormatError, match="first_step, second_step"):
        list_tables(tmp_path)


def test_data_designer_folder_with_own_names_traces_and_structures(tmp_path):
    batches = tmp_path / "parquet-files"
    batches.mkdir()
    (tmp_path / "dropped-columns-parquet-files").mkdir()
    pd.DataFrame([{"x": 1}]).to_parquet(tmp_path / "dropped-columns-parquet-files" / "batch_00000.parquet")
    rows = [
        {"topic": "fruit", "math_question": "Two pears and one?", "math_question__reasoning_trace": "I think",
         "worked_solution": "Two and one are three.\n#### 3", "review": {"score": 4}}
    ]  # fmt: skip
    for number in range(2):
        pd.DataFrame(rows).to_parquet(batches / f"batch_{number:05d}.parquet")
    assert [path.name for path in list_tables(tmp_path)] == ["batch_00000.parquet", "batch_00001.parquet"]
    found = recognise(batches / "batch_00000.parquet")
    assert (found.question, found.answer) == (("math_question",), "worked_solution")
    others = read_row(read_table(batches / "batch_00000.parquet").rows[0], found).others
    assert others == {"topic": "fruit", "math_question__reasoning_trace": "I think", "review": {"score": 4}}


def test_a_structured_column_is_spread(tmp_path):
    pd.DataFrame([{"qa": {"question": "Q?", "answer": "A."}}]).to_parquet(tmp_path / "a.parquet")
    found = recognise(tmp_path / "a.parquet")
    assert (found.question, found.answer) == (("qa.question",), "qa.answer")
    assert read_row(read_table(tmp_path / "a.parquet").rows[0], found).question == "Q?"


def test_alpaca_input_may_be_empty(tmp_path):
    path = write_lines(
        tmp_path / "a.jsonl",
        [
            {"instruction": "Add.", "input": "1 2", "output": "3"},
            {"instruction": "Greet.", "input": "", "output": "Hi."},
        ],
    )
    found = recognise(path)
    assert found.question == ("instruction", "input")
    assert [read_row(row, found).question for row in read_table(path).rows] == ["Add.\n\n1 2", "Greet."]


def test_an_answer_beside_a_solution_is_the_final_one_only_where_it_is_short(tmp_path):
    short = write_lines(tmp_path / "a.jsonl", [{"problem": "P", "solution": "Long, so 7.", "answer": "7"}])
    long = write_lines(tmp_path / "b.jsonl", [{"question": "P", "generation": "New.", "answer": "A reference " * 9}])
    assert (recognise(short).answer, recognise(short).final) == ("solution", "answer")
    assert (recognise(long).answer, recognise(long).final) == ("generation", None)


def test_conversations_in_json_and_in_csv(tmp_path):
    talk = [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}]
    for path in (
        write_lines(tmp_path / "a.jsonl", [{"messages": talk, "teacher": "t"}]),
        tmp_path / "a.csv",
    ):
        if path.suffix == ".csv":
            pd.DataFrame([{"messages": json.dumps(talk), "teacher": "t"}]).to_csv(path, index=False)
        found = recognise(path)
        assert found == CandidateColumns(("messages",), "messages", None, None, "teacher")
        row = read_row(read_table(path).rows[0], found)
        assert (row.question, row.answer) == ("Q?", "A.")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"question": "", "answer": "A"}, "no question"),
        ({"question": "Q", "answer": None}, "no answer"),
        ({"question": "Q", "answer": ["", None]}, "no answer"),
        ({"question": "Q" * (MAX_TEXT + 1), "answer": "A"}, "100,001 characters"),
        ({"question": {"a": 1}, "answer": "A"}, "table and no text"),
        ({"question": b"\x00", "answer": "A"}, "bytes and no text"),
    ],
)
def test_what_is_no_candidate_says_why(row, reason):
    with pytest.raises(ValueError, match=reason):
        read_row(row, CandidateColumns(("question",), "answer"))


def test_what_nobody_can_recognise_is_left_to_a_person(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [{"alpha": "x", "beta": "y"}])
    preview = preview_table(path)
    assert preview.chosen is None and preview.columns == ["alpha", "beta"]
    assert preview_table(path, CandidateColumns(("alpha",), "beta")).rows[0].answer == "y"
    with pytest.raises(DataFormatError, match="no column 'gamma'"):
        preview_table(path, CandidateColumns(("alpha",), "gamma"))


def test_a_number_called_seed_names_no_seed_and_chosen_is_an_answer(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [{"prompt": "Q?", "chosen": "A.", "rejected": "B.", "seed": 42}])
    assert recognise(path) == CandidateColumns(("prompt",), "chosen")


@pytest.mark.parametrize(
    ("answers", "models", "model"),
    [(["First.", "Second."], ["m", "n"], "m"), ([None, "Second."], ["m", "n"], "n"), (["First."], "m", "m"),
     ([None, "Second."], ["m"], None), ("First.", ["m"], "m")],
)  # fmt: skip
def test_of_several_models_it_is_the_one_that_wrote_the_answer_taken(tmp_path, answers, models, model):
    row = {"instruction": "How much?", "generations": answers, "model_name": models}
    path = write_lines(tmp_path / "grouped.jsonl", [row])
    assert read_row(read_table(path).rows[0], recognise(path)).model == model


def test_a_stray_row_of_another_layout_does_not_take_the_answer_away():
    rows = [{"question": f"What is {i} + 1?", "answer": f"It is {i + 1}, as anybody can count."} for i in range(8)]
    rows.append({"instruction": "Say one.", "output": "one"})
    columns = ["question", "answer", "instruction", "output"]
    found = recognise_columns(Rows("a.jsonl", columns, rows))
    assert (found.question, found.answer) == (("question",), "answer")
