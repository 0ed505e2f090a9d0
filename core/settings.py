"""Where things are and how much is allowed; read from the environment once, passed on as an argument."""

import os
from dataclasses import dataclass
from pathlib import Path

from core.paths import expand, expand_new

REPOSITORY = Path(__file__).resolve().parent.parent
"""The checkout that this code runs from."""

DEMO = REPOSITORY / "data" / "demo"
"""The shipped built-in world: seed sets and tiny models."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths and limits of one process."""

    home: Path
    """The workspace: database, journals, run folders, caches."""

    device_slots: int = 1
    """Runs of the device lane at a time on this machine."""

    teacher_slots: int = 2
    """Runs of the teacher lane at a time."""

    light_slots: int = 2
    """Runs of the light lane (imports, previews) at a time."""

    selector_files: tuple[Path, ...] = ()
    """Python files with a person's own selectors."""

    webhook: str | None = None
    """Address that is told, by the dashboard, when a run ends; None: nobody is."""

    @classmethod
    def from_env(cls) -> "Settings":
        """Read the environment.

        ``SEEDBED_HOME`` (default: ``data/local`` of the checkout), ``SEEDBED_SELECTORS`` (files, ``:`` between two) and
        ``SEEDBED_WEBHOOK`` (an http or https address).
        """
        home = os.environ.get("SEEDBED_HOME")
        files = [part for part in os.environ.get("SEEDBED_SELECTORS", "").split(os.pathsep) if part.strip()]
        return cls(
            home=expand_new(home).resolve() if home else REPOSITORY / "data" / "local",
            selector_files=tuple(expand(part.strip()).resolve() for part in files),
            webhook=os.environ.get("SEEDBED_WEBHOOK", "").strip() or None,
        )
