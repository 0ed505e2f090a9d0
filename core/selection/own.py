"""Selectors that people write: Python files named in the settings, read again when they change.

A file registers its selectors as those of this folder do, with ``SELECTORS.register("name")``.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from core.errors import SelectionError
from core.selection.base import SELECTORS

_loaded: dict[Path, tuple[int, list[str]]] = {}
"""File -> when it was changed last, and the selectors it added."""


def load_selectors(files: Sequence[Path]) -> list[str]:
    """Run the files and return the names of the selectors they add; a file that has not changed is not run again.

    Raises:
        SelectionError: a file is missing, fails, or registers nothing; the sentence names it.
    """
    return [name for path in files for name in _load(path)]


def _load(path: Path) -> list[str]:
    if not path.is_file():
        raise SelectionError(f"There is no file {path}; correct SEEDBED_SELECTORS, or make the file.")
    changed_at, names = _loaded.get(path, (0, []))
    if path.stat().st_mtime_ns == changed_at:
        return names
    _discard(_loaded.pop(path, (0, []))[1])
    changed_at, before = path.stat().st_mtime_ns, set(SELECTORS.names())
    spec = importlib.util.spec_from_file_location("own_selectors", path)
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except Exception as error:  # whatever a person's own code raises
        _discard([name for name in SELECTORS.names() if name not in before])
        raise SelectionError(f"The selectors in {path} could not be loaded: {type(error).__name__}: {error}") from error
    names = [name for name in SELECTORS.names() if name not in before]
    if not names:
        raise SelectionError(f'{path} registers no selector; end it with SELECTORS.register("name")(...).')
    _loaded[path] = (changed_at, names)
    return names


def _discard(names: Sequence[str]) -> None:
    for name in names:
        SELECTORS.discard(name)
