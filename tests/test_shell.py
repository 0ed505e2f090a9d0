"""The shell's own part: what goes to which stream, how often, and which status it ends with."""

import fcntl
import os
import struct
import sys
import termios
from select import select
from time import monotonic

import pytest

from core import shell, shell_carrying
from core.__main__ import main
from core.errors import RunError
from core.recipes import kinds
from core.runs.folder import RunFolder
from tests.models.tiny import save_random_student
from tests.teacher.server import ChatServer


def make_run(home, kind: str = "finetune") -> RunFolder:
    return RunFolder.create(home, kind, title="t", config={}, lane="device", starts_itself=True)


def tell_two_stages(home) -> None:
    """Report a stage of unknown size, one that loses some, and one that is broken off."""
    run = shell_carrying.WatchedRun(make_run(home).path)
    with run.hold():
        run.report("loading the model", 0, 0, None)
        run.report("teacher", 2, 0, 1200)
        run.report("teacher", 1200, 3, 1200)
        run.report("finetune", 7, 0, 40)
    run.end_stage()


def test_without_a_terminal_each_stage_is_one_line(tmp_path, capsys):
    tell_two_stages(tmp_path)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.split("\n") == [
        "loading the model",
        "teacher: 1,200 of 1,200, 3 failed or rejected",
        "finetune: 7 of 40",
        "",
    ]


@pytest.mark.parametrize(("made", "told"), [(8, "8 of 8"), (10, "10, of 8 wanted")])
def test_more_than_was_wanted_is_no_share(tmp_path, capsys, made, told):
    run = shell_carrying.WatchedRun(make_run(tmp_path).path)
    with run.hold():
        run.report("generate", made, 0, 8)
        assert run._bar.n == 8
    run.end_stage()
    assert capsys.readouterr().err == f"generate: {told}\n"


def test_what_is_one_is_singular():
    assert [shell.counted(n, "line") for n in (0, 1, 1200)] == ["0 lines", "1 line", "1,200 lines"]


def test_on_a_terminal_each_stage_is_a_bar(tmp_path, monkeypatch):
    reader, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with os.fdopen(terminal, "w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stderr", file)
        tell_two_stages(tmp_path)
        file.flush()
        drawn, deadline = "", monotonic() + 10
        # what a terminal shows comes in pieces; a bar that is never drawn is not to hang this
        while "finetune:  18%|" not in drawn and select([reader], [], [], max(0, deadline - monotonic()))[0]:
            drawn += os.read(reader, 1 << 16).decode(errors="replace")
    os.close(reader)
    assert "\rteacher: 100%|" in drawn and "3 failed or rejected" in drawn and "\rfinetune:  18%|" in drawn
    assert "teacher: 1,200 of 1,200" not in drawn


@pytest.mark.parametrize("verb", ["score", "loop", "run"])
def test_a_failure_is_one_sentence_once_on_the_other_stream(tmp_path, capsys, seed_files, verb):
    student = save_random_student(tmp_path / "student")
    (student / "model.safetensors").unlink()
    seeds = ["--seeds", str(seed_files["train"]), "--student", str(student), "--home", str(tmp_path)]
    arguments, sentence = {
        "score": (["score", *seeds, "--out", str(tmp_path / "x.parquet")], "no .safetensors weights"),
        "loop": (["loop", *seeds, "--select", "2"], "no .safetensors weights"),
        "run": (["run", str(make_run(tmp_path, "select-all").path)], "no kind of run named 'select-all'"),
    }[verb]
    capsys.readouterr()
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert sentence not in said.out and "failed" not in said.out
    assert said.err.count(sentence) == 1 and said.err.splitlines()[-1].startswith("seedbed: ")
    assert "\r" not in said.err and "Traceback" not in said.err


def score_into(home, seed_files):
    """Return the beginning of a command that scores, with all that it must have."""
    return ["score", "--seeds", str(seed_files["train"]), "--home", str(home), "--out", str(home / "x.parquet")]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--teacher", "gpt-4o"], "base URL of a server as --teacher and the model as --teacher-model gpt-4o"),
        (["--teacher", "localhost:8000/v1"], "Write http:// or https:// before"),
        (
            ["--teacher-model", "nope"],
            "--teacher-model nope needs a server that has it: write its base URL as --teacher.",
        ),
        (
            ["--student-model", "nope"],
            "--student-model nope needs a server that has it: write its base URL as --student.",
        ),
    ],
)
def test_who_cannot_be_asked_is_refused_before_seeds_are_read(tmp_path, capsys, seed_files, more, sentence):
    given = score_into(tmp_path, seed_files)
    assert main([*given, *more]) == 1
    said = capsys.readouterr()
    assert sentence in said.err and said.err.count("\n") == 1 and said.out == ""


def test_a_score_that_a_server_denies_says_what_it_offers(tmp_path, capsys, seed_files):
    given = score_into(tmp_path, seed_files)
    with ChatServer(models=("gpt-a",)) as server:
        for who in (
            ["--student", server.url, "--student-model"],
            ["--signals", "judge", "--teacher", server.url, "--teacher-model"],
        ):
            assert main([*given, *who, "nope"]) == 1
            said = capsys.readouterr()
            assert "does not know the model 'nope'" in said.err and f"{server.url} offers 'gpt-a'.\n" in said.out


@pytest.mark.parametrize("verb", ["score", "select"])
def test_a_place_that_cannot_be_written_costs_no_work(tmp_path, capsys, seed_files, verb):
    (tmp_path / "file").write_text("kept")
    given = {"score": ["--seeds", str(seed_files["train"]), "--home", str(tmp_path)], "select": ["--scores", "none"]}
    for out, sentence in (
        (tmp_path, f"seedbed: {tmp_path} is a folder; name a file for --out.\n"),
        (tmp_path / "file" / "x", "cannot be made (File exists); name another file for --out.\n"),
        (tmp_path / "file" / "deep" / "x", "cannot be made (Not a directory); name another file for --out.\n"),
    ):
        assert main([verb, *given[verb], "--out", str(out)]) == 1
        said = capsys.readouterr()
        assert said.err.endswith(sentence) and said.err.count("\n") == 1 and said.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and (tmp_path / "file").read_text() == "kept"


def test_trying_a_place_leaves_nothing_there(tmp_path):
    (tmp_path / "earlier").write_text("kept")
    for name in ("earlier", "new/deep/x"):
        shell.check_out(tmp_path / name)
    assert (tmp_path / "earlier").read_text() == "kept" and list((tmp_path / "new" / "deep").iterdir()) == []


@pytest.mark.parametrize("is_logged", [False, True])
def test_a_bug_names_a_log_only_where_there_is_one(tmp_path, capsys, monkeypatch, is_logged):
    monkeypatch.setitem(kinds.KINDS._members, "finetune", lambda folder: 1 / 0)
    run = make_run(tmp_path)
    if is_logged:
        (run.path / "log.txt").touch()
    assert kinds.execute(run) == "failed"
    assert run.read_state().error.endswith("division by zero. The log has more." if is_logged else "division by zero.")
    assert "Traceback" in capsys.readouterr().err


def test_a_cancelled_run_ends_with_a_status_of_its_own(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shell, "execute", lambda folder: "cancelled")
    assert main(["run", str(make_run(tmp_path).path)]) == 130
    assert capsys.readouterr().err == "seedbed: The run was cancelled.\n"


def test_a_run_is_renamed_and_keeps_its_note(tmp_path, capsys):
    run = make_run(tmp_path)
    before = run.read_run()["title"]
    assert (
        main(["rename", run.run_id, "Pears, half the rate", "--note", "too high before", "--home", str(tmp_path)]) == 0
    )
    assert capsys.readouterr().out == f"{run.run_id}: Pears, half the rate (was {before})\n"
    assert main(["rename", run.run_id, "Pears", "--home", str(tmp_path)]) == 0
    assert (run.read_run()["title"], run.read_run()["note"]) == ("Pears", "too high before")
    assert main(["rename", run.run_id, " ", "--home", str(tmp_path)]) == 1
    assert main(["rename", "nowhere", "Pears", "--home", str(tmp_path)]) == 1
    assert "A run needs a title; write one." in capsys.readouterr().err


def test_what_fails_is_said_in_the_runs_own_words(tmp_path, capsys):
    with pytest.raises(RunError, match="There is no kind of run named 'dance'"):
        shell.carry_out(tmp_path, "dance", "t", {})
    (folder,) = (tmp_path / "runs").iterdir()
    assert capsys.readouterr().out == f"run {folder.name}\n"


def test_libraries_are_quiet_before_a_verb_imports_them(tmp_path, monkeypatch):
    monkeypatch.delenv("HF_HUB_DISABLE_PROGRESS_BARS", raising=False)
    seen = []
    monkeypatch.setattr(
        shell, "list_runs", lambda options: seen.append(os.environ["HF_HUB_DISABLE_PROGRESS_BARS"]) or 0
    )
    assert main(["runs", "--home", str(tmp_path)]) == 0
    assert seen == ["1"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["filter", "--filters", ""], "--filters: write one or more names with a comma between two of them, not ''"),
        (["filter", "--filters", "rouge,,verified"], "a comma between two of them, not 'rouge,,verified'"),
        (["generate", "--filters", " , "], "--filters: write one or more names"),
        (["score", "--signals", ","], "--signals: write one or more names"),
        (["generate", "--budget-tokens", "-5"], "--budget-tokens: write a whole number of at least 1, not '-5'"),
        (["filter", "--budget-tokens", "many"], "--budget-tokens: write a whole number of at least 1, not 'many'"),
        (["generate", "--budget-usd", "0"], "--budget-usd: write a number above 0, not '0'"),
        (["generate", "--replicate", "x"], "--replicate: write a whole number of at least 0, not 'x'"),
    ],
)
def test_a_command_that_cannot_be_read_is_one_sentence(capsys, arguments, sentence):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith("seedbed: ") and said.count("\n") == 1
    assert sentence in said and said.endswith(f"; see python -m core {arguments[0]} --help.\n")
