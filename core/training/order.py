"""The order of the training rows: a new random one each epoch, with little padding.

The rows of one optimiser step are drawn at random, and only then put in order of length among themselves, so that each
part that a step is computed in holds rows of like length. The step's gradient is the same; its padding is not.
"""

from collections.abc import Iterator, Sequence

import numpy as np


class StepOrder:
    """A sampler: yields each row once an epoch, decided by seed and epoch alone."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int):
        self.lengths, self.batch_size, self.seed, self.epoch = np.asarray(lengths), batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next; the trainer calls it, also when it goes on from a checkpoint."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        rows = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.lengths))
        for start in range(0, len(rows), self.batch_size):
            step = rows[start : start + self.batch_size]
            yield from step[np.argsort(self.lengths[step], kind="stable")].tolist()
