r"""Reads JSON as language models write it: one tolerant parser, in a single pass, that says what it had to forgive.

Forgiven are single and typographic quotes, Python literals, bare keys, missing and trailing commas, raw line breaks and
unescaped quotes inside strings, LaTeX with single backslashes, and an end that is missing. Numbers and bare words
stay as they were written. It knows nothing of what the values mean. No recursion, and the work is linear in the
length of the text, whatever stands in it.
"""

import re
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 32
"""Containers within each other; no reply that is meant has more."""

MANY_TIMES = 3
"""Single backslashes per doubled one from which a writer counts as not doubling them; LaTeX doubles some itself."""

MAX_LOOKS = 200_000
"""Quotation marks of one reply looked at in all, over every attempt to read it: what is left is no JSON then."""

CLOSERS = {'"': '"”', "'": "'’", "“": '”“"', "„": '“”"', "‘": "’‘'", "’": "’'"}
"""Opening quotation mark -> what may close it."""

QUOTES = "".join(CLOSERS)
ANY_QUOTES = QUOTES + "”"

_SPACE = re.compile(r"\s*")
_BARE = re.compile(r"[^,\]}\n\[{]+")
_BARE_KEY = re.compile(r"([A-Za-z_][\w-]*)\s*:")
_KEY = re.compile(rf"[{ANY_QUOTES}]([^{ANY_QUOTES}\n]{{0,80}})[{ANY_QUOTES}]\s*:")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.|$)", re.DOTALL)
_SINGLE = re.compile(r"(?<!\\)(?:\\\\)*\\(?:[^\"\\/bfnrtu'\n]|u(?![0-9a-fA-F]{4})|[bf][a-zA-Z])")
_DOUBLED = re.compile(r"(?<!\\)\\\\[a-zA-Z]")
_LETTERS = re.compile(r"[A-Za-z]*")

_WITHIN_LINE = " $({=,^_0123456789"
"""What stands before a short LaTeX command, and hardly ever at the end of a line."""

_LINE_ENDS = ".:;!?\\\n"
"""What stands at the end of a line, and hardly ever before a short LaTeX command."""

_STOPS = {mark: re.compile(rf"[\\{closers}]") for mark, closers in CLOSERS.items()}
"""Opening quotation mark -> what a string is searched for: a backslash, or what may close it."""

_LATEX = """
nabla natural ncong ne nearrow neg neq newcommand newline nexists ngeq ni nleq nless nmid noalign noindent
nonumber not notag notin nparallel nsim nsubseteq nu nwarrow rm tag tan tanh tau tbinom text textbf textcolor
textit textnormal textrm textstyle texttt tfrac therefore theta thickapprox tilde times tiny to top triangle
triangleleft triangleq triangleright
"""

LATEX = frozenset(_LATEX.split())
"""LaTeX commands that begin like the JSON escapes for a line break, a tab and a carriage return."""


class Bare(str):
    """A number or a word without quotes, as it was written."""

    __slots__ = ()


class CutObject(dict):
    """An object that an error or the end of the text broke off."""


class CutList(list):
    """A list that an error or the end of the text broke off."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was read from one opening bracket on."""

    value: Any
    """Objects, lists, strings, :class:`Bare` and None; broken-off containers as CutObject and CutList."""

    end: int
    """Where reading stopped."""

    is_whole: bool
    reaches_end: bool
    """True where the end of the text broke it off."""

    repairs: frozenset[str]
    """What was forgiven, a few words each."""


@dataclass(slots=True)
class _Frame:
    container: Any
    key: str | None = None


class _Broken(Exception):
    """What follows is no JSON, however loosely read."""


def escapes_backslashes(text: str) -> bool | None:
    r"""Say whether the writer of a reply doubles backslashes inside strings, as JSON wants it.

    None where nothing tells, or where it is done here and not there.

    ``\\frac`` says yes. ``\sqrt``, ``\(``, ``\frac`` and ``\boxed`` say no: JSON has no such escapes, and form feeds
    and backspaces do not occur in what people write.
    """
    n_single, n_doubled = (sum(1 for _ in pattern.finditer(text)) for pattern in (_SINGLE, _DOUBLED))
    if n_single > MANY_TIMES * n_doubled:
        return False
    return True if n_doubled and not n_single else None


def decode_string(raw: str, is_escaped: bool | None) -> str:
    r"""Return the text of a string's inside.

    ``\f`` and ``\b`` always stay as they are: they are the beginning of LaTeX commands, never control characters.
    ``\n`` and ``\t`` stay where they begin a known LaTeX command, ``\r`` before any letter, unless the writer doubles
    backslashes elsewhere. Short commands (``\ne``, ``\to``) are told from the end of a line by what stands before them.

    Args:
        raw: what stands between the quotes.
        is_escaped: see ``escapes_backslashes``, of the whole reply.
    """
    if "\\" not in raw:
        return raw
    text = _ESCAPE.sub(lambda match: _decode(raw, match, is_escaped), raw)
    # Two \u escapes make one character beyond the basic plane.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _has_surrogate(text) else text


def _decode(raw: str, match: re.Match[str], is_escaped: bool | None) -> str:
    mark = match[1]
    if mark in ('"', "'", "/", "\n"):
        return mark
    if mark == "\\":
        after = raw[match.end() : match.end() + 1]
        # A writer who does not double them means \\ as LaTeX's end of a line.
        return "\\\\" if is_escaped is False and not after.isalpha() else "\\"
    if len(mark) == 5:
        return chr(int(mark[1:], 16))
    if mark in ("n", "t", "r") and not _is_command(raw, match, is_escaped):
        is_pair = mark == "r" and raw.startswith("\\n", match.end())
        return "" if is_pair else {"n": "\n", "t": "\t", "r": "\n"}[mark]
    return match[0]


def _is_command(raw: str, match: re.Match[str], is_escaped: bool | None) -> bool:
    name = match[1] + _LETTERS.match(raw, match.end())[0]
    if is_escaped or len(name) < 2:
        return False
    if name not in LATEX:
        return match[1] == "r"  # a carriage return has a line break behind it, never a word
    if len(name) > 2:
        return True
    before = raw[max(0, match.start() - 2) : match.start()]
    if is_escaped is False:
        return before[-1:] not in _LINE_ENDS and before not in ("$$", "\\n")
    return before != "$$" and before[-1:] in tuple(_WITHIN_LINE)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


@dataclass(slots=True)
class LooseReader:
    """Reads values out of one reply."""

    text: str
    is_escaped: bool | None = None
    """Whether its writer doubles backslashes; see ``escapes_backslashes``."""

    _n_looks: int = 0
    _stack: list[_Frame] = field(default_factory=list)
    _repairs: set[str] = field(default_factory=set)

    def read(self, start: int) -> Found:
        """Return what begins at an opening bracket; never raises, whatever follows it."""
        self._stack, self._repairs = [], set()
        at, step = start, self._read_value
        try:
            while step is not None:
                at = self._skip(at)
                if at >= len(self.text):
                    return Found(self._break_off(), at, False, True, frozenset(self._repairs))
                at, step = step(at)
        except _Broken as error:
            (stop,) = error.args
            value = self._break_off()
            return Found(value, max(stop, start + 1), False, stop >= len(self.text), frozenset(self._repairs))
        return Found(self._stack.pop().container, at, True, False, frozenset(self._repairs))

    def _skip(self, at: int) -> int:
        return _SPACE.match(self.text, at).end()

    def _read_value(self, at: int):
        """Read a value, or the end of a list where one was expected."""
        char = self.text[at]
        if char in "{[":
            return self._open(at)
        frame = self._stack[-1]
        is_list = isinstance(frame.container, list)
        if char in "]}" or char == ",":
            if is_list and char == "]":
                return self._close(at)
            if is_list and char == ",":
                self._repairs.add("a comma too many")
                return at + 1, self._read_value
            if not is_list and frame.key is not None:
                self._attach(None)
                return at, self._read_next
            raise _Broken(at)
        value, end = self._read_scalar(at, "item" if is_list else "member")
        self._attach(value)
        return end, self._read_next

    def _open(self, at: int):
        if len(self._stack) >= MAX_DEPTH:
            raise _Broken(at)
        is_object = self.text[at] == "{"
        self._stack.append(_Frame({} if is_object else []))
        return at + 1, self._read_key if is_object else self._read_value

    def _read_key(self, at: int):
        """Read a key and its colon, or the end of the object."""
        char = self.text[at]
        if char == "}":
            return self._close(at)
        if char == ",":
            self._repairs.add("a comma too many")
            return at + 1, self._read_key
        if match := _KEY.match(self.text, at):
            if char != '"':
                self._repairs.add("other quotation marks")
            return match.end(), self._start_member(match[1])
        if match := _BARE_KEY.match(self.text, at):
            self._repairs.add("keys without quotes")
            return match.end(), self._start_member(match[1])
        raise _Broken(at)

    def _start_member(self, key: str):
        self._stack[-1].key = key
        return self._read_value

    def _read_next(self, at: int):
        """Read what stands behind a value: a comma, a closing bracket, or another value where a comma was forgotten."""
        is_list = isinstance(self._stack[-1].container, list)
        char = self.text[at]
        if char == ",":
            return self._after_comma(at, is_list)
        if char == ("]" if is_list else "}"):
            return self._close(at)
        if char in QUOTES or (is_list and char in "{["):
            self._repairs.add("a comma too few")
            return at, self._read_value if is_list else self._read_key
        raise _Broken(at)

    def _after_comma(self, at: int, is_list: bool):
        following = self._skip(at + 1)
        if self.text[following : following + 1] == ("]" if is_list else "}"):
            self._repairs.add("a comma too many")
        return following, self._read_value if is_list else self._read_key

    def _close(self, at: int):
        if len(self._stack) == 1:
            return at + 1, None
        done = self._stack.pop()
        self._attach(done.container)
        return at + 1, self._read_next

    def _attach(self, value: Any) -> None:
        frame = self._stack[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
        elif frame.key is not None:
            frame.container[frame.key] = value
            frame.key = None

    def _break_off(self) -> Any:
        """Return what was read, every container that is still open marked as broken off."""
        if not self._stack:
            return None
        while True:
            container = self._stack.pop().container
            marked = CutList(container) if isinstance(container, list) else CutObject(container)
            if not self._stack:
                return marked
            self._attach(marked)

    def _read_scalar(self, at: int, role: str) -> tuple[Any, int]:
        char = self.text[at]
        if char in QUOTES:
            return self._read_string(at, role)
        if char in "rR" and self.text[at + 1 : at + 2] in ('"', "'"):
            self._repairs.add("a Python literal")
            return self._read_string(at + 1, role, is_raw=True)
        match = _BARE.match(self.text, at)
        if match is None:
            raise _Broken(at)
        word = match[0].strip()
        return None if word in ("null", "None") else Bare(word), match.end()

    def _read_string(self, at: int, role: str, is_raw: bool = False) -> tuple[str, int]:
        """Return a string's text and where it ends; raises _Broken at the end of the text where it never closes."""
        mark = self.text[at]
        triple = mark * 3
        if mark in "\"'" and self.text.startswith(triple, at):
            self._repairs.add("a Python literal")
            end = self.text.find(triple, at + 3)
            if end < 0:
                raise _Broken(len(self.text))
            return self._decode(self.text[at + 3 : end], is_raw), end + 3
        repairs = set() if mark == '"' else {"other quotation marks"}
        stop = _STOPS[mark]
        place = at + 1
        while (match := stop.search(self.text, place)) is not None:
            self._n_looks += 1
            if self._n_looks > MAX_LOOKS:
                break
            if match[0] == "\\":
                place = match.end() + 1
            elif self._closes(match.end(), role):
                self._repairs |= repairs
                return self._decode(self.text[at + 1 : match.start()], is_raw), match.end()
            else:
                place = match.end()
                if match[0] == mark:
                    repairs.add("quotation marks within a string")
        raise _Broken(len(self.text))

    def _decode(self, raw: str, is_raw: bool) -> str:
        if self.is_escaped is False and "\\" in raw:
            self._repairs.add("single backslashes")
        return raw if is_raw else decode_string(raw, self.is_escaped)

    def _closes(self, at: int, role: str) -> bool:
        """Say whether a quotation mark that ends at ``at`` closes its string: by what stands behind it."""
        text, behind = self.text, self._skip(at)
        char = text[behind : behind + 1]
        if char in ("}", "]", ""):
            return True
        if role == "member":
            if char != ",":
                return _KEY.match(text, behind) is not None
            behind = self._skip(behind + 1)
            is_end = text[behind : behind + 1] in ("}", "]", "")
            return is_end or bool(_KEY.match(text, behind) or _BARE_KEY.match(text, behind))
        if char == ",":
            behind = self._skip(behind + 1)
            return text[behind : behind + 1] in (*QUOTES, *"{[]}rR", "")
        return "\n" in text[at:behind] and char in (*QUOTES, "{")
