"""What was found of a wish, in one sentence that anybody can read: plain text, to be escaped by whoever shows it.

A difference whose interval holds 0 is told as one that cannot be told, never as "no difference".
"""

from core.analysis.steering import Correlation
from core.analysis.wishes import FEWEST, SHARES, Difference, Wish

NO_BREAK = "\u00a0"

NOUNS = {
    "hard": "hard seeds",
    "easy": "easy seeds",
    "high_reward": "seeds of high reward",
    "low_reward": "seeds of low reward",
    "long": "long seeds",
    "short": "short seeds",
}
"""Wish -> what is asked for."""

QUANTITIES = {
    "loss": "loss of the student's answer",
    "reward": "reward of the student's answer",
    "words": "words of the question",
}
"""Measure -> what stands on an axis."""

GAPS = {
    "loss": "have a mean loss {} {} than all seeds",
    "reward": "have a mean reward {} {} than all seeds",
    "words": "have on average {} words {} than all seeds",
}
"""Measure -> how far seeds that were asked for lie from all."""

LESS_MORE = {
    "right": ("fewer", "more"),
    "type": ("fewer", "more"),
    "loss": ("lower", "higher"),
    "reward": ("lower", "higher"),
    "words": ("fewer", "more"),
}
"""Measure -> what a mean below, and above, another is."""

RANKED = {
    "loss": ("A harder seed", "a harder child", "an easier child"),
    "reward": ("A seed of higher reward", "a child of higher reward", "a child of lower reward"),
    "words": ("A longer seed", "a longer child", "a shorter child"),
}
"""Measure -> a seed that has more of it, what child it has where ranks agree, and where they are opposed."""


def name_wish(wish: Wish) -> str:
    """Return what is asked for, as a noun: ``hard seeds``, ``seeds of the type “places”``, ``seeds of 3 steps``."""
    if wish.column == "type":
        return f"seeds of the type “{wish.value}”"
    if wish.column == "level":
        return f"seeds of {name_level(wish)}"
    return NOUNS[wish.name]


def name_level(wish: Wish) -> str:
    """Return the level that a wish asks for: ``level 3``, ``1 step``."""
    if wish.unit == "level":
        return f"level {wish.value:g}"
    return f"{wish.value:g} step{'' if wish.value == 1 else 's'}"


def label_wish(wish: Wish) -> str:
    """Return what stands on the button of a wish: ``hard``, ``low reward``, ``type: places``, ``3 steps``."""
    if wish.column == "type":
        return f"type: {wish.value}"
    return name_level(wish) if wish.column == "level" else wish.name.replace("_", " ")


def say_children(wish: Wish, found: Difference, student: str = "the student") -> str:
    """Return the one sentence: what is asked for, what its children are like, against all, and how sure that is.

    Args:
        wish: what was asked for.
        found: of the wish's measure.
        student: who answers.
    """
    noun = name_wish(wish)
    if found.low is None:
        return (
            f"Ask for {noun}: too few of them, or of the others, have a child whose value is known (at least {FEWEST} "
            "of each), so nothing can be told."
        )
    lead, against = {
        "type": ("{} of their children are of that type too", "against {} of all children"),
        "right": (f"{student} answers {{}} of their children rightly", "against {} of all children"),
        "loss": (f"the answers of {student} to their children have a loss of {{}} on average", "against {} for all"),
        "reward": (f"the answers of {student} to their children get a reward of {{}} on average", "against {} for all"),
        "words": ("their children have {} words on average", "against {} for all"),
    }[wish.measure]
    chosen, all_ = (say_value(wish.measure, value, found) for value in (found.chosen, found.all))
    end = _say_end(wish.measure, found)
    end = f": {end}" if found.is_told else f". {end[0].upper()}{end[1:]}"
    return f"Ask for {noun}, and {lead.format(chosen)}, {against.format(all_)}{end}"


def say_types(share_right: float) -> str:
    """Return how a child's type is known, and how far that can be believed."""
    return (
        "The type of a child is told by its words, by a rule learned from other seeds; of the seeds themselves it "
        f"names {100 * share_right:.0f}{NO_BREAK}% rightly."
    )


def say_shift(measure: str, noun: str, gap: float, found: Difference) -> str:
    """Return how far what was asked for lies from all, among the seeds and among their children: a figure's head.

    Args:
        measure: that is drawn.
        noun: what was asked for.
        gap: mean of the seeds asked for minus that of all seeds.
        found: of the children.
    """
    size = _say_size(measure, gap, 1 if measure == "words" else 2)
    seeds = f"{noun[0].upper()}{noun[1:]} {GAPS[measure].format(size, LESS_MORE[measure][gap > 0])}"
    if found.low is None:
        return f"{seeds}; of so few children nothing can be told."
    return f"{seeds}. Their children against all children: {_say_end(measure, found)}"


def say_value(measure: str, value: float, found: Difference) -> str:
    """Return a mean as people read it, with as many digits as its difference needs."""
    digits = _find_digits(measure, found)
    if measure in SHARES:
        return f"{100 * value:.{digits}f}{NO_BREAK}%"
    return f"{value:.{digits}f}".replace("-", "−")


def _find_digits(measure: str, found: Difference) -> int:
    """Return the digits behind the point; of a percentage one where whole ones would tell 0 for what is not."""
    if measure not in SHARES:
        return 1 if measure == "words" else 2
    return int(found.is_told and min(round(100 * abs(end)) for end in (found.difference, found.low, found.high)) < 1)


def _say_size(measure: str, value: float, digits: int = 2) -> str:
    """Return how large a difference is, without its sign and unit."""
    return f"{abs(100 * value if measure in SHARES else value):.{digits}f}"


def _say_end(measure: str, found: Difference) -> str:
    """Return how large the difference is, with its interval, in words of the measure; or that none can be told."""
    less, more = LESS_MORE[measure]
    digits = _find_digits(measure, found)
    scale = 100 if measure in SHARES else 1
    if not found.is_told:
        sizes = ((_say_size(measure, end, digits), more if end > 0 else less) for end in (found.low, found.high))
        told = " to ".join(f"{size}{_name_unit(measure, size)} {word}" for size, word in sizes)
        return f"no difference can be told (95{NO_BREAK}% interval: {told})."
    near, far = (_say_size(measure, end, digits) for end in sorted((found.low, found.high), key=abs))
    gap = round(scale * found.chosen, digits) - round(scale * found.all, digits)  # as the sentence has the two
    size, word = f"{abs(gap):.{digits}f}", more if found.difference > 0 else less
    return f"{size}{_name_unit(measure, size)} {word} (95{NO_BREAK}% interval {near} to {far})."


def _name_unit(measure: str, size: str) -> str:
    if measure not in SHARES:
        return ""
    return " point" if size == "1" else " points"


def say_ranks(measure: str, found: Correlation, student: str) -> str:
    """Return whether what a seed has its child has too: the rank correlation in words, with its interval.

    Args:
        measure: loss, reward or words.
        found: its correlation over seeds and children.
        student: who answered, as the end of the sentence has it; empty where nobody did.
    """
    whose = f" {student}" if student else ""
    if found.low is None:
        return f"Whether seeds and children rank alike{whose} cannot be told of {found.n:,} pairs."
    ends = f"{_say_rho(found.low)} to {_say_rho(found.high)}"
    told = f"rank correlation {_say_rho(found.rho)}, 95{NO_BREAK}% interval {ends}"
    if found.low <= 0 <= found.high:
        return f"No connection between seeds and children can be told{whose} ({told})."
    seed, alike, opposed = RANKED[measure]
    size = abs(found.rho)
    how = "mostly has" if size >= 0.6 else "tends to have" if size >= 0.3 else "has a little more often"
    return f"{seed} {how} {alike if found.rho > 0 else opposed}{whose} ({told})."


def _say_rho(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
