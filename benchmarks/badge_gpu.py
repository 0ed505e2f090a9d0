"""BADGE on a 7B-shaped model in bfloat16: our sketches against writing the gradient out, both on the GPU.

    python benchmarks/badge_gpu.py [--device cuda] [--answers 64] [--quick]

NOT RUN ON A GPU YET: only its code path was, with ``--device cpu --quick``, whose figures say nothing.

Weights are random, nothing is downloaded; prompts and answers are random tokens. The answers are read through the model
once (``core.models.forward.read_answers``), and both sides get the same hidden states and the same head, in bfloat16.

- ours: ``TensorSketch.sketch_many``, tables included, over ``stream_logits``: ``HEAD_ROWS`` entries of the vocabulary
  at a time; the V x d gradient never exists.
- peer: all logits of an answer, softmax minus one-hot, its product with the hidden states into one (V, d) float32
  buffer, and that times the projection that scikit-learn's ``SparseRandomProjection`` would draw (density
  1 / sqrt(V * d)) as a ``torch.sparse`` matrix in CSR form on the GPU, each row's columns sorted. Drawing and sorting
  it is in no time.

Seconds are medians of three, between synchronisations, after a first call that is not counted. Added memory is
``torch.cuda.max_memory_allocated`` minus what was allocated before the side made anything; for the peer the projection
and the buffer are in it. The logits alone, which both sides make, and the pass through the model have lines of their
own. Errors are those of squared distances between the first twelve answers, against exact inner products by the sum
over pairs of tokens: a check that both sides do the same thing.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from sklearn.random_projection import SparseRandomProjection

from benchmarks.badge import WIDTH, draw_projection, list_distances
from core.models.forward import GivenAnswer, ReadAnswer, apply_head, read_answers, stream_logits
from core.models.sketch import TOKENS, TensorSketch
from core.models.student import TINY, Student, find_context_length, load_tokenizer
from core.settings import DEMO

SHAPES = {
    "7b": {
        "vocab_size": 152_064, "hidden_size": 3584, "intermediate_size": 18_944, "num_hidden_layers": 28,
        "num_attention_heads": 28, "num_key_value_heads": 4,
    },
    "quick": {
        "vocab_size": 3000, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2,
    },
}  # fmt: skip
"""Of the model; 7b is that of Qwen2.5-7B."""

N_EXACT = 12
"""Answers whose distances are compared with exact ones."""


def make_student(shape: str, device: str) -> Student:
    """Return a student of random bfloat16 weights that are made on the device."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        **SHAPES[shape], max_position_embeddings=4096, pad_token_id=0, eos_token_id=1, bos_token_id=None,
        tie_word_embeddings=False,
    )  # fmt: skip
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(device):
        model = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    return Student(model.eval(), load_tokenizer(DEMO / TINY), shape, None, find_context_length(config))


def make_answers(vocabulary: int, n_answers: int) -> list[GivenAnswer]:
    """Return answers of 48 to 80 random tokens to prompts of 128."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(48, 81, n_answers)
    return [
        GivenAnswer(index, rng.integers(2, vocabulary, 128).tolist(), rng.integers(2, vocabulary, length).tolist())
        for index, length in enumerate(lengths)
    ]


def read_all(student: Student, given: list[GivenAnswer]) -> list[ReadAnswer]:
    """Return all answers as the student reads them, in their order."""
    return sorted((read for batch in read_answers(student, given, list) for read in batch), key=lambda read: read.index)


def sketch_ours(student: Student, reads: list[ReadAnswer]) -> torch.Tensor:
    """Return (n, width) sketches."""
    head = student.model.get_output_embeddings().weight
    table = TensorSketch(*head.shape, WIDTH, device=head.device)
    return table.sketch_many(
        torch.cat([read.hidden for read in reads]),
        partial(stream_logits, student),
        torch.cat([read.targets for read in reads]),
        [len(read.targets) for read in reads],
    )


def make_peer(student: Student) -> Callable[[list[ReadAnswer]], torch.Tensor]:
    """Return what writes out and projects each answer's gradient, with its projection and its buffer on the device."""
    head = student.model.get_output_embeddings().weight
    drawn = SparseRandomProjection(WIDTH, random_state=0)
    draw_projection(drawn, head.numel())
    matrix = drawn.components_
    matrix.sort_indices()  # torch's form asks for it, and reading in order is faster
    parts = [torch.from_numpy(part).to(head.device) for part in (matrix.indptr, matrix.indices, matrix.data)]
    projection = torch.sparse_csr_tensor(*parts, size=matrix.shape, check_invariants=True)
    gradient = torch.zeros(head.shape, device=head.device)

    def project(reads: list[ReadAnswer]) -> torch.Tensor:
        rows = []
        for read in reads:
            torch.matmul(find_errors(student, read).t(), read.hidden.float(), out=gradient)
            rows.append(projection @ gradient.view(-1))
        return torch.stack(rows)

    return project


def find_errors(student: Student, read: ReadAnswer) -> torch.Tensor:
    """Return (t, V) float32 probabilities minus one-hot targets, over the number of tokens."""
    errors = apply_head(student, read.hidden).softmax(-1)
    errors[torch.arange(len(read.targets), device=errors.device), read.targets] -= 1
    return errors.div_(len(read.targets))


def make_logits(student: Student, reads: list[ReadAnswer]) -> None:
    """Make all logits, a run of the vocabulary after another, and use them for nothing."""
    for states in torch.cat([read.hidden for read in reads]).split(TOKENS[student.device.type]):
        for _ in stream_logits(student, states):
            pass


def find_exact(student: Student, reads: list[ReadAnswer]) -> np.ndarray:
    """Return the exact squared distances between all pairs of answers."""
    errors, n = [find_errors(student, read) for read in reads], len(reads)
    products = np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            states = reads[i].hidden.float() @ reads[j].hidden.float().t()
            products[i, j] = products[j, i] = float(((errors[i] @ errors[j].t()) * states).double().sum())
    lengths = np.diag(products)
    return (lengths[:, None] + lengths - 2 * products)[np.triu_indices(n, 1)]


def read_memory(device: str, is_peak: bool = False) -> int:
    """Return the bytes allocated now, or at most since the last reset; 0 where there is no GPU."""
    if device == "cpu":
        return 0
    return torch.cuda.max_memory_allocated(device) if is_peak else torch.cuda.memory_allocated(device)


def measure(work: Callable[[], Any], device: str) -> tuple[float, int, Any]:
    """Return the median seconds of three calls, the most bytes allocated in any, and the last one's result."""
    is_gpu, seconds = device != "cpu", []
    work()  # not counted: libraries choose their kernels, the allocator its blocks
    if is_gpu:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    for _ in range(3):
        result = None  # the earlier one is in no peak
        started = time.perf_counter()
        result = work()
        if is_gpu:
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), read_memory(device, is_peak=True), result


def print_line(name: str, n_tokens: int, seconds: float, added: str = "", error: str = "", whole: str = "") -> None:
    """Print one line of the table."""
    print(f"{name:22}{seconds:>10.4f}{n_tokens / seconds:>12,.0f}{whole:>16}{added:>11}{error:>12}", flush=True)


def show(student: Student, n_answers: int, device: str) -> None:
    """Measure all and print the table."""
    vocabulary, hidden = student.model.get_output_embeddings().weight.shape
    given = make_answers(vocabulary, n_answers)
    pass_s, _, reads = measure(lambda: read_all(student, given), device)
    n = sum(len(read.targets) for read in reads)
    where = torch.cuda.get_device_name(device) if device != "cpu" else "CPU (figures say nothing)"
    print(f"{where}: head of {vocabulary:,} x {hidden:,} in {student.dtype_name}, {n_answers} answers, {n:,} tokens, "
          f"width {WIDTH}")  # fmt: skip
    print(f"{'':22}{'seconds':>10}{'tokens/s':>12}{'with the pass':>16}{'added MB':>11}{'mean error':>12}")
    print_line("pass of the model", n, pass_s)
    print_line("logits alone", n, measure(lambda: make_logits(student, reads), device)[0])
    exact, found = find_exact(student, reads[:N_EXACT]), {}
    for name in ("ours", "peer: torch.sparse"):
        before = read_memory(device)
        sketch = partial(sketch_ours, student) if name == "ours" else make_peer(student)
        seconds, peak, rows = measure(partial(sketch, reads), device)
        error = np.abs(np.array(list_distances(rows[:N_EXACT].cpu().numpy())) / exact - 1).mean()
        found[name] = seconds, peak - before
        added = "not known" if device == "cpu" else f"{(peak - before) / 1e6:,.0f}"
        print_line(name, n, seconds, added, f"{error:.2%}", f"{n / (pass_s + seconds):,.0f}")
        del sketch, rows  # the next side begins with the same memory
    (ours_s, ours_added), (peer_s, peer_added) = found.values()
    share = "" if device == "cpu" else f", 1/{peer_added / ours_added:.0f} of the memory"
    print(
        f"ours is {peer_s / ours_s:.1f} times as fast, with the pass {(pass_s + peer_s) / (pass_s + ours_s):.1f}{share}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--answers", type=int, default=64, help="at least 2")
    parser.add_argument("--quick", action="store_true", help="a tiny model: to see that it works")
    wanted = parser.parse_args()
    if wanted.device == "cpu" and not wanted.quick:
        sys.exit("A 7B-shaped model is measured on a GPU only; --quick runs the same code with a tiny one on a CPU.")
    if wanted.device == "cuda" and not torch.cuda.is_available():
        sys.exit("There is no GPU here; run with --device cpu --quick to see that the code works.")
    if wanted.answers < 2:
        parser.error("--answers must be at least 2: distances need a pair.")
    with torch.inference_mode():
        show(make_student("quick" if wanted.quick else "7b", wanted.device), wanted.answers, wanted.device)


if __name__ == "__main__":
    main()
