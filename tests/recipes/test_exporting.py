"""A trained student out of its home: the zip, the card, the merged model, the hub; by run folders made by hand."""

import io
import json
import os
import re
import zipfile

import pytest

from core.__main__ import main
from core.errors import RunError
from core.recipes import exporting, trained
from core.recipes.cards import ADAPTER, write_card
from core.recipes.exporting import find_model, make_export_config, make_push_config, zip_adapter
from core.recipes.kinds import execute
from core.recipes.trained import find_trained, list_trained
from core.runs import disk
from core.runs.folder import RunFolder
from core.training.data import TrainingRow, hash_rows, to_frame
from tests.models.hub_server import TOKEN, open_hub_server
from tests.models.lora import save_lora
from tests.models.tiny import save_random_student

FINETUNE, LOOP, GENERATE = "20260101-000005-finetune-aaaa", "20260101-000006-loop-aaaa", "20260101-000004-generate-aaaa"
ROWS = [
    TrainingRow("What is 2 + 2?", "2 + 2 = 4\n#### 4", "4", origin="candidate", origin_run_id=GENERATE, origin_id="c1"),
    TrainingRow("What is 3 + 4?", "3 + 4 = 7\n#### 7", "7", origin="seed", origin_run_id="s", origin_id="p1"),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_random_student(tmp_path_factory.mktemp("models") / "my-base")


@pytest.fixture(scope="module")
def adapter(base, tmp_path_factory):
    from core.models.student import hash_model_files

    return save_lora(base, tmp_path_factory.mktemp("lora") / "adapter", fingerprint=hash_model_files(base))


@pytest.fixture
def home(tmp_path, base, adapter):
    """A home with a finetune of one round, a loop of two, and the run whose candidates were trained on."""
    home = tmp_path / "home"
    about = {"seed_set": None, "seed_set_name": "pens <b>", "task": "word_problems", "student": str(base)}
    RunFolder.create(
        home, "generate", title="g", config={"teacher": "built-in"}, lane="teacher", run_id=GENERATE
    )  # fmt: skip
    config = {**about, "training": {"rank": 4, "epochs": 2}, "objective": "signed", "settings": {"is_mean": True}}
    inputs = {"rows": to_frame(ROWS)}
    made = [
        RunFolder.create(home, "finetune", title="Finetune", config=config, lane="device", inputs=inputs,
                         run_id=FINETUNE),
        RunFolder.create(home, "loop", title="Loop", config=about, lane="device", run_id=LOOP),
    ]  # fmt: skip
    for folder, n_rounds in zip(made, (1, 2), strict=True):
        with folder.hold():
            for number in range(1, n_rounds + 1):
                add_round(home, folder, number, adapter, str(base))
            folder.finish("done", {})
    return home


def add_round(home, folder, number, adapter, student):
    import shutil

    kept = shutil.copytree(adapter, folder.path / "checkpoints" / f"round-{number}" / "adapter")
    path = kept.relative_to(home).as_posix()
    folder.append("adapters", {"round": number, "student": student, "path": path, "n_rows": 2, "best_epoch": 2.0,
                               "validation_accuracy": 0.5, "validation_accuracy_before": 0.3 if number == 1 else None,
                               "objective": "signed",
                               "rows_hash": hash_rows(ROWS)})  # fmt: skip
    for round_, accuracy in ((0, 0.25), (number, 0.6)):
        folder.append("evaluations", {"round": round_, "split": "test", "n": 20, "accuracy": accuracy,
                                      "low": accuracy - 0.1, "high": accuracy + 0.1})  # fmt: skip


def carry_out(home, kind, config):
    folder = RunFolder.create(home, kind, title=kind, config=config, lane="light", starts_itself=True)
    return folder, execute(folder)


def read_code(card):
    return re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]


def test_what_a_run_trained_is_found_by_round(home):
    assert [(one.run_id, one.round) for one in list_trained(home, LOOP)] == [(LOOP, 1), (LOOP, 2)]
    assert find_trained(home, LOOP).round == 2 and find_trained(home, LOOP, 1).round == 1
    for run_id, round_, sentence in [
        ("nope", None, "no run 'nope'"), (GENERATE, None, "trained nothing that"), (LOOP, 3, "nothing in round 3"),
    ]:  # fmt: skip
        with pytest.raises(RunError, match=sentence):
            find_trained(home, run_id, round_)


def test_the_card_says_what_the_run_says_and_nothing_of_this_machine(home, base):
    card = write_card(home, find_trained(home, FINETUNE), ADAPTER)
    for text in (
        'library_name: "peft"', "# my-base, finetuned on pens (b)", "objective: `signed`", hash_rows(ROWS),
        "rows: 2 (given: 1 accepted candidate, 1 seed with its reference answer)",
        "rank 4, epochs 2, is_mean True",
        "| test | 20 | 25.0 % | 60.0 % (50.0 % to 70.0 %) |", "30.0 % | 50.0 % |", "Question: QUESTION",
        "no evidence about language models",
    ):  # fmt: skip
        assert text in card
    assert str(base.parent) not in card and str(home) not in card
    assert "| not measured | 50.0 % |" in write_card(home, find_trained(home, LOOP, 2), ADAPTER)


def test_no_stand_in_is_named_where_none_wrote(home):
    path = home / "runs" / GENERATE / "run.json"
    run = json.loads(path.read_text())
    roles = {"question": {"base_url": "http://x/v1"}, "answer": {"base_url": "http://x/v1"}}
    path.write_text(json.dumps({**run, "config": {"teacher": "built-in", "roles": roles}}))
    assert "stand-in" not in write_card(home, find_trained(home, FINETUNE), ADAPTER)
    assert "stand-in" in write_card(home, find_trained(home, LOOP), ADAPTER), "a loop that names no teacher"


def test_the_zip_is_loaded_by_the_four_lines_of_its_card(home, base, tmp_path, monkeypatch):
    from core.models.student import Student

    with zipfile.ZipFile(io.BytesIO(zip_adapter(home, find_trained(home, FINETUNE)))) as zip_:
        assert sorted(zip_.namelist()) == [
            "README.md", "adapter_config.json", "adapter_model.safetensors", "origin.json",
        ]  # fmt: skip
        zip_.extractall(tmp_path / "away")
    code = read_code((tmp_path / "away" / "README.md").read_text())
    assert len(code.splitlines()) == 4
    os.symlink(base, tmp_path / "away" / "my-base")  # noqa: PTH211 - "the path of your copy of the base"
    monkeypatch.chdir(tmp_path / "away")
    names = {}
    exec(code, names)
    ids = names["tokenizer"]("Tom has 3", return_tensors="pt")["input_ids"]
    mine = Student.load(base, find_trained(home, FINETUNE).folder, device="cpu").model(ids).logits
    assert names["model"](ids).logits.allclose(mine, atol=1e-4)


def test_an_export_ends_with_a_checked_model_that_its_card_loads(home, base, monkeypatch):
    config = make_export_config(home, find_trained(home, LOOP, 1))
    folder, state = carry_out(home, "export", config)
    summary = folder.read_state().summary
    assert state == "done" and find_model(home, folder) == folder.path / "model"
    assert summary["n_same_answers"] == summary["n_prompts"] == 4 and summary["dtype"] == "float32"
    assert summary["n_bytes"] == sum(path.stat().st_size for path in (folder.path / "model").iterdir())
    card = (folder.path / "model" / "README.md").read_text()
    assert "4 greedy answers of 4 are the same" in card
    monkeypatch.chdir(folder.path / "model")
    names = {}
    exec(read_code(card), names)
    assert names["model"].config.model_type == "llama"
    folder.order("again")
    assert execute(RunFolder(folder.path)) == "done", "another attempt replaces the model"


def test_a_disk_without_room_ends_it_before_it_begins(home, monkeypatch):
    monkeypatch.setattr(disk, "measure_free", lambda path: (1000, 10**9))
    with pytest.raises(RunError, match="There is no room for the merged model"):
        make_export_config(home, find_trained(home, FINETUNE))


def test_the_shell_exports_a_run_and_a_bare_adapter(home, base, adapter, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["export", FINETUNE, "--home", str(home), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "4 of 4 greedy answers the same" in said and f"model: {out} (" in said
    assert (out / "model.safetensors").is_file() and (out / "README.md").is_file()
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (bare / name).write_bytes((adapter / name).read_bytes())
    about = json.loads((bare / "adapter_config.json").read_text())
    (bare / "adapter_config.json").write_text(json.dumps({**about, "base_model_name_or_path": None}))
    for arguments, sentence in [
        ([str(bare)], "says which base it was trained on; name it by --student"),
        ([FINETUNE, "--out", str(out)], "is not empty; name a folder that is not there yet for --out"),
        (["nope"], "is neither a run of .* nor a folder with an adapter"),
        ([str(tmp_path)], "There is no LoRA adapter in"),
        ([FINETUNE, "--student", str(tmp_path / "gone")], "There is no model folder"),
    ]:
        assert main(["export", *arguments, "--home", str(home)]) == 1
        assert re.search(sentence, capsys.readouterr().err)
    elsewhere = tmp_path / "elsewhere"
    wish = ["export", str(bare), "--student", str(base), "--dtype", "bfloat16", "--home", str(elsewhere)]
    assert main([*wish, "--out", str(tmp_path / "narrow")]) == 0
    assert ", bfloat16)" in capsys.readouterr().out


# -- the hub -----------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch):
    with open_hub_server(monkeypatch) as server:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server


def list_files_with(home, text):
    return [path for path in home.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_an_adapter_is_pushed_without_paths_of_this_machine_and_without_the_token(home, hub, base, capsys):
    assert main(["push", FINETUNE, "ada/pens", "--home", str(home)]) == 0
    assert f"private: {hub.address}/ada/pens (4 files" in capsys.readouterr().out
    files = hub.repos["ada/pens"]["files"]
    assert sorted(files) == ["README.md", "adapter_config.json", "adapter_model.safetensors", "origin.json"]
    assert hub.repos["ada/pens"]["is_private"]
    for name, content in files.items():
        assert str(base.parent).encode() not in content, name
    assert json.loads(files["adapter_config.json"])["base_model_name_or_path"] == "my-base"
    assert (
        b'PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("my-base"), "ada/pens")' in files["README.md"]
    )
    assert not list_files_with(home, TOKEN)


def test_the_model_of_an_export_is_pushed(home, hub):
    exported, _ = carry_out(home, "export", make_export_config(home, find_trained(home, FINETUNE)))
    pushed, state = carry_out(home, "push", make_push_config(home, exported.run_id, "pens", is_private=False))
    assert state == "done" and pushed.read_state().summary["url"] == f"{hub.address}/ada/pens"
    repo = hub.repos["ada/pens"]
    assert not repo["is_private"] and repo["files"]["model.safetensors"]
    assert b"4 greedy answers of 4 are the same" in repo["files"]["README.md"]


def test_a_push_that_failed_goes_on_in_the_repository_that_it_made(home, hub):
    hub.faults["/commit/main"] = (500, f"You sent {TOKEN}")
    folder, state = carry_out(home, "push", make_push_config(home, FINETUNE, "ada/pens"))
    assert state == "failed" and "status 500" in folder.read_state().error
    assert not list_files_with(home, TOKEN)
    hub.faults.clear()
    folder.order("again")
    assert execute(RunFolder(folder.path)) == "done"


def test_what_cannot_be_pushed_is_said_before_a_run_is_made(home, hub, monkeypatch):
    n_runs = len(list((home / "runs").iterdir()))
    for run_id, repo, sentence in [
        (FINETUNE, "a/b/c", "cannot be the name of a repository"), (GENERATE, "ada/x", "trained nothing"),
    ]:  # fmt: skip
        with pytest.raises(RunError, match=sentence):
            make_push_config(home, run_id, repo)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(RunError, match="There is no token for the hub"):
        make_push_config(home, FINETUNE, "ada/x")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(trained.Trained, "is_whole", True)
    for ask in (lambda: make_push_config(home, FINETUNE, "ada/x"),
                lambda: zip_adapter(home, find_trained(home, FINETUNE))):  # fmt: skip
        with pytest.raises(RunError, match="All weights were trained, so there is no adapter"):
            ask()
    monkeypatch.undo()
    monkeypatch.setattr(exporting, "LARGEST_ZIP", 10)
    with pytest.raises(RunError, match="too much for a browser; copy "):
        zip_adapter(home, find_trained(home, FINETUNE))
    assert len(list((home / "runs").iterdir())) == n_runs
