"""What ``python -m core filter`` does: every line of a file comes back, in order, with the verdicts of the filters.

Filters that ask nobody judge all lines first; the lines that they leave are put to those that ask a teacher.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from core.errors import SeedbedError, UnknownNameError
from core.filters.base import Filter, FilterContext, is_rejected, make_filters
from core.filters.judging import ask_filters, judge
from core.records import Candidate, Verdict, content_id
from core.shell import check_out
from core.shell_generate import VERDICT_FIELDS, find_filters, find_teacher, judge_line, read_settings
from core.shell_rows import LineFaultError, list_texts, open_lines, open_out, parse_line, write_row

N_ASKED_AT_ONCE = 64
"""Lines that filters ask a teacher about at the same time."""


def run_filter(options: argparse.Namespace) -> int:
    """Give every line of a file its verdicts; each comes back, in order, whatever it is."""
    from core.tasks import TASKS

    filters = make_filters(find_filters(options.filters), read_filter_settings(options.setting))
    task = TASKS.get(options.task)
    with open_lines(str(options.input)) as file:
        lines = [text for _, text in list_texts(file)]
    check_out(options.out)
    against = [line for path in options.against for line in read_questions(path)]
    context = FilterContext(
        task,
        [question for _, question in against],
        benchmarks={name: [q for each, q in against if each == name] for name in dict.fromkeys(n for n, _ in against)},
        earlier_noun="a question it was compared with" if against else "the question of an earlier line",
    )
    candidates = [to_candidate(number, line, task) for number, line in enumerate(lines, 1)]
    verdicts = judge(candidates, filters, context)
    with open_out(options.out) as file:
        rows = RowFile(file, lines, candidates, verdicts)
        if any(one.cost == "teacher" for one in filters):
            ask_about_lines(options, candidates, verdicts, filters, context, rows.decide)
        else:
            for at in range(len(lines)):
                rows.decide(at)
    print_rejections(candidates, verdicts, rows.n_accepted)
    print(f"{len(lines):,} lines: {options.out}")
    return 0


def read_filter_settings(pairs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return ``filter.name=value`` pairs as filter -> name -> value."""
    settings: dict[str, dict[str, Any]] = {}
    for name, value in read_settings(pairs).items():
        filter_, mark, field = name.partition(".")
        if not mark:
            raise UnknownNameError(f"Write a setting of a filter as FILTER.NAME=VALUE, not {name!r}.")
        settings.setdefault(find_filters([filter_])[0], {})[field] = value
    return settings


def read_questions(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (name of the file, question) of each line that has one; the others are counted on the other stream."""
    n_without = 0
    with open_lines(str(path)) as file:
        for _, text in list_texts(file):
            row = read_object(text)
            if row is not None and isinstance(row.get("question"), str):
                yield path.stem, row["question"]
            else:
                n_without += bool(text.strip())
    if n_without:
        print(f"seedbed: {n_without:,} lines of {path} have no question and were not compared with.", file=sys.stderr)


def read_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object of a line; None where it is none."""
    try:
        row = parse_line(text)
    except LineFaultError:
        return None
    return row if isinstance(row, dict) else None


def to_candidate(number: int, line: str, task: Any) -> Candidate:
    """Return a line as a candidate; one that cannot be read has a failure."""
    failure = None
    try:
        row = parse_line(line)
        if not isinstance(row, dict):
            row, failure = {}, f"Line {number} is no JSON object."
    except LineFaultError as error:
        row, failure = {}, f"Line {number} {error}."
    texts = {name: row.get(name) if isinstance(row.get(name), str) else None for name in ("question", "answer")}
    if failure is None:
        failure = str(row.get("failure") or "") or (None if texts["question"] else f"Line {number} has no question.")
    final = row.get("final")
    if final is None and texts["answer"]:
        final = task.extract_final(texts["answer"])
    parents = row.get("parents") if isinstance(row.get("parents"), list) else []
    return Candidate(
        candidate_id=content_id("c", "line", number),
        parents=tuple(map(str, parents)),
        **texts,
        final=None if final is None else str(final),
        failure=failure,
        method=str(row.get("method") or ""),
        teacher=str(row.get("teacher") or ""),
        raw_question=None,
        raw_answer=None,
        n_input_tokens=None,
        n_output_tokens=None,
        meta=row.get("meta") if isinstance(row.get("meta"), dict) else {},
    )


class RowFile:
    """Writes every line back with what was said of it, in the order of the lines, as soon as that is known."""

    def __init__(
        self, file: TextIO, lines: Sequence[str], candidates: Sequence[Candidate], verdicts: Sequence[list[Verdict]]
    ):
        self._file, self._lines, self._candidates, self._verdicts = file, lines, candidates, verdicts
        self._decided: set[int] = set()
        self._next = 0
        self.n_accepted = 0

    def decide(self, at: int) -> None:
        """Say that line ``at``, counted from 0, has all its verdicts."""
        self._decided.add(at)
        while self._next in self._decided:
            self._decided.remove(self._next)
            self._write(self._next)
            self._next += 1
        self._file.flush()

    def _write(self, at: int) -> None:
        row = read_object(self._lines[at])
        row = {"line": at + 1, "raw": self._lines[at]} if row is None else row
        about = [{key: getattr(verdict, key) for key in VERDICT_FIELDS} for verdict in self._verdicts[at]]
        row |= judge_line(self._candidates[at].failure, about)
        self.n_accepted += row["is_accepted"]
        self._file.write(write_row(row) + "\n")


def ask_about_lines(
    options: argparse.Namespace,
    candidates: Sequence[Candidate],
    verdicts: Sequence[list[Verdict]],
    filters: Sequence[Filter],
    context: FilterContext,
    decide: Callable[[int], None],
) -> None:
    """Put what is not rejected yet to the filters that ask a teacher, and add their verdicts.

    Args:
        options: name the teacher, and the budget, beyond which nothing is decided.
        candidates: one per line.
        verdicts: of the filters that ask nobody, per line; receive more.
        filters: all of them.
        context: receives the teacher.
        decide: is told the number of each line that has all its verdicts.
    """
    from core.recipes.teachers import open_teacher

    async def ask_all() -> None:
        gate = asyncio.Semaphore(N_ASKED_AT_ONCE)

        async def ask(at: int) -> None:
            if candidates[at].failure is None and not is_rejected(verdicts[at]):
                async with gate:
                    verdicts[at].extend(await ask_filters(candidates[at], filters, context))
            decide(at)

        async with asyncio.TaskGroup() as group:
            for at in range(len(candidates)):
                group.create_task(ask(at))

    budget = {"tokens": options.budget_tokens, "usd": options.budget_usd}
    with open_teacher(options.home.resolve(), find_teacher(options), budget=budget) as teacher:
        context.teacher = teacher
        try:
            asyncio.run(ask_all())
        except* SeedbedError as errors:
            raise errors.exceptions[0] from None


def print_rejections(candidates: Sequence[Candidate], verdicts: Sequence[Sequence[Verdict]], n_accepted: int) -> None:
    """Say how many lines each filter rejected or could not decide, and how many were no candidates at all."""
    n_failed = sum(candidate.failure is not None for candidate in candidates)
    n_rejected = len(candidates) - n_failed - n_accepted
    print(f"{len(candidates):,} lines = {n_accepted:,} accepted + {n_rejected:,} rejected + {n_failed:,} unusable")
    counts = Counter((verdict.filter, verdict.is_accepted) for said in verdicts for verdict in said)
    for name in dict.fromkeys(name for name, _ in counts):
        print(f"  {name}: {counts[name, False]:,} rejected, {counts[name, None]:,} not decided")
