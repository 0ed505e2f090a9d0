"""Selection of problems that the student answered wrongly (Kessler 2025, section 4.1, ``incorrect``)."""

from dataclasses import dataclass

import numpy as np

from core.selection.base import SELECTORS, Pool, Selection, check_request, tie_breakers


@dataclass(frozen=True, slots=True)
class IncorrectSelector:
    """Draws k problems at random from the wrong ones, and fills up from the rest where these are too few."""

    title: str = "Incorrect: at random from what the student got wrong"
    needs: frozenset[str] = frozenset({"correct"})

    def __call__(self, pool: Pool, k: int, rng: np.random.Generator) -> Selection:
        """Choose k free rows: wrong ones first, each alike likely, then others, unjudged ones last.

        The choice is of sets, so there is no priority; ``group`` is incorrect, correct or unknown.
        """
        check_request(pool, k, self.needs)
        correct = np.asarray(pool.signals["correct"], dtype=np.float64)
        is_wrong = correct < 0.5
        group = np.where(np.isnan(correct), "unknown", np.where(is_wrong, "incorrect", "correct"))
        part = np.select([group == "incorrect", group == "correct"], [0, 1], 2)
        free = np.flatnonzero(pool.is_free)
        lots = tie_breakers(pool, rng)
        indices = free[np.lexsort((lots[free], part[free]))][:k].astype(np.int64)
        n_wrong = int((is_wrong & pool.is_free).sum())
        reasons = [
            f"answered wrongly, one of {n_wrong:,}"
            if is_wrong[row]
            else f"{_DESCRIBED[group[row]]}; drawn at random because only {n_wrong:,} were answered wrongly"
            for row in indices
        ]
        return Selection(indices, None, group, reasons, max(0, k - n_wrong))


_DESCRIBED = {"correct": "answered correctly", "unknown": "not judged"}

SELECTORS.register("incorrect")(IncorrectSelector())
