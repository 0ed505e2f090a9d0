"""Tasks: a kind of problem and everything that belongs to it.

To add one, write a file with a class that has the :class:`core.tasks.base.Task` members, register an instance with
``TASKS.register("name")``, and import its module below; ``tests/tasks/test_task_contract.py`` then covers it.
"""

from core.tasks import custom, game24, maths, prontoqa, word_problems
from core.tasks.base import TASKS, NewQuestion, ReplyError, Task

__all__ = ["TASKS", "NewQuestion", "ReplyError", "Task", "custom", "game24", "maths", "prontoqa", "word_problems"]
