"""What Ctrl-C does to a run in a shell: it stops as by its button on a page, and a second Ctrl-C ends it at once.

It knows nothing of what the run does.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from core.runs.folder import RunFolder

STOPPING = "stopping … (replies that are on their way have a few seconds; Ctrl-C once more ends it at once)\n"


@contextmanager
def stopped_by_hand(folder: RunFolder) -> Iterator[None]:
    """Let Ctrl-C tell the run to stop while the block goes on.

    Where calls are on their way it is an order, so that what is paid for still reaches the cache; elsewhere nothing
    looks for orders all the time, and KeyboardInterrupt is raised.
    """

    def stop(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # not print: what it interrupts may be writing to the same stream
        os.write(2, (("\n" if sys.stderr.isatty() else "") + STOPPING).encode())
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise KeyboardInterrupt from None
        folder.order("cancel")

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
