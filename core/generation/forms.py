"""The seven ways of asking: how a request for one or several responses is put, and how the reply is read.

Zhang 2025 (Verbalized Sampling): Direct, CoT, Sequence, Multi-turn, VS-Standard, VS-CoT and VS-Multi. The system
message holds the format instruction of the form, the user message the task's own prompt. Responses may be new questions
or answers; a form knows nothing of either, nor of tasks and teachers. To add one, put its instruction under
``prompts/form_NAME.txt`` and a Form into FORMS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.generation.reading import ReadReply, fail_all, read_items, read_plain
from core.tasks.prompts import SHIPPED, Prompts

ITEMS_PER_TURN = 3
"""Responses that one turn of VS-Multi asks for (Zhang 2025; with 5 in all it is 3, then 2)."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way of asking."""

    name: str
    title: str
    prompt: str
    """Name of the prompt file with the format instruction: the system message."""

    again: str | None = None
    """Name of the prompt file for the later turns of the chat; None: there is but one turn."""

    items_per_turn: int | None = None
    """Responses that one turn asks for at most; None: all at once."""

    is_single: bool = False
    """True where one call brings one response, however many are wanted."""

    is_json: bool = True
    has_reasoning: bool = False
    probability: str | None = None
    """Field in which each response states how probable it is; None where it does not."""

    @property
    def has_sampling(self) -> bool:
        """Whether the instruction says what part of the distribution to sample from."""
        return self.probability is not None

    def split_turns(self, n_items: int) -> tuple[int, ...]:
        """Return how many responses each turn asks for; they add up to ``n_items`` (1 for a single form)."""
        if self.is_single:
            return (1,)
        most = self.items_per_turn or n_items
        return tuple(min(most, n_items - start) for start in range(0, n_items, most))

    def list_prompts(self, n_items: int, tail: float | None) -> tuple[str, ...]:
        """Return the names of the prompt files of the system message, then that of later turns where there are any."""
        sampling = ("form_sampling_whole" if tail is None else "form_sampling_tail",) if self.has_sampling else ()
        later = (self.again,) if self.again and len(self.split_turns(n_items)) > 1 else ()
        return (self.prompt, *sampling, *later)

    def write_system(self, n_items: int, tail: float | None = None, prompts: Prompts = SHIPPED) -> str:
        """Return the system message of a call for ``n_items`` responses.

        Args:
            n_items: responses wanted of the whole call, at least 1.
            tail: what each stated probability is to be below; None: the whole distribution. Only for VS forms.
            prompts: the texts, with a person's edits.
        """
        values = {"n_items": str(self.split_turns(n_items)[0]), "total": str(n_items)}
        if self.has_sampling:
            name = self.list_prompts(n_items, tail)[1]
            values["sampling"] = prompts.fill(name, {"tail": "" if tail is None else f"{tail:g}"})
        return prompts.fill(self.prompt, values)

    def write_again(self, n_items: int, total: int, prompts: Prompts = SHIPPED) -> str:
        """Return the user message of a later turn that asks for ``n_items`` of ``total`` responses."""
        return prompts.fill(self.again, {"n_items": str(n_items), "total": str(total)})

    def make_schema(self) -> Mapping[str, Any] | None:
        """Return the JSON schema of a reply, strict (every field required, no other allowed); None for plain text."""
        if not self.is_json:
            return None
        string, reasoning = {"type": "string"}, {"reasoning": {"type": "string"}} if self.has_reasoning else {}
        if self.is_single:
            return _make_object({**reasoning, "response": string})
        item = _make_object({"text": string, self.probability: {"type": "number"}}) if self.probability else string
        return _make_object({**reasoning, "responses": {"type": "array", "items": item}})

    def read(self, text: str, n_items: int, *, is_cut: bool = False, wants_answer: bool = False) -> ReadReply:
        """Return exactly ``n_items`` responses of one turn's reply.

        Args:
            text: the reply.
            n_items: responses that the turn asked for.
            is_cut: whether the server says that the reply hit its token limit; what is complete in it still counts.
            wants_answer: whether the responses are answers, not questions.
        """
        if self.is_json:
            has_probability = self.probability is not None
            return read_items(text, n_items, has_probability=has_probability, is_cut=is_cut, wants_answer=wants_answer)
        return fail_all(1, "The reply was cut off at its token limit.") if is_cut else read_plain(text)


def _make_object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form("direct", "Direct", "form_direct", is_single=True, is_json=False),
        Form("cot", "Reason first (CoT)", "form_cot", is_single=True, has_reasoning=True),
        Form("sequence", "Sequence", "form_sequence"),
        Form("multi_turn", "Multi-turn", "form_direct", "form_multi_turn_again", items_per_turn=1, is_json=False),
        Form("vs_standard", "VS-Standard", "form_vs_standard", probability="probability"),
        Form("vs_cot", "VS-CoT", "form_vs_cot", has_reasoning=True, probability="probability"),
        Form(
            "vs_multi",
            "VS-Multi",
            "form_vs_multi",
            "form_vs_multi_again",
            items_per_turn=ITEMS_PER_TURN,
            probability="confidence",
        ),
    )
}
"""Name -> form."""
