"""The webhook against a real local server with faults: slow, 500, gone, a redirect; the hub never waits for it."""

import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.hub import Hub
from core.runs.ends import End
from core.runs.folder import RunFolder
from core.settings import Settings
from core.webhook import Webhook, describe_end
from tests.runs.world import wait_for

QUICK = {"timeout_s": 0.15, "pauses_s": (0.02, 0.02)}


class Server:
    """Answers with the statuses of a list, one after the other; ``slow`` holds an answer back; 200 at the end."""

    def __init__(self, *answers):
        self.answers, self.got = list(answers), []
        handler = type(
            "Handler",
            (BaseHTTPRequestHandler,),
            {"do_POST": lambda request: self.answer(request), "log_message": lambda *_: None},
        )
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}/hook/secret"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def answer(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        self.got.append((json.loads(body), request.headers["Content-Type"]))
        answer = self.answers.pop(0) if self.answers else 200
        if answer == "slow":
            time.sleep(0.35)
            answer = 200
        request.send_response(answer)
        if answer == 302:
            request.send_header("Location", "/elsewhere")
        request.end_headers()


@pytest.fixture
def serve():
    servers = []

    def start(*answers):
        servers.append(Server(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.ERROR)
    return logging.getLogger("webhook-test")


def make_end(number=1, **more):
    about = {"kind": "finetune", "title": "Finetune tiny", "state": "done", "error": None, "seconds": 130.4}
    return End(**{"number": number, "run_id": f"run-{number}", **about, "is_quiet": False, **more})


def test_an_end_arrives_as_one_document(serve, log):
    server = serve()
    hook = Webhook(server.address, log)
    hook.post(make_end(state="failed", error="Größe 0 is too small; choose 1."))
    wait_for(lambda: hook.n_sent)
    (document, type_), *others = server.got
    assert not others and type_.startswith("application/json")
    assert document == {
        "run_id": "run-1", "kind": "finetune", "title": "Finetune tiny", "state": "failed", "seconds": 130.4,
        "error": "Größe 0 is too small; choose 1.",
        "text": "Finetune tiny: failed after 2 min 10 s. Größe 0 is too small; choose 1.",
    }  # fmt: skip
    hook.close()


@pytest.mark.parametrize("answers", [(500, 503), (429,), ("slow",), (408, 500)])
def test_a_fault_that_passes_is_tried_again(serve, log, caplog, answers):
    server = serve(*answers)
    hook = Webhook(server.address, log, **QUICK)
    hook.post(make_end())
    wait_for(lambda: hook.n_sent)
    assert len(server.got) == len(answers) + 1 and hook.fault is None and not caplog.records
    hook.close()


@pytest.mark.parametrize(
    ("answers", "n_tries", "reason"),
    [
        ((500, 500, 500), 3, "it answered with status 500"),
        ((404,), 1, "it answered with status 404"),
        ((302,), 1, "it answered with status 302"),
        (("slow",) * 3, 3, "it did not answer within 0.15 seconds"),
    ],
)
def test_a_fault_that_stays_is_said_once_and_counted(serve, log, caplog, answers, n_tries, reason):
    server = serve(*answers, 404)
    hook = Webhook(server.address, log, **QUICK)
    hook.post(make_end(1))
    wait_for(lambda: hook.n_failed == 1)
    assert hook.fault == f"The end of run-1 was not posted to 127.0.0.1: {reason}."
    assert len(server.got) == n_tries
    hook.post(make_end(2))
    wait_for(lambda: hook.n_failed == 2)
    assert len(caplog.records) == 1 and "secret" not in caplog.text
    hook.post(make_end(3))
    wait_for(lambda: hook.n_sent == 1)
    assert hook.fault is None and "takes posts again; 2 were not delivered" in caplog.records[-1].message
    hook.close()


def test_nobody_there_is_a_fault_too(serve, log):
    server = serve()
    server.http.shutdown()
    server.http.server_close()
    hook = Webhook(server.address, log, **QUICK)
    hook.post(make_end())
    wait_for(lambda: hook.n_failed)
    assert hook.fault.endswith("it cannot be reached (Connection refused).")
    hook.close()


@pytest.mark.parametrize("address", ["file:///etc/passwd", "seedbed", "http://", "http://[bad"])
def test_what_is_no_address_is_said_and_nothing_is_posted(log, caplog, address):
    hook = Webhook(address, log)
    hook.post(make_end())
    assert "SEEDBED_WEBHOOK is no http or https address" in hook.fault
    assert hook._thread is None and len(caplog.records) == 1


def test_more_than_can_wait_are_counted(serve, log, caplog):
    server = serve("slow")
    hook = Webhook(server.address, log, timeout_s=2.0, pauses_s=())
    for number in range(1, 104):
        hook.post(make_end(number))
    assert hook.n_failed >= 2 and "More than 100 ends of runs wait" in hook.fault
    hook.close()
    assert "ends were not posted: the dashboard was closed" in caplog.text


def test_the_line_for_chats_is_in_words():
    assert describe_end(make_end(seconds=None, state="cancelled")) == "Finetune tiny: cancelled."
    assert describe_end(make_end(seconds=42.2)) == "Finetune tiny: done after 42 s."
    assert describe_end(make_end(seconds=7300)) == "Finetune tiny: done after 2 h 1 min."


def test_the_hub_posts_what_ends_while_it_looks_and_a_restart_posts_nothing_twice(tmp_path, serve, monkeypatch):
    server = serve("slow")
    monkeypatch.setenv("SEEDBED_HOME", str(tmp_path))
    monkeypatch.setenv("SEEDBED_WEBHOOK", f" {server.address} ")
    assert Settings.from_env().webhook == server.address

    def finish(title):
        folder = RunFolder.create(tmp_path, "finetune", title=title, config={}, lane="device")
        with folder.hold():
            folder.finish("done")

    finish("before")
    time.sleep(0.01)
    hub = Hub(Settings.from_env(), is_threaded=False)
    hub.step()
    finish("meanwhile")
    began = time.monotonic()
    hub.step()
    assert time.monotonic() - began < 0.3  # the answer takes longer than this
    wait_for(lambda: hub.webhook.n_sent)
    hub.step()
    hub.close()
    hub = Hub(Settings.from_env(), is_threaded=False)
    hub.step()
    finish("later")
    hub.step()
    wait_for(lambda: hub.webhook.n_sent)
    hub.close()
    assert [document["title"] for document, _ in server.got] == ["meanwhile", "later"]
