"""Selectors: which problems should the teacher grow new ones from?

To add one, write a frozen dataclass with ``needs``, ``title`` and ``__call__`` (see base.Selector), register an
instance with ``SELECTORS.register("name")``, and import its module below; the contract test then covers it, and asks
for one oracle.
"""

from core.selection import incorrect, loss, random  # noqa: F401 (registers)
from core.selection.base import SELECTORS, Pool, Selection, Selector

__all__ = ["SELECTORS", "Pool", "Selection", "Selector"]
