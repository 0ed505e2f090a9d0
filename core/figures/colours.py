"""One colour per selector, per prompting method and per state, everywhere.

Families have hues, members have shades and dashes: loss is orange, reward violet, judges teal, gradient blue,
correctness green, random a neutral grey that is always dashed. Every colour keeps a contrast of at least 3:1 on the
light and on the dark background (``tests/figures/test_colours.py``), so that a figure needs no second palette.
"""

from collections.abc import Iterable
from dataclasses import dataclass

LIGHT_BACKGROUND = "#FFFFFF"
DARK_BACKGROUND = "#14181A"


@dataclass(frozen=True, slots=True)
class Style:
    """How a selector is drawn."""

    colour: str
    """``#RRGGBB``"""

    dash: str = "solid"
    """A plotly dash: solid, dash, dot, dashdot."""


SYMBOLS = {"solid": "circle", "dot": "diamond-open", "dash": "square", "dashdot": "triangle-up"}
"""Dash of a line -> the mark of a point of the same kind: colour alone does not tell a family's members apart."""

NEUTRAL = Style("#7B8087", "dash")
"""Random selection, and whatever is drawn behind: the pool, the student before training."""

SELECTOR_STYLES = {
    "random": NEUTRAL,
    "loss_high": Style("#D55E00"),
    "loss_low": Style("#D55E00", "dot"),
    "loss_truth_high": Style("#B8720A"),
    "loss_truth_low": Style("#B8720A", "dot"),
    "reward_low": Style("#8A63D2"),
    "reward_high": Style("#8A63D2", "dot"),
    "reward_truth_low": Style("#B05CC8"),
    "reward_truth_high": Style("#B05CC8", "dot"),
    "judge_hard": Style("#12848A"),
    "lion": Style("#12848A", "dashdot"),
    "badge": Style("#0078BD"),
    "badge_truth": Style("#0078BD", "dashdot"),
    "loss_spread": Style("#D55E00", "dashdot"),
    "incorrect": Style("#008F68"),
    "evokd": Style("#008F68", "dashdot"),
    "solve_rate": Style("#5B7F1C"),
}
"""Known selectors; the hues start from Okabe and Ito's palette, darkened where it is too light for white."""


@dataclass(frozen=True, slots=True)
class MethodStyle:
    """How a prompting method is drawn: members of a family share their colour and differ in their symbol."""

    colour: str
    """``#RRGGBB``"""

    symbol: str = "circle"
    """A plotly symbol."""


METHOD_STYLES = {
    "rewrite": MethodStyle("#5B7F1C"),
    "lion_hard": MethodStyle("#5B7F1C", "square"),
    "lion_easy": MethodStyle("#5B7F1C", "diamond"),
    "direct": MethodStyle("#A8662B"),
    "cot": MethodStyle("#A8662B", "square"),
    "multi_turn": MethodStyle("#A8662B", "diamond"),
    "sequence": MethodStyle("#B5588F"),
    "vs_standard": MethodStyle("#6F7FB8"),
    "vs_cot": MethodStyle("#6F7FB8", "square"),
    "vs_multi": MethodStyle("#6F7FB8", "diamond"),
    "mutate": MethodStyle("#12848A"),
    "incorrect": MethodStyle("#C2453D"),
    "free": MethodStyle("#7B8087"),
}
"""Known prompting methods: rewriting green, one at a time brown, lists pink, verbalized sampling blue. Figures name
every point, so colour is never alone."""

_SPARE = (Style("#B5588F"), Style("#A8662B"), Style("#6F7FB8"), Style("#C2453D"))


@dataclass(frozen=True, slots=True)
class StateStyle:
    """How a state of a run or of a candidate is shown: colour, icon and word together, never colour alone."""

    colour: str
    """``#RRGGBB``"""

    name: str
    """Colour name that Streamlit's badges know."""

    icon: str
    """A Material symbol that the dashboard carries with it."""

    word: str


STATE_STYLES = {
    "queued": StateStyle("#7B8087", "gray", ":material/schedule:", "queued"),
    "running": StateStyle("#0078BD", "blue", ":material/sync:", "running"),
    "cancelling": StateStyle("#7B8087", "gray", ":material/stop_circle:", "stopping"),
    "done": StateStyle("#008F68", "green", ":material/check_circle:", "done"),
    "failed": StateStyle("#D0453E", "red", ":material/error:", "failed"),
    "cancelled": StateStyle("#7B8087", "gray", ":material/block:", "cancelled"),
    "lost": StateStyle("#B8720A", "orange", ":material/help:", "lost"),
    "paused": StateStyle("#8A63D2", "violet", ":material/rate_review:", "waits for you"),
    "accepted": StateStyle("#008F68", "green", ":material/check_circle:", "accepted"),
    "rejected": StateStyle("#D0453E", "red", ":material/cancel:", "rejected"),
    "waiting": StateStyle("#7B8087", "gray", ":material/schedule:", "waiting"),
}
"""Accepted, rejected and waiting reuse the looks of done, failed and queued."""


def style_of_selector(name: str | None) -> Style:
    """Return the fixed style of a selector; an unknown name always gets the same spare colour."""
    if name is None:
        return NEUTRAL
    known = SELECTOR_STYLES.get(name)
    return known or _SPARE[sum(name.encode()) % len(_SPARE)]


def spread_spares(names: Iterable[str]) -> dict[str, Style]:
    """Return name -> a style of its own for what is no selector, as long as there are colours and dashes left.

    They go by the alphabet: more of them may move the others' colours, which a name by itself could not avoid meeting.
    """
    dashes = ("solid", "dot", "dashdot", "dash")
    looks = [Style(spare.colour, dash) for dash in dashes for spare in _SPARE]
    return {name: looks[place % len(looks)] for place, name in enumerate(sorted(set(names)))}


def style_of_method(name: str) -> MethodStyle:
    """Return the fixed style of a prompting method; an unknown name always gets the same spare colour."""
    return METHOD_STYLES.get(name) or MethodStyle(_SPARE[sum(name.encode()) % len(_SPARE)].colour, "triangle-up")


def style_of_state(name: str) -> StateStyle:
    """Return the looks of a state; an unknown one is shown grey, by its own name."""
    return STATE_STYLES.get(name) or StateStyle("#7B8087", "gray", ":material/help:", name)


def fade(colour: str, opacity: float) -> str:
    """Return ``#RRGGBB`` as a translucent ``rgba(...)``; opacity in [0, 1]."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
