"""Selectors that people write: Python files named in the settings, read again when they change.

A file registers its selectors as those of this folder do, with ``SELECTORS.register("name")``.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from core.errors import SelectionError
from core.selection.base import SELECTORS
from core.selection.choose import describe_fault
from core.signals import SIGNALS

_loaded: dict[Path, tuple[int, list[str]]] = {}
"""File -> when it was changed last, and the selectors it added."""


def load_selectors(files: Sequence[Path]) -> list[str]:
    """Run the files and return the names of the selectors they add; a file that has not changed is not run again.

    All files are read, whatever is wrong with one of them.

    Raises:
        SelectionError: a file is missing, fails, registers nothing, or registers what is no selector; the sentences
            name it.
    """
    names, faults = [], []
    for path in files:
        try:
            names += _load(path)
        except SelectionError as error:
            faults.append(str(error))
    if faults:
        raise SelectionError(" ".join(faults))
    return names


def _load(path: Path) -> list[str]:
    if not path.is_file():
        raise SelectionError(f"There is no file {path}; correct SEEDBED_SELECTORS, or make the file.")
    changed_at, names = _loaded.get(path, (0, []))
    if path.stat().st_mtime_ns == changed_at:
        return names
    _discard(_loaded.pop(path, (0, []))[1])
    changed_at, before = path.stat().st_mtime_ns, set(SELECTORS.names())
    spec = importlib.util.spec_from_file_location(path.stem, path)
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        names = [name for name in SELECTORS.names() if name not in before]
        if not names:
            raise SelectionError(f'{path} registers no selector; end it with SELECTORS.register("name")(...).')
        for name in names:
            _require_selector(path, name)
    except Exception as error:  # whatever a person's own code raises
        _discard([name for name in SELECTORS.names() if name not in before])
        if isinstance(error, SelectionError):
            raise
        raise SelectionError(f"The selectors in {path} could not be loaded: {describe_fault(error)}.") from error
    _loaded[path] = (changed_at, names)
    return names


def _require_selector(path: Path, name: str) -> None:
    """Raise SelectionError where what a file registered lacks something of the contract."""
    selector = SELECTORS.get(name)
    needs = getattr(selector, "needs", None)
    if not callable(selector) or not isinstance(getattr(selector, "title", None), str) or needs is None:
        raise SelectionError(
            f"What {path} registers as {name!r} is no selector: register an instance with title, needs and __call__."
        )
    strange = [needs] if isinstance(needs, str) else sorted(set(needs) - set(SIGNALS))
    if strange:
        raise SelectionError(
            f"The selector {name!r} of {path} needs {', '.join(strange)}; needs is a set of signals, and known are: "
            f"{', '.join(SIGNALS)}."
        )


def _discard(names: Sequence[str]) -> None:
    for name in names:
        SELECTORS.discard(name)
