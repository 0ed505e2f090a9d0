"""What a machine that is too small does to a training, said in one sentence."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.errors import TrainingError
from core.models.batches import is_out_of_memory
from core.training.config import TrainingConfig
from core.training.rows import EncodedPair, EncodedRow
from core.write_faults import find_write_fault

LONG_ROW = 512
"""Tokens from which on a shorter limit is worth advising."""


@contextmanager
def translated_faults(
    checkpoints: Path, config: TrainingConfig, rows: Sequence[EncodedRow] | Sequence[EncodedPair]
) -> Iterator[None]:
    """Raise TrainingError with advice where the memory or the disk does not suffice."""
    try:
        yield
    except Exception as error:
        if isinstance(error, RuntimeError) and is_out_of_memory(error):
            raise TrainingError(advise_on_memory(config, max(row.length for row in rows))) from error
        if reason := find_write_fault(error):
            raise TrainingError(
                f"A checkpoint could not be written to {checkpoints}: {reason}; make room there, then go on: what "
                "the epochs before made is kept."
            ) from error
        raise


def advise_on_memory(config: TrainingConfig, longest: int) -> str:
    """Return what can be changed so that a training fits into the memory, what costs least first.

    Args:
        config: settings that did not fit.
        longest: tokens of the longest row.
    """
    part = config.batch_size // config.accumulation_steps
    advice = []
    if part > 1:
        advice.append(f"accumulation_steps={config.batch_size} (the same result, in parts of one row)")
    if longest > LONG_ROW:
        advice.append(f"a max_length below {longest:,} (longer rows are left out)")
    if config.weights == "full":
        advice.append("weights=lora")
    advice.append("a smaller student")
    return (
        f"The memory does not suffice to train on {part} rows of up to {longest:,} tokens at a time; try "
        f"{', or '.join(advice)}."
    )
