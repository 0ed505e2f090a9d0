"""The embedding stage: what texts mean as vectors, from the cache as far as they are there, told as a run goes."""

from collections.abc import Sequence

import numpy as np

from core.cache import Cache
from core.filters.meanings import Meanings
from core.models.embedder import WIDTH
from core.recipes.stages import home_of
from core.runs.folder import RunFolder

AT_ONCE = 64
"""Texts that are embedded between two looks at whether the run was cancelled."""


def embed_stage(folder: RunFolder, texts: Sequence[str], stage: str) -> np.ndarray:
    """Return (n, 384) float32 vectors of length 1.

    Args:
        folder: receives the progress.
        texts: n of them.
        stage: name of the progress line.

    Raises:
        ModelLoadError: the encoder cannot be had.
        RunCancelled: the run was told to stop.
    """
    vectors = np.empty((len(texts), WIDTH), np.float32)
    with Cache(home_of(folder) / "cache" / "scores") as cache:
        meanings = Meanings(cache)
        for start in range(0, len(texts), AT_ONCE):
            folder.check_cancelled()
            folder.report(stage, start, 0, len(texts))
            vectors[start : start + AT_ONCE] = meanings.embed(texts[start : start + AT_ONCE])
    folder.report(stage, len(texts), 0, len(texts))
    return vectors
