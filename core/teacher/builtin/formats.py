"""Writes instances down in the form that a prompting method asks for (Zhang 2025, Verbalized Sampling).

It knows the forms and nothing of problems: texts in, one reply out. Stated probabilities follow from a key by rules;
they measure nothing.
"""

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import TeacherError

PLAIN = ("direct", "multi_turn")
"""Forms whose reply is the one instance itself."""

STATED = {"vs_standard": "probability", "vs_cot": "probability", "vs_multi": "confidence"}
"""Form -> what is stated beside each instance."""

FORMS = (*PLAIN, "cot", "sequence", *STATED)

WHOLE_MASS = (0.35, 0.85)
"""What the stated probabilities of one reply come to together, where any instance may be given: from, to."""

BELOW_TAIL = (0.25, 0.95)
"""Share of the threshold that is stated of an instance from the tail: from, to."""

_THRESHOLD = re.compile(
    r"\b(?:below|less than|under|smaller than|lower than)\s+(\d+(?:\.\d+)?e-\d+|0?\.\d+|1(?:\.0+)?)(?![\d%])"
)
_STATED_WORD = re.compile(r"probabilit|confidence|likelihood", re.IGNORECASE)


def write_form(
    form: str, items: Sequence[str], reasoning: str, key: str, tail: float | None, schema: Mapping[str, Any] | None
) -> str:
    """Return one reply that holds the items.

    Args:
        form: one of FORMS.
        items: at least one; the plain forms and ``cot`` hold the first.
        reasoning: what ``cot`` and ``vs_cot`` say before.
        key: decides the stated probabilities.
        tail: what each stated probability has to be below; None: anything.
        schema: that of the request; a sequence is wrapped in an object where one is asked for.

    Raises:
        TeacherError: no such form.
    """
    if form in PLAIN:
        return items[0]
    if form == "cot":
        return _dump({"reasoning": reasoning, "response": items[0]})
    if form == "sequence":
        return _dump({"responses": list(items)} if schema else list(items))
    if form not in STATED:
        raise TeacherError(f"The built-in teacher cannot write in the form {form!r}; choose another teacher.")
    name = STATED[form]
    stated = state_probabilities(len(items), key, tail)
    responses = [{"text": text, name: value} for text, value in zip(items, stated, strict=True)]
    return _dump(({"reasoning": reasoning} if form == "vs_cot" else {}) | {"responses": responses})


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=None if isinstance(value, list) else 1)


def state_probabilities(n: int, key: str, tail: float | None = None) -> list[float]:
    """Return n different numbers in (0, 1) with a sum of at most 1, each below the tail threshold, from the key alone.

    They are written with three significant digits.
    """
    rng = random.Random(key)
    if tail is None:
        weights = [math.exp(rng.uniform(-1.2, 1.2)) for _ in range(n)]
        mass = rng.uniform(*WHOLE_MASS) / sum(weights)
        drawn = [weight * mass for weight in weights]
    else:
        drawn = [min(tail, 1 / n) * rng.uniform(*BELOW_TAIL) for _ in range(n)]
    stated: list[float] = []
    for value in drawn:
        place = 10 ** (math.floor(math.log10(value)) - 2)
        rounded = math.floor(value / place)
        while float(f"{rounded * place:.3g}") in stated:  # two alike would say nothing of which is likelier
            rounded -= 1
        stated.append(float(f"{rounded * place:.3g}"))
    return stated


def read_tail(*texts: str) -> float | None:
    """Return the threshold that a prompt sets for stated probabilities, in (0, 1]; None where it sets none."""
    for text in texts:
        for sentence in re.split(r"(?<=[.;:!?])\s+|\n", text):
            match = _THRESHOLD.search(sentence)
            if match and _STATED_WORD.search(sentence):
                return float(match[1])
    return None


def count_given(form: str, earlier: Sequence[tuple[str, str]], n_items: int) -> int:
    """Return how many instances the earlier turns of a chat have given."""
    if form not in STATED and form != "sequence":
        return len(earlier)
    return sum(_count_items(reply, n_items) for _, reply in earlier)


def _count_items(reply: str, n_items: int) -> int:
    """Return how many instances one reply of ours holds; ``n_items`` where it was changed on the way."""
    try:
        value = json.loads(reply)
    except ValueError:
        return n_items
    items = value.get("responses") if isinstance(value, dict) else value
    return len(items) if isinstance(items, list) else n_items
