"""Prompting methods and the loop that grows a batch to a number of accepted candidates.

To add a method, write a file with a class that has the :class:`core.generation.base.PromptingMethod` members, register
an instance with ``METHODS.register("name")``, and import its module below.
"""

from core.generation import rewrite as rewrite
