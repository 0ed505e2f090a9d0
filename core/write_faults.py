"""Why a file could not be written, in words; it knows nothing of which file that was."""

import errno
import os

WRITE_FAULTS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than is allowed",
}


def find_write_fault(error: BaseException) -> str | None:
    """Return why a file could not be written, where that is what an error says; None where it is another error.

    torch and safetensors raise errors of their own, which name the system's only in their text.
    """
    if isinstance(error, OSError) and error.errno in WRITE_FAULTS:
        return WRITE_FAULTS[error.errno]
    text = str(error)
    for number, reason in WRITE_FAULTS.items():
        if os.strerror(number) in text or f"os error {number})" in text:
            return reason
    is_torch = "PytorchStreamWriter" in text or "unexpected pos" in text
    return "the file could not be completed (a full disk, most likely)" if is_torch else None
