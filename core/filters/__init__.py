"""Filters: what may stop a candidate from being trained on.

To add one, write a file with a class that has the :class:`core.filters.base.Filter` members, register an instance with
``FILTERS.register("name")``, and import its module below; ``tests/filters/test_filter_contract.py`` then covers it.
"""

from core.filters import held_out as held_out
from core.filters import rouge_l as rouge_l
from core.filters import verified as verified
