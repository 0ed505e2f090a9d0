"""Paths as a person writes them. It knows nothing of what should lie there."""

from os import PathLike
from pathlib import Path

from core.errors import RunError


def expand(text: str | PathLike[str]) -> Path:
    """Return a path with the home folder of a user in place of a leading ``~``.

    Where there is no such user, the path stays as it stands, so that whoever looks for it says that it is not there.
    """
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def expand_new(text: str | PathLike[str]) -> Path:
    """Do as ``expand`` for a path that will be made; raises RunError where there is no such user."""
    path = expand(text)
    if path.parts and path.parts[0].startswith("~"):
        raise RunError(f"There is no user for {path.parts[0]}, so {path} is nowhere; write the whole path.")
    return path
