"""Whom a verb asks: what a person writes behind ``--teacher`` and ``--model``, and what is said where that was wrong.

It knows nothing of what is asked.
"""

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from core.errors import TeacherError
from core.paths import expand


def is_address(source: str) -> bool:
    """Say whether a student or teacher is behind a server."""
    return source.startswith(("http://", "https://"))


def find_teacher(name: str | None, model: str | None, key_env: str | None, model_option: str = "--model") -> Any:
    """Return who is asked, as a run keeps it: ``built-in``, the server at an address, or a student on this machine.

    Args:
        name: what stands behind --teacher; None: nothing was written, so it is the built-in one.
        model: of a server; None: the only one that it has.
        key_env: variable with the server's key; None: the usual one.
        model_option: the option that names the model.

    Raises:
        TeacherError: it is none of these, or nothing can be reached there.
        ModelLoadError: there is no such student.
    """
    from core.recipes.start import require_model
    from core.teacher.roles import BUILT_IN

    if name is None:
        require_no_model(model, model_option, "--teacher")
        return BUILT_IN
    if is_address(name):
        return ask_server(name, model, key_env, model_option)
    if name == BUILT_IN:
        if model is not None:
            print(f"seedbed: {model_option} {model} is not used: the {name} teacher has no models.", file=sys.stderr)
        return BUILT_IN
    is_folder = expand(name).is_dir()
    if not is_folder and (":" in name or name.rstrip("/").endswith("/v1")):
        raise TeacherError(f"Write http:// or https:// before the address {name}.")
    if not is_folder and name != "tiny" and "/" not in name:
        raise TeacherError(
            f"{name!r} is no address: write the base URL of a server as --teacher and the model as {model_option} "
            f"{name}; or give {BUILT_IN}, tiny, or a folder or hub id (owner/name) of a student."
        )
    require_no_model(model, model_option, "--teacher")
    return {"student": require_model(name)}


def ask_server(address: str, model: str | None, key_env: str | None, model_option: str) -> dict[str, str]:
    """Return the server at an address, see ``find_server``, and say which model it has where none was named."""
    from core.recipes.teachers import find_server

    server = find_server(address, model, key_env)
    if model is None:
        print(f"no {model_option} was named: {server['base_url']} has only {server['model']!r}, which is asked")
    return server


def require_no_model(model: str | None, model_option: str, address_option: str) -> None:
    """Raise TeacherError where a model is named of what is no server."""
    if model is not None:
        raise TeacherError(
            f"{model_option} {model} needs a server that has it: write its base URL as {address_option}."
        )


def print_offer(spec: Any, sentences: Iterable[str | None]) -> None:
    """Print which models a server lists where one of the sentences of what has ended doubts the name of its model.

    Nothing is asked before: many servers answer under names that they do not list.
    """
    if not isinstance(spec, Mapping) or "model" not in spec:
        return
    doubt = f"the model {spec['model']!r}"  # as core.teacher.faults words a status 404
    if any(doubt in (sentence or "") for sentence in sentences):
        from core.teacher.probe import list_offered, word_offer

        with suppress(TeacherError):  # it lists none: there is nothing to offer
            listed = list_offered(spec["base_url"], spec["key_env"])
            print(f"{spec['base_url']} offers {word_offer(listed, spec['model'])}.")
