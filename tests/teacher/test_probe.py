"""The probe against servers that do what they are asked, that quietly do not, and that are not there."""

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from asyncio import to_thread
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from core.errors import TeacherError
from core.models.generate import generate_answers
from core.models.remote import RemoteStudent
from core.models.student import Student
from core.settings import DEMO
from core.teacher.endpoint import Endpoint
from core.teacher.prices import Price
from core.teacher.probe import TYPICAL, ProbeReport, list_offered, probe
from core.teacher.reaching import CONNECT_S, find_connection_fault
from tests.teacher.server import ChatServer, Spoken, hang, speak_letters, status

NAMES = ["answers", "key", "model", "usage", "logprobs", "n", "temperature", "seed", "schema"]
FIELDS = ["logprobs", "n", "temperature", "seed", "schema"]
KEY = "sk-very-secret-0123456789"


def outcomes(report: ProbeReport) -> dict[str, bool | None]:
    assert [row.name for row in report.rows] == NAMES
    assert all(row.evidence.endswith((".", "…")) and KEY not in row.evidence for row in report.rows)
    return {row.name: row.is_ok for row in report.rows}


def evidence(report: ProbeReport, name: str) -> str:
    return next(row.evidence for row in report.rows if row.name == name)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_a_server_that_does_all_of_it():
    with ChatServer(key=KEY, models=("other", "model")) as server:
        report = probe(Endpoint(server.url, "model"))
    assert outcomes(report) == dict.fromkeys(NAMES, True)
    assert report.is_ok("n") is True
    assert evidence(report, "n") == "Asked for 2 choices, got 2."
    assert evidence(report, "logprobs") == "Asked for log-probabilities, got those of 3 of 3 generated tokens."
    assert evidence(report, "model") == "The server lists it among 2; the reply names the model 'model'."
    assert evidence(report, "key") == "The key in OPENAI_API_KEY was sent, and the request was answered."


def test_what_one_call_costs_is_told_by_a_small_real_one():
    with ChatServer(context=300) as server:
        report = probe(Endpoint(server.url, "model"))
        n_words = len(TYPICAL.split())
        assert server.answered[TYPICAL] == 1
        assert (report.call.n_input_tokens, report.call.n_output_tokens) == (n_words, n_words + 1)
        assert report.call.seconds > 0 and not report.call.is_cut_off
        price = Price("model", input=1000.0, output=2000.0, date="2026-01-31")
        cost = f"${(n_words * 1000 + (n_words + 1) * 2000) / 1e6:.4f}"
        took = f"A short call took {n_words} tokens in and {n_words + 1} out"
        assert report.word_cost(price) == f"{took}: {cost} at the price of 2026-01-31."
        assert report.word_cost(None).startswith(f"{took}; what that costs is not known, as model at http://127.")
        server.script.gives_usage = False
        assert "does not count its tokens" in probe(Endpoint(server.url, "model")).word_cost(price)
        server.script.poison = {TYPICAL: status(400, "no")}
        report = probe(Endpoint(server.url, "model"))
        assert report.call is None and "was not answered" in report.word_cost(price)


def test_a_server_that_repeats_the_key_is_quoted_without_it():
    speak = lambda prompt, body, number: Spoken([(f"Your key is the long one {KEY}, I am told.".encode(), -0.1)])  # noqa: E731
    with ChatServer(speak=speak, models=(f"{KEY}-x", "model"), honours_schema=False) as server:
        report = probe(Endpoint(server.url, "model"))
        assert KEY[:12] not in repr(report) and "the long one ***, I am" in evidence(report, "answers")
        assert "***" in evidence(report, "schema")
        assert list_offered(server.url, "OPENAI_API_KEY") == ["***-x", "model"]
        unknown = probe(Endpoint(server.url, "models"))
        assert KEY[:12] not in repr(unknown) and "***-x" in evidence(unknown, "model")


def test_a_server_that_takes_every_field_and_ignores_it():
    def repeat(prompt, body, number):
        return Spoken([(b"always the same", -0.1)])

    with ChatServer(
        speak=repeat, models=None, gives_logprobs=False, honours_n=False, honours_schema=False, gives_usage=False
    ) as server:
        report = probe(Endpoint(server.url, "model", ""))
    assert outcomes(report) == {
        "answers": True, "key": True, "model": None, "usage": False, "logprobs": False, "n": False,
        "temperature": False, "seed": None, "schema": False,
    }  # fmt: skip
    assert evidence(report, "n") == "Asked for 2 choices, got 1."
    assert evidence(report, "logprobs") == "Asked for log-probabilities, got none."
    assert evidence(report, "schema") == "Asked for JSON that only a schema describes, got 'always the same'."
    assert (
        evidence(report, "temperature") == "Asked twice at temperature 1.5, got the text of temperature 0 both times."
    )
    assert evidence(report, "key") == "No key was sent, and the request was answered."


def test_a_server_whose_draws_are_its_own():
    def draw(prompt, body, number):
        return speak_letters(prompt, {name: value for name, value in body.items() if name != "seed"}, number)

    with ChatServer(speak=draw) as server:
        assert outcomes(probe(Endpoint(server.url, "model")))["seed"] is False


def test_greedy_answers_that_differ_are_seen():
    with ChatServer(speak=lambda prompt, body, n: speak_letters(prompt, body | {"temperature": 1.0}, n)) as server:
        report = probe(Endpoint(server.url, "model"))
    assert evidence(report, "temperature") == "Asked twice at temperature 0, got 2 texts."


def test_refused_fields_are_each_a_row_and_stop_nothing():
    with ChatServer(refused_fields=frozenset({"logprobs", "n", "seed", "response_format"})) as server:
        report = probe(Endpoint(server.url, "model"))
    found = outcomes(report)
    assert [found[name] for name in FIELDS] == [False, False, True, False, False]
    assert "'logprobs' is not supported" in evidence(report, "logprobs")


def test_a_name_that_the_server_does_not_list_is_left_open():
    with ChatServer(models=None) as server:
        server.script.models = ("a", "b", "c", "d", "model")
        endpoint = Endpoint(server.url, "model")
        assert outcomes(probe(endpoint))["model"] is True
        server.script.models = None
        assert evidence(probe(endpoint), "model").startswith("The server gives no list of its models")


@pytest.mark.parametrize(
    ("model", "sent", "found"),
    [("model", "wrong", {"answers": False, "key": False}), ("nobody", KEY, {"answers": False, "model": False})],
)
def test_a_wrong_key_or_model_leaves_the_rest_unknown(monkeypatch, model, sent, found):
    monkeypatch.setenv("OPENAI_API_KEY", sent)
    with ChatServer(key=KEY) as server:
        report = probe(Endpoint(server.url, model))
        assert len(server.bodies) == 1
    assert outcomes(report) == dict.fromkeys(NAMES) | found


def test_a_server_that_refuses_a_plain_request_says_nothing_of_the_fields():
    with ChatServer(refused_fields=frozenset({"temperature"})) as server:
        assert outcomes(probe(Endpoint(server.url, "model"))) == dict.fromkeys(NAMES) | {"answers": False}


def test_a_server_that_is_not_there_is_a_report():
    with ChatServer() as server:
        pass
    started = monotonic()
    report = probe(Endpoint(server.url, "model"))
    assert monotonic() - started < 1.0
    assert outcomes(report) == dict.fromkeys(NAMES) | {"answers": False}
    assert evidence(report, "answers").startswith("Nothing listens at 127.0.0.1:")


@contextmanager
def full_house() -> Iterator[str]:
    """A port whose queue is full, so that a further connection is neither taken nor refused; yields the address."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(door.getsockname())
        sleep(0.1)
        yield f"http://127.0.0.1:{door.getsockname()[1]}/v1"
        for each in waiting:
            each.close()


def test_an_address_that_says_nothing_at_all_is_told_in_seconds():
    assert CONNECT_S <= 4.5
    with full_house() as url:
        started = monotonic()
        report = probe(Endpoint(url, "model"), timeout_s=0.5)
        assert 0.4 < monotonic() - started < 2.0
    assert outcomes(report) == dict.fromkeys(NAMES) | {"answers": False}
    assert "within 0.5 s" in evidence(report, "answers") and "Nothing answers at" in evidence(report, "answers")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (socket.gaierror(-2, "Name or service not known"), "The name some.example is not known"),
        (UnicodeError("label too long"), "The name some.example is not known"),
        (
            OSError(f"Multiple exceptions: [Errno {errno.ECONNREFUSED}] Connect call failed, [Errno 101] x"),
            "Nothing listens at some.exa",
        ),
        (OSError(101, "Network is unreachable"), "some.example:80 cannot be reached ([Errno 101] Network is unreach"),
        (None, "Nothing answers at some.example:80 within 0.1 s"),
    ],
    ids=["name", "odd name", "several addresses", "no network", "name server is silent"],
)
def test_each_way_to_reach_nothing_has_its_sentence(monkeypatch, answer, sentence):
    async def connect(*args, **kwargs):
        if answer is not None:
            raise answer
        await to_thread(sleep, 1.0)  # as a name that is being looked up: it cannot be interrupted

    monkeypatch.setattr("asyncio.open_connection", connect)
    started = monotonic()
    assert find_connection_fault(Endpoint("http://some.example/v1", "m"), 0.1).startswith(sentence)
    assert monotonic() - started < 0.8


def test_behind_a_proxy_only_a_request_can_tell(monkeypatch):
    with ChatServer() as server:
        pass
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "")
    assert find_connection_fault(Endpoint(server.url, "m")) is None
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert "Nothing listens" in find_connection_fault(Endpoint(server.url, "m"))


def test_an_unknown_model_is_told_with_those_that_the_server_offers():
    with ChatServer(models=("a", "b")) as server:
        report = probe(Endpoint(server.url, "nobody", ""))
        assert evidence(report, "answers") == evidence(report, "model")
        assert evidence(report, "answers").endswith("does not know the model 'nobody'; it offers 'a', 'b'.")
        server.script.models = (*(f"other-{i}" for i in range(30)), "nobodies")
        said = evidence(probe(Endpoint(server.url, "nobody", "")), "answers")
    assert "it offers 'nobodies', " in said and said.endswith(" and 23 more.")  # the most alike first, eight in all


def test_a_refusal_names_the_models_only_where_the_name_is_not_among_them():
    with ChatServer(refused_fields=frozenset({"temperature"})) as server:
        assert "offers" not in evidence(probe(Endpoint(server.url, "model")), "answers")
        server.script.poison["Say hello."] = status(400, "invalid model ID")
        said = evidence(probe(Endpoint(server.url, "nobody")), "answers")
    assert "invalid model ID" in said and said.endswith("It does not list the model 'nobody'; it offers 'model'.")


def test_the_models_of_a_server_are_listed_or_it_is_said_why_not():
    with ChatServer(models=("a", "b")) as server:
        assert list_offered(server.url) == ["a", "b"]
        server.script.models = None
        with pytest.raises(TeacherError, match="gives no list of its models"):
            list_offered(server.url)
    with pytest.raises(TeacherError, match="Nothing listens"):
        list_offered(server.url)
    with pytest.raises(TeacherError, match="is no server's"):
        list_offered("somewhere")


def test_a_probe_ends_in_time_whatever_hangs():
    with ChatServer() as server:
        server.script.faults.extend([hang] * 20)
        started = monotonic()
        report = probe(Endpoint(server.url, "model"), timeout_s=0.4)
        assert monotonic() - started < 2.0
    assert outcomes(report)["answers"] is False and "did not answer within 0.4 s" in evidence(report, "answers")


def test_a_check_that_fails_does_not_stop_the_others():
    with ChatServer() as server:
        server.script.poison["Write a line of twelve random letters."] = status(500)
        found = outcomes(probe(Endpoint(server.url, "model")))
    assert [found[name] for name in FIELDS] == [True, None, None, None, True]


# A server that is not ours


def give_chat_template(folder: Path) -> Path:
    """Copy the shipped student with a template that adds nothing, which `transformers serve` asks for."""
    shutil.copytree(DEMO / "tiny", folder)
    path = folder / "tokenizer_config.json"
    template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"chat_template": template}))
    return folder


@contextmanager
def transformers_serve(model: Path, cache: Path) -> Iterator[str]:
    """Serve a model by `transformers serve` on a free port; yields the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    cache.mkdir()
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache)}
    with (cache / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(480):
            assert process.poll() is None, (cache / "log.txt").read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.soak
def test_what_transformers_serve_takes_and_ignores(tmp_path):
    prompts = ["Tom has 3 apples and buys 4 more. How many apples does he have?\n", "What is 3 + 4?\n"]
    model = give_chat_template(tmp_path / "tiny")
    local = dict(row for batch in generate_answers(Student.load(model, device="cpu"), prompts, 30) for row in batch)
    with transformers_serve(model, tmp_path / "cache") as url:
        report = probe(Endpoint(url, str(model), ""))
        student = RemoteStudent(Endpoint(url, str(model), ""))
        remote = dict(row for batch in student.answer(prompts, 30) for row in batch)
        drawn = [row for batch in student.sample(prompts, 30, n=2, temperature=1.0, seed=0) for row in batch]
    assert outcomes(report) == {
        "answers": True, "key": True, "model": None, "usage": True, "logprobs": False, "n": False,
        "temperature": False, "seed": None, "schema": False,
    }  # fmt: skip
    for index, answer in remote.items():
        assert (answer.text, answer.n_tokens) == (local[index].text, local[index].n_tokens) and answer.loss is None
    assert sorted(row[:2] for row in drawn) == [(0, 0), (0, 1), (1, 0), (1, 1)]
