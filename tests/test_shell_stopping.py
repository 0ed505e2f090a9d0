"""Ctrl-C in a shell: what arrived stays, it is said how to go on, and nothing that was answered is sent again."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from core import shell_filter, shell_verify
from core.__main__ import main
from core.errors import RunCancelled
from core.lines import read_all
from core.runs.folder import RunFolder
from core.shell_stopping import STOPPING, stopped_by_hand
from tests.runs.world import wait_for
from tests.teacher.server import ChatServer, Spoken
from tests.test_shell_generate import SEEDS, STORIES, read_lines, speak, write_lines


@pytest.fixture
def server():
    speak.n_told = 0
    with ChatServer(speak=tell_apart, delay_s=0.1) as running:
        yield running


def tell_apart(prompt, body, number):
    """Speak, but tell no story twice: the answers to two that are the same may be one request."""
    spoken = speak(prompt, body, number)
    if "Rewritten Instruction" not in prompt:
        return spoken
    return Spoken([*spoken.tokens, (f" ({speak.n_told})".encode(), -0.1)])


def interrupt(arguments, is_ready):
    """Start a verb in a process of its own, press Ctrl-C when it is ready; return status and both streams."""
    command = [sys.executable, "-X", "faulthandler", "-m", "core", *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background inherit it ignored
    )  # fmt: skip
    try:
        wait_for(is_ready, 60)
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # it says where each thread stands
            raise AssertionError(process.communicate(timeout=10)[1]) from None
    finally:
        process.kill()
    return process.returncode, out, err


def test_a_stopped_generate_keeps_what_came_and_goes_on_by_the_same_command(tmp_path, server, capsys):
    home, out = tmp_path / "home", tmp_path / "out.jsonl"
    arguments = ["generate", "--home", home, "--seeds", write_lines(tmp_path / "pears.jsonl", SEEDS), "--accept", 40]
    arguments += ["--teacher", server.url, "--model", "model", "--filters", "verified", "--out", out]

    def has_some():
        return any(len(read_all(path)) > 3 for path in home.glob("runs/*-generate-*/records/candidates.jsonl"))

    state, told, said = interrupt(arguments, has_some)
    assert state == 130 and said.startswith(STOPPING) and "Traceback" not in said
    assert said.splitlines()[-1].startswith("seedbed: Stopped; give the same command again to go on")
    rows = read_lines(out)
    assert 3 < len(rows) < 40 and f"{len(rows)} candidates: {out}" in told
    [run] = home.glob("runs/*-generate-*")
    assert RunFolder(run).read_state().state == "cancelled"
    server.script.delay_s = 0.0
    assert main([str(each) for each in arguments]) == 0
    assert len(read_lines(out)) == 40 and len(server.bodies) == 2 * 40  # a question and an answer each


def test_a_stopped_filter_says_where_the_lines_are_that_were_decided(tmp_path, server):
    rows = [{"question": f"{STORIES[0]} ({at})", "answer": "It is 5.\n#### 5"} for at in range(1000)]
    server.script.delay_s = 0.3  # sixteen rounds of 64 lines: the key is pressed long before the last
    given, out = write_lines(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    arguments = ["filter", "--in", given, "--filters", "agrees", "--task", "word_problems", "--home", tmp_path / "home"]
    arguments += ["--teacher", server.url, "--model", "model", "--out", out]
    part = tmp_path / "out.jsonl.part"
    state, told, said = interrupt(arguments, lambda: part.exists() and part.read_bytes().count(b"\n") > 2)
    assert state == 130 and told == "" and not out.exists()
    assert said.startswith(f"seedbed: Stopped; the lines decided until then are in {part}; ") and said.count("\n") == 1
    assert [row["question"] for row in read_lines(part)] == [row["question"] for row in rows[: len(read_lines(part))]]


def test_a_filter_that_is_stopped_while_it_judges_has_written_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shell_filter, "judge", raise_interrupt)
    given = write_lines(tmp_path / "in.jsonl", [{"question": STORIES[0]}])
    assert main(["filter", "--in", str(given), "--out", str(tmp_path / "out.jsonl")]) == 130
    assert capsys.readouterr().err == "seedbed: Stopped; nothing was written.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_filter_that_asked_nobody_speaks_of_no_replies(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shell_filter.RowFile, "decide", raise_interrupt)
    given = write_lines(tmp_path / "in.jsonl", [{"question": STORIES[0]}])
    assert main(["filter", "--in", str(given), "--out", str(tmp_path / "out.jsonl")]) == 130
    part = tmp_path / "out.jsonl.part"
    assert capsys.readouterr().err == f"seedbed: Stopped; the lines decided until then are in {part}.\n"


def raise_interrupt(*_):
    raise KeyboardInterrupt


def test_a_stopped_verify_has_printed_whole_lines_and_counts_them(tmp_path, capsys, monkeypatch):
    def judge(lines, tolerance, usual=shell_verify.judge_lines):
        yield from usual(lines, tolerance)
        raise KeyboardInterrupt

    monkeypatch.setattr(shell_verify, "judge_lines", judge)
    given = write_lines(tmp_path / "in.jsonl", [{"gold": "1", "pred": "1"}, {"gold": "1", "pred": "2"}])
    assert main(["verify", str(given)]) == 130
    said = capsys.readouterr()
    assert said.err == "seedbed: Stopped after 2 lines: 1 equal, 1 unequal, 0 undecided, 0 unusable.\n"
    assert said.out.count('"is_equal"') == 2 and said.out.endswith("\n")


def test_ctrl_c_anywhere_else_is_one_word(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("core.shell.list_runs", raise_interrupt)
    assert main(["runs", "--home", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "seedbed: Stopped.\n"


def press():
    os.kill(os.getpid(), signal.SIGINT)


def make_run(home):
    return RunFolder.create(home, "generate", title="t", config={}, lane="device", starts_itself=True)


def test_ctrl_c_is_an_order_while_calls_are_on_their_way_and_the_second_one_ends_it(tmp_path, capfd):
    run, usual = make_run(tmp_path), signal.getsignal(signal.SIGINT)

    async def ask():
        press()
        await asyncio.sleep(0)
        with pytest.raises(RunCancelled):
            run.check_cancelled()
        press()
        await asyncio.sleep(5)

    with run.hold(), stopped_by_hand(run), pytest.raises(KeyboardInterrupt):
        asyncio.run(ask())
    assert capfd.readouterr().err == STOPPING and signal.getsignal(signal.SIGINT) is usual


def test_ctrl_c_interrupts_at_once_where_nobody_looks_for_orders(tmp_path, capfd):
    run = make_run(tmp_path)
    with run.hold(), stopped_by_hand(run), pytest.raises(KeyboardInterrupt):
        press()
    assert capfd.readouterr().err == STOPPING and not (run.path / "inbox.jsonl").exists()
