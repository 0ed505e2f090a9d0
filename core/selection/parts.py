"""Selection from two parts of the pool: right and wrong answers, or hard and easy ones by a judge.

``incorrect`` (Lee 2024) and ``evokd`` (Liu 2024) are section C.1 of Kessler 2025; ``judge_hard`` and ``lion`` (Jiang
2023) are its section 5.3. Whoever belongs to a part is drawn at random within it.
"""

from dataclasses import dataclass

import numpy as np

from core.selection.base import SELECTORS, Pool, Selection, check_request, tie_breakers
from core.selection.order import take_parts

HARD_FROM = 1.0
"""A problem is hard where the judge puts the teacher this many points above the student, signed (Lion's code)."""


@dataclass(frozen=True, slots=True)
class PartsSelector:
    """Draws from the part that is worth more, or half from either part."""

    title: str
    needs: frozenset[str]
    parts: tuple[str, str]
    """Names of the part with the larger claim and of the other."""

    is_even: bool
    """True draws half from either part (the odd one from the first), False all from the first."""

    def __call__(self, pool: Pool, k: int, rng: np.random.Generator) -> Selection:
        """Choose k free rows; a part that runs short is topped up at random from the other, unjudged rows last.

        The choice is of sets, so there is no priority; ``group`` is the part, or ``unknown``.
        """
        check_request(pool, k, self.needs)
        group = self._divide(pool)
        first, other = self.parts
        quotas = {first: k - k // 2, other: k // 2} if self.is_even else {first: k}
        indices, n_topped_up = take_parts(
            pool, group, quotas, [*reversed(self.parts), "unknown"], tie_breakers(pool, rng)
        )
        counts = {part: int((pool.is_free & (group == part)).sum()) for part in self.parts}
        n_by_quota = k - n_topped_up
        reasons = [
            f"{_DESCRIBED[group[row]]}, one of {counts[group[row]]:,}"
            if place < n_by_quota
            else f"{_DESCRIBED[group[row]]}; drawn at random because {self._say_short(quotas, counts)}"
            for place, row in enumerate(indices)
        ]
        return Selection(indices, None, group, reasons, n_topped_up)

    def _divide(self, pool: Pool) -> np.ndarray:
        """Return the part of each row, (n,) str."""
        (signal,) = self.needs
        value = np.asarray(pool.signals[signal], dtype=np.float64)
        is_first = value < 0.5 if signal == "correct" else value >= HARD_FROM
        return np.where(np.isnan(value), "unknown", np.where(is_first, *self.parts))

    def _say_short(self, quotas: dict[str, int], counts: dict[str, int]) -> str:
        short = [part for part, quota in quotas.items() if counts[part] < quota]
        return " and ".join(f"only {counts[part]:,} are {part}" for part in short)


_DESCRIBED = {
    "correct": "answered correctly",
    "incorrect": "answered wrongly",
    "hard": "hard: the judge prefers the teacher's answer",
    "easy": "easy: the judge sees the student level with the teacher",
    "unknown": "not judged",
}
_ANSWERS = (frozenset({"correct"}), ("incorrect", "correct"))
_JUDGED = (frozenset({"judge"}), ("hard", "easy"))

SELECTORS.register("judge_hard")(PartsSelector("Judged hard: the teacher's answer is much better", *_JUDGED, False))
SELECTORS.register("lion")(PartsSelector("Lion: half judged hard, half judged easy", *_JUDGED, True))
SELECTORS.register("incorrect")(PartsSelector("Incorrect: at random from what the student got wrong", *_ANSWERS, False))
SELECTORS.register("evokd")(PartsSelector("EvoKD: half answered wrongly, half correctly", *_ANSWERS, True))
