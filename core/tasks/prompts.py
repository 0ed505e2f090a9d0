r"""The prompt texts, one file each under ``core/generation/prompts``, and how they are filled.

A file begins with its version, its source and the slots that it cannot be without, then ``---``, then the text. A slot
is a lower-case name in braces that no letter stands before, so that ``\boxed{answer}`` is none. Nothing here knows what
a prompt says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.errors import PromptError

PROMPTS = Path(__file__).resolve().parent.parent / "generation" / "prompts"

SLOT = re.compile(r"(?<![A-Za-z])\{([a-z][a-z_0-9]*)\}")


@dataclass(frozen=True, slots=True)
class PromptText:
    """One prompt as it is shipped."""

    name: str
    version: str
    source: str
    """Where the request is from: paper and section, or what we made of it."""

    needs: tuple[str, ...]
    """Slots that no edited text may lack."""

    text: str

    @property
    def slots(self) -> tuple[str, ...]:
        """Slots that have a value when the prompt is filled, in the order of the text."""
        return tuple(dict.fromkeys([*find_slots(self.text), *self.needs]))


def find_slots(text: str) -> list[str]:
    """Return the names of the slots in a text, in order, each once."""
    return list(dict.fromkeys(SLOT.findall(text)))


@lru_cache(maxsize=128)
def read_prompt_file(name: str) -> PromptText:
    """Return a shipped prompt; raises FileNotFoundError where there is none of that name."""
    head, _, text = (PROMPTS / f"{name}.txt").read_text(encoding="utf-8").partition("\n---\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    needs = tuple(slot for slot in fields.get("needs", "").split(", ") if slot)
    return PromptText(name, fields["version"], fields["source"], needs, text.rstrip("\n"))


def read_prompt(name: str) -> str:
    """Return the text of one shipped prompt, without the line end that closes the file."""
    return read_prompt_file(name).text


def fill_text(text: str, values: Mapping[str, str]) -> str:
    """Return the text with every slot of ``values`` replaced, in one pass: values may hold braces."""
    return SLOT.sub(lambda match: values.get(match[1], match[0]), text)


def fill_prompt(name: str, values: Mapping[str, str]) -> str:
    """Return a shipped prompt with its slots replaced."""
    return fill_text(read_prompt(name), values)


def check_text(text: str, needs: tuple[str, ...], known: tuple[str, ...], title: str) -> None:
    """Raise PromptError where a text lacks a slot that it needs, or has one that nothing fills."""
    found = find_slots(text)
    if missing := [slot for slot in needs if slot not in found]:
        raise PromptError(f"The prompt {title} lacks {_word(missing)}; put it where the text of the seed belongs.")
    if unknown := [slot for slot in found if slot not in known]:
        raise PromptError(
            f"The prompt {title} has {_word(unknown)}, which nothing fills; known are {_word(list(known))}. "
            "A brace that is meant as it stands needs a blank behind it."
        )


def _word(slots: list[str]) -> str:
    return ", ".join(f"{{{slot}}}" for slot in slots)


class Prompts:
    """The prompt texts of one run: those shipped, with a person's edits.

    Args:
        edited: name -> text in place of the shipped one; raises PromptError for one that cannot be filled.
    """

    def __init__(self, edited: Mapping[str, str] | None = None):
        self._edited = {name: text for name, text in (edited or {}).items() if text != read_prompt(name)}
        for name, text in self._edited.items():
            shipped = read_prompt_file(name)
            check_text(text, shipped.needs, shipped.slots, name)

    def read(self, name: str) -> str:
        """Return the text of a prompt."""
        return self._edited[name] if name in self._edited else read_prompt(name)

    def fill(self, name: str, values: Mapping[str, str]) -> str:
        """Return a prompt with its slots replaced."""
        return fill_text(self.read(name), values)

    def freeze(self, names: tuple[str, ...]) -> dict[str, dict[str, str]]:
        """Return name -> ``version`` and ``text`` of these prompts, as a run keeps them; an edit is marked."""
        frozen = {}
        for name in names:
            mark = ", edited" if name in self._edited else ""
            frozen[name] = {"version": read_prompt_file(name).version + mark, "text": self.read(name)}
        return frozen


SHIPPED = Prompts()
"""The prompts as they are shipped."""
