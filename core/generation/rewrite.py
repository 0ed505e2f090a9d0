"""Rewrite, then answer: the teacher writes a new question from a seed, then a worked answer to it.

Kessler 2025, section 4.2 and appendix D.2: two requests per candidate, five few-shot examples from the seed data; for
the Game of 24 the first request is the paper's backward reasoning. This file knows nothing of filters, of how many
candidates are wanted, or of how a reply is made.
"""

from collections.abc import Sequence

import numpy as np

from core.generation.asking import (
    Conversation,
    answer_question,
    ask_for,
    draw_examples,
    set_temperature,
    to_candidate,
)
from core.generation.base import METHODS, Brief, Call, Draft, MethodSettings, Step, list_names
from core.records import Candidate, Problem
from core.tasks.base import ReplyError, Task
from core.teacher.base import Hint, Teacher, TeacherRequest


class RewriteThenAnswer:
    """Two requests per candidate: a rewritten question, then its worked answer (Kessler 2025, section 4.2)."""

    name = "rewrite"
    title = "Rewrite, then answer"
    source = "Kessler 2025, section 4.2 and appendix D.2"
    uses = frozenset({"temperature"})
    always = ()

    def count_parents(self, settings: MethodSettings) -> int:
        """Return one: each seed is rewritten by itself."""
        return 1

    def count_candidates(self, settings: MethodSettings) -> int:
        """Return one."""
        return 1

    def list_prompts(self, task: Task, settings: MethodSettings) -> tuple[str, ...]:
        """Return the task's question prompt and answer prompt."""
        return list_names(self.list_steps(task, settings))

    def list_steps(self, task: Task, settings: MethodSettings) -> tuple[Step, ...]:
        """Return the question, then the answer."""
        question = Step("question", (f"{task.name}_question",), "question")
        return (question, Step("answer", (f"{task.name}_answer",), "answer"))

    def open_call(self, parents: Sequence[Problem], brief: Brief, sample_index: int, rng: np.random.Generator) -> Call:
        """Return the call on one seed; see the contract."""
        (seed,) = parents
        examples = draw_examples(brief, seed, rng)
        prompt = brief.task.question_prompt(seed, examples, brief.prompts)
        request = TeacherRequest("question", brief.task.name, prompt, seed, sample_index, hint=Hint(parents=(seed,)))
        return Call((seed,), set_temperature(request, brief.settings.temperature), examples)

    async def carry_out(self, call: Call, brief: Brief, teacher: Teacher) -> list[Candidate]:
        """Ask for the question, then for the answer; see the contract."""
        draft, conversation = Draft(), Conversation(teacher)
        try:
            new = brief.task.read_question(await ask_for(conversation, call.request, draft))
        except ReplyError as error:
            draft.failure = str(error)
        else:
            await answer_question(conversation, draft, new, call, brief)
        return [to_candidate(draft, call, brief, self.name, teacher.name)]


METHODS.register(RewriteThenAnswer.name)(RewriteThenAnswer())
