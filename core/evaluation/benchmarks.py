"""The benchmarks that are known by name: what each is, where the hub has it, how many problems a whole copy holds.

None is shipped: a person brings a file, or the hub gives it. A file is recognised by its columns and content, as any
seed file of that task; what the hub gives is mapped as said here. This file knows nothing of runs or students.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.datasets.recognise import ColumnMapping
from core.errors import DataFormatError
from core.records import Problem


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark."""

    name: str
    """What people type."""

    title: str
    """What people read."""

    task: str
    """Whose prompt, limit and checker it is asked with."""

    n_problems: int
    """Problems that an evaluation on it has."""

    hub_id: str
    """Dataset on the Hugging Face Hub."""

    hub_split: str
    mapping: ColumnMapping
    """How the hub's columns become question, worked answer and final answer."""

    hub_config: str | None = None
    tolerance: float | None = None
    """Largest relative difference of two numbers that count as equal; None: none."""

    ranks: tuple[int, int] | None = None
    """First and last place among all problems of the source that are asked, from 1; None: all of them."""

    about: str = ""
    """One sentence for people: what is asked, where a copy may differ."""

    def to_import(self) -> dict[str, Any]:
        """Return the configuration of the import from the hub, as ``core.datasets.import_seed_set`` reads it."""
        hub = {"id": self.hub_id, "config": self.hub_config, "splits": {"train": self.hub_split}}
        return {**self.describe_import(), "hub": hub, "mapping": self.mapping.to_config()}

    def describe_import(self) -> dict[str, Any]:
        """Return what the imports of this benchmark have in common, from the hub or from a file."""
        common = {"name": self.title, "task": self.task, "benchmark": self.name}
        return {**common, "mapping": None, "split_seed": 0, "has_splits": False}


BENCHMARKS: Mapping[str, Benchmark] = {
    each.name: each
    for each in (
        Benchmark(
            name="gsm8k",
            title="GSM8K test",
            task="word_problems",
            n_problems=1319,
            hub_id="openai/gsm8k",
            hub_config="main",
            hub_split="test",
            mapping=ColumnMapping(("question",), "answer"),
            about="Grade-school word problems, all 1,319 of the test split (Cobbe 2021).",
        ),
        Benchmark(
            name="math500",
            title="MATH500",
            task="maths",
            n_problems=500,
            hub_id="HuggingFaceH4/MATH-500",
            hub_split="test",
            mapping=ColumnMapping(("problem",), "solution", "answer"),
            about="500 problems of MATH's test split by subject and level (Lightman 2023; Hendrycks 2021).",
        ),
        Benchmark(
            name="olympiadbench",
            title="OlympiadBench, English maths",
            task="maths",
            n_problems=675,
            hub_id="math-ai/olympiadbench",
            hub_split="test",
            mapping=ColumnMapping(("question",), "solution", "final_answer"),
            about="Open questions of olympiads, text only, in English (He 2024); copies have 674 or 675 of them.",
        ),
        Benchmark(
            name="minerva_math",
            title="Minerva Math",
            task="maths",
            n_problems=272,
            hub_id="math-ai/minervamath",
            hub_split="test",
            mapping=ColumnMapping(("question",), None, "answer"),
            tolerance=1e-2,
            about="Problems of MIT courses (Lewkowycz 2022); references are rounded, so numbers within 1 % are equal.",
        ),
        Benchmark(
            name="prontoqa_dev",
            title="ProntoQA, five steps",
            task="prontoqa",
            n_problems=500,
            hub_id="renma/ProntoQA",
            hub_split="validation",
            mapping=ColumnMapping(("context", "question"), None, "answer"),
            about="500 deductions of five steps, true or false (Saparov 2023; the file of Pan 2023).",
        ),
        Benchmark(
            name="game24_tot",
            title="Game of 24, games 901 to 1000",
            task="game24",
            n_problems=100,
            hub_id="test-time-compute/game-of-24",
            hub_split="train",
            mapping=ColumnMapping(("Puzzles",)),
            ranks=(901, 1000),
            about="The hundred games, by how hard people find them, of Yao 2023 (Tree of Thoughts).",
        ),
    )
}
"""Name -> benchmark. The built-in seed sets ``prontoqa`` and ``game24`` are others."""


def pick_ranks(benchmark: Benchmark, problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems of a copy that the benchmark asks, in the order of the copy.

    The place of a problem is its field ``rank``, else its place in the copy; a copy of just as many problems as are
    asked is taken whole.

    Raises:
        DataFormatError: the copy has neither ranks nor as many problems as the places that are asked.
    """
    if benchmark.ranks is None or len(problems) == benchmark.n_problems:
        return list(problems)
    first, last = benchmark.ranks
    ranks = [_read_rank(problem) for problem in problems]
    if None in ranks:
        ranks = list(range(1, len(problems) + 1))
    chosen = [problem for problem, rank in zip(problems, ranks, strict=True) if first <= rank <= last]
    if len(chosen) != benchmark.n_problems:
        raise DataFormatError(
            f"{benchmark.title} needs the problems ranked {first} to {last}, and this copy of {len(problems):,} has "
            f"{len(chosen):,} of them; give the whole list in its order, or a file of these {benchmark.n_problems}."
        )
    return chosen


def _read_rank(problem: Problem) -> int | None:
    rank = next((problem.meta[name] for name in ("rank", "Rank") if name in problem.meta), None)
    return int(rank) if str(rank).isascii() and str(rank).isdigit() else None
