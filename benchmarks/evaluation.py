"""Evaluation of many problems, asked and judged: ours against transformers' ``generate`` one by one, in one run.

    python benchmarks/evaluation.py [--student tiny] [--set word_problems/train prontoqa/train ...] [--problems 500]

Ours is what an evaluation does (``core.evaluation``): prompts of like length in a batch, ended rows leave it, the loss
of every answer comes along, nothing from a cache. One by one is ``generate`` for each prompt alone, at batch size 1 and
without a loss. Both are judged by the same checker within the time. Goal: at least 5 times as fast on two cores, with
the same answers. Equal prompts are asked once, of which the Game of 24 has many: ``tokens`` says what was generated.
Tokens per second are those of generation alone. Where others work on the machine, believe the CPU seconds: two threads
that wait for each other lose far more to a third than one does, unless OMP_WAIT_POLICY=passive.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from predict_speed import answer_theirs

from core.datasets import BUILT_IN
from core.evaluation.asking import MeteredStudent, ask_greedily
from core.evaluation.judging import judge_answer
from core.evaluation.sets import choose_problems, find_set
from core.models.generate import Answer
from core.models.predict import make_prediction
from core.models.student import TINY, Student
from core.records import Prediction, Problem
from core.tasks import TASKS
from core.tasks.base import Task


class NoCache:
    """Remembers nothing."""

    def get(self, key: str) -> None:
        """Return None."""

    def put(self, key: str, value: object) -> None:
        """Forget the value."""


def evaluate_ours(student: Student, task: Task, problems: list[Problem]) -> tuple[list[Prediction], float, int]:
    """Return the answers, the seconds of generation, and the tokens generated."""
    metered = MeteredStudent(student)
    rows = ask_greedily(metered, task, problems, cache=NoCache(), on_batch=lambda done, total: None, check=lambda: None)
    return [answer for (answer,) in rows], metered.seconds, metered.n_tokens


def evaluate_one_by_one(student: Student, task: Task, problems: list[Problem]) -> tuple[list[Prediction], float, int]:
    """Return the same from ``generate``, a prompt at a time."""
    prompts = [task.student_prompt(problem.question) for problem in problems]
    started = time.perf_counter()
    with torch.inference_mode():
        texts, n_tokens = answer_theirs(student, prompts, task.max_new_tokens, 1, False, has_losses=False)
    seconds = time.perf_counter() - started
    answers = [Answer(text, None, None, False) for text in texts]
    return [make_prediction(task, *pair) for pair in zip(problems, answers, strict=True)], seconds, n_tokens


def measure(student: Student, name: str, n_problems: int) -> None:
    """Print the table of one set."""
    with tempfile.TemporaryDirectory() as home:
        chosen = find_set(Path(home), name)
        about = {"seed_set": chosen.seed_set, "splits": chosen.splits, "benchmark": chosen.benchmark}
        problems = choose_problems(Path(home), {**about, "limit": n_problems})
    task, ways = TASKS.get(chosen.task), {"ours, with losses": evaluate_ours, "one by one": evaluate_one_by_one}
    for evaluate in ways.values():  # what is done only once is not measured
        evaluate(student, task, problems[:8])
    print(f"\n{student.source}, {len(problems)} problems of {chosen.name}, at most {task.max_new_tokens} tokens, "
          f"{torch.get_num_threads()} threads, waiting {os.environ.get('OMP_WAIT_POLICY', 'as usual')}, "
          f"{student.device}, {student.dtype_name}, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"{'':18}{'seconds':>9}{'CPU seconds':>13}{'tokens/s':>10}{'tokens':>9}{'right':>7}{'ours is':>9}"
          f"{'in CPU':>8}{'equal':>8}")  # fmt: skip
    first: tuple[float, float, list[str]] | None = None
    for way, evaluate in ways.items():
        started, cpu = time.perf_counter(), time.process_time()
        answers, generating, n_tokens = evaluate(student, task, problems)
        judged = [judge_answer(task, *pair) for pair in zip(problems, answers, strict=True)]
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        texts = [answer.text for answer in answers]
        first = first or (seconds, cpu, texts)
        n_equal = sum(a == b for a, b in zip(texts, first[2], strict=True))
        print(f"{way:18}{seconds:>9.2f}{cpu:>13.2f}{n_tokens / generating:>10,.0f}{n_tokens:>9,}"
              f"{sum(each.is_correct is True for each in judged):>7}{seconds / first[0]:>8.1f}x{cpu / first[1]:>7.1f}x"
              f"{n_equal:>4} of {len(texts)}", flush=True)  # fmt: skip


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--student", default=TINY)
    parser.add_argument("--set", nargs="+", default=[f"{name}/train" for name in BUILT_IN], help="as for `evaluate`")
    parser.add_argument("--problems", type=int, default=500)
    args = parser.parse_args()
    student = Student.load(args.student)
    for name in args.set:
        measure(student, name, args.problems)


if __name__ == "__main__":
    main()
