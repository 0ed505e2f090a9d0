import pytest

from core.datasets.recognise import ColumnMapping, map_row, recognise, to_text
from core.errors import DataFormatError

FILES = {
    "GSM8K": (
        [{"question": "How many?", "answer": "2+3=<<2+3=5>>5\n#### 5"}],
        ("word_problems", ColumnMapping(("question",), "answer")),
    ),
    "GSM8K with the final answer": (
        [{"id": 1, "question": "How many?", "answer": "5\n#### 5", "final": "5"}],
        ("word_problems", ColumnMapping(("question",), "answer", "final")),
    ),
    "MATH": (
        [{"problem": "Find $x$.", "solution": r"It is $\boxed{5}$.", "level": "Level 3", "type": "Algebra"}],
        ("maths", ColumnMapping(("problem",), "solution")),
    ),
    "MATH with the final answer": (
        [{"problem": "Find $x$.", "solution": r"It is $\boxed{5}$.", "answer": "5", "subject": "Algebra"}],
        ("maths", ColumnMapping(("problem",), "solution", "answer")),
    ),
    "maths without boxes": (
        [{"question": "Find $x$.", "answer": "Some words.", "final": r"\frac{1}{2}", "context": None}],
        ("maths", ColumnMapping(("question",), "answer", "final")),
    ),
    "ProntoQA with proofs": (
        [
            {
                "context": "Ann is a wumpus. Every wumpus is shy.",
                "question": "Is the following statement true or false? Ann is shy.",
                "answer": "Ann is a wumpus.\nEvery wumpus is shy.\nAnn is shy.",
                "final": "True",
                "steps": ["Ann is a wumpus."],
            }
        ],
        ("prontoqa", ColumnMapping(("context", "question"), "answer", "final")),
    ),
    "ProntoQA with letters": (
        [
            {
                "context": "Ann is a wumpus.",
                "question": "Is the following statement true or false? Ann is a wumpus.",
                "answer": "A",
                "options": ["A) True", "B) False"],
                "explanation": ["Ann is a wumpus.", "So it is."],
            }
        ],
        ("prontoqa", ColumnMapping(("context", "question"), "explanation", "answer")),
    ),
    "ProntoQA as its generator writes it": (
        [
            {
                "question": "Ann is a wumpus.",
                "query": "True or false: Ann is a wumpus.",
                "chain_of_thought": ["Ann is a wumpus."],
                "answer": "True",
            }
        ],
        ("prontoqa", ColumnMapping(("question", "query"), "chain_of_thought", "answer")),
    ),
    "Game of 24 without solutions": (
        [{"question": "1 1 4 6", "answer": None, "final": "24", "numbers": [1, 1, 4, 6]}],
        ("game24", ColumnMapping(("numbers",))),
    ),
    "Game of 24, numbers alone": (
        [{"Rank": "1", "Puzzles": "1 1 4 6", "Solved rate": "99%"}],
        ("game24", ColumnMapping(("Puzzles",))),
    ),
    "Game of 24 with solutions": (
        [{"question": "1 1 4 6", "answer": "1 * 1 = 1\nAnswer: 4 * 6 * 1 * 1", "final": "4 * 6 * 1 * 1"}],
        ("game24", ColumnMapping(("question",), "answer", "final")),
    ),
    "plain": ([{"Prompt": "Say hello.", "Output": "Hello."}], ("custom", ColumnMapping(("Prompt",), "Output"))),
}


@pytest.mark.parametrize("name", FILES)
def test_known_files_are_mapped_by_themselves(name):
    rows, (task, mapping) = FILES[name]
    found = recognise(list(rows[0]), rows)
    assert (found.task, found.mapping) == (task, mapping)
    assert found.why.endswith(".")


def test_a_few_bad_rows_do_not_hide_what_a_file_is():
    good = [{"question": "How many?", "answer": "#### 5"}] * 9
    assert recognise(["question", "answer"], [{"question": None, "answer": "?"}, *good]).task == "word_problems"
    assert recognise(["question", "answer"], [{"question": "a", "answer": "b"}] * 5 + good).task == "custom"


@pytest.mark.parametrize(
    "row",
    [
        {"question": "How many?", "gold": "5", "response": "A: 6", "is_correct": False},
        {"gold": "5", "pred": "6", "expected": False},
        {"name": "Ann", "age": "5"},
        {"question": "How many?"},
    ],
)
def test_what_is_not_a_seed_set_is_left_to_the_person(row):
    assert recognise(list(row), [row]) is None


def test_with_a_task_by_hand_only_the_columns_are_looked_for():
    row = {"instruction": "How many?", "output": "5"}
    found = recognise(list(row), [row], "word_problems")
    assert (found.task, found.mapping) == ("word_problems", ColumnMapping(("instruction",), "output"))
    assert recognise(["name"], [{"name": "x"}], "word_problems") is None


def test_rows_are_mapped_with_the_other_columns_kept():
    row = {
        "context": " Facts. ",
        "question": "True?",
        "label": "B",
        "options": ["A) True", "B) False"],
        "subject": "logic",
        "level": 3,
        "empty": None,
        "final": "not used",
        "long": "x" * 5000,
        "odd": {1, 2},
    }
    mapped = map_row(row, ColumnMapping(("context", "question"), None, "label"))
    assert (mapped.question, mapped.answer, mapped.final) == ("Facts.\nTrue?", None, "False")
    assert mapped.meta == {"options": ["A) True", "B) False"], "type": "logic", "level": 3}


def test_a_part_of_the_question_that_is_missing_leaves_no_question():
    assert map_row({"context": "", "question": "True?"}, ColumnMapping(("context", "question"))).question is None


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, None),
        ("", None),
        (" ", None),
        (float("nan"), None),
        ([], None),
        (5, "5"),
        (5.0, "5"),
        (5.5, "5.5"),
        (True, "True"),
        ([1, 2, 3], "1 2 3"),
        (["One step.", "Two steps."], "One step.\nTwo steps."),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_cells_become_text(cell, text):
    assert to_text(cell) == text


def test_a_mapping_survives_its_configuration_and_names_a_column_that_is_not_there():
    mapping = ColumnMapping(("context", "question"), None, "label")
    assert ColumnMapping.from_config(mapping.to_config()) == mapping
    assert ColumnMapping.from_config(None) is None
    with pytest.raises(DataFormatError, match="no column 'label'; it has context, question"):
        mapping.check(["context", "question"], "a.csv")
    with pytest.raises(DataFormatError, match="at least one column"):
        ColumnMapping(()).check(["a"], "a.csv")
