"""Prompting methods and the loop that grows a batch to a number of accepted candidates.

To add a method, write a file with a class that has the :class:`core.generation.base.PromptingMethod` members, register
an instance with ``METHODS.register("name")``, and import its module below; to add a way of asking, see ``forms``.
"""

# In the order in which people are offered them.
# isort: off
from core.generation import rewrite as rewrite
from core.generation import lion as lion
from core.generation import verbalized as verbalized
from core.generation import incorrect as incorrect
from core.generation import mutate as mutate
from core.generation import free as free
