r"""Find the final answer of a worked solution: the ``#### 42`` line, else a box, else "the answer is 42".

The last two are for students and teachers that were not trained on the first form; a mere last number in the text
is never taken, because an answer that was cut off in the middle has one too.
"""

import re

from core.tasks.answers.boxes import OPENING, last_box

HASH = re.compile(r"^[^\n#]*####[ \t]*(.*?)[ \t]*$", re.MULTILINE)
PHRASE = re.compile(
    r"(?:^\W*A(?:nswer)?\W*:|\b(?:final )?answer\b[^:\n.=\d]{0,40}?(?:\bis\b|:|=)):?\W{0,3}?\s*([^\n]+?)\s*$",
    re.IGNORECASE | re.MULTILINE,
)
EMPHASIS = re.compile(r"^[*_`\s]+|[*_`\s]+$")


def find_hash_final(text: str) -> str | None:
    """Return what stands behind the last ``####``; None where there is none or nothing behind it."""
    found = HASH.findall(text)
    return found[-1].strip() or None if found else None


def find_final(text: str) -> str | None:
    """Return the final answer as it was written, None where the text does not say which it is.

    The first form that occurs decides, in this order: ``####`` line, box (a cut-off one means none), a last sentence
    like "The answer is ...", a text that is nothing but one short line.
    """
    if "####" in text:
        return find_hash_final(text)
    if OPENING.search(text):
        return last_box(text)
    if found := PHRASE.findall(text):
        return EMPHASIS.sub("", found[-1]) or None
    bare = EMPHASIS.sub("", text)
    return bare if bare and "\n" not in bare and len(bare) <= 40 else None
