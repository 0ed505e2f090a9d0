"""A key-value cache that grows in blocks: a step writes one column in place, where the library's copies the whole.

Rows can leave it and others join, their ends aligned. It knows nothing of prompts or answers; core/models/decoding.py
is its only user.
"""

from collections.abc import Sequence
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
        return self._show()

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep only these rows, in this order; one may stand there several times."""
        if self.is_initialized:
            self._rooms = [room[indices] for room in self._rooms]
            self._show()

    def rebuild(self, indices: torch.Tensor, first: int, other: "GrowingLayer | None" = None) -> None:
        """Keep only these rows and the columns from ``first`` on, and put another layer's rows below them.

        Ends are aligned; what a shorter one lacks at the beginning is zero, which a mask must hide.
        """
        if not self.is_initialized:
            return
        own, theirs = self._length - first, 0 if other is None else other._length
        length = max(own, theirs)
        for place, room in enumerate(self._rooms):
            below = None if other is None else other._rooms[place]
            n_rows = len(indices) + (0 if below is None else len(below))
            rebuilt = room.new_empty(n_rows, room.shape[1], _round_up(length), room.shape[-1])
            _fill(rebuilt[: len(indices)], room[indices, :, first : self._length], length)
            if below is not None:
                _fill(rebuilt[len(indices) :], below[:, :, :theirs], length)
            self._rooms[place] = rebuilt
        self._length = length
        self._show()

    def stack(self, layers: Sequence["GrowingLayer"]) -> None:
        """Begin, while this one is empty, with the rows of other layers below one another, their ends aligned."""
        self.lazy_initialization(layers[0].keys, layers[0].values)
        length, self._rooms = max(layer._length for layer in layers), []
        for place, first in enumerate(layers[0]._rooms):
            n_rows = sum(len(layer._rooms[place]) for layer in layers)
            room, row = first.new_empty(n_rows, first.shape[1], _round_up(length), first.shape[-1]), 0
            for layer in layers:
                part = layer._rooms[place]
                _fill(room[row : row + len(part)], part[:, :, : layer._length], length)
                row += len(part)
            self._rooms.append(room)
        self._length = length
        self._show()

    def _show(self) -> tuple[torch.Tensor, torch.Tensor]:
        self.keys, self.values = (room[:, :, : self._length] for room in self._rooms)
        return self.keys, self.values

    def _enlarge(self, room: torch.Tensor, length: int) -> torch.Tensor:
        larger = room.new_empty(*room.shape[:2], _round_up(self._length), room.shape[-1])
        larger[:, :, :length] = room[:, :, :length]
        return larger


def _round_up(length: int) -> int:
    return (length // BLOCK + 1) * BLOCK


def _fill(room: torch.Tensor, states: torch.Tensor, length: int) -> None:
    """Put states at the end of the first ``length`` columns; zeros before them, as no number at all would spread."""
    start = length - states.shape[-2]
    room[:, :, :start] = 0
    room[:, :, start:length] = states


def make_cache(config: Any) -> DynamicCache:
    """Return an empty cache for a model of this configuration; only plain attention layers grow in blocks."""
    cache = DynamicCache(config=config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def can_join(cache: DynamicCache) -> bool:
    """Say whether rows can join this cache later: every layer keeps plain keys and values of the whole text."""
    return all(type(layer) is GrowingLayer for layer in cache.layers)


def stack_caches(caches: Sequence[DynamicCache], empty: DynamicCache) -> DynamicCache:
    """Return the empty cache with the rows of others below one another; all of them are such that rows can join."""
    for place, layer in enumerate(empty.layers):
        layer.stack([cache.layers[place] for cache in caches])
    return empty
