"""Sweeps: the grid, the runs that share all but a cell, what is told to all of them, and the verb of the shell."""

import json
import re
from dataclasses import asdict

import pytest

from core.__main__ import main
from core.datasets import ensure_seed_set
from core.errors import RunError, TrainingError
from core.hub import Hub
from core.recipes import sweeping
from core.recipes.start import make_finetune_config
from core.recipes.sweeping import make_grid, start_sweep
from core.runs.folder import RunFolder
from core.settings import Settings
from core.training.config import TrainingConfig
from core.training.data import TrainingRow, from_frame, hash_rows
from tests.models.tiny import save_random_student

ROWS = [TrainingRow(f"What is {n} + {n}?", f"#### {2 * n}", str(2 * n)) for n in range(2, 8)]


# -- the grid ----------------------------------------------------------------------------------------------------


def test_every_combination_is_a_cell_and_alpha_follows_the_rank():
    base = TrainingConfig(rank=16, alpha=16, seed=3, batch_size=8)
    grid = make_grid({"learning_rate": [4e-4, 1e-4, 4e-4], "rank": [32, 8], "epochs": []}, base)
    assert grid.values == {"learning_rate": (1e-4, 4e-4), "rank": (8, 32), "epochs": (5,)}
    assert grid.n_repeated == 1
    assert [(cell.learning_rate, cell.rank, cell.alpha, cell.epochs) for cell in grid.cells] == [
        (1e-4, 8, 8, 5), (4e-4, 8, 8, 5), (1e-4, 32, 32, 5), (4e-4, 32, 32, 5),
    ]  # fmt: skip
    assert {(cell.seed, cell.batch_size) for cell in grid.cells} == {(3, 8)}
    assert {cell.alpha for cell in make_grid({"rank": [8, 32]}, base, alpha=64).cells} == {64}


@pytest.mark.parametrize(
    ("values", "training", "sentence"),
    [
        ({"learning_rate": [n / 1000 for n in range(1, 22)], "epochs": range(1, 11)}, {}, "21 × 1 × 10 = 210 runs"),
        ({"seed": [1, 2]}, {}, "cannot vary seed; known: learning_rate, rank, epochs"),
        ({"rank": [8, 0]}, {}, "rank must be at least 1"),
        ({"learning_rate": [2.0]}, {}, "learning_rate must be above 0 and at most 1"),
        ({"rank": [8, 16]}, {"weights": "full"}, "The rank is not read where all weights are trained"),
    ],
)
def test_a_grid_that_cannot_be_tried_is_refused_in_one_sentence(values, training, sentence):
    with pytest.raises(TrainingError, match=sentence):
        make_grid(values, training)


# -- the runs ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    hub = Hub(Settings(home=home, device_slots=0, light_slots=0), is_threaded=False)
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def sweep(hub, seed_files):
    """A sweep whose runs wait; the last tests here let them go on."""
    files = {split: seed_files[split] for split in ("validation", "test")}
    seed_set = ensure_seed_set(hub.settings.home, seed_files["train"], **files)
    hub.step()
    config = make_finetune_config("tiny", "word_problems", ROWS, seed_set=seed_set, seed_set_name="small", parts={})
    grid = make_grid({"learning_rate": [1e-4, 4e-4], "epochs": [1, 2]}, config["training"])
    return start_sweep(hub, ROWS, config, grid)


def test_the_runs_of_a_sweep_differ_in_their_cell_alone_and_never_look_at_test_problems(hub, sweep):
    folder = RunFolder(hub.settings.home / "runs" / sweep)
    assert folder.read_state().state == "done"
    made = hub.store.list_sweep_runs(sweep)
    assert folder.read_state().summary == {"runs": made["run_id"].tolist(), "n_runs": 4}
    configs = [RunFolder(hub.settings.home / "runs" / id_).config for id_ in made["run_id"]]
    assert {config["parent"] for config in configs} == {sweep}
    assert all(config["evaluates"] == [] for config in configs)
    assert {config["rows_hash"] for config in configs} == {hash_rows(ROWS)}
    assert from_frame(RunFolder(hub.settings.home / "runs" / made["run_id"][0]).read_input("rows")) == ROWS
    rest = [{**config, "training": None} for config in configs]
    assert all(each == rest[0] for each in rest) and "grid" not in rest[0]
    varied = {name for name in configs[0]["training"] if len({config["training"][name] for config in configs}) > 1}
    assert varied == {"learning_rate", "epochs"}
    (row,) = hub.store.list_sweeps().to_dict("records")
    assert (row["n_runs"], row["n_done"], row["n_failed"], row["n_left"]) == (4, 0, 0, 4)
    assert {end.kind for end in hub.ends.list_after(0)} == {"import"}, "that a sweep was made is no news"
    assert folder.config["n_validation"] == 15 and folder.config["grid"]["epochs"] == [1, 2]
    cells = sweeping.read_cells(hub, sweep, 15)
    assert set(cells["state"]) == {"queued"} and cells["accuracy"].isna().all()


def test_a_sweep_itself_is_repeated_by_nobody(hub, sweep):
    for tell in (lambda: hub.order(sweep, "again"), lambda: hub.clone(sweep, {})):
        with pytest.raises(RunError, match="is a sweep, which only holds others together"):
            tell()


def test_without_validation_problems_or_with_one_cell_there_is_nothing_to_choose(hub, sweep):
    config = RunFolder(hub.settings.home / "runs" / sweep).config
    grid = make_grid({"epochs": [1, 2]}, config["training"])
    with pytest.raises(TrainingError, match="chooses by the validation problems, and there are none"):
        start_sweep(hub, ROWS, {**config, "seed_set": None}, grid)
    with pytest.raises(TrainingError, match="is a single run"):
        start_sweep(hub, ROWS, config, make_grid({}, config["training"]))
    assert len(hub.store.list_sweeps()) == 1


def test_a_cell_comes_back_as_the_settings_that_it_was_made_from(hub, sweep):
    config = RunFolder(hub.settings.home / "runs" / sweep).config
    cells = [TrainingConfig.from_dict(cell) for cell in config["cells"]]
    trained = [run.config["training"] for run in sweeping.find_runs(hub.settings.home, sweep)]
    assert sorted(map(str, map(asdict, cells))) == sorted(map(str, trained))


def test_what_it_takes_is_told_by_an_earlier_run_of_the_same_kind(hub, sweep):
    config = RunFolder(hub.settings.home / "runs" / sweep).config
    grid = make_grid({"epochs": [2, 4]}, config["training"])
    assert sweeping.estimate_sweep_seconds(hub, config, grid, 6) is None
    first = RunFolder(hub.settings.home / "runs" / hub.store.list_sweep_runs(sweep)["run_id"][0])
    with first.hold():
        first.finish("done", {"validation_accuracy": 0.4, "best_epoch": 1.0, "seconds": 3.0, "n_rows": 6})
    hub.step()
    epochs = first.config["training"]["epochs"]
    seconds = sweeping.estimate_sweep_seconds(hub, config, grid, 12)
    assert seconds == pytest.approx(3.0 * 12 * 6 / (6 * epochs), abs=1), "rows times epochs, 2 + 4 of them"
    assert sweeping.estimate_sweep_seconds(hub, {**config, "adapter": "runs/x/adapter"}, grid, 12) is None
    assert sweeping.estimate_sweep_seconds(hub, {**config, "objective": "dpo"}, grid, 12) is None
    small, large = (sweeping.estimate_sweep_bytes(config, make_grid({"rank": ranks}, config["training"]))
                    for ranks in ([8, 16], [8, 16, 64]))  # fmt: skip
    assert small < large and sweeping.estimate_sweep_bytes({"student": "owner/name"}, grid) is None


def test_when_one_is_done_the_others_are_cancelled_and_resumed_together(hub, sweep):
    assert sweeping.cancel_sweep(hub, sweep) == 3 and sweeping.cancel_sweep(hub, sweep) == 0
    row = hub.store.list_sweeps().iloc[0]
    assert (row["n_done"], row["n_failed"], row["n_left"]) == (1, 3, 0)
    assert sweeping.resume_sweep(hub, sweep) == 3
    assert sorted(hub.store.list_sweep_runs(sweep)["state"]) == ["done", "queued", "queued", "queued"]
    assert sweeping.read_cells(hub, sweep, 15)["accuracy"].dropna().tolist() == [0.4]


# -- the shell ---------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path, seed_files):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"question": row.question, "answer": row.answer}) + "\n" for row in ROWS))
    validation = tmp_path / "validation.jsonl"
    validation.write_text("\n".join(seed_files["validation"].read_text().splitlines()[:2]) + "\n")
    return {"rows": rows, "validation": validation, "student": save_random_student(tmp_path / "base")}


def test_the_shell_runs_every_cell_prints_the_best_and_goes_on_where_it_was_stopped(files, tmp_path, capsys):
    home = tmp_path / "home"
    given = [argument for name, path in files.items() for argument in (f"--{name}", str(path))]
    wish = ["sweep", *given, "--home", str(home), "--set", "batch_size=6", "--set", "accumulation_steps=1"]
    assert main([*wish, "--grid", "learning_rate=1e-4,4e-4,4e-4", "rank=4", "epochs=1"]) == 0
    said = capsys.readouterr().out
    assert "2 runs (2 learning rate × 1 rank × 1 epochs); 1 repeated value left out: 6 rows each, seed 0" in said
    assert "chosen by 2 validation problems; test problems are not looked at" in said
    assert len(re.findall("^ +1 +4 +0.000[14] .* done", said, re.MULTILINE)) == 2
    assert "best of 2 of 2 runs: learning rate" in said and said.count("  best\n") == 1
    assert re.search(r"train with them: --set learning_rate=0.000[14] --set rank=4 --set epochs=1 --set alpha=4", said)
    sweep = next(path.name for path in (home / "runs").glob("*-sweep-*"))
    runs = sweeping.find_runs(home, sweep)
    assert [run.config["evaluates"] for run in runs] == [[], []]
    (runs[1].path / "result.json").unlink()  # as if its process had been killed
    assert main(["sweep", "--resume", sweep, "--home", str(home)]) == 0
    said = capsys.readouterr().out
    assert f"run {runs[1].run_id}" in said and "1 of 1: learning rate" in said
    assert len(sweeping.find_runs(home, sweep)) == 2
    assert RunFolder(home / "runs" / sweep).read_state().summary["n_runs"] == 2


def test_what_the_shell_cannot_try_is_said_before_anything_runs(files, tmp_path, capsys):
    given = ["--rows", str(files["rows"]), "--home", str(tmp_path / "home")]
    held_out = ["--validation", str(files["validation"])]
    for arguments, sentence in [
        ([*given, "--grid", "lr=1"], "NAME one of learning_rate, rank, epochs, not 'lr=1'"),
        ([*given, "--grid", "rank=a"], "Write rank as whole numbers with a comma between two of them, not 'a'"),
        ([*given, "--grid", "rank=4,8"], "chooses by the validation problems, and there are none"),
        ([*given, *held_out, "--grid", "rank=4"], "is a single run"),
        ([*given, *held_out, "--grid", "rank=4,8", "--set", "alpha=4"], "Give alpha by --alpha"),
        (["--home", str(tmp_path / "home")], "Name the rows by --rows and what to try by --grid"),
        (["--resume", "nope", "--home", str(tmp_path / "home")], "is not a run folder"),
    ]:
        assert main(["sweep", *arguments]) == 1
        assert sentence in capsys.readouterr().err
    assert not list((tmp_path / "home" / "runs").glob("*-sweep-*"))
