"""The teachers of a run folder: prices, a ledger that the database repeats, keys that stay out, kill and resume."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, fields, replace

import pytest

from core.__main__ import main
from core.errors import AskingStopped, ModelLoadError, PriceError, TeacherError, UnknownNameError
from core.hub import rebuild
from core.lines import read_all
from core.recipes.pushbacks import read_pushbacks
from core.recipes.teachers import check_team, find_server, open_teacher, open_team
from core.runs.folder import RunFolder
from core.store.store import Store
from core.teacher.base import TeacherRequest
from core.teacher.ledger import CallTotals, Ledger
from core.teacher.prices import write_prices
from tests.models.test_adapters import save_adapter
from tests.teacher.faults import drop, hang_up, page, say, send_body, status
from tests.teacher.server import ChatServer

ASK = TeacherRequest("question", "custom", "one two three", None, max_tokens=10)
KEY = "sk-very-secret-0123456789"


def make_run(home, config, run_id="grown"):
    return RunFolder.create(home, "generate", title="Grow", config=config, lane="teacher", run_id=run_id)


def ask(folder, *requests):
    """Ask the team of a run, as one attempt; returns outcomes and the ledger's totals."""

    async def ask_all(team):
        return await asyncio.gather(*map(team.complete, requests), return_exceptions=True)

    with folder.hold():
        with open_team(folder) as team:
            outcomes = asyncio.run(ask_all(team))
            totals = team.ledger.totals()
        folder.finish("done")
    return outcomes, totals


def many(n, **more):
    return [replace(ASK, prompt=f"prompt number {index}", **more) for index in range(n)]


def server_spec(server, **more):
    return {"base_url": server.url, "model": "model", "key_env": "", **more}


def test_the_database_adds_the_calls_up_as_the_ledger_does(tmp_path):
    with ChatServer() as server:
        write_prices(tmp_path, [{"model": "model", "host": "127.0.0.1", "input": 1, "output": 2}])
        server.script.poison = {"bad": status(400, "no"), "lost": send_body({"choices": []}),
                                "uncounted": say("x", usage=None)}  # fmt: skip
        folder = make_run(tmp_path, {"teacher": server_spec(server), "seed_set": None})
        odd = [replace(ASK, prompt=prompt) for prompt in ("bad", "lost", "uncounted")]
        ask(folder, *many(4), *odd)
        folder.order("again")
        _, totals = ask(folder, *many(6), *many(2, purpose="answer"), odd[0])
    assert not rebuild(tmp_path)[1]
    store = Store(tmp_path / "seedbed.duckdb")
    try:
        assert store.total_calls("grown") == {name: pytest.approx(value) for name, value in asdict(totals).items()}
        names = [each.name for each in fields(CallTotals)]
        assert list(store.total_calls("grown")) == names
        frame = store.total_calls_by_purpose("grown").set_index("purpose")
        assert frame.index.tolist() == ["question", "answer"]
        lines = read_all(folder.path / "records" / "calls.jsonl")
        for purpose, row in frame.iterrows():
            own = Ledger(attempt=2, earlier=[line for line in lines if line["purpose"] == purpose]).totals()
            assert asdict(own) == {name: pytest.approx(row[name]) for name in names}
        assert frame["teacher"].tolist() == ["model", "model"]
        assert (totals.n_calls, totals.n_cached, totals.n_failed, totals.n_uncounted) == (11, 4, 2, 1)
        assert totals.n_unpriced == 2  # the lost one and the uncounted one
        calls = store.list_calls("grown", limit=None)
        assert len(calls) == 7 + 9 and calls["attempt"].value_counts().to_dict() == {1: 7, 2: 9}
        assert not calls["is_open"].any() and calls["written_at"].is_monotonic_decreasing
        assert len(store.list_calls("grown", purpose="answer")) == 2
        assert len(store.list_calls("grown", has_failed=True)) == 3
        assert len(store.list_calls("grown", has_failed=False, limit=5)) == 5
        assert store.total_calls("none")["n_calls"] == 0 and store.total_calls("none")["paid_usd"] == 0.0
        assert store.list_faults().empty
    finally:
        store.close()


def test_what_a_run_costs_is_not_changed_by_a_later_edit_of_the_prices(tmp_path):
    with ChatServer() as server:
        write_prices(tmp_path, [{"model": "model", "input": 1, "output": 2, "date": "2026-01-31"}])
        folder = make_run(tmp_path, {"teacher": server_spec(server)})
        ask(folder, ASK)
        write_prices(tmp_path, [{"model": "model", "input": 50, "output": 50}])
        folder.order("again")
        ask(folder, replace(ASK, prompt="four five six"))
        other = make_run(tmp_path, {"teacher": server_spec(server)}, "later")
        _, later = ask(other, replace(ASK, prompt="seven eight nine"))
    rows = [json.loads(line) for line in (folder.path / "records" / "calls.jsonl").read_text().splitlines()]
    paid = [row["paid_usd"] for row in rows if "paid_usd" in row]
    assert paid == [pytest.approx((3 * 1 + 4 * 2) / 1e6)] * 2
    assert {row["price_date"] for row in rows if "price_date" in row} == {"2026-01-31"}
    assert later.paid_usd == pytest.approx(7 * 50 / 1e6)


def test_a_budget_in_dollars_without_a_price_is_refused_before_anything_is_sent(tmp_path):
    with ChatServer() as server:
        config = {"teacher": "built-in", "roles": {"judge": server_spec(server)}, "budget": {"usd": 1.0}}
        with pytest.raises(TeacherError, match=r"The price of model at http://127.0.0.1:\d+/v1 is unknown") as caught:
            check_team(tmp_path, config)
        folder = make_run(tmp_path, config)
        with pytest.raises(TeacherError, match="price"), folder.hold(), open_team(folder):
            pass
        assert "\n" not in str(caught.value) and not server.bodies
        write_prices(tmp_path, [{"model": "*", "host": "127.0.0.1", "input": 0, "output": 0}])
        check_team(tmp_path, config)
        outcomes, totals = ask(make_run(tmp_path, config, "free"), replace(ASK, purpose="judge"))
    assert outcomes[0].text and totals.paid_usd == 0.0 and totals.n_unpriced == 0


def test_a_team_that_cannot_be_opened_is_refused_beforehand(tmp_path, monkeypatch):
    save_adapter(tmp_path / "wide", 256, 128)
    for config, error in (
        ({"teacher": "nobody"}, UnknownNameError),
        ({"roles": {"answer": {"student": str(tmp_path / "none")}}}, ModelLoadError),
        ({"teacher": {"student": "tiny", "adapter": "runs/none/adapter"}}, ModelLoadError),
        ({"roles": {"judge": {"student": "tiny", "adapter": "wide"}}}, ModelLoadError),
        ({"budget": {"tokens": -5}}, TeacherError),
        ({"error_stop": {"share": 7}}, TeacherError),
    ):
        with pytest.raises(error):
            check_team(tmp_path, {"teacher": "built-in", **config})
    server = {"base_url": "http://localhost:1/v1", "model": "m", "key_env": "ODD_KEY"}
    monkeypatch.setenv("ODD_KEY", "schlüssel")
    with pytest.raises(TeacherError, match="cannot be a key"):
        check_team(tmp_path, {"teacher": server})
    monkeypatch.delenv("ODD_KEY")
    (tmp_path / "prices.toml").write_text("[[price]]\n")
    with pytest.raises(PriceError):
        check_team(tmp_path, {"teacher": server})
    check_team(tmp_path, {"teacher": {"student": "tiny", "adapter": str(save_adapter(tmp_path / "fits", 128, 384))}})
    check_team(tmp_path, {})


def test_a_server_that_pushes_back_is_seen_in_the_run_over_its_attempts(tmp_path):
    with ChatServer(limit=2, delay_s=0.01) as server:
        folder = make_run(tmp_path, {"teacher": server_spec(server, max_concurrency=8)})
        assert ask(folder, *many(2))[1].n_failed == 0
        assert read_pushbacks(folder) == {}
        found = []
        for n in (30, 60):
            ask(folder, *many(n))
            (one,) = read_pushbacks(folder).values()
            found.append((one.n, server.n_pushed_back))
            assert list(read_pushbacks(folder)) == [f"model at {server.url}"]
            assert one.ceiling == 8 and 1 <= one.limit < 8
            folder.order("again")
    assert found[0][0] == found[0][1] > 0 and found[1][0] == found[1][1] > found[0][0]


def test_a_budget_counts_all_rounds_of_a_run(tmp_path):
    with ChatServer() as server:
        folder = make_run(tmp_path, {"teacher": server_spec(server), "budget": {"tokens": 700}})
        with folder.hold():
            spent = []
            for round_ in range(3):
                with open_team(folder) as team:
                    request = replace(ASK, prompt=f"prompt of round {round_}", max_tokens=300)
                    try:
                        asyncio.run(team.complete(request))
                    except AskingStopped:
                        break
                    spent.append(team.budget.spent.tokens)
    assert spent == [9, 18, 27]


def ask_one_teacher(home, spec, requests, at_once=8, **options):
    """Return the teacher and the outcome of each request."""

    async def ask_all(team):
        gate = asyncio.Semaphore(at_once)

        async def one(request):
            async with gate:
                return await team.complete(request)

        return await asyncio.gather(*map(one, requests), return_exceptions=True)

    with open_teacher(home, spec, **options) as teacher:
        return teacher, asyncio.run(ask_all(teacher))


def test_one_teacher_keeps_no_ledger_and_stops_where_everything_fails(tmp_path):
    requests = many(200)
    with ChatServer() as server:
        server.script.poison = {one.prompt: status(400, "no") for one in requests[:15]}
        teacher, outcomes = ask_one_teacher(tmp_path, server_spec(server), requests[:60])
        assert teacher.name == "model" and teacher.ledger.totals().n_calls == 60
        assert sum(isinstance(error, TeacherError) for error in outcomes) == 15
        server.script.poison = {one.prompt: status(400, "no") for one in requests}
        n_before = len(server.bodies)
        _, outcomes = ask_one_teacher(tmp_path, server_spec(server), requests[60:])
        assert 20 <= len(server.bodies) - n_before <= 40 and isinstance(outcomes[-1], AskingStopped)
    assert not (tmp_path / "runs").exists()


def test_one_teacher_keeps_to_a_budget(tmp_path):
    with ChatServer() as server:
        spec = server_spec(server)
        _, outcomes = ask_one_teacher(tmp_path, spec, many(50), at_once=1, budget={"tokens": 500})
        n_answered = sum(not isinstance(one, AskingStopped) for one in outcomes)
        assert 1 <= n_answered == len(server.bodies) < 50 and "budget of 500 tokens" in str(outcomes[-1])
        with pytest.raises(TeacherError, match="price of model at"), open_teacher(tmp_path, spec, budget={"usd": 1}):
            pass
        with (
            pytest.raises(TeacherError, match="A budget in tokens"),
            open_teacher(tmp_path, spec, budget={"tokens": 0}),
        ):
            pass
        write_prices(tmp_path, [{"model": "model", "input": 1000, "output": 1000}])
        teacher, outcomes = ask_one_teacher(tmp_path, spec, many(50)[40:], at_once=1, budget={"usd": 0.33})
        assert isinstance(outcomes[-1], AskingStopped) and "budget of $0.330" in str(outcomes[-1])
        assert 0 < teacher.ledger.totals().paid_usd <= 0.33


@pytest.mark.parametrize(("models", "said"), [((), "lists no models"), (("a", "b"), "several models")])
def test_a_server_whose_model_was_not_named_says_by_which_options_to(models, said):
    with ChatServer(models=models) as server, pytest.raises(TeacherError, match=said) as caught:
        find_server(server.url, None, "")
    assert "(--model, or --student-model and --teacher-model for `score`)" in str(caught.value)


def test_a_local_student_answers_in_its_role(tmp_path):
    student = {"student": "tiny", "temperature": 0.0, "max_tokens": 8}
    folder = make_run(
        tmp_path, {"teacher": "built-in", "roles": {"answer": student}, "budget": {"usd": 1, "tokens": 9999}}
    )
    request = replace(ASK, purpose="answer", prompt="What is 2 + 3?")
    (first, same), totals = ask(folder, request, request)
    assert first.n_output_tokens <= 8 and same.text == first.text and same.is_cached
    assert totals.paid_usd == 0.0 and totals.n_unpriced == 0 and totals.n_calls == 2
    assert totals.n_input_tokens == 2 * first.n_input_tokens
    with folder.hold(), open_team(folder) as team:
        assert team.name == "built-in, answers by tiny" and team.snapshot_throttles() == {}


def read_everything(home):
    """Return the bytes of every file of a home, the database's rows among them."""
    data = b"".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file())
    rebuild(home)
    store = Store(home / "seedbed.duckdb")
    try:
        for table in store.count_rows():
            with store.cursor() as cursor:
                data += repr(cursor.execute(f'select * from "{table}"').fetchall()).encode()
        return data
    finally:
        store.close()


def test_a_key_reaches_no_file_and_no_terminal_whatever_the_server_says(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("core.teacher.client.MAX_BACKOFF_S", 0.0)
    monkeypatch.setenv("MY_KEY", KEY)
    home, seeds, out = tmp_path / "home", tmp_path / "pens.jsonl", tmp_path / "out.jsonl"
    rows = [
        {"question": f"{n} pens and {n} more?", "answer": f"{n}+{n}=<<{n}+{n}={2 * n}>>\n#### {2 * n}"}
        for n in range(2, 8)
    ]
    seeds.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    told = f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}'.encode()
    faults = [
        status(400, f"bad request of {KEY}"), status(500, f"crash of Bearer {KEY}"), send_body(told), page(502), drop,
        hang_up, say(f"Your key is {KEY}."), say(f"{KEY}", KEY), status(422, "x" * 190 + KEY), send_body(KEY.encode()),
        status(429, f"{KEY} is too fast", {"Retry-After": "0"}), send_body({"choices": [{"message": {"content": KEY}}]})
    ]  # fmt: skip
    with ChatServer(key=KEY) as server:
        options = ["--seeds", seeds, "--accept", 3, "--home", home, "--out", out, "--teacher", server.url]
        for told_first in (faults, [status(401, f"Incorrect API key provided: {KEY}")], [status(403, KEY)]):
            server.script.faults.extend(told_first)
            main(["generate", *map(str, options), "--model", "model", "--key-env", "MY_KEY"])
        assert set(server.keys) == {KEY} and not server.script.faults
    kept = read_everything(home) + out.read_bytes() + "".join(capfd.readouterr()).encode()
    assert b"***" in kept and b"charged_usd" in kept and b"bad request of ***" in kept
    assert KEY.encode() not in kept


CHILD = """
import asyncio, sys
from pathlib import Path
from core.recipes.teachers import open_team
from core.runs.folder import RunFolder
from core.teacher.base import TeacherRequest

folder = RunFolder(Path(sys.argv[1]))

async def one(team, gate, index):
    async with gate:
        await team.complete(TeacherRequest("question", "custom", f"prompt number {index}", None, max_tokens=10))
        print(f"prompt number {index}", flush=True)

async def ask(team):
    gate = asyncio.Semaphore(16)
    await asyncio.gather(*(one(team, gate, index) for index in range(150)))

with folder.hold(), open_team(folder) as team:
    asyncio.run(ask(team))
    folder.finish("done")
"""


def test_a_killed_run_asks_for_nothing_again_that_it_had_received(tmp_path):
    with ChatServer(delay_s=0.02, jitter=0.5) as server:
        spec = server_spec(server, max_concurrency=16)
        folder = make_run(tmp_path, {"teacher": spec, "budget": {"tokens": 10**6}})

        def start():
            return subprocess.Popen([sys.executable, "-c", CHILD, str(folder.path)], stdout=subprocess.PIPE, text=True)

        child = start()
        received = [child.stdout.readline().strip() for _ in range(40)]
        child.send_signal(signal.SIGKILL)
        received += child.communicate()[0].split("\n")[:-1]
        assert 40 <= len(received) < 150
        sent_before = len(server.bodies)
        folder.order("again")
        again = start()
        rest = again.communicate(timeout=30)[0].split("\n")[:-1]
        assert again.returncode == 0 and len(rest) == 150
        times_sent = Counter(body["messages"][-1]["content"] for body in server.bodies)
    assert set(times_sent) == set(rest) and len(times_sent) == 150
    assert [prompt for prompt in received if times_sent[prompt] != 1] == []
    assert len(server.bodies) - sent_before <= 150 - len(received)
    with folder.hold(), open_team(folder) as team:
        totals = team.ledger.totals()
    assert totals.n_calls == 150 and totals.n_under_way == 0
    assert totals.n_paid_output_tokens // 4 >= 150 - 16  # all but those that were on their way when it was killed
