"""``retry``: what failed in a run is asked again, and nothing else, as often as it failed."""

import json

import pytest

from core.__main__ import main
from core.runs.folder import RunFolder
from tests.teacher.faults import say
from tests.test_shell_generate import SEEDS, generate, read_lines, seeds, server  # noqa: F401


def list_growths(tmp_path):
    return sorted((tmp_path / "home" / "runs").glob("*-generate-*"), key=lambda path: path.stat().st_mtime_ns)


def retry(tmp_path, run_id, *more):
    out = tmp_path / "again.jsonl"
    arguments = ["retry", run_id, "--home", str(tmp_path / "home"), "--out", str(out), *map(str, more)]
    return main(arguments), read_lines(out) if out.exists() else []


def fail_twice(tmp_path, seeds, server):  # noqa: F811
    """Grow two candidates each of whose questions is refused at first; return what was asked for, and the run."""
    server.script.faults += [say(None, refusal="No."), say("", "length")]
    asked = ["--seeds", seeds, "--accept", 2, "--teacher", server.url, "--model", "model", "--filters", "verified"]
    state, rows = generate(tmp_path, *asked)
    assert state == 0 and len(rows) == 4 and sum(row["failure"] is not None for row in rows) == 2
    [path] = list_growths(tmp_path)
    return asked, RunFolder(path), rows


def test_what_failed_is_asked_again_and_the_same_command_repeats_nothing(tmp_path, seeds, server, capsys):  # noqa: F811
    asked, first, rows = fail_twice(tmp_path, seeds, server)
    said = capsys.readouterr().out
    command = f"python -m core retry {first.run_id} --home {tmp_path / 'home'} --out FILE.jsonl"
    assert f"to ask again for the 2 that failed: {command}\n" in said
    n_sent = len(server.bodies)
    assert generate(tmp_path, *asked)[1][0]["failure"] == rows[0]["failure"] and len(server.bodies) == n_sent

    state, again = retry(tmp_path, first.run_id, "--budget-tokens", 50_000)
    failed = [row for row in rows if row["failure"]]
    assert state == 0 and [row["parents"] for row in again] == [row["parents"] for row in failed]
    assert all(row["is_accepted"] for row in again) and len(server.bodies) == n_sent + 4
    config = RunFolder(list_growths(tmp_path)[-1]).config
    assert config["retry_of"] == first.run_id and config["budget"] == {"tokens": 50_000, "usd": None}
    frozen = first.config
    changed = {"n_accepted", "max_requests", "turn", "retry_of", "budget"}
    assert {key: config[key] for key in config.keys() - changed} == {
        key: frozen[key] for key in frozen.keys() - changed
    }

    assert retry(tmp_path, first.run_id)[1][0]["question"] == again[0]["question"]
    assert len(server.bodies) == n_sent + 4


def test_a_limit_that_is_given_replaces_its_own_and_leaves_the_other(tmp_path, seeds, server):  # noqa: F811
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "prices.toml").write_text('[[price]]\nmodel = "*"\ninput = 1\noutput = 1\n')
    server.script.faults += [say(None, refusal="No.")]
    asked = ["--seeds", seeds, "--accept", 1, "--teacher", server.url, "--model", "model", "--filters", "verified"]
    assert generate(tmp_path, *asked, "--budget-tokens", 60_000, "--budget-usd", 0.5)[0] == 0
    [path] = list_growths(tmp_path)
    for more, wanted in (
        (["--budget-tokens", 50_000], {"tokens": 50_000, "usd": 0.5}),
        (["--budget-usd", 0.25], {"tokens": 60_000, "usd": 0.25}),
        (["--budget-tokens", 50_000, "--budget-usd", 0.25], {"tokens": 50_000, "usd": 0.25}),
        ([], {"tokens": 60_000, "usd": 0.5}),
    ):
        assert retry(tmp_path, path.name, *more)[0] == 0
        assert RunFolder(list_growths(tmp_path)[-1]).config["budget"] == wanted


def test_a_retry_is_compared_with_what_the_run_brought_and_can_be_retried(tmp_path, seeds, server, capsys):  # noqa: F811
    _, first, rows = fail_twice(tmp_path, seeds, server)
    server.script.faults += [say(None, refusal="No.")]
    capsys.readouterr()
    _, again = retry(tmp_path, first.run_id)
    told = "ended at its limit of 2 candidates (a retry replaces none); 1 of 2 is accepted\n"
    assert told in capsys.readouterr().out
    second = RunFolder(list_growths(tmp_path)[-1])
    assert list(second.read_input("earlier")["question"]) == [row["question"] for row in rows if row["question"]]
    state, third = retry(tmp_path, second.run_id)
    (refused,) = [row for row in again if not row["question"]]  # whichever came to the server first
    assert state == 0 and len(third) == 1 and third[0]["parents"] == refused["parents"]


@pytest.mark.parametrize("what", ["nothing failed", "no such run", "an import", "of a page", "lost"])
def test_what_cannot_be_retried_is_one_sentence(tmp_path, seeds, capsys, what):  # noqa: F811
    assert generate(tmp_path, "--seeds", seeds, "--accept", 1)[0] == 0
    [path] = list_growths(tmp_path)
    [imported] = (tmp_path / "home" / "runs").glob("*-import-*")
    if what == "of a page":
        run = json.loads((path / "run.json").read_text())
        run["config"]["selection_run"] = "chosen"
        (path / "run.json").write_text(json.dumps(run))
    if what == "lost":
        (path / "result.json").unlink()
        RunFolder(path).order("again")
    run_id, sentence = {
        "nothing failed": (path.name, "No candidate of the run"),
        "no such run": ("nowhere", "There is no run 'nowhere' in"),
        "an import": (imported.name, "is of the kind import"),
        "of a page": (path.name, "press Retry there"),
        "lost": (path.name, "is queued; wait until it has ended"),
    }[what]
    capsys.readouterr()
    state, _ = retry(tmp_path, run_id)
    said = capsys.readouterr()
    assert state == 1 and sentence in said.err and said.err.count("\n") == 1 and said.out == ""
    assert len(list_growths(tmp_path)) == 1 and len(SEEDS) == 6
