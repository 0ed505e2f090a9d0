"""One body for every registered prompting method, on word problems and a scripted teacher."""

import asyncio
from dataclasses import fields, replace

import numpy as np
import pytest

import core.filters as _registers_them  # noqa: F401
from core.errors import AskingStopped, TeacherError
from core.filters.base import FILTERS
from core.generation.base import METHODS, Brief, MethodSettings
from core.generation.forms import FORMS
from core.tasks import TASKS
from core.tasks.prompts import PROMPTS, Prompts, find_slots, read_prompt_file
from core.teacher.base import ROLES, TeacherReply

TASK = TASKS.get("word_problems")

OWN = "Write {n_items} like {question} ({answer}, {final}, {type}, {level}):\n{examples}"
SETTINGS = MethodSettings(n_per_call=5, tail=0.1, n_parents=2, labels_skills=True, prompt=OWN)
SEEDLESS = replace(SETTINGS, has_seeds=False, tail=None, prompt="Write {n_items} of them.")

VARIANTS = [(name, SETTINGS) for name in METHODS]
VARIANTS += [(name, SEEDLESS) for name in METHODS if "has_seeds" in METHODS.get(name).uses]
VARIANTS += [("incorrect", replace(SETTINGS, form=form)) for form in FORMS if form != SETTINGS.form]
VARIANTS += [("free", replace(SETTINGS, prompt="Another: {question}")), ("mutate", replace(SETTINGS, n_parents=1))]


@pytest.fixture(params=VARIANTS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(VARIANTS)])
def variant(request):
    name, settings = request.param
    return METHODS.get(name), settings


def open_call(method, settings, seeds, prompts=None, sample_index=7):
    brief = Brief(TASK, seeds, settings, Prompts(prompts), salt="s")
    parents = seeds[: method.count_parents(settings)]
    return method.open_call(parents, brief, sample_index, np.random.default_rng(1)), brief


def carry_out(method, settings, seeds, teacher, prompts=None):
    call, brief = open_call(method, settings, seeds, prompts)
    return asyncio.run(method.carry_out(call, brief, teacher)), call


def add_up(made):
    counts = [(one.n_input_tokens, one.n_output_tokens) for one in made]
    return tuple(sum(column) for column in zip(*counts, strict=True))


def test_describes_itself(variant):
    method, settings = variant
    assert METHODS.get(method.name) is method
    assert method.title and method.source and "\n" not in method.title
    assert method.uses <= {each.name for each in fields(MethodSettings)}
    assert set(method.always) <= set(FILTERS.names())
    assert method.count_candidates(settings) >= 1 and method.count_parents(settings) >= 0


def test_brings_as_many_candidates_as_it_says_and_every_token_once(variant, scripted, stories, story_seeds):
    method, settings = variant
    teacher = scripted(stories)
    made, call = carry_out(method, settings, story_seeds, teacher)
    assert len(made) == method.count_candidates(settings)
    assert [one.failure for one in made] == [None] * len(made)
    assert all(one.question and one.answer and one.final for one in made)
    assert all(one.parents == tuple(parent.problem_id for parent in call.parents) for one in made)
    assert len({one.candidate_id for one in made}) == len(made)
    assert {one.method for one in made} == {method.name} and {one.sample_index for one in made} == {7}
    assert add_up(made) == (10 * len(teacher.requests), 3 * len(teacher.requests))
    assert all(one.raw_question or one.raw_answer for one in made)


def test_the_first_request_is_settled_before_anything_is_sent(variant, scripted, stories, story_seeds):
    method, settings = variant
    teacher = scripted(stories)
    _, call = carry_out(method, settings, story_seeds, teacher)
    again, _ = open_call(method, settings, story_seeds)
    assert teacher.requests[0] == call.request == again.request
    assert call.examples == again.examples and call.parents == again.parents
    assert len(call.parents) == method.count_parents(settings)
    assert call.request.hint.parents == call.parents
    assert call.request.subject == (call.parents[0] if call.parents else None)


def test_steps_are_what_is_sent(variant, scripted, stories, story_seeds):
    method, settings = variant
    teacher = scripted(stories)
    carry_out(method, settings, story_seeds, teacher)
    steps = method.list_steps(TASK, settings)
    asked = [step.purpose for step in steps for _ in range(step.n_times)]
    assert asked == [request.purpose for request in teacher.requests] and set(asked) <= set(ROLES)
    assert [step.is_later_turn for step in steps if step.purpose == "question"] == [
        bool(request.earlier) for request in teacher.requests if request.purpose == "question"
    ]
    brought = sum(step.n_items for step in steps if step.purpose == "question")
    assert brought == method.count_candidates(settings)
    assert {step.brings for step in steps} <= {"question", "answer", "both", "skills"}
    named = [name for step in steps for name in step.prompts]
    assert list(method.list_prompts(TASK, settings)) == list(dict.fromkeys(named))


def test_every_prompt_named_is_there_and_its_edited_text_is_sent(variant, scripted, stories, story_seeds):
    method, settings = variant
    names = method.list_prompts(TASK, settings)
    edited = {name: f"{read_prompt_file(name).text}\nmark of {name} ends" for name in names}
    teacher = scripted(stories)
    made, _ = carry_out(method, settings, story_seeds, teacher, edited)
    sent = "\n".join(message["content"] for request in teacher.requests for message in request.list_messages())
    assert [name for name in names if f"mark of {name} ends" not in sent] == []
    assert find_slots(sent) == [] and all(one.failure is None for one in made)


FAULTS = {
    "refusal": lambda request: TeacherReply("I will not.", "refusal", 10, 3),
    "filtered": lambda request: TeacherReply("", "content_filter", 10, 3),
    "cut off": lambda request: TeacherReply('{"responses": [{"text": "Ho', "length", 10, 3),
    "empty": lambda request: "  ",
    "brackets": lambda request: "[" * 9_000,
    "none": TeacherError("No reply came."),
}


@pytest.mark.parametrize("purpose", ["question", "answer"])
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_a_teacher_does_every_candidate_is_there_with_a_reason(
    variant, scripted, stories, story_seeds, fault, purpose
):
    method, settings = variant
    n_replies = 0

    def write(request):
        nonlocal n_replies
        if request.purpose == purpose and isinstance(FAULTS[fault], Exception):
            raise FAULTS[fault]
        n_replies += 1
        return FAULTS[fault](request) if request.purpose == purpose else stories(request)

    made, _ = carry_out(method, settings, story_seeds, scripted(write))
    assert len(made) == method.count_candidates(settings)
    is_asked = any(step.purpose == purpose for step in method.list_steps(TASK, settings))
    takes_anything = fault == "brackets" and purpose == "question"
    for one in made:
        if is_asked and not takes_anything:
            assert one.failure and one.failure.endswith(".") and "\n" not in one.failure
    assert add_up(made) == (10 * n_replies, 3 * n_replies)
    assert len({one.candidate_id for one in made}) == len(made)


def test_what_stops_all_asking_is_raised_before_the_first_reply(variant, scripted, story_seeds):
    method, settings = variant

    def stop(request):
        raise AskingStopped("The budget is used up.")

    with pytest.raises(AskingStopped):
        carry_out(method, settings, story_seeds, scripted(stop))


def test_what_stops_all_asking_after_the_first_reply_is_a_reason(variant, scripted, stories, story_seeds):
    method, settings = variant
    n_sent = 0

    def write(request):
        nonlocal n_sent
        n_sent += 1
        if n_sent > 1:
            raise AskingStopped("The budget is used up.")
        return stories(request)

    made, _ = carry_out(method, settings, story_seeds, scripted(write))
    assert len(made) == method.count_candidates(settings) and add_up(made) == (10, 3)
    steps = method.list_steps(TASK, settings)
    lost = [one for one in made if one.failure]
    assert all("The budget is used up." in one.failure for one in lost)
    if any(step.purpose == "answer" for step in steps):
        assert len(lost) == len(made)


def test_settings_that_it_does_not_read_change_nothing(variant, story_seeds):
    method, settings = variant
    others = MethodSettings(4, 0.3, not settings.has_seeds, "cot", 3, False, "One like {question}", 0.3)
    changed = {each.name: getattr(others, each.name) for each in fields(MethodSettings) if each.name not in method.uses}
    same = replace(settings, **changed)
    assert open_call(method, same, story_seeds)[0] == open_call(method, settings, story_seeds)[0]
    assert method.count_candidates(same) == method.count_candidates(settings)
    assert method.list_steps(TASK, same) == method.list_steps(TASK, settings)


def test_a_chosen_temperature_is_that_of_the_question_alone(variant, scripted, stories, story_seeds):
    method, settings = variant
    teacher = scripted(stories)
    carry_out(method, replace(settings, temperature=0.33), story_seeds, teacher)
    for request in teacher.requests:
        assert (request.temperature == 0.33) == (request.purpose == "question")


@pytest.mark.parametrize("task", TASKS.names())
@pytest.mark.parametrize("name", METHODS)
def test_prompts_are_there_for_every_task(name, task):
    method = METHODS.get(name)
    for settings in (SETTINGS, SEEDLESS):
        for prompt in method.list_prompts(TASKS.get(task), settings):
            assert read_prompt_file(prompt).text


@pytest.mark.parametrize("path", sorted(PROMPTS.glob("*.txt")), ids=lambda path: path.stem)
def test_every_prompt_file_has_a_head_and_what_it_needs(path):
    prompt = read_prompt_file(path.stem)
    assert prompt.version and prompt.source and prompt.text.strip() == prompt.text
    assert set(prompt.needs) <= set(find_slots(prompt.text))
    assert "needs" not in prompt.text.splitlines()[0]
