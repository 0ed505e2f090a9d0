"""How a student is finetuned: one frozen record, checked when it is made, and the papers' settings by name.

It knows nothing of the trainer that carries it out.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from core.errors import TrainingError

SCHEDULES = ("linear", "cosine_with_min_lr")
"""Course of the learning rate after the warm-up: down to 0 in a line, or to ``min_learning_rate`` as a cosine."""

WEIGHTS = ("lora", "full")
"""What is trained."""

LAYERS = ("all-linear", "attention")
"""What gets an adapter: every linear layer but the output (Kessler 2025, 4.1), or the attention's alone."""

SHARED = ("weights", "seed", "max_length")
"""Fields that the training of a policy always has from the training after it."""

ADAPTER = ("rank", "alpha", "dropout", "layers")
"""Fields that say what an adapter is: they are decided where it is made."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Settings of one finetune; the defaults are for the shipped student, PRESETS has the papers'."""

    weights: str = "lora"
    """What is trained: a fresh adapter, or all weights of the model (WEIGHTS)."""

    rank: int = 32
    """Rank of the LoRA matrices (Kessler 2025, table 1); not read with all weights."""

    alpha: int = 32
    """LoRA scale; the update is multiplied by alpha / rank, so alpha = rank is a factor of 1 (Kessler 2025, 4.1)."""

    dropout: float = 0.0
    """Share of what goes into the LoRA matrices that is dropped at each step, from 0 to below 1; an adapter that is
    trained on keeps its own, and preferences drop nothing."""

    layers: str = "all-linear"
    """Which layers get LoRA matrices (LAYERS): every linear one as in the paper, or those of the attention alone."""

    learning_rate: float = 4e-4
    """Highest learning rate of Adam, reached at the end of the warm-up."""

    epochs: int = 5
    """Passes over the training rows; the best one by validation accuracy is kept."""

    batch_size: int = 24
    """Rows per optimiser step, all accumulation steps together. Kessler 2025, 4.1, has "a batch size of 24 with 2
    gradient accumulation steps", which may also mean 48 rows a step; it is read here as 24 = 2 parts of 12."""

    accumulation_steps: int = 2
    """Parts that a batch is computed in; must divide batch_size. More take less memory; the result is the same."""

    warmup: float = 0.15
    """Share of all optimiser steps over which the learning rate rises from 0 (Kessler 2025, 4.1)."""

    schedule: str = "linear"
    """How the learning rate falls (SCHEDULES); the paper uses the cosine for Game of 24."""

    min_learning_rate: float = 1e-9
    """Where the cosine ends; the line ends at 0."""

    max_grad_norm: float = 2.0
    """Gradients are scaled down to this norm (Kessler 2025, 4.1)."""

    weight_decay: float = 0.0
    """Share of each trained weight, times the learning rate, that is taken off at each step."""

    seed: int = 0
    """Decides the adapter's first values and the order of the rows."""

    max_length: int = 1024
    """Longest prompt and answer together, tokens; longer rows are left out and counted, never cut."""

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), field.type)
        for name in ("rank", "alpha", "epochs", "batch_size", "accumulation_steps", "max_length"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        require(0 < self.learning_rate <= 1, "learning_rate", self.learning_rate, "above 0 and at most 1")
        require(0 <= self.min_learning_rate <= self.learning_rate, "min_learning_rate", self.min_learning_rate,
                 "between 0 and the learning rate")  # fmt: skip
        require(0 <= self.warmup < 1, "warmup", self.warmup, "a share from 0 to below 1")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "a share from 0 to below 1")
        require(self.layers in LAYERS, "layers", self.layers, " or ".join(LAYERS))
        require(0 <= self.weight_decay <= 1, "weight_decay", self.weight_decay, "between 0 and 1")
        require(self.max_grad_norm > 0, "max_grad_norm", self.max_grad_norm, "above 0")
        require(0 <= self.seed < 2**32, "seed", self.seed, "between 0 and 4294967295")
        require(self.weights in WEIGHTS, "weights", self.weights, " or ".join(WEIGHTS))
        require(self.schedule in SCHEDULES, "schedule", self.schedule, " or ".join(SCHEDULES))
        if self.batch_size % self.accumulation_steps:
            raise TrainingError(
                f"A batch of {self.batch_size} rows cannot be computed in {self.accumulation_steps} equal parts; "
                "choose accumulation_steps that divide batch_size."
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainingConfig":
        """Return the configuration with these values and defaults for the rest; refuses names it does not know."""
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise TrainingError(f"Unknown training setting {', '.join(unknown)}; known: {', '.join(known)}.")
        return cls(**values)


ADDED = {"dropout": 0.0, "layers": "all-linear", "weight_decay": 0.0}
"""Settings that came later -> what was done before there were such."""


def list_decisive(config: TrainingConfig) -> dict[str, Any]:
    """Return the settings as what is made by them is known: without those that came later and change nothing.

    So a training that was begun before there were such settings is gone on with.
    """
    return {name: value for name, value in asdict(config).items() if name not in ADDED or value != ADDED[name]}


def _check_type(name: str, value: Any, expected: Any) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_right = {
        int: is_number and isinstance(value, int),
        float: is_number,
        str: isinstance(value, str),
    }[expected]
    if not is_right:
        noun = {int: "a whole number", float: "a number", str: "a text"}[expected]
        raise TrainingError(f"The training setting {name} must be {noun}, not {value!r}.")


def require(is_met: bool, name: str, value: Any, rule: str) -> None:
    """Raise TrainingError where a setting has a value that it cannot have."""
    if not is_met:
        raise TrainingError(f"The training setting {name} must be {rule}, not {value!r}.")


_PAPER = TrainingConfig(learning_rate=1e-4)
_COSINE = {"rank": 16, "alpha": 16, "schedule": "cosine_with_min_lr"}
_LIMO = TrainingConfig(
    weights="full",
    learning_rate=5e-6,
    epochs=15,
    batch_size=8,
    accumulation_steps=8,
    warmup=0.0,
    schedule="cosine_with_min_lr",
    min_learning_rate=0.0,
    max_grad_norm=1.0,
    max_length=16384,
)

PRESETS: Mapping[str, TrainingConfig] = {
    "tiny": TrainingConfig(),
    "tiny-dpo": TrainingConfig(epochs=3),
    "tiny-per-step-dpo": TrainingConfig(learning_rate=8e-4, epochs=3),
    "tiny-signed": TrainingConfig(learning_rate=1.6e-3),
    "tiny-signed-summed": TrainingConfig(learning_rate=2e-4),
    "tiny-game24": TrainingConfig(epochs=3, schedule="cosine_with_min_lr"),
    "gsm8k-seed": replace(_PAPER, learning_rate=1e-4, epochs=10),
    "math-seed": replace(_PAPER, learning_rate=1e-6, epochs=13),
    "prontoqa-seed": replace(_PAPER, learning_rate=1e-5, epochs=13),
    "game24-seed": replace(_PAPER, learning_rate=1e-5, epochs=13, **_COSINE),
    "gsm8k-synthetic": replace(_PAPER, learning_rate=1e-4, epochs=10),
    "math-synthetic": replace(_PAPER, rank=64, alpha=64, learning_rate=1e-4, epochs=13),
    "prontoqa-synthetic": replace(_PAPER, learning_rate=1e-5, epochs=13),
    "game24-synthetic": replace(_PAPER, learning_rate=5e-4, epochs=30, **_COSINE),
    "limo": _LIMO,
    "verbalized": replace(_LIMO, epochs=5),
    "game24-unlikelihood": replace(
        _PAPER, learning_rate=2e-5, epochs=10, batch_size=64, accumulation_steps=8, warmup=0.1,
        schedule="cosine_with_min_lr", min_learning_rate=7e-8, max_length=256,
    ),
    "preferences": replace(_PAPER, learning_rate=5e-6, epochs=1, warmup=0.1, max_grad_norm=1.0),
}  # fmt: skip
"""Names of settings. ``tiny`` and what begins with it: searched on the shipped student (docs/log.md). Those of a task:
the best that the paper found for its 7 and 8 billion parameter students, on original (seed) and on synthetic rows
(Kessler 2025, appendix B, table 1). ``limo``: LIMO's file of settings, which has 1 row per device and step and names no
number of devices, 8 are taken; ``verbalized`` the same with the 5 epochs of Zhang 2025, G.6.1.
``game24-unlikelihood``: Ni 2025. ``preferences``: a starting point for DPO with LoRA that was not measured here."""

_TINY = "the built-in student"
_7B, _8B = "7 billion parameters", "8 billion parameters"
_TABLE = "Kessler 2025, table 1"

PRESETS_FOR: Mapping[str, str] = {
    "tiny": f"{_TINY}, any task",
    "tiny-dpo": f"{_TINY}, preferences",
    "tiny-per-step-dpo": f"{_TINY}, per-step preferences",
    "tiny-signed": f"{_TINY}, signed likelihood per token",
    "tiny-signed-summed": f"{_TINY}, signed likelihood summed (no rate did better than SFT)",
    "tiny-game24": f"{_TINY}, Game of 24",
    "gsm8k-seed": f"{_7B}, GSM8K, original rows ({_TABLE})",
    "math-seed": f"{_8B}, MATH 1–3, original rows ({_TABLE})",
    "prontoqa-seed": f"{_7B}, ProntoQA, original rows ({_TABLE})",
    "game24-seed": f"{_7B}, Game of 24, original rows ({_TABLE})",
    "gsm8k-synthetic": f"{_7B}, GSM8K, synthetic rows ({_TABLE})",
    "math-synthetic": f"{_8B}, MATH 1–3, synthetic rows ({_TABLE})",
    "prontoqa-synthetic": f"{_7B}, ProntoQA, synthetic rows ({_TABLE})",
    "game24-synthetic": f"{_7B}, Game of 24, synthetic rows ({_TABLE})",
    "limo": "all weights, competition mathematics (LIMO)",
    "verbalized": "all weights, competition mathematics (Zhang 2025, G.6.1)",
    "game24-unlikelihood": "Game of 24, right and wrong answers (Ni 2025)",
    "preferences": "DPO with LoRA, a starting point that was not measured",
}
"""For whom a preset is: size of the student, task, source."""
