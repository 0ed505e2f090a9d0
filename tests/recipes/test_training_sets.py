from dataclasses import replace

import pytest

from core.datasets import load_problems
from core.errors import RunError, TrainingError
from core.recipes import training_sets as sets
from core.recipes.training_choice import ALL_SEEDS, PARTS, Choice, settle_subject
from core.recipes.training_sets import build_rows, read_earlier
from core.store.partial import open_partial
from core.store.reads_candidates import POLICIES
from core.tasks import TASKS
from core.training.data import NEGATIVE, POSITIVE, TrainingRow, hash_rows
from core.training.objectives import drawing
from core.training.rows_file import LineLeftOut, RowsFile, read_rows_file
from tests.recipes.rows_world import make_run, make_world

EVERY = Choice(
    ("grown", "wrong"), POLICIES[0], ALL_SEEDS, ("answered",), ("tuned",), (POSITIVE, NEGATIVE), earlier="tuned"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def build(home):
    problems = load_problems(home, "seeds")
    with open_partial(home, ["seeds", "grown", "wrong", "answered", "tuned", "old", "chosen"]) as store:

        def build_choice(choice, **more):
            earlier = read_earlier(store, home, choice.earlier) if choice.earlier else ()
            task = TASKS.get("word_problems")
            return build_rows(store, choice, task, problems, seed_set="seeds", earlier=earlier, **more)

        yield build_choice


def ids(made, part):
    return [row.origin_id for row, name in zip(made.rows, made.parts, strict=True) if name == part]


def reasons(made, part):
    return {row.origin_id: row.reason for row in made.left_out if row.part == part}


def test_every_row_found_is_taken_or_left_out_with_a_reason_and_parts_keep_their_order(build):
    lines = [LineLeftOut(2, "The line has no answer.")]
    file = RowsFile([TrainingRow("New?", "5", "5", origin_id="1")], lines)
    made = build(EVERY, file=file)
    counts = made.count()
    assert list(counts) == list(PARTS) and list(dict.fromkeys(made.parts)) == [n for n in PARTS if counts[n]["taken"]]
    for part in counts.values():
        assert part["found"] == part["taken"] + sum(part["reasons"].values())
    assert {name: part["found"] for name, part in counts.items()} == {
        "candidates": 7, "seeds": 6, "answers": 4, "own": 6, "file": 2, "earlier": 1,
    }  # fmt: skip
    assert made.hash == hash_rows(made.rows) and len({row.row_id for row in made.rows}) == len(made.rows)
    assert all(row.reason for row in made.left_out)


def test_candidates_are_taken_as_reviewed_and_wrong_ones_are_negatives(build):
    made = build(replace(EVERY, seeds=None, answers=(), own=(), earlier=None))
    assert ids(made, "candidates") == ["c2", "c4", "w0"]
    by_id = {row.origin_id: row for row in made.rows}
    assert by_id["c4"].question == "Q4 edited?" and by_id["c4"].final == "4" and by_id["c4"].label == POSITIVE
    wrong = by_id["w0"]
    assert (wrong.label, wrong.final, wrong.answer, wrong.origin) == (NEGATIVE, "3", "so 8\n#### 8", "candidate")
    assert reasons(made, "candidates") == {
        "c0": sets.UNUSABLE,
        "c1": "rejected by the filter rouge_l",
        "c3": sets.BY_HAND,
        "c5": sets.HELD_OUT,  # a person's edit made it a test problem
    }
    assert made.count()["candidates"]["wrong"] == 1
    details = {row.origin_id: row.detail for row in made.left_out}
    assert details["c0"] == "The reply held no question." and details["c1"].startswith("ROUGE-L 0.91")


def test_only_what_was_accepted_by_hand_is_taken_where_that_is_asked(build):
    made = build(replace(EVERY, taken=POLICIES[1], seeds=None, own=(), earlier=None))
    assert ids(made, "candidates") == ["c4"] and ids(made, "answers") == ["a3"]
    assert reasons(made, "candidates")["c2"] == sets.NOT_BY_HAND
    assert reasons(made, "answers") == dict.fromkeys(("a0", "a1", "a2"), sets.NOT_BY_HAND)


def test_a_teachers_answers_are_taken_where_they_are_right_or_a_person_accepted_them(build):
    made = build(Choice(answers=("answered",)))
    assert ids(made, "answers") == ["a0", "a3"]
    assert {(row.origin, row.final) for row in made.rows} == {("teacher", "0"), ("teacher", "3")}
    assert reasons(made, "answers") == {"a1": sets.WRONG, "a2": sets.UNVERIFIED}


def test_seeds_are_all_or_those_of_a_selection_in_its_order(build):
    made = build(Choice(seeds=ALL_SEEDS))
    assert ids(made, "seeds") == [f"p{i}" for i in range(6)]
    assert made.rows[1] == TrainingRow("Question 1, 50% of it?", "Answer 1", "1", 1, None, "seed", "seeds", "p1")
    assert ids(build(Choice(seeds="chosen")), "seeds") == ["p4", "p1"]


def test_a_line_that_is_there_twice_is_not_called_unreadable(build):
    line = b'{"question": "New?", "answer": "#### 5"}\n'
    made = build(Choice(), file=read_rows_file(line + line + b'{"question": "Bare?"}\n', name="a.jsonl"))
    assert [(row.reason, row.detail) for row in made.left_out] == [
        (sets.REPEATED_LINE, "Line 2: It repeats line 1."),
        (sets.UNREADABLE, "Line 3: The line has no answer; it is looked for in answer, chosen, solution, rationale, "
         "completion, output, target, response."),
    ]  # fmt: skip


def test_own_answers_are_labelled_by_whether_they_are_right(build):
    made = build(Choice(own=("tuned",)))
    assert [(row.origin_id, row.label, row.final) for row in made.rows] == [
        ("p0", 1, "0"),
        ("p0", -1, "0"),
        ("p2", -1, "2"),
    ]
    assert [row.reason for row in made.left_out] == [
        "it was drawn before, or is not whole",
        sets.UNVERIFIED,
        "it was drawn before, or is not whole",
    ]
    only_wrong = build(Choice(own=("tuned",), own_labels=(NEGATIVE,)))
    assert [row.label for row in only_wrong.rows] == [-1, -1]
    assert only_wrong.left_out[0].reason == "it is right, and right ones were not chosen"


def test_a_whole_answer_that_another_objective_had_no_use_for_is_as_good_as_any(tmp_path):
    """Also one that came when its run had enough of its problem."""
    home = make_world(tmp_path)
    late = {"round": 1, "problem_id": "q", "question": "Question 4, 50% of it?", "final": "9", "is_correct": False}
    reasons = ("4 wrong answers to its question are used, the most of one.", "It is wrong.", drawing.CUT_OFF)
    drawn = [
        {**late, "sample": sample, "text": f"so {sample}", "is_kept": False, "reason": reason}
        for sample, reason in enumerate(reasons)
    ]
    make_run(home, "more", "finetune", {}, {"own_answers": drawn})
    with open_partial(home, ["seeds", "more"]) as store:
        made = sets.find_own(store, ["more"], (NEGATIVE,))
    assert [(row.answer, row.final) for row, *_ in made[:2]] == [("so 0", "4"), ("so 1", "4")]
    assert made[2][:3] == (None, "it was drawn before, or is not whole", drawing.CUT_OFF)


def test_nothing_is_there_twice_and_no_answer_is_both_right_and_wrong(build):
    rows = [
        TrainingRow("Question 1, 50% of it?", " Answer 1 ", "1", origin_id="1"),
        TrainingRow("Question 0, 50% of it?", "Answer 0", "0", NEGATIVE, origin_id="2"),
        TrainingRow("question 7, 50%  of it?", "x", origin_id="3"),
        TrainingRow("Question 1, 50% of it?", "Answer 1", rejected="other", origin_id="4"),
    ]
    made = build(Choice(seeds=ALL_SEEDS), file=RowsFile(rows, []))
    assert reasons(made, "file") == {"1": sets.REPEATED, "2": sets.CONTRADICTED, "3": sets.HELD_OUT}
    assert ids(made, "file") == ["4"]


def test_of_what_is_there_twice_the_one_with_a_final_answer_stays(build):
    bare = TrainingRow("Question 1, 50% of it?", "so 9", None, NEGATIVE, origin_id="1")
    file = [bare, TrainingRow("New?", "5", "5", origin_id="2"), replace(bare, final="1", origin_id="3"),
            replace(bare, final="2", origin_id="4")]  # fmt: skip
    made = build(Choice(), file=RowsFile(file, []))
    assert ids(made, "file") == ["2", "3"] and reasons(made, "file") == {"1": sets.REPEATED, "4": sets.REPEATED}
    assert [row.detail for row in made.left_out] == ["The later one has a final answer.", None]


def test_rows_of_an_earlier_run_are_taken_as_they_were(build, home):
    made = build(Choice(earlier="tuned"))
    assert made.rows == [TrainingRow("Q2?", "A2", "2", 1, None, "candidate", "grown", "c2")]


def test_a_choice_survives_a_configuration_and_an_old_one_is_read(build):
    config = {"parts": EVERY.to_config()}
    assert Choice.from_config(config) == EVERY
    assert EVERY.list_runs() == ["grown", "wrong", "answered", "tuned"]
    old = Choice.from_config({"generate_runs": ["grown"], "policy": POLICIES[1]})
    assert old == Choice(("grown",), POLICIES[1])
    newer = Choice.from_config({"generate_runs": ["grown"], "taken": POLICIES[1], "policy": {"epochs": 3}})
    assert newer == old
    assert Choice.from_config({}) == Choice() == Choice.from_config(None)
    with pytest.raises(RunError, match="There is no policy"):
        Choice(taken="whatever")


def test_runs_of_several_seed_sets_are_refused():
    configs = {"a": {"seed_set": "s1", "task": "maths"}, "b": {"seed_set": "s2", "task": "maths"},
               "c": {"seed_set": None, "task": "maths"}, "d": {"seed_set": None, "task": "game24"}}  # fmt: skip
    assert settle_subject(Choice(("a", "c")), configs.get) == ("s1", "maths")
    assert settle_subject(Choice(("c",)), configs.get) == (None, "maths")
    with pytest.raises(TrainingError, match="belong to 2 seed sets"):
        settle_subject(Choice(("a", "b")), configs.get)
    with pytest.raises(TrainingError, match="several tasks"):
        settle_subject(Choice(("c", "d")), configs.get)
    with pytest.raises(TrainingError, match="belong to 2 seed sets"):
        settle_subject(Choice(("a",)), configs.get, "s3", "maths")
