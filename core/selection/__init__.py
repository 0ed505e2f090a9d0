"""Selectors: which problems should the teacher grow new ones from?

To add one, write a frozen dataclass with ``needs``, ``title`` and ``__call__`` (see base.Selector), register an
instance with ``SELECTORS.register("name")``, and import its module below; the contract test then covers it, and asks
for one oracle. Without a fork: name a Python file in ``SEEDBED_SELECTORS`` (own.py).
"""

from core.selection import random, score, parts, solve_rate, badge  # noqa: F401, I001 (registers, in this order)
from core.selection.base import SELECTORS, Pool, Selection, Selector, check_size, make_rng
from core.selection.choose import can_pick, check_pick, choose
from core.selection.picks import PICKS

__all__ = [
    "PICKS",
    "SELECTORS",
    "Pool",
    "Selection",
    "Selector",
    "can_pick",
    "check_pick",
    "check_size",
    "choose",
    "make_rng",
]
