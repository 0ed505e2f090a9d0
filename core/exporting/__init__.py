"""Candidates as files that other programs read: formats, how they are written, and the card of a dataset.

To add a format, write a function that makes the records of one candidate and one that writes them, register both as a
:class:`core.exporting.base.Format` under a name, and import the module below; ``tests/exporting`` asks every format to
be read back by a library that is not ours.
"""

# In the order in which people are offered them.
# isort: off
from core.exporting import conversations as conversations
from core.exporting import instructions as instructions
from core.exporting import preferences as preferences
from core.exporting import tables as tables
from core.exporting import folder as folder
