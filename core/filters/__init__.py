"""Filters: what may stop a candidate from being trained on.

To add one, write a file with a class that has the :class:`core.filters.base.Filter` members, register an instance with
``FILTERS.register("name")``, and import its module below; ``tests/filters/test_filter_contract.py`` then covers it.
"""

from core.filters import held_out as held_out  # isort: split

from core.filters import well_formed as well_formed  # isort: split

from core.filters import forbidden as forbidden  # isort: split

from core.filters import length as length  # isort: split

from core.filters import language as language  # isort: split

from core.filters import rouge_l as rouge_l  # isort: split

from core.filters import contamination as contamination  # isort: split

from core.filters import solvable as solvable  # isort: split

from core.filters import verified as verified  # isort: split

from core.filters import wrong as wrong  # isort: split

from core.filters import near_duplicate as near_duplicate  # isort: split

from core.filters import contamination_embedding as contamination_embedding  # isort: split

from core.filters import agrees as agrees
