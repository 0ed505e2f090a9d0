"""What was sent for a candidate is written again from its run, and the ledger proves that it is the same."""

import json
import shutil

import pytest

from core.generation.base import METHODS
from core.hub import Hub
from core.recipes.generating import start_generate
from core.recipes.kinds import execute
from core.recipes.tracing import find_chooser, find_run_price, trace_candidate
from core.runs.folder import RunFolder
from core.settings import Settings
from core.teacher.roles import read_roles
from tests.pages import home
from tests.pages.conftest import filled  # noqa: F401
from tests.recipes.test_loop import run_loop

SETTINGS = {
    "free": {"prompt": "Here is a problem:\n{question}\nWrite another one."},
    "mutate": {"n_parents": 2, "labels_skills": True},
    "sequence": {"n_per_call": 3},
}


def grow(hub, method="rewrite", **choices):
    settings = SETTINGS.get(method)
    run_id = start_generate(hub, home.SELECT, n_accepted=4, method=method, settings=settings, filters=(), **choices)
    assert execute(RunFolder(hub.settings.home / "runs" / run_id)) == "done"
    hub.step()
    return run_id


def read_all(hub, run_id):
    ids = hub.store.list_candidates(run_id=run_id)["candidate_id"]
    return list(hub.store.read_records([(run_id, id_) for id_ in ids]).values())


@pytest.mark.parametrize("method", METHODS.names())
def test_every_request_of_every_method_stands_in_the_ledger(filled, method):  # noqa: F811
    run_id = grow(filled, method)
    calls = filled.store.list_calls(run_id)
    seen, records = set(), read_all(filled, run_id)
    for record in records:
        trace = trace_candidate(filled, record)
        assert trace.fault is None and trace.sent and all(each.call for each in trace.sent)
        for each in trace.sent:
            assert each.call["purpose"] == each.request.purpose
            assert each.request.purpose == "judge" or each.reply in (record["raw_question"], record["raw_answer"])
        assert {"question", "answer"} >= {each.request.purpose for each in trace.sent} - {"judge"}
        seen |= {each.call["call_id"] for each in trace.sent}
    assert len(records) >= 4 and seen == set(calls["call_id"]), "every call is behind a candidate"


def test_without_the_cache_the_raw_replies_tell_what_was_sent(filled):  # noqa: F811
    run_id = grow(filled)
    shutil.rmtree(filled.settings.home / "cache")
    record = read_all(filled, run_id)[-1]
    trace = trace_candidate(filled, record)
    assert [each.request.purpose for each in trace.sent] == ["question", "answer"]
    assert all(each.call for each in trace.sent) and record["parent_problems"][0]["question"] in (
        trace.sent[0].request.prompt
    )


def test_what_was_never_sent_is_not_said_to_be(filled):  # noqa: F811
    record = read_all(filled, home.LOOP)[0]  # written by hand, without calls or a seed of that name in its draw
    trace = trace_candidate(filled, record)
    assert all(each.call is None for each in trace.sent)


def test_who_chose_the_seed_is_known(filled):  # noqa: F811
    run_id = grow(filled)
    chooser = find_chooser(filled, filled.store.read_run(run_id), 1)
    assert (chooser["selector"], chooser["student"], chooser["source"], chooser["adapter"]) == (
        "loss_high", "base", "tiny", None
    )  # fmt: skip


def test_a_loop_s_later_rounds_are_traced_and_name_the_adapter_that_chose(few_files, tmp_path):
    assert run_loop(few_files, tmp_path, "--selector", "loss_high", "--select", "4", "--epochs", "1").returncode == 0
    hub = Hub(Settings(home=tmp_path, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    hub.step()
    try:
        (run_id,) = hub.store.list_runs(["loop"])["run_id"]
        second = [record for record in read_all(hub, run_id) if record["round"] == 2]
        for record in second[:3]:
            trace = trace_candidate(hub, record)
            assert trace.sent and all(each.call for each in trace.sent)
        assert len(second) >= 3
        chooser = find_chooser(hub, hub.store.read_run(run_id), 2)
        assert chooser["student"] == "round-1" and "checkpoints" in chooser["adapter"]
        assert find_chooser(hub, hub.store.read_run(run_id), 1)["adapter"] is None
    finally:
        hub.close()


def test_a_run_s_price_is_known_where_questions_and_answers_have_one(tmp_path):
    server = {"base_url": "http://localhost:9/v1", "model": "m"}
    roles = read_roles({"teacher": server})
    folder = tmp_path / "runs" / "grown"
    folder.mkdir(parents=True)
    prices = {str(roles["question"].endpoint): {"model": "m", "input": 1.0, "output": 10.0}}
    (folder / "prices.json").write_text(json.dumps(prices))
    assert find_run_price(tmp_path, "grown", {"teacher": server}).cost(400, 60) == pytest.approx(0.001)
    assert find_run_price(tmp_path, "grown", {"teacher": server, "roles": {"answer": "built-in"}}) is None
    assert find_run_price(tmp_path, "other", {"teacher": server}) is None
