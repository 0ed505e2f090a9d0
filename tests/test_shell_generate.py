"""``generate`` and ``filter`` as a person runs them: files in, files out, every line accounted for."""

import io
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import shell_filter
from core.__main__ import main
from core.recipes.start import FILTER_NAMES
from core.runs.folder import RunFolder
from core.shell_rows import open_out
from core.teacher import probe
from tests.filters.stand_ins import make_candidate
from tests.teacher.faults import say, send_body, status
from tests.teacher.server import ChatServer, Spoken
from tests.teacher.test_probe import give_chat_template, transformers_serve

SEEDS = [
    {
        "question": f"{name} picks {a} pears and then {b} more. How many pears are there?",
        "answer": f"There are {a}+{b}=<<{a}+{b}={a + b}>>{a + b} pears.\n#### {a + b}",
    }
    for name, a, b in [("Ada", 3, 4), ("Ben", 12, 9), ("Cleo", 40, 2), ("Dov", 7, 7), ("Eve", 15, 26), ("Fay", 8, 90)]
]

STORIES = [
    "A ferry carries 30 cars and 12 vans over the strait. How many vehicles is that?",
    "Nine lanterns hang in each of 4 halls. What is the number of lanterns?",
    "Of 80 roof tiles a storm breaks 17. How many stay whole?",
    "Each sack weighs 25 kg; a mule bears 3 of them. Tell the weight in kg.",
    "Two thirds of 60 pupils walk to school. How many walk?",
    "The choir sings 5 songs of 4 minutes each. For how many minutes does it sing?",
    "A tank of 200 litres loses 8 litres an hour. What is left after 6 hours?",
    "Someone reads 14 pages each evening. After how many pages does a week end?",
]


def write_lines(path, rows):
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def seeds(tmp_path):
    return write_lines(tmp_path / "pears.jsonl", SEEDS)


def generate(tmp_path, *more):
    out = tmp_path / "out.jsonl"
    state = main(["generate", "--home", str(tmp_path / "home"), "--out", str(out), *map(str, more)])
    return state, read_lines(out) if out.exists() else []


def speak(prompt, body, number):
    """Tell another story for each question asked for, and add two numbers for each answer."""
    if "Rewritten Instruction" in prompt:
        speak.n_told += 1
        return Spoken([(STORIES[(speak.n_told - 1) % len(STORIES)].encode(), -0.1)])
    return Spoken([(b"It is 2+3=<<2+3=5>>5.\n#### 5", -0.1)])


@pytest.fixture
def server():
    speak.n_told = 0
    with ChatServer(speak=speak) as running:
        yield running


def test_the_built_in_teacher_writes_what_it_made_with_the_verdicts(tmp_path, seeds, capsys):
    state, rows = generate(tmp_path, "--seeds", seeds, "--accept", 4)
    assert state == 0 and sum(row["is_accepted"] for row in rows) == 4
    for row in rows:
        assert row["question"] and row["answer"] and row["teacher"] == "built-in" and row["method"] == "rewrite"
        assert [verdict["filter"] for verdict in row["verdicts"]] == list(FILTER_NAMES)
        assert (row["reason"] is None) == row["is_accepted"]
    assert "4 accepted" in capsys.readouterr().out


def test_faults_of_a_server_are_lines_with_reasons_and_the_counts_add_up(tmp_path, seeds, server, capsys):
    server.script.faults += [
        say("", "length"),
        say(None, "stop", refusal="No."),
        say("", "content_filter"),
        send_body(b'{"choices": ['),
        status(500),
    ]
    state, rows = generate(
        tmp_path, "--seeds", seeds, "--accept", 5, "--teacher", server.url, "--model", "model", "--filters", "verified"
    )
    assert state == 0
    reasons = {row["reason"] for row in rows if not row["is_accepted"]}
    assert len(reasons) >= 3 and all(reasons)
    assert sum(row["is_accepted"] for row in rows) == 5
    [told] = [line for line in capsys.readouterr().out.splitlines() if " asked = " in line]
    n_lost = sum(not row["is_accepted"] for row in rows)
    assert told.startswith(f"{len(rows)} asked = 5 accepted + 0 rejected + {n_lost} failed")


def test_an_edited_prompt_is_sent_and_frozen_in_the_run(tmp_path, seeds, server):
    prompt = tmp_path / "mine.txt"
    prompt.write_text("Tell me something like {question} please. #Rewritten Instruction#:", encoding="utf-8")
    state, rows = generate(
        tmp_path, "--seeds", seeds, "--accept", 1, "--teacher", server.url, "--model", "model",
        "--prompt", f"word_problems_question={prompt}",
    )  # fmt: skip
    assert state == 0 and rows[0]["is_accepted"]
    sent = server.bodies[0]["messages"][-1]["content"]
    assert sent == f"Tell me something like {SEEDS[0]['question']} please. #Rewritten Instruction#:"
    [run] = (tmp_path / "home" / "runs").glob("*-generate-*")
    frozen = RunFolder(run).config["prompts"]
    assert frozen["word_problems_question"] == {"version": "1, edited", "text": prompt.read_text(encoding="utf-8")}
    assert frozen["word_problems_answer"]["version"] == "1"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--method", "none_such"], "no prompting method named 'none_such'"),
        (["--filters", "none_such"], "no filter named 'none_such'"),
        (["--setting", "none_such=1"], "no setting 'none_such'"),
        (["--setting", "tail"], "NAME=VALUE"),
        (["--setting", "n_per_call=abc"], "n_per_call must be a whole number, not 'abc'"),
        (["--setting", "has_seeds=no"], "has_seeds must be true or false, not 'no'"),
        (["--prompt", "word_problems_question=missing.txt"], "missing.txt cannot be read"),
        (["--teacher", "http://127.0.0.1:9/v1", "--model", "m"], "Nothing listens"),
        (["--teacher", "gpt-4o"], "base URL of a server as --teacher and the model as --model gpt-4o"),
        (["--teacher", "./none"], "There is no model folder none"),
        (["--teacher", "localhost:8000/v1"], "Write http:// or https:// before"),
        (["--model", "gpt-4o"], "write its base URL as --teacher"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence_before_a_run_is_made(tmp_path, seeds, capsys, more, sentence):
    state, _ = generate(tmp_path, "--seeds", seeds, *more)
    said = capsys.readouterr().err
    assert state == 1 and sentence in said and said.startswith("seedbed: ") and said.count("\n") == 1
    assert not list((tmp_path / "home" / "runs").glob("*-generate-*"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("Rewrite it.", "lacks {question}"), ("Rewrite {question} of {galaxy}", "has {galaxy}, which nothing fills")],
)
def test_a_prompt_that_cannot_be_filled_is_refused_before_anything_is_sent(
    tmp_path, seeds, server, capsys, text, sentence
):
    (tmp_path / "mine.txt").write_text(text, encoding="utf-8")
    state, _ = generate(
        tmp_path, "--seeds", seeds, "--teacher", server.url, "--model", "model",
        "--prompt", f"word_problems_question={tmp_path / 'mine.txt'}",
    )  # fmt: skip
    assert state == 1 and sentence in capsys.readouterr().err and server.bodies == []


def test_a_prompt_of_ones_own_is_a_file_by_the_name_of_its_method(tmp_path, seeds, server, capsys):
    prompt = write_lines(tmp_path / "mine.txt", ["Another like {question}. #Rewritten Instruction#:"])
    asked = ["--seeds", seeds, "--accept", 1, "--method", "free", "--filters", "verified"]
    asked += ["--teacher", server.url, "--prompt", f"free={prompt}"]
    for more, sentence in (
        (["--prompt", f"question={prompt}"], "takes no prompt named 'question'; it takes: free, word_problems_answer."),
        (["--setting", "prompt=Like {question}"], "leave out --prompt free=FILE or --setting prompt=TEXT."),
    ):
        assert generate(tmp_path, *asked, *more) == (1, []) and server.bodies == []
        assert capsys.readouterr().err.endswith(f"{sentence}\n")
    state, rows = generate(tmp_path, *asked)
    assert state == 0 and len(rows) == 1 and f"1 candidate: {tmp_path}" in capsys.readouterr().out
    sent = server.bodies[0]["messages"][-1]["content"]
    assert sent == f"Another like {SEEDS[0]['question']}. #Rewritten Instruction#:"
    [run] = (tmp_path / "home" / "runs").glob("*-generate-*")
    assert RunFolder(run).config["method_settings"] == {"prompt": prompt.read_text().rstrip("\n")}


def test_a_run_that_ended_short_says_at_which_limit_and_what_rejected(tmp_path, seeds, server, capsys):
    server.script.speak = lambda *_: Spoken([(f"{STORIES[0]} #### 5".encode(), -0.1)])
    asked = ["--seeds", seeds, "--accept", 2, "--teacher", server.url, "--filters", "rouge_l"]
    state, rows = generate(tmp_path, *asked)
    told = capsys.readouterr().out.splitlines()
    assert state == 0 and len(rows) == 8
    assert "  7: rejected by rouge_l" in told
    assert "ended at its limit of 8 candidates (four for each one wanted); 1 of 2 is accepted" in told


def test_a_model_that_nobody_named_is_named(tmp_path, seeds, server, capsys):
    asked = ["--seeds", seeds, "--accept", 1, "--filters", "verified", "--teacher", server.url]
    told = f"no --model was named: {server.url} has only 'model', which is asked\n"
    assert generate(tmp_path, *asked)[0] == 0
    said = capsys.readouterr().out
    assert said.startswith(told) and "ended at its limit" not in said
    assert generate(tmp_path, *asked, "--model", "model")[0] == 0
    assert told not in capsys.readouterr().out


def test_the_built_in_teacher_may_be_given_a_model(tmp_path, seeds, capsys):
    given = ["--seeds", seeds, "--accept", 1, "--teacher", "built-in", "--model", "built-in"]
    assert generate(tmp_path, *given)[0] == 0
    note = "seedbed: --model built-in is not used: the built-in teacher has no models."
    said = capsys.readouterr().err.splitlines()
    assert said[0] == note and not any("seedbed: " in line for line in said[1:])
    rows = [{"question": STORIES[0], "answer": "It is 42.\n#### 42"}]
    assert run_filter(tmp_path, rows, "--filters", "agrees", "--teacher", "built-in", "--model", "x")[0] == 0
    assert capsys.readouterr().err == note.replace("--model built-in", "--model x") + "\n"


def test_the_first_denial_of_a_model_ends_the_run_and_what_the_server_offers_is_told(tmp_path, seeds, server, capsys):
    asked = ["--seeds", seeds, "--accept", 4, "--filters", "verified", "--teacher", server.url, "--model"]
    server.script.models = ("gpt-a", "gpt-b")
    state, rows = generate(tmp_path, *asked, "nope")
    told = capsys.readouterr().out.splitlines()
    at = told.index("0 asked = 0 accepted + 0 rejected + 0 failed; 0 tokens in, 0 out")
    assert state == 1 and rows == []
    assert told[at + 1 :][:2] == [
        f"stopped: The server {server.url} does not know the model 'nope'; check the name.",
        f"{server.url} offers 'gpt-a', 'gpt-b'.",
    ]
    [run] = (tmp_path / "home" / "runs").glob("*-generate-*")
    assert count_calls(run) == len(server.bodies) <= 4
    given = [{"question": STORIES[0], "answer": "It is 5.\n#### 5"}]
    run_filter(tmp_path, given, "--filters", "agrees", "--teacher", server.url, "--model", "nope")
    assert f"{server.url} offers 'gpt-a', 'gpt-b'.\n" in capsys.readouterr().out


def test_a_model_that_is_not_listed_is_asked_for_nothing_but_what_the_run_asks(tmp_path, seeds, server, monkeypatch):
    monkeypatch.setattr(probe, "list_offered", lambda *_: pytest.fail("the list was asked for"))
    server.script.models = None  # any name is answered
    server.script.faults += [status(400, "Could not finish the message because max_tokens was reached.")]
    asked = ["--seeds", seeds, "--accept", 2, "--filters", "verified", "--teacher", server.url, "--model", "alias"]
    assert generate(tmp_path, *asked, "--budget-tokens", 1) == (1, []) and server.bodies == []
    state, rows = generate(tmp_path, *asked)
    assert state == 0 and sum(row["is_accepted"] for row in rows) == 2
    *_, run = sorted((tmp_path / "home" / "runs").glob("*-generate-*"), key=lambda path: path.stat().st_mtime_ns)
    assert count_calls(run) == len(server.bodies) == 5


def count_calls(run):
    return len({row["call_id"] for row in read_lines(run / "records" / "calls.jsonl")})


def test_without_seeds_a_task_must_be_named(tmp_path, capsys):
    state, _ = generate(tmp_path, "--method", "direct")
    assert state == 1 and "--task" in capsys.readouterr().err


# -- filter ----------------------------------------------------------------------------------------------------


def run_filter(tmp_path, rows, *more):
    out = tmp_path / "judged.jsonl"
    given = write_lines(tmp_path / "given.jsonl", rows)
    state = main(["filter", "--in", str(given), "--out", str(out), "--home", str(tmp_path / "home"), *map(str, more)])
    return state, read_lines(out) if out.exists() else []


def test_every_line_comes_back_in_order_with_its_verdicts(tmp_path, capsys):
    rows = [
        {"question": STORIES[0], "answer": "It is 30+12=<<30+12=42>>42.\n#### 42", "mine": [1, {"a": None}]},
        {"question": STORIES[0].replace("ferry", "boat"), "answer": "It is 42.\n#### 42"},
        '{"question": "broken',
        {"answer": "no question here"},
        [1, 2],
        {"question": STORIES[1], "answer": "It is 9*4=<<9*4=37>>37.\n#### 37"},
        {"question": STORIES[2], "failure": "The teacher's answer was a refusal."},
    ]
    state, judged = run_filter(tmp_path, rows, "--filters", "rouge,verified", "--task", "word_problems")
    assert state == 0 and [row["is_accepted"] for row in judged] == [True, False, False, False, False, False, False]
    assert judged[0]["mine"] == [1, {"a": None}] and judged[0]["reason"] is None
    assert "ROUGE-L" in judged[1]["reason"] and judged[1]["verdicts"][0]["value"] > 0.7
    assert judged[2]["raw"] == '{"question": "broken' and judged[2]["line"] == 3
    assert judged[2]["reason"] == "Line 3 is not readable JSON."
    assert judged[3]["reason"] == "Line 4 has no question." and judged[4]["raw"] == "[1, 2]"
    assert "37" in judged[5]["reason"] and judged[6]["reason"] == "The teacher's answer was a refusal."
    assert "7 lines = 1 accepted + 2 rejected + 4 unusable" in capsys.readouterr().out


def test_a_file_can_be_compared_with_others(tmp_path):
    against = write_lines(tmp_path / "known.jsonl", [{"question": STORIES[3]}, "broken", {"no": "question"}])
    rows = [{"question": STORIES[3].upper()}, {"question": STORIES[4]}]
    _, judged = run_filter(tmp_path, rows, "--filters", "rouge_l", "--against", against)
    assert [row["is_accepted"] for row in judged] == [False, True]
    assert "to a question it was compared with: " in judged[0]["reason"]


def test_whatever_is_in_a_line_it_comes_back(tmp_path):
    """Half a character, lists in lists in lists, an empty line: none of them may cost a person the rest of a file."""
    deep = '{"question": "How many?", "a": ' + "[" * 900 + "]" * 900 + "}"
    rows = [
        '{"question": "How many pears \\ud800 are there?", "note": "\\ud800"}', deep, "", "[" * 100_000,
        {"question": STORIES[0], "mine": {"a": [[[1]]]}, "failure": None}, {"question": STORIES[1], "failure": ["odd"]},
    ]  # fmt: skip
    state, judged = run_filter(tmp_path, rows, "--filters", "rouge_l")
    assert state == 0 and len(judged) == 6
    assert judged[0]["note"] == "\ud800" and judged[0]["is_accepted"]
    assert judged[1]["raw"] == deep and judged[1]["reason"] == "Line 2 is nested more than 100 deep."
    assert judged[2]["reason"] == "Line 3 is empty." and judged[3]["raw"] == "[" * 100_000
    assert judged[4]["mine"] == {"a": [[[1]]]} and judged[5]["failure"] == ["odd"] and not judged[5]["is_accepted"]


def test_an_older_file_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    out = tmp_path / "judged.jsonl"
    out.write_text('{"old": 1}\n', encoding="utf-8")
    out.chmod(0o600)
    with monkeypatch.context() as patched:
        patched.setattr(shell_filter, "write_row", fail_at(shell_filter.write_row, 2))
        with pytest.raises(OSError, match="full"):
            run_filter(tmp_path, [{"question": each} for each in STORIES[:3]], "--filters", "rouge_l")
    assert read_lines(out) == [{"old": 1}]
    assert [row["question"] for row in read_lines(tmp_path / "judged.jsonl.part")] == [STORIES[0]]
    _, judged = run_filter(tmp_path, [{"question": each} for each in STORIES[:3]], "--filters", "rouge_l")
    assert len(judged) == 3 and not (tmp_path / "judged.jsonl.part").exists() and out.stat().st_mode & 0o777 == 0o600


def fail_at(function, number):
    """Return the function that raises at its call of that number, as a full disk does."""
    calls = iter(range(1, 1_000))

    def fail(*arguments):
        if next(calls) == number:
            raise OSError(28, "the disk is full")
        return function(*arguments)

    return fail


def test_what_is_no_file_is_written_to_at_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        came = pool.submit(pipe.read_text)
        with open_out(pipe) as file:
            file.write("{}\n")
        assert came.result(10) == "{}\n" and pipe.is_fifo()


def test_rows_are_written_as_they_are_decided_and_a_budget_leaves_the_rest_undecided(tmp_path, server, capsys):
    rows = [{"question": each, "answer": "It is 5.\n#### 5"} for each in STORIES[:6]] + ["broken"]
    state, judged = run_filter(
        tmp_path, rows, "--filters", "agrees", "--task", "word_problems", "--teacher", server.url, "--model", "model",
        "--budget-tokens", 1,
    )  # fmt: skip
    assert state == 0 and len(judged) == 7 and server.bodies == []
    assert [row["verdicts"][0]["is_accepted"] for row in judged[:6]] == [None] * 6
    assert all("budget" in row["verdicts"][0]["reason"] for row in judged[:6])
    assert "agrees: 0 rejected, 6 not decided" in capsys.readouterr().out
    state, judged = run_filter(
        tmp_path, rows, "--filters", "agrees", "--task", "word_problems", "--teacher", server.url, "--model", "model"
    )
    assert [row["is_accepted"] for row in judged] == [True] * 6 + [False] and server.bodies


def test_rows_come_in_order_however_they_are_decided():
    file = io.StringIO()
    rows = shell_filter.RowFile(file, ["{}", "[]", "{}"], [make_candidate(at, "?") for at in range(3)], [[], [], []])
    rows.decide(1)
    assert file.getvalue() == ""
    rows.decide(0)
    assert file.getvalue().count("\n") == 2
    rows.decide(2)
    assert [json.loads(line).get("line") for line in file.getvalue().splitlines()] == [None, 2, None]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--filters", "none_such"], "no filter named"),
        (["--setting", "rouge_l.limit=abc"], "rouge_l.limit must be a number, not 'abc'"),
        (["--setting", "rouge_l.limit=1.5"], "from 0 to 1, not 1.5"),
        (["--setting", "well_formed.max_characters=x"], "must be a whole number"),
        (["--task", "none_such"], "no task named"),
        (["--against", "missing.jsonl"], "There is no file and no built-in seed set 'missing.jsonl'"),
        (["--setting", "rouge_l.none_such=1"], "no setting 'none_such'"),
        (["--setting", "limit=1"], "FILTER.NAME=VALUE"),
        (["--setting", "rouge_l.compares_seeds=true"], "rouge_l.compares_seeds needs the seeds; name their file by"),
        (["--filters", "near_dup", "--setting", "near_dup.compares_seeds=true"], "near_duplicate.compares_seeds needs"),
        (["--against", "-", "--against", "-"], "Standard input can be read only once"),
    ],
)
def test_a_filter_that_cannot_be_is_one_sentence(tmp_path, capsys, more, sentence):
    state, _ = run_filter(tmp_path, [{"question": STORIES[0]}], *more)
    said = capsys.readouterr().err
    assert state == 1 and sentence in said and said.count("\n") == 1


def test_a_file_that_is_not_there_is_one_sentence(tmp_path, capsys):
    assert main(["filter", "--in", str(tmp_path / "none"), "--out", str(tmp_path / "out.jsonl")]) == 1
    assert "cannot be read" in capsys.readouterr().err


# -- a server that others wrote ----------------------------------------------------------------------------------


@pytest.mark.soak
def test_a_real_server_brings_candidates_or_reasons_and_a_second_run_asks_nothing(tmp_path, seeds, capsys):
    model = give_chat_template(tmp_path / "tiny")
    asked = ["--seeds", seeds, "--accept", 4, "--model", model, "--filters", "verified"]
    with transformers_serve(model, tmp_path / "cache") as url:
        for method in ("rewrite", "vs_standard"):
            state, rows = generate(tmp_path, *asked, "--teacher", url, "--method", method)
            assert state in (0, 1) and rows and all((row["reason"] is None) == row["is_accepted"] for row in rows)
            assert all(row["n_input_tokens"] > 0 for row in rows)
            told = capsys.readouterr().out
            assert f"{len(rows)} asked = " in told
        state, again = generate(tmp_path, *asked, "--teacher", url, "--method", "vs_standard")
    assert [row["raw_question"] for row in again] == [row["raw_question"] for row in rows]
    *_, last = sorted((tmp_path / "home" / "runs").glob("*-generate-*"))
    calls = read_lines(last / "records" / "calls.jsonl")
    assert calls and all(call["is_cached"] for call in calls)
