"""A student's answer coloured by how much each of its tokens surprised the student itself.

The text goes to ``st.html`` with every character escaped: it becomes text of the page and nothing else, no Markdown,
no mathematics. It knows nothing of students or runs.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from core.figures.colours import SELECTOR_STYLES, fade
from pages.components import numbers

FULL_NATS = 3.0
"""Surprise from which a token has the full colour: the student gave it a chance of 5 % or less."""

N_LEVELS = 24
"""Steps from no colour to the full one."""

ORANGE = SELECTOR_STYLES["loss_high"].colour
OPACITY = 0.7
"""Of the full colour. Over white and over the dark background alike it is as far from the background (0.31 and 0.33
in OKLab), its steps are even within 7 %, and the text on it keeps a contrast of more than 5:1."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one token wrote, or several that only together make a character."""

    text: str
    """Empty for what comes behind the text: the end-of-text token, blanks that were cut off."""

    nats: float | None
    """Surprise of all its tokens together; None where it is not known."""

    n_tokens: int


def cut_tokens(text: str, surprises: Sequence[Sequence[float]]) -> list[Stretch]:
    """Cut a text into what its tokens wrote; joined again it is the text.

    Args:
        text: the answer.
        surprises: (end of the token in the text, characters, and its surprise, nats) of each token. A token that wrote
            nothing is joined to the next that did; those behind the text make an empty stretch at the end.
    """
    stretches, start, n, nats = [], 0, 0, 0.0
    for end, surprise in surprises:
        end = min(max(int(end), start), len(text))
        is_known = nats is not None and surprise is not None and math.isfinite(surprise)
        n, nats = n + 1, nats + max(surprise, 0.0) if is_known else None
        if end > start:
            stretches.append(Stretch(text[start:end], nats, n))
            start, n, nats = end, 0, 0.0
    if start < len(text):  # tokens that do not reach the end say nothing of the rest
        stretches.append(Stretch(text[start:], None, 0))
    elif n:
        stretches.append(Stretch("", nats, n))
    return stretches


def level_of(nats: float) -> int:
    """Return the step of the colour, 0 for none to ``N_LEVELS`` from ``FULL_NATS`` on."""
    return round(N_LEVELS * min(max(nats, 0.0) / FULL_NATS, 1.0))


def describe_surprise(stretch: Stretch) -> str:
    """Return what pointing at a stretch tells: ``0.42 nats, 65.7 %``."""
    what = "behind the text: " if not stretch.text else ""
    if stretch.nats is None:
        return f"{what}not known"
    several = f" in {stretch.n_tokens} tokens" if stretch.n_tokens > 1 else ""
    return f"{what}{stretch.nats:.2f} nats{several}, {describe_chance(math.exp(-stretch.nats))}"


def describe_chance(share: float) -> str:
    """Return a probability in per cent, never rounded to certain or impossible."""
    if share >= 0.9995:
        return "> 99.9 %"
    if share < 0.0001:
        return "< 0.01 %"
    return f"{100 * share:.1f} %" if share >= 0.001 else f"{100 * share:.2f} %"


def write_style() -> str:
    """Return the stylesheet of all coloured texts of a page."""
    steps = "\n".join(
        f".seedbed-surprise .s{level} {{background: {fade(ORANGE, round(OPACITY * level / N_LEVELS, 4))};}}"
        for level in range(1, N_LEVELS + 1)
    )
    return f"""<style>
.seedbed-surprise {{position: relative; max-width: 68ch;}}
.seedbed-surprise .text {{white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.65; overflow: hidden;
  unicode-bidi: isolate;}}
.seedbed-surprise .text span {{border-radius: 2px; padding: .08em 0;}}
.seedbed-surprise .text span:hover {{outline: 1.5px solid currentColor;}}
.seedbed-surprise i::before {{content: "↵"; font-style: normal; opacity: .45; font-size: .85em;}}
.seedbed-surprise .end::before {{content: "end"; opacity: .75; font-size: .8em; padding: 0 .35em;}}
.seedbed-surprise .foot {{display: flex; flex-wrap: wrap; gap: .1rem .9rem; margin-top: .5rem; font-size: .85rem;
  line-height: 1.5; color: color-mix(in srgb, currentColor 78%, transparent);}}
.seedbed-surprise .ramp {{display: inline-block; width: 5rem; height: .75em; margin: 0 .4rem; border-radius: 2px;
  vertical-align: -.05em; border: 1px solid rgba(128,128,128,.45);
  background: linear-gradient(to right, {fade(ORANGE, 0)}, {fade(ORANGE, OPACITY)});}}
.seedbed-surprise .told {{flex-basis: 100%; min-height: 1.5em;}}
.seedbed-surprise .text:has(span:hover) ~ .foot .told {{visibility: hidden;}}
.seedbed-surprise .text span:hover::after {{content: attr(title); position: absolute; left: 0; bottom: 0;
  font-size: .85rem; line-height: 1.5; white-space: pre; pointer-events: none;}}
{steps}
</style>"""


def _write_spans(stretches: Sequence[Stretch]) -> Iterator[str]:
    for stretch in stretches:
        level = 0 if stretch.nats is None else level_of(stretch.nats)
        marks = [f"s{level}"] * (level > 0) + ["end"] * (not stretch.text)
        of = f' class="{" ".join(marks)}"' if marks else ""
        shown = escape(stretch.text).replace("\n", "<i></i>\n", 1)  # a line break itself has no width to colour
        yield f'<span{of} title="{escape(describe_surprise(stretch))}">{shown}</span>'


def write_html(text: str, surprises: Sequence[Sequence[float]] | None, loss: float | None = None) -> str:
    """Return an answer as HTML in which nothing of the text is markup; without surprises it has no colours.

    Args:
        text: the answer.
        surprises: as for :func:`draw_surprise`.
        loss: mean over all tokens as it was measured; None: that of the surprises, which are kept rounded.
    """
    text = text.encode("utf-8", "replace").decode()  # half a character cannot be sent
    if surprises is None:
        return f'{write_style()}<div class="seedbed-surprise"><div class="text">{escape(text)}</div></div>'
    spans = "".join(_write_spans(cut_tokens(text, surprises)))
    known = [nats for _, nats in surprises if nats is not None and math.isfinite(nats)]
    if numbers.is_missing(loss) and known and len(known) == len(surprises):
        loss = sum(known) / len(known)
    return (
        f'{write_style()}<div class="seedbed-surprise"><div class="text">{spans}</div><div class="foot">'
        f'<div>sure<span class="ramp"></span>unsure ({FULL_NATS:g} nats or more)</div>'
        f"<div>mean <b>{numbers.loss(loss)}</b> nats per token, {numbers.counted(len(surprises), 'token')}</div>"
        '<div class="told">Point at a word to see its surprise and its probability.</div></div></div>'
    )


def draw_surprise(text: str, surprises: Sequence[Sequence[float]] | None, *, loss: float | None = None) -> None:
    """Draw an answer with each token on orange the more it surprised the student.

    Args:
        text: the answer as the student wrote it; may be hostile.
        surprises: [[end of the token in the text, nats], ...] as ``store.read_answer`` has it; None: not known.
        loss: their mean as it was measured, where it is known.
    """
    if numbers.is_missing(text) or not text:
        st.caption("The student wrote nothing.")
        if not surprises:
            return
    st.html(write_html("" if numbers.is_missing(text) else text, surprises, loss))
    if surprises is None:
        st.caption("Log-probabilities are not known for this answer, so it has no colours.")
