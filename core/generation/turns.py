"""Asks for the responses of one call in one of the seven forms, turn by turn, and reads them.

It knows forms and replies; what a response holds (a question, a wrong solution) is for the method to read.
"""

from dataclasses import dataclass, field, replace

from core.generation.asking import UNFINISHED, Conversation
from core.generation.base import Brief, Call, Draft, MethodSettings, Step, Tokens
from core.generation.forms import Form
from core.generation.reading import Item, ReadReply, fail_all, refuse_repeat
from core.records import Problem
from core.tasks.base import ReplyError
from core.teacher.base import REPLY_TOKENS, Hint, TeacherReply, TeacherRequest

ITEM_TOKENS = 512
"""Room for one response, tokens; once more where the prompt asks for reasoning first."""

BASE_TOKENS = REPLY_TOKENS - ITEM_TOKENS
"""Room in a reply for what stands before and around the responses, tokens: a model that reasons by itself needs most of
it."""


@dataclass(slots=True)
class Response:
    """One response of a call: its text, or a draft that has failed."""

    text: str | None
    draft: Draft


def count_items(form: Form, settings: MethodSettings) -> int:
    """Return how many responses one call brings in this form."""
    return sum(form.split_turns(settings.n_per_call))


def list_turns(form: Form, settings: MethodSettings, prompts: tuple[str, ...], brings: str) -> list[Step]:
    """Return the requests of a call in this form.

    Args:
        form: how is asked.
        settings: number of responses, tail.
        prompts: names of the files that the user message is made of.
        brings: what a response is, ``question`` or ``answer``.
    """
    turns = form.split_turns(settings.n_per_call)
    names = form.list_prompts(settings.n_per_call, settings.tail)
    system = names[:-1] if len(turns) > 1 else names
    first = Step("question", (*system, *prompts), brings, turns[0])
    return [first, *(Step("question", names[-1:], brings, n, is_later_turn=True) for n in turns[1:])]


def make_request(
    form: Form, prompt: str, brief: Brief, parents: tuple[Problem, ...], sample_index: int, wants: str
) -> TeacherRequest:
    """Return the first request of a call: the form's instruction as the system message, the prompt as the user's."""
    settings = brief.settings
    n_items = form.split_turns(settings.n_per_call)[0]
    room = BASE_TOKENS + ITEM_TOKENS * (n_items + form.has_reasoning)
    request = TeacherRequest(
        "question",
        brief.task.name,
        prompt,
        parents[0] if parents else None,
        sample_index,
        max_tokens=room,
        system=form.write_system(settings.n_per_call, settings.tail, brief.prompts),
        schema=form.make_schema(),
        hint=Hint(wants, form.name, n_items, parents),
    )
    return request if settings.temperature is None else replace(request, temperature=settings.temperature)


@dataclass(slots=True)
class FormChat:
    """The turns of one call; knows what was said in them."""

    form: Form
    call: Call
    brief: Brief
    wants_answer: bool = False
    """Whether responses are answers, not questions."""

    _earlier: tuple[tuple[str, str], ...] = ()
    _seen: set[str] = field(default_factory=set)

    async def ask(self, conversation: Conversation) -> list[Response]:
        """Return as many responses as the call asks for; a turn that brings none ends the chat.

        Raises:
            AskingStopped: nothing may be sent any more, and nothing of this call was answered.
        """
        responses: list[Response] = []
        failure: str | None = None
        total = count_items(self.form, self.brief.settings)
        for number, n_items in enumerate(self.form.split_turns(self.brief.settings.n_per_call)):
            if failure is not None:
                responses += [_fail(failure) for _ in range(n_items)]
                continue
            made = await self._take_turn(conversation, self._write(number, n_items, total), n_items)
            responses += made
            if all(response.text is None for response in made):
                failure = f"An earlier turn of the same chat brought nothing to go on with: {made[0].draft.failure}"
        return responses

    def _write(self, number: int, n_items: int, total: int) -> TeacherRequest:
        first = self.call.request
        if not number:
            return first
        prompt = self.form.write_again(n_items, total, self.brief.prompts)
        return replace(first, prompt=prompt, earlier=self._earlier, hint=replace(first.hint, n_items=n_items))

    async def _take_turn(self, conversation: Conversation, request: TeacherRequest, n_items: int) -> list[Response]:
        try:
            reply = await conversation.ask(request)
        except ReplyError as error:
            return [_fail(str(error)) for _ in range(n_items)]
        self._earlier = (*self._earlier, (request.prompt, reply.text))
        read = self._read(reply, n_items)
        parts = Tokens(reply.n_input_tokens, reply.n_output_tokens).share(n_items)
        responses = []
        for number, (item, tokens) in enumerate(zip(read.items, parts, strict=True)):
            checked = refuse_repeat(item, self._seen)
            draft = Draft(failure=checked.failure, tokens=tokens, meta=self._note(checked, read, number))
            if self.wants_answer:
                draft.raw_answer = reply.text
            else:
                draft.raw_question = reply.text
            responses.append(Response(checked.text, draft))
        return responses

    def _read(self, reply: TeacherReply, n_items: int) -> ReadReply:
        """Read one reply; one that was withheld holds nothing, one that was cut off what is complete in it."""
        if reply.finish_reason in UNFINISHED and reply.finish_reason != "length":
            return fail_all(n_items, f"The teacher's reply {UNFINISHED[reply.finish_reason]}.")
        if not reply.text.strip() and reply.finish_reason != "length":
            return fail_all(n_items, "The teacher's reply is empty.")
        is_cut = reply.finish_reason == "length"
        return self.form.read(reply.text, n_items, is_cut=is_cut, wants_answer=self.wants_answer)

    def _note(self, item: Item, read: ReadReply, number: int) -> dict:
        """Return what a candidate keeps of how its response was read; a surplus is noted at the first of a reply."""
        meta: dict = {"form": self.form.name}
        if self.form.probability:
            meta |= {"probability": item.probability, "probability_stated": item.probability_stated}
            if item.probability_fault and item.text is not None:
                meta["probability_fault"] = item.probability_fault
        if item.reasoning:
            meta["reasoning"] = item.reasoning
        if read.repairs:
            meta["repairs"] = list(read.repairs)
        if read.n_surplus and not number:
            meta["n_surplus"] = read.n_surplus
        return meta


def _fail(failure: str) -> Response:
    return Response(None, Draft(failure=failure))
