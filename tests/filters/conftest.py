"""The sentence encoder is stood in for, so that no test of a filter loads it."""

import pytest

from tests.filters.stand_ins import MissingEmbedder, WordEmbedder


@pytest.fixture
def word_embedder(monkeypatch):
    monkeypatch.setattr("core.filters.meanings.Embedder", WordEmbedder)
    WordEmbedder.n_embedded = 0
    return WordEmbedder


@pytest.fixture
def missing_embedder(monkeypatch):
    monkeypatch.setattr("core.filters.meanings.Embedder", MissingEmbedder)
