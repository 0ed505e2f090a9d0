"""Finds what a reply put between tags such as <problem> and </problem>; linear in its length, whatever stands in it."""

import re


def find_tag(reply: str, tag: str) -> str | None:
    """Return the stripped text between the last closing tag of this name and the opening one before it, else None."""
    closes = list(re.finditer(rf"<\s*/\s*{tag}\s*>", reply, re.IGNORECASE))
    if not closes:
        return None
    opens = list(re.finditer(rf"<\s*{tag}\s*>", reply[: closes[-1].start()], re.IGNORECASE))
    return reply[opens[-1].end() : closes[-1].start()].strip() if opens else None
