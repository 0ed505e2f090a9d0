"""One oracle for each prompting method: an obvious case whose outcome a reader can check by eye."""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest

from core.errors import AskingStopped, PromptError, TeacherError
from core.filters.base import FilterContext
from core.generation.base import METHODS, Brief, MethodSettings
from core.generation.free import PLACEHOLDERS, check_free_prompt
from core.generation.grow import grow
from core.generation.lion import find_lion_fault
from core.generation.mutate import read_tag
from core.generation.skills import list_skills, read_skills
from core.records import Problem
from core.tasks import TASKS
from core.tasks.base import ReplyError
from core.tasks.prompts import Prompts
from core.teacher.base import TeacherReply

WORDS, MATHS, GAME = TASKS.get("word_problems"), TASKS.get("maths"), TASKS.get("game24")


def ask(name, teacher, seeds, task=WORDS, pool=(), **settings):
    """Carry out one call on the first seeds."""
    method, brief = METHODS.get(name), Brief(task, pool, MethodSettings(**settings))
    parents = seeds[: method.count_parents(brief.settings)]
    call = method.open_call(parents, brief, 0, np.random.default_rng(0))
    return asyncio.run(method.carry_out(call, brief, teacher))


def answer_or(reply):
    """Return a script: this reply to the question (or replies, one a turn), a plain answer to all else."""
    replies = list(reply) if isinstance(reply, list) else [reply]
    return lambda request: replies.pop(0) if request.purpose == "question" else "So.\n#### 5"


# --- the seven forms


def test_verbalized_sampling_keeps_stated_probabilities_raw_and_checked(scripted, story_seeds):
    items = [{"text": f"How many are {i}?", "probability": p} for i, p in enumerate([0.05, "5%", 1.4, "high", None])]
    made = ask("vs_standard", scripted(answer_or(json.dumps({"responses": items}))), story_seeds)
    assert [one.question for one in made] == [f"How many are {i}?" for i in range(5)]
    assert [one.meta["probability_stated"] for one in made] == ["0.05", "5%", "1.4", "high", None]
    assert [one.meta["probability"] for one in made] == [0.05, 0.05, None, None, None]
    assert ["probability_fault" in one.meta for one in made] == [False, False, True, True, True]
    assert [one.failure for one in made] == [None] * 5


def test_system_message_holds_the_form_and_user_message_the_task_prompt(scripted, stories, story_seeds):
    teacher = scripted(stories)
    ask("vs_cot", teacher, story_seeds, tail=0.02, n_per_call=3)
    first = teacher.requests[0]
    roles = [message["role"] for message in first.list_messages()]
    assert roles == ["system", "user"] and first.prompt == WORDS.question_prompt(story_seeds[0], ())
    assert "below 0.02" in first.system and "list of 3 objects" in first.system
    assert "below" not in ask_system("vs_cot", scripted(stories), story_seeds)
    assert [request.system for request in teacher.requests[1:]] == [""] * 3


def ask_system(name, teacher, seeds):
    ask(name, teacher, seeds)
    return teacher.requests[0].system


def test_what_is_missing_empty_or_repeated_fails_and_what_is_left_is_answered(scripted, story_seeds):
    teacher = scripted(answer_or('["How many are 1?", "", "How  many are 1?", "How many are 2?"]'))
    made = ask("sequence", teacher, story_seeds)
    assert [one.question for one in made] == ["How many are 1?", None, None, "How many are 2?", None]
    assert [one.failure for one in made][1:3] == [
        "The response is empty.",
        "The teacher gave the same response before in this call.",
    ]
    assert made[4].failure == "The reply holds only 4 of the 5 responses that were asked for."
    assert [request.purpose for request in teacher.requests] == ["question", "answer", "answer"]
    assert [one.n_input_tokens for one in made] == [12, 2, 2, 12, 2]


def test_a_surplus_is_counted_once_and_repairs_are_named(scripted, story_seeds):
    made = ask(
        "sequence", scripted(answer_or("['How many are 1?', 'How many are 2?', 'no']")), story_seeds, n_per_call=2
    )
    assert [one.meta for one in made] == [
        {"form": "sequence", "repairs": ["other quotation marks"], "n_surplus": 1},
        {"form": "sequence", "repairs": ["other quotation marks"]},
    ]


def test_a_cut_off_reply_brings_what_is_complete_in_it(scripted, story_seeds):
    cut = TeacherReply('["How many are 1?", "How many are 2?", "How ma', "length", 10, 3)
    made = ask("sequence", scripted(answer_or(cut)), story_seeds)
    assert [one.failure is None for one in made] == [True, True, False, False, False]
    assert made[2].failure == "The reply was cut off at its token limit; it holds 2 of the 5 responses in full."


def test_multi_turn_goes_on_in_the_same_chat(scripted, stories, story_seeds):
    teacher = scripted(stories)
    made = ask("multi_turn", teacher, story_seeds, n_per_call=3)
    turns = [request for request in teacher.requests if request.purpose == "question"]
    assert [len(request.earlier) for request in turns] == [0, 1, 2]
    assert turns[2].earlier == ((turns[0].prompt, made[0].question), (turns[1].prompt, made[1].question))
    assert turns[1].prompt == turns[2].prompt != turns[0].prompt
    assert {request.system for request in turns} == {turns[0].system}


def test_vs_multi_asks_for_three_then_two_and_reads_confidence(scripted, stories, story_seeds):
    teacher = scripted(stories)
    made = ask("vs_multi", teacher, story_seeds)
    turns = [request for request in teacher.requests if request.purpose == "question"]
    assert [request.hint.n_items for request in turns] == [3, 2]
    assert [one.meta["probability"] for one in made] == [0.01] * 5
    answers = [request for request in teacher.requests if request.purpose == "answer"]
    assert {(request.hint.n_items, request.hint.form) for request in answers} == {(5, "vs_multi")}


def test_a_turn_that_brings_nothing_ends_the_chat_and_keeps_what_came_before(scripted, story_seeds):
    teacher = scripted(answer_or(["How many are 1?", TeacherReply("", "refusal", 10, 3), "How many are 3?"]))
    made = ask("multi_turn", teacher, story_seeds, n_per_call=3)
    assert [one.failure for one in made] == [
        None,
        "The teacher's reply was a refusal.",
        "An earlier turn of the same chat brought nothing to go on with: The teacher's reply was a refusal.",
    ]
    assert [request.purpose for request in teacher.requests] == ["question", "question", "answer"]


def test_a_turn_that_repeats_an_earlier_one_is_a_failure(scripted, story_seeds):
    made = ask("multi_turn", scripted(answer_or(["How many are 1?"] * 2)), story_seeds, n_per_call=2)
    assert "same response" in made[1].failure and made[1].raw_question == "How many are 1?"


def test_reasoning_comes_with_the_candidate(scripted, stories, story_seeds):
    for name in ("cot", "vs_cot"):
        assert ask(name, scripted(stories), story_seeds)[0].meta["reasoning"] == "First I think."


def test_without_seeds_the_fixed_prompt_is_asked(scripted, in_form):
    said = [f"Question: What is {i} + $\\frac12$?\nDifficulty: {level}" for i, level in enumerate(["AMC", "AIME", "?"])]

    def write(request):
        return in_form("vs_standard", said) if request.purpose == "question" else r"It is \boxed{5}."

    teacher = scripted(write)
    made = ask("vs_standard", teacher, [], MATHS, n_per_call=3, has_seeds=False)
    assert teacher.requests[0].prompt == MATHS.fresh_prompt() and teacher.requests[0].subject is None
    assert [one.question for one in made] == [f"What is {i} + $\\frac12$?" for i in range(3)]
    assert [one.meta["difficulty"] for one in made] == ["AMC", "AIME", None]
    assert [one.parents for one in made] == [()] * 3 and [one.failure for one in made] == [None] * 3


def test_one_call_of_many_answers_them_at_the_same_time(scripted, stories, story_seeds):
    class Counting(scripted):
        now = most = 0

        async def complete(self, request):
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.001)
            self.now -= 1
            return await super().complete(request)

    teacher = Counting(stories)
    ask("vs_standard", teacher, story_seeds)
    assert teacher.most == 5


# --- the paper's rewriting, on the Game of 24


def test_backward_reasoning_counts_only_where_the_equation_makes_24(scripted):
    seed = GAME.make_problem("4 4 6 8", None, "(4 + 8) * (6 - 4)", {})
    steps = (
        "3 * 8 = 24 (left: 1 1 24)\n24 * 1 = 24 (left: 1 24)\n24 * 1 = 24 (left: 24)\nAnswer: \\boxed{3 * 8 * 1 * 1}"
    )
    good = {"question": r"Say b = 3. \boxed{3 * 8 * 1 * 1}", "answer": steps}
    [made] = ask("rewrite", scripted(lambda request: good[request.purpose]), [seed], GAME)
    assert (made.question, made.failure) == ("1 1 3 8", None)
    assert GAME.find_fault(made.question, made.answer, made.meta) is None
    [made] = ask("rewrite", scripted(lambda request: r"Then \boxed{3 * 8 + 1 * 1}."), [seed], GAME)
    assert made.question is None and "cannot be used" in made.failure
    [made] = ask("rewrite", scripted(lambda request: r"\boxed{null}"), [seed], GAME)
    assert "found no new problem" in made.failure


# --- Lion


def test_lion_asks_for_another_of_its_kind_or_a_rarer_one_at_temperature_one(scripted, stories, story_seeds):
    prompts = {}
    for name, phrase in {"lion_hard": "same type of task", "lion_easy": "far more rarely"}.items():
        teacher = scripted(stories)
        [made] = ask(name, teacher, story_seeds)
        prompts[name] = teacher.requests[0].prompt
        assert made.failure is None and teacher.requests[0].temperature == 1.0
        assert phrase in prompts[name] and story_seeds[0].question in prompts[name]
        assert teacher.requests[0].max_tokens == 256 and teacher.requests[0].earlier == ()
    long = replace(story_seeds[0], question="word " * 100)
    teacher = scripted(stories)
    ask("lion_hard", teacher, [long])
    assert teacher.requests[0].max_tokens == 400


LION = {
    "How many apples are there now?": None,
    "Follow this instruction and count.": "instruction",
    "How many?": "fewer than 4 words",
    "- How many are there?": "begins with '-'",
    "¿Cuántas hay en la caja?": "begins with '¿'",
    "$x$ is what number here?": None,
}


@pytest.mark.parametrize("question", LION)
def test_lion_rejects_what_its_authors_rejected(question):
    fault = find_lion_fault(question, "Ann has two apples.")
    assert fault is None if LION[question] is None else LION[question] in fault
    assert find_lion_fault("¿Cuántas hay en la caja?", "¿Qué hora es ahora?") is None


def test_lion_rejections_are_failures_with_their_tokens(scripted, story_seeds):
    teacher = scripted(answer_or("How many?"))
    [made] = ask("lion_easy", teacher, story_seeds)
    assert made.failure == "The new problem has fewer than 4 words." and len(teacher.requests) == 1
    assert made.n_input_tokens == 10


# --- incorrect solutions


def test_incorrect_solutions_answer_the_seeds_own_question_and_nothing_is_asked_again(scripted, stories, story_seeds):
    for form, n in {"direct": 1, "sequence": 4, "vs_multi": 4, "multi_turn": 4}.items():
        teacher = scripted(stories)
        made = ask("incorrect", teacher, story_seeds, form=form, n_per_call=4)
        assert [one.question for one in made] == [story_seeds[0].question] * n
        assert {one.meta["label"] for one in made} == {"incorrect"}
        assert all(WORDS.is_correct(one.final, story_seeds[0]) is False for one in made)
        assert len({one.final for one in made}) == n and made[0].answer.endswith(f"#### {made[0].final}")
        assert {request.purpose for request in teacher.requests} == {"question"}
        assert {request.hint.wants for request in teacher.requests} == {"wrong_answer"}
        assert story_seeds[0].question in teacher.requests[0].prompt
        assert story_seeds[0].answer not in teacher.requests[0].prompt
        assert all(one.raw_question is None and one.raw_answer for one in made)


def test_the_seeds_question_under_wrong_solutions_is_no_earlier_question(scripted, stories, story_seeds):
    context = FilterContext(WORDS)
    for name, n in {"incorrect": 0, "direct": 3}.items():
        method, brief = METHODS.get(name), Brief(WORDS, (), MethodSettings(form="direct"))
        outcome = grow(
            story_seeds, brief, method, scripted(stories), [],
            n_accepted=3, rng=np.random.default_rng(0), context=context,
        )  # fmt: skip
        assert outcome.accepted == 3 and len(context.earlier_questions) == n


def test_a_wrong_solution_without_a_final_answer_fails_and_keeps_its_label(scripted, story_seeds):
    made = ask(
        "incorrect",
        scripted(answer_or('["I add, and\\nthat is all.", "So.\\n#### 3"]')),
        story_seeds,
        form="sequence",
        n_per_call=2,
    )
    assert "no final number" in made[0].failure and made[1].failure is None
    assert [one.meta["label"] for one in made] == ["incorrect"] * 2


def test_a_form_that_is_unknown_is_refused_before_anything_is_sent(scripted, story_seeds):
    with pytest.raises(PromptError, match="known: direct, cot"):
        ask("incorrect", scripted(answer_or("")), story_seeds, form="haiku")


# --- mutation and skills


def test_a_mutation_shows_all_parents_and_brings_problem_and_solution(scripted, stories, story_seeds):
    teacher = scripted(stories)
    [made] = ask("mutate", teacher, [*story_seeds[:1], replace(story_seeds[1], answer=None)])
    prompt = teacher.requests[0].prompt
    assert made.parents == ("s0", "s1") and made.failure is None and made.final == "5"
    assert prompt.count("<problem>") == 3 and prompt.count("<solution>") == 2
    assert all(seed.question in prompt for seed in story_seeds[:2]) and story_seeds[0].answer in prompt
    assert len(teacher.requests) == 1 and made.raw_answer is None and "skills" not in made.meta


def test_the_last_tags_count_and_masses_of_them_do_not_hang():
    reply = "<problem>one</problem> no: < Problem >\ntwo\n</PROBLEM> <solution></solution>"
    assert read_tag(reply, "problem") == "two"
    with pytest.raises(ReplyError, match="empty"):
        read_tag(reply, "solution")
    with pytest.raises(ReplyError, match="open and close"):
        read_tag("<problem>" * 200_000, "problem")
    with pytest.raises(ReplyError, match="open and close"):
        read_tag("</problem>" * 200_000, "problem")


def test_a_game_of_24_is_mutated_as_numbers_or_as_an_equation(scripted):
    seed = GAME.make_problem("4 4 6 8", None, "(4 + 8) * (6 - 4)", {})
    solution = "<solution>3 * 8 = 24 (left: 1 1 24)\nAnswer: \\boxed{3 * 8 * 1 * 1}</solution>"
    for problem in ("8 3 1 1", r"\boxed{3 * 8 * 1 * 1}"):
        [made] = ask(
            "mutate", scripted(lambda _, p=problem: f"<problem>{p}</problem>{solution}"), [seed], GAME, n_parents=1
        )
        assert (made.question, made.final, made.failure) == ("1 1 3 8", "3 * 8 * 1 * 1", None)


def test_skills_are_at_most_three_of_the_list_in_the_order_of_the_alphabet(scripted, stories, story_seeds):
    teacher = scripted(stories)
    [made] = ask("mutate", teacher, story_seeds, labels_skills=True)
    assert made.meta["skills"] == ["ages", "percentages"] and made.meta["n_unknown_skills"] == 1
    assert [request.purpose for request in teacher.requests] == ["question", "judge"]
    asked = teacher.requests[1]
    assert asked.temperature == 0 and "percentages\n" in asked.prompt and made.question in asked.prompt
    assert made.n_input_tokens == 20

    known = ["a b", "c", "d", "e"]
    labels = read_skills("I say <skills>E, x;\n- C, a B, d, c</skills>.", known)
    assert (labels.skills, labels.n_unknown, labels.n_surplus) == (("a b", "c", "e"), 1, 1)
    for reply in ("percentages", "<skills></skills>", "<skills>juggling</skills>", "<skills>c"):
        with pytest.raises(ReplyError):
            read_skills(reply, known)


@pytest.mark.parametrize("error", [TeacherError("No reply came."), AskingStopped("The budget is used up.")])
def test_a_candidate_without_labels_is_none_the_worse_for_it(scripted, stories, story_seeds, error):
    def write(request):
        if request.purpose == "judge":
            raise error
        return stories(request)

    [made] = ask("mutate", scripted(write), story_seeds, labels_skills=True)
    assert made.failure is None and made.meta["skills"] is None and str(error) in made.meta["skills_fault"]


@pytest.mark.parametrize("task", TASKS.names())
def test_every_task_has_a_list_of_skills_that_a_comma_can_part(task):
    skills = list_skills(Brief(TASKS.get(task), ()))
    assert len(skills) >= 10 and not any(mark in skill for skill in skills for mark in ",;")
    assert list(skills) == sorted(skills, key=str.casefold)
    for start in range(0, len(skills), 3):
        some = skills[start : start + 3]
        assert read_skills(f"<skills>{', '.join(some)}</skills>", skills).skills == some
    assert list_skills(Brief(TASKS.get(task), (), prompts=Prompts({f"{task}_skills": "b\n\n a \nb"}))) == ("b", "a")


# --- a person's own prompt


def test_a_prompt_of_ones_own_is_sent_as_it_is_with_its_placeholders_filled(scripted, stories, story_seeds):
    teacher = scripted(stories)
    own = "Like {question} = {final}: {answer} ({type}, {level}) \\boxed{x}\n{examples}"
    ask("free", teacher, story_seeds, pool=story_seeds, prompt=own)
    sent = teacher.requests[0].list_messages()
    assert [message["role"] for message in sent] == ["user"]
    seed = story_seeds[0]
    assert sent[0]["content"].startswith(f"Like {seed.question} = 2: {seed.answer} (unknown, unknown) \\boxed{{x}}\n")
    assert sent[0]["content"].count("#Answer#:") == 5


def test_a_prompt_that_asks_for_several_is_read_as_a_list(scripted, stories, story_seeds):
    teacher = scripted(stories)
    made = ask("free", teacher, story_seeds, prompt="{n_items} like {question}, as a list", n_per_call=3)
    assert [one.failure for one in made] == [None] * 3 and teacher.requests[0].prompt.startswith("3 like")
    made = ask("free", scripted(answer_or("How many?")), story_seeds, prompt="{n_items} like {question}", n_per_call=3)
    assert {one.failure for one in made} == {"The reply holds no JSON with a response that can be read."}


PROMPTS = {
    "": (True, "no prompt yet"),
    "Another one, please.": (True, "lacks {question}"),
    "Like {question} of {colour}": (True, "{colour}, which nothing fills"),
    "Like {question}": (False, "without seeds"),
    "Like {colour}": (False, "{colour}, which nothing fills"),
}


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_missing_or_unknown_placeholder_is_refused_before_anything_is_sent(scripted, story_seeds, prompt):
    has_seeds, words = PROMPTS[prompt]
    teacher = scripted(answer_or("How many?"))
    with pytest.raises(PromptError, match=words.replace("{", r"\{").replace("}", r"\}")):
        ask("free", teacher, story_seeds, prompt=prompt, has_seeds=has_seeds)
    assert teacher.requests == []


def test_every_placeholder_of_the_table_is_filled():
    check_free_prompt(MethodSettings(prompt=" ".join(f"{{{name}}}" for name in PLACEHOLDERS)))
    check_free_prompt(MethodSettings(prompt="{n_items} like {examples}", has_seeds=False))
    assert all(text.endswith(".") for text in PLACEHOLDERS.values())


def test_a_problem_with_its_label_is_read_without_it(scripted, story_seeds):
    [made] = ask("free", scripted(answer_or("**Question:** How many?\n\nAnswer: 5")), story_seeds, prompt="{question}")
    assert made.question == "How many?"
    [made] = ask("free", scripted(answer_or("Ann had two.\nQuestion: How many?")), story_seeds, prompt="{question}")
    assert made.question == "Ann had two.\nQuestion: How many?"


# --- settings


@pytest.mark.parametrize(
    "wrong", [{"n_per_call": 0}, {"n_per_call": 51}, {"tail": 0.0}, {"tail": 1.5}, {"n_parents": 0}]
)
def test_settings_that_no_request_can_be_made_of_are_refused(wrong):
    with pytest.raises(PromptError, match=str(next(iter(wrong.values())))):
        MethodSettings(**wrong)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("n_per_call", "abc", "a whole number"), ("n_per_call", 2.5, "a whole number"),
        ("n_per_call", True, "a whole number"), ("n_parents", 1.5, "a whole number"),
        ("tail", "x", "a number or null"), ("tail", float("nan"), "a number or null"),
        ("temperature", "hot", "a number or null"), ("has_seeds", "no", "true or false"), ("prompt", 5, "a text"),
    ],
)  # fmt: skip
def test_settings_of_another_type_are_refused_in_one_sentence(name, value, wanted):
    with pytest.raises(PromptError) as refused:
        MethodSettings(**{name: value})
    assert str(refused.value) == f"The setting {name} must be {wanted}, not {value!r}."


def test_a_temperature_is_not_negative_and_may_be_whole():
    with pytest.raises(PromptError, match="at least 0, not -1"):
        MethodSettings(temperature=-1)
    assert MethodSettings(temperature=1, tail=None).temperature == 1


def test_answers_are_asked_at_their_own_temperature_with_the_hint_of_the_call(scripted, stories, story_seeds):
    teacher = scripted(stories)
    ask("vs_standard", teacher, story_seeds, n_per_call=2)
    assert [request.temperature for request in teacher.requests] == [0.7, 0.6, 0.6]
    hint = teacher.requests[1].hint
    assert (hint.wants, hint.form, hint.n_items, hint.parents) == ("question", "vs_standard", 2, tuple(story_seeds[:1]))
    assert isinstance(teacher.requests[1].subject, Problem)
