"""Who answers in which role, as a run's configuration says: checked in one sentence each, before anything is sent.

    teacher   spec of every role that is not named
    roles     {"answer": spec, "judge": spec, "grader": spec}, each optional

A spec is ``"built-in"``; ``base_url``, ``model`` and ``key_env`` of a server; or ``student`` (a name, a folder or a hub
id) and ``adapter``. A server's may hold ``extra`` (further fields of every request), ``max_concurrency``,
``requests_per_minute`` and ``tokens_per_minute``; both kinds ``temperature``, ``top_p`` and ``max_tokens``, which take
the place of what a request asks for. Nothing here opens a connection or loads a model.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.errors import TeacherError, UnknownNameError
from core.teacher.base import ROLES, TeacherRequest
from core.teacher.client import OWN_FIELDS
from core.teacher.endpoint import Endpoint

BUILT_IN = "built-in"
"""The spec of the rule-based teacher."""

TASTES = ("question", "answer")
"""Roles whose temperature and top_p a spec decides that was given for the question role. A judge that was not named is
asked at the temperature of its own request: it is to be sure, not varied."""

_SAMPLING = {"temperature": (0.0, 5.0), "top_p": (0.0, 1.0)}
_LIMITS = ("requests_per_minute", "tokens_per_minute")
_SERVER = frozenset({"base_url", "model", "key_env", "extra", "max_concurrency", "max_tokens", *_SAMPLING, *_LIMITS})
_STUDENT = frozenset({"student", "adapter", "max_tokens", *_SAMPLING})


@dataclass(frozen=True, slots=True)
class Spec:
    """Who answers, and how; hashable but for ``extra``, which is kept as JSON."""

    endpoint: Endpoint | None = None
    """None: the built-in teacher or a local student."""

    extra: str = "{}"
    """Further fields of every request, as JSON with sorted names."""

    max_concurrency: int | None = None
    """None: as the place of the server suggests, see ``core.teacher.team``."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    student: str | None = None
    """Name, folder or hub id of a local student; None: none."""

    adapter: str | None = None
    """Folder with its adapter, relative to the home; None: the base alone."""

    sampling: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Fields of a request that are replaced: ``temperature``, ``top_p``, ``max_tokens``."""

    def apply(self, request: TeacherRequest) -> TeacherRequest:
        """Return the request with this spec's sampling."""
        return replace(request, **self.sampling) if self.sampling else request

    def without_taste(self) -> "Spec":
        """Return the spec without temperature and top_p."""
        return replace(self, sampling={name: v for name, v in self.sampling.items() if name not in _SAMPLING})


def read_roles(config: Mapping[str, Any]) -> dict[str, Spec]:
    """Return the spec of each of ROLES.

    Raises:
        UnknownNameError: there is no such teacher, role or field.
        TeacherError: a value cannot be right.
    """
    question = read_spec(config.get("teacher") or BUILT_IN)
    named = config.get("roles") or {}
    if not isinstance(named, Mapping):
        raise TeacherError("The roles must be named like {'judge': 'built-in'}.")
    if unknown := named.keys() - set(ROLES):
        raise UnknownNameError(f"There is no role {min(unknown)!r}; known: {', '.join(ROLES)}.")
    usual = {role: question if role in TASTES else question.without_taste() for role in ROLES}
    return usual | {role: read_spec(spec) for role, spec in named.items() if spec is not None}


def read_spec(spec: Any) -> Spec:
    """Return one spec; raises as ``read_roles`` does."""
    if isinstance(spec, str):
        if spec != BUILT_IN:
            raise UnknownNameError(f"There is no teacher named {spec!r}; known: {BUILT_IN}.")
        return Spec()
    if not isinstance(spec, Mapping):
        raise TeacherError(f"A teacher is {BUILT_IN!r}, a server's base_url and model, or a student, not {spec!r}.")
    given = {name: value for name, value in spec.items() if value is not None}
    is_student = "student" in given
    known = _STUDENT if is_student else _SERVER
    if unknown := given.keys() - known:
        what = "a student as teacher" if is_student else "a server as teacher"
        raise UnknownNameError(f"There is no field {min(unknown)!r} of {what}; known: {', '.join(sorted(known))}.")
    sampling = _read_sampling(given)
    if is_student:
        if sampling.get("top_p", 1.0) < 1.0:
            raise TeacherError("A local student draws from all tokens; leave top_p out.")
        return Spec(student=_text(given, "student"), adapter=_text(given, "adapter"), sampling=sampling)
    if "base_url" not in given or "model" not in given:
        raise TeacherError("A server as teacher needs a base_url and a model.")
    where = {name: _text(given, name) or "" for name in ("base_url", "model", "key_env") if name in given}
    return Spec(
        Endpoint(**where),
        _read_extra(given.get("extra", {})),
        _positive(given, "max_concurrency", is_whole=True),
        *(_positive(given, name) for name in _LIMITS),
        sampling=sampling,
    )


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise TeacherError(f"{name} of a teacher must be a text.")
    return value


def _read_sampling(given: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, (low, high) in _SAMPLING.items():
        if name in given:
            if not _is_number(given[name]) or not low <= given[name] <= high:
                raise TeacherError(f"{name} of a teacher must be a number from {low:g} to {high:g}.")
            found[name] = float(given[name])
    if found.get("top_p") == 0.0:
        raise TeacherError("top_p of a teacher must be above 0; for the likeliest answer set temperature to 0.")
    if (limit := _positive(given, "max_tokens", is_whole=True)) is not None:
        found["max_tokens"] = limit
    return found


def _positive(given: Mapping[str, Any], name: str, *, is_whole: bool = False) -> Any:
    value = given.get(name)
    if value is None:
        return None
    if not _is_number(value) or value <= 0 or (is_whole and value != int(value)):
        raise TeacherError(f"{name} of a teacher must be a {'whole ' if is_whole else ''}number above 0.")
    return int(value) if is_whole else float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _read_extra(extra: Any) -> str:
    if not isinstance(extra, Mapping):
        raise TeacherError('extra of a teacher must be fields of a request like {"reasoning_effort": "low"}.')
    if taken := OWN_FIELDS & extra.keys():
        raise TeacherError(f"{min(taken)!r} cannot be among the extra fields of a teacher; it has a place of its own.")
    try:
        return json.dumps(dict(extra), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        raise TeacherError("The extra fields of a teacher hold something that is no JSON.") from None
