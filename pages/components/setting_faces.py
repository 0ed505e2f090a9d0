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
    "rank": Face("LoRA rank", least=1),
    "alpha": Face("LoRA alpha", least=1),
    "dropout": Face("LoRA dropout", least=0.0, most=0.99),
    "layers": Face("LoRA layers", LAYERS, words={"all-linear": "all linear ones", "attention": "attention only"}),
    "learning_rate": Face(least=1e-9, most=1.0, form="%.1e"),
    "epochs": Face(least=1),
    "batch_size": Face(least=1),
    "accumulation_steps": Face("Parts of a batch", least=1),
    "warmup": Face("Warm-up share", least=0.0, most=0.99),
    "schedule": Face(options=SCHEDULES, words={"cosine_with_min_lr": "cosine"}),
    "min_learning_rate": Face("Lowest rate", least=0.0, most=1.0, form="%.1e"),
    "max_grad_norm": Face("Gradient norm, at most", least=0.01),
    "weight_decay": Face(least=0.0, most=1.0),
    "seed": Face(least=0, most=2**32 - 1),
    "max_length": Face("Tokens, at most", least=1),
    "right_answers": Face("Right answers", RIGHT_ANSWERS),
    "n_samples": Face("Answers to each", least=1),
    "n_pairs": Face("Pairs of a problem", least=1),
    "n_negatives": Face("Wrong ones of each", least=1),
    "n_rollouts": Face("Continuations", least=1),
    "most_steps": Face("Steps of each", least=1),
    "best_of": Face("Best of", least=1),
    "min_drop": Face("Least fall", most=1.0),
    "most_per_problem": Face("Kept of each", least=1),
    "is_normalised": Face("Mean per token"),
    "share": Face("Weight of wrong ones", most=0.99),
}
"""Field of TrainingConfig or of an objective -> how it is shown."""

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
    return _NAMES.sub(lambda found: f"“{make_label(found.group(), FACES[found.group()])}”", str(sentence))
