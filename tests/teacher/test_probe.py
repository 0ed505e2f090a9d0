"""The probe against servers that do what they are asked, that quietly do not, and that are not there."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from core.models.generate import generate_answers
from core.models.remote import RemoteStudent
from core.models.student import Student
from core.settings import DEMO
from core.teacher.endpoint import Endpoint
from core.teacher.probe import ProbeReport, probe
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
    report = probe(Endpoint(server.url, "model"))
    assert outcomes(report) == dict.fromkeys(NAMES) | {"answers": False}
    assert "the connection failed" in evidence(report, "answers")


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
