"""The pool of rows that are decoded together: ended rows leave it, waiting ones take their places.

Rows are left padded. What all prompts begin with is read once, and a prompt that is answered several times is read
once. It knows nothing of texts; ``generate.py`` fills it and reads what comes out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch.nn.functional import pad
from transformers.cache_utils import DynamicCache

from core.models.generate import Row
from core.models.student import Student

LEAVE_SHARE = 0.125
"""Share of ended rows at which they leave: doing so copies the whole cache once."""

JOIN_SHARE = 0.25
"""Share of the pool that must be free before others join: a few prompts at a time are read slowly."""

MIN_PREFIX = 32
"""Tokens that all prompts must begin with to be read apart."""

READ_TOKENS = 2048
"""Tokens of prompts that a CPU reads at a time: what comes of more does not stay in its cache, and takes a third longer
(the shipped student, 128 prompts of 136 tokens: 0.87 s in parts, 1.24 s at once)."""

Ended = tuple[Row, list[int], list[float]]
"""A row, its generated tokens, end-of-text included, and the negative log-likelihood of each."""


@dataclass(slots=True)
class _State:
    """What belongs to the rows of a pool, line by line; n rows."""

    inputs: torch.Tensor
    """(n, 1) the token to be read next."""

    positions: torch.Tensor
    """(n, 1) its position."""

    starts: torch.Tensor
    """(n,) first column of the cache that is the row's own."""

    ages: torch.Tensor
    """(n,) tokens generated."""

    limits: torch.Tensor
    """(n,) tokens that may be generated."""

    is_done: torch.Tensor
    tokens: torch.Tensor
    """(n, most + 1) the generated tokens; what rows say behind their end goes into the last column."""

    losses: torch.Tensor
    lots: torch.Tensor | None
    """(n, most + 1) numbers in [0, 1) that decide drawn tokens; None: greedy."""

    def select(self, indices: torch.Tensor) -> "_State":
        """Return the state of some rows."""
        return _State(*(None if part is None else part[indices] for part in self._parts()))

    def join(self, other: "_State") -> "_State":
        """Return the state of these rows and others below them."""
        width = max(self.tokens.shape[1], other.tokens.shape[1])
        return _State(
            *(
                None if mine is None else torch.cat([_widen(mine, name, width), _widen(theirs, name, width)])
                for name, mine, theirs in zip(_State.__slots__, self._parts(), other._parts(), strict=True)
            )
        )

    def _parts(self) -> list[torch.Tensor | None]:
        return [getattr(self, name) for name in _State.__slots__]


def _widen(part: torch.Tensor, name: str, width: int) -> torch.Tensor:
    return pad(part, (0, width - part.shape[1])) if name in ("tokens", "losses", "lots") else part


class Pool:
    """Rows that are decoded together.

    Args:
        student: in evaluation mode whenever the pool works, inside ``torch.inference_mode``.
        rows: all that will ever join, for what they begin with.
        temperature: of drawn answers; None: greedy.
        size: rows at the same time.
    """

    def __init__(self, student: Student, rows: Sequence[Row], temperature: float | None, size: int):
        self._student, self._temperature, self._size = student, temperature, size
        self._device = student.device
        self._stops = torch.tensor(student.stop_ids, device=self._device)
        self._rows: list[Row] = []
        self._state: _State | None = None
        from core.models.decoding_cache import can_join, make_cache

        self._make_cache = partial(make_cache, student.model.config)
        self._cache = self._make_cache()
        self._can_join = can_join(self._cache)
        self._has_padding = False
        self._n_done = 0
        self._n_prefix = self._find_prefix(rows) if self._can_join else 0
        self._prefix: list[tuple[torch.Tensor, torch.Tensor]] = []

    # -- who is in it --------------------------------------------------------------------------------------------

    @property
    def n_free(self) -> int:
        """Return how many rows may join now: 0 while so few could that it is not worth it."""
        n_free = self._size - len(self._rows)
        if self._rows and (not self._can_join or n_free < JOIN_SHARE * self._size):
            return 0
        return n_free

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is left to decode."""
        return not self._rows

    @property
    def may_leave(self) -> bool:
        """Say whether as many rows have ended as should leave together."""
        return self._n_done > 0 and (self._n_done == len(self._rows) or self._n_done >= LEAVE_SHARE * len(self._rows))

    def leave(self) -> list[Ended]:
        """Take the ended rows out; returns them."""
        state = self._state
        gone, keep = state.is_done.nonzero()[:, 0], (~state.is_done).nonzero()[:, 0]
        ages, tokens, losses = (part[gone].tolist() for part in (state.ages, state.tokens, state.losses))
        ended = [
            (self._rows[i], ids[:n], each[:n])
            for i, n, ids, each in zip(gone.tolist(), ages, tokens, losses, strict=True)
        ]
        self._rows = [self._rows[i] for i in keep.tolist()]
        self._n_done = 0
        if not self._rows:
            self._state, self._cache = None, self._make_cache()
            return ended
        self._state = state.select(keep)
        first = int(self._state.starts.min()) if self._can_join else 0
        for layer in self._cache.layers:
            if self._can_join:
                layer.rebuild(keep, first)
            else:
                layer.batch_select_indices(keep)
        self._state.starts -= first
        self._has_padding = bool((self._state.starts > 0).any())
        return ended

    def join(self, rows: Sequence[Row]) -> None:
        """Read the prompts of these rows, and generate the first token of each; ended rows must have left before."""
        state, cache = self._read(rows)
        if self._rows:
            own, theirs = self._cache.get_seq_length(), cache.get_seq_length()
            everyone = torch.arange(len(self._rows), device=self._device)
            for layer, other in zip(self._cache.layers, cache.layers, strict=True):
                layer.rebuild(everyone, 0, other)
            self._state.starts += max(0, theirs - own)
            state.starts += max(0, own - theirs)
            self._state = self._state.join(state)
        else:
            self._state, self._cache = state, cache
        self._rows = [*self._rows, *rows]
        self._has_padding = bool((self._state.starts > 0).any())
        self._n_done = int(self._state.is_done.sum())

    # -- decoding ------------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Generate one token for every row."""
        state, mask = self._state, None
        if self._has_padding:
            columns = torch.arange(self._cache.get_seq_length() + 1, device=self._device)
            mask = (columns >= state.starts[:, None]).long()
        logits = self._student.model(
            input_ids=state.inputs,
            attention_mask=mask,
            position_ids=state.positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        state.positions += (~state.is_done[:, None]).long()  # an ended row stays where it is, within the context
        if bool(self._choose(state, logits).any()):
            self._n_done = int(state.is_done.sum())

    def _choose(self, state: _State, logits: torch.Tensor) -> torch.Tensor:
        """Note the next token of every row; returns (n,) which rows end with it."""
        rows = torch.arange(len(state.ages), device=self._device)
        places = torch.where(state.is_done, state.tokens.shape[1] - 1, state.ages)
        if state.lots is None:
            losses, tokens = pick_greedily(logits)
        else:
            losses, tokens = draw(logits, state.lots[rows, places], self._temperature)
        state.tokens[rows, places] = tokens
        state.losses[rows, places] = losses
        state.ages += (~state.is_done).long()
        ends = ((tokens[:, None] == self._stops).any(1) | (state.limits <= state.ages)) & ~state.is_done
        state.is_done |= ends
        state.inputs = tokens[:, None]
        return ends

    # -- reading prompts -------------------------------------------------------------------------------------------

    def _find_prefix(self, rows: Sequence[Row]) -> int:
        """Return how many tokens all prompts begin with, of which each has more; 0 where too few to be read apart."""
        first, last = min((row.ids for row in rows), default=[]), max((row.ids for row in rows), default=[])
        n_common = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
        n = min(n_common, min((len(row.ids) for row in rows), default=1) - 1)
        return n if n >= MIN_PREFIX and first != last else 0

    def _read(self, rows: Sequence[Row]) -> tuple[_State, DynamicCache]:
        """Return the state of rows behind their first token, and the cache that holds their prompts."""
        from core.models.decoding_cache import stack_caches

        places: dict[tuple[int, ...], int] = {}
        spread = [places.setdefault(tuple(row.ids), len(places)) for row in rows]
        prompts = [list(ids) for ids in places]
        read = [self._read_part(part) for part in self._split(prompts)]
        logits, caches = torch.cat([logits for logits, _ in read]), [cache for _, cache in read]
        cache = caches[0] if len(caches) == 1 else stack_caches(caches, self._make_cache())
        width = max(map(len, prompts))
        starts = torch.tensor([width - len(ids) for ids in prompts], device=self._device)
        if len(prompts) < len(rows):
            order = torch.tensor(spread, device=self._device)
            cache.batch_select_indices(order)
            logits, starts = logits[order], starts[order]
        state = self._make_state(rows, starts)
        self._choose(state, logits)
        return state, cache

    def _split(self, prompts: Sequence[list[int]]) -> Iterator[Sequence[list[int]]]:
        """Yield the prompts a part at a time, as many as are read fastest together."""
        is_whole = self._device.type != "cpu" or not self._can_join
        longest = max(map(len, prompts)) - self._n_prefix
        size = len(prompts) if is_whole else max(1, READ_TOKENS // longest)
        for start in range(0, len(prompts), size):
            yield prompts[start : start + size]

    def _read_part(self, prompts: Sequence[list[int]]) -> tuple[torch.Tensor, DynamicCache]:
        """Return the logits behind each prompt, and the cache that holds them, their ends aligned."""
        width, n_shared = max(map(len, prompts)), self._n_prefix
        starts = torch.tensor([width - len(ids) for ids in prompts], device=self._device)
        columns = torch.arange(width, device=self._device)
        filler = self._student.tokenizer.pad_token_id
        padded = torch.tensor([[filler] * (width - len(ids)) + ids for ids in prompts], device=self._device)
        is_own = columns >= starts[:, None]
        cache = self._make_cache()
        if n_shared:
            self._begin_with_prefix(cache, prompts[0][:n_shared], starts)
        logits = self._student.model(
            input_ids=padded[:, n_shared:],
            attention_mask=is_own.long() if n_shared or bool((starts > 0).any()) else None,
            position_ids=(columns[n_shared:] - starts[:, None]).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        return logits, cache

    def _begin_with_prefix(self, cache: DynamicCache, ids: Sequence[int], starts: torch.Tensor) -> None:
        """Put what all prompts begin with into an empty cache, each row's from its own first column on.

        A row that begins further right has no room for the last tokens of it; they are read again with the rest.
        """
        if not self._prefix:
            apart = self._make_cache()
            self._student.model(
                input_ids=torch.tensor([list(ids)], device=self._device),
                past_key_values=apart,
                use_cache=True,
                logits_to_keep=1,
            )
            self._prefix = [(layer.keys, layer.values) for layer in apart.layers]
        places = (torch.arange(len(ids), device=self._device) - starts[:, None]).clamp(min=0)
        for layer, states in zip(cache.layers, self._prefix, strict=True):
            layer.update(*(part[0][:, places].transpose(0, 1) for part in states))

    def _make_state(self, rows: Sequence[Row], starts: torch.Tensor) -> _State:
        n, most, device = len(rows), max(row.limit for row in rows), self._device
        lots = None
        if self._temperature is not None:
            drawn = np.zeros((n, most + 1), dtype=np.float32)
            for line, row in zip(drawn, rows, strict=True):
                line[:most] = np.random.default_rng(row.seed).random(most, dtype=np.float32)
            lots = torch.from_numpy(drawn).to(device)
        return _State(
            inputs=torch.zeros(n, 1, dtype=torch.long, device=device),
            positions=torch.tensor([[len(row.ids)] for row in rows], device=device),
            starts=starts.clone(),
            ages=torch.zeros(n, dtype=torch.long, device=device),
            limits=torch.tensor([row.limit for row in rows], device=device),
            is_done=torch.zeros(n, dtype=torch.bool, device=device),
            tokens=torch.zeros(n, most + 1, dtype=torch.long, device=device),
            losses=torch.zeros(n, most + 1, dtype=torch.float32, device=device),
            lots=lots,
        )


def pick_greedily(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each row's negative log-likelihood of its likeliest token, float32, and the token."""
    logits = logits.float()
    best, tokens = logits.max(-1)
    return logits.logsumexp(-1) - best, tokens


def draw(logits: torch.Tensor, lots: torch.Tensor, temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each row's negative log-likelihood of a drawn token, untempered, and the token.

    The token is where the cumulated probabilities pass the row's lot, a number in [0, 1).
    """
    logits = logits.float()
    reached = (logits / temperature).softmax(-1).cumsum(-1)
    tokens = (reached <= lots[:, None] * reached[:, -1:]).sum(-1).clamp(max=logits.shape[-1] - 1)
    return logits.logsumexp(-1) - logits.gather(1, tokens[:, None])[:, 0], tokens
