import json

import pandas as pd
import pytest

from core.errors import DataFormatError
from core.tasks import TASKS
from core.training.data import NEGATIVE, POSITIVE, TrainingRow, hash_rows
from core.training.rows_file import read_rows_file, to_line

WORD_PROBLEMS = TASKS.get("word_problems")
TALK = [{"role": "user", "content": " Ann has 2. Then 3 more? "}, {"role": "assistant", "content": "2+3=5\n#### 5"}]
SHAREGPT = [{"from": "human", "value": TALK[0]["content"]}, {"from": "gpt", "value": TALK[1]["content"]}]
PARTS = [TALK[0], {"role": "assistant", "content": [{"type": "text", "text": TALK[1]["content"]}]}]
QUESTION, ANSWER = "Ann has 2. Then 3 more?", "2+3=5\n#### 5"


def read(*lines, task=WORD_PROBLEMS):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return read_rows_file(text.encode(), task, "a.jsonl")


@pytest.mark.parametrize(
    "line",
    [
        {"question": QUESTION, "answer": ANSWER},
        {"Prompt": QUESTION, "Completion": ANSWER},
        {"problem": QUESTION, "solution": ANSWER, "answer": "5"},
        {"instruction": "Ann has 2. Then 3 more?", "input": "", "output": ANSWER},
        {"prompt": TALK[:1], "completion": TALK[1:]},
        {"messages": [{"role": "system", "content": " "}, *TALK]},
        {"conversations": SHAREGPT},
        {"messages": PARTS, "gold": "#### 5"},
        {"messages": json.dumps(TALK), "label": 1},
        {"question": QUESTION, "answer": ANSWER, "final": 5.0, "label": "true"},
    ],
    ids=lambda line: "+".join(line),
)
def test_every_form_of_a_pair_is_read_as_the_same_row(line):
    rows, left_out = read(line)
    assert rows == [TrainingRow(QUESTION, ANSWER, final="5", origin="file", origin_id="1")] and left_out == []


@pytest.mark.parametrize(
    "line",
    [
        {"prompt": QUESTION, "chosen": ANSWER, "rejected": "2+3=6\n#### 6"},
        {"chosen": TALK, "rejected": [TALK[0], {"role": "assistant", "content": "2+3=6\n#### 6"}]},
        {"question": QUESTION, "answer": ANSWER, "rejected": "2+3=6\n#### 6"},
    ],
    ids=lambda line: "+".join(line),
)
def test_a_preference_keeps_both_answers(line):
    (row,), left_out = read(line)
    assert (row.question, row.answer, row.rejected, row.final) == (QUESTION, ANSWER, "2+3=6\n#### 6", "5")
    assert row.label == POSITIVE and not left_out


def test_inputs_and_contexts_belong_to_the_question():
    rows, _ = read(
        {"instruction": "Add them.", "input": "2 and 3", "output": ANSWER},
        {"context": "Ann has 2.", "question": "And 3 more?", "answer": ANSWER},
        {"context": "Ann has 2.", "question": "Ann has 2.\nAnd 3 more?", "answer": ANSWER + " "},
    )
    assert [row.question for row in rows] == ["Add them.\n\n2 and 3", "Ann has 2.\nAnd 3 more?"]


@pytest.mark.parametrize("label", [False, 0, -1, "-1", "False", "incorrect", -1.0], ids=repr)
def test_labels_in_all_their_spellings_make_a_negative_without_a_final_of_its_own(label):
    (row,), _ = read({"prompt": QUESTION, "completion": "2+3=6\n#### 6", "label": label})
    assert row.label == NEGATIVE and row.final is None


REFUSED = {
    "no answer": ({"question": "Q"}, "The line has no answer;"),
    "no question": ({"answer": "5"}, "The line has no question;"),
    "blank": ({"question": "Q", "answer": " \n"}, "The line has no answer;"),
    "not JSON": ('{"question": ', "The line is not complete JSON."),
    "list": ("[1]", "It is not a JSON object"),
    "system": ({"messages": [{"role": "system", "content": "Be kind."}, *TALK]}, "The line has a system turn,"),
    "two turns": ({"messages": TALK * 2}, "The conversation has 2 user turns;"),
    "tool": ({"messages": [*TALK, {"role": "tool", "content": "x"}]}, "The conversation has a turn of 'tool';"),
    "backwards": ({"messages": TALK[::-1]}, "The conversation begins with the assistant's turn."),
    "no reply": ({"messages": TALK[:1]}, "The conversation has no assistant turn."),
    "picture": ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "A turn of the conversation holds"),
    "label": ({"question": "Q", "answer": "A", "label": "spam"}, "The label is 'spam';"),
    "alone": ({"prompt": "Q", "rejected": "A"}, "The line has no chosen answer"),
    "same": ({"prompt": "Q", "chosen": "A", "rejected": "A "}, "The answers chosen and rejected are the same text."),
    "both": ({"prompt": "Q", "chosen": "A", "rejected": "B", "label": 0}, "The line has a rejected answer and a label"),
    "other question": (
        {"chosen": TALK, "rejected": [{"role": "user", "content": "x"}, TALK[1]]},
        "The conversations chosen and rejected begin with different questions.",
    ),
    "contradicts": ({"question": "Q", "answer": "#### 5", "final": "6"}, "The answer ends in '5', but"),
    "unsure": ({"question": "Q", "answer": "5", "response": "6"}, "The line has both answer and response;"),
    "test split": ({"question": "Q", "answer": "5", "split": "Test"}, "The line says that it belongs to the test"),
    "filtered": ({"question": "Q", "answer": "5", "is_accepted": False, "reason": "Odd."}, "It was not accepted: Odd."),
    "failed": ({"question": "Q", "answer": "5", "failure": "No reply."}, "It is a failed candidate: No reply."),
    "table": ({"question": {"a": 1}, "answer": "5"}, "The question is a table and no text."),
    "repeat": ({"question": QUESTION, "answer": ANSWER}, "It repeats line 1."),
    "false is false": ({"question": "Q", "answer": "It is false.", "label": "False"}, "The label is false and so is"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_line_is_left_out_with_its_number_and_the_reason(name):
    line, reason = REFUSED[name]
    rows, left_out = read({"question": QUESTION, "answer": ANSWER}, line)
    assert len(rows) == 1
    assert [(number, said.startswith(reason)) for number, said in left_out] == [(2, True)], left_out


def test_our_own_lines_come_back_as_they_were_with_the_same_hash():
    rows = [
        TrainingRow("Q ", " A\n", "5", NEGATIVE, None, "own", "finetune-1", "p_1"),
        TrainingRow("Q", "#### 5", "6", POSITIVE, "B", "candidate", "generate-1", "c_1"),
        TrainingRow("Q", "A", None, POSITIVE, None, "file", None, "9"),
    ]
    back, left_out = read(*map(to_line, rows))
    assert hash_rows(back) == hash_rows(rows) and left_out == []
    assert back[:2] == rows[:2]
    assert back[2].origin_id == "3"  # the line of this file, not of the one that it once stood in
    edited = {**to_line(rows[1]), "answer": "#### 7"}
    assert read(to_line(rows[0]), edited).left_out[0].reason.startswith("The answer ends in '7'")


def test_of_lines_that_say_the_same_the_one_with_a_final_answer_is_taken():
    bare = {"question": "Q", "answer": "It is so.", "label": -1}
    rows, left_out = read(bare, {"question": "R", "answer": "#### 5"}, {**bare, "final": "6"}, {**bare, "final": "7"})
    assert [(row.question, row.final, row.origin_id) for row in rows] == [("R", "5", "2"), ("Q", "6", "3")]
    assert left_out == [(1, "Line 3 repeats it, and has a final answer."), (4, "It repeats line 3.")]


def test_lines_that_generate_wrote_are_candidates_and_wrong_ones_negatives():
    line = {"candidate_id": "c_1", "question": "Q", "answer": "#### 5", "final": "5", "is_accepted": True, "meta": {}}
    rows, _ = read(line, {**line, "candidate_id": "c_2", "meta": {"label": "incorrect"}})
    assert [(row.origin, row.origin_id, row.label) for row in rows] == [
        ("candidate", "c_1", 1),
        ("candidate", "c_2", -1),
    ]


def test_csv_and_parquet_and_lists_are_read_alike(tmp_path):
    frame = pd.DataFrame({"prompt": [QUESTION, None], "completion": [ANSWER, "x"], "label": [True, False]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.json").write_text(json.dumps(frame.to_dict("records")))
    for name in ("a.csv", "a.parquet", "a.json"):
        rows, left_out = read_rows_file(tmp_path / name, WORD_PROBLEMS)
        assert [(row.question, row.answer, row.final) for row in rows] == [(QUESTION, ANSWER, "5")], name
        assert [line for line, _ in left_out] == [4 if name == "a.csv" else 2]  # the first answer has two lines


def test_a_file_with_no_usable_line_fails_in_one_sentence(tmp_path):
    with pytest.raises(
        DataFormatError, match=r"None of the 2 lines of a\.jsonl can be trained on; the first, line 1: "
    ):
        read({"question": "Q"}, {"answer": "A"})
    with pytest.raises(DataFormatError, match=r"The one line of a\.jsonl cannot be trained on: "):
        read({"question": "Q"})
    with pytest.raises(DataFormatError, match="There is no file"):
        read_rows_file(tmp_path / "none.jsonl")


def test_without_a_task_a_stated_final_is_read_and_compared():
    rows, left_out = read(
        {"question": "a", "answer": "so \\boxed{\\frac12}", "final": "0.5"},
        {"question": "b", "answer": "It is so."},
        {"question": "c", "answer": "#### 3", "final": "4"},
        task=None,
    )
    assert [row.final for row in rows] == ["0.5", "It is so."] and [line for line, _ in left_out] == [3]
