"""Addresses, model names and variable names: what is taken, and what is refused in one sentence."""

import pytest

from core.errors import TeacherError
from core.teacher.endpoint import Endpoint

KEY = "sk-very-secret-0123456789"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1"),
        (" http://LocalHost:8000/v1/ ", "http://localhost:8000/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        ("https://host/v1beta/openai/", "https://host/v1beta/openai"),
    ],
)
def test_an_address_is_taken_with_and_without_its_path(given, used):
    assert Endpoint(given, "m").base_url == used
    assert Endpoint(given, "m").chat_url == used + "/chat/completions"


@pytest.mark.parametrize(
    "given", ["", "localhost:8000", "ftp://host/v1", "http://", "http://host:port/v1", "http://[::1"]
)
def test_an_address_that_is_none_is_one_sentence(given):
    with pytest.raises(TeacherError, match=r"starts with http:// or https://"):
        Endpoint(given, "m")


@pytest.mark.parametrize("given", ["http://a b/v1", "http://host:8000/ v1", "local host"])
def test_a_blank_inside_an_address_is_named(given):
    with pytest.raises(TeacherError, match="has a blank inside"):
        Endpoint(given, "m")


@pytest.mark.parametrize("given", [f"http://me:{KEY}@host/v1", f"https://host/v1?key={KEY}", f"ftp://me:{KEY}@host"])
def test_a_key_in_the_address_is_refused_and_not_repeated(given):
    with pytest.raises(TeacherError) as caught:
        Endpoint(given, "m")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("given", [KEY, "hf_abcdefgh", "MY KEY"])
def test_a_key_in_place_of_its_variable_is_refused_and_not_repeated(given):
    with pytest.raises(TeacherError, match="environment variable") as caught:
        Endpoint("http://host", "m", given)
    assert given not in str(caught.value)


def test_a_model_has_a_name():
    with pytest.raises(TeacherError, match="Name the model"):
        Endpoint("http://host", " ")


@pytest.fixture
def secrets(tmp_path, monkeypatch):
    """A working directory and a checkout, each with a place for secrets; no key in the environment."""
    for name in ("here", "app"):
        (tmp_path / name / ".streamlit").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("core.teacher.endpoint.REPOSITORY", tmp_path / "app")
    monkeypatch.delenv("MY_KEY", raising=False)

    def write(folder: str, text: str) -> None:
        (tmp_path / folder / ".streamlit" / "secrets.toml").write_text(text, encoding="utf-8")

    return write


def test_a_key_comes_from_the_environment_then_from_here_then_from_beside_the_app(secrets, monkeypatch):
    endpoint = Endpoint("http://host", "m", "MY_KEY")
    assert not endpoint.has_key
    secrets("app", f'MY_KEY = "{KEY}-app"\n')
    assert endpoint.read_key() == f"{KEY}-app"
    secrets("here", '[group]\nMY_KEY = "nested"\n')
    assert endpoint.read_key() == f"{KEY}-app"
    secrets("here", f'MY_KEY = " {KEY}-here "\n')
    assert endpoint.read_key() == f"{KEY}-here"
    monkeypatch.setenv("MY_KEY", KEY)
    assert endpoint.read_key() == KEY
    assert Endpoint("http://host", "m", "").read_key() == "none"


@pytest.mark.parametrize("text", [f"MY_KEY = {KEY}", f'MY_KEY = "{KEY}', "MY_KEY = 12345678901", f'MY_KEY = ["{KEY}"]'])
def test_a_secrets_file_that_cannot_be_read_is_named_and_not_repeated(secrets, text):
    secrets("here", text)
    with pytest.raises(TeacherError, match=r"secrets\.toml") as caught:
        Endpoint("http://host", "m", "MY_KEY").read_key()
    assert KEY not in str(caught.value) and "12345678901" not in str(caught.value)
    assert caught.value.__cause__ is None
