import gzip
import io
import json

import pandas as pd
import pytest

from core.datasets.reading import read_rows
from core.errors import DataFormatError


def faults(rows):
    return {fault.line: fault.reason for fault in rows.faults}


def test_json_lines_keep_the_good_ones_and_list_the_bad_ones_by_line():
    data = b"\xef\xbb\xbf" + b"\r\n".join(
        [
            b'{"question": "caf\xc3\xa9?", "n": 1}',
            b"",
            b'{"question": "caf\xe9?"}',
            b'{"question": "cut of',
            b"[1, 2]",
            rb'{"question": "half \ud83d"}',
            rb'{"question": "whole \ud83d\ude00", "more": null}',
            b'{"n": ' + b"9" * 5000 + b"}",
            b"[" * 100_000,
        ]
    )
    rows = read_rows(data, "a.jsonl")
    assert rows.rows == [{"question": "café?", "n": 1}, {"question": "whole 😀", "more": None}]
    assert rows.lines == [1, 7] and rows.columns == ["question", "n", "more"] and rows.is_whole
    assert faults(rows) == {
        3: "The line is not UTF-8.",
        4: "The line is not complete JSON.",
        5: "It is not a JSON object with named columns.",
        6: "The text holds half of a two-part character, which is not UTF-8.",
        8: "The line is not complete JSON.",
        9: "The line is not complete JSON.",
    }
    assert all(len(fault.excerpt) <= 120 and fault.excerpt.encode() for fault in rows.faults)
    assert rows.faults[0].excerpt == '{"question": "caf�?"}'


def test_reading_stops_at_the_number_wanted():
    data = b'{"a": 1}\n{"a": 2}\n{"a": 3}\n'
    assert [row["a"] for row in read_rows(data, "a.jsonl", n_max=2).rows] == [1, 2]
    assert not read_rows(data, "a.jsonl", n_max=2).is_whole
    assert read_rows(data, "a.jsonl", n_max=3).is_whole


def test_csv_counts_lines_where_rows_start_and_refuses_other_widths():
    text = 'question,answer\r\n"two\r\nlines, ""quoted""",5\r\nonly one\r\n\r\na,b,c\r\nplain,\r\n'
    rows = read_rows(b"\xef\xbb\xbf" + text.encode(), "a.csv")
    assert rows.rows == [{"question": 'two\r\nlines, "quoted"', "answer": "5"}, {"question": "plain", "answer": None}]
    assert rows.lines == [2, 7]
    assert faults(rows) == {4: "The row has 1 cells, the header 2.", 6: "The row has 3 cells, the header 2."}


def test_csv_rows_that_are_not_utf8_are_refused_and_shift_nothing():
    rows = read_rows(b'question;answer\ncaf\xe9;1\n"a\xff\nb";2\nok;3\n', "a.csv")
    assert rows.rows == [{"question": "ok", "answer": "3"}] and rows.lines == [5]
    assert faults(rows) == {2: "The row is not UTF-8.", 3: "The row is not UTF-8."}


def test_a_quote_that_is_never_closed_costs_one_row_and_not_the_rest():
    rows = read_rows(b'question,answer\na,1\n"b,2\nc,3\nd,4\n', "a.csv")
    assert [row["question"] for row in rows.rows] == ["a", "c", "d"]
    assert faults(rows) == {3: "A quote that opens here is never closed."}


def test_stray_quotes_are_all_listed_in_good_time():
    n = 20_000
    rows = read_rows(("q,a\n" + 'x,"1\n' * n + "good,1\n").encode(), "a.csv")
    assert [row["q"] for row in rows.rows] == ["good"] and rows.lines == [n + 2]
    assert sorted(faults(rows)) == list(range(2, n + 2))


@pytest.mark.parametrize("name", ["a.tsv", "a.csv"])
def test_tabs_and_semicolons_separate_too(name):
    assert read_rows(b"question\tanswer\na, b\tc\n", name).rows == [{"question": "a, b", "answer": "c"}]


def test_columns_without_a_name_get_one_and_two_of_a_name_are_refused():
    assert read_rows(b"q,\n1,2\n", "a.csv").columns == ["q", "column_2"]
    with pytest.raises(DataFormatError, match="two columns named 'q'"):
        read_rows(b"q,q\n1,2\n", "a.csv")


def test_parquet_keeps_lists_and_nulls():
    file = io.BytesIO()
    pd.DataFrame({"question": ["a", None], "steps": [["x", "y"], None]}).to_parquet(file)
    rows = read_rows(file.getvalue(), "a.parquet")
    assert rows.rows == [{"question": "a", "steps": ["x", "y"]}, {"question": None, "steps": None}]
    assert rows.lines == [1, 2]
    with pytest.raises(DataFormatError, match="not a complete Parquet file"):
        read_rows(file.getvalue()[:-20], "a.parquet")


def test_a_list_of_objects_is_read_item_by_item():
    items = [{"a": "one]"}, 7, {"a": "zwö"}]
    rows = read_rows(json.dumps(items, indent=2).encode(), "a.json")
    assert rows.rows == [items[0], items[2]] and rows.lines == [1, 3]
    assert faults(rows) == {2: "It is not a JSON object with named columns."}


def test_a_broken_list_keeps_what_came_before():
    broken = read_rows(b'[{"a": 1},\n{"a": 2},\n{"a": oops},\n{"a": 4}]', "a.json")
    assert broken.lines == [1, 2]
    assert faults(broken) == {3: "The list breaks off here, in line 3; what follows cannot be read."}
    assert faults(read_rows(b'[{"a": 1}, ', "a.json")) == {2: "The list is never closed; the file seems to be cut off."}
    assert list(faults(read_rows(b'[{"a": 1}]\n[{"a": 2}]', "a.json"))) == [2]


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "a.jsonl", "a.jsonl is empty"),
        (b" \r\n\n", "a.csv", "a.csv is empty"),
        (b"question,answer\n", "a.csv", "holds no rows"),
        (b"[]", "a.json", "holds no rows"),
        ("{}".encode("utf-16"), "a.jsonl", "UTF-16"),
        (gzip.compress(b"{}", mtime=0), "a.jsonl", "compressed"),
        (b'{\n "rows": [\n{"a": 1}]\n}', "a.json", "one JSON object, not rows"),
        (b"just words", "a.doc", "no table that Seedbed reads"),
        (b"caf\xe9,b\n1,2\n", "a.csv", "no readable header"),
        (b'[{"a": "caf\xe9"}]', "a.json", r"not UTF-8 \(line 1\)"),
    ],
)
def test_what_is_no_table_is_one_sentence(data, name, sentence):
    with pytest.raises(DataFormatError, match=sentence):
        read_rows(data, name)


def test_a_folder_and_a_missing_file_are_one_sentence(tmp_path):
    with pytest.raises(DataFormatError, match="is a folder"):
        read_rows(tmp_path)
    with pytest.raises(DataFormatError, match="There is no file"):
        read_rows(tmp_path / "absent.jsonl")
