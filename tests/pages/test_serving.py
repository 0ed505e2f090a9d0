"""The form for a student behind a server, against real servers: sound, forgetful, refusing, and gone."""

import json
import re
from html import unescape

import pytest
from streamlit.testing.v1 import AppTest

from core.teacher.prices import read_own_prices
from pages.components.serving import strip_invisible
from tests.teacher.server import ChatServer, Spoken, status

KEY = "sk-very-secret-0123456789"


def script(home=None):
    import json
    from pathlib import Path

    import streamlit as st

    from pages.components.serving import draw_server_form

    st.json(json.dumps(draw_server_form("student", home=Path(home) if home else None)))


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
    """The cells under Details as a browser reads them; an empty list where there is no report."""
    return read_rows(app)[-1] if app.get("html") else []


def read_rows(app: AppTest) -> list[list[list[str]]]:
    """The rows of each table; where there are two, the first has what a person should read at once."""
    tables = [item.proto.body.split("</style>")[1] for item in app.get("html")]
    assert all(set(re.findall(r"</?(\w+)", body)) <= {"div", "table", "tr", "td", "b"} for body in tables)
    return [
        [
            [unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<td>(.*?)</td>", row)]
            for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        ]
        for body in tables
    ]


def outcomes(app: AppTest) -> dict[str, str]:
    return {check: outcome for outcome, check, _ in read_table(app)}


def news(app: AppTest) -> str:
    return next(item.value for item in app.markdown if "solve\\_rate" in item.value)


def summary(app: AppTest) -> str:
    return next(item.value for item in app.markdown if "** hold" in item.value)


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
    assert "is sent to 127" in app.caption[1].value  # the first one is in the fold of the key
    assert "coloured by surprise" in news(app) and "by one request" in news(app)
    assert ":green[" in summary(app) and "**9 of 9 checks** hold" in summary(app) and len(read_rows(app)) == 1
    assert app.get("popover")[-1].proto.popover.label == "Details" and len(read_table(app)) == 9
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
    assert "**4 of 9 checks** hold" in summary(app) and ":green[" not in summary(app)
    at_once = [row[1] for row in read_rows(app)[0]]  # what the news say already is not said twice
    assert at_once == ["seed", "JSON by a schema"]


def test_a_server_that_gives_one_answer_at_a_time_still_has_a_solve_rate(app):
    with ChatServer(honours_n=False) as server:
        press(fill(app, server.url))
    assert "one request for each answer" in news(app)


def test_what_a_server_refuses_is_told_apart_from_what_it_ignores(app):
    with ChatServer(refused_fields=frozenset({"logprobs"}), honours_schema=False) as server:
        press(fill(app, server.url))
    found = outcomes(app)
    assert found["tells log-probabilities"] == "✗ refused" and found["JSON by a schema"] == "✗ ignored"


def test_a_server_that_is_gone_is_one_sentence_and_nothing_more(app):
    with ChatServer() as server:
        pass
    press(fill(app, server.url))
    assert len(app.error) == 1 and "Nothing listens at" in app.error[0].value
    assert not app.get("html") and not app.markdown
    assert given(app)["model"] == "model"  # a server may be started later


def test_an_unknown_model_is_one_sentence_with_the_models_that_there_are(app):
    with ChatServer(models=("some/model-a", "some/model-b")) as server:
        press(fill(app, server.url, "nobody"))
    said = app.error[0].value.replace("\\", "")
    assert len(app.error) == 1 and "it offers 'some/model-a', 'some/model-b'" in said
    assert not app.get("html") and not app.markdown


def test_a_server_that_refuses_the_greeting_only_still_shows_what_it_did(app):
    with ChatServer() as server:
        server.script.poison["Say hello."] = status(400, "no greetings here")
        press(fill(app, server.url))
    assert "no greetings here" in app.error[0].value
    found = outcomes(app)
    assert found["temperature"] == "✓ works" and "answers a request" not in found and "accepts the key" not in found
    assert not any("solve" in item.value for item in app.markdown)


INVISIBLE = "\u2060\u200b\ufeff\u00a0\u200d\t"


def test_what_nobody_sees_in_a_pasted_text_is_taken_out(app):
    app = fill(app, f"{INVISIBLE}http:{INVISIBLE}//localhost:8000/v1{INVISIBLE}", f" org{INVISIBLE}/m{INVISIBLE}",
               f"{INVISIBLE}SOME{INVISIBLE}_KEY ")  # fmt: skip
    assert given(app) == {"base_url": "http://localhost:8000/v1", "model": "org/m", "key_env": "SOME_KEY"}
    assert not app.error
    assert given(fill(app, INVISIBLE, INVISIBLE, INVISIBLE)) is None


def test_only_what_nobody_sees_is_taken_out():
    assert strip_invisible(" a model 1-é_中.x\n") == "a model 1-é_中.x"


def test_the_key_is_folded_and_its_fold_says_whether_there_is_one(app):
    fold = app.get("popover")[0]
    assert fold.proto.popover.label == "No key" and fold.text_input[0].key == "student_key_env"
    fill(app, "http://localhost:1", key_env=KEY)  # a key where its variable's name belongs
    assert app.get("popover")[0].proto.popover.label == "Key" and app.error


def test_the_only_model_of_a_server_is_taken_and_of_several_one_is_chosen(app):
    with ChatServer(models=("only/one",)) as server:
        fill(app, server.url, "")
        app.button(key="student_which").click().run()
        assert given(app)["model"] == "only/one" and app.text_input(key="student_model").value == "only/one"
        server.script.models = ("a", "b")
        fill(app, server.url, "")
        app.button(key="student_which").click().run()
        assert given(app) is None
        app.selectbox(key="student_offer").select("b").run()
    assert given(app)["model"] == "b" and not app.selectbox


def test_a_server_whose_models_cannot_be_had_says_so(app):
    with ChatServer(models=None) as server:
        fill(app, server.url, "")
        app.button(key="student_which").click().run()
        assert "gives no list" in app.error[0].value and given(app) is None
    fill(app, "nonsense", "")
    assert not app.error
    app.button(key="student_which").click().run()
    assert "is no server" in app.error[0].value.replace("\\", "")


def test_a_wrong_key_says_which_variable_and_never_the_key(app, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY + "-wrong")
    with ChatServer(key=KEY) as server:
        press(fill(app, server.url, key_env="SOME_KEY"))
    assert len(app.error) == 1 and "SOME_KEY" in app.error[0].value.replace("\\", "") and KEY not in everything(app)


def test_a_variable_that_is_not_set_is_said_before_the_test(app, monkeypatch):
    monkeypatch.delenv("SOME_KEY", raising=False)
    fill(app, "http://localhost:1", key_env="SOME_KEY")
    assert "is not set where the app was started" in app.caption[1].value


def test_a_key_over_plain_http_to_another_machine_is_warned_of(app, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    assert "unencrypted" in fill(app, "http://model.example/v1", key_env="SOME_KEY").warning[0].value
    assert not fill(app, "https://model.example/v1", key_env="SOME_KEY").warning


def test_what_a_server_says_is_shown_and_not_obeyed(app):
    said = "<img src=x onerror=alert(1)></table> `x` :red[y]"

    with ChatServer(speak=lambda prompt, body, number: Spoken([(said.encode(), -0.1)])) as server:
        press(fill(app, server.url))
    assert said in next(row[2] for row in read_table(app) if row[1] == "answers a request")


@pytest.mark.parametrize(("gives_usage", "sentence"), [(True, "its cost is known"), (False, "its cost is unknown")])
def test_for_a_teacher_the_count_of_tokens_decides(tmp_path, gives_usage, sentence):
    app = AppTest.from_function(script, args=(str(tmp_path),), default_timeout=40).run()
    with ChatServer(gives_usage=gives_usage) as server:
        press(fill(app, server.url))
    said = next(item.value for item in app.markdown if "**tokens**" in item.value)
    assert sentence in said and "loss" not in said


def test_a_name_that_the_server_does_not_list_is_warned_of_before_anything_is_asked(app, monkeypatch):
    with ChatServer(models=("some/model-a", "some/model-b")) as server:
        fill(app, server.url, "some/model")
        assert "does not list the model 'some/model', but 'some/model-a'" in app.warning[0].value.replace("\\", "")
        assert given(app)["model"] == "some/model" and not server.bodies  # refused by nobody but the server
        assert not fill(app, server.url, "some/model-b").warning
        monkeypatch.setenv("SOME_KEY", KEY)
        assert not fill(app, server.url, "other", "SOME_KEY").warning and KEY not in server.keys  # no key by itself
        assert not press(fill(app, server.url, "other")).warning  # the test tells it


def test_a_price_is_given_where_it_is_unknown_and_holds_at_once(tmp_path):
    app = AppTest.from_function(script, args=(str(tmp_path),), default_timeout=40).run()
    fill(app, "http://localhost:1/v1", "my/model")
    assert any("price is unknown" in item.value for item in app.caption)
    assert [box.value for box in app.text_input][-3:] == ["my/model", "localhost:1", ""]

    def keep():
        next(button for button in app.button if button.label == "Keep this price").click().run()

    keep()
    assert "has no input" in app.error[0].value
    for box, value in zip(app.number_input, (0.1, 0.4), strict=False):
        box.set_value(value)
    keep()
    assert not app.error and "Kept for my/model at localhost:" in app.toast[0].value.replace("\\", "")
    (price,) = read_own_prices(tmp_path)
    assert (price.model, price.host, price.input, price.output) == ("my/model", "localhost:1", 0.1, 0.4)
    assert any(price.date in item.value.replace("\\", "") for item in app.caption)


def test_prices_that_cannot_be_read_are_one_sentence_and_the_form_stands(tmp_path):
    (tmp_path / "prices.toml").write_text("[[price]]\nmodel = m\n")
    app = AppTest.from_function(script, args=(str(tmp_path),), default_timeout=40).run()
    fill(app, "http://localhost:1/v1")
    assert given(app)["model"] == "model" and "line 2" in app.error[0].value
