import numpy as np
import pytest

from core.errors import RunCancelled, TeacherError
from core.filters.base import FILTERS
from core.generation.base import METHODS
from core.generation.grow import first_sample_index, grow
from core.records import Problem

WORDS = ["ash", "bay", "cob", "dew", "elm", "fig", "gum", "hay", "ivy", "jet", "kin", "log", "map", "nut", "oak", "peg"]


def write_distinct(request):
    """Write a question of words that no other seed and no other sample index shares."""
    mark = f"{request.subject.problem_id}{WORDS[request.sample_index % 16]}"
    return f"Q: {' '.join(mark + word for word in WORDS)}" if request.purpose == "question" else "A: so = 5"


def run(seeds, task, teacher, names=("rouge_l", "verified", "held_out"), **wanted):
    filters = [FILTERS.get(name) for name in names]
    wanted = {"pool": seeds, "rng": np.random.default_rng(0)} | wanted
    return grow(seeds, task, METHODS.get("rewrite"), teacher, filters, **wanted)


def test_it_stops_at_exactly_the_number_wanted_and_asks_in_the_order_of_the_seeds(task, scripted, seeds):
    outcome = run(seeds, task, scripted(write_distinct), n_accepted=5)
    assert (outcome.requested, outcome.accepted, outcome.rejected, outcome.failed) == (5, 5, 0, 0)
    assert [candidate.parents[0] for candidate in outcome.candidates] == ["p0", "p1", "p2", "p3", "p4"]


def test_lost_candidates_are_replaced_from_the_next_seeds(task, scripted, seeds):
    def write(request):
        if request.subject.problem_id == "p0":
            return "no reply that can be read"
        if request.subject.problem_id == "p1" and request.purpose == "answer":
            return "A: wrong = 5"
        return write_distinct(request)

    judged = []
    outcome = run(
        seeds,
        task,
        scripted(write),
        n_accepted=4,
        on_candidate=lambda candidate, verdicts: judged.append((candidate, verdicts)),
    )
    assert (outcome.requested, outcome.accepted, outcome.rejected, outcome.failed) == (6, 4, 1, 1)
    assert [candidate.parents[0] for candidate in outcome.candidates] == ["p2", "p3", "p4", "p5"]
    assert outcome.reasons == {"The reply holds no question.": 1, "verified": 1}
    assert [candidate.parents[0] for candidate, _ in judged] == ["p0", "p1", "p2", "p3", "p4", "p5"]
    assert [len(verdicts) for _, verdicts in judged] == [0, 3, 3, 3, 3, 3]
    assert outcome.n_input_tokens == 10 + 5 * 20 and outcome.n_output_tokens == 3 + 5 * 6


def test_used_up_seeds_are_asked_again_with_the_next_sample_index(task, scripted, seeds):
    teacher = scripted(write_distinct)
    outcome = run(seeds[:3], task, teacher, n_accepted=7, sample_index=first_sample_index(2, 1))
    assert outcome.accepted == outcome.requested == 7
    assert [candidate.sample_index - 2_001_000 for candidate in outcome.candidates] == [0, 0, 0, 1, 1, 1, 2]
    assert len({candidate.candidate_id for candidate in outcome.candidates}) == 7


def test_a_teacher_that_repeats_itself_is_stopped_at_the_limit_with_every_request_counted(task, scripted, seeds):
    same = {"question": "Q: the same question every time", "answer": "A: so = 5"}
    outcome = run(seeds, task, scripted(lambda request: same[request.purpose]), n_accepted=3)
    assert (outcome.requested, outcome.accepted, outcome.rejected, outcome.failed) == (12, 1, 11, 0)
    assert outcome.reasons == {"rouge_l": 11}


def test_questions_of_earlier_rounds_count(task, scripted, seeds):
    first = run(seeds, task, scripted(write_distinct), n_accepted=2)
    earlier = [candidate.question for candidate in first.candidates]
    again = run(seeds, task, scripted(write_distinct), n_accepted=2, earlier_questions=earlier)
    assert again.rejected == 2 and [candidate.parents[0] for candidate in again.candidates] == ["p2", "p3"]


def test_a_held_out_question_is_never_accepted(task, scripted, seeds):
    asked = Problem("t", " ".join(f"p0ash{word}" for word in WORDS).upper() + " ", None, "5", split="test")
    outcome = run(seeds, task, scripted(write_distinct), n_accepted=2, held_out=[asked])
    assert outcome.reasons == {"held_out": 1}
    assert [candidate.parents[0] for candidate in outcome.candidates] == ["p1", "p2"]


def test_cancelling_stops_between_two_candidates_and_keeps_what_was_told(task, scripted, seeds):
    told = []

    def check():
        if len(told) == 3:
            raise RunCancelled("The run was cancelled.")

    with pytest.raises(RunCancelled):
        run(
            seeds,
            task,
            scripted(write_distinct),
            n_accepted=8,
            on_candidate=lambda candidate, verdicts: told.append(candidate),
            check_cancelled=check,
        )
    assert len(told) == 3


def test_no_seeds_is_one_sentence(task, scripted):
    with pytest.raises(TeacherError, match="no seeds"):
        run([], task, scripted(write_distinct), n_accepted=1)
