"""Seed sets: built-in, from files, from the Hugging Face Hub.

``reading`` gets rows out of files, ``recognise`` tells what they are, ``problems`` checks them, ``splits`` sets some
aside, ``seed_set`` is the import run and its result, ``preview`` a look before it.
"""

from core.datasets.preview import Preview, preview_file
from core.datasets.recognise import ColumnMapping
from core.datasets.seed_set import (
    BUILT_IN,
    ensure_seed_set,
    find_seed_set,
    import_seed_set,
    load_problems,
    split_problems,
)

__all__ = [
    "BUILT_IN",
    "ColumnMapping",
    "Preview",
    "ensure_seed_set",
    "find_seed_set",
    "import_seed_set",
    "load_problems",
    "preview_file",
    "split_problems",
]
