"""What is shown before anything is spent is what is sent then, and its estimate is near what it takes."""

import asyncio

import numpy as np
import pytest

from core.errors import TeacherError
from core.generation.base import METHODS, Brief, MethodSettings
from core.generation.forms import FORMS
from core.generation.grow import grow
from core.generation.preview import (
    ASSUMED_QUESTION,
    CallEstimate,
    Spread,
    count_by_bytes,
    estimate_call,
    estimate_run,
    list_later,
    measure_lengths,
    preview_calls,
)
from core.records import Problem
from core.tasks import TASKS
from core.tasks.prompts import find_slots
from core.teacher.base import TeacherReply

TASK = TASKS.get("word_problems")


def make_brief(seeds, **settings):
    return Brief(TASK, seeds, MethodSettings(prompt="{n_items} like {question}", **settings))


@pytest.mark.parametrize("name", METHODS)
def test_the_messages_shown_are_those_that_a_run_sends_first(name, scripted, stories, story_seeds):
    method, brief = METHODS.get(name), make_brief(story_seeds)
    shown = preview_calls(story_seeds, brief, method, np.random.default_rng(3), 3, 40)
    teacher = scripted(stories)
    n = 3 * method.count_candidates(brief.settings)
    grow(story_seeds, brief, method, teacher, [], n_accepted=n, rng=np.random.default_rng(3), sample_index=40)
    firsts = [one for one in teacher.requests if one.purpose == "question" and not one.earlier]
    assert [one.messages for one in shown] == [one.list_messages() for one in firsts]
    assert [one.call.request for one in shown] == firsts


def test_later_prompts_are_shown_with_open_slots(story_seeds):
    brief = make_brief(story_seeds, labels_skills=True)
    later = list_later(METHODS.get("vs_multi"), brief)
    assert [(one.purpose, one.name, one.n_times) for one in later] == [
        ("question", "form_vs_multi_again", 1),
        ("answer", "word_problems_answer", 5),
    ]
    assert find_slots(later[1].text) == ["question"]
    assert [one.name for one in list_later(METHODS.get("mutate"), brief)] == ["skills", "word_problems_skills"]
    assert list_later(METHODS.get("incorrect"), brief) == ()


def test_too_few_seeds_are_refused(story_seeds):
    with pytest.raises(TeacherError, match="2 parents"):
        preview_calls(story_seeds[:1], make_brief(story_seeds), METHODS.get("mutate"), np.random.default_rng(0), 1, 0)


@pytest.mark.parametrize("name", METHODS)
def test_the_estimate_is_near_what_calls_take(name, scripted, stories):
    """Input within a tenth, as prompts are known; output as long as seeds are, where the replies are so."""
    seeds = [Problem(f"s{i}", f"How many are {i} of s{i} and s0?", "It is so.\n#### 5", "5") for i in range(9)]
    method, brief = METHODS.get(name), make_brief(seeds, labels_skills=True)

    def count(request):
        text = stories(request)
        n_input = sum(count_by_bytes(message["content"]) for message in request.list_messages())
        return TeacherReply(text, "stop", n_input, count_by_bytes(text))

    calls = [one.call for one in preview_calls(seeds, brief, method, np.random.default_rng(0), 4, 0)]
    estimate = estimate_call(calls, method, brief, measure_lengths(seeds))
    teacher = scripted(count)
    made = [one for call in calls for one in asyncio.run(method.carry_out(call, brief, teacher))]
    assert estimate.n_requests * 4 == len(teacher.requests)
    n_input = sum(one.n_input_tokens for one in made) / 4
    assert n_input == pytest.approx(estimate.n_input.middle, rel=0.1)
    n_output = sum(one.n_output_tokens for one in made) / 4
    lowest = (
        0 if FORMS[calls[0].request.hint.form].has_reasoning else estimate.n_output.low * 0.8
    )  # the scripted teacher reasons in three words
    assert lowest <= n_output <= estimate.n_output.high * 1.2
    assert estimate.n_output.low <= estimate.n_output.middle <= estimate.n_output.high and not estimate.is_from_use


def test_what_a_model_took_before_is_preferred_to_the_seed_data(story_seeds):
    method, brief = METHODS.get("rewrite"), make_brief(story_seeds)
    calls = [one.call for one in preview_calls(story_seeds, brief, method, np.random.default_rng(0), 2, 0)]
    lengths = measure_lengths(story_seeds)
    few = estimate_call(calls, method, brief, lengths, used=[900] * 4)
    many = estimate_call(calls, method, brief, lengths, used=[900, 900, 1000, 1100, 1100])
    assert few.n_output.middle < 100 and not few.is_from_use
    assert many.n_output == Spread(900, 1000, 1100) and many.is_from_use
    words = estimate_call(calls, method, brief, lengths, count=lambda text: len(text.split()))
    assert words.n_input.middle < many.n_input.middle


def test_lengths_are_assumed_only_without_seed_data(story_seeds):
    assert measure_lengths([]).question == ASSUMED_QUESTION and measure_lengths([]).is_assumed
    measured = measure_lengths(story_seeds, count=lambda text: len(text.split()))
    assert measured.question == Spread(11, 11, 11) and not measured.is_assumed


def test_a_run_takes_as_many_calls_as_the_acceptance_needs_up_to_its_limit():
    each = CallEstimate(6, Spread(100, 200, 300), Spread(10, 20, 40), False)
    run = estimate_run(each, 100, 5, 0.5)
    assert (run.n_calls, run.n_candidates, run.n_requests, run.is_limited) == (40, 200, 240, False)
    assert run.n_input == Spread(4_000, 8_000, 12_000) and run.n_output.high == 1_600
    assert estimate_run(each, 100, 5, 0.1).n_candidates == 400 and estimate_run(each, 100, 5, 0.1).is_limited
    assert estimate_run(each, 7, 5, 1.0).n_calls == 2
    assert estimate_run(each, 100, 1, 0.1, max_requests=50).n_calls == 50
    with pytest.raises(ValueError, match="share"):
        estimate_run(each, 100, 5, 0.0)
