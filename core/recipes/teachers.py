"""Opens the teacher that a run asks for; every reply goes through the content-addressed cache."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from core.cache import Cache
from core.errors import TeacherError, UnknownNameError
from core.runs.folder import RunFolder
from core.teacher.base import Teacher
from core.teacher.builtin import BuiltInTeacher
from core.teacher.cached import CachedTeacher

TEACHERS = {"built-in": BuiltInTeacher}
"""Teachers that need no endpoint; the name is what ``candidates.teacher`` holds."""


def check_teacher(teacher: str | Mapping[str, str]) -> None:
    """Raise UnknownNameError for a name that is no teacher's."""
    if isinstance(teacher, str) and teacher not in TEACHERS:
        raise UnknownNameError(f"There is no teacher named {teacher!r}; known: {', '.join(TEACHERS)}.")


@contextmanager
def open_teacher(home: Path, teacher: str | Mapping[str, str]) -> Iterator[Teacher]:
    """Yield the teacher behind the reply cache of the home.

    Args:
        home: the workspace.
        teacher: a name in TEACHERS, or ``base_url``, ``model`` and ``key_env`` of an OpenAI-compatible server.

    Raises:
        UnknownNameError: no such name.
    """
    check_teacher(teacher)
    with Cache(home / "cache" / "replies") as cache:
        if isinstance(teacher, str):
            yield CachedTeacher(TEACHERS[teacher](), cache)
            return
        from core.teacher.endpoint import Endpoint
        from core.teacher.remote import RemoteTeacher

        yield CachedTeacher(RemoteTeacher(Endpoint(**teacher)), cache)


@contextmanager
def open_team(folder: RunFolder) -> Iterator[Teacher]:
    """Yield the teacher of a run, each role's requests going to the model that its configuration names for it."""
    with open_teacher(folder.path.parent.parent, folder.config["teacher"]) as teacher:
        yield teacher


def require_reachable(server: Mapping[str, str]) -> None:
    """Raise TeacherError where nothing answers at a server's address, before a run waits for it; 4 s at most."""
    from core.teacher.endpoint import Endpoint
    from core.teacher.probe import find_connection_fault

    if (fault := find_connection_fault(Endpoint(**server))) is not None:
        raise TeacherError(fault)


def find_server(address: str, model: str | None, key_env: str | None) -> dict[str, str]:
    """Return ``base_url``, ``model`` and ``key_env`` of a server, asking it for its model where none is named.

    Where no variable is named, only OpenAI's own server is sent the key of OPENAI_API_KEY.

    Raises:
        TeacherError: the address is none, or the server has no model, or several to choose from.
    """
    from core.teacher.client import ChatClient
    from core.teacher.endpoint import DEFAULT_KEY_ENV, Endpoint

    if key_env is None:
        parts = urlsplit(address)
        is_openai = parts.scheme == "https" and f".{parts.hostname}".endswith(".openai.com")
        key_env = DEFAULT_KEY_ENV if is_openai else ""
    endpoint = Endpoint(address, model or "unknown", key_env)
    require_reachable({"base_url": endpoint.base_url, "model": endpoint.model, "key_env": key_env})
    if model is None:
        names = asyncio.run(ChatClient(endpoint, timeout_s=10.0).list_models())
        if not names:
            raise TeacherError(
                f"{endpoint.base_url} lists no models; name the one it has (--student-model for a student, "
                "--teacher-model for a teacher)."
            )
        if len(names) > 1:
            raise TeacherError(f"{endpoint.base_url} has several models; name one of: {', '.join(sorted(names)[:20])}.")
        (model,) = names
    return {"base_url": endpoint.base_url, "model": model, "key_env": key_env}
