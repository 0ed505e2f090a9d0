import pytest

from core.errors import TrainingError
from core.training.config import PRESETS, TrainingConfig


def test_the_papers_settings_have_alpha_equal_to_rank_and_a_batch_of_24():
    names = [f"{task}-{rows}" for task in ("gsm8k", "math", "prontoqa", "game24") for rows in ("seed", "synthetic")]
    for config in [PRESETS["tiny"], *(PRESETS[name] for name in names)]:
        assert (config.alpha, config.batch_size, config.max_grad_norm, config.warmup) == (config.rank, 24, 2.0, 0.15)
    game = PRESETS["game24-synthetic"]
    assert (game.rank, game.learning_rate, game.epochs, game.schedule) == (16, 5e-4, 30, "cosine_with_min_lr")
    assert (PRESETS["math-synthetic"].rank, PRESETS["math-seed"].learning_rate) == (64, 1e-6)


def test_from_dict_takes_what_it_knows_and_names_what_it_does_not():
    assert TrainingConfig.from_dict({}) == TrainingConfig()
    assert TrainingConfig.from_dict({"rank": 8, "learning_rate": 1}).rank == 8
    with pytest.raises(TrainingError, match=r"Unknown training setting lr, ranks; known: weights, rank, alpha"):
        TrainingConfig.from_dict({"ranks": 8, "lr": 1e-3})


@pytest.mark.parametrize(
    "values",
    [
        {"rank": 0},
        {"rank": 8.0},
        {"rank": True},
        {"epochs": -1},
        {"learning_rate": 0},
        {"learning_rate": 2.0},
        {"learning_rate": "1e-3"},
        {"learning_rate": float("nan")},
        {"warmup": 1.0},
        {"warmup": -0.1},
        {"schedule": "constant"},
        {"max_grad_norm": 0},
        {"batch_size": 24, "accumulation_steps": 5},
        {"min_learning_rate": 1e-2},
        {"seed": -1},
        {"max_length": 0},
        {"epochs": None},
        {"weights": "half"},
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(values):
    with pytest.raises(TrainingError) as refused:
        TrainingConfig.from_dict(values)
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)


def test_a_finetune_of_one_step_has_no_warm_up_that_would_swallow_it(tmp_path):
    from trl import SFTConfig

    from core.models.student import Student
    from core.training.trainer import make_arguments

    student = Student.load("tiny", device="cpu")
    config = TrainingConfig.from_dict({"epochs": 1, "batch_size": 24, "accumulation_steps": 2, "warmup": 0.15})
    assert make_arguments(SFTConfig, student, config, tmp_path, 10, {}).warmup_steps == 0
    assert make_arguments(SFTConfig, student, config, tmp_path, 240, {}).warmup_steps == 0.15
