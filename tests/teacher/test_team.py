"""Teams against a real HTTP server: who is asked in which role, by which fields, and what is kept from the key."""

import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest

from core.errors import TeacherError, UnknownNameError
from core.teacher.base import ROLES
from core.teacher.roles import Spec, read_roles
from core.teacher.team import is_private
from tests.teacher.faults import say, status
from tests.teacher.server import ChatServer
from tests.teacher.table import ASK, KEY, Table, many, server_spec


def test_each_role_goes_to_who_has_it_with_the_sampling_of_its_spec():
    with ChatServer() as one, ChatServer(models=("other",)) as two:
        other = server_spec(two, model="other", temperature=0.3, top_p=0.9, max_tokens=99, extra={"effort": "low"})
        table = Table({"teacher": server_spec(one, temperature=1.1, max_tokens=77), "roles": {"answer": other}})
        assert table.team.name == "model, answers by other"
        table.ask(*(replace(ASK, purpose=role, temperature=0.0) for role in ROLES))
        sent = {body["max_tokens"]: body for body in (*one.bodies, *two.bodies)}
        assert two.bodies == [sent[99]] and sent[99]["temperature"] == 0.3
        assert (sent[99]["top_p"], sent[99]["effort"], sent[99]["model"]) == (0.9, "low", "other")
        assert Counter(body["temperature"] for body in one.bodies) == {1.1: 1, 0.0: 2}  # a judge is to be sure
        assert {body["max_tokens"] for body in one.bodies} == {77}
    assert [line["teacher"] for line in table.closed()] == ["model", "other", "model", "model"]
    assert Table({"teacher": "built-in"}).team.name == "echo"
    with pytest.raises(TeacherError, match="Nobody of the team"):
        asyncio.run(table.team.complete(replace(ASK, purpose="cook")))


@pytest.mark.parametrize(
    ("config", "error", "said"),
    [
        ({"teacher": "builtin"}, UnknownNameError, "known: built-in"),
        ({"roles": {"cook": "built-in"}}, UnknownNameError, "no role 'cook'"),
        ({"teacher": {"base_url": "http://x/v1"}}, TeacherError, "a base_url and a model"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "temperatur": 1}}, UnknownNameError, "'temperatur'"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "temperature": "hot"}}, TeacherError, "temperature"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "top_p": 0}}, TeacherError, "above 0"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "max_tokens": 1.5}}, TeacherError, "whole number"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "extra": {"n": 5}}}, TeacherError, "a place of its own"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "extra": [1]}}, TeacherError, "extra of a teacher"),
        ({"teacher": {"base_url": "http://x/v1", "model": "m", "key_env": KEY}}, TeacherError, "not the key"),
        ({"teacher": {"student": "tiny", "base_url": "http://x/v1"}}, UnknownNameError, "a student as teacher"),
        ({"teacher": {"student": "tiny", "top_p": 0.5}}, TeacherError, "leave top_p out"),
        ({"teacher": 7}, TeacherError, "not 7"),
    ],
)
def test_a_configuration_that_cannot_be_is_one_sentence(config, error, said):
    with pytest.raises(error, match=said) as caught:
        read_roles(config)
    assert KEY not in str(caught.value)


def test_roles_of_one_model_share_its_throttle_with_the_lowest_limit():
    with ChatServer(delay_s=0.03) as server:
        other = server_spec(server, max_concurrency=3, temperature=0.2)
        table = Table({"teacher": server_spec(server, max_concurrency=9), "roles": {"answer": other}})
        table.ask(*many(8), *many(8, purpose="answer"))
        assert server.most_at_once == 3
        assert [state.limit for state in table.team.snapshot_throttles().values()] == [3]
        assert list(table.team.snapshot_throttles()) == [f"model at {server.url}"]


def test_a_server_of_ones_own_is_asked_less_at_once():
    for address in ("http://localhost:1/v1", "http://192.168.0.3/v1", "http://box/v1", "http://[::1]/v1"):
        assert is_private(address)
    assert not is_private("https://api.openai.com/v1") and not is_private("http://8.8.8.8/v1")


def test_the_key_is_taken_out_of_whatever_the_server_says(monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    with ChatServer(key=KEY) as server:
        server.script.poison = {
            "echo": say(f"your key is {KEY}", KEY), "refuse": status(400, f"bad: {KEY}"),
            "deny": status(402, f"pay with {KEY}"),
        }  # fmt: skip
        table = Table({"teacher": server_spec(server, key_env="MY_KEY")})
        outcomes = table.ask(*(replace(ASK, prompt=prompt) for prompt in ("echo", "refuse", "deny")), at_once=1)
    assert server.keys == [KEY] * 3
    assert outcomes[0].text == "your key is ***"
    assert KEY not in json.dumps([table.lines, table.cache]) and not [e for e in outcomes[1:] if KEY in str(e)]


def test_a_schema_is_sent_only_where_it_is_kept_and_finding_out_is_a_call_like_any_other():
    schema = {"type": "object", "properties": {"seedbed": {"type": "string", "enum": ["yes"]}}}
    wanted = replace(ASK, schema=schema)
    with (
        ChatServer() as good,
        ChatServer(honours_schema=False) as deaf,
        ChatServer(refused_fields=frozenset({"response_format"})) as strict,
    ):
        tables = {server: Table({"teacher": server_spec(server)}) for server in (good, deaf, strict)}
        for table in tables.values():
            table.ask(wanted, replace(wanted, prompt="again"))
        sent = {server: ["response_format" in body for body in server.bodies] for server in tables}
        assert sorted(sent[good]) == [True, True, True]
        assert sorted(sent[deaf]) == sorted(sent[strict]) == [False, False, True]
        again = Table({"teacher": server_spec(deaf)}, cache=tables[deaf].cache)
        assert again.ask(wanted)[0].is_cached and len(deaf.bodies) == 3
    purposes = Counter(line["purpose"] for line in tables[good].closed())
    assert purposes == {"schema": 1, "question": 2}


def test_specs_that_differ_in_sampling_alone_are_one_teacher():
    assert hash(Spec()) == hash(Spec(sampling={"temperature": 1.0}))
    table = Table({"teacher": "built-in", "roles": {"judge": "built-in"}})
    assert len({id(member.metered) for member in table.team.members.values()}) == 1
    (reply,) = table.ask(ASK)
    assert reply.text == "question 0.7" and table.team.ledger.totals().paid_usd == 0.0
    assert table.closed()[0]["host"] is None and table.closed()[0]["price_date"] is None
