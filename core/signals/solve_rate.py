"""How often the student solves a problem when it answers with a temperature (SPARQ: 16 attempts)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.analysis.accuracy import wilson_interval
from core.errors import SignalError
from core.signals.base import SIGNALS, Scores, Scoring
from core.signals.own import judge_text
from core.signals.reference import NO_REFERENCE
from core.signals.remember import make_key, remember

SEED = 0
"""Of the numbers that decide the drawn answers; part of the cache key."""

NOT_ANSWERED = "not every drawn answer came"

ENOUGH = 4
"""Problems, and answers to each, that must all be alike before a server is said to ignore the temperature."""


def check_sampling(n: int, temperature: float) -> None:
    """Raise SignalError for a number of answers or a temperature that nothing can be drawn by."""
    if n < 1 or not (math.isfinite(temperature) and temperature > 0):
        raise SignalError(
            f"A solve rate needs at least 1 answer and a temperature above 0, not {n} at {temperature:g}."
        )


@dataclass(frozen=True, slots=True)
class SolveRateSignal:
    """Draws K answers to every problem and verifies each."""

    title: str = "Share of drawn answers that are right"
    unit: str = ""
    needs: frozenset[str] = frozenset({"reference"})
    is_vector: bool = False
    version: int = 1

    def __call__(self, scoring: Scoring) -> Scores:
        """Return the share in [0, 1] of K answers, with its 95 % interval (Wilson 1927) as low and high.

        A truncated answer counts as wrong unless it already says the final answer. NaN without a reference.
        """
        n, temperature = scoring.n_samples, scoring.temperature
        check_sampling(n, temperature)
        prompts = [scoring.task.student_prompt(problem.question) for problem in scoring.problems]
        limit = scoring.task.max_new_tokens
        keys = [
            make_key(scoring, "solve_rate", self.version, prompt, n, temperature, SEED, limit) for prompt in prompts
        ]

        refused: set[int] = set()

        def compute(missing: list[int]) -> Iterator[list[tuple[int, list[str]]]]:
            texts: dict[int, list[str]] = {place: [] for place in range(len(missing))}
            for batch in scoring.student.sample(
                [prompts[row] for row in missing], limit, n=n, temperature=temperature, seed=SEED, check=scoring.check
            ):
                for place, _sample, answer in batch:
                    texts[place].append(answer.text)
                touched = {place for place, _, _ in batch}
                refused.update(place for place, _, answer in batch if answer.unknown)
                full = [place for place in touched if len(texts[place]) == n and place not in refused]
                yield [(missing[place], texts.pop(place)) for place in full]

        rows = [
            row
            for row, (problem, own) in enumerate(zip(scoring.problems, scoring.predictions, strict=True))
            if problem.final is not None and own.unknown is None
        ]
        found = remember(scoring, keys, rows, compute)
        self._refuse_one_text(scoring, list(found.values()))
        values, low, high = np.full((3, len(prompts)), np.nan)
        for row, texts in found.items():
            n_right = sum(self._is_right(scoring, row, text) for text in texts)
            values[row] = n_right / n
            low[row], high[row] = wilson_interval(n_right, n)
        notes = [
            None if row in found else NO_REFERENCE if problem.final is None else own.unknown or NOT_ANSWERED
            for row, (problem, own) in enumerate(zip(scoring.problems, scoring.predictions, strict=True))
        ]
        return Scores(values, {"solve_rate_low": low, "solve_rate_high": high}, notes=notes)

    def _refuse_one_text(self, scoring: Scoring, drawn: list[list[str]]) -> None:
        """Raise SignalError where a server said the same to every problem again and again."""
        if scoring.student.has_weights or len(drawn) < ENOUGH or scoring.n_samples < ENOUGH:
            return
        if all(len(set(texts)) == 1 for texts in drawn):
            raise SignalError(
                f"{scoring.student.source} gave the same answer {scoring.n_samples} times to every problem: the server "
                "ignores the temperature, so there is no solve rate to measure; leave solve_rate out."
            )

    def _is_right(self, scoring: Scoring, row: int, text: str) -> bool:
        final = scoring.task.extract_final(text) if text else None
        return judge_text(scoring.task, scoring.problems[row], text, final)[0] == 1.0


SIGNALS.register("solve_rate")(SolveRateSignal())
