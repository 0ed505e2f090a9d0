"""Selection of vectors that are long and far from one another: BADGE, and its like with the question's meaning.

BADGE (Ash 2020; Kessler 2025, section 4.1) takes each problem as the gradient of the answer's loss with respect to
the output head, and draws by k-means++: a long gradient means an uncertain answer, another direction another kind of
uncertainty.
"""

from dataclasses import dataclass

import numpy as np

from core.selection.base import SELECTORS, Pool, Selection, check_request, tie_breakers
from core.selection.order import fill_up, say_value
from core.selection.seeding import seed_by_distance


def take_far_apart(pool: Pool, vectors: np.ndarray, k: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Return k free rows: the longest vector, then each by its squared distance to the nearest one chosen.

    Rows whose vector is unknown (NaN) only fill up, at random. The order of the pool does not matter.

    Returns:
        (k,) int64 rows in the order of choice, and how many of them were filled up.
    """
    lots = tie_breakers(pool, rng)
    is_known = np.isfinite(vectors).all(axis=1)
    known = np.flatnonzero(pool.is_free & is_known)
    known = known[np.argsort(pool.problem_ids[known], kind="stable")]
    chosen = known[seed_by_distance(vectors[known], min(k, len(known)), rng)] if len(known) else known
    drawn = fill_up(np.flatnonzero(pool.is_free & ~is_known), lots, k - len(chosen))
    return np.concatenate([chosen, drawn]).astype(np.int64), len(drawn)


@dataclass(frozen=True, slots=True)
class BadgeSelector:
    """Draws problems whose output-head gradients are long and differ."""

    title: str
    vector: str
    """Name of the gradient: of the student's own answer, or of the reference."""

    @property
    def needs(self) -> frozenset[str]:
        """The gradient alone."""
        return frozenset({self.vector})

    def __call__(self, pool: Pool, k: int, rng: np.random.Generator) -> Selection:
        """Choose k free rows by k-means++ over the gradients; the choice is of a set, so there is no priority."""
        check_request(pool, k, self.needs)
        gradients = pool.vectors[self.vector]
        indices, n_topped_up = take_far_apart(pool, gradients, k, rng)
        lengths = np.linalg.norm(gradients[indices], axis=1)
        reasons = [
            f"gradient of length {say_value(length)}, " + ("drawn far from those before it" if place else "the longest")
            for place, length in enumerate(lengths[: k - n_topped_up])
        ]
        reasons += [f"no gradient known; drawn at random because only {k - n_topped_up:,} have one"] * n_topped_up
        return Selection(indices, None, None, reasons, n_topped_up)


@dataclass(frozen=True, slots=True)
class LossSpreadSelector:
    """Draws hard problems that ask for different things. Ours, not the paper's.

    BADGE with the gradient replaced by the meaning of the question: the direction is that of its embedding, the
    length is the loss of the student's own answer. So a problem is drawn because it is hard, and not again what was
    drawn before; it needs no weights, and long answers do not drown short ones.
    """

    title: str = "Loss spread: hard for the student, and each about something else"
    needs: frozenset[str] = frozenset({"loss", "embedding"})

    def __call__(self, pool: Pool, k: int, rng: np.random.Generator) -> Selection:
        """Choose k free rows by k-means++ over loss-long question embeddings; there is no priority."""
        check_request(pool, k, self.needs)
        loss = np.asarray(pool.signals["loss"], dtype=np.float64)
        indices, n_topped_up = take_far_apart(
            pool, pool.vectors["embedding"] * loss[:, None].astype(np.float32), k, rng
        )
        reasons = [
            f"loss {say_value(loss[row])}, "
            + ("drawn far from those before it, hard or new" if place else "the highest")
            for place, row in enumerate(indices[: k - n_topped_up])
        ]
        reasons += [
            f"no loss or embedding known; drawn at random because only {k - n_topped_up:,} have both"
        ] * n_topped_up
        return Selection(indices, None, None, reasons, n_topped_up)


SELECTORS.register("badge")(BadgeSelector("BADGE: uncertain answers that are uncertain in different ways", "gradient"))
SELECTORS.register("badge_truth")(
    BadgeSelector("BADGE on references: references that would teach different things", "gradient_truth")
)
SELECTORS.register("loss_spread")(LossSpreadSelector())
