"""Rows worked on as many at a time as the memory holds: students, forward passes and reward models alike.

It knows nothing of what is done with the rows.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from core.errors import ModelLoadError

Row = TypeVar("Row")
Result = TypeVar("Result")


def work_in_batches(
    rows: Sequence[Row],
    size_of: Callable[[Row], int],
    work: Callable[[Sequence[Row]], Result],
    refuse: Callable[[Row], str],
    check: Callable[[], None] | None = None,
) -> Iterator[tuple[Sequence[Row], Result]]:
    """Yield (batch, what the work made of it) in the order of the rows.

    Where the memory does not suffice, the batch is halved and tried again, and all later ones are as much smaller.

    Args:
        rows: longest first, so that the first batch shows what the memory holds.
        size_of: rows that may go together with this one as the longest.
        work: called with a batch.
        refuse: row -> one sentence for the case that it does not fit into the memory even alone.
        check: called before each batch; may raise to stop.

    Raises:
        ModelLoadError: a single row does not fit into the memory.
    """
    share = 1.0
    while rows:
        if check is not None:
            check()
        size = max(1, round(share * size_of(rows[0])))
        batch = rows[:size]
        try:
            result = work(batch)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if len(batch) == 1:
                raise ModelLoadError(refuse(rows[0])) from error
            share *= len(batch) // 2 / size
        else:
            yield batch, result
            rows = rows[len(batch) :]
            continue
        free_memory()  # only here: until the handler ends, the error holds what the failed try had made


def is_out_of_memory(error: RuntimeError) -> bool:
    """Say whether torch ran out of memory, on a GPU or on the CPU."""
    import torch

    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in text or "allocate memory" in text


def free_memory() -> None:
    """Give a GPU's cached memory back before a smaller try."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
