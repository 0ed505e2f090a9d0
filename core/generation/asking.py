"""What all prompting methods share: asking within a call, answering a new question, and the candidate at the end.

It knows nothing of how a question is asked for; each method's file does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.errors import AskingStopped, TeacherError
from core.generation.base import N_EXAMPLES, Brief, Call, Draft
from core.records import Candidate, Problem, content_id
from core.tasks.base import NewQuestion, ReplyError
from core.teacher.base import Hint, Teacher, TeacherReply, TeacherRequest

ANSWER_TEMPERATURE = 0.6
"""Of answer requests (Zhang 2025, appendix G.6.1); a role's own temperature takes its place."""

UNFINISHED: Mapping[str, str] = {
    "length": "was cut off at its token limit; raise the limit or shorten the examples",
    "content_filter": "was withheld by the teacher's content filter",
    "refusal": "was a refusal",
}
"""Finish reasons that leave no usable text, as the end of a sentence."""


@dataclass(slots=True)
class Conversation:
    """The requests of one call; knows whether anything of it was answered yet."""

    teacher: Teacher
    n_answered: int = 0

    async def ask(self, request: TeacherRequest) -> TeacherReply:
        """Return the reply to one request of the call.

        Raises:
            AskingStopped: nothing may be sent any more, and nothing of this call was answered.
            ReplyError: no reply can be had; the sentence is the candidate's failure.
        """
        try:
            reply = await self.teacher.complete(request)
        except AskingStopped as error:
            if not self.n_answered:
                raise
            raise ReplyError(f"The {request.purpose} was not asked for: {error}") from error
        except TeacherError as error:
            raise ReplyError(str(error)) from error
        self.n_answered += 1
        return reply


def require_text(reply: TeacherReply, what: str) -> str:
    """Return the text of a reply; raises ReplyError where it was cut off, withheld, refused, or is empty.

    Args:
        reply: what came back.
        what: what was asked for, as it stands in "The teacher's question was a refusal."
    """
    if reply.finish_reason in UNFINISHED:
        raise ReplyError(f"The teacher's {what} {UNFINISHED[reply.finish_reason]}.")
    if not reply.text.strip():
        raise ReplyError(f"The teacher's {what} is empty.")
    return reply.text


async def ask_for(conversation: Conversation, request: TeacherRequest, draft: Draft) -> str:
    """Ask for a draft's question or answer: keeps the raw reply, counts its tokens, returns its text.

    Raises:
        AskingStopped: see ``Conversation.ask``.
        ReplyError: there is no usable text.
    """
    reply = await conversation.ask(request)
    draft.tokens.add(reply.n_input_tokens, reply.n_output_tokens)
    if request.purpose == "answer":
        draft.raw_answer = reply.text
    else:
        draft.raw_question = reply.text
    return require_text(reply, request.purpose)


def make_answer_request(
    new: NewQuestion, brief: Brief, subject: Problem | None, sample_index: int, hint: Hint | None = None
) -> TeacherRequest:
    """Return the request for a worked answer to a new question (Kessler 2025, appendix D.2).

    Args:
        new: the question.
        brief: what all calls share.
        subject: the (first) seed of the question; None without any.
        sample_index: repetition of the same question.
        hint: how the question came about, its ``n_items`` that of the whole call; for the built-in teacher.
    """
    prompt = brief.task.answer_prompt(new, brief.prompts)
    return TeacherRequest(
        "answer", brief.task.name, prompt, subject, sample_index, temperature=ANSWER_TEMPERATURE, hint=hint
    )


async def answer_question(
    conversation: Conversation, draft: Draft, new: NewQuestion, call: Call, brief: Brief, n_items: int = 1
) -> None:
    """Ask for a worked answer to the draft's question and read it; whatever goes wrong becomes the draft's failure.

    Args:
        conversation: that of the call.
        draft: receives question, answer, final answer and tokens.
        new: the question.
        call: the call that brought it.
        brief: what all calls share.
        n_items: questions of the whole call.
    """
    draft.question, draft.meta = new.question, {**draft.meta, **new.meta}
    asked = call.request
    hint = None if asked.hint is None else replace(asked.hint, n_items=n_items)
    try:
        request = make_answer_request(new, brief, asked.subject, asked.sample_index, hint)
        read_worked(draft, await ask_for(conversation, request, draft), brief)
    except ReplyError as error:
        draft.failure = str(error)


def read_worked(draft: Draft, text: str, brief: Brief) -> None:
    """Read a worked answer into the draft; raises ReplyError where there is none, or it comes to nothing."""
    draft.answer = brief.task.read_answer(text)
    draft.final = brief.task.extract_final(draft.answer)
    if draft.final is None:
        raise ReplyError("The teacher's answer ends without a final answer.")


def draw_examples(brief: Brief, seed: Problem, rng: np.random.Generator) -> tuple[Problem, ...]:
    """Return the few-shot examples; a task that offers the seed itself, or a held-out problem, is a bug."""
    examples = brief.task.pick_examples(brief.pool, seed, N_EXAMPLES, rng)
    if any(example.problem_id == seed.problem_id or example.split != "train" for example in examples):
        raise ValueError(f"The task {brief.task.name!r} chose the seed itself or a held-out problem as an example.")
    return tuple(examples)


def to_candidate(draft: Draft, call: Call, brief: Brief, method: str, teacher: str, item: int = 0) -> Candidate:
    """Return a draft as the candidate that it has become.

    Args:
        draft: what is known.
        call: the call that brought it.
        brief: what all calls share.
        method: name of the prompting method.
        teacher: name of the teacher.
        item: number of the candidate within its call.
    """
    parents = tuple(parent.problem_id for parent in call.parents)
    index = call.request.sample_index
    more = [item] if item else []
    return Candidate(
        candidate_id=content_id("c", "+".join(parents), index, method, teacher, brief.salt, *more),
        parents=parents,
        question=draft.question,
        answer=draft.answer,
        final=draft.final,
        failure=draft.failure,
        method=method,
        teacher=teacher,
        raw_question=draft.raw_question,
        raw_answer=draft.raw_answer,
        n_input_tokens=draft.tokens.n_input,
        n_output_tokens=draft.tokens.n_output,
        sample_index=index,
        meta=dict(draft.meta),
    )


def set_temperature(request: TeacherRequest, temperature: float | None) -> TeacherRequest:
    """Return the request with a person's temperature, where one was chosen."""
    return request if temperature is None else replace(request, temperature=temperature)
