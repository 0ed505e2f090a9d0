"""Incorrect synthetic data: solutions to a seed's own question that convince and are wrong.

Zhang 2025, appendix G.6.2: k solutions per call in any of the seven forms; the negatives of offline reinforcement
learning. The reply itself is the answer, nothing is asked again. Whether a solution is wrong indeed is for the filter
``wrong`` to say; how often it is, and how many different ones came, for ``core.analysis.incorrect``.
"""

from collections.abc import Sequence

import numpy as np

from core.errors import PromptError
from core.generation.asking import Conversation, read_worked, to_candidate
from core.generation.base import METHODS, Brief, Call, MethodSettings, Step, list_names
from core.generation.forms import FORMS, Form
from core.generation.problem_text import read_solution_form
from core.generation.turns import FormChat, Response, count_items, list_turns, make_request
from core.records import INCORRECT, Candidate, Problem
from core.tasks.base import ReplyError, Task
from core.teacher.base import Teacher


class IncorrectSolutions:
    """k wrong solutions to the question of one seed (Zhang 2025, appendix G.6.2)."""

    name = "incorrect"
    title = "Wrong solutions that convince"
    source = "Zhang 2025, appendix G.6.2"
    uses = frozenset({"form", "n_per_call", "tail", "temperature"})
    always = ("wrong",)

    def count_parents(self, settings: MethodSettings) -> int:
        """Return one: whose question is answered."""
        return 1

    def count_candidates(self, settings: MethodSettings) -> int:
        """Return k, one where the form asks for one."""
        return count_items(find_form(settings), settings)

    def list_prompts(self, task: Task, settings: MethodSettings) -> tuple[str, ...]:
        """Return those of the form, the request for wrong solutions, and the task's form of a solution."""
        return list_names(self.list_steps(task, settings))

    def list_steps(self, task: Task, settings: MethodSettings) -> tuple[Step, ...]:
        """Return the turns of the chat."""
        return tuple(list_turns(find_form(settings), settings, (self.name, f"{task.name}_solution_form"), "answer"))

    def open_call(self, parents: Sequence[Problem], brief: Brief, sample_index: int, rng: np.random.Generator) -> Call:
        """Return the call on one seed; see the contract."""
        (seed,) = parents
        values = {"question": seed.question, "solution_form": read_solution_form(brief)}
        prompt = brief.prompts.fill(self.name, values)
        form = find_form(brief.settings)
        return Call((seed,), make_request(form, prompt, brief, (seed,), sample_index, "wrong_answer"))

    async def carry_out(self, call: Call, brief: Brief, teacher: Teacher) -> list[Candidate]:
        """Ask for wrong solutions and read each; see the contract."""
        chat = FormChat(find_form(brief.settings), call, brief, wants_answer=True)
        responses = await chat.ask(Conversation(teacher))
        for response in responses:
            self._read(response, call.parents[0], brief)
        return [
            to_candidate(response.draft, call, brief, self.name, teacher.name, item)
            for item, response in enumerate(responses)
        ]

    def _read(self, response: Response, seed: Problem, brief: Brief) -> None:
        draft = response.draft
        draft.question, draft.meta["label"] = seed.question, INCORRECT
        if response.text is not None:
            try:
                read_worked(draft, response.text, brief)
            except ReplyError as error:
                draft.failure = str(error)


def find_form(settings: MethodSettings) -> Form:
    """Return the form in which wrong solutions are asked for; raises PromptError where there is none of that name."""
    if settings.form not in FORMS:
        raise PromptError(f"There is no form {settings.form!r} to ask in; known: {', '.join(FORMS)}.")
    return FORMS[settings.form]


METHODS.register(IncorrectSolutions.name)(IncorrectSolutions())
