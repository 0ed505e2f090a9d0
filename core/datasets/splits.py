"""Set test and validation problems aside where no files for them were given.

The hash of a problem decides, so one more row in the file moves hardly any other, and equal split keys (the same words
in another case, two solutions of one Game of 24) never fall into different splits. It knows nothing of files or tasks.
"""

import hashlib
from collections.abc import Sequence

SHARE = 0.1
"""Part of the problems that test and validation get each, at most."""

LIMITS = {"test": 300, "validation": 200}
"""Problems that are enough for each, however many there are."""


def draw_splits(keys: Sequence[str], wanted: Sequence[str], seed: int) -> list[str]:
    """Return the split of each row.

    Args:
        keys: (n,) split key of each row.
        wanted: which of ``test`` and ``validation`` are to be drawn; the rest is ``train``.
        seed: another seed draws other rows.
    """
    groups: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        groups.setdefault(key, []).append(row)
    order = sorted(groups, key=lambda key: hashlib.sha256(f"{seed}\n{key}".encode()).digest())
    splits = ["train"] * len(keys)
    for split in (name for name in LIMITS if name in wanted):
        n_left = min(int(len(keys) * SHARE), LIMITS[split])
        for key in order:
            rows = groups[key]
            if len(rows) <= n_left and splits[rows[0]] == "train":  # a group is taken whole or not at all
                n_left -= len(rows)
                for row in rows:
                    splits[row] = split
    return splits


def describe_splits(given: Sequence[str], drawn: Sequence[str], splits: Sequence[str], seed: int) -> str:
    """Say in one sentence where test and validation come from.

    Args:
        given: splits that came in files of their own.
        drawn: splits that were to be drawn from the train rows.
        splits: (n,) what each train row became.
        seed: that they were drawn with.
    """
    texts = []
    if given:
        texts.append(f"{join_names(given)} problems are those of their own files".capitalize())
    if drawn:
        counts = join_names([f"{splits.count(name):,} {name}" for name in drawn])
        texts.append(f"{counts} problems were drawn from {len(splits):,} by a hash of the problem (seed {seed})")
    return "; ".join(texts) + "."


def join_names(names: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
