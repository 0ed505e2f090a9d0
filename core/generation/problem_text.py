"""Problems and solutions in prompts that no task owns: their form in words, and how a problem by itself is read."""

import re

from core.generation.base import Brief
from core.tasks.base import NewQuestion, ReplyError, Task

LABEL = re.compile(r"[\s*#]*(?:question|problem)[\s*#]*:", re.IGNORECASE)


def read_problem_form(brief: Brief) -> str:
    """Return the sentences that say what a problem of the task looks like."""
    return brief.prompts.read(f"{brief.task.name}_problem_form")


def read_solution_form(brief: Brief) -> str:
    """Return the sentences that say what a solution of the task looks like."""
    return brief.prompts.read(f"{brief.task.name}_solution_form")


def read_problem_text(task: Task, text: str) -> NewQuestion:
    """Return the question of a text that is nothing but a problem; raises ReplyError.

    Read as the reply to the task's question prompt, or as that to its fixed prompt where it begins with its label or
    cannot be read otherwise: a Game of 24 is four numbers by itself, but an equation in backward reasoning.
    """
    if LABEL.match(text):
        return task.read_fresh(text)
    try:
        return task.read_question(text)
    except ReplyError as error:
        try:
            return task.read_fresh(text)
        except ReplyError:
            raise error from None
