"""Candidates made elsewhere are judged, kept, gone on with after a kill, rebuilt, and trained on like any others."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from core.__main__ import main
from core.datasets import ensure_seed_set, load_problems
from core.errors import DataFormatError, UnknownNameError
from core.hub import Hub, rebuild
from core.lines import read_all
from core.recipes.bringing import make_bring_config, start_bring
from core.recipes.kinds import execute
from core.records import Review
from core.runs.folder import RunFolder
from core.settings import REPOSITORY, Settings
from tests.runs.world import dump


@pytest.fixture(scope="module")
def home(tmp_path_factory, seed_files) -> Path:
    home = tmp_path_factory.mktemp("home")
    files = {split: seed_files[split] for split in ("validation", "test")}
    ensure_seed_set(home, seed_files["train"], **files)
    return home


@pytest.fixture(scope="module")
def problems(home):
    [seed_set] = [path.name for path in (home / "runs").glob("*-import-*")]
    return seed_set, load_problems(home, seed_set)


def make_rows(problems, n: int) -> list[dict]:
    """Rows whose answers hold; every other one names its seed, by id or by question in turn."""
    train = [problem for problem in problems if problem.split == "train"]
    rows = []
    for i in range(n):
        seed = train[i % len(train)]
        name = [seed.problem_id, None, seed.question, None][i % 4]
        words = " ".join(f"{word}{i * 7 % 91}" for word in ("pens", "cups", "hats", "jars", "nuts", "keys"))
        question = f"A shop {i} sells {words}: {i + 3} are sold, {i + 4} remain. How many were there?"
        answer = f"There were {i + 3}+{i + 4}=<<{i + 3}+{i + 4}={2 * i + 7}>>{2 * i + 7}.\n#### {2 * i + 7}"
        rows.append({"instruction": question, "generation": answer, "model_name": "lab/m", "seed": name})
    return rows


def open_hub(home: Path) -> Hub:
    """Return a hub that starts nothing and has read the home."""
    hub = Hub(Settings(home=home, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    hub.step()
    return hub


def bring(home: Path, seed_set: str, path: Path, **choices) -> RunFolder:
    hub = open_hub(home)
    try:
        folder = RunFolder(home / "runs" / start_bring(hub, seed_set, path, **choices))
        execute(folder)
    finally:
        hub.close()
    return folder


def read_candidates(folder: RunFolder) -> dict[str, dict]:
    rows = read_all(folder.path / "records" / "candidates.jsonl")
    kept = {row["candidate_id"]: row for row in rows}
    return {id_: {k: v for k, v in row.items() if k not in ("attempt", "written_at")} for id_, row in kept.items()}


def test_every_row_is_a_candidate_or_counted_with_its_reason(home, problems, tmp_path):
    seed_set, all_ = problems
    test = next(problem for problem in all_ if problem.split == "test")
    rows = make_rows(all_, 8)
    rows += [
        dict(rows[0]),  # twice
        rows[1] | {"generation": None},
        rows[2] | {"instruction": " "},
        rows[3] | {"instruction": "From a test problem?", "seed": test.problem_id},
        rows[4] | {"instruction": test.question, "seed": None},  # the filter held_out
        rows[5] | {"instruction": "Seven and two?", "generation": "7+2=<<7+2=8>>8.\n#### 8", "seed": "a stranger"},
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "train.parquet")
    folder = bring(home, seed_set, tmp_path / "train.parquet")
    state = folder.read_state()
    assert state.state == "done", state.error
    summary = state.summary
    assert (summary["n_rows"], summary["n_left_out"], summary["made"]) == (14, 4, 10)
    assert summary["reasons"] == {"contamination": 1, "verified": 1} and summary["accepted"] == 8  # as tables have it
    assert (summary["n_with_parents"], summary["n_unknown_parents"]) == (4, 1)
    rejected = {row["line"]: row["reason"] for row in read_all(folder.path / "records" / "rejected_rows.jsonl")}
    assert list(rejected) == [9, 10, 11, 12]
    for line, word in {9: "line 1", 10: "no answer", 11: "no question", 12: "validation or test"}.items():
        assert word in rejected[line]
    candidates = list(read_candidates(folder).values())
    train = {problem.problem_id: problem for problem in all_ if problem.split == "train"}
    assert train[candidates[2]["parents"][0]].question == rows[2]["seed"]  # named by its question
    assert candidates[0]["parents"] == [rows[0]["seed"]] and candidates[1]["parents"] == []
    assert candidates[0]["final"] == "7" and candidates[0]["teacher"] == "lab/m"
    assert candidates[0]["meta"]["file"] == "train.parquet" and candidates[0]["meta"]["line"] == 1


def test_a_file_that_is_brought_twice_is_rejected_as_repeated(home, problems, tmp_path):
    path = tmp_path / "again.jsonl"
    questions = ["Where do nine geese sleep?", "Name 14 rivers, sum 3+4.", "Ten boats sink; how many swim?"]
    path.write_text("\n".join(json.dumps({"question": text, "answer": "3+4=7\n#### 7"}) for text in questions))
    first, second = (bring(home, problems[0], path, filters=["rouge_l"]) for _ in range(2))
    assert first.read_state().summary["accepted"] == 3
    assert second.read_state().summary["reasons"] == {"rouge_l": 3}
    assert read_candidates(first).keys().isdisjoint(read_candidates(second))


def test_a_seed_is_known_by_its_question_whatever_its_case_and_blanks(home, problems, tmp_path):
    train, held_out = (next(each for each in problems[1] if each.split == split) for split in ("train", "test"))
    rows = make_rows(problems[1], 2)
    for row, seed in zip(rows, (train, held_out), strict=True):
        row["seed"] = f"  {seed.question.upper()}".replace(" ", "\n ")
    path = tmp_path / "shouted.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    folder = bring(home, problems[0], path)
    assert [row["parents"] for row in read_candidates(folder).values()] == [[train.problem_id]]
    assert folder.read_state().summary["n_left_out"] == 1, "it grew from a test problem"


def test_a_label_of_the_file_is_no_label_of_ours(home, problems, tmp_path):
    path = tmp_path / "labelled.jsonl"
    path.write_text(json.dumps({"question": "Is it 3?", "answer": "1+2=3\n#### 3", "label": "incorrect"}))
    [row] = read_candidates(bring(home, problems[0], path)).values()
    assert "label" not in row["meta"] and row["meta"]["columns"] == {"label": "incorrect"}


@pytest.mark.parametrize("after", [1, 200])
def test_killed_and_gone_on_with_it_brings_the_same(home, problems, tmp_path, after):
    rows = make_rows(problems[1], 3000)
    path = tmp_path / "many.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    hub = open_hub(home)
    try:
        folder = RunFolder(home / "runs" / start_bring(hub, problems[0], path, filters=["well_formed", "verified"]))
    finally:
        hub.close()
    file = folder.path / "records" / "candidates.jsonl"
    command = [sys.executable, "-m", "core", "run", str(folder.path)]
    with subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not file.exists() or file.read_bytes().count(b"\n") < after:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.001)
        os.killpg(process.pid, signal.SIGKILL)
    assert folder.read_state().state == "lost"
    n_before = len(read_candidates(folder))
    assert 0 < n_before < 3000
    assert main(["run", str(folder.path), "--again"]) == 0
    gone_on = read_candidates(folder)
    assert len(gone_on) == 3000
    assert [row["question"] for row in gone_on.values()] == [row["instruction"] for row in rows]
    summary = folder.read_state().summary
    assert (summary["made"], summary["accepted"]) == (3000, 3000)


def test_brought_candidates_are_reviewed_trained_on_and_rebuilt(home, problems, tmp_path):
    path = tmp_path / "mine.csv"
    rows = [row | {"instruction": f"Anew, {row['instruction']}"} for row in make_rows(problems[1], 5)]
    pd.DataFrame(rows).to_csv(path, index=False)
    run_id = bring(home, problems[0], path, filters=["verified"]).run_id
    hub = open_hub(home)
    try:
        first = hub.store.list_candidates(run_id=run_id).iloc[0]
        hub.add_reviews([Review(run_id, first["candidate_id"], "reject")])
        assert hub.store.count_candidates(run_id)["accepted"] == 5
        before = dump(hub.store)
    finally:
        hub.close()
    assert not rebuild(home)[1]
    hub = open_hub(home)
    try:
        assert dump(hub.store) == before
    finally:
        hub.close()
    out = tmp_path / "rows.jsonl"
    arguments = ["--no-references", "--candidates", run_id, "--out", str(out), "--home", str(home)]
    assert main(["rows", "--seeds", problems[0], *arguments]) == 0
    questions = [json.loads(line)["question"] for line in out.read_text().splitlines()]
    assert questions == [row["instruction"] for row in rows[1:]]


def test_the_verb_tells_counts_and_takes_columns_by_hand(home, tmp_path, capsys):
    path = tmp_path / "odd.jsonl"
    rows = [{"alpha": f"What is {i}0 and {i}?", "beta": f"{i}0+{i}={i}{i}\n#### {i}{i}"} for i in range(1, 5)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    command = ["bring", str(path), "--seeds", "train", "--home", str(home), "--filters", "verified"]
    assert main(command) == 1
    assert "odd.jsonl does not say which of its columns holds the question and answer" in capsys.readouterr().err
    assert main([*command, "--column", "question=alpha", "--column", "answer=beta"]) == 0
    said = capsys.readouterr().out
    assert "columns: question: alpha, answer: beta" in said
    assert "left out: odd.jsonl, line 5: " in said and "more are left out" not in said
    assert "5 rows = 4 candidates + 1 left out" in said and "4 candidates = 4 accepted + 0 rejected" in said
    assert main([*command, "--column", "reply=alpha"]) == 1
    assert main(["bring", str(path), "--seeds", "nobody", "--home", str(home)]) == 1
    assert "no seed set 'nobody'" in capsys.readouterr().err


def test_what_cannot_be_brought_is_refused_before_a_run_is_made(home, problems, tmp_path):
    about = {"seed_set": problems[0], "seed_set_name": "train", "task": "word_problems"}
    path = tmp_path / "a.jsonl"
    path.write_text('{"question": "Q?", "answer": "A."}')
    with pytest.raises(UnknownNameError, match="agrees asks a teacher"):
        make_bring_config(about, path, filters=["agrees"])
    with pytest.raises(DataFormatError, match="There is no file or folder"):
        make_bring_config(about, tmp_path / "nothing")
    path.write_text('{"question": "Q?", "answer": ""}')
    with pytest.raises(DataFormatError, match="holds the question and answer"):
        make_bring_config(about, path)
