"""A validation part of a dataset that shares no seed and no question with the rest of it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from core.errors import RunError
from core.exporting.base import TRAIN, VALIDATION, ExportRow


class _Families:
    """Names that belong together, found by joining two at a time."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def find(self, name: str) -> str:
        while (above := self._above.get(name, name)) != name:
            self._above[name] = self._above.get(above, above)
            name = above
        return name

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.find(one), self.find(other)))  # the name of a family depends on its members alone
        self._above[second] = first


def split_families(
    rows: Sequence[ExportRow], share: float, lineage: Mapping[str, Iterable[str]] | None = None
) -> list[str]:
    """Return ``train`` or ``validation`` for each row, the same for the same rows in any order.

    Rows of one seed, of parents that share one, or with the same question are all in one part. Families are taken into
    validation by lot until it has the share that was asked for, or as near to it as whole families allow from below.

    Args:
        rows: with ``parents`` in ``about``.
        share: of the rows that are wanted in validation, from 0 up to but not 1.
        lineage: id of a candidate that others grew from -> its own parents.

    Raises:
        RunError: the share is none.
    """
    if not 0 <= share < 1:
        raise RunError(f"The share of validation is from 0 up to 1, not {share:g}.")
    families = _Families()
    for child, parents in (lineage or {}).items():
        for parent in parents:
            families.join(child, parent)
    for row in rows:
        candidate = row.id.rpartition("/")[2]
        for kin in (*(row.about.get("parents") or ()), f"question {' '.join((row.question or '').split()).lower()}"):
            families.join(candidate, kin)
    of_row = [families.find(row.id.rpartition("/")[2]) for row in rows]
    sizes: dict[str, int] = {}
    for family in of_row:
        sizes[family] = sizes.get(family, 0) + 1
    held, n_left = set(), int(share * len(rows))
    for family in sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).digest()):
        if sizes[family] <= n_left:
            held.add(family)
            n_left -= sizes[family]
    return [VALIDATION if family in held else TRAIN for family in of_row]
