"""What makes a text unfit to be trained on at first sight: leftovers of a prompt or a chat, open brackets, a cut end.

Each check returns one sentence that quotes what is wrong, None where nothing is. They know nothing of candidates or of
verdicts, and are linear in the length of the text. Rules and word lists are our own; what they reject of texts that
people wrote is in ``docs/log.md``.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache

from core.filters.base import quote
from core.tasks.answers.boxes import list_boxes
from core.tasks.prompts import PROMPTS, find_slots, read_prompt

_BROKEN = re.compile("[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MISREAD = re.compile("â€[œ™“”˜¦\x80-\xbf]|Ã[\xa0-\xbf]|ï»¿")
_MARK = re.compile(
    r"<\|[\w ]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?(?:s|bos|eos|pad|unk|think|thinking|reasoning|scratchpad|answer"
    r"|question|response|output|problem|solution|instruction|context|final|step|br|div|span|strong|em|sup|sub|ul|ol|li|table|tr"
    r"|td|code|pre|html)(?:\s[^<>]{0,80})?/?>|</[abip]>"
)
_LABEL = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]*|\*\*[ \t]*)?(?:(?:new|rewritten|modified|revised|generated|given|final|example)[ \t]+"
    r"(?:question|problem|instruction|prompt|version)|question|problem|instruction|input|output|response|assistant|user"
    r"|system|human|context|q)[ \t]*(?:\d{1,3}[ \t]*)?(?:#|\*\*)?[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_HASHED = re.compile(
    r"#[ \t]*(?:given|rewritten|new)?[ \t]*(?:instruction|answer|examples?|question)[ \t]*#", re.IGNORECASE
)
_ANSWERED = re.compile(
    r"^[ \t]*(?:\*\*)?(?:final[ \t]+)?(?:answer|solution)(?:\*\*)?[ \t]*:|^[ \t]*#{4}[ \t]", re.I | re.M
)
_JSON = re.compile(
    r'\A\s*[\[{]\s*"|"(?:question|answer|text|responses?|probability|problem|solution|reasoning|final_answer)"\s*:'
)
_CHAT = re.compile(
    r"\bas an ai\b|\b(?:as a|i am a|i'm a) (?:large )?language model"
    r"|\bi(?:'m| am) (?:sorry|afraid),? (?:but )?(?:that )?i (?:can|am un|am not able|do not|don't|won't)"
    r"|\bi (?:cannot|can't|can not|am unable to|'m unable to) (?:assist|help|comply|fulfil|create|generate)\b"
    r"|\bi hope this helps\b|\blet me know if you\b|\bfeel free to ask\b"
)
_CHAT_HINTS = (
    "as an ai",
    "language model",
    "sorry",
    "afraid",
    "i ca",
    "unable to",
    "hope this",
    "let me know",
    "feel free",
)
_CHAT_START = re.compile(
    r"\s*(?:sure|certainly|of course|absolutely)[!,.]|\s*here(?: is|'s| are) (?:a|an|the|your|my|one|some)\b"
    r"[^.\n]{0,60}(?:question|problem|version|instruction|rewrite|solution|answer)\b"
)
_BLANK = re.compile(
    r"\[(?:[Ii]nsert|INSERT|[Yy]our|YOUR|[Ff]ill in|[Aa]dd)\b[^\[\]\n]{0,60}\]"
    r"|\[(?:[Nn]ames?|NAMES?|[Nn]umber|NUMBER|[Qq]uestion|[Aa]nswer|[Oo]bject|[Qq]uantity|[Cc]ontext)\]"
    r"|\\boxed\{\s*(?:\\text\{)?\s*(?:your |final )?(?:answer|result|\.\.\.|\\ldots|_+)\s*\}|TODO\b|[Ll]orem ipsum"
)
_COMMAND = re.compile(r"\\[A-Za-z]+|\\[\[(]")
_SIGNS = re.compile(r"\\[\s\S]|[{}$]")
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([^{}]{1,40})\}")
_END = re.compile(r"[.?!…:;。？！｡।؟)\]}$|\"'”’»」』*_%°0-9]\Z")
_SENTENCE_END = re.compile(r"[.?!]\s")
_DANGLING = re.compile(
    r"(?:[,(\[{+=*/<&\\–—-]|\b(?:a|an|the|and|or|but|of|to|in|on|at|by|for|from|with|into|than|as|if|because|when|while"
    r"|which|that|who|whose|his|her|their|its|is|are|was|were|has|have|had|will|would|can|could|should|then|so|therefore"
    r"|thus|hence|since|each|every|how|how many|how much|what))\Z",
    re.IGNORECASE,
)
N_REPEATS = 4
"""How often a whole line of at least REPEATED_LENGTH characters may stand in a text before it counts as a loop."""

REPEATED_LENGTH = 24


def find_fault(text: str, what: str, checks: "Iterable[Check]") -> str | None:
    """Return what the first check finds.

    Args:
        text: the whole text.
        what: "question" or "answer", for the sentence.
        checks: in this order.
    """
    return next((fault for check in checks if (fault := check(text, what))), None)


def find_empty(text: str, what: str) -> str | None:
    """Ask for at least one letter or digit."""
    if not text.strip():
        return f"The {what} is empty."
    return None if any(map(str.isalnum, text)) else f"The {what} has no letter and no digit: {quote(text, 40)}."


def find_broken_characters(text: str, what: str) -> str | None:
    """Refuse replacement and control characters, halves of pairs, and UTF-8 that was read as another encoding."""
    if match := _BROKEN.search(text):
        where = quote(text[max(0, match.start() - 20) : match.end() + 20], 60)
        return f"The {what} holds the broken character U+{ord(match[0]):04X} in {where}."
    if match := _MISREAD.search(text):
        return f"The {what} holds misread characters: {quote(text[max(0, match.start() - 20) : match.end() + 20], 60)}."
    return None


def find_marks(text: str, what: str) -> str | None:
    """Refuse tags, tokens of chat templates, code fences and JSON."""
    if match := _MARK.search(text):
        return f"The {what} holds the mark {quote(match[0], 40)}."
    if (at := text.find("```")) >= 0:
        return f"The {what} holds a code fence: {quote(text[at : at + 60], 40)}."
    if match := _JSON.search(text):
        return f"The {what} holds JSON: {quote(text[match.start() : match.start() + 80], 60)}."
    return None


def find_labels(text: str, what: str) -> str | None:
    """Refuse labels of a prompt's format, and in a question also those of an answer."""
    match = _HASHED.search(text) or _LABEL.search(text) or (_ANSWERED.search(text) if what == "question" else None)
    return f"The {what} holds the label {quote(match[0].strip(), 40)}." if match else None


def find_chat(text: str, what: str) -> str | None:
    """Refuse what an assistant says about itself or to its user."""
    lowered = text.replace("’", "'").lower()
    match = _CHAT_START.match(lowered)
    if match is None and any(hint in lowered for hint in _CHAT_HINTS):
        match = _CHAT.search(lowered)
    return (
        f"The {what} talks like an assistant: {quote(text[match.start() : match.end() + 30], 60)}." if match else None
    )


@cache
def _slot_pattern() -> re.Pattern[str]:
    names = {name for path in PROMPTS.glob("*.txt") for name in find_slots(read_prompt(path.stem))}
    return re.compile(r"(?<![A-Za-z^_])\{(?:" + "|".join(sorted(map(re.escape, names))) + r")\}")


def find_placeholders(text: str, what: str) -> str | None:
    """Refuse slots of the prompts and other blanks that nobody filled."""
    match = _slot_pattern().search(text) or _BLANK.search(text)
    return f"The {what} holds the placeholder {quote(match[0], 40)}." if match else None


def cut_drawings(text: str) -> str | None:
    """Return the text without ``[asy]`` drawings; None where one never closes."""
    if "[asy]" not in text:
        return text
    first, *rest = text.split("[asy]")
    parts = [part.partition("[/asy]") for part in rest]
    return None if any(not mark for _, mark, _ in parts) else first + "".join(after for _, _, after in parts)


def find_imbalance(text: str, what: str) -> str | None:
    r"""Refuse boxes that never close and, where LaTeX is used, braces, ``$``, brackets and environments without a pair.

    A lone ``$`` in a text without any LaTeX command is money.
    """
    plain = cut_drawings(text)
    if plain is None:
        return f"The drawing in the {what} never closes: {quote(text[text.rfind('[asy]') :], 40)}."
    if None in list_boxes(plain):
        return f"A box in the {what} never closes: {quote(plain[plain.rfind(chr(92) + 'boxed') :], 40)}."
    if not _COMMAND.search(plain):
        return None
    depth, signs = 0, {"$": 0, r"\[": 0, r"\]": 0, r"\(": 0, r"\)": 0}
    for match in _SIGNS.finditer(plain):
        sign = match[0]
        if sign in signs:
            signs[sign] += 1
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return f"The {what} closes a brace that was not opened: {_show_place(plain, match.start())}."
    if depth:
        return f"The {what} leaves {depth} of its braces open: {quote(plain[-60:], 60)}."
    if signs["$"] % 2:
        return f"The {what} holds an odd number of $ around its formulas: {_show_place(plain, plain.rfind('$'))}."
    for left, right in ((r"\[", r"\]"), (r"\(", r"\)")):
        if signs[left] != signs[right]:
            return f"The {what} opens {left} {signs[left]} times and closes it {signs[right]} times."
    return _find_open_environment(plain, what)


def _find_open_environment(text: str, what: str) -> str | None:
    counts: dict[str, int] = {}
    for kind, name in _ENVIRONMENT.findall(text):
        counts[name] = counts.get(name, 0) + (1 if kind == "begin" else -1)
    name = next((name for name, count in counts.items() if count), None)
    return None if name is None else rf"The {what} has a \begin or \end of {quote(name, 40)} without its pair."


def _show_place(text: str, at: int) -> str:
    return quote(text[max(0, at - 25) : at + 25], 60)


def find_cut_off(text: str, what: str) -> str | None:
    r"""Refuse an end that goes on: a comma, an open bracket, an operator, a word such as "the" that needs another.

    Where sentences come before it on the last line, they ended in a sign, and so must the last one; one that holds a
    box is exempt ("She sold \boxed{38} cups").
    """
    end = (cut_drawings(text) or text)[-400:].rstrip().removesuffix("\\\\").rstrip()
    if not end or _END.search(end) or "\\boxed" in (last := end.rpartition("\n")[2]):
        return None
    has_case = end[-1].lower() != end[-1].upper()
    if _DANGLING.search(end) or (has_case and _SENTENCE_END.search(last)):
        return f"The {what} breaks off: {quote('…' + end[-60:], 70)}."
    return None


def find_loop(text: str, what: str) -> str | None:
    """Refuse a text in which one line stands again and again."""
    counts: dict[str, int] = {}
    for line in re.split(r"\n+|(?<=[.!?])\s+", cut_drawings(text) or text):
        line = line.strip()
        if len(line) >= REPEATED_LENGTH:
            counts[line] = counts.get(line, 0) + 1
            if counts[line] > N_REPEATS:
                return f"The {what} repeats itself: {quote(line, 60)}."
    return None


Check = Callable[[str, str], str | None]

CHECKS: tuple[Check, ...] = (
    find_empty,
    find_broken_characters,
    find_marks,
    find_labels,
    find_chat,
    find_placeholders,
    find_imbalance,
    find_cut_off,
    find_loop,
)
"""All of them, in the order in which they are asked."""
