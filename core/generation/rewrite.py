"""Rewrite, then answer: the teacher writes a new question from a seed, then a worked answer to it.

Kessler 2025, section 4.2 and appendix D.2: two requests per candidate, five few-shot examples from the seed data. This
file knows nothing of filters, of how many candidates are wanted, or of how a reply is made.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.errors import TeacherError
from core.generation.base import METHODS
from core.records import Candidate, Problem, content_id
from core.tasks.base import NewQuestion, ReplyError, Task
from core.teacher.base import Teacher, TeacherReply, TeacherRequest

N_EXAMPLES = 5
"""Few-shot examples in a question prompt (Kessler 2025, appendix D.2)."""

N_IN_FLIGHT = 8
"""Candidates that are asked for at the same time."""

UNFINISHED = {
    "length": "was cut off at its token limit; raise the limit or shorten the examples",
    "content_filter": "was withheld by the teacher's content filter",
    "refusal": "was a refusal",
}
"""Finish reasons that leave no usable text, as the end of a sentence."""


@dataclass(slots=True)
class _Draft:
    """What is known of one candidate while it is being asked for."""

    replies: dict[str, TeacherReply] = field(default_factory=dict)
    new: NewQuestion | None = None
    answer: str | None = None
    final: str | None = None
    failure: str | None = None

    def read_text(self, purpose: str) -> str | None:
        """Return the raw reply to that request; None where none came."""
        return self.replies[purpose].text if purpose in self.replies else None


class RewriteThenAnswer:
    """Two requests per candidate: a rewritten question, then its worked answer (Kessler 2025, section 4.2)."""

    name = "rewrite"
    title = "Rewrite, then answer"

    async def generate(
        self,
        problems: Sequence[Problem],
        task: Task,
        teacher: Teacher,
        pool: Sequence[Problem],
        sample_index: int,
        rng: np.random.Generator,
        salt: str = "",
    ) -> AsyncIterator[Candidate]:
        """Yield one candidate per problem in the order of the problems; see the contract for the arguments."""
        gate = asyncio.Semaphore(N_IN_FLIGHT)

        async def ask(seed: Problem, prompt: str) -> Candidate:
            async with gate:
                draft = await _ask_twice(seed, task, teacher, prompt, sample_index)
            return self._to_candidate(seed, draft, teacher, sample_index, salt)

        # The examples are drawn here, in order, so that they do not depend on which reply comes first.
        prompts = [task.question_prompt(seed, _draw_examples(task, pool, seed, rng)) for seed in problems]
        jobs = [asyncio.ensure_future(ask(*pair)) for pair in zip(problems, prompts, strict=True)]
        try:
            for job in jobs:
                yield await job
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    def _to_candidate(self, seed: Problem, draft: _Draft, teacher: Teacher, sample_index: int, salt: str) -> Candidate:
        return Candidate(
            candidate_id=content_id("c", seed.problem_id, sample_index, self.name, teacher.name, salt),
            parents=(seed.problem_id,),
            question=draft.new.question if draft.new else None,
            answer=draft.answer,
            final=draft.final,
            failure=draft.failure,
            method=self.name,
            teacher=teacher.name,
            raw_question=draft.read_text("question"),
            raw_answer=draft.read_text("answer"),
            n_input_tokens=sum(reply.n_input_tokens for reply in draft.replies.values()),
            n_output_tokens=sum(reply.n_output_tokens for reply in draft.replies.values()),
            sample_index=sample_index,
            meta=dict(draft.new.meta) if draft.new else {},
        )


def _draw_examples(task: Task, pool: Sequence[Problem], seed: Problem, rng: np.random.Generator) -> list[Problem]:
    """Return the few-shot examples; a task that offers the seed itself, or a held-out problem, is a bug."""
    examples = task.pick_examples(pool, seed, N_EXAMPLES, rng)
    if any(example.problem_id == seed.problem_id or example.split != "train" for example in examples):
        raise ValueError(f"The task {task.name!r} chose the seed itself or a held-out problem as an example.")
    return examples


async def _ask_twice(seed: Problem, task: Task, teacher: Teacher, prompt: str, sample_index: int) -> _Draft:
    """Ask for the question, then for the answer; whatever goes wrong becomes the draft's failure."""
    draft = _Draft()

    async def ask(purpose: str, text: str) -> str:
        reply = await teacher.complete(TeacherRequest(purpose, task.name, text, seed, sample_index))
        draft.replies[purpose] = reply
        if reply.finish_reason in UNFINISHED:
            raise ReplyError(f"The teacher's {purpose} {UNFINISHED[reply.finish_reason]}.")
        return reply.text

    try:
        draft.new = task.read_question(await ask("question", prompt))
        draft.answer = task.read_answer(await ask("answer", task.answer_prompt(draft.new)))
        draft.final = task.extract_final(draft.answer)
        if draft.final is None:
            draft.failure = "The teacher's answer ends without a final answer."
    except (ReplyError, TeacherError) as error:
        draft.failure = str(error)
    return draft


METHODS.register(RewriteThenAnswer.name)(RewriteThenAnswer())
