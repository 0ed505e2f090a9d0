"""What an evaluation leaves: the table of answers, and what they amount to.

The stage that asks and judges is ``evaluating.py``; this file asks nobody.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.analysis.agreement import measure_agreement
from core.analysis.evaluations import Marks, compare_marks, measure_accuracy, measure_groups, measure_samples
from core.analysis.votes import take_vote
from core.evaluation.asking import MeteredStudent, ignores_temperature
from core.evaluation.judging import Judged
from core.evaluation.sets import choose_problems
from core.recipes.stages import home_of
from core.records import Prediction, Problem
from core.runs.folder import RunFolder
from core.tasks.base import Task

if TYPE_CHECKING:
    import pandas as pd

BASE, TUNED = "base", "tuned"
"""What an evaluation calls its students, in this order."""

MOST_REASONS = 3
"""Reasons for a missing grade that are told; the others are counted together."""


@dataclass(slots=True)
class Evaluated:
    """One student's answers to n problems, s each."""

    student: str
    answers: list[list[Prediction]]
    judged: list[list[Judged]]
    meter: MeteredStudent
    grades: list[bool | None] | None = None
    """(n · s,) what the grader said, in the order of the answers; None: nobody was asked."""

    grade_reasons: list[str | None] | None = None
    """(n · s,) the grader's words; without a grade why there is none."""


def write_answers(folder: RunFolder, evaluated: Evaluated, problems: Sequence[Problem]) -> None:
    """Write the table ``answers`` of one student; written again, the later rows count."""
    import pandas as pd

    grades, reasons = iter(evaluated.grades or ()), iter(evaluated.grade_reasons or ())
    rows = [
        {
            "student": evaluated.student,
            "problem_id": problem.problem_id,
            "sample": sample,
            "split": problem.split,
            **{name: getattr(answer, name) for name in ("text", "final", "is_truncated", "n_tokens", "loss")},
            **{name: value for name, value in asdict(judged).items() if name != "has_wrong_step"},
            "grade": next(grades, None),
            "grade_reason": next(reasons, None),
        }
        for problem, answers, marks in zip(problems, evaluated.answers, evaluated.judged, strict=True)
        for sample, (answer, judged) in enumerate(zip(answers, marks, strict=True))
    ]
    types = {"is_correct": "boolean", "grade": "boolean", "n_tokens": "Int64", "loss": "float64"}
    texts = dict.fromkeys(("text", "final", "reason", "grade_reason"), "string")
    folder.write_part("answers", pd.DataFrame(rows).astype({**types, **texts}))


def read_answer_frame(folder: RunFolder) -> "pd.DataFrame":
    """Return every answer of an evaluation: a row for each student, problem and sample, in that order.

    Columns: those of the table ``answers``, behind the problem's question, reference, reference_final, type and level.
    """
    import pandas as pd

    problems = choose_problems(home_of(folder), folder.config)
    parts = sorted((folder.path / "records" / "answers").glob("*.parquet"))
    rows = pd.concat([pd.read_parquet(path) for path in parts], ignore_index=True)
    rows = rows.drop_duplicates(["student", "problem_id", "sample"], keep="last").drop(columns="attempt")
    about = pd.DataFrame(
        {
            "problem_id": [problem.problem_id for problem in problems],
            "question": [problem.question for problem in problems],
            "reference": [problem.answer for problem in problems],
            "reference_final": [problem.final for problem in problems],
            **{name: [_to_text(problem.meta.get(name)) for problem in problems] for name in ("type", "level")},
            "place": range(len(problems)),
        }
    )
    rows = rows.merge(about, on="problem_id", how="inner").sort_values(["student", "place", "sample"])
    first = ["student", "problem_id", "split", "sample", *about.columns[1:-1]]
    return rows[[*first, *(name for name in rows if name not in (*first, "place"))]].reset_index(drop=True)


def _to_text(value: Any) -> str | None:
    return None if value is None else str(value)


# -- what it amounts to ----------------------------------------------------------------------------------------------


def summarise(
    task: Task, problems: Sequence[Problem], found: Sequence[Evaluated], failed: Mapping[str, str]
) -> dict[str, Any]:
    """Return the summary of an evaluation.

    Returns:
        ``n`` problems, ``n_samples``; ``students``: name -> see ``summarise_student``; ``comparison``: see
        ``compare_marks``, None with one student; ``groups``: see ``measure_groups``; ``agreement``: name -> see
        ``measure_agreement``, with ``n_graded`` and ``accuracy`` in the grader's eyes, of those who were graded, and
        ``no_grade``: why an answer has no verdict -> how many;
        ``failed``: what could not be had -> why.
    """
    marks = {each.student: mark(task, problems, each) for each in found}
    fields = [{**problem.meta, "split": problem.split} for problem in problems]
    return {
        "n": len(problems),
        "n_samples": len(found[0].answers[0]),
        "students": {each.student: summarise_student(each, marks[each.student]) for each in found},
        "comparison": compare_marks(marks[BASE], marks[TUNED]) if len(found) == 2 else None,
        "groups": measure_groups(fields, marks),
        "agreement": dict(_measure_agreements(found)),
        "failed": dict(failed),
    }


def summarise_student(evaluated: Evaluated, marks: Marks) -> dict[str, Any]:
    """Return what one student's answers amount to.

    Returns:
        Of ``measure_accuracy`` and ``measure_samples`` all; ``n_asked`` problems; of the answers
        ``n_answers``, ``n_judged``, ``n_without_reference``, ``n_truncated``, ``n_wrong_steps`` (right by steps that do
        not hold) and ``verdicts`` (verdict -> number); ``mean_tokens`` and ``mean_loss``, None where not known;
        ``n_generated`` answers that no cache had, with ``n_generated_tokens``, ``seconds`` and ``tokens_per_second`` of
        their generation (None where nothing was generated or a server does not count);
        ``ignores_temperature``: whether a server seems to.
    """
    answers = [answer for row in evaluated.answers for answer in row]
    judged = [each for row in evaluated.judged for each in row]
    verdicts = Counter(each.verdict for each in judged)
    tokens = [answer.n_tokens for answer in answers if answer.n_tokens is not None]
    losses = [answer.loss for answer in answers if answer.loss is not None]
    meter = evaluated.meter
    is_deaf = marks.votes is not None and not meter.has_weights and ignores_temperature(evaluated.answers)
    return {
        **measure_accuracy(marks),
        **measure_samples(marks),
        "n_asked": len(evaluated.answers),
        "n_answers": len(answers),
        "n_judged": sum(each.is_correct is not None for each in judged),
        "n_without_reference": verdicts["no_reference"],
        "n_truncated": sum(answer.is_truncated for answer in answers),
        "n_wrong_steps": sum(each.has_wrong_step for each in judged),
        "verdicts": dict(verdicts.most_common()),
        "mean_tokens": float(np.mean(tokens)) if tokens else None,
        "mean_loss": float(np.mean(losses)) if losses else None,
        "n_generated": meter.n_answers,
        "n_generated_tokens": meter.n_tokens if meter.is_counted else None,
        "seconds": meter.seconds,
        "tokens_per_second": meter.tokens_per_second,
        "ignores_temperature": is_deaf,
    }


def list_warnings(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield what to know before an accuracy is believed, a sentence each, of every student whom it concerns."""
    for who, each in summary["students"].items():
        if each["ignores_temperature"]:
            yield (
                f"{who}: every problem was answered alike {summary['n_samples']} times: the server seems to ignore the "
                "temperature, so these are no samples."
            )
        if each["n_answers"] and each["n_truncated"] == each["n_answers"]:
            yield (
                f"{who}: every answer was cut off, by the task's limit of tokens or the end of the student's context: "
                "its accuracy says little of what it knows."
            )
        if each["n"] == 0:
            yield f"{who}: nothing could be judged: the problems have no reference answers, or no answers came."
    for who, row in summary["agreement"].items():
        for reason, n in (row.get("no_grade") or {}).items():
            n_all = summary["students"][who]["n_answers"]
            yield f"{who}: the grader gave no verdict on {n:,} of {n_all:,} answers: {reason or 'no reason was told.'}"


def mark(task: Task, problems: Sequence[Problem], evaluated: Evaluated) -> Marks:
    """Return how the answers were judged as arrays, with the majority's judgement where there are several."""
    correct = [[each.is_correct for each in row] for row in evaluated.judged]
    is_correct = np.array([[np.nan if value is None else value for value in row] for row in correct], dtype=np.float64)
    if is_correct.shape[1] == 1:
        return Marks(is_correct)
    votes, n_tied = np.full(len(problems), np.nan), 0
    for place, (problem, row) in enumerate(zip(problems, evaluated.answers, strict=True)):
        known = {answer.final: value for answer, value in zip(row, correct[place], strict=True) if value is not None}
        if not known:
            continue
        finals = [answer.final for answer, value in zip(row, correct[place], strict=True) if value is not None]
        vote = take_vote(problem.problem_id, finals, _Comparison(task, problem, known))
        votes[place] = float(known.get(vote.final) or False)
        n_tied += vote.is_tied
    return Marks(is_correct, votes, n_tied)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Whether two final answers to a problem are the same to its task; the reference decides where it can."""

    task: Task
    problem: Problem
    known: Mapping[str | None, bool]

    def __call__(self, first: str, second: str) -> bool:
        if self.known[first] or self.known[second]:
            return self.known[first] and self.known[second]
        return bool(
            self.task.judge_final(second, replace(self.problem, final=first))
            and self.task.judge_final(first, replace(self.problem, final=second))
        )


def _measure_agreements(found: Sequence[Evaluated]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in found:
        if each.grades is not None:
            checker = [judged.is_correct for row in each.judged for judged in row]
            n_right, n = sum(grade is True for grade in each.grades), sum(grade is not None for grade in each.grades)
            reasons = zip(each.grades, each.grade_reasons or [None] * len(each.grades), strict=True)
            missing = Counter(reason for grade, reason in reasons if grade is None)
            told = dict(missing.most_common(MOST_REASONS))
            if others := missing.total() - sum(told.values()):
                told["other reasons, which stand with the answers."] = others
            about = {"n_graded": n, "accuracy": n_right / n if n else None, "no_grade": told}
            yield each.student, {**about, **measure_agreement(checker, each.grades)}
