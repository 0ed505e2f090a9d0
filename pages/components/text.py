"""Texts of teachers and files, made safe for ``st.markdown``: mathematics is rendered, nothing else is interpreted.

The output never needs ``unsafe_allow_html``. Every ASCII punctuation mark outside mathematics is escaped, so that
HTML, images, links, entities, lists and Streamlit's ``:red[...]`` stay text; what Streamlit replaces *after* escapes
are resolved (bare addresses, ``:material/x:``, ``:smile:``, ``->``) is broken up by an invisible word joiner.
Mathematics that could load, link, define or measure something is shown as text as well.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

JOINER = "\u2060"
"""WORD JOINER: invisible, keeps a pattern from being recognised."""

_PUNCTUATION = re.compile(r"""([!-/:-@\[-`{-~])""")
_LATE = [
    re.compile(r":(?=(?://|[\w+-]+[:/]))"),  # addresses, emoji, :material/x:, :streamlit:
    re.compile(r"(?i:\bwww)(?=\.)"),
    re.compile(r"@(?=\w)"),
    re.compile(r"(?i:\b(?:mailto|xmpp))(?=:)"),
    re.compile(r"(?:(?<=\s)|^)[<>~-](?=[=>-])", re.MULTILINE),  # arrows and comparison signs
]
_MATHS = re.compile(
    r"\\\[(?P<bracket>.+?)\\\]|\\\((?P<paren>.+?)\\\)|\$\$(?P<double>[^$]+?)\$\$"
    r"|(?P<boxed>\\boxed(?=\{))|(?P<dollar>\\\$)|\$(?!\s)(?P<single>(?:\\[^\n]|[^$\\\n])+?)(?<!\s)\$(?!\d)",
    re.DOTALL,
)
_UNSAFE_COMMAND = re.compile(
    r"\\(?:href|url|html\w*|includegraphics|def|gdef|edef|xdef|let|futurelet|global|long|newcommand|renewcommand"
    r"|providecommand|catcode|rule|kern|mkern|hskip|mskip|hspace|vspace|raisebox|color|textcolor|colorbox|fcolorbox"
    r"|char|verb|tag|operatorname\s*\{[^}]*\\)(?![a-zA-Z])|%"
)
_WORD = re.compile(r"[A-Za-z]{2,}")
_DISPLAY_ONLY = {"align": "aligned", "alignat": "aligned", "gather": "gathered", "equation": "aligned"}
MAX_MATHS = 2000
"""Characters of one formula that are still rendered."""


REWRITTEN = 0.5
"""Share of common words below which a text counts as written anew: then only runs of three words count as kept."""


ANEW, LONG = 0.2, 24
"""Share of kept words below which nothing is marked, in texts of so many words together: all would be red and green."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text."""

    text: str
    is_maths: bool
    """True: ``text`` is TeX that may be rendered; False: to be shown letter by letter."""

    source: str
    """As it stood in the text, delimiters included."""


def escape(text: str) -> str:
    """Return text in which ``st.markdown`` interprets nothing; line breaks are left to :func:`_break_lines`."""
    text = break_up(text)
    return _PUNCTUATION.sub(r"\\\1", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    "))


def break_up(text: str) -> str:
    """Put an invisible joiner into everything that is replaced only after escapes are resolved."""
    for pattern in _LATE:
        text = pattern.sub(lambda found: found.group() + JOINER, text)
    return text


def plain(text: object) -> str:
    """Return any one-line text (a title, a file name, an error) safe inside a Markdown string or a label."""
    return " ".join(escape(str(text)).split())


def is_mathematics(content: str) -> bool:
    """Tell ``$x + 1$`` from money: "$5 and $3", "$20 (or $25)" and "$4 each$" hold words or end oddly."""
    bare = re.sub(r"\\(?:text\w*|mathrm|mbox|operatorname)\s*\{[^{}]*\}|\\[A-Za-z]+", " ", content)
    words = _WORD.findall(bare)
    if content[0].isdigit() and words:
        return False
    return len(words) <= 1 and all(len(word) <= 3 for word in words)


def split_maths(text: str) -> Iterator[Piece]:
    r"""Cut a text into mathematics (``$..$``, ``$$..$$``, ``\(..\)``, ``\[..\]``, ``\boxed{..}``) and the rest."""
    done = position = 0
    while found := _MATHS.search(text, position):
        start, end = found.span()
        tex: str | None = None
        if found["dollar"]:
            if start > done:
                yield Piece(text[done:start], False, text[done:start])
            yield Piece("$", False, found.group())
            done = position = end
            continue
        if found["boxed"]:
            end = _end_of_braces(text, end)
            tex = text[start:end] if end else None
        elif found["single"]:
            tex = found["single"] if is_mathematics(found["single"]) else None
        else:
            tex = found["bracket"] or found["paren"] or found["double"]
        safe = _clean_tex(tex, is_display=bool(found["bracket"] or found["double"])) if tex else None
        if safe is None:
            position = start + 1
            continue
        if start > done:
            yield Piece(text[done:start], False, text[done:start])
        yield Piece(safe, True, text[start:end])
        done = position = end
    if done < len(text):
        yield Piece(text[done:], False, text[done:])


def _end_of_braces(text: str, start: int) -> int:
    """Return the index behind the group that opens at ``start``; 0 where it never closes."""
    depth = 0
    for index in range(start, min(len(text), start + MAX_MATHS)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    return 0


def _clean_tex(tex: str, is_display: bool) -> str | None:
    """Return TeX for the inside of ``$..$``; None where it must not, or cannot, be rendered."""
    tex = " ".join(tex.split())
    unescaped = re.sub(r"\\.", "", tex)
    if not tex or len(tex) > MAX_MATHS or _UNSAFE_COMMAND.search(tex.replace(r"\%", "")) or "`" in tex:
        return None
    if unescaped.count("{") != unescaped.count("}") or "$" in unescaped:
        return None
    tex = tex.replace(r"\$", r"\text{\textdollar}")
    for name, inner in _DISPLAY_ONLY.items():
        tex = re.sub(rf"\\(begin|end)\{{{name}\*?\}}", rf"\\\1{{{inner}}}", tex)
    return rf"\displaystyle {tex}" if is_display else tex


def _draw_piece(piece: Piece, following: str) -> str:
    """Return the Markdown of one piece; a digit right behind a closing ``$`` would switch mathematics off."""
    if not piece.is_maths:
        return escape(piece.text)
    return f"${piece.text}$" + (JOINER if following[:1].isdigit() else "")


def _break_lines(markdown: str) -> str:
    """Make every line break and blank of a text visible: a hard break for one, a paragraph for more."""
    spaced = re.sub(r"^ +| {2,}", lambda found: "\u00a0" * len(found.group()), markdown, flags=re.MULTILINE)
    paragraphs = [part.strip("\n") for part in re.split(r"\n[ \u00a0]*\n", spaced)]
    return "\n\n".join(part.replace("\n", "  \n") for part in paragraphs if part.strip())


def to_markdown(text: str | None) -> str:
    """Return a text for ``st.markdown``: mathematics rendered, all else as it is; a missing text is a dash."""
    if not text or text != text:
        return "–"
    pieces = list(split_maths(text))
    followers = [piece.source for piece in pieces[1:]] + [""]
    return _break_lines("".join(_draw_piece(piece, after) for piece, after in zip(pieces, followers, strict=True)))


# -- differences between a seed and its candidate ----------------------------------------------------------------


def _tokens(text: str) -> list[Piece]:
    """Return words, runs of blanks, and formulas; joined again they are the text."""
    found: list[Piece] = []
    for piece in split_maths(text):
        if piece.is_maths:
            found.append(piece)
        else:
            text = break_up(piece.text)  # now: cut into words, an address could not be told any more
            found += [Piece(word, False, word) for word in re.findall(r"\n|[^\S\n]+|\w+|[^\w\s]", text)]
    return found


def _can_be_marked(piece: Piece) -> bool:
    """Say whether a piece may stand inside the brackets of a colour mark."""
    if piece.text == "\n":
        return False
    return not piece.is_maths or not re.search(r"[\[\]]", piece.text)


def _draw_tokens(tokens: list[Piece], flags: list[bool], mark: str) -> str:
    """Return Markdown with every run of flagged tokens inside ``:mark[...]``."""
    followers = [piece.source for piece in tokens[1:]] + [""]
    drawn, run = [], []

    def close() -> None:
        if run:
            text = "".join(run)
            inner = text.strip(" \u00a0")
            lead, tail = text[: len(text) - len(text.lstrip(" \u00a0"))], text[len(text.rstrip(" \u00a0")) :]
            drawn.append(f"{lead}:{mark}[{inner}]{tail}" if inner else text)
            run.clear()

    for token, is_flagged, after in zip(tokens, flags, followers, strict=True):
        markdown = _draw_piece(token, after)
        if is_flagged and _can_be_marked(token):
            run.append(markdown)
        else:
            close()
            drawn.append(markdown)
    close()
    return _break_lines("".join(drawn))


def mark_differences(before: str | None, after: str | None) -> tuple[str, str]:
    """Return two texts as Markdown: what only the first has on red, what only the second has on green.

    Compared word by word, a formula counting as one word. Where one text is missing the other is not marked, nor is
    either where hardly a word was kept.
    """
    if not before or not after:
        return to_markdown(before), to_markdown(after)
    left, right = _tokens(before), _tokens(after)
    left_flags, right_flags = [True] * len(left), [True] * len(right)
    matcher = difflib.SequenceMatcher(
        None, [token.source for token in left], [token.source for token in right], autojunk=False
    )
    blocks = matcher.get_matching_blocks()
    sizes = [sum(bool(token.source.strip()) for token in left[start : start + n]) for start, _, n in blocks]
    n_words = sum(bool(token.source.strip()) for token in (*left, *right))
    n_needed = 1 if 2 * sum(sizes) >= REWRITTEN * n_words else 3
    if n_words >= LONG and 2 * sum(size for size in sizes if size >= n_needed) < ANEW * n_words:
        return to_markdown(before), to_markdown(after)
    for (start, other, n_same), size in zip(blocks, sizes, strict=True):
        if size < n_needed:  # a lone blank, or a chance "the" in a text written anew, joins its neighbours' mark
            continue
        for step in range(n_same):
            left_flags[start + step] = right_flags[other + step] = False
    return _draw_tokens(left, left_flags, "red-background"), _draw_tokens(right, right_flags, "green-background")
