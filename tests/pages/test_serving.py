"""The form for a student behind a server, against real servers: sound, forgetful, refusing, and gone."""

import json
import re
from html import unescape

import pytest
from streamlit.testing.v1 import AppTest

from tests.teacher.server import ChatServer, Spoken

KEY = "sk-very-secret-0123456789"


def script(is_teacher=False):
    import json

    import streamlit as st

    from pages.components.serving import draw_server_form

    st.json(json.dumps(draw_server_form("student", is_teacher=is_teacher)))


@pytest.fixture
def app():
    return AppTest.from_function(script, default_timeout=40).run()


def fill(app: AppTest, url: str, model: str = "model", key_env: str = "") -> AppTest:
    app.text_input(key="student_url").set_value(url)
    app.text_input(key="student_model").set_value(model)
    app.text_input(key="student_key_env").set_value(key_env)
    return app.run()


def given(app: AppTest):
    assert not app.exception
    return json.loads(app.json[0].value)


def press(app: AppTest) -> AppTest:
    return app.button(key="student_test").click().run()


def read_table(app: AppTest) -> list[list[str]]:
    """The cells of the report as a browser reads them; an empty list where there is no report."""
    tables = [item.proto.body.split("</style>")[1] for item in app.get("html")]
    assert all(set(re.findall(r"</?(\w+)", body)) <= {"div", "table", "tr", "td", "b"} for body in tables)
    rows = re.findall(r"<tr>(.*?)</tr>", "".join(tables), re.DOTALL)
    return [[unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<td>(.*?)</td>", row)] for row in rows]


def outcomes(app: AppTest) -> dict[str, str]:
    return {check: outcome for outcome, check, _ in read_table(app)}


def news(app: AppTest) -> str:
    return next(item.value for item in app.markdown if "Signals of this student" in item.value)


def everything(app: AppTest) -> str:
    return json.dumps([str(element.proto) for element in app.main], default=str)


def test_nothing_is_returned_before_address_and_model_are_there(app):
    assert given(app) is None and app.button(key="student_test").disabled
    assert given(fill(app, "http://localhost:8000/v1/", "")) is None
    assert given(fill(app, "http://localhost:8000/", " m ", "")) == {
        "base_url": "http://localhost:8000/v1", "model": "m", "key_env": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "key_env", "sentence"),
    [
        ("localhost", "", "is no server"),
        ("http://me:secret@localhost", "", "must hold no user name"),
        ("http://localhost:8000", KEY, "Give the name of the environment variable"),
    ],
)
def test_a_field_that_cannot_be_right_is_one_sentence_without_what_may_be_secret(app, url, key_env, sentence):
    assert given(fill(app, url, key_env=key_env)) is None
    said = app.error[0].value.replace("\\", "")
    assert sentence in said and KEY not in said and "secret@" not in said
    assert app.button(key="student_test").disabled


def test_a_sound_server_works_and_is_asked_once(app, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    with ChatServer(key=KEY) as server:
        fill(app, server.url, key_env="SOME_KEY")
        press(app)
        n_asked = len(server.bodies)
        app.run()
        assert len(server.bodies) == n_asked > 5
        assert given(app)["key_env"] == "SOME_KEY"
    assert set(outcomes(app).values()) == {"✓ works"}
    assert "is sent to 127" in app.caption[0].value
    assert "coloured by surprise" in news(app) and "by one request" in news(app)
    assert "gradient" in news(app).splitlines()[-1] and "weights" in news(app)
    assert KEY not in everything(app)


def test_a_test_is_remembered_for_its_own_server_only(app):
    with ChatServer() as server:
        press(fill(app, server.url))
        assert read_table(app)
        fill(app, server.url, "another")
        assert not read_table(app)
        fill(app, server.url)
        assert read_table(app)


def test_what_a_server_ignores_is_said_with_what_it_means(app):
    def repeat(prompt, body, number):
        return Spoken([(b"always the same", -0.1)])

    with ChatServer(speak=repeat, gives_logprobs=False, honours_n=False, honours_schema=False) as server:
        press(fill(app, server.url))
    found = outcomes(app)
    assert found["answers a request"] == found["counts tokens"] == "✓ works"
    assert found["tells log-probabilities"] == found["several answers at once"] == "✗ ignored"
    assert "**loss**: unknown" in news(app) and "not to be trusted" in news(app)


def test_a_server_that_gives_one_answer_at_a_time_still_has_a_solve_rate(app):
    with ChatServer(honours_n=False) as server:
        press(fill(app, server.url))
    assert "one request for each answer" in news(app)


def test_what_a_server_refuses_is_told_apart_from_what_it_ignores(app):
    with ChatServer(refused_fields=frozenset({"logprobs"}), honours_schema=False) as server:
        press(fill(app, server.url))
    found = outcomes(app)
    assert found["tells log-probabilities"] == "✗ refused" and found["JSON by a schema"] == "✗ ignored"


def test_a_server_that_is_gone_is_one_sentence_and_nothing_more_is_tried(app):
    with ChatServer() as server:
        pass
    press(fill(app, server.url))
    found = outcomes(app)
    assert "answers a request" not in found and found["seed"] == "– not tried"  # the sentence says it
    assert len(app.error) == 1 and "see that it is running" in app.error[0].value
    assert not any("Signals of this student" in item.value for item in app.markdown)
    assert given(app)["model"] == "model"  # a server may be started later


def test_a_wrong_key_says_which_variable_and_never_the_key(app, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY + "-wrong")
    with ChatServer(key=KEY) as server:
        press(fill(app, server.url, key_env="SOME_KEY"))
    assert len(app.error) == 1 and "SOME_KEY" in app.error[0].value.replace("\\", "") and KEY not in everything(app)


def test_a_variable_that_is_not_set_is_said_before_the_test(app, monkeypatch):
    monkeypatch.delenv("SOME_KEY", raising=False)
    fill(app, "http://localhost:1", key_env="SOME_KEY")
    assert "is not set where the app was started" in app.caption[0].value


def test_a_key_over_plain_http_to_another_machine_is_warned_of(app, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    assert "unencrypted" in fill(app, "http://model.example/v1", key_env="SOME_KEY").warning[0].value
    assert not fill(app, "https://model.example/v1", key_env="SOME_KEY").warning


def test_what_a_server_says_is_shown_and_not_obeyed(app):
    said = "<img src=x onerror=alert(1)></table> `x` :red[y]"

    with ChatServer(speak=lambda prompt, body, number: Spoken([(said.encode(), -0.1)])) as server:
        press(fill(app, server.url))
    assert said in next(row[2] for row in read_table(app) if row[1] == "answers a request")


@pytest.mark.parametrize(("gives_usage", "sentence"), [(True, "its cost is known"), (False, "replies are refused")])
def test_for_a_teacher_the_count_of_tokens_decides(gives_usage, sentence):
    app = AppTest.from_function(script, args=(True,), default_timeout=40).run()
    with ChatServer(gives_usage=gives_usage) as server:
        press(fill(app, server.url))
    said = next(item.value for item in app.markdown if "As a teacher" in item.value)
    assert sentence in said and "loss" not in said
