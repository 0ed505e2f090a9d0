r"""The prompt texts, one file each under ``core/generation/prompts``, and how they are filled.

Nothing here knows what a prompt says: a slot is a name in braces, and only the slots that are given are replaced, so
that ``\boxed{answer}`` in a prompt stays as it is.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

PROMPTS = Path(__file__).resolve().parent.parent / "generation" / "prompts"


@lru_cache(maxsize=64)
def read_prompt(name: str) -> str:
    """Return the text of one prompt file, without the line end that closes the file."""
    return (PROMPTS / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")


def fill_prompt(name: str, values: Mapping[str, str]) -> str:
    """Return the prompt with every ``{slot}`` of ``values`` replaced, in one pass: values may hold braces."""
    slots = "|".join(re.escape(slot) for slot in values)
    return re.sub(r"(?<!\\boxed)\{(" + slots + r")\}", lambda match: values[match.group(1)], read_prompt(name))
