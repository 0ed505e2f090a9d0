r"""Find the final answer of a worked solution: the ``#### 42`` line, else a box, else "the answer is 42".

The last two are for students and teachers that were not trained on the first form. :func:`find_final` never takes a
mere last number of the text, because an answer that was cut off in the middle has one too; :func:`extract_answer`, for
responses of unknown origin, also reads a closing sentence ("So she pays $18.").
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.tasks.answers.boxes import find_boxes
from core.tasks.answers.numbers import read_quantity

MAX_READ = 200_000
"""Longest text that is read, characters; of a longer one, only the end."""

MAX_LINE = 2000
"""Longest line in which an answer is looked for, characters; of a longer one, only the end."""

HASH = re.compile(r"(?<!#)####(?!#)[ \t]*([^\n#]*)")
HEADING = re.compile(
    r"\W*(?:step|solution|conclusion|explanation|verification|part|case|approach|answer|final answer|given|problem)\b",
    re.I,
)
PHRASE = re.compile(
    r"(?:^\W*A(?:ns(?:wer)?)?\W*:|^[\W]*(?:the )?(?:final )?answer(?:\W*$|\s+(?=[$\\\d(-]))"
    r"|\b(?:final )?answer\b[^:\n.=\d$\\]{0,40}?(?:\bis\b|:|=)"
    r"|\b(?:correct|right|best)\s+(?:option|choice|answer)\s+(?:is|would be)\b|\bfinal (?:result|value)\s*(?:is|:|=))"
    r":?",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bSt)(?<=[.!?])[*_]*\s+(?=[A-Z])")
CONCLUSION = re.compile(
    r"\W*(?:so|thus|therefore|hence|consequently|in total|altogether|overall|in conclusion|finally|as a result)\b",
    re.IGNORECASE,
)
THINKING = re.compile(r"<(think|thinking|thought|reasoning|scratchpad)>", re.IGNORECASE)
FIELDS = ("final_answer", "answer", "final")
LONE_BACKSLASH = re.compile(r"(?<!\\)\\(?=[A-Za-z]{2}|[,;:!{}%$ ])")
"""One that a model wrote for LaTeX and that JSON would take for a line break or refuse."""

THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning|scratchpad)>", re.IGNORECASE)
BARE_BOX = re.compile(r"\\(?:boxed|fbox)(?:\s+|(?=\d))([^${}\n]{1,60}?)(?=[.,;]?\s*(?:[$\n]|\Z))")
TAGGED = re.compile(r"<answer>(.{0,2000}?)</answer>", re.IGNORECASE | re.DOTALL)
STOPS = re.compile(r"<\|[a-z_]{2,20}\|>|</s>|<eos>|\n(?:Question|Q|Problem|Human|User|Instruction)\s*\d*\s*:")
JOINED = re.compile(
    r"[\s$,;.]*(?:(?:and|or|\\text\{ ?(?:and|or) ?\}|\\quad|\\\(|\\\))[\s$,;]*)*(?:[a-z]\w*\s*=\s*)?", re.I
)
NUMBER = re.compile(
    r"(?<![\w.,/])-?\s?[$€£]?\s?\d[\d,]*(?:\.\d+)?(?:\s?/\s?\d+)?(?:\s?%|\s?cents?)?(?![\w/])|(?<=[$€£])\d[\d,]*(?:\.\d+)?"
)
BARE_WORD = re.compile(r"\(?[A-J]\)?|true|false|yes|no", re.IGNORECASE)
RESULT = re.compile(
    r"[\w)]\s*=\s*([$€£]?(?:<<[^<>]*>>)?-?\s?[$€£]?\d[\d,]{0,30}(?:\.\d{1,30})?(?:\s?/\s?\d+)?%?(?: [a-z]+){0,3})$"
)
LIMITS = re.compile(r"\b(?:not|no|never|less|more|least|most|under|over|between|cannot|can't|isn't)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a response states as its final answer."""

    text: str | None
    """As it was written; None where the response states none."""

    reason: str
    """One sentence: where it stood, or why there is none."""

    row: str | None = None
    """All boxes of a last row that only "and", "or" or commas stand between; None where one box stands alone."""


def find_hash_final(text: str) -> str | None:
    """Return what stands behind the last ``####``; None where there is none or nothing behind it."""
    found = HASH.findall(text[-MAX_READ:])
    return found[-1].strip() or None if found else None


def find_final(text: str) -> str | None:
    """Return the final answer as it was written, None where the text does not say which it is.

    The first form that occurs decides, in this order: ``####`` line, box (a cut-off one means none), a last sentence
    like "The answer is ...", a text that is nothing but one short line.
    """
    return _find_stated(text[-MAX_READ:]).text


def extract_answer(response: str | None) -> Extraction:
    """Return the final answer of a whole response of any style.

    Thinking in tags is cut, and so is a next question that a base model goes on to. Then as :func:`find_final`, and
    where nothing is stated so, a last line that is only a value, or a last sentence that is complete and either begins
    like a conclusion or holds a number.
    """
    if response is None or not response.strip():
        return Extraction(None, "The response is empty.")
    text = response[-MAX_READ:]
    if closed := list(THOUGHT.finditer(text)):
        text = text[closed[-1].end() :]
    elif THINKING.search(text):
        return Extraction(None, "The response ends inside its thinking.")
    if (said := _find_field(text)) is not None:
        return Extraction(said, "It stood in the answer field.")
    if tagged := TAGGED.findall(text):
        inner = _find_stated(tagged[-1])
        return inner if inner.text else Extraction(tagged[-1].strip() or None, "It stood in answer tags.")
    stop = STOPS.search(text)
    found = _find_any(text[: stop.start()]) if stop and text[: stop.start()].strip() else None
    return found if found and found.text else _find_any(text)


def _find_field(text: str) -> str | None:
    """Return the answer of a response that ends in a JSON object, in a fence or bare; None where it does not."""
    text = text.strip()
    if text.endswith("```"):
        text = text[:-3].rstrip()
        text = text[text.rfind("```") + 3 :].removeprefix("json").lstrip()
    elif text.endswith("}") and not text.startswith("{"):
        text = text[text.rfind("\n{") + 1 :]
    if not (text.startswith(("{", "[{")) and text.endswith(("}", "}]"))):
        return None
    try:
        said = json.loads(LONE_BACKSLASH.sub(r"\\\\", text), parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None
    said = said[-1] if isinstance(said, list) else said
    if not isinstance(said, dict):
        return None
    fields = {str(name).casefold().replace(" ", "_"): value for name, value in said.items()}
    found = next((fields[name] for name in FIELDS if name in fields), None)
    if isinstance(found, list) and found and all(isinstance(each, str) for each in found):
        found = ", ".join(found)
    found = str(found).lower() if isinstance(found, bool) else found
    return found.strip() or None if isinstance(found, str) else None


def _find_any(text: str) -> Extraction:
    found = _find_stated(text)
    if found.text is not None or "box" in found.reason or "####" in found.reason:
        return found
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not lines:
        return Extraction(None, "The response is empty.")
    last = lines[-1][-MAX_LINE:]
    if len(lines) > 1 and (read_quantity(last) or _is_bare(last)):
        return Extraction(last, "It is the last line.")
    sentence = SENTENCE_END.split(last)[-1]
    if sentence[-1:] in tuple(".!$*)]") and (CONCLUSION.match(sentence) or re.search(r"\d", sentence)):
        return Extraction(sentence, "It is the closing sentence.")
    if result := RESULT.search(sentence):
        return Extraction(result[1], "It is what the last line comes to.")
    return Extraction(None, "The response states no final answer.")


def _is_bare(line: str) -> bool:
    """Say whether a line is nothing but a formula in its signs, a choice or a truth value."""
    line = line.strip("*_`.:;,->= \t")
    pairs = (("$", "$"), (r"\[", r"\]"), (r"\(", r"\)"))
    is_formula = len(line) > 4 or (len(line) > 2 and line[0] == "$")
    is_formula &= any(line.startswith(opening) and line.endswith(closing) for opening, closing in pairs)
    return (is_formula and line[1:-1].count("$") in (0, 2)) or BARE_WORD.fullmatch(line) is not None


def _find_stated(text: str) -> Extraction:
    boxes = find_boxes(text)
    hashes = [match for match in HASH.finditer(text) if not (boxes and HEADING.match(match[1]))]
    if hashes and (not boxes or hashes[-1].start() > boxes[-1][0]):
        found = re.sub(r"<<[^<>]*>>", "", hashes[-1][1]).strip()
        if not HEADING.match(found) or re.search(r"\d", found):
            found = _strip_emphasis(PHRASE.sub("", found)) if PHRASE.match(found) else found
            return Extraction(found or None, "It stood behind ####." if found else "Nothing stands behind ####.")
    if boxes:
        if boxes[-1][2] is None:
            return Extraction(None, "The last box is cut off.")
        content = _last_of(text, boxes)
        reason = "It stood in the last box." if content else "The last box is empty."
        return Extraction(content or None, reason, _join_boxes(text, boxes))
    if bare_box := BARE_BOX.findall(text):
        return Extraction(bare_box[-1].strip(), "It stood in the last box.")
    if (said := _find_said(text)) is not None:
        return Extraction(said, 'It was stated as "the answer".')
    bare = _strip_emphasis(text)
    is_short = bare and "\n" not in bare and len(bare) <= 40
    return Extraction(bare, "It is the whole response.") if is_short else Extraction(None, "No final answer is stated.")


def _strip_emphasis(text: str) -> str:
    """Return a text without markdown and colons around it, also before a closing full stop."""
    text = text.lstrip("*_`:# \t\r\n").rstrip("*_` \t\r\n")
    return f"{text[:-1].rstrip('*_` ')}." if text.endswith(".") else text


def _last_of(text: str, boxes: list[tuple[int, int, int | None]]) -> str:
    return text[boxes[-1][1] : boxes[-1][2]].strip()


def _join_boxes(text: str, boxes: list[tuple[int, int, int | None]]) -> str | None:
    """Return all of a last row of boxes that only "and", "or" or a comma stands between; None for a single box."""
    content = [_last_of(text, boxes)]
    for before, after in zip(boxes[-2::-1], boxes[:0:-1], strict=True):
        between = text[before[2] + 1 : after[0]] if before[2] is not None and before[2] < after[0] else None
        is_joined = between is not None and re.search(r",|;|\band\b|\bor\b", between) and len(between) < 40
        if not is_joined or not JOINED.fullmatch(between) or len(content) > 20:
            break
        content.insert(0, text[before[1] : before[2]].strip())
    return None if len(content) == 1 else ", ".join(content)


def _find_said(text: str) -> str | None:
    """Return what the last "the answer is" is followed by, on its line or the next."""
    for line, rest in _lines_backwards(text):
        matches = list(PHRASE.finditer(line))
        if not matches:
            continue
        said = line[matches[-1].end() :]
        if not _strip_emphasis(said).strip("$[\\( "):
            said = said + rest
            block = re.match(r"[\s*_:]*(?:\$\$|\\\[)\s*(.{1,600}?)\s*(?:\$\$|\\\])", said, re.DOTALL)
            said = block[1] if block else next((part for part in said.split("\n") if _strip_emphasis(part)), "")
        said = _strip_emphasis(SENTENCE_END.split(_strip_emphasis(said))[0])
        if said:
            return said
    return None


def _lines_backwards(text: str) -> Iterator[tuple[str, str]]:
    """Yield every line, last first, with the text behind it."""
    end = len(text)
    while end >= 0:
        start = text.rfind("\n", 0, end) + 1
        yield text[start:end][-MAX_LINE:], text[end : end + MAX_LINE]
        end = start - 1


def reduce_sentence(text: str) -> str | None:
    """Return the one value that a sentence holds ("She has 12 eggs left."); None where it is none or several."""
    formulas = {found for found in re.findall(r"(?<!\\)\$([^$]+)\$", text) if re.search(r"\d|\\", found)}
    if len(formulas) == 1:
        return formulas.pop()
    if LIMITS.search(text):
        return None
    numbers = {match[0].strip() for match in NUMBER.finditer(text[-MAX_LINE:].replace("$", " "))}
    if len(numbers) == 1:
        return numbers.pop()
    sides = text.rsplit("=", 1)
    ends = [match[0].strip() for match in NUMBER.finditer(sides[-1])] if len(sides) == 2 else []
    return ends[0] if len(ends) == 1 else None
