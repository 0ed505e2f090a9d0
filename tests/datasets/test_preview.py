import json

from core.datasets import ColumnMapping, preview_file


def make_lines(n):
    rows = [{"question": f"Ann has {i} pears. How many?", "answer": f"#### {i}"} for i in range(n)]
    return "\n".join(map(json.dumps, rows)).encode()


def test_a_known_file_shows_its_first_problems_and_faults():
    preview = preview_file(b'{"broken\n{"question": ""}\n' + make_lines(50), name="a.jsonl", n=5)
    assert preview.task == "word_problems" and preview.mapping == ColumnMapping(("question",), "answer")
    assert [problem.final for problem in preview.problems] == ["0", "1", "2", "3", "4"]
    assert [fault.line for fault in preview.faults] == [1, 2]
    assert preview.columns == ["question", "answer"] and preview.n_rows == 52 and preview.is_whole


def test_only_the_beginning_of_a_long_file_is_looked_at(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(make_lines(3000))
    preview = preview_file(path)
    assert len(preview.problems) == 20 and preview.n_rows == 200 and not preview.is_whole


def test_an_unknown_file_says_what_to_choose_and_a_mapping_by_hand_shows_it():
    data = b"facts,truth\nAnn has 3 pears.,3\n"
    preview = preview_file(data, name="a.csv")
    assert preview.task is None and preview.mapping is None and not preview.problems
    assert "choose its task and its columns by hand" in preview.why
    mapped = preview_file(data, "word_problems", ColumnMapping(("facts",), None, "truth"), name="a.csv")
    assert mapped.problems[0].final == "3" and mapped.why == "Mapped by hand."
    wrong = preview_file(data, "word_problems", ColumnMapping(("gone",)), name="a.csv")
    assert "no column 'gone'" in wrong.why and wrong.task == "word_problems"
