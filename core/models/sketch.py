"""Sketches of gradients: what an answer would change in the output head, as a row of a few thousand numbers.

The gradient of an answer's mean loss with respect to the output head W (V, d) is

    g = (1 / |y|) sum_t (p_t - e_{y_t}) outer h_t

with p_t the probabilities over the V tokens, y_t the token that stands there and h_t the hidden state that goes into
the head (Ash 2020, section 3; Kessler 2025, section 4.1, for language models). V * d is far too long to keep, so g is
projected by TensorSketch (Pham & Pagh 2013): entry (v, j) goes to bucket (b1[v] + b2[j]) mod width with the sign
s1[v] * s2[j]. That is a sparse random projection with one nonzero per column; inner products of sketches, and so
squared distances, have those of the gradients as their mean. Bucket sums add along the two factors, so the sketch of
an outer product is a circular convolution of the factors' count sketches: a product of Fourier transforms. V x d is
never made.

It knows nothing of tokenizers, prompts or model classes: hidden states, targets and the head come from the caller.
"""

import base64
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

WIDTH = 4096
"""Numbers in a sketch: squared distances of gradients are off by some 2 % in the mean."""

TOKENS = {"cpu": 96, "cuda": 512}
"""Answer tokens that meet the vocabulary together: more are faster, and take more memory (width float32 each, and
their logits of a run of the vocabulary)."""

SLACK = 20.0
"""How far logits may lie above the one that sums are relative to: e**20 leaves float32 all its digits."""

TRANSFORMED = {"cpu": 16, "cuda": 512}
"""Answer tokens whose count sketches are transformed together."""


class TensorSketch:
    """Projects output-head gradients of answers to ``width`` numbers.

    The tables are drawn from the raw stream of numpy's PCG64, which is the same on every machine and in every version:
    equal arguments give equal tables. Sums are float32; on a GPU their order, and so the last digits, may vary.
    """

    def __init__(
        self,
        vocabulary: int,
        hidden: int,
        width: int = WIDTH,
        seed: int = 0,
        device: "torch.device | str | None" = None,
    ):
        """Draw the tables.

        Args:
            vocabulary: V, rows of the output head (padded rows included).
            hidden: d, length of a hidden state.
            width: numbers in a sketch.
            seed: of the tables; only sketches by equal tables can be compared.
            device: where hidden states and head are; None is the CPU.
        """
        import torch

        self.width = width
        self.device = torch.device("cpu" if device is None else device)
        words = np.random.PCG64(seed).random_raw(vocabulary + hidden)
        self.signs = 1 - 2 * (words & np.uint64(1)).astype(np.int8)
        """(V + d,) int8, 1 or -1, aligned with ``buckets``."""
        words >>= np.uint64(1)
        words %= np.uint64(width)
        self.buckets = words.astype(np.int32)
        """(V + d,) int32 in [0, width): of the tokens, then of the hidden state's entries."""
        sizes = vocabulary, hidden
        self._slots = torch.from_numpy(self.buckets).to(self.device, torch.int64).split(sizes)
        self._signs = torch.from_numpy(self.signs).to(self.device, torch.float32).split(sizes)

    def sketch_many(
        self,
        hidden: "torch.Tensor",
        stream_logits: "Callable[[torch.Tensor], Iterable[torch.Tensor]]",
        targets: "torch.Tensor",
        lengths: Sequence[int],
        cap: float | None = None,
    ) -> "torch.Tensor":
        """Sketch the gradients of n answers whose tokens stand one after another.

        The sketch is not normalised: its length is the gradient's, and a sure answer has a short one. Memory grows
        with ``TOKENS`` times the width and the longest run of the vocabulary, not with the vocabulary itself.

        Args:
            hidden: (T, d) any float, what goes into the output head at the position that predicts each target.
            stream_logits: turns (t, d) rows of ``hidden`` into logits, bias and soft capping included, a run of the
                vocabulary after another: (v, t) each, (V, t) in all, any float. They are overwritten, so they must
                not be kept. A constant factor on the logits is left out of g.
            targets: (T,) int64, the answers' tokens, end-of-text included.
            lengths: n numbers of tokens, each at least 1, T in all.
            cap: c where the head ends with c * tanh(z / c); g is then with respect to W as well, through the tanh.

        Returns:
            (n, width) float32 on the sketch's device, (0, width) of no answers; not finite where the logits were not.

        Raises:
            ValueError: the lengths do not cover the tokens, or the logits not the vocabulary, or an answer has no
                tokens: it has no gradient.
        """
        import torch

        if sum(lengths) != len(targets) or len(hidden) != len(targets) or min(lengths, default=1) < 1:
            raise ValueError(
                f"Lengths must be at least 1 and sum up to the {len(targets)} targets and {len(hidden)} hidden states."
            )
        if not lengths:
            return torch.zeros(0, self.width, device=self.device)
        sizes = torch.tensor(lengths, device=self.device)
        owners = torch.repeat_interleave(torch.arange(len(lengths), device=self.device), sizes)
        sums = torch.zeros(len(lengths), self.width // 2 + 1, dtype=torch.complex64, device=self.device)
        n_parts = math.ceil(len(targets) / TOKENS.get(self.device.type, TOKENS["cpu"]))
        size = 16 * math.ceil(len(targets) / n_parts / 16)  # parts are even, for a short rest is slow, as odd sizes are
        parts = [tensor.split(size) for tensor in (hidden, targets, owners)]
        n_rows = TRANSFORMED.get(self.device.type, TRANSFORMED["cpu"])
        with torch.inference_mode():  # logits that were made in it can be overwritten nowhere else
            for states, tokens, rows in zip(*parts, strict=True):
                errors = self._count_errors(stream_logits(states), tokens, cap)
                split = errors.split(n_rows, dim=1), states.split(n_rows), rows.split(n_rows)
                for counts, some, owned in zip(*split, strict=True):
                    spectra = torch.fft.rfft(counts.t().contiguous())
                    sums.index_add_(0, owned, spectra.mul_(torch.fft.rfft(self._count_states(some))))
        return torch.fft.irfft(sums, n=self.width) / sizes[:, None]

    def _count_errors(
        self, pieces: "Iterable[torch.Tensor]", targets: "torch.Tensor", cap: float | None
    ) -> "torch.Tensor":
        """Return (width, t) count sketches of (p - e_y), from logits of which only one piece is there at a time.

        Sums are kept relative to a large logit and shrink when a much larger one comes (Milakov & Gimelshein 2018,
        "online softmax"). The target is left out of the sum of the others, which is 1 - p_y without the loss of
        digits where p_y is near 1. Tokens stand in columns, so that each entry of the vocabulary adds a whole row.
        """
        import torch

        columns = torch.arange(len(targets), device=self.device)
        counts = torch.zeros(self.width, len(targets), device=self.device)
        top = torch.full((len(targets),), -1e30, device=self.device)
        others, own, slopes = torch.zeros_like(top), torch.zeros_like(top), torch.ones_like(top)
        start = 0
        for piece in pieces:
            logits, run = piece.float(), slice(start, start + len(piece))
            here = columns[(targets >= run.start) & (targets < run.stop)]
            places = targets[here] - start
            slope = None if cap is None else logits.div(cap).square_().neg_().add_(1)  # of c * tanh(z / c)
            highest = logits.amax(0)
            if bool((highest > top + SLACK).any()):  # else sums stay as they are: most pieces change little
                highest = torch.maximum(top, highest)
                for kept in (counts, others, own):
                    kept.mul_((top - highest).exp())
                top = highest
            weights = logits.sub_(top).clamp_(min=-80.0).exp_()  # numbers below 1e-38 are slow, and no matter
            own[here] = weights[places, here]
            weights[places, here] = 0.0
            others += weights.sum(0)
            if slope is not None:
                slopes[here] = slope[places, here]
                weights.mul_(slope)
            counts.index_add_(0, self._slots[0][run], weights.mul_(self._signs[0][run, None]))
            start = run.stop
        if start != len(self._slots[0]):
            raise ValueError(f"Logits of {start:,} tokens came for a vocabulary of {len(self._slots[0]):,}.")
        counts[self._slots[0][targets], columns] -= others * slopes * self._signs[0][targets]
        return counts.div_(others + own)

    def _count_states(self, states: "torch.Tensor") -> "torch.Tensor":
        """Return (t, width) count sketches of (t, d) hidden states."""
        import torch

        counts = torch.zeros(self.width, len(states), device=self.device)
        return counts.index_add_(0, self._slots[1], states.float().mul(self._signs[1]).t()).t().contiguous()


def pack_sketch(values: np.ndarray) -> dict[str, Any]:
    """Return a sketch as JSON values: float16 in base64 and a scale, 2.7 bytes a number.

    The scale is the power of two that brings the largest entry to [2**14, 2**15), so dividing by it is exact. An
    entry is off by at most 2**-11 of itself, or 2**-39 of the largest entry if that is more.

    Args:
        values: (width,) float, finite.

    Raises:
        ValueError: an entry is not finite; unknown sketches are not stored.
    """
    wide = np.asarray(values, dtype=np.float64)
    largest = float(np.abs(wide).max(initial=0.0))
    if not math.isfinite(largest):
        raise ValueError("A sketch with entries that are not finite cannot be packed; leave it out.")
    scale = math.ldexp(1.0, math.frexp(largest)[1] - 15) if largest else 1.0
    return {"scale": scale, "float16": base64.b64encode((wide / scale).astype("<f2").tobytes()).decode("ascii")}


def unpack_sketch(stored: Mapping[str, Any]) -> np.ndarray:
    """Return (width,) float32, what :func:`pack_sketch` made JSON values of."""
    halves = np.frombuffer(base64.b64decode(stored["float16"], validate=True), dtype="<f2")
    return (halves.astype(np.float64) * stored["scale"]).astype(np.float32)
