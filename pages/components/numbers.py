"""Numbers as people read them; an unknown value is a dash, never 0.

Accuracy has one decimal, losses three significant digits, tokens are 12.3k, durations 2 min 10 s.
"""

import math
import time
from typing import Any

from core import counting

MISSING = "–"
SPACE = "\u00a0"
"""Keeps a number and its unit on one line."""


def is_missing(value: Any) -> bool:
    """Say whether a table's value is unknown: None, NaN or pandas' NA."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas' NA does not answer
        return True


def percent(share: float | None) -> str:
    """Return a share of 1 as ``52.3 %``."""
    return MISSING if is_missing(share) else f"{100 * share:.1f}{SPACE}%"


def points(difference: float | None) -> str:
    """Return a difference of two shares as signed percentage points: ``+12.0 points``."""
    return MISSING if is_missing(difference) else f"{100 * difference:+.1f}{SPACE}points".replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    """Return an interval of two shares: ``48.1 to 56.4 %``."""
    if is_missing(low) or is_missing(high):
        return MISSING
    return f"{100 * low:.1f} to {100 * high:.1f}{SPACE}%".replace("-", "−")


def loss(value: float | None) -> str:
    """Return a loss with three significant digits: ``0.120``, ``12.3``."""
    if is_missing(value):
        return MISSING
    return f"{value:#.3g}".rstrip(".") if 1e-4 <= abs(value) < 1e6 or value == 0 else f"{value:.2e}"


def score(value: float | None) -> str:
    """Return a score between −1 and 1 with two decimals: ``0.43``."""
    return MISSING if is_missing(value) else f"{value:.2f}".replace("-", "−")


def count(number: int | float | None) -> str:
    """Return a count with commas between thousands, as everywhere: ``7,473``."""
    return MISSING if is_missing(number) else f"{int(number):,}"


def tokens(number: int | float | None) -> str:
    """Return a number of tokens: ``950``, ``12.3k``, ``4.5M``."""
    if is_missing(number):
        return MISSING
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.1f}{letter}"
    return str(int(number))


def dollars(usd: float | None) -> str:
    """Return US dollars with as many digits as tell something: ``$12.30``, ``$0.042``, ``$0.00031``, ``$0``."""
    if is_missing(usd):
        return MISSING
    if usd == 0:
        return "$0"
    return f"${usd:,.2f}" if abs(usd) >= 1 else f"${usd:.{1 - math.floor(math.log10(abs(usd)))}f}"


def duration(seconds: float | None) -> str:
    """Return a duration: ``0.4 s``, ``45 s``, ``2 min 10 s``, ``1 h 5 min``."""
    if is_missing(seconds) or seconds < 0:
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f}{SPACE}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{SPACE}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min {rest}{SPACE}s"
    return f"{minutes // 60}{SPACE}h {minutes % 60}{SPACE}min"


def size(n_bytes: int | float | None) -> str:
    """Return a size on disk: ``512 B``, ``12.3 kB``, ``4.5 MB``."""
    if is_missing(n_bytes):
        return MISSING
    for unit, word in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.1f}{SPACE}{word}"
    return f"{int(n_bytes)}{SPACE}B"


def moment(seconds: float | None) -> str:
    """Return a time in the zone of this machine: ``14:05`` today, ``20 Nov 14:05`` earlier."""
    if is_missing(seconds) or math.isinf(seconds):
        return MISSING
    then, now = time.localtime(seconds), time.localtime()
    is_today = (then.tm_year, then.tm_yday) == (now.tm_year, now.tm_yday)
    return time.strftime("%H:%M" if is_today else "%-d %b %H:%M", then)


def counted(number: int | float | None, noun: str, plural: str | None = None) -> str:
    """Return ``1 row``, ``3 rows``; an unknown number is a dash before several."""
    if is_missing(number):
        return f"{MISSING} {plural or noun + 's'}"
    return counting.counted(int(number), noun, plural)
