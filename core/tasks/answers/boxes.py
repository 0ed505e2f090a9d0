r"""Find the final answers that a text puts into ``\boxed{}`` or ``\fbox{}``.

Done here and not by math-verify, which merges several boxes into a set and accepts a box that was cut off.
"""

import re

OPENING = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])\s*\{")


def list_boxes(text: str) -> list[str | None]:
    r"""Return the content of every box in the order in which they open, None for one that never closes.

    A box inside a box counts as well, after the outer one. Braces are matched, ``\{`` and ``\}`` are text.
    """
    return [read_group(text, match.end()) for match in OPENING.finditer(text)]


def last_box(text: str) -> str | None:
    """Return the stripped content of the last box; None where there is no box or the last one never closes.

    A cut-off last box hides earlier ones on purpose: the writer was about to say something else.
    """
    boxes = list_boxes(text)
    return boxes[-1].strip() if boxes and boxes[-1] is not None else None


def read_group(text: str, start: int) -> str | None:
    """Return what lies between ``start`` (just behind an opening brace) and its closing brace; None without one."""
    depth, at = 1, start
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at]
        at += 1
    return None
