"""Rows by batches: what is let go before a smaller try."""

import weakref

import torch

from core.models import batches
from core.models.batches import work_in_batches


class Big:
    """Stands for what fills the memory."""


def test_a_failed_try_is_let_go_before_the_memory_is_given_back(monkeypatch):
    """The error's traceback holds the frames of the try, and they all that it had made."""
    made, alive = [], []
    monkeypatch.setattr(batches, "free_memory", lambda: alive.append(made[-1]() is not None))

    def work(rows):
        big = Big()
        made.append(weakref.ref(big))
        if len(rows) > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return len(rows)

    done = list(work_in_batches(range(4), lambda row: 4, work, str))
    assert [size for _, size in done] == [1, 1, 1, 1]
    assert alive == [False, False]
