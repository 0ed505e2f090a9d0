"""How each setting of a training is shown: its label, and words in place of the values that the code has."""

import re
from typing import Any

from core.training.config import LAYERS, SCHEDULES, WEIGHTS
from core.training.objectives.preference import RIGHT_ANSWERS
from pages.components.setting_fields import PLAIN, Face, make_label

FACES = {
    "weights": Face(
        "Trains",
        WEIGHTS,
        words={"lora": "a LoRA adapter", "full": "all weights"},
    ),
    "rank": Face("LoRA rank"),
    "alpha": Face("LoRA alpha"),
    "dropout": Face("LoRA dropout"),
    "layers": Face("LoRA layers", LAYERS, words={"all-linear": "all linear ones", "attention": "attention only"}),
    "learning_rate": Face(form="%.1e"),
    "epochs": PLAIN,
    "batch_size": PLAIN,
    "accumulation_steps": Face("Parts of a batch"),
    "warmup": Face("Warm-up share"),
    "schedule": Face(options=SCHEDULES, words={"cosine_with_min_lr": "cosine"}),
    "min_learning_rate": Face("Lowest rate", form="%.1e"),
    "max_grad_norm": Face("Gradient norm, at most"),
    "weight_decay": PLAIN,
    "seed": PLAIN,
    "max_length": Face("Tokens, at most"),
    "right_answers": Face("Right answers", RIGHT_ANSWERS),
    "n_samples": Face("Answers to each"),
    "n_pairs": Face("Pairs of a problem"),
    "n_negatives": Face("Wrong ones of each"),
    "n_rollouts": Face("Continuations"),
    "most_steps": Face("Steps of each"),
    "best_of": Face("Best of"),
    "min_drop": Face("Least fall"),
    "most_per_problem": Face("Kept of each"),
    "is_normalised": Face("Mean per token"),
    "share": Face("Weight of wrong ones"),
}
"""Field of TrainingConfig or of an objective -> how it is shown."""

_SETTING = re.compile(r"The (?:training )?setting (\w+)")
"""How the core begins a sentence about one setting."""

_NAMES = re.compile(rf"(?<![\w.])(?:{'|'.join(name for name in FACES if '_' in name)})(?!\w)")


def name_field(name: str) -> str:
    """Return what the form calls a setting, as it stands within a sentence: ``parts of a batch``."""
    label = make_label(name, FACES.get(name, PLAIN))
    return label if label.startswith("LoRA") else label[0].lower() + label[1:]


def say_option(name: str, value: Any) -> Any:
    """Return a value of a setting in the words of the form; one that has none there as it is."""
    words = FACES.get(name, PLAIN).words
    return words.get(value, value) if isinstance(value, str) else value


def to_words(sentence: object) -> str:
    """Return a sentence in which settings are called as in the form: the shell names them as they are typed there."""
    said = _SETTING.sub(lambda found: _quote(found[1]), str(sentence))
    return _NAMES.sub(lambda found: _quote(found[0]), said)


def _quote(name: str) -> str:
    return f"“{make_label(name, FACES.get(name, PLAIN))}”"
