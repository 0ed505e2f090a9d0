"""How a person calls the verbs of the shell from wherever they are: with this installation's own Python."""

import shlex
import sys
from collections.abc import Sequence

from core.settings import REPOSITORY


def write_call(words: Sequence[str]) -> str:
    """Return a command for a shell that carries out ``python -m core WORDS``; the words are quoted where need be."""
    return f"cd {shlex.quote(str(REPOSITORY))} && {shlex.join([sys.executable, '-m', 'core', *words])}"
