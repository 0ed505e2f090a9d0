"""Paths as a person writes them. It knows nothing of what should lie there."""

from pathlib import Path


def expand(text: str) -> Path:
    """Return a path with the home folder of a user in place of a leading ``~``.

    Where there is no such user, the path stays as it stands, so that whoever looks for it says that it is not there.
    """
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        return path
