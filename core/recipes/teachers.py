"""Opens the teacher that a run asks for by name; every reply goes through the content-addressed cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.cache import Cache
from core.errors import UnknownNameError
from core.teacher.base import Teacher
from core.teacher.builtin import BuiltInTeacher
from core.teacher.cached import CachedTeacher

TEACHERS = {"built-in": BuiltInTeacher}
"""Teachers that need no endpoint; the name is what ``candidates.teacher`` holds."""


@contextmanager
def open_teacher(home: Path, name: str) -> Iterator[Teacher]:
    """Yield the teacher of that name behind the reply cache of the home; raises UnknownNameError."""
    if name not in TEACHERS:
        raise UnknownNameError(f"There is no teacher named {name!r}; known: {', '.join(TEACHERS)}.")
    with Cache(home / "cache" / "replies") as cache:
        yield CachedTeacher(TEACHERS[name](), cache)
