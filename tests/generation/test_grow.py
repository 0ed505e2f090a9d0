import asyncio

import numpy as np
import pytest

from core.errors import AskingStopped, RunCancelled, TeacherError
from core.filters.base import FilterContext, make_filters
from core.generation import grow as growing
from core.generation.base import METHODS, Brief
from core.generation.grow import first_sample_index, grow
from core.records import Problem, Verdict

WORDS = ["ash", "bay", "cob", "dew", "elm", "fig", "gum", "hay", "ivy", "jet", "kin", "log", "map", "nut", "oak", "peg"]


def write_distinct(request):
    """Write a question of words that no other seed and no other sample index shares."""
    mark = f"{request.subject.problem_id}{WORDS[request.sample_index % 16]}"
    return f"Q: {' '.join(mark + word for word in WORDS)}" if request.purpose == "question" else "A: so = 5"


def run(seeds, task, teacher, names=("rouge_l", "verified", "held_out"), **wanted):
    context = FilterContext(task, list(wanted.pop("earlier", [])), held_out=wanted.pop("held_out", []))
    wanted = {"rng": np.random.default_rng(0), "context": context} | wanted
    return grow(seeds, Brief(task, seeds), METHODS.get("rewrite"), teacher, make_filters(names), **wanted)


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
    again = run(seeds, task, scripted(write_distinct), n_accepted=2, earlier=earlier)
    assert again.rejected == 2 and [candidate.parents[0] for candidate in again.candidates] == ["p2", "p3"]


def test_a_held_out_question_is_never_accepted(task, scripted, seeds):
    asked = Problem("t", " ".join(f"p0ash{word}" for word in WORDS).upper() + " ", None, "5", split="test")
    outcome = run(seeds, task, scripted(write_distinct), n_accepted=2, held_out=[asked])
    assert outcome.reasons == {"held_out": 1}
    assert [candidate.parents[0] for candidate in outcome.candidates] == ["p1", "p2"]


def test_cancelling_asks_for_nothing_more_and_keeps_what_was_on_its_way(task, scripted, seeds):
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
            on_candidate=lambda candidate, verdicts: told.append(candidate.parents[0]),
            check_cancelled=check,
        )
    assert 3 <= len(told) <= 8 and told == [seed.problem_id for seed in seeds[: len(told)]]


def test_a_cancelled_run_shows_what_came_behind_what_did_not(task, scripted, seeds, monkeypatch):
    monkeypatch.setattr(growing, "GRACE_S", 0.05)
    told, rejected = [], []

    class Stuck(scripted):
        async def complete(self, request):
            if request.subject.problem_id == "p0":
                await asyncio.sleep(60)
            return await super().complete(request)

    def tell(candidate, verdicts):
        told.append(candidate.parents[0])
        rejected.extend(verdict for verdict in verdicts if verdict.is_accepted is False)

    def check():
        raise RunCancelled("The run was cancelled.")

    with pytest.raises(RunCancelled):
        run(seeds, task, Stuck(write_distinct), n_accepted=4, on_candidate=tell, check_cancelled=check)
    assert told == ["p1", "p2", "p3"] and rejected == []


def test_no_seeds_is_one_sentence(task, scripted):
    with pytest.raises(TeacherError, match="no seeds"):
        run([], task, scripted(write_distinct), n_accepted=1)


def test_many_calls_are_on_their_way_and_judged_in_the_order_of_asking(task, scripted, seeds):
    class Slow(scripted):
        now = most = 0

        async def complete(self, request):
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.02 if request.subject.problem_id == "p0" else 0.001)
            self.now -= 1
            return await super().complete(request)

    for n_in_flight in (1, 3, 8):
        teacher = Slow(write_distinct)
        outcome = run(seeds, task, teacher, n_accepted=8, n_in_flight=n_in_flight)
        assert [candidate.parents[0] for candidate in outcome.candidates] == [seed.problem_id for seed in seeds]
        assert teacher.most == n_in_flight


@pytest.mark.parametrize("n_in_flight", [1, 2, 64])
def test_what_comes_of_it_does_not_depend_on_how_many_are_on_their_way(task, scripted, seeds, n_in_flight):
    def write(request):
        is_bad = (int(request.subject.problem_id[1:]) + request.sample_index) % 3 == 0
        return "no reply that can be read" if is_bad else write_distinct(request)

    outcome = run(seeds, task, scripted(write), n_accepted=9, n_in_flight=n_in_flight)
    assert (outcome.requested, outcome.accepted, outcome.failed) == (13, 9, 4)
    assert [f"{one.parents[0]}{one.sample_index}" for one in outcome.candidates] == [
        "p10", "p20", "p40", "p50", "p70", "p01", "p11", "p31", "p41",
    ]  # fmt: skip


@pytest.mark.parametrize("n_in_flight", [1, 64])
def test_asking_that_is_stopped_keeps_what_was_made_and_counts_nothing_that_was_not_asked(
    task, scripted, seeds, n_in_flight
):
    n_sent = 0

    def write(request):
        nonlocal n_sent
        if n_sent == 5:
            raise AskingStopped("The budget is used up.")
        n_sent += 1
        return write_distinct(request)

    outcome = run(seeds, task, scripted(write), n_accepted=8, n_in_flight=n_in_flight)
    assert outcome.stopped == "The budget is used up."
    assert (outcome.requested, outcome.accepted, outcome.failed) == (3, 2, 1)


def test_a_teacher_is_asked_by_dearer_filters_only_of_what_the_free_ones_let_through(task, scripted, seeds):
    asked = []

    class Asking:
        name, title, cost = "asking", "Rejects p2", "teacher"

        async def __call__(self, candidates, context):
            await asyncio.sleep(0.01 if candidates[0].parents == ("p1",) else 0)
            asked.extend(candidate.parents[0] for candidate in candidates)
            return [Verdict(one.candidate_id, self.name, one.parents != ("p2",), "No.", None) for one in candidates]

    def write(request):
        if request.subject.problem_id == "p0":
            return "A: wrong = 5" if request.purpose == "answer" else write_distinct(request)
        return write_distinct(request)

    filters = [*make_filters(["verified", "rouge_l"]), Asking()]
    judged = []
    outcome = grow(
        seeds, Brief(task, seeds), METHODS.get("rewrite"), scripted(write), filters,
        n_accepted=3, rng=np.random.default_rng(0), on_candidate=lambda one, verdicts: judged.append((one, verdicts)),
    )  # fmt: skip
    assert sorted(asked) == ["p1", "p2", "p3", "p4"]
    assert outcome.reasons == {"verified": 1, "asking": 1}
    assert [one.parents[0] for one, _ in judged] == ["p0", "p1", "p2", "p3", "p4"]
    assert [[verdict.filter for verdict in verdicts] for _, verdicts in judged][:2] == [
        ["verified", "rouge_l"],
        ["verified", "rouge_l", "asking"],
    ]


def test_a_filter_that_cannot_decide_rejects_nothing(task, scripted, seeds):
    class Unsure:
        name, title, cost = "unsure", "Never sure", "none"

        def __call__(self, candidates, context):
            return [Verdict(one.candidate_id, self.name, None, "There is nothing to go by.") for one in candidates]

    outcome = grow(
        seeds, Brief(task, seeds), METHODS.get("rewrite"), scripted(write_distinct), [Unsure()],
        n_accepted=3, rng=np.random.default_rng(0),
    )  # fmt: skip
    assert (outcome.accepted, outcome.rejected) == (3, 0)


def test_cancelling_while_no_reply_comes_ends_it_within_a_moment(task, scripted, seeds, monkeypatch):
    monkeypatch.setattr(growing, "GRACE_S", 0.05)

    class Silent(scripted):
        async def complete(self, request):
            await asyncio.sleep(60)

    n_checks = 0

    def check():
        nonlocal n_checks
        n_checks += 1
        if n_checks == 2:
            raise RunCancelled("The run was cancelled.")

    with pytest.raises(RunCancelled):
        run(seeds, task, Silent(write_distinct), n_accepted=3, check_cancelled=check)
