r"""One way of writing for answers that only look different: LaTeX spacing, fonts, delimiters, Unicode signs, markdown.

Works on text alone and knows nothing of values: ``0.5`` and ``\frac{1}{2}`` stay two texts. Every step is linear in the
length of the text.
"""

import re

GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega phi"
)

SIGNS = {
    **dict.fromkeys("−–—‐‑﹣－", "-"),
    **dict.fromkeys("×✕⨯", r"\times "),
    **dict.fromkeys("·⋅∙•∗", r"\cdot "),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("≈≃", r"\approx "),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", ""),
    **dict.fromkeys("\u00a0\u2009\u202f\u2002\u2003", " "),
    **{"＋": "+", "＝": "=", "％": "%", "，": ",", "．": ".", "（": "(", "）": ")", "：": ":", "。": ".", "、": ","},
    **{"√": r"\sqrt ", "∛": r"\sqrt[3]", "∞": r"\infty ", "±": r"\pm ", "∓": r"\mp ", "°": r"^\circ ", "º": r"^\circ "},
    **{
        "≤": r"\le ",
        "⩽": r"\le ",
        "≥": r"\ge ",
        "⩾": r"\ge ",
        "≠": r"\ne ",
        "∈": r"\in ",
        "∪": r"\cup ",
        "∩": r"\cap ",
    },
    **{"∅": r"\emptyset ", "ø": r"\emptyset ", "Ø": r"\emptyset ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "⟨": "("},
    **{"ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⟩": ")"},
    **{"⌈": r"\lceil ", "⌉": r"\rceil ", "∣": "|", "’": "'", "′": "'", "‘": "'", "“": '"', "”": '"', "…": r"\ldots "},
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    **{letter: rf"\{name} " for letter, name in zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩϕ", GREEK.split(), strict=True)},
    **{sign: f" {value}" for sign, value in {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"}.items()},
    **{sign: f" {value}" for sign, value in {"⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8", "⅕": "1/5"}.items()},
}
"""A sign and how it is written here."""

_TABLE = str.maketrans(SIGNS)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_SYNONYMS = {
    **dict.fromkeys(("dfrac", "tfrac", "cfrac", "sfrac", "nicefrac"), r"\frac"),
    **dict.fromkeys(("dbinom", "tbinom"), r"\binom"),
    **dict.fromkeys(("leq", "leqslant", "leqq"), r"\le"),
    **dict.fromkeys(("geq", "geqslant", "geqq"), r"\ge"),
    **dict.fromkeys(("neq",), r"\ne"),
    **dict.fromkeys(("lt",), "<"),
    **dict.fromkeys(("gt",), ">"),
    **dict.fromkeys(("lbrace",), r"\{"),
    **dict.fromkeys(("rbrace",), r"\}"),
    **dict.fromkeys(("lbrack",), "["),
    **dict.fromkeys(("rbrack",), "]"),
    **dict.fromkeys(("langle", "lparen"), "("),
    **dict.fromkeys(("rangle", "rparen"), ")"),
    **dict.fromkeys(("vert", "lvert", "rvert", "mid"), "|"),
    **dict.fromkeys(("colon",), ":"),
    **dict.fromkeys(("varnothing",), r"\emptyset"),
    **dict.fromkeys(("dots", "cdots", "dotsc"), r"\ldots"),
    **dict.fromkeys(("arcsec", "arccsc", "arccot"), None),
    **dict.fromkeys(("dagger",), None),
    **dict.fromkeys(("prime",), "'"),
    **dict.fromkeys(("lnot",), r"\neg"),
    **dict.fromkeys(("R", "reals"), r"\mathbb{R}"),
    **dict.fromkeys(("textdollar",), "$"),
    **dict.fromkeys(("mathord", "mathrel", "mathbin", "mathop"), ""),
}
DROPPED = (
    "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle "
    "textstyle scriptstyle scriptscriptstyle limits nolimits quad qquad thinspace medspace thickspace enspace space "
    "nonumber hfill boldsymbol bm bf rm it sf mathbf mathit mathsf mathnormal vec overrightarrow hat emph ensuremath "
    "underline"
)
"""Commands that only change the look."""

WORDS = "text textbf textit textrm textsf textnormal texttt textsc mbox mathrm operatorname hbox"
"""Commands whose content is read as words."""

_DROPPED, _WORDS = frozenset(DROPPED.split()), frozenset(WORDS.split())
_COMMAND = re.compile(r"\\(?:([A-Za-z]+)\*?|([,;:! ])|(\\))")
_SHORT_FRACTION = re.compile(
    r"\\frac\s*(?:(\{[^{}]*\})|(\d|[A-Za-z](?![A-Za-z])))\s*(?:(?=\{)|(\d|[A-Za-z](?![A-Za-z])))"
)
_HALF_FRACTION = re.compile(r"\\frac\s+\{")
_SHORT_ROOT = re.compile(r"\\sqrt\s*(\d|[A-Za-z](?![A-Za-z])|\\pi(?![A-Za-z]))")
_INVISIBLE = re.compile(
    r"\\[hv]?phantom\s*(?:\{[^{}]*\}|[^{}])|\\(?:hspace|vspace|color|label|tag|textcolor)\*?\s*\{[^{}]*\}"
)
_SINGLE = re.compile(r"\\text\s*\{\s*([A-Za-z])\s*\}")
_OUTER = (("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("__", "__"), ("`", "`"), ("*", "*"), ('"', '"'), ("'", "'"))


def tidy_answer(text: str) -> str:
    r"""Return an answer in the one way of writing that the rest of this package reads.

    ``\left``, fonts, sizes and spaces are gone; ``\dfrac12`` is ``\frac{1}{2}``; a font for words is ``\text{...}``;
    all ``$`` are gone (a currency sign and a delimiter look alike), ``%`` and braces of sets are plain LaTeX.
    """
    if text.isascii() and text.isalnum():
        return text
    text = _translate(text.strip())
    text = _strip_outer(text)
    if "\\" in text:
        text = _tidy_commands(text)
    text = text.replace("$", "").replace("{,}", ",")
    text = _strip_outer(re.sub(r"\s+", " ", text).strip())
    return re.sub(r"(?<=[^.])\.$|[,;:]$", "", text).strip()


def squeeze(text: str) -> str:
    """Return a tidied answer without the spaces that mean nothing: two that differ in nothing else are the same."""
    text = re.sub(r"(\\[A-Za-z]+) (?=[A-Za-z])", "\\1\0", text)
    text = text.replace(" ", "").replace("\0", " ")
    return re.sub(r"([_^])\{([A-Za-z0-9])\}", r"\1\2", text)


def _translate(text: str) -> str:
    if text.isascii():
        return text
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ]+", lambda match: f"^{{{match[0].translate(_RAISED)}}}", text)
    text = re.sub("[₀₁₂₃₄₅₆₇₈₉]+", lambda match: f"_{{{match[0].translate(_LOWERED)}}}", text)
    return text.translate(_TABLE).strip()


def _strip_outer(text: str) -> str:
    """Return the text without delimiters, emphasis, quotes and closing stops that stand around the whole of it."""
    for _ in range(6):
        before = text
        if text.endswith(".") and not text.endswith(".."):
            text = text[:-1].rstrip()
        for opening, closing in _OUTER:
            inner = text[len(opening) : -len(closing)]
            if len(text) > len(opening) + len(closing) and text.startswith(opening) and text.endswith(closing):
                text = inner.strip() if closing not in inner else text
        if text.startswith("{") and text.endswith("}") and _closes_at_the_end(text):
            text = text[1:-1].strip()
        if text == before:
            return text
    return text


def _closes_at_the_end(text: str) -> bool:
    depth = 0
    for at, sign in enumerate(text):
        if at and text[at - 1] == "\\":
            continue
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return at == len(text) - 1
    return False


def _tidy_commands(text: str) -> str:
    if r"\begin" not in text:  # a doubled backslash is one that was escaped twice; in a matrix it ends a row
        text = re.sub(r"\\\\(?=[A-Za-z{}%$,!;()\[\]])", r"\\", text)
    else:
        text = re.sub(r"\s*\\\\\s*", r"\\\\", text)
    text = re.sub(r",\\!\s*(?=\d)", ",", text)
    text = text.replace(r"\$", "$").replace(r"\%", "%").replace("\\#", "#").replace("\\_", "_").replace(r"\&", "&")
    text = _INVISIBLE.sub("", text)
    text = re.sub(r"\\[()\[\]]", "", text).replace("~", " ")
    text = _COMMAND.sub(_replace_command, text)
    text = re.sub(r"\^\s*(?:\\circ|\{\s*\\circ\s*\}|\\text\s*\{\s*o\s*\})|\\degrees?(?![A-Za-z])", r"^\\circ ", text)
    text = re.sub(r"\^\s*(?:\{\s*('+)\s*\}|('+))", r"\1\2", text)
    text = _SINGLE.sub(_replace_single, text)
    text = re.sub(r"\\text\s*\{\s*,?\s*(and|or)\s*\}", r" \1 ", text)
    text = re.sub(r"\\overline\s*\{\s*([A-Za-z]+)\s*\}", r"\1", text)
    text = _HALF_FRACTION.sub(r"\\frac{", text)
    text = _SHORT_FRACTION.sub(_replace_fraction, text)
    return _SHORT_ROOT.sub(r"\\sqrt{\1}", text)


def _replace_command(match: re.Match) -> str:
    name = match[1]
    if match[3]:
        return match[0]
    if name is None:
        return "" if match[2] != " " else " "
    if name in _DROPPED:
        return " " if name in ("quad", "qquad") else ""
    if name in _WORDS:
        return r"\text"
    replacement = _SYNONYMS.get(name)
    return rf"\{name}" if replacement is None else replacement


def _replace_single(match: re.Match) -> str:
    """A single letter in a font for words is that letter where it may be a constant, else a unit or a choice."""
    return f" {match[1]} " if match[1] in "eid" else match[0]


def _replace_fraction(match: re.Match) -> str:
    top = match[1] or f"{{{match[2]}}}"
    return rf"\frac{top}" + (f"{{{match[3]}}}" if match[3] else "")
