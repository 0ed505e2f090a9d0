"""Names that people give to runs: where they stand, what they outlive, and what is refused."""

import json

import pytest

from core.errors import RunError
from core.hub import rebuild
from core.lines import read_all
from core.runs.folder import RunFolder
from core.runs.naming import read_name
from core.runs.orders import write_order
from tests.runs.world import open_test_hub


@pytest.fixture
def hub(tmp_path):
    opened = open_test_hub(tmp_path, device_slots=0, teacher_slots=0, light_slots=0)
    yield opened
    opened.close()


def test_a_name_shows_everywhere_and_outlives_the_database_an_attempt_and_the_trash(hub, tmp_path):
    run_id = hub.submit("finetune", "Made so", {"n": 1}, lane="device")
    folder = RunFolder(tmp_path / "runs" / run_id)
    frozen = (folder.path / "run.json").read_bytes()
    hub.rename(run_id, "  Half the\n rate ", "Falls apart\nat step 30. ")
    found = hub.store.read_run(run_id)
    assert (found["title"], found["note"]) == ("Half the rate", "Falls apart\nat step 30.")
    assert (folder.path / "run.json").read_bytes() == frozen
    assert hub._watch.runs[run_id].run["title"] == "Half the rate"  # what notices and webhooks tell
    assert hub.store.read_run(hub.clone(run_id, {}))["title"] == "Half the rate"
    with folder.hold():
        folder.finish("failed")
    hub.order(run_id, "again")
    assert hub.store.read_run(run_id)["title"] == "Half the rate"
    with folder.hold():
        folder.finish("done")
    hub.step()
    hub.trash(run_id)
    assert hub.list_trash()["title"].tolist() == ["Half the rate"]
    hub.restore(run_id)
    hub.rename(run_id, "Half the rate, again")
    hub.close()
    rebuild(tmp_path)
    again = open_test_hub(tmp_path, device_slots=0, teacher_slots=0, light_slots=0)
    found = again.store.read_run(run_id)
    assert (found["title"], found["note"], found["state"]) == ("Half the rate, again", None, "done")
    assert again.store.list_runs()["title"].tolist().count("Half the rate, again") == 1
    again.close()


def test_a_name_that_another_process_gave_is_seen(hub, tmp_path, monkeypatch):
    from core.runs.naming import write_name

    monkeypatch.setattr("core.runs.watch.GLANCE_S", 0.0)
    run_id = hub.submit("select", "Made so", {}, lane="light")
    write_name(tmp_path / "runs" / run_id, "From elsewhere")
    hub.step()
    assert hub.store.read_run(run_id)["title"] == "From elsewhere"


@pytest.mark.parametrize(
    ("title", "note", "sentence"),
    [
        (" \n ", None, "A run needs a title; write one."),
        ("x" * 201, None, "The title has 201 characters; shorten it to 200 at most."),
        ("x", "y" * 2001, "The note has 2,001 characters; shorten it to 2,000 at most."),
    ],
)
def test_what_is_no_name_is_refused_in_one_sentence(hub, tmp_path, title, note, sentence):
    run_id = hub.submit("finetune", "Made so", {}, lane="device")
    with pytest.raises(RunError, match=sentence):
        hub.rename(run_id, title, note)
    assert hub.store.read_run(run_id)["title"] == "Made so"
    assert not read_all(tmp_path / "runs" / run_id / "inbox.jsonl")
    with pytest.raises(RunError, match="There is no run 'nowhere'"):
        hub.rename("nowhere", "x")


def test_half_a_character_and_lines_that_are_no_name_break_nothing(hub, tmp_path):
    run_id = hub.submit("finetune", "Made so", {}, lane="device")
    folder = tmp_path / "runs" / run_id
    write_order(folder, {"order": "name", "title": ["a"], "note": 3})
    assert read_name(folder) == {} and RunFolder(folder).read_run()["title"] == "Made so"
    hub.rename(run_id, "a \ud800 b", "\ud800")
    assert hub.store.read_run(run_id)["title"] == "a ? b"
    assert json.loads((folder / "run.json").read_text())["title"] == "Made so"


def test_runs_of_one_second_never_share_an_id(tmp_path, monkeypatch):
    drawn = iter(["aaaa", "aaaa", "bbbb", "bbbb", "cccc", "cccc", "dddd"])
    monkeypatch.setattr("core.runs.folder.secrets.token_hex", lambda _: next(drawn))
    monkeypatch.setattr("core.runs.folder.time.strftime", lambda *_: "20260101-000000")
    made = [RunFolder.create(tmp_path, "demo", title=str(n), config={}, lane="light") for n in range(2)]
    (tmp_path / "runs" / ".draft-20260101-000000-demo-cccc" / "input").mkdir(parents=True)  # of another process
    made.append(RunFolder.create(tmp_path, "demo", title="2", config={}, lane="light"))
    assert [run.run_id[-4:] for run in made] == ["aaaa", "bbbb", "dddd"]
    assert [run.read_run()["title"] for run in made] == ["0", "1", "2"]
