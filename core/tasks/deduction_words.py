"""Words for deduction puzzles: invented kinds, everyday qualities, names, each in a part that only the ood test uses.

The kinds are made of syllables so that no word knowledge helps; they mean nothing in English. This file knows nothing
of sentences or puzzles.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

# fmt: off
ONSETS = (
    "b", "bl", "br", "d", "dr", "f", "fl", "g", "gl", "gr", "k", "kr", "l", "m", "n", "p", "pl", "r", "sk",
    "sn", "t", "tr", "v", "z",
)
MIDDLES = ("ab", "ar", "eb", "ev", "ig", "ip", "od", "ol", "um", "uv")
ENDINGS = ("bert", "dal", "gan", "kin", "lor", "mip", "net", "rit", "vep", "zon")

QUALITIES = (
    "amber", "brisk", "calm", "clever", "coarse", "crisp", "damp", "dense", "eager", "faint", "fierce",
    "frail", "gentle", "glossy", "hollow", "humble", "icy", "jolly", "keen", "lazy", "lively", "lofty",
    "merry", "mild", "muddy", "narrow", "noisy", "pale", "plain", "polite", "proud", "quick", "quiet",
    "rigid", "rough", "rusty", "salty", "shiny", "silent", "sleepy", "smooth", "stiff", "sturdy", "sticky",
    "swift", "tall", "tame", "thin", "tiny", "vivid", "warm", "wary", "wild", "witty",
)
NAMES = (
    "Ada", "Boris", "Carla", "Dario", "Edith", "Farid", "Greta", "Hugo", "Ingrid", "Jonas", "Kira", "Lionel",
    "Mona", "Nils", "Olga", "Pavel", "Quinn", "Rosa", "Simon", "Tilda", "Uma", "Viktor", "Wanda", "Yusuf",
    "Zora", "Anton", "Bella", "Cyril", "Dora", "Emil", "Frida", "Gustav", "Hanna", "Igor", "Judith", "Klaus",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words that one set of puzzles is made of."""

    kinds: tuple[str, ...]
    qualities: tuple[str, ...]
    names: tuple[str, ...]


def invent_kinds(n: int) -> list[str]:
    """Return n distinct invented nouns, always the same ones in the same order; n at most 2,400."""
    words = ["".join(parts) for parts in product(ONSETS, MIDDLES, ENDINGS)]
    order = np.random.default_rng(7).permutation(len(words))
    return [words[i] for i in order[:n]]


_KINDS = invent_kinds(460)

KNOWN = Vocabulary(tuple(_KINDS[:120]), tuple(QUALITIES[:42]), tuple(NAMES[:28]))
"""Train, validation and test puzzles."""

UNSEEN = Vocabulary(tuple(_KINDS[120:160]), tuple(QUALITIES[42:]), tuple(NAMES[28:]))
"""The ood puzzles alone."""

WIDE = Vocabulary(tuple(_KINDS[:120] + _KINDS[160:]), tuple(QUALITIES[:42]), tuple(NAMES[:28]))
"""What a rewriter may use: everything but the ood words."""
