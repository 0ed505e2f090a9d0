"""Objectives that let the student answer: what they make of draws and rollouts that are known beforehand."""

from dataclasses import dataclass, field, replace

import pytest

from core.errors import TrainingError
from core.models.student import Student
from core.training.asking import AskingHooks, StudentAsking
from core.training.data import TrainingRow
from core.training.objectives import make_objective
from core.training.objectives.base import OwnAnswer, draws_answers
from core.training.objectives.drawing import (
    CUT_OFF,
    NO_REFERENCE,
    NO_RIGHT,
    NO_ROOM,
    NO_WRONG_LEFT,
    REPEATED,
    group_by_problem,
)
from core.training.objectives.per_step import best_of, find_first_pit, make_beginnings, split_steps
from tests.models.tiny import EchoTask

ROW = TrainingRow("How many?", "2 and 3\nso 5", "5", origin="candidate", origin_run_id="grown", origin_id="c1")
RIGHT, WRONG = "2 + 3\nis 5", "2 * 3\nis 6\nso 6"


@dataclass
class Scripted:
    """Says what it was given; keeps what is noted."""

    said: dict[str, list[tuple[str, bool]]]
    """question -> (text, whether it was cut off)."""

    n_right: dict[str, int] = field(default_factory=dict)
    """beginning -> continuations that end right."""

    notes: list = field(default_factory=list)
    steps: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    n_calls: int = 0

    def draw(self, rows, n, temperature):
        self.asked += [row.question for row in rows]
        return [
            [
                OwnAnswer(place, sample, text, last(text), last(text) == row.final, is_cut)
                for sample, (text, is_cut) in enumerate(self.said[row.question][:n])
            ]
            for place, row in enumerate(rows)
        ]

    def finish(self, rows, beginnings, n, temperature):
        self.n_calls += 1
        return [[self.n_right[text] for text in texts] for texts in beginnings]

    def note(self, row, answer, *, is_kept, reason):
        self.notes.append((answer.text, is_kept, reason))

    def note_steps(self, row, sample, steps):
        self.steps.append([(step["step"], step["text"], step["value"], step["is_pit"]) for step in steps])


def last(text):
    return (text.split() or [None])[-1]


def whole(*texts):
    return [(text, False) for text in texts]


def test_rejection_keeps_right_answers_once_each():
    asking = Scripted({"How many?": [*whole(RIGHT, WRONG, "2 + 3  \nis 5", "it is 5"), ("a 5", True)]})
    material = make_objective("rft", {"n_samples": 5}).prepare([ROW], asking)
    assert [row.answer for row in material.rows] == [RIGHT, "it is 5"]
    assert {(row.origin, row.label, row.origin_id) for row in material.rows} == {("own", 1, "c1")}
    assert [reason for _, _, reason in asking.notes] == [None, "It is wrong.", REPEATED, None, CUT_OFF]


def test_what_was_drawn_is_noted_once_and_as_kept_only_where_it_is_trained_on():
    said = {"How many?": whole(RIGHT, "a 5", WRONG, "b 5", "7", "8")}
    rollouts = {"": 6, "2 * 3\n": 0, "2 * 3\nis 6\n": 0}
    expected = {
        ("rft", ("most_per_problem", 2)): {RIGHT, "a 5"},
        ("dpo", ("n_pairs", 2)): {WRONG, "7"},
        ("dpo", ("right_answers", "own"), ("n_pairs", 1)): {RIGHT, WRONG},
        ("per_step_dpo", ("n_negatives", 1)): {WRONG},
        ("per_step_dpo", ("n_negatives", 2)): {WRONG, "7"},
    }
    for (name, *settings), used in expected.items():
        asking = Scripted(said, rollouts)
        material = make_objective(name, {"n_samples": 6, **dict(settings)}).prepare([ROW], asking)
        assert [text for text, _, _ in asking.notes] == [text for text, _ in said["How many?"]]
        assert {text for text, is_kept, _ in asking.notes if is_kept} == used
        trained = "\n".join(f"{row.answer}\n{row.rejected}" for row in material.rows)
        for text, is_kept, reason in asking.notes:
            assert is_kept == (reason is None) and (not is_kept or text.split("\n")[0] in trained)
    asking = Scripted({"How many?": whole(WRONG, "8")}, {"": 0, "2 * 3\n": 8, "2 * 3\nis 6\n": 0})
    with pytest.raises(TrainingError, match="makes a pair"):
        make_objective("per_step_dpo").prepare([ROW], asking)
    assert {(is_kept, reason) for _, is_kept, reason in asking.notes} == {(False, "No step of it lowers the value.")}


def test_rejection_leaves_out_what_nobody_can_judge_or_solve():
    rows = [ROW, TrainingRow("And this?", "3"), TrainingRow("Hard?", "9", "9")]
    asking = Scripted({"How many?": whole(RIGHT), "Hard?": whole("8")})
    material = make_objective("rft", {"n_samples": 1}).prepare(rows, asking)
    assert {(unused.row.question, unused.reason) for unused in material.unused} == {
        ("And this?", NO_REFERENCE),
        ("Hard?", "The one own answer was not right (and whole)."),
    }
    with pytest.raises(TrainingError, match="none of 1 problem right in 1 try each"):
        make_objective("rft", {"n_samples": 1}).prepare(rows[2:], asking)


@pytest.mark.parametrize("name", ["rft", "dpo", "per_step_dpo"])
def test_a_question_that_leaves_no_room_for_an_answer_is_left_out_for_that(name):
    rows = [ROW, TrainingRow("Very long?", "3", "3")]
    said = {"How many?": whole(RIGHT, WRONG), "Very long?": [("", True), ("", True)]}
    asking = Scripted(said, {"": 6, "2 * 3\n": 0, "2 * 3\nis 6\n": 0})
    material = make_objective(name, {"n_samples": 2}).prepare(rows, asking)
    assert [(each.row.question, each.reason) for each in material.unused] == [("Very long?", NO_ROOM)]


@pytest.mark.parametrize("name", ["rft", "per_step_dpo"])
def test_where_nothing_is_to_be_drawn_the_reason_is_said_without_the_student(name):
    rows = [TrainingRow("Whose?", "3"), TrainingRow("Bare?", "6", "5", label=-1)][: 1 if name == "rft" else 2]
    assert not draws_answers(make_objective(name), rows)
    with pytest.raises(TrainingError, match="nothing to train on"):
        make_objective(name).prepare(rows, None)


def test_counts_of_one_are_said_in_the_singular():
    asking = Scripted({"How many?": whole(RIGHT, WRONG, "a 5", "7")})
    make_objective("dpo", {"n_samples": 4, "n_pairs": 1}).prepare([ROW], asking)
    assert asking.notes[-1][2] == "1 wrong answer to its question is used, the most of one."
    with pytest.raises(TrainingError, match="The one row has no wrong answer"):
        make_objective("signed").prepare([ROW], None)


def test_preferences_pair_right_with_wrong_answers_of_the_same_problem():
    asking = Scripted({"How many?": whole(RIGHT, WRONG, "7")})
    for which, rights in (("given", [ROW.answer] * 2), ("own", [RIGHT] * 2), ("both", [ROW.answer, RIGHT])):
        material = make_objective("dpo", {"right_answers": which}).prepare([ROW], asking)
        assert [(row.answer, row.rejected) for row in material.rows] == list(zip(rights, [WRONG, "7"], strict=True))


def test_preferences_draw_only_where_the_rows_bring_no_wrong_answer():
    rows = [ROW, TrainingRow("How many?", "2 * 3\nso 6", "5", label=-1), TrainingRow("Q", "1", rejected="2")]
    objective = make_objective("dpo")
    assert objective.estimate(rows) == {"n_answers": 0, "n_rollouts": 0}
    pairs = [(row.answer, row.rejected) for row in objective.prepare(rows, None).rows]
    assert pairs == [(ROW.answer, "2 * 3\nso 6"), ("1", "2")]
    with pytest.raises(TrainingError, match="both a right and a wrong answer"):
        objective.prepare([TrainingRow("Q", "1")], None)


@pytest.mark.parametrize(("name", "n_rollouts"), [("dpo", 0), ("per_step_dpo", 4 * 20 * 8)])
def test_nothing_is_drawn_to_problems_without_a_right_answer_to_prefer(name, n_rollouts):
    rows = [TrainingRow("Bare?", "6", "5", label=-1), TrainingRow("Whose?", "3"), ROW]
    objective = make_objective(name)
    asking = Scripted({"How many?": whole(WRONG, "7")}, {"": 6, "2 * 3\n": 0, "2 * 3\nis 6\n": 0})
    material = objective.prepare(rows, asking)
    assert asking.asked == ["How many?"] and len(material.rows) == 2
    assert objective.estimate(rows) == {"n_answers": 8, "n_rollouts": n_rollouts}
    assert [(each.row.question, each.reason) for each in material.unused] == [
        ("Bare?", NO_RIGHT),
        ("Whose?", NO_REFERENCE),
    ]


def test_given_answers_that_no_pair_took_are_left_out_with_the_reason():
    rows = [TrainingRow("How many?", ROW.answer, "5", rejected=f"wrong {n}", origin_id=str(n)) for n in range(3)]
    rows += [TrainingRow("How many?", RIGHT, "5", origin_id=str(n)) for n in (3, 4)]
    rows.append(TrainingRow("How many?", "5", "5", origin_id="5"))
    material = make_objective("dpo", {"n_pairs": 2}).prepare(rows, None)
    assert [(row.answer, row.rejected) for row in material.rows] == [(ROW.answer, "wrong 0"), (RIGHT, "wrong 1")]
    assert [(each.row.origin_id, each.reason) for each in material.unused] == [
        ("2", "2 wrong answers to its question are used, the most of one."),
        ("5", NO_WRONG_LEFT),
    ]
    asking = Scripted({"How many?": whole("7")}, {"": 8})
    material = make_objective("per_step_dpo").prepare(rows[2:], asking)
    assert [(each.row.origin_id, each.reason) for each in material.unused] == [
        (id_, NO_WRONG_LEFT) for id_ in ("3", "4", "5")
    ]


def test_own_right_answers_are_drawn_where_none_is_given():
    rows = [TrainingRow("How many?", WRONG, "5", label=-1), TrainingRow("Hard?", "1", "9", label=-1)]
    asking = Scripted({"How many?": whole(RIGHT, "7"), "Hard?": whole("8")})
    objective = make_objective("dpo", {"right_answers": "own", "n_samples": 2})
    assert objective.estimate(rows) == {"n_answers": 4, "n_rollouts": 0}
    material = objective.prepare(rows, asking)
    assert [(row.answer, row.rejected) for row in material.rows] == [(RIGHT, WRONG), (RIGHT, "7")]
    assert [each.reason for each in material.unused] == ["None of 2 own answers was right (and whole)."]
    assert asking.notes[-1] == ("8", False, "No right answer to its question is there to be preferred to it.")


def test_one_question_is_asked_once_however_many_rows_it_has():
    rows = [TrainingRow("Q", "a"), TrainingRow("Q", "b", "5"), TrainingRow("Q", "a", "5"), TrainingRow("R", "c")]
    first, second = group_by_problem(rows)
    assert (first.given, first.row.final, second.given) == (["a", "b"], "5", ["c"])


def test_steps_are_lines_that_say_something_and_every_beginning_is_what_was_written():
    answer = "a  \n\n b \n \nc"
    steps = split_steps(answer, 9)
    assert [step.strip() for step in steps] == ["a", "b", "c"] and "".join(steps) == answer
    assert make_beginnings(steps) == ["", "a  \n", "a  \n\n b \n"]
    assert split_steps(answer, 2) == ["a  \n", "\n b \n \nc"]  # what is left is one step
    assert split_steps(answer, 1) == [answer] and "".join(split_steps("a\n\n", 9)) == "a\n\n"


@pytest.mark.parametrize(
    ("values", "min_drop", "pit"),
    [
        ([0.8, 0.9, 0.2, 0.2, 0.0], 0.0, 4),
        ([0.8, 0.9, 0.0, 0.2, 0.0], 0.0, 2),  # the first of the lowest
        ([0.8, 0.0], 0.0, 1),
        ([0.2, 0.1, 0.0], 0.5, None),
        ([0.0, 0.0, 0.0], 0.0, None),  # it never had any hope to lose
    ],
)
def test_the_first_pit_is_the_first_step_after_which_the_value_is_lowest(values, min_drop, pit):
    assert find_first_pit(values, min_drop) == pit


def test_the_value_is_that_of_the_best_of_k():
    assert best_of(1, 4, 5) == pytest.approx(1 - 0.75**5)
    assert (best_of(0, 4, 5), best_of(4, 4, 5)) == (0, 1)


def test_per_step_preferences_reject_the_beginning_up_to_the_pit():
    asking = Scripted({"How many?": whole(RIGHT, WRONG)}, {"": 6, "2 * 3\n": 0, "2 * 3\nis 6\n": 0})
    material = make_objective("per_step_dpo", {"n_rollouts": 8, "best_of": 1}).prepare([ROW], asking)
    assert [(row.answer, row.rejected) for row in material.rows] == [(ROW.answer, "2 * 3\n")]
    assert asking.n_calls == 1
    assert asking.steps == [
        [(0, "How many?", 0.75, False), (1, "2 * 3", 0.0, True), (2, "is 6", 0.0, False), (3, "so 6", 0.0, False)]
    ]
    late = Scripted({"How many?": whole(WRONG)}, {"": 6, "2 * 3\n": 8, "2 * 3\nis 6\n": 1})
    (row,) = make_objective("per_step_dpo").prepare([ROW], late).rows
    assert row.rejected == WRONG  # only the last step takes the last hope
    picky = make_objective("per_step_dpo", {"min_drop": 1.0})
    with pytest.raises(TrainingError, match="lowers the value by 1"):
        picky.prepare([ROW], Scripted({"How many?": whole(WRONG)}, {"": 6, "2 * 3\n": 8, "2 * 3\nis 6\n": 1}))


def test_no_more_continuations_are_drawn_than_were_said_before():
    """An answer of many lines is looked at in no more steps than are allowed."""
    long = "\n".join(f"line {n}" for n in range(30))
    asking = Scripted({"How many?": whole(long, "7")}, {"": 8, "line 0\n": 8, "line 0\nline 1\n": 4})
    seen, finish = [], asking.finish
    asking.finish = lambda rows, texts, n, temperature: seen.append((texts, n)) or finish(rows, texts, n, temperature)
    objective = make_objective("per_step_dpo", {"most_steps": 3, "n_samples": 2})
    material = objective.prepare([ROW], asking)
    ((beginnings, n),) = seen
    assert sum(map(len, beginnings)) * n <= objective.estimate([ROW])["n_rollouts"] == 2 * 3 * 8
    assert [row.rejected for row in material.rows] == [long, "7"]
    assert [step for step, *_ in asking.steps[0]] == [0, 1, 2, 3] and asking.steps[0][3][1].startswith("line 2\nline")


@pytest.fixture(scope="module")
def student(model_folder):
    return Student.load(model_folder, device="cpu")


def test_a_real_student_draws_the_same_again_and_the_cache_answers_for_it(student):
    rows = [TrainingRow("Tom has 3", "x", "15"), TrainingRow("A box", "x", "7")]
    kept: dict[str, list] = {}

    class Memory:
        get = staticmethod(kept.get)
        put = staticmethod(kept.__setitem__)

    told = []
    hooks = AskingHooks(report=lambda stage, done, total: told.append((stage, done, total)))
    first = StudentAsking(student, EchoTask(), 1, hooks, Memory).draw(rows, 3, 1.0)
    assert [len(answers) for answers in first] == [3, 3] and len(kept) == 6
    assert len({answer.text for answers in first for answer in answers}) > 3
    assert all(a.is_correct == (a.final == rows[a.place].final) for answers in first for a in answers)
    n_told = len(told)
    assert StudentAsking(student, EchoTask(), 1, hooks, Memory).draw(rows, 3, 1.0) == first
    assert told[n_told:] == [("answers", 6, 6)]
    assert StudentAsking(student, EchoTask(), 1, AskingHooks()).draw(rows, 3, 1.0) == first
    assert StudentAsking(student, EchoTask(), 2, AskingHooks()).draw(rows, 3, 1.0) != first


def test_continuations_follow_their_beginning(student):
    """Counted against single continuations, one by one, of the same beginnings."""
    asking = StudentAsking(student, EchoTask(), 0, AskingHooks())
    row = TrainingRow("Tom has 3", "x", "15")
    beginnings = ["", "He has 3\n", "3 + 12 = 15 apples.\n"]
    (counts,) = asking.finish([row], [beginnings], 6, 1.0)
    apart = [asking.finish([row], [[text]], 6, 1.0)[0][0] for text in beginnings]
    assert counts == apart and all(0 <= n <= 6 for n in counts)
    always = EchoTask()
    always.extract_final = lambda answer: "15" if answer.startswith("He has 3\n") else "0"
    (counts,) = StudentAsking(student, always, 0, AskingHooks()).finish([row], [beginnings], 6, 1.0)
    assert counts == [0, 6, 0]  # what is judged is the beginning and its continuation together


def test_of_rows_with_pairs_every_answer_that_is_in_no_pair_is_told():
    pair = TrainingRow("How many?", RIGHT, "5", rejected="bad")
    other = replace(pair, answer="also 5")
    material = make_objective("dpo").prepare([pair, other], None)
    assert [(row.answer, row.rejected) for row in material.rows] == [(RIGHT, "bad")]
    assert [(row.row.answer, row.reason) for row in material.unused] == [("also 5", NO_WRONG_LEFT)]


def test_a_pair_with_a_drawn_answer_is_the_students_own():
    given = replace(ROW, answer="bad", label=-1, origin="file")
    asking = Scripted({"How many?": whole("own 5", "own 6")})
    material = make_objective("dpo", {"right_answers": "both", "n_samples": 2}).prepare(
        [replace(ROW, origin="file"), given], asking
    )
    assert {(row.answer, row.rejected): row.origin for row in material.rows} == {
        (ROW.answer, "bad"): "file",
        ("own 5", "own 6"): "own",
    }


def test_a_step_ends_at_a_newline_and_at_nothing_else():
    assert split_steps("a\x0cb c\n\nd", 9) == ["a\x0cb c\n", "\nd"]
