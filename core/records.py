"""The nouns of Seedbed as frozen records; reading a class is reading what its table holds.

Records know nothing of files, tables or models. Unknown is None (NULL in a table), never 0 and never NaN.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SPLITS = ("train", "validation", "test", "ood")
"""Roles a problem can have in its seed set; only ``train`` problems are seeds. ``ood``: out-of-distribution test."""


REVIEW_ACTIONS = ("accept", "reject", "edit", "skip", "trash", "lock", "unlock", "note")
"""What a person can do with a candidate; ``undo`` is said of a review."""

JUDGEMENTS = ("accept", "reject", "edit", "trash")
"""Of them those that decide about a candidate: the others leave it waiting."""

OUT_BY_HAND = ("reject", "trash")
"""Reviews that keep a candidate out of every training set."""

REASONS = {
    "wrong_answer": "wrong answer",
    "unclear": "unclear or unsolvable",
    "trivial": "too easy",
    "duplicate": "a duplicate",
    "off_topic": "another kind of problem",
    "form": "badly written",
    "other": "another reason",
}
"""Why a person rejects a candidate -> in words."""

INCORRECT = "incorrect"
"""``meta["label"]`` of a candidate whose answer is meant to be wrong (Zhang 2025, G.6.2)."""


def content_id(prefix: str, *parts: Any) -> str:
    """Return ``prefix_`` and 16 hex digits that depend on the parts alone: the same content has the same id."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return f"{prefix}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with a reference answer."""

    problem_id: str
    """Hash of task, question and answer: stable across imports of the same file."""

    question: str
    """The whole text that the student reads, context included (ProntoQA: context, newline, question)."""

    answer: str | None
    """Full reference answer (worked solution); None where the source has none."""

    final: str | None
    """Final answer in canonical form ("72", "True", an expression for Game of 24)."""

    split: str = "train"
    """One of SPLITS."""

    meta: Mapping[str, Any] = field(default_factory=dict)
    """What the task adds: type, level, n_steps, numbers, context, ...; JSON values only."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The student's own greedy answer to one problem."""

    problem_id: str
    text: str
    """The generated answer, special tokens removed."""

    final: str | None
    """Final answer extracted from the text; None where there is none (which counts as wrong)."""

    is_correct: bool | None
    """Verified against the reference; None where the problem has no reference."""

    loss: float | None
    """Mean negative log-likelihood per token of the own answer, nats, end-of-text token included (Kessler 2025, 4.1)"""

    n_tokens: int | None
    """Tokens generated, end-of-text included; None where a server does not tell."""

    is_truncated: bool
    """True where the token limit ended the answer."""

    unknown: str | None = None
    """Why there is no answer at all (no room, refused by the server); None where there is one, an empty one too."""

    token_ids: tuple[int, ...] | None = None
    """The generated tokens, end-of-text included; None where a server does not tell them."""

    token_losses: tuple[float, ...] | None = None
    """Surprise of each generated token, nats; None where a server does not tell it."""

    token_ends: tuple[int, ...] | None = None
    """Where each token ends in ``text``, characters; None where that cannot be told."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the teacher wrote for one request; a failure is a candidate with a reason."""

    candidate_id: str
    parents: tuple[str, ...]
    """problem_ids it was grown from: none, one or several."""

    question: str | None
    answer: str | None
    final: str | None
    """Final answer extracted from ``answer``."""

    failure: str | None
    """Why there is no usable question and answer, in one sentence; None where there is one."""

    method: str
    """Prompting method that asked for it."""

    teacher: str
    """Model name of the teacher; ``built-in`` for the rule-based stand-in."""

    raw_question: str | None
    """The teacher's reply to the question request, untouched."""

    raw_answer: str | None
    """The teacher's reply to the answer request, untouched."""

    n_input_tokens: int | None
    """Prompt tokens over all requests of this candidate, as if nothing had been cached (nominal); None: not counted.

    A request that brought several candidates is shared among them in whole tokens.
    """

    n_output_tokens: int | None
    """Completion tokens over all requests, nominal; None where a server did not count them."""

    sample_index: int = 0
    """Which repetition of the same parent this is; part of the teacher cache key."""

    meta: Mapping[str, Any] = field(default_factory=dict)
    """Task fields of the new question (ProntoQA context, Game of 24 numbers, ...), and what the method adds."""

    @property
    def is_incorrect(self) -> bool:
        """Whether the answer is meant to be wrong: a negative for training, never a row of its own."""
        return self.meta.get("label") == INCORRECT


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one filter or verifier said of one candidate."""

    candidate_id: str
    filter: str
    is_accepted: bool | None
    """None: the filter could not decide; that rejects nothing, and the reason says why."""

    reason: str | None
    """One sentence for a rejection, or why nothing could be decided; None for an acceptance."""

    value: float | None = None
    """The measured number behind it (ROUGE-L F, ...), if any."""


@dataclass(frozen=True, slots=True)
class Review:
    """What a person did with one candidate."""

    run_id: str
    """The run that made the candidate."""

    candidate_id: str
    action: str
    """One of REVIEW_ACTIONS."""

    question: str | None = None
    """The edited text; None: as it was. Likewise the next two; a new answer without a final one has an unknown one."""

    answer: str | None = None
    final: str | None = None
    reviewer: str | None = None
    """The name that the person gave; None: none."""

    reason: str | None = None
    """One of REASONS, of a rejection; None: not told."""

    note: str | None = None
    plan: str | None = None
    """The order in which it was read, one of ``core.store.queue_filter.ORDERS``, or "filtered"; None: not told."""

    is_blind: bool | None = None
    """Whether what machines and other people said was hidden."""
