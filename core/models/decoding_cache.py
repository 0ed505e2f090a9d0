"""A key-value cache that grows in blocks: a step writes one column in place, where the library's copies the whole.

It knows nothing of prompts or answers; core/models/generate.py is its only user.
"""

from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

BLOCK = 64
"""Columns that are added when the room is used up."""


class GrowingLayer(DynamicLayer):
    """One attention layer's keys and values, (rows, heads, columns, head size), as views into roomier buffers."""

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Start with empty buffers of the states' type and device."""
        super().lazy_initialization(key_states, value_states)
        rows, heads, _, _ = key_states.shape
        self._rooms = [states.new_empty(rows, heads, 0, states.shape[-1]) for states in (key_states, value_states)]
        self._length = 0

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the new columns and return all keys and values so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, self._length = self._length, self._length + key_states.shape[-2]
        if self._length > self._rooms[0].shape[-2]:
            self._rooms = [self._enlarge(room, start) for room in self._rooms]
        self._rooms[0][:, :, start : self._length] = key_states
        self._rooms[1][:, :, start : self._length] = value_states
        self.keys, self.values = (room[:, :, : self._length] for room in self._rooms)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep only these rows."""
        if self.get_seq_length() > 0:
            self._rooms = [room[indices] for room in self._rooms]
            self.keys, self.values = (room[:, :, : self._length] for room in self._rooms)

    def _enlarge(self, room: torch.Tensor, length: int) -> torch.Tensor:
        columns = (self._length // BLOCK + 1) * BLOCK
        larger = room.new_empty(*room.shape[:2], columns, room.shape[-1])
        larger[:, :, :length] = room[:, :, :length]
        return larger


def make_cache(config: Any) -> DynamicCache:
    """Return an empty cache for a model of this configuration; only plain attention layers grow in blocks."""
    cache = DynamicCache(config=config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
