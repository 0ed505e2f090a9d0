"""Score runs and the shell's verbs on real models: what comes out, what is remembered, what is refused."""

import json
import socket
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from core.__main__ import main
from core.errors import ModelLoadError, RunCancelled, SignalError, TeacherError
from core.models.student import Student
from core.recipes.kinds import execute
from core.recipes.score_tables import pool_from_scores, read_score_file, read_score_frame, read_vectors
from core.recipes.scoring import list_needs, list_signals, score_stage
from core.recipes.selecting import make_score_config
from core.recipes.stages import select_with_spares
from core.recipes.teachers import find_server
from core.runs.folder import RunFolder
from core.selection import SELECTORS, Pool, choose
from core.settings import DEMO
from core.tasks import TASKS
from tests.models.tiny import save_random_student
from tests.teacher.server import ChatServer, StudentSpeaker, status

SIGNALS = "loss,loss_truth,judge,correct,solve_rate,gradient"


def score(home, seeds, out, *more) -> int:
    return main(["score", "--seeds", str(seeds), "--home", str(home), "--out", str(out), *more])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def seeds(seed_files, tmp_path_factory):
    """Sixteen problems."""
    path = tmp_path_factory.mktemp("seeds") / "few.jsonl"
    lines = seed_files["train"].read_text(encoding="utf-8").splitlines()[:16]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def scores(home, seeds):
    out = home / "scores.parquet"
    assert score(home, seeds, out, "--signals", SIGNALS, "--samples", "4") == 0
    return out


def test_the_table_has_one_row_per_problem_and_a_column_per_signal(scores):
    frame = pd.read_parquet(scores)
    assert frame["problem_id"].is_unique and len(frame) == 16
    assert {"question", "reference", "answer", "n_tokens", "is_truncated", *SIGNALS.split(",")} <= set(frame)
    for name in ("loss", "loss_truth", "judge", "correct", "solve_rate"):
        assert frame[name].dtype == np.float64 and frame[name].notna().all()
    assert frame["gradient"].map(len).unique().tolist() == [4096]
    assert (frame["judge"] == frame["judge_teacher"] - frame["judge_student"]).all()
    pool = pool_from_scores(frame)
    assert pool.vectors["gradient"].shape == (len(frame), 4096)


@pytest.mark.parametrize("selector", ["loss_high", "judge_hard", "lion", "badge", "solve_rate", "evokd", "random"])
def test_select_writes_the_chosen_problems_best_first(scores, tmp_path, selector):
    out = tmp_path / "chosen.jsonl"
    arguments = ["select", "--scores", str(scores), "--selector", selector, "--select", "4", "--out", str(out)]
    assert main([*arguments, "--replicate", "3"]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["rank"] for row in rows] == [1, 2, 3, 4] and len({row["problem_id"] for row in rows}) == 4
    assert all(row["question"] and row["reason"] for row in rows)
    first = out.read_text()
    assert main([*arguments, "--replicate", "3"]) == 0 and out.read_text() == first
    if selector == "loss_high":
        best = pd.read_parquet(scores).nlargest(4, "loss")["problem_id"].tolist()
        assert [row["problem_id"] for row in rows] == best
        assert main([*arguments, "--pick", "softmax"]) == 0 and out.read_text() != first


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--selector", "reward_low"], "needs the signal reward"),
        (["--selector", "badge", "--pick", "softmax"], "take argmax"),
        (["--select", "1000"], "fewer than the 1,000"),
        (["--selector", "best"], "known: "),
        (["--pick", "median"], "known: argmax, softmax"),
    ],
    ids=["signal", "pick", "k", "selector", "unknown pick"],
)
def test_a_choice_that_cannot_be_made_is_one_sentence(scores, tmp_path, capsys, more, sentence):
    assert main(["select", "--scores", str(scores), "--out", str(tmp_path / "x"), "--select", "2", *more]) == 1
    assert sentence in capsys.readouterr().err and not (tmp_path / "x").exists()


def test_a_file_that_is_no_table_of_scores_is_one_sentence(tmp_path, capsys):
    (tmp_path / "a.parquet").write_text("nothing")
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "b.parquet")
    for name, sentence in (("a", "no table of scores"), ("b", "no column problem_id"), ("c", "There is no file")):
        assert main(["select", "--scores", str(tmp_path / f"{name}.parquet"), "--out", str(tmp_path / "x")]) == 1
        assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"problem_id": ["a", "b", "a"]}, "has the problem_id a more than once"),
        ({"problem_id": ["a", None, "c"]}, "has no problem_id in 1 of its rows"),
        ({"problem_id": ["a", "b", "c"], "loss": ["low", "high", None]}, "The column loss holds no numbers"),
        (
            {"problem_id": ["a", "b", "c"], "gradient": [[1.0, 2.0], None, [1.0]]},
            "The column gradient holds no vectors",
        ),
        ({"problem_id": ["a", "b", "c"], "gradient": [1.0, 2.0, 3.0]}, "The column gradient holds no vectors"),
    ],
    ids=["twice", "no id", "texts", "widths", "no vectors"],
)
def test_a_table_that_is_not_one_of_scores_is_one_sentence(tmp_path, capsys, columns, sentence):
    path = tmp_path / "x.parquet"
    pd.DataFrame(columns).to_parquet(path)
    assert main(["select", "--scores", str(path), "--select", "1", "--out", str(tmp_path / "x.jsonl")]) == 1
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1 and not (tmp_path / "x.jsonl").exists()


def test_whole_numbers_and_empty_columns_are_scores(tmp_path):
    columns = {"problem_id": [7, 8], "correct": [True, False], "judge": [3, None], "reward": None, "gradient": None}
    pd.DataFrame(columns).to_parquet(tmp_path / "x.parquet")
    _, pool = read_score_file(tmp_path / "x.parquet")
    assert pool.problem_ids.tolist() == ["7", "8"] and pool.signals["correct"].tolist() == [1.0, 0.0]
    np.testing.assert_array_equal(pool.signals["judge"], [3.0, np.nan])
    assert np.isnan(pool.signals["reward"]).all() and np.isnan(pool.vectors["gradient"]).all()


def test_a_second_run_computes_nothing_that_is_known(home, seeds, scores, tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("computed again")

    for name in ("core.models.generate._decode", "core.models.forward._read_batch"):
        monkeypatch.setattr(name, never)
    out = tmp_path / "again.parquet"
    assert score(home, seeds, out, "--signals", SIGNALS, "--samples", "4") == 0
    pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(scores))


def test_vectors_come_back_in_any_order_with_nan_for_strangers(home, scores):
    (run, *_) = sorted((home / "runs").glob("*-score-*"))
    ids = read_score_frame(RunFolder(run))["problem_id"].tolist()
    whole = read_vectors(run, "base", "gradient", ids)
    mixed = read_vectors(run, "base", "gradient", [ids[3], "stranger", ids[0]])
    np.testing.assert_array_equal(mixed[[0, 2]], whole[[3, 0]])
    assert np.isnan(mixed[1]).all() and read_vectors(run, "base", "embedding", ids) is None


def test_signals_come_in_one_order_and_selectors_name_theirs():
    assert list_signals(["gradient", "loss_truth"]) == ["loss", "correct", "loss_truth", "gradient"]
    assert "judge" in list_needs(["lion"]) and "embedding" in list_needs(["loss_spread"])
    assert all(set(SELECTORS.get(name).needs) <= set(list_needs([name])) for name in SELECTORS)


# -- a student behind a server -------------------------------------------------------------------------------------


def test_a_student_behind_a_server_has_the_losses_of_the_local_one(home, seeds, scores, tmp_path):
    out = tmp_path / "served.parquet"
    with ChatServer() as server:
        server.script.speak = StudentSpeaker(Student.load("tiny", device="cpu"))
        assert score(home, seeds, out, "--student", server.url, "--signals", "judge,grade") == 0
    served, local = pd.read_parquet(out), pd.read_parquet(scores)
    assert served["answer"].tolist() == local["answer"].tolist()
    np.testing.assert_allclose(served["loss"], local["loss"], atol=1e-4)
    assert (
        served["judge"].tolist() == local["judge"].tolist() and served["correct"].tolist() == local["correct"].tolist()
    )


def test_a_server_without_log_probabilities_leaves_the_loss_unknown_and_counted(home, seeds, tmp_path, capsys):
    out = tmp_path / "blind.parquet"
    with ChatServer() as server:
        server.script.gives_logprobs = False
        assert score(home, seeds, out, "--student", server.url) == 0
    frame = pd.read_parquet(out)
    assert frame["loss"].isna().all() and frame["correct"].notna().all()
    assert f"unknown: loss of {len(frame)}: no log-probabilities are told for this answer" in capsys.readouterr().out


def test_a_server_that_ignores_the_temperature_has_no_solve_rate(home, seeds, tmp_path, capsys):
    with ChatServer() as server:
        speak = server.script.speak
        server.script.speak = lambda prompt, body, number: speak(prompt, {**body, "temperature": 0.0}, number)
        options = ["--student", server.url, "--signals", "solve_rate", "--samples", "4"]
        assert score(home, seeds, tmp_path / "x.parquet", *options) == 1
    assert "ignores the temperature" in capsys.readouterr().err
    frame = pd.read_parquet(tmp_path / "x.parquet")
    assert frame["solve_rate"].isna().all() and frame["loss"].notna().all()


def test_a_prompt_that_a_server_refuses_is_unknown_and_the_others_are_scored(home, seeds, tmp_path, capsys):
    question = json.loads(seeds.read_text().splitlines()[3])["question"]
    out = tmp_path / "refused.parquet"
    with ChatServer() as server:
        server.script.poison[TASKS.get("word_problems").student_prompt(question)] = status(400, "bad characters")
        for _ in range(2):
            assert score(home, seeds, out, "--student", server.url, "--signals", "judge") == 0
            frame = pd.read_parquet(out)
            assert (
                (frame["question"] == question).tolist()
                == frame["correct"].isna().tolist()
                == frame["judge"].isna().tolist()
            )
            assert "unknown: judge of 1: the server refused this prompt" in capsys.readouterr().out
        server.script.poison.clear()  # mended: nothing of the refusal was kept
        assert score(home, seeds, out, "--student", server.url) == 0
    assert pd.read_parquet(out)["correct"].notna().all()


def test_an_adapter_for_a_student_behind_a_server_is_refused(home, seeds, tmp_path, capsys):
    with ChatServer() as server:
        options = ["--student", server.url, "--adapter", str(tmp_path)]
        assert score(home, seeds, tmp_path / "x.parquet", *options) == 1
    assert "cannot be put on a student behind a server" in capsys.readouterr().err


@pytest.mark.parametrize("temperature", ["0", "-1", "nan", "inf"])
def test_a_temperature_that_nothing_can_be_drawn_at_is_refused(home, seeds, tmp_path, temperature):
    with pytest.raises(SystemExit):
        score(home, seeds, tmp_path / "x.parquet", "--signals", "solve_rate", "--temperature", temperature)
    with pytest.raises(SignalError, match="temperature above 0"):
        about = {"name": "x", "task": "custom"}
        make_score_config("x", about, student="tiny", signals=["solve_rate"], temperature=float(temperature))


def test_a_wrong_name_costs_no_answers(home, seeds, tmp_path, capsys):
    folder, before = save_random_student(tmp_path / "student"), list((home / "runs").glob("*-score-*"))
    options = ["--student", str(folder), "--signals", "reward", "--reward", str(tmp_path / "nowhere")]
    assert score(home, seeds, tmp_path / "x.parquet", *options) == 1
    assert "There is no model folder" in capsys.readouterr().err
    assert score(home, seeds, tmp_path / "x.parquet", "--student", "not a model") == 1
    assert "'not a model' is neither a folder nor a hub id" in capsys.readouterr().err
    assert list((home / "runs").glob("*-score-*")) == before
    assert score(home, seeds, tmp_path / "x.parquet", "--signals", "judge", "--teacher", "nobody") == 1
    assert "'nobody' is no address" in capsys.readouterr().err


def test_only_openai_is_sent_its_key_unasked(monkeypatch):
    monkeypatch.setattr("core.recipes.teachers.require_reachable", lambda server: None)
    for address, key_env in {
        "https://api.openai.com/v1": "OPENAI_API_KEY",
        "http://api.openai.com/v1": "",
        "https://api.notopenai.com/v1": "",
        "http://127.0.0.1:8000": "",
    }.items():
        assert find_server(address, "m", None)["key_env"] == key_env
    assert find_server("http://127.0.0.1:8000", "m", "MY_KEY")["key_env"] == "MY_KEY"


def test_a_server_that_is_not_there_is_refused_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(TeacherError, match="Nothing listens at"):
        find_server(address, "m", None)


def test_a_broken_file_of_selectors_stops_only_what_selects(home, scores, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SEEDBED_SELECTORS", str(tmp_path / "missing.py"))
    assert main(["runs", "--home", str(home)]) == 0
    assert main(["select", "--scores", str(scores), "--out", str(tmp_path / "x"), "--select", "2"]) == 1
    assert "correct SEEDBED_SELECTORS" in capsys.readouterr().err


@pytest.mark.parametrize("selector", ["loss_high", "badge", "loss_spread", "lion", "random"])
def test_spares_go_on_where_the_choice_ended(selector):
    rng = np.random.default_rng(0)
    ids = np.array([f"p{i:03d}" for i in range(200)])
    vectors = {name: rng.normal(size=(200, 12)).astype(np.float32) for name in ("gradient", "embedding")}
    pool = Pool(ids, {"loss": rng.random(200), "judge": rng.normal(size=200) * 2}, vectors=vectors)
    chosen, spares = select_with_spares(pool, selector, 10, np.random.default_rng(3))
    assert chosen.indices.tolist() == choose(pool, selector, 10, np.random.default_rng(3)).indices.tolist()
    assert len(spares) == 30 and not set(spares) & set(chosen.indices.tolist())
    if chosen.group is None:
        longer = choose(pool, selector, 40, np.random.default_rng(3)).indices.tolist()
        assert [*chosen.indices.tolist(), *spares] == longer


def test_gradients_of_a_student_behind_a_server_are_refused_before_anything_is_asked():
    server = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "key_env": ""}
    with pytest.raises(SignalError, match="gradient and gradient_truth cannot be read from m behind a server"):
        make_score_config(
            "x", {"name": "x", "task": "custom"}, student="m", server=server, signals=["gradient", "gradient_truth"]
        )


def test_a_server_with_several_models_asks_for_a_name(home, seeds, tmp_path, capsys):
    with ChatServer() as server:
        server.script.models = ("small", "large")
        assert score(home, seeds, tmp_path / "x.parquet", "--student", server.url) == 1
    assert "several models; name one (--model" in capsys.readouterr().err


# -- models that cannot be used ------------------------------------------------------------------------------------


def test_a_problem_longer_than_the_context_is_counted_and_the_others_are_scored(home, tmp_path, capsys, seeds):
    rows = [json.loads(line) for line in seeds.read_text().splitlines()]
    rows[0]["question"] = "apples " * 600 + rows[0]["question"]
    path = tmp_path / "long.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    student = save_random_student(tmp_path / "student", context=700)
    out = tmp_path / "long.parquet"
    options = ["--student", str(student), "--signals", "loss_truth,gradient"]
    assert score(tmp_path, path, out, *options) == 0
    frame, said = pd.read_parquet(out), capsys.readouterr().out
    is_long = frame["question"].str.len() > 3000
    assert is_long.sum() == 1 and len(frame) == len(rows)  # every row of the file, none set aside
    assert frame.loc[is_long, ["loss", "correct", "loss_truth"]].isna().all().all()
    assert frame.loc[is_long, "is_truncated"].all()
    assert "unknown: loss of 1: the prompt fills the student's context" in said
    assert frame.loc[~is_long, ["loss", "loss_truth"]].notna().all().all()


def test_a_folder_without_weights_fails_the_run_with_one_sentence(home, seeds, tmp_path, capsys):
    folder = save_random_student(tmp_path / "empty")
    (folder / "model.safetensors").unlink()
    assert score(home, seeds, tmp_path / "x.parquet", "--student", str(folder)) == 1
    assert "no .safetensors weights" in capsys.readouterr().err


def test_a_cancelled_score_run_is_cancelled(home, seeds, scores):
    (first, *_) = sorted((home / "runs").glob("*-score-*"))
    config = {**RunFolder(first).config, "width": 64}
    folder = RunFolder.create(home, "score", title="t", config=config, lane="device")
    folder.order("cancel")
    assert execute(folder) == "cancelled"


# -- a signal that cannot be had -----------------------------------------------------------------------------------

NO_REWARD = str(DEMO / "tiny")
"""A language model: it has no score head, which only loading it finds out."""


def newest(home) -> RunFolder:
    return RunFolder(max((home / "runs").glob("*-score-*"), key=lambda path: path.stat().st_ctime_ns))


def test_a_reward_model_that_cannot_be_loaded_costs_no_other_signal(seeds, tmp_path, capsys):
    out = tmp_path / "scores.parquet"
    options = ["--signals", "reward,reward_truth,judge", "--reward", NO_REWARD]
    assert score(tmp_path, seeds, out, *options) == 1
    said, state = capsys.readouterr(), newest(tmp_path).read_state()
    sentence = state.summary["failed"]["reward"]
    assert state.state == "done" and list(state.summary["failed"]) == ["reward", "reward_truth"]
    assert state.summary["unknown"]["reward"] == {sentence: 16} and "reward" not in state.summary["computed"]
    assert said.err.splitlines()[-2] == f"seedbed: reward failed: {sentence}" and sentence not in said.out
    frame = pd.read_parquet(out)
    assert frame[["reward", "reward_truth"]].isna().all().all() and frame[["loss", "judge"]].notna().all().all()
    table = pd.concat(map(pd.read_parquet, (newest(tmp_path).path / "records" / "scores").glob("*.parquet")))
    assert set(table[table["signal"] == "reward"]["note"]) == {sentence}
    select = ["select", "--scores", str(out), "--select", "2", "--out", str(tmp_path / "x")]
    assert main([*select, "--selector", "judge_hard"]) == 0
    assert main([*select, "--selector", "reward_low"]) == 1
    assert "needs the signal reward" in capsys.readouterr().err


def test_a_vector_signal_that_fails_has_no_vectors_until_it_is_mended(seeds, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ModelLoadError("One answer does not fit into the memory.")

    def attempt() -> tuple[str, pd.DataFrame]:
        folder.order("again")
        state = execute(folder)
        return state, read_score_frame(folder)

    out = tmp_path / "scores.parquet"
    with monkeypatch.context() as broken:
        broken.setattr("core.signals.gradient.read_answers", refuse)
        assert score(tmp_path, seeds, out, "--signals", "gradient,loss_truth") == 1
        assert pd.read_parquet(out)["gradient"].isna().all() and pd.read_parquet(out)["loss_truth"].notna().all()
        assert not pool_from_scores(pd.read_parquet(out)).vectors
    folder = newest(tmp_path)
    state, mended = attempt()
    assert state == "done" and mended["gradient"].notna().all() and folder.read_state().summary["failed"] == {}
    monkeypatch.setattr("core.signals.gradient.remember", refuse)
    state, again = attempt()
    assert state == "done" and again["gradient"].isna().all() and folder.read_state().summary["failed"]


def test_a_teacher_that_is_gone_leaves_the_losses(home, seeds, tmp_path, capsys):
    with ChatServer() as server:
        teacher = ["--teacher", server.url, "--teacher-model", "m"]
        server.script.key = "another"
        assert score(home, seeds, tmp_path / "x.parquet", "--signals", "judge,loss_truth", *teacher) == 1
    frame = pd.read_parquet(tmp_path / "x.parquet")
    assert frame["judge"].isna().all() and frame["loss_truth"].notna().all()
    assert "seedbed: judge failed: " in capsys.readouterr().err


def test_a_run_that_is_told_to_stop_within_a_signal_stops(home, seeds, scores, monkeypatch):
    def stop(*_, **__):
        raise RunCancelled("The run was cancelled.")

    monkeypatch.setattr("core.signals.gradient.remember", stop)
    (first, *_) = sorted((home / "runs").glob("*-score-*"))
    folder = RunFolder.create(home, "score", title="t", config=RunFolder(first).config, lane="device")
    assert execute(folder) == "cancelled"


def test_without_a_signal_that_is_required_nothing_is_asked(tmp_path):
    student = SimpleNamespace(has_weights=True)  # it could not answer if it were asked
    folder = RunFolder.create(tmp_path, "loop", title="t", config={}, lane="device")
    about = [folder, student, "base", TASKS.get("custom"), [], list_needs(["reward_low"]), {"reward": NO_REWARD}]
    with pytest.raises(ModelLoadError, match="reward"):
        score_stage(*about, required=SELECTORS.get("reward_low").needs)


def test_an_adapter_that_is_not_there_is_refused_before_a_run_is_made(home, seeds, tmp_path, capsys):
    before = list((home / "runs").iterdir())
    assert score(home, seeds, tmp_path / "x.parquet", "--adapter", str(tmp_path / "nowhere")) == 1
    assert "There is no LoRA adapter in" in capsys.readouterr().err
    assert list((home / "runs").iterdir()) == before
