"""How far the tour of a home is: ``tour.json`` there, so that every tab and browser goes on with the same one.

It knows nothing of what the tour shows. A file that cannot be read is a tour that nobody has opened yet.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import SeedbedError

FILE = "tour.json"


@dataclass(frozen=True, slots=True)
class Tour:
    """Where the tour of a home stands."""

    place: int | None = None
    """Number of the stop, from 0; None: it is closed."""

    is_new: bool = False
    """Whether nobody has opened or closed it yet."""


def read_tour(home: Path) -> Tour:
    """Read where the tour of a home stands."""
    try:
        place = json.loads((home / FILE).read_text(encoding="utf-8"))["place"]
    except (OSError, ValueError, KeyError, TypeError):
        return Tour(is_new=True)
    return Tour(max(place, 0) if isinstance(place, int) else None)


def write_tour(home: Path, place: int | None) -> None:
    """Remember where the tour stands; raises SeedbedError where that cannot be written.

    Args:
        home: the workspace.
        place: number of the stop; None closes the tour.
    """
    part = home / f".{FILE}.{os.getpid()}.part"
    try:
        part.write_text(json.dumps({"place": place}), encoding="utf-8")
        part.replace(home / FILE)
    except OSError as error:
        raise SeedbedError(f"The tour could not be remembered in {home} ({error.strerror}).") from error
