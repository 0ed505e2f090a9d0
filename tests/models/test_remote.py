"""The student behind a server: against the same student on this machine, and against servers that leave things out."""

import asyncio
import json
import time

import pytest

from core.errors import RunCancelled, TeacherError
from core.models.generate import NO_ROOM, generate_answers
from core.models.remote import RemoteStudent, _Crew, find_token_ends, make_seed
from core.models.student import Student
from core.settings import DEMO
from core.tasks import TASKS
from core.teacher.client import RequestRefused, ServerUnavailable
from core.teacher.endpoint import Endpoint
from core.teacher.reply import TokenLogprob
from tests.teacher.server import (
    ChatServer,
    StudentSpeaker,
    drop,
    hang,
    make_completion,
    send_body,
    speak_letters,
    status,
)

PROMPTS = [f"prompt {'and on ' * number}{number}" for number in range(12)]


@pytest.fixture
def server():
    with ChatServer() as server:
        yield server


@pytest.fixture
def no_pauses(monkeypatch):
    monkeypatch.setattr("core.teacher.client.random.uniform", lambda low, high: 0.0)


def connect(server, **options) -> RemoteStudent:
    return RemoteStudent(Endpoint(server.url, "model", ""), **{"timeout_s": 5.0} | options)


def collect(batches) -> dict:
    found = {}
    for batch in batches:
        for *place, answer in batch:
            assert tuple(place) not in found
            found[tuple(place)] = answer
    return found


def ask(student, prompts=PROMPTS, limit=40, **options) -> list:
    found = collect(student.answer(prompts, limit, **options))
    return [found[index,] for index in range(len(prompts))]


# Answers


@pytest.mark.skipif(not (DEMO / "tiny" / "config.json").is_file(), reason="the shipped student is not there")
def test_losses_are_those_of_the_same_student_on_this_machine():
    local, task = Student.load("tiny", device="cpu"), TASKS.get("word_problems")
    lines = (DEMO / "word_problems" / "validation.jsonl").read_text(encoding="utf-8").splitlines()[:8]
    prompts = [task.student_prompt(json.loads(line)["question"]) for line in lines]
    expected = dict(row for batch in generate_answers(local, prompts, 40) for row in batch)
    with ChatServer(speak=StudentSpeaker(local)) as server:
        answers = ask(connect(server, timeout_s=60.0), prompts)
    for index, answer in enumerate(answers):
        same = expected[index]
        assert (answer.text, answer.n_tokens, answer.is_truncated) == (same.text, same.n_tokens, same.is_truncated)
        assert answer.loss == pytest.approx(same.loss, abs=1e-4)
        assert len(answer.token_losses) == len(answer.token_ends) == answer.n_tokens
        assert answer.token_ends[-1] == len(answer.text)
    assert {answer.is_truncated for answer in answers} == {True, False}


def test_an_answer_says_all_that_the_server_tells(server):
    server.script.speak = lambda prompt, body, number: speak_letters("a b", {"temperature": 0.0}, 0)
    answer = ask(connect(server), ["x"])[0]
    spoken = speak_letters("a b", {"temperature": 0.0}, 0)
    losses = [-logprob for _, logprob in spoken.tokens]
    first = len(spoken.tokens[0][0].decode().strip())
    assert answer.text == spoken.text.strip() and answer.n_tokens == 3
    assert answer.loss == pytest.approx(sum(losses) / 3) and answer.token_losses == pytest.approx(losses)
    assert answer.token_ends == (first, len(answer.text), len(answer.text))
    body = server.bodies[0]
    assert (body["temperature"], body["logprobs"], body["max_tokens"]) == (0.0, True, 40)
    assert body["messages"] == [{"role": "user", "content": "x"}]


def test_every_prompt_is_answered_once_and_several_at_a_time(server):
    server.script.delay_s = 0.03
    assert len(ask(connect(server, max_concurrency=4), PROMPTS * 2)) == 24
    assert server.most_at_once == 4


def test_answers_come_before_the_last_one_is_there(server):
    server.script.poison[PROMPTS[3]] = hang
    batches, found = connect(server).answer(PROMPTS, 40), set()
    while len(found) < 11:
        found |= {index for index, _ in next(batches)}
    batches.close()
    assert found == set(range(12)) - {3}


def test_a_server_without_log_probabilities_has_answers_without_loss(server):
    server.script.gives_logprobs = False
    for answer in ask(connect(server)):
        assert answer.text and answer.n_tokens > 0
        assert (answer.loss, answer.token_losses, answer.token_ends) == (None, None, None)


def test_a_server_that_refuses_log_probabilities_is_asked_without_them(server):
    server.script.refused_fields = frozenset({"logprobs"})
    student = connect(server, max_concurrency=1)
    assert all(answer.text and answer.loss is None for answer in ask(student))
    assert sum("logprobs" in body for body in server.bodies) <= 2  # the second may be on its way already


def test_tokens_that_nobody_counts_are_unknown(server):
    server.script.gives_usage = False
    assert [answer.n_tokens for answer in ask(connect(server), PROMPTS[:2])] == [3, 5]
    server.script.gives_logprobs = False
    assert ask(connect(server), PROMPTS[:1])[0].n_tokens is None


@pytest.mark.parametrize(
    "fault",
    [
        send_body({"choices": []}),
        send_body({"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]}),
        status(400, "The prompt triggered the content policy", code="content_filter"),
    ],
    ids=["no choices", "filtered answer", "filtered prompt"],
)
def test_what_a_filter_stops_is_an_empty_answer(server, fault):
    server.script.poison[PROMPTS[2]] = fault
    answers = ask(connect(server))
    assert (answers[2].text, answers[2].loss, answers[2].is_truncated) == ("", None, False)
    assert all(answer.text for index, answer in enumerate(answers) if index != 2)


def test_a_prompt_that_fills_the_context_has_no_room_and_a_shorter_one_has_what_is_left(server):
    server.script.context = 20
    short, long, full = ask(connect(server), ["a b c", "word " * 15, "word " * 20], 10)
    assert not short.is_truncated and full == NO_ROOM
    assert long.is_truncated and len(long.text.split()) == long.n_tokens == 5
    full_bodies = [body for body in server.bodies if body["messages"][0]["content"] == "word " * 20]
    assert ["max_tokens" in body for body in full_bodies] == [True, False]


def test_a_changed_address_or_model_is_another_student():
    one, same, model, url = (
        RemoteStudent(Endpoint(*given)).fingerprint
        for given in [("http://a", "m"), ("http://a/v1/", "m"), ("http://a", "n"), ("http://b", "m")]
    )
    assert one == same and len({one, model, url}) == 3
    student = RemoteStudent(Endpoint("http://a", "m"))
    assert (student.source, student.dtype_name, student.has_weights) == ("m at http://a/v1", "server", False)


# Where tokens end


@pytest.mark.parametrize(
    ("tokens", "text", "ends"),
    [
        ([b" He", b" has", b" 5", b"<|end|>"], "He has 5", (2, 6, 8, 8)),
        ([b" He", b" has", b""], "He has", (2, 6, 6)),
        ([b"\n", b"He", b" "], "He", (0, 2, 2)),
        (["né".encode()[:2], "né".encode()[2:], b"!"], "né!", (1, 2, 3)),
        ([b"<|end|>"], "", (0,)),
        ([b"thinking", b"He"], "He", None),
        (["Ġhe".encode(), b"x"], "he x", None),
        (["é".encode()[:1], b"a"], "a", None),
    ],
)
def test_tokens_end_where_their_characters_are_complete(tokens, text, ends):
    assert find_token_ends([TokenLogprob(data, -0.1) for data in tokens], text) == ends


# Samples


def sample(student, prompts=PROMPTS, n=3, **options):
    found = collect(student.sample(prompts, 40, n=n, **{"temperature": 1.0, "seed": 1} | options))
    assert set(found) == {(index, number) for index in range(len(prompts)) for number in range(n)}
    return found


def test_a_server_that_gives_several_choices_is_asked_once_per_prompt(server):
    found = sample(connect(server))
    assert [body["n"] for body in server.bodies] == [3] * 12
    assert len({found[0, number].text for number in range(3)}) == 3
    assert all(answer.loss is not None and answer.n_tokens == len(answer.token_losses) for answer in found.values())


@pytest.mark.parametrize("way", ["ignored", "refused", "known"])
def test_a_server_that_gives_one_choice_is_asked_for_the_rest(server, way):
    server.script.honours_n = False
    server.script.refused_fields = frozenset({"n"} if way == "refused" else ())
    student = connect(server, honours_n=False if way == "known" else None, max_concurrency=2)
    found = sample(student)
    assert all(len({found[index, number].text for number in range(3)}) == 3 for index in range(12))
    assert sample(student) == found  # the seeds are the same, and this server minds them
    assert sample(student, seed=2) != found
    if way == "known":
        assert len(server.bodies) == 3 * 36 and all("n" not in body for body in server.bodies)
    else:  # only the four under way before the first reply asked for several, with log-probabilities and without
        assert sum("n" in body for body in server.bodies) <= 8


def test_greedy_and_drawn_samples_differ_in_temperature_alone(server):
    sample(connect(server), PROMPTS[:1], temperature=0.7)
    assert server.bodies[0]["temperature"] == 0.7 and server.bodies[0]["seed"] == make_seed(1, PROMPTS[0], 0)


def test_a_server_that_refuses_seeds_is_asked_without_them(server):
    server.script.refused_fields = frozenset({"seed"})
    assert len(sample(connect(server, max_concurrency=1))) == len(PROMPTS) * 3
    assert sum("seed" in body for body in server.bodies) <= 2 and all(body["logprobs"] for body in server.bodies)


@pytest.mark.parametrize(("field", "n"), [("seed", 1), ("seed", 3), ("logprobs", 1), ("logprobs", 3)])
def test_refusals_that_arrive_late_lose_no_prompt(server, field, n):
    async def refuse_late(exchange):
        body = json.loads(exchange.data)
        if field in body:
            await asyncio.sleep(0.3)
            return await status(400, f"Unsupported parameter: '{field}' is not supported with this model.")(exchange)
        await exchange.send_json(200, make_completion(server.script, body))

    server.script.refused_fields = frozenset({field})
    server.script.poison = dict.fromkeys(PROMPTS[1:], refuse_late)
    found = sample(connect(server, max_concurrency=4), n=n)
    assert all(answer.text for answer in found.values())
    assert 2 <= sum(field in body for body in server.bodies) < len(PROMPTS)  # several before the first refusal


def test_seeds_are_small_and_differ():
    seeds = {make_seed(seed, prompt, number) for seed in range(5) for prompt in PROMPTS for number in range(20)}
    assert len(seeds) == 5 * 12 * 20 and all(0 <= seed < 2**31 for seed in seeds)


def test_samples_of_a_prompt_without_room_are_there(server):
    server.script.context = 5
    assert set(sample(connect(server), ["word " * 9]).values()) == {NO_ROOM}


# Failures


def collect_until_error(batches) -> tuple[set[int], BaseException]:
    found = set()
    with pytest.raises(TeacherError) as caught:
        for batch in batches:
            found |= {index for index, _ in batch}
    return found, caught.value


def fall_silent(server, words):
    """Return a fault after which the server answers nothing any more."""
    silence = status(500, words)

    def fault(*request):
        server.script.poison = dict.fromkeys(PROMPTS, silence)
        return silence(*request)

    return fault


def test_a_wrong_key_ends_it_at_once(server):
    server.script.key = "another"
    with pytest.raises(TeacherError, match="wants a key"):
        ask(connect(server), PROMPTS * 20)
    assert len(server.bodies) <= 16


def test_a_refused_prompt_is_left_out_and_loses_no_other(server):
    server.script.poison[PROMPTS[0]] = status(400, "this text is not allowed")
    student = connect(server, max_concurrency=2)
    assert {index for batch in student.answer(PROMPTS, 40) for index, _ in batch} == set(range(1, 12))
    with pytest.raises(RequestRefused, match="refused the request for model: this text is not allowed"):
        list(student.answer(PROMPTS[:1], 40))  # alone it may be the settings that are refused


def test_what_ends_all_is_told_and_not_an_earlier_refusal(server, no_pauses):
    server.script.poison |= {PROMPTS[0]: status(400, "not allowed"), PROMPTS[1]: fall_silent(server, "out of order")}
    with pytest.raises(TeacherError, match=r"of 12 requests were not answered\. .* status 500, out of order"):
        ask(connect(server, max_concurrency=2))


def test_settings_that_are_refused_are_not_sent_with_every_prompt(server):
    server.script.refused_fields = frozenset({"temperature"})
    with pytest.raises(TeacherError, match=r"240 of 240 requests .* 'temperature' is not supported"):
        ask(connect(server, max_concurrency=2), PROMPTS * 20)
    assert len(server.bodies) <= 8


def test_passing_faults_are_not_seen(server, no_pauses):
    server.script.faults.extend([status(429), drop, status(500), send_body(b"busy")])
    assert all(answer.text for answer in ask(connect(server)))
    assert len(server.bodies) == 16


def test_what_was_answered_before_a_server_fell_silent_is_there(server, no_pauses):
    server.script.poison = {PROMPTS[6]: fall_silent(server, "shutting down")}
    found, error = collect_until_error(connect(server, max_concurrency=1).answer(PROMPTS, 40))
    assert found == set(range(6)) and "shutting down" in str(error)
    assert len(server.bodies) <= 6 + 3 * 6  # nothing new was begun after the first one was given up


def test_a_prompt_that_is_never_answered_is_left_out_and_loses_no_other(server, no_pauses):
    server.script.poison[PROMPTS[1]] = status(500, "out of order")
    batches = connect(server, max_concurrency=2).answer(PROMPTS, 40)
    assert {index for batch in batches for index, _ in batch} == set(range(12)) - {1}


def test_a_wrong_key_that_comes_with_the_probe_is_told():
    class WrongKey(TeacherError):
        pass

    async def try_once():
        is_probed, n_asked = asyncio.Event(), []

        async def answer():
            n_asked.append(1)
            if len(n_asked) == 1:
                return "an answer"
            is_probed.set()
            return await fail()

        async def fall_silent():
            await asyncio.sleep(0.01)
            raise ServerUnavailable("never answered")

        async def fail():
            await is_probed.wait()
            await asyncio.sleep(0)
            raise WrongKey("wrong key")

        crew = _Crew([answer, fall_silent, fail, fail, fail], width=5)
        while crew.is_busy:
            await crew.gather_some()
        with pytest.raises(TeacherError, match="wrong key"):
            crew.raise_failure()

    for _ in range(20):  # which of those that end together is looked at first is chance
        asyncio.run(try_once())


def test_a_cancelled_run_ends_soon(server):
    server.script.poison = dict.fromkeys(PROMPTS, hang)
    started = time.monotonic()

    def check():
        if time.monotonic() - started > 0.3:
            raise RunCancelled("cancelled")

    with pytest.raises(RunCancelled):
        ask(connect(server), check=check)
    assert time.monotonic() - started < 1.5
