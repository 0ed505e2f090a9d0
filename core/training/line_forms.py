"""What one line of a file says to train on, in the forms that such files have: pairs, preferences, conversations.

It knows the names that people give their columns and nothing of files, tasks or training; a line that cannot be
trained on is a ValueError with one sentence.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.datasets.recognise import to_text
from core.records import INCORRECT
from core.training.data import NEGATIVE, POSITIVE

QUESTIONS = ("question", "problem", "instruction", "prompt", "query", "input")
WORKED = ("solution", "rationale", "completion", "output", "target", "response")
"""Columns of a whole answer; beside one of them ``answer`` is the final answer alone, as in MATH."""

UNSURE = ("response",)
"""Beside ``answer`` nobody can tell which of the two is right."""

FINALS = ("final", "gold", "final_answer", "expected_answer")
CONVERSATIONS = ("messages", "conversations", "conversation")
LABELS = ("label", "is_correct")

ROLES = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "system": "system",
}
"""What a turn's role is called -> what it is."""

LABEL_WORDS = {
    **dict.fromkeys(("true", "1", "+1", "1.0", "positive", "right", "correct"), POSITIVE),
    **dict.fromkeys(("false", "0", "-1", "0.0", "-1.0", "negative", "wrong", INCORRECT), NEGATIVE),
}

HELD_OUT = ("validation", "valid", "val", "dev", "test", "ood")
"""What a line's ``split`` is called where it must not be trained on."""

SYSTEM_TURN = (
    "The line has a system turn, and a student is asked without one here; move what the question needs into the user "
    "turn."
)


@dataclass(frozen=True, slots=True)
class LineTexts:
    """What a line holds; see TrainingRow for the fields."""

    question: str
    answer: str
    final: str | None
    """As the line has it; None where it has none of its own."""

    label: int
    rejected: str | None


def read_line(row: Mapping[str, Any]) -> LineTexts:
    """Return the texts of one line.

    Known are question and answer, prompt and completion, prompt with chosen and rejected, messages (one user and one
    assistant turn), problem and solution, instruction (with input) and output. Names may be in any case. A line that
    was filtered, or says that it is held out, is refused with what it says.

    Raises:
        ValueError: it holds nothing to train on; one sentence.
    """
    fields = {str(name).strip().lower(): value for name, value in row.items() if _is_filled(value)}
    _refuse_unfit(fields)
    is_ours = "row_id" in fields
    question, answer, rejected, final = _read_texts(fields)
    label = _read_label(fields)
    if question is None:
        raise ValueError(f"The line has no question; it is looked for in {', '.join(QUESTIONS)} and messages.")
    if answer is None:
        raise ValueError(f"The line has no answer; it is looked for in answer, chosen, {', '.join(WORKED)}.")
    if rejected is not None and rejected.strip() == answer.strip():
        raise ValueError("The answers chosen and rejected are the same text.")
    if rejected is not None and label == NEGATIVE:
        raise ValueError("The line has a rejected answer and a label that rejects the other one too.")
    if not is_ours:  # ours stand as they were trained on, to the last blank
        question, answer = question.strip(), answer.strip()
        rejected = None if rejected is None else rejected.strip()
    return LineTexts(question, answer, final, label, rejected)


def _is_filled(value: Any) -> bool:
    is_text = isinstance(value, str)
    return bool(value.strip()) if is_text else value is not None and value == value and value != []


def _refuse_unfit(fields: Mapping[str, Any]) -> None:
    """Raise ValueError for a line that says itself why it must not be trained on."""
    split = str(fields.get("split", "")).strip().lower()
    if split in HELD_OUT:
        raise ValueError(f"The line says that it belongs to the {split} problems, which are never trained on.")
    if (failure := to_text(fields.get("failure"))) is not None:
        raise ValueError(f"It is a failed candidate: {failure}")
    if str(fields.get("is_accepted", "")).lower() == "false":
        raise ValueError(f"It was not accepted: {to_text(fields.get('reason')) or 'the line says no more.'}")


def _read_texts(fields: Mapping[str, Any]) -> tuple[str | None, str | None, str | None, str | None]:
    """Return question, answer, rejected answer and final answer, None for what there is not."""
    final = next((to_text(fields[name]) for name in FINALS if name in fields), None)
    talk = next((fields[name] for name in CONVERSATIONS if name in fields), None)
    if talk is not None and not any(name in fields for name in (*QUESTIONS, "chosen")):
        question, answer = _read_talk(talk)
        return question, answer, None, final
    question = _read_question(fields)
    if "chosen" in fields or "rejected" in fields:
        shared, answer, rejected = _read_preference(fields)
        question = question or shared
        return question, answer, rejected, final or _read_short(fields, answer)
    worked = next((name for name in WORKED if name in fields and name != _question_name(fields)), None)
    if worked in UNSURE and "answer" in fields:
        raise ValueError(f"The line has both answer and {worked}; keep the one to train on, under the name answer.")
    answer = _read_reply(fields[worked or "answer"]) if worked or "answer" in fields else None
    return question, answer, None, final or (_read_short(fields, answer) if worked else None)


def _read_short(fields: Mapping[str, Any], answer: str | None) -> str | None:
    """Return ``answer`` as the final answer beside a worked one; None where it is that one."""
    short = to_text(fields.get("answer")) if not isinstance(fields.get("answer"), list) else None
    return None if short is None or (answer is not None and short == answer.strip()) else short


def _question_name(fields: Mapping[str, Any]) -> str | None:
    return next((name for name in QUESTIONS if name in fields), None)


def _read_question(fields: Mapping[str, Any]) -> str | None:
    """Return the question with its context or input; a prompt may be a conversation of one user turn."""
    name = _question_name(fields)
    if name is None:
        return None
    value = _parse_list(fields[name])
    if isinstance(value, list):
        question, answer = _split_talk(_read_turns(value))
        if answer is not None:
            raise ValueError(f"The {name} holds an assistant turn; only one user turn can be asked.")
        return question
    question = _read_text(value, name)
    if name == "instruction" and "input" in fields:
        return f"{question}\n\n{_read_text(fields['input'], 'input')}"
    context = to_text(fields.get("context"))
    return f"{context}\n{question}" if context and context not in question else question


def _read_preference(fields: Mapping[str, Any]) -> tuple[str | None, str, str]:
    """Return the question that both conversations share (None where there are only answers), chosen and rejected."""
    for name in ("chosen", "rejected"):
        if name not in fields and not (name == "chosen" and "answer" in fields):
            raise ValueError(f"The line has no {name} answer beside the other one.")
    both = []
    for value in (fields.get("chosen", fields.get("answer")), fields["rejected"]):
        listed = _parse_list(value)
        is_talk = isinstance(listed, list)
        both.append(_split_talk(_read_turns(listed)) if is_talk else (None, _read_text(value, "answer")))
    (asked, chosen), (asked_too, rejected) = both
    if chosen is None or rejected is None:
        raise ValueError("A conversation of the line has no assistant turn.")
    if asked != asked_too:
        raise ValueError("The conversations chosen and rejected begin with different questions.")
    return asked, chosen, rejected


def _read_reply(value: Any) -> str | None:
    """Return an answer, which may be a conversation of one assistant turn."""
    listed = _parse_list(value)
    if not isinstance(listed, list):
        return _read_text(value, "answer")
    question, answer = _split_talk(_read_turns(listed))
    if question is not None:
        raise ValueError("The answer holds a user turn; only one assistant turn can be trained on.")
    return answer


def _read_talk(value: Any) -> tuple[str, str | None]:
    turns = _parse_list(value)
    if not isinstance(turns, list):
        raise ValueError("The messages are no list of turns.")
    question, answer = _split_talk(_read_turns(turns))
    if question is None:
        raise ValueError("The conversation has no user turn.")
    if answer is None:
        raise ValueError("The conversation has no assistant turn.")
    return question, answer


def find_talk(value: Any) -> tuple[str | None, str | None] | None:
    """Return question and answer of a conversation, each None where nobody says it; None where it is none.

    Raises:
        ValueError: it is one of several turns, or has a system turn; one sentence.
    """
    turns = _parse_list(value)
    is_talk = isinstance(turns, list) and bool(turns) and all(isinstance(turn, Mapping) for turn in turns)
    return _split_talk(_read_turns(turns)) if is_talk else None


def _parse_list(value: Any) -> Any:
    """Return a list of turns, also one that a CSV cell holds as JSON; anything else as it is."""
    if isinstance(value, str) and value.lstrip().startswith("[{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _read_turns(turns: Sequence[Any]) -> list[tuple[str, str]]:
    """Return (role, text) of every turn with a text."""
    read = []
    for turn in turns:
        if not isinstance(turn, Mapping):
            raise ValueError("A turn of the conversation is no object with a role and a content.")
        said = str(turn.get("role", turn.get("from", ""))).strip().lower()
        if said not in ROLES:
            raise ValueError(f"The conversation has a turn of {said or 'nobody'!r}; known are user and assistant.")
        if text := _read_content(turn.get("content", turn.get("value"))):
            read.append((ROLES[said], text))
    return read


def _read_content(content: Any) -> str:
    if isinstance(content, list):
        if not all(isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in content):
            raise ValueError("A turn of the conversation holds something other than text.")
        content = "".join(part["text"] for part in content)
    if content is None:
        return ""
    if not isinstance(content, str):
        raise ValueError("A turn of the conversation is no text.")
    return content.strip()


def _split_talk(turns: Sequence[tuple[str, str]]) -> tuple[str | None, str | None]:
    """Return the question and the answer of at most one user turn and one assistant turn, in that order."""
    roles = [role for role, _ in turns]
    if "system" in roles:
        raise ValueError(SYSTEM_TURN)
    for role in ("user", "assistant"):
        if (n := roles.count(role)) > 1:
            raise ValueError(f"The conversation has {n} {role} turns; only one can be trained on, split it into lines.")
    if roles == ["assistant", "user"]:
        raise ValueError("The conversation begins with the assistant's turn.")
    said = dict(turns)
    return said.get("user"), said.get("assistant")


def _read_text(value: Any, name: str) -> str:
    """Return a text, or a number or truth value as one."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        raise ValueError(f"The {name} is a {'list' if isinstance(value, list) else 'table'} and no text.")
    return to_text(value) or ""


def _read_label(fields: Mapping[str, Any]) -> int:
    name = next((name for name in LABELS if name in fields), None)
    if name is not None:
        word = str(fields[name]).strip().lower()
        if word not in LABEL_WORDS:
            raise ValueError(
                f"The {name} is {str(fields[name])[:40]!r}; it may be true, 1, false, 0 or -1: rename a column that "
                "means something else."
            )
        return LABEL_WORDS[word]
    meta = fields.get("meta")
    is_wrong = isinstance(meta, Mapping) and meta.get("label") == INCORRECT
    return NEGATIVE if is_wrong else POSITIVE
