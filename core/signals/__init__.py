"""Signals: ways to score every problem of a pool for one student.

To add one, write a frozen dataclass with ``title``, ``unit``, ``needs``, ``is_vector``, ``version`` and ``__call__``
(see base.Signal), register an instance with ``SIGNALS.register("name")``, and import its module below; the contract
test then covers it, and asks for one oracle.
"""

from core.signals import own, reference, reward, judge, grade, solve_rate, gradient, embedding  # noqa: F401, I001
from core.signals.base import SIGNALS, Scores, Scoring, Signal, needs_weights

__all__ = ["SIGNALS", "Scores", "Scoring", "Signal", "needs_weights"]
