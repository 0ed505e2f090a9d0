"""Selectors that people write: Python files named in the settings, run once per process.

A file registers its selectors as those of this folder do, with ``SELECTORS.register("name")``.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from core.errors import SelectionError
from core.selection.base import SELECTORS

_loaded: dict[Path, list[str]] = {}


def load_selectors(files: Sequence[Path]) -> list[str]:
    """Run the files and return the names of the selectors they added; a file that ran before is not run again.

    Raises:
        SelectionError: a file is missing, fails, or registers nothing; the sentence names it.
    """
    return [name for path in files for name in _load(Path(path).expanduser().resolve())]


def _load(path: Path) -> list[str]:
    if path not in _loaded:
        if not path.is_file():
            raise SelectionError(f"There is no file {path}; correct SEEDBED_SELECTORS, or make the file.")
        before = set(SELECTORS.names())
        spec = importlib.util.spec_from_file_location(f"own_selectors_{len(_loaded)}", path)
        try:
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
        except Exception as error:  # whatever a person's own code raises
            raise SelectionError(
                f"The selectors in {path} could not be loaded: {type(error).__name__}: {error}"
            ) from error
        added = [name for name in SELECTORS.names() if name not in before]
        if not added:
            raise SelectionError(f'{path} registers no selector; end it with SELECTORS.register("name")(...).')
        _loaded[path] = added
    return _loaded[path]
