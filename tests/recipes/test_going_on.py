"""A finetune that goes on from an adapter: its rank is the adapter's, and before is what it starts from."""

import json

import pandas as pd
import pytest

from core.datasets import ensure_seed_set
from core.errors import ModelLoadError, RunError, TrainingError
from core.lines import read_all
from core.models.adapters import read_adapter_settings
from core.recipes.clone import CHANGEABLE
from core.recipes.clone_settings import change_field, list_settings
from core.recipes.kinds import execute
from core.recipes.start import make_finetune_config
from core.recipes.sweeping import make_cell_config, make_grid, make_sweep_config
from core.runs.folder import RunFolder
from core.training.data import TrainingRow, to_frame
from tests.models.lora import save_lora
from tests.models.tiny import save_random_student

ROWS = [TrainingRow(f"What is {i} + 2?", f"{i} + 2 = {i + 2}\nso {i + 2}", str(i + 2)) for i in range(6)]
PAIRS = [TrainingRow(row.question, row.answer, row.final, rejected="so 0") for row in ROWS]
FAST = {"epochs": 1, "batch_size": 8, "accumulation_steps": 1, "learning_rate": 0.05}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return str(save_random_student(tmp_path_factory.mktemp("student")))


@pytest.fixture(scope="module")
def first(home, student):
    """The folder of a finished finetune of rank 4, alpha 8."""
    training = {**FAST, "rank": 4, "alpha": 8}
    return carry_out(home, make_finetune_config(student, "custom", ROWS, training=training, evaluates=[]), ROWS)


@pytest.fixture(scope="module")
def adapter(home, first):
    (row,) = read_all(first.path / "records" / "adapters.jsonl")
    return row["path"]


@pytest.fixture(scope="module")
def seed_set(home, tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    for split, numbers in {"train": range(3), "validation": range(3, 4), "test": range(4, 5)}.items():
        lines = [json.dumps({"question": f"What is {n} + 9?", "answer": str(n + 9)}) for n in numbers]
        (folder / f"{split}.jsonl").write_text("\n".join(lines))
    files = {split: folder / f"{split}.jsonl" for split in ("validation", "test")}
    return ensure_seed_set(home, folder / "train.jsonl", task="custom", **files)


def carry_out(home, config, rows):
    inputs = {"rows": to_frame(rows)}
    folder = RunFolder.create(
        home, "finetune", title="t", config=config, lane="device", inputs=inputs, starts_itself=True
    )
    assert execute(folder) == "done", folder.read_state().error
    return folder


def go_on(home, student, adapter, objective="dpo", **more):
    return make_finetune_config(
        student, "custom", PAIRS, adapter=adapter, home=home, objective=objective, **{"evaluates": [], **more}
    )


def test_the_rank_is_the_adapters_in_the_plan_and_in_what_is_made(home, student, adapter):
    config = go_on(home, student, adapter, training=FAST)
    assert (config["training"]["rank"], config["training"]["alpha"]) == (4, 8) and config["policy_training"] is None
    made = carry_out(home, config, PAIRS)
    assert read_adapter_settings(made.path / "checkpoints" / "round-1" / "adapter") == {
        "rank": 4, "alpha": 8, "dropout": 0.0, "layers": "all-linear"
    }  # fmt: skip
    for objective in ("dpo", "sft"):
        with pytest.raises(
            TrainingError, match="goes on from an adapter of rank 4, which stays as it is; leave rank=16"
        ):
            go_on(home, student, adapter, objective, training={"rank": 16})
    fresh = go_on(home, student, adapter, "rft", training={"rank": 16})
    assert fresh["training"]["rank"] == 16, "the policy draws, and what is trained is a fresh adapter"
    with pytest.raises(ModelLoadError, match="no LoRA adapter in"):
        go_on(home, student, "runs/gone/adapter")


def test_an_adapter_from_elsewhere_without_a_rank_is_refused(tmp_path, student):
    save_lora(student, tmp_path / "lora")
    about = tmp_path / "lora" / "adapter_config.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "r": None}))
    with pytest.raises(ModelLoadError, match="names no rank"):
        read_adapter_settings(tmp_path / "lora")
    about.write_text(json.dumps({**json.loads(about.read_text()), "r": 4}))
    (tmp_path / "lora" / "adapter_model.safetensors").write_bytes(b"{}")
    with pytest.raises(ModelLoadError, match=r"adapter_model\.safetensors cannot be read"):
        read_adapter_settings(tmp_path / "lora")


def test_a_policy_that_is_trained_on_has_the_rank_of_the_training(student):
    training = {"rank": 16, "alpha": 16}
    config = make_finetune_config(student, "custom", PAIRS, objective="dpo", training=training)
    assert config["policy_training"]["rank"] == config["policy_training"]["alpha"] == 16
    drawn_from = make_finetune_config(student, "custom", PAIRS, objective="rft", training=training)
    assert drawn_from["policy_training"]["rank"] == 32, "it only draws, so it keeps the rank of its preset"


def test_a_sweep_over_the_rank_varies_the_policys_or_is_refused(home, student, adapter, seed_set):
    config = make_finetune_config(student, "custom", PAIRS, seed_set=seed_set, objective="dpo")
    grid = make_grid({"rank": [4, 8]}, config["training"])
    sweep = make_sweep_config(home, PAIRS, config, grid)
    cells = [make_cell_config(sweep, "sweep", cell) for cell in grid.cells]
    assert [(cell["training"]["rank"], cell["policy_training"]["rank"]) for cell in cells] == [(4, 4), (8, 8)]
    config = go_on(home, student, adapter, seed_set=seed_set)
    rates = make_grid({"learning_rate": [1e-4, 4e-4]}, config["training"])
    assert {(cell.rank, cell.alpha) for cell in rates.cells} == {(4, 8)}
    assert make_sweep_config(home, PAIRS, config, rates)["grid"]["rank"] == [4]
    for ranks in ([4, 8], [4]):  # the second would change alpha
        grid = make_grid({"rank": ranks, "learning_rate": [1e-4, 4e-4]}, config["training"])
        with pytest.raises(TrainingError, match="an adapter of rank 4 and alpha 8, which stay as they are"):
            make_sweep_config(home, PAIRS, config, grid)


def test_a_copy_changes_the_rank_where_the_adapter_is_made(home, student, adapter):
    names = CHANGEABLE["finetune"]
    config = go_on(home, student, adapter)
    assert "training.rank" not in {setting.name for setting in list_settings(config, names)}
    with pytest.raises(RunError, match="rank is that of the adapter that is trained on"):
        change_field(config, "training", "rank", 8)
    config = make_finetune_config(student, "custom", PAIRS, objective="dpo")
    shown = {setting.name for setting in list_settings(config, names)}
    assert "training.rank" in shown and "policy_training.rank" not in shown
    changed = change_field(config, "training", "rank", 8)
    assert changed["training"]["rank"] == changed["policy_training"]["rank"] == 8


def test_before_is_what_it_starts_from(home, student, adapter, seed_set):
    asked = {"seed_set": seed_set, "evaluates": ["test"], "training": FAST}
    folder = carry_out(home, go_on(home, student, adapter, "sft", **asked), ROWS)
    from_base = carry_out(home, {**folder.config, "adapter": None}, ROWS)
    started, untrained = (pd.read_parquet(run.path / "records" / "predictions") for run in (folder, from_base))
    before = started[started["student"] == "start"]["text"].tolist()
    of_base = untrained[untrained["student"] == "base"]["text"].tolist()
    assert len(before) == len(of_base) > 0 and before != of_base
