"""What ``python -m core filter`` does: every line of a file comes back, in order, with the verdicts of the filters.

Filters that ask nobody judge all lines first; the lines that they leave are put to those that ask a teacher.
"""

import argparse
import asyncio
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from core.counting import counted
from core.errors import DataFormatError, RunCancelled, RunError, SeedbedError, UnknownNameError
from core.filters.base import Filter, FilterContext, is_rejected, make_filters, shorten
from core.filters.judging import FREE, ask_filters, judge
from core.paths import expand
from core.records import Candidate, Verdict, content_id
from core.shell import check_out
from core.shell_generate import (
    VERDICT_FIELDS,
    find_filters,
    judge_line,
    open_seeds,
    read_settings,
)
from core.shell_rows import LineFaultError, list_texts, open_lines, open_out, parse_line, write_row
from core.shell_teacher import find_teacher, print_offer

N_ASKED_AT_ONCE = 64
"""Lines that filters ask a teacher about at the same time."""

BLOCK = 512
"""Lines that a filter judges between two looks at how far it is."""

TABLES = (".csv", ".tsv", ".parquet", ".pq")
"""Endings of files that hold no JSON lines."""

ABOUT_PARENTS = ("language", "wrong")
"""Filters that decide nothing of a line without its parents."""

N_REASONS = 3
"""Reasons for which a filter decided nothing that are told, the commonest ones."""


def run_filter(options: argparse.Namespace) -> int:
    """Give every line of a file its verdicts; each comes back, in order, whatever it is."""
    filters = make_filters(find_filters(options.filters), read_filter_settings(options.setting))
    require_inputs(options, filters)
    with open_lines(str(options.input)) as file:
        lines = [text for _, text in list_texts(file)]
    check_out(options.out)
    is_asking = any(one.cost == "teacher" for one in filters)
    teacher = find_teacher(options.teacher, options.model, options.key_env) if is_asking else None
    context = open_context(options)
    candidates = [to_candidate(number, line, context.task) for number, line in enumerate(lines, 1)]
    tell_strangers(options, candidates, context)
    rows = None
    try:
        verdicts = judge(candidates, [Watched(one) if one.cost in FREE else one for one in filters], context)
        with open_out(options.out) as file:
            rows = RowFile(file, lines, candidates, verdicts)
            if is_asking:
                ask_about_lines(options, teacher, candidates, verdicts, filters, context, rows.decide)
            else:
                for at in range(len(lines)):
                    rows.decide(at)
    except KeyboardInterrupt:
        part = f"the lines decided until then are in {options.out}.part" if rows else "nothing was written"
        kept = "; the replies that came are not asked for again" if rows and is_asking else ""
        raise RunCancelled(f"Stopped; {part}{kept}.") from None
    print_rejections(candidates, verdicts, rows.n_accepted)
    print_offer(teacher, (each.reason for said in verdicts for each in said if each.is_accepted is None))
    print(f"{counted(len(lines), 'line')}: {options.out}")
    return 0


def require_inputs(options: argparse.Namespace, filters: Sequence[Filter]) -> None:
    """Raise RunError where filters compare with seeds that nobody named, or standard input is to be read twice."""
    comparing = [one.name for one in filters if getattr(one, "compares_seeds", False)]
    if comparing and options.seeds is None:
        raise RunError(f"The setting {comparing[0]}.compares_seeds needs the seeds; name their file by --seeds.")
    if [str(options.input), *options.against].count("-") > 1:
        raise RunError("Standard input can be read only once; name a file for all but one of --in and --against.")


def open_context(options: argparse.Namespace) -> FilterContext:
    """Return what the filters may compare with, as the options name it."""
    from core.datasets import load_problems
    from core.tasks import TASKS

    home, name, problems = options.home.resolve(), options.task or "custom", []
    if options.seeds is not None:
        about, _ = open_seeds(home, options)
        name, problems = about["task"], load_problems(home, about["seed_set"])
    benchmarks: dict[str, list[str]] = {}
    for each in options.against:
        benchmarks.setdefault("standard input" if each == "-" else Path(each).stem, []).extend(read_against(home, each))
    against = [question for questions in benchmarks.values() for question in questions]
    return FilterContext(
        TASKS.get(name),
        against,
        seeds={problem.problem_id: problem for problem in problems if problem.split == "train"},
        held_out=[problem for problem in problems if problem.split != "train"],
        benchmarks=benchmarks,
        earlier_noun="a question it was compared with" if against else "the question of an earlier line",
    )


def tell_strangers(options: argparse.Namespace, candidates: Sequence[Candidate], context: FilterContext) -> None:
    """Say on the other stream how many lines name parents that nothing is known of: some filters cannot decide then."""
    n = sum(any(id_ not in context.seeds for id_ in candidate.parents) for candidate in candidates)
    count = f"{n:,} line names" if n == 1 else f"{n:,} lines name"
    if n and options.seeds is not None:
        where = f"{options.seeds}, read as {context.task.name}"
        print(f"seedbed: {count} parents that are not in {where} (--task says otherwise).", file=sys.stderr)
    elif n and set(find_filters(options.filters)) & set(ABOUT_PARENTS):
        print(f"seedbed: {count} parents; name their file by --seeds to have them looked at.", file=sys.stderr)


@dataclass(slots=True)
class Watched:
    """A filter that is put the lines block by block, with a bar on a terminal; its verdicts are the same."""

    filter: Filter

    @property
    def cost(self) -> str:
        """That of the filter."""
        return self.filter.cost

    def __call__(self, candidates: Sequence[Candidate], context: FilterContext) -> list[Verdict]:
        """Return one verdict per candidate, in order; those of earlier blocks count as earlier questions."""
        verdicts: list[Verdict] = []
        n_earlier = len(context.earlier_questions)
        with open_bar(self.filter.name, len(candidates)) as bar:
            for start in range(0, len(candidates), BLOCK):
                block = candidates[start : start + BLOCK]
                verdicts += self.filter(block, context)
                context.earlier_questions += [
                    each.question for each in block if each.question is not None and not each.is_incorrect
                ]
                bar.update(len(block))
        del context.earlier_questions[n_earlier:]
        return verdicts


def open_bar(stage: str, n: int) -> Any:
    """Return a bar on the other stream for work of more than a second; none where that is no terminal."""
    from tqdm import tqdm

    return tqdm(total=n, desc=stage, unit="", file=sys.stderr, delay=1, mininterval=0.5, leave=False, disable=None)


def read_filter_settings(pairs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return ``filter.name=value`` pairs as filter -> name -> value."""
    settings: dict[str, dict[str, Any]] = {}
    for name, value in read_settings(pairs).items():
        filter_, mark, field = name.partition(".")
        if not mark:
            raise UnknownNameError(f"Write a setting of a filter as FILTER.NAME=VALUE, not {name!r}.")
        settings.setdefault(find_filters([filter_])[0], {})[field] = value
    return settings


def read_against(home: Path, name: str) -> list[str]:
    """Return the questions of lines that have one ("-": of standard input), or of whatever else can be a seed set.

    Raises:
        DataFormatError: there is no such file or built-in seed set, or no question in it.
    """
    from core.datasets import ensure_seed_set, load_problems

    path = expand(name)
    if name == "-":
        if not (questions := read_questions(path)):
            raise DataFormatError("No line of standard input has a question to compare with.")
        return questions
    is_lines = path.exists() and not path.is_dir() and path.suffix.lower() not in TABLES
    questions = read_questions(path) if is_lines else []
    return questions or [each.question for each in load_problems(home, ensure_seed_set(home, name, has_splits=False))]


def read_questions(path: Path) -> list[str]:
    """Return the question of each line that has one; where some have, the others are counted on the other stream."""
    with open_lines(str(path)) as file:
        rows = [read_object(text) for _, text in list_texts(file) if text.strip()]
    questions = [row["question"] for row in rows if row is not None and isinstance(row.get("question"), str)]
    if questions and (n := len(rows) - len(questions)):
        lost = (
            f"1 line of {path} has no question and was"
            if n == 1
            else f"{n:,} lines of {path} have no question and were"
        )
        print(f"seedbed: {lost} not compared with.", file=sys.stderr)
    return questions


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
    spec: Any,
    candidates: Sequence[Candidate],
    verdicts: Sequence[list[Verdict]],
    filters: Sequence[Filter],
    context: FilterContext,
    decide: Callable[[int], None],
) -> None:
    """Put what is not rejected yet to the filters that ask a teacher, and add their verdicts.

    Args:
        options: name the budget, beyond which nothing is decided.
        spec: who is asked, see ``core.teacher.roles``.
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
            bar.update(1)

        async with asyncio.TaskGroup() as group:
            for at in range(len(candidates)):
                group.create_task(ask(at))

    budget = {"tokens": options.budget_tokens, "usd": options.budget_usd}
    with open_teacher(options.home.resolve(), spec, budget=budget) as teacher, open_bar("ask", len(candidates)) as bar:
        context.teacher = teacher
        try:
            asyncio.run(ask_all())
        except* SeedbedError as errors:
            raise errors.exceptions[0] from None


def print_rejections(candidates: Sequence[Candidate], verdicts: Sequence[Sequence[Verdict]], n_accepted: int) -> None:
    """Say how many lines each filter rejected or could not decide and why not, and how many were no candidates."""
    n_failed = sum(candidate.failure is not None for candidate in candidates)
    n_rejected = len(candidates) - n_failed - n_accepted
    lines = counted(len(candidates), "line")
    print(f"{lines} = {n_accepted:,} accepted + {n_rejected:,} rejected + {n_failed:,} unusable")
    n_open = sum(bool(said) and all(verdict.is_accepted is None for verdict in said) for said in verdicts)
    if n_open:  # to be unable to decide rejects nothing
        print(f"  {n_open:,} of the accepted ones could be decided by no filter")
    counts = Counter((verdict.filter, verdict.is_accepted) for said in verdicts for verdict in said)
    for name in dict.fromkeys(name for name, _ in counts):
        print(f"  {name}: {counts[name, False]:,} rejected, {counts[name, None]:,} not decided")
        print_open_reasons([each for said in verdicts for each in said if each.filter == name])


def print_open_reasons(verdicts: Sequence[Verdict]) -> None:
    """Print the commonest reasons for which one filter decided nothing; what they quote differs from line to line."""
    reasons = Counter(re.sub("“[^”]*”", "“…”", each.reason or "") for each in verdicts if each.is_accepted is None)
    for reason, n in reasons.most_common(N_REASONS):
        print(f"    {n:,}: {shorten(reason, 200)}")
    if len(reasons) > N_REASONS:
        print(f"    {sum(n for _, n in reasons.most_common()[N_REASONS:]):,}: other reasons")
