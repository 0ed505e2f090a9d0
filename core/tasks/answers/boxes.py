r"""Find the final answers that a text puts into ``\boxed{}`` or ``\fbox{}``.

Done here and not by math-verify, which merges several boxes into a set and accepts a box that was cut off. One pass
over the text, however deep its braces are.
"""

import re

OPENING = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])\s*\{")
MAX_BOXES = 200
"""Boxes of one text that are listed, the last ones: a text of more is no answer, and boxes in boxes are copies."""

_MARK = re.compile(rf"({OPENING.pattern})|\\.|([{{}}])", re.DOTALL)


def find_boxes(text: str) -> list[tuple[int, int, int | None]]:
    r"""Return where every box opens, its content begins and its content ends (None for one that never closes).

    In the order in which they open; a box inside a box counts as well. Braces are matched, ``\{`` and ``\}`` are text.
    """
    boxes: list[tuple[int, int, int | None]] = []
    open_braces: list[int | None] = []  # place in ``boxes``, None for a brace of something else
    for match in _MARK.finditer(text):
        if match[1]:
            open_braces.append(len(boxes))
            boxes.append((match.start(), match.end(), None))
        elif match[2] == "{":
            open_braces.append(None)
        elif match[2] == "}" and open_braces and (place := open_braces.pop()) is not None:
            boxes[place] = (*boxes[place][:2], match.start())
    return boxes


def list_boxes(text: str) -> list[str | None]:
    r"""Return the content of every box in the order in which they open, None for one that never closes."""
    boxes = find_boxes(text)[-MAX_BOXES:]
    return [None if end is None else text[start:end] for _, start, end in boxes]


def last_box(text: str) -> str | None:
    """Return the stripped content of the last box; None where there is no box or the last one never closes.

    A cut-off last box hides earlier ones on purpose: the writer was about to say something else.
    """
    boxes = find_boxes(text)
    if not boxes or boxes[-1][2] is None:
        return None
    return text[boxes[-1][1] : boxes[-1][2]].strip()
