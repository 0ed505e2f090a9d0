"""What a run would send and take, before anything is spent: messages, later prompts, tokens with their spread.

All of it follows from seeds, prompts and settings; nothing is sent. Token numbers are estimates and say so: input is
counted as bytes over four unless a tokenizer is given, output is what the model took before, or as long as the seed
data. What a token costs is for whoever knows the prices.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice

import numpy as np

from core.generation.base import Brief, Call, PromptingMethod, Step
from core.generation.forms import FORMS
from core.generation.grow import REQUESTS_PER_ACCEPTED, list_calls, require_seeds
from core.records import Problem
from core.tasks.prompts import SLOT
from core.teacher.base import TeacherRequest

BYTES_PER_TOKEN = 4
"""About what English text takes in common tokenizers; other scripts take more."""

QUANTILES = (0.1, 0.5, 0.9)
"""Of the lengths that low, middle and high stand for."""

FEWEST_USED = 5
"""Earlier calls from which what a model took before is preferred to the lengths of the seed data."""

Count = Callable[[str], int]
"""Tokens of a text."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A number that is not known yet: a tenth of cases lie below low, half below middle, a tenth above high."""

    low: float
    middle: float
    high: float

    def __add__(self, other: "Spread") -> "Spread":
        """Add two spreads as if they were low and high together: wider than the sum of independent ones."""
        return Spread(self.low + other.low, self.middle + other.middle, self.high + other.high)

    def times(self, n: float) -> "Spread":
        """Return the spread of n such numbers together, low and high together again."""
        return Spread(self.low * n, self.middle * n, self.high * n)

    def of(self, each: "Spread") -> "Spread":
        """Return so many times a number that is not known either, low and high together."""
        return Spread(self.low * each.low, self.middle * each.middle, self.high * each.high)

    def at_most(self, limit: float) -> "Spread":
        """Return the spread of a number that a limit cuts off."""
        return Spread(min(self.low, limit), min(self.middle, limit), min(self.high, limit))


NOTHING, ONE = Spread(0, 0, 0), Spread(1, 1, 1)

USUAL_LIMIT = next(each.default for each in fields(TeacherRequest) if each.name == "max_tokens")
"""Completion tokens of a request that says nothing else."""

QUOTED = Spread(2, 3, 6)
"""Tokens that JSON puts around a string in a list (our estimate, as are the three below)."""

STATED = Spread(10, 15, 25)
"""Tokens that JSON puts around a response that states its probability."""

REASONING = Spread(60, 200, 500)
"""Tokens of reasoning before a response, where the prompt asks for it."""

SKILLS = Spread(8, 15, 30)
"""Tokens of a reply that names skills."""

ASSUMED_QUESTION = Spread(50, 110, 200)
"""Where there is no seed data to go by: about the 80 words that fixed prompts ask for."""

ASSUMED_ANSWER = Spread(100, 250, 700)


@dataclass(frozen=True, slots=True)
class LaterPrompt:
    """A prompt that is sent later in the same call; its open slots are filled from replies."""

    purpose: str
    name: str
    text: str
    n_times: int


@dataclass(frozen=True, slots=True)
class CallPreview:
    """One call as it would be made."""

    call: Call
    messages: list[dict[str, str]]
    """Of the first request, exactly as they are sent."""

    later: tuple[LaterPrompt, ...]


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long a question and an answer are, tokens."""

    question: Spread
    answer: Spread
    is_assumed: bool
    """True where there was no seed data to measure."""


@dataclass(frozen=True, slots=True)
class RoleEstimate:
    """What one role's share of it takes, tokens."""

    role: str
    n_requests: Spread
    n_input: Spread
    n_output: Spread

    def times(self, n: float) -> "RoleEstimate":
        """Return what n times as much takes."""
        return RoleEstimate(self.role, *(each.times(n) for each in (self.n_requests, self.n_input, self.n_output)))


@dataclass(frozen=True, slots=True)
class CallEstimate:
    """What one call takes where everything succeeds, tokens."""

    n_requests: int
    n_input: Spread
    n_output: Spread
    is_from_use: bool
    """True where the output is what the model took before, False where it is as long as the seed data."""

    by_role: tuple[RoleEstimate, ...] = ()
    """The same by who is asked."""


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """What a run takes at an assumed share of accepted candidates."""

    n_calls: int
    n_candidates: int
    n_requests: int
    n_input: Spread
    n_output: Spread
    is_limited: bool
    """True where the limit on candidates ends the run before enough are accepted."""

    by_role: tuple[RoleEstimate, ...] = ()
    """The same by who is asked."""


def count_by_bytes(text: str) -> int:
    """Return an estimate of the tokens of a text: its UTF-8 length over four, rounded up."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def preview_calls(
    seeds: Sequence[Problem], brief: Brief, method: PromptingMethod, rng: np.random.Generator, n: int, sample_index: int
) -> list[CallPreview]:
    """Return the first n calls of a run, as ``grow`` makes them from the same seeds, rng and sample index.

    Raises:
        TeacherError: there are fewer seeds than a call needs.
        PromptError: a prompt of the person's own cannot be filled.
    """
    require_seeds(seeds, method, brief)
    calls = islice(list_calls(seeds, brief, method, rng, sample_index), n)
    later = list_later(method, brief)
    return [CallPreview(call, call.request.list_messages(), later) for call in calls]


def list_later(method: PromptingMethod, brief: Brief) -> tuple[LaterPrompt, ...]:
    """Return the prompts of all requests but the first, in the order of sending, their slots still open."""
    return tuple(
        LaterPrompt(step.purpose, name, brief.prompts.read(name), step.n_times)
        for step in method.list_steps(brief.task, brief.settings)[1:]
        for name in step.prompts
    )


def measure_lengths(problems: Sequence[Problem], count: Count = count_by_bytes) -> Lengths:
    """Return how long questions and worked answers of these problems are; assumed lengths where there are none."""
    questions = [count(problem.question) for problem in problems]
    answers = [count(problem.answer) for problem in problems if problem.answer]
    if not questions or not answers:
        return Lengths(ASSUMED_QUESTION, ASSUMED_ANSWER, True)
    return Lengths(measure_spread(questions), measure_spread(answers), False)


def measure_spread(values: Sequence[float]) -> Spread:
    """Return the spread of at least one number that is known."""
    return Spread(*(float(value) for value in np.quantile(values, QUANTILES)))


def estimate_call(
    calls: Sequence[Call],
    method: PromptingMethod,
    brief: Brief,
    lengths: Lengths,
    *,
    used: Sequence[int] = (),
    limits: Mapping[str, int] | None = None,
    count: Count = count_by_bytes,
) -> CallEstimate:
    """Return what one call takes.

    Args:
        calls: at least one, as they would be made; their first requests are counted.
        method: whose calls they are.
        brief: what all calls share.
        lengths: of questions and answers.
        used: completion tokens of whole earlier calls of the same method by the same model; FEWEST_USED or more are
            preferred to ``lengths``.
        limits: role -> completion tokens of one of its requests at most; USUAL_LIMIT for those that are not named. The
            first request says its own.
        count: tokens of a text.
    """
    steps = method.list_steps(brief.task, brief.settings)
    first = measure_spread([sum(count(each["content"]) for each in call.request.list_messages()) for call in calls])
    chat, parts = first, []
    for number, step in enumerate(steps):
        own = count_open(step, brief, count)
        limit = calls[0].request.max_tokens if step.purpose == "question" else (limits or {}).get(step.purpose)
        brought = estimate_output(step, calls[0], brief, lengths).at_most(limit or USUAL_LIMIT)
        if number == 0:
            asked = first
        elif step.is_later_turn:
            asked = chat = chat + own
        else:
            asked = own + estimate_slots(step, lengths)
        chat = chat + brought
        parts.append(RoleEstimate(step.purpose, ONE, asked, brought).times(step.n_times))
    by_role = add_by_role(parts)
    n_input, n_output = add_spreads(part.n_input for part in parts), add_spreads(part.n_output for part in parts)
    is_from_use = len(used) >= FEWEST_USED
    if is_from_use:
        took = measure_spread(used)
        by_role = tuple(
            replace(part, n_output=took.times(part.n_output.middle / max(n_output.middle, 1e-9))) for part in by_role
        )
        n_output = took
    return CallEstimate(sum(step.n_times for step in steps), n_input, n_output, is_from_use, by_role)


def add_spreads(spreads: Iterable[Spread]) -> Spread:
    """Return the sum of spreads, low and high together."""
    return sum(spreads, NOTHING)


def add_by_role(parts: Sequence[RoleEstimate]) -> tuple[RoleEstimate, ...]:
    """Return one estimate for each role, in the order in which the roles come first."""
    return tuple(
        RoleEstimate(
            role,
            *(
                add_spreads(getattr(part, name) for part in parts if part.role == role)
                for name in ("n_requests", "n_input", "n_output")
            ),
        )
        for role in dict.fromkeys(part.role for part in parts)
    )


def add_to_run(run: RunEstimate, more: Sequence[RoleEstimate]) -> RunEstimate:
    """Return what a run takes with further requests, such as those of its filters."""
    return replace(
        run,
        n_requests=run.n_requests + round(add_spreads(part.n_requests for part in more).middle),
        n_input=run.n_input + add_spreads(part.n_input for part in more),
        n_output=run.n_output + add_spreads(part.n_output for part in more),
        by_role=add_by_role([*run.by_role, *more]),
    )


def estimate_asking(
    role: str, prompts: Sequence[str], n_times: Spread, brief: Brief, lengths: Lengths, limit: int | None = None
) -> RoleEstimate:
    """Return what requests take that each bring an answer to a new question.

    Args:
        role: who is asked.
        prompts: names of the prompt files of one request.
        n_times: how often it is sent.
        brief: what all calls share.
        lengths: of questions and answers.
        limit: completion tokens of one request at most; None: USUAL_LIMIT.
    """
    n_open = sum(count_by_bytes(SLOT.sub("", brief.prompts.read(name))) for name in prompts)
    n_input, n_output = Spread(n_open, n_open, n_open) + lengths.question, lengths.answer.at_most(limit or USUAL_LIMIT)
    return RoleEstimate(role, n_times, n_times.of(n_input), n_times.of(n_output))


def count_open(step: Step, brief: Brief, count: Count) -> Spread:
    """Return the tokens of a step's prompts without what fills their slots."""
    n = sum(count(SLOT.sub("", brief.prompts.read(name))) for name in step.prompts)
    return Spread(n, n, n)


def estimate_slots(step: Step, lengths: Lengths) -> Spread:
    """Return what replies put into a later prompt: a question, and its answer where skills are asked for."""
    return lengths.question + lengths.answer if step.brings == "skills" else lengths.question


def estimate_output(step: Step, call: Call, brief: Brief, lengths: Lengths) -> Spread:
    """Return the completion tokens of one request of a step."""
    if step.brings == "skills":
        return SKILLS
    if step.purpose == "answer":
        return lengths.answer
    request = call.request
    one = {"question": lengths.question, "answer": lengths.answer, "both": lengths.question + lengths.answer}
    form = FORMS[request.hint.form if request.hint else "direct"]
    item = one[step.brings] + (STATED if form.probability else QUOTED if form.is_json else NOTHING)
    # A reply to the Game of 24's question prompt works backwards before it boxes an equation.
    is_worked_out = step.brings == "question" and not brief.task.compares_questions
    before = REASONING if form.has_reasoning or is_worked_out else NOTHING
    return item.times(step.n_items) + before


def estimate_run(
    each: CallEstimate, n_accepted: int, n_per_call: int, acceptance: float, max_requests: int | None = None
) -> RunEstimate:
    """Return what a run takes until enough candidates are accepted, or until its limit on candidates.

    Args:
        each: one call.
        n_accepted: accepted candidates wanted, at least 1.
        n_per_call: candidates that a call brings.
        acceptance: share of candidates that are expected to be accepted, above 0 up to 1.
        max_requests: limit on candidates; None: as ``grow`` sets it.

    Raises:
        ValueError: the acceptance is no such share.
    """
    if not 0 < acceptance <= 1:
        raise ValueError(f"The share of accepted candidates is above 0 and at most 1, not {acceptance}.")
    limit = max_requests if max_requests is not None else REQUESTS_PER_ACCEPTED * n_accepted
    needed = math.ceil(n_accepted / acceptance - 1e-9)
    n_calls = math.ceil(min(needed, limit) / n_per_call)
    return RunEstimate(
        n_calls,
        n_calls * n_per_call,
        n_calls * each.n_requests,
        each.n_input.times(n_calls),
        each.n_output.times(n_calls),
        needed > limit,
        tuple(part.times(n_calls) for part in each.by_role),
    )
