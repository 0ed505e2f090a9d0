"""Counts as sentences have them: ``1 row``, ``1,200 rows``. It knows no noun."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun.

    Args:
        number: how many.
        noun: of one.
        plural: of any other number; None: the noun with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
