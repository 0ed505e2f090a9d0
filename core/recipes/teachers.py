"""Opens the teacher that a run asks for; every reply goes through the content-addressed cache."""

from collections.abc import Iterator, Mapping
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
def open_teacher(home: Path, teacher: str | Mapping[str, str]) -> Iterator[Teacher]:
    """Yield the teacher behind the reply cache of the home.

    Args:
        home: the workspace.
        teacher: a name in TEACHERS, or ``base_url``, ``model`` and ``key_env`` of an OpenAI-compatible server.

    Raises:
        UnknownNameError: no such name.
    """
    if isinstance(teacher, str) and teacher not in TEACHERS:
        raise UnknownNameError(f"There is no teacher named {teacher!r}; known: {', '.join(TEACHERS)}.")
    with Cache(home / "cache" / "replies") as cache:
        if isinstance(teacher, str):
            yield CachedTeacher(TEACHERS[teacher](), cache)
            return
        from core.teacher.endpoint import Endpoint
        from core.teacher.remote import RemoteTeacher

        yield CachedTeacher(RemoteTeacher(Endpoint(**teacher)), cache)
