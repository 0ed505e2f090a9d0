"""The order of the training rows: a new random one each epoch, with little padding.

The rows of one optimiser step are drawn at random, and only then put in order of length among themselves, so that each
part that a step is computed in holds rows of like length. The step's gradient is the same; its padding is not.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np


class StepOrder:
    """A sampler: yields each row once an epoch, decided by seed and epoch alone.

    Args:
        lengths: (n,) longest sequence of each row, tokens.
        batch_size: rows per optimiser step.
        part_size: rows per part of a step.
        seed: decides every epoch's order.
        n_tokens: (n,) tokens of each row, all its sequences together; None: one sequence, so its length.
        n_sequences: sequences of a row (2 of a preference: the answer and the rejected one).
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        part_size: int,
        seed: int,
        n_tokens: Sequence[int] | None = None,
        n_sequences: int = 1,
    ):
        self.lengths, self.batch_size, self.part_size = np.asarray(lengths), batch_size, part_size
        self.n_tokens = self.lengths if n_tokens is None else np.asarray(n_tokens)
        self.seed, self.epoch, self.n_sequences = seed, 0, n_sequences
        self._order = lru_cache(maxsize=2)(self._make_order)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next; the trainer calls it, also when it goes on from a checkpoint."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        yield from self._order(self.epoch).tolist()

    @property
    def n_steps(self) -> int:
        """Optimiser steps of one epoch."""
        return -(-len(self.lengths) // self.batch_size)

    def find_rows(self, step: int) -> np.ndarray:
        """Return the rows of an optimiser step, counted from 0 over all epochs, as they follow one another."""
        epoch, number = divmod(step, self.n_steps)
        return self._order(epoch)[number * self.batch_size : (number + 1) * self.batch_size]

    def count_tokens(self, step: int) -> tuple[int, int]:
        """Return a step's tokens, and its cells: what is computed, padding included."""
        rows = self.find_rows(step)
        parts = [rows[start : start + self.part_size] for start in range(0, len(rows), self.part_size)]
        cells = sum(int(self.lengths[part].max()) * len(part) * self.n_sequences for part in parts)
        return int(self.n_tokens[rows].sum()), cells

    def _make_order(self, epoch: int) -> np.ndarray:
        rows = np.random.default_rng([self.seed, epoch]).permutation(len(self.lengths))
        steps = [rows[start : start + self.batch_size] for start in range(0, len(rows), self.batch_size)]
        return np.concatenate([step[np.argsort(self.lengths[step], kind="stable")] for step in steps])
