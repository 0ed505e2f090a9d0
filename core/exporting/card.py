"""The card of a dataset: what it is, how it was made, what became of everything else, and whose licences hold.

It writes Markdown with the head that the hub reads, from facts that somebody else has gathered. What nobody knows is
said to be unknown.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.exporting.base import VALIDATION
from core.exporting.folder import name_data

UNKNOWN = "unknown"

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
LARGEST = "n>1M"

_TICKS = re.compile("`+")

STAND_IN = (
    "**The teacher was Seedbed's built-in, rule-based stand-in.** What it writes shows how the loop works and is no "
    "evidence about language models."
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where seeds came from."""

    name: str
    n: int | None
    """Problems in it."""

    origin: str
    licence: str


@dataclass(frozen=True, slots=True)
class Origin:
    """A run that candidates came from; a text that nobody knows is UNKNOWN."""

    title: str
    student: str
    selector: str
    filters: tuple[str, ...]
    counts: Mapping[str, int]
    """Stage -> candidates: asked, failed, rejected, passed, reviewed, accepted, edited, rejected_by_hand, trashed."""

    n_taken: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text that the teacher was sent."""

    name: str
    version: str
    text: str | None
    """None: as Seedbed ships it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a card says."""

    name: str
    asked: str
    """The filter, as a command has it."""

    is_as_asked: bool
    """Whether the messages hold the task's prompt rather than the bare question."""

    sizes: Mapping[str, int]
    """Split -> rows."""

    left_out: Mapping[str, int]
    sources: Sequence[Source]
    origins: Sequence[Origin]
    teachers: Mapping[str, int]
    """Who wrote it -> rows of this dataset."""

    methods: Mapping[str, int]
    prompts: Sequence[Prompt]
    rejections: Mapping[str, int]
    """Filter -> candidates that it rejected."""

    licences: Mapping[str, str]
    """Whose (student, teacher: names) -> licence."""

    licence: str = UNKNOWN
    """Of the dataset, as whoever takes it out says."""

    n_brought: int = 0
    """Rows that were made elsewhere and brought in."""

    has_builtin: bool = False
    tags: Sequence[str] = field(default_factory=tuple)


def write_card(facts: Facts) -> str:
    """Return the card as Markdown."""
    parts = [
        _write_head(facts),
        f"# {one_line(facts.name)}",
        _describe(facts),
        "## Seeds\n\n" + _write_table(("seeds", "problems", "origin", "licence"), map(_list_source, facts.sources)),
        "## Who made it\n\n" + "\n".join(_list_makers(facts)),
        "## Prompts\n\n" + "\n".join(_list_prompts(facts)),
        "## What became of everything\n\n" + _write_stages(facts),
        "## Licences\n\n" + "\n".join(_list_licences(facts)),
        '## How to load it\n\n```python\nfrom datasets import load_dataset\n\ndata = load_dataset(".")'
        "  # or the name of its repository\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _write_head(facts: Facts) -> str:
    """Return the lines that the hub and the ``datasets`` library read; JSON values are YAML too."""
    n = sum(facts.sizes.values())
    head: dict[str, Any] = {
        "license": one_line(facts.licence),
        "pretty_name": one_line(facts.name),
        "task_categories": ["text-generation"],
        "tags": ["seedbed", "synthetic", *facts.tags],
        "size_categories": [next((word for size, word in SIZES if n < size), LARGEST)],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": name_data(split)} for split in facts.sizes],
            }
        ],
    }
    return "\n".join(
        ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()), "---"]
    )


def _describe(facts: Facts) -> str:
    sizes = ", ".join(f"{n:,} {split}" for split, n in facts.sizes.items())
    n_asked, n_reviewed = (sum(each.counts[name] for each in facts.origins) for name in ("asked", "reviewed"))
    asked = "the task's prompt with the question in it" if facts.is_as_asked else "the bare question"
    lines = [
        f"{sizes} rows, made with Seedbed: {_say_makers(facts)}, and filters judged them. Of the {n_asked:,} "
        f"candidates of these runs, people reviewed {n_reviewed:,}.",
        f"Taken out by the filter `{one_line(facts.asked)}`. In `messages` the user's turn is {asked}; `question`, "
        "`answer` and `final` are the texts as they stand after edits by hand, and the other columns say where "
        "each came from.",
    ]
    if VALIDATION in facts.sizes:
        lines.append("Children of one seed, and those that ask the same question, are never in both splits.")
    if facts.has_builtin:
        lines.append(STAND_IN)
    return "\n\n".join(lines)


def _say_makers(facts: Facts) -> str:
    """Return who wrote the problems: a teacher here, others elsewhere, or both."""
    n = sum(facts.methods.values())
    said = ["a teacher grew new problems from seeds"] if n > facts.n_brought or not n else []
    said += ["problems that were made elsewhere were brought in"] if facts.n_brought else []
    return ", ".join(said)


def _list_source(source: Source) -> tuple[str, ...]:
    n = UNKNOWN if source.n is None else f"{source.n:,}"
    return source.name, n, source.origin, source.licence


def _list_makers(facts: Facts) -> list[str]:
    lines = [
        ("student", _join_known({each.student: None for each in facts.origins})),
        ("teacher", _join_known(facts.teachers)),
        ("methods", _join_known(facts.methods)),
        ("selectors", _join_known({each.selector: None for each in facts.origins})),
        ("filters", _join_known({name: None for each in facts.origins for name in each.filters})),
    ]
    return [f"- {name}: {text}" for name, text in lines]


def _join_known(names: Mapping[str, int | None]) -> str:
    """Return names with how many rows are of each, where that is counted."""
    said = [f"`{one_line(name)}`" + ("" if n is None else f" ({n:,})") for name, n in names.items()]
    return ", ".join(said) or UNKNOWN


def _list_prompts(facts: Facts) -> list[str]:
    if not facts.prompts:
        if not facts.methods:
            return [f"{UNKNOWN.capitalize()}: no run kept them."]
        return [f"Those that Seedbed ships for {_join_known(facts.methods)}; these runs kept no version of them."]
    shipped = [f"`{each.name}` (version {each.version})" for each in facts.prompts if each.text is None]
    lines = [f"As Seedbed ships them: {', '.join(shipped)}."] if shipped else []
    for each in facts.prompts:
        if each.text is not None:
            fence = "`" * max(4, 1 + max(map(len, _TICKS.findall(each.text)), default=0))
            lines += ["", f"Our own `{each.name}`:", "", f"{fence}text", each.text, fence]
    return lines


def _write_stages(facts: Facts) -> str:
    """Return the counts of every stage, run by run and together, then by filter and by reason."""
    stages = ("asked", "failed", "rejected", "passed", "reviewed", "accepted", "edited", "rejected_by_hand", "trashed")
    rows = [(each.title, *(f"{each.counts[name]:,}" for name in stages), f"{each.n_taken:,}") for each in facts.origins]
    if len(facts.origins) > 1:
        sums = [sum(each.counts[name] for each in facts.origins) for name in stages]
        rows.append(("together", *(f"{n:,}" for n in sums), f"{sum(each.n_taken for each in facts.origins):,}"))
    words = ("failed", "rejected by filters", "passed", "reviewed", "accepted", "edited", "rejected by hand", "trashed")
    lines = [_write_table(("run", "asked", *words, "taken out"), rows), ""]
    lines += [
        "asked = failed + rejected by filters + passed.",
        "",
        "Rejected by each filter, under the first by name:",
        "",
    ]
    lines += [f"- {name}: {n:,}" for name, n in facts.rejections.items()] or ["- none"]
    lines += ["", "Asked for by the filter above and left out:", ""]
    lines += [f"- {n:,}: {reason}" for reason, n in facts.left_out.items()] or ["- none"]
    return "\n".join(lines)


def _list_licences(facts: Facts) -> list[str]:
    return [
        f"- this dataset: {one_line(facts.licence)}",
        *(f"- seeds {one_line(each.name)}: {one_line(each.licence)}" for each in facts.sources),
        *(f"- {one_line(whose)}: {one_line(licence)}" for whose, licence in facts.licences.items()),
    ]


def _write_table(head: Sequence[str], rows: Any) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(one_line(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def one_line(text: str) -> str:
    """Return a text as it may stand in Markdown and its head: one printable line, no end of a code span, no tag."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(printable.translate(str.maketrans("`<>[]|", "'()()/")).split())
