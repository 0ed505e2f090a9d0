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
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

WIDTH = 4096
"""Numbers in a sketch: squared distances of gradients are off by some 2 % in the mean."""

MIN_TOKENS = 64
"""Tokens that go through the head together at least: on a CPU fewer take longer, since W is read for each product."""

ELEMENTS = {"cpu": 1 << 21, "cuda": 1 << 26}
"""Numbers in a chunk of tokens, where that is more than ``MIN_TOKENS`` tokens: 8 MB on a CPU, 256 MB on a GPU."""


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
        self.buckets = ((words >> np.uint64(1)) % np.uint64(width)).astype(np.int64)
        """(V + d,) int64 in [0, width): of the tokens, then of the hidden state's entries."""
        self.signs = np.where(words & np.uint64(1), -1, 1)
        """(V + d,) int64, 1 or -1, aligned with ``buckets``."""
        slots = torch.from_numpy(self.buckets + width * (self.signs < 0)).to(self.device)
        self._slots = slots[:vocabulary], slots[vocabulary:]
        per_token = vocabulary + 8 * width  # logits, and what the transforms take
        self._n_tokens = max(MIN_TOKENS, ELEMENTS.get(self.device.type, ELEMENTS["cpu"]) // per_token)

    def sketch(
        self,
        hidden: "torch.Tensor",
        logits_of: "Callable[[torch.Tensor], torch.Tensor]",
        targets: "torch.Tensor",
        cap: float | None = None,
    ) -> "torch.Tensor":
        """Return (width,) float32, the sketch of one answer's gradient; see :meth:`sketch_many`."""
        return self.sketch_many(hidden, logits_of, targets, [len(targets)], cap)[0]

    def sketch_many(
        self,
        hidden: "torch.Tensor",
        logits_of: "Callable[[torch.Tensor], torch.Tensor]",
        targets: "torch.Tensor",
        lengths: Sequence[int],
        cap: float | None = None,
    ) -> "torch.Tensor":
        """Sketch the gradients of n answers whose tokens stand one after another.

        The sketch is not normalised: its length is the gradient's, and a sure answer has a short one. Beside the
        result, memory grows by one to two times max(``MIN_TOKENS`` * V, ``ELEMENTS``) float32, twice that with ``cap``.

        Args:
            hidden: (T, d) any float, what goes into the output head at the position that predicts each target.
            logits_of: turns (t, d) rows of ``hidden`` into (t, V) logits, bias and soft capping included. What it
                returns is overwritten, so it must not be kept. A constant factor on the logits is left out of g.
            targets: (T,) int64, the answers' tokens, end-of-text included.
            lengths: n numbers of tokens, each at least 1, T in all.
            cap: c where the head ends with c * tanh(z / c); g is then with respect to W as well, through the tanh.

        Returns:
            (n, width) float32 on the sketch's device; not finite where the logits were not.

        Raises:
            ValueError: the lengths do not cover the tokens, or an answer has none: it has no gradient.
        """
        import torch

        if sum(lengths) != len(targets) or len(hidden) != len(targets) or min(lengths, default=1) < 1:
            raise ValueError(
                f"Lengths must be at least 1 and sum up to the {len(targets)} targets and {len(hidden)} hidden states."
            )
        sizes = torch.tensor(lengths, device=self.device)
        owners = torch.repeat_interleave(torch.arange(len(lengths), device=self.device), sizes)
        sums = torch.zeros(len(lengths), self.width // 2 + 1, dtype=torch.complex64, device=self.device)
        n_parts = max(1, round(len(targets) / self._n_tokens))  # even ones: a short rest would take as long
        parts = [tensor.tensor_split(n_parts) for tensor in (hidden, targets, owners)]
        room = torch.empty(len(parts[0][0]), 2 * self.width, device=self.device)
        with torch.inference_mode():  # logits that were made in it can be overwritten nowhere else
            for states, tokens, rows in zip(*parts, strict=True):
                errors, scale = _find_errors(logits_of(states).float(), tokens, cap)
                counts = self._count(errors, self._slots[0], room).div_(scale)
                del errors  # by far the most memory, and the next logits fit where it was if all that follows is gone
                spectra = torch.fft.rfft(counts)
                spectra *= torch.fft.rfft(self._count(states.float(), self._slots[1], room))
                sums.index_add_(0, rows, spectra)
                del counts, spectra
        return torch.fft.irfft(sums, n=self.width) / sizes[:, None]

    def _count(self, values: "torch.Tensor", slots: "torch.Tensor", room: "torch.Tensor") -> "torch.Tensor":
        """Return (t, width) count sketches of the rows of (t, m); they lie in ``room``, (at least t, 2 * width).

        Positive and negative signs have buckets of their own, so that no signed copy of the values is made. Measured
        against a sparse product, scatter_add_, embedding_bag and permuted sums: this is the fastest, some 0.5 ns a
        value on two cores, and nothing in it is particular to a CPU.
        """
        sums = room[: len(values)].zero_().index_add_(1, slots, values)
        return sums[:, : self.width].sub_(sums[:, self.width :])


def _find_errors(
    logits: "torch.Tensor", targets: "torch.Tensor", cap: float | None
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Turn (t, V) float32 logits, in place, into scale * (p - e_y), and return them with scale (t, 1)."""
    import torch

    slope = None if cap is None else logits.div(cap).square_().neg_().add_(1)  # of c * tanh(z / c)
    logits.sub_(logits.amax(1, keepdim=True)).clamp_(min=-80.0).exp_()  # numbers below 1e-38 are slow, and no matter
    scale = logits.sum(1, keepdim=True)
    logits[torch.arange(len(logits), device=logits.device), targets] -= scale[:, 0]
    return logits if slope is None else logits.mul_(slope), scale


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
