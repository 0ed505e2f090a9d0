"""Files onto a hub that is a real server on this machine, by the real library, and everything that can go wrong."""

import pytest

from core.errors import RunCancelled, RunError
from core.models import publishing
from core.models.publishing import check_repo, find_token, publish
from tests.models.hub_server import TOKEN, open_hub_server


@pytest.fixture
def hub(monkeypatch):
    with open_hub_server(monkeypatch) as server:
        yield server


@pytest.fixture
def files(tmp_path):
    weights = tmp_path / "adapter_model.safetensors"
    weights.write_bytes(bytes(range(256)) * 40)
    return {"adapter_model.safetensors": weights, "README.md": b"---\ntags: [seedbed]\n---\n# A card\n"}


def send(files, repo="ada/pens", **more):
    return publish(files, repo, token=TOKEN, message="A commit", **more)


def test_all_files_arrive_by_one_commit_in_a_private_repository(hub, files):
    names, counts = [], []
    made = send(files, on_repo=names.append, on_file=counts.append)
    repo = hub.repos["ada/pens"]
    assert repo["is_private"] and repo["commits"] == ["A commit"]
    assert repo["files"]["adapter_model.safetensors"] == files["adapter_model.safetensors"].read_bytes()
    assert repo["files"]["README.md"] == files["README.md"]
    assert (names, counts) == (["ada/pens"], [1, 2])
    assert made.url == f"{hub.address}/ada/pens" and made.commit == f"{1:040d}"
    assert made.n_bytes == 10_240 + len(files["README.md"])


def test_a_name_alone_is_of_ones_own_account_and_it_is_public_only_where_that_was_said(hub, files):
    assert send(files, "pens", is_private=False).repo == "ada/pens"
    assert not hub.repos["ada/pens"]["is_private"]


def test_a_name_that_is_taken_is_refused_and_nothing_is_sent(hub, files):
    hub.add_repo("ada/pens")
    for name in ("ada/pens", "pens"):
        with pytest.raises(RunError, match="has a model named ada/pens already"):
            send(files, name)
    assert not hub.repos["ada/pens"]["files"]


def test_one_may_add_to_a_repository_unless_it_is_more_public_than_wanted(hub, files):
    hub.add_repo("ada/pens")
    hub.repos["ada/pens"]["files"]["old.txt"] = b"old"
    assert send(files, may_update=True).repo == "ada/pens"
    assert set(hub.repos["ada/pens"]["files"]) == {"old.txt", *files}
    hub.add_repo("ada/open", is_private=False)
    with pytest.raises(RunError, match="is public, so nothing was sent"):
        send(files, "ada/open", may_update=True)
    assert not hub.repos["ada/open"]["files"]


@pytest.mark.parametrize(
    ("part", "fault", "sentence"),
    [
        ("/api/whoami-v2", (401, "Invalid user token."), "does not know this token"),
        ("/api/repos/create", (403, "You don't have the rights."), "no right to write to ada/pens.*the rights"),
        ("/objects/batch", (403, "Read-only token."), "no right to write.*Read-only"),
        ("/api/repos/create", (429, "Slow down."), "lets nobody in for a while"),
        ("/commit/main", (500, "Something broke"), r"refused to take ada/pens \(status 500\).*Something broke"),
        ("/preupload/", (400, "No good"), r"status 400.*No good"),
        ("/api/validate-yaml", (400, "Bad card"), "Invalid metadata"),
        ("/api/whoami-v2", (0, ""), "cannot be reached"),
        ("/commit/main", (0, ""), "cannot be reached"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_nothing_is_committed(hub, files, part, fault, sentence):
    hub.faults[part] = fault
    with pytest.raises(RunError, match=f"(?s){sentence}") as caught:
        send(files)
    assert not any(repo["files"] for repo in hub.repos.values())
    assert "\n" not in str(caught.value)


def test_a_token_is_repeated_nowhere_even_where_the_server_repeats_it(hub, files):
    hub.faults["/commit/main"] = (500, f"You sent {TOKEN}")
    with pytest.raises(RunError) as caught:
        send(files)
    assert TOKEN not in str(caught.value) and "You sent ***" in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_a_refusal_of_the_newer_protocol_is_no_lack_of_a_network(hub, files, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    hub.faults["/xet-write-token/"] = (403, "Read-only token.")
    with pytest.raises(RunError, match="no right to write to ada/pens"):
        send(files)
    assert any("/xet-write-token/" in line for line in hub.asked)


def test_no_server_at_all(monkeypatch, files):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(RunError, match=r"127\.0\.0\.1:9 cannot be reached"):
        send(files)


def test_a_stop_between_two_files_commits_nothing(hub, files):
    def stop():
        if hub.objects:
            raise RunCancelled("The run was cancelled.")

    with pytest.raises(RunCancelled):
        send(files, check=stop)
    assert hub.objects and not hub.repos["ada/pens"]["files"]


@pytest.mark.parametrize("name", ["a/b", "Ada-1/my_model.v2", "alone"])
def test_names_that_a_repository_can_have(name):
    assert check_repo(f" {name} ") == name


@pytest.mark.parametrize("name", ["", "a/b/c", "a b", "-a", "a/..", "x" * 97, "https://huggingface.co/a/b"])
def test_names_that_no_repository_can_have(name):
    with pytest.raises(RunError, match="cannot be the name of a repository"):
        check_repo(name)


def test_the_token_comes_from_the_environment_then_the_secrets_file_then_the_log_in(monkeypatch, tmp_path):
    from huggingface_hub import constants

    for name in publishing.TOKEN_NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(publishing, "REPOSITORY", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert find_token() is None
    (tmp_path / "token").write_text("hf_login")
    assert find_token() == "hf_login"
    (tmp_path / ".streamlit").mkdir()
    secrets = tmp_path / ".streamlit" / "secrets.toml"
    secrets.write_text('HUGGING_FACE_HUB_TOKEN = "hf_file"\n[table]\nHF_TOKEN = "no"\n')
    assert find_token() == "hf_file"
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "hf_old")
    assert find_token() == "hf_old"
    monkeypatch.setenv("HF_TOKEN", " hf_new ")
    assert find_token() == "hf_new"
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN")
    secrets.write_text('HF_TOKEN = "hf_torn')
    with pytest.raises(RunError, match="cannot be read as TOML") as caught:
        find_token()
    assert "hf_torn" not in str(caught.value)
