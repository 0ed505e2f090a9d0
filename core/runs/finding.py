"""Finding a run by what it was made to do, from run folders alone."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.runs.folder import RunFolder


def find_alike(
    home: Path, kind: str, config: Mapping[str, Any], states: Collection[str] | None = None
) -> RunFolder | None:
    """Return the newest run of a kind with exactly this configuration; None: there is none.

    Args:
        home: the workspace.
        kind: of the run.
        config: as it would be frozen.
        states: that it may be in; None: any.
    """
    frozen = json.loads(json.dumps(config))
    for path in sorted((home / "runs").glob(f"[!.]*-{kind}-*"), reverse=True):
        folder = RunFolder(path)
        try:
            if folder.config == frozen and (states is None or folder.read_state().state in states):
                return folder
        except RunError:  # a damaged folder is no run to go on with
            continue
    return None
