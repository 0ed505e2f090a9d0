"""Mutation: one new problem, together with its solution, from one or more parents.

SPARQ (arXiv 2506.06499), appendix F: the parents stand in the prompt as <problem> and <solution>, and the reply uses
the same tags, so that no second request asks for an answer. On demand a judge names the problem's skills. Which parents
are mutated is a selector's or an archive's business.
"""

from collections.abc import Sequence

import numpy as np

from core.generation.asking import Conversation, ask_for, read_worked, require_text, set_temperature, to_candidate
from core.generation.base import METHODS, Brief, Call, Draft, MethodSettings, Step, list_names
from core.generation.problem_text import read_problem_form, read_problem_text, read_solution_form
from core.generation.skills import list_skills, make_skills_request, read_skills
from core.generation.tags import find_tag
from core.records import Candidate, Problem
from core.tasks.base import ReplyError, Task
from core.teacher.base import Hint, Teacher, TeacherRequest

MAX_TOKENS = 2048
"""Of a reply with a problem and its solution."""


class Mutate:
    """One new problem with its solution from ``n_parents`` seeds (SPARQ)."""

    name = "mutate"
    title = "Mutate one or more problems"
    source = "SPARQ (arXiv 2506.06499), appendix F"
    uses = frozenset({"n_parents", "labels_skills", "temperature"})
    always = ()

    def count_parents(self, settings: MethodSettings) -> int:
        """Return the number of parents."""
        return settings.n_parents

    def count_candidates(self, settings: MethodSettings) -> int:
        """Return one."""
        return 1

    def list_prompts(self, task: Task, settings: MethodSettings) -> tuple[str, ...]:
        """Return the mutation prompt with the task's forms, and where skills are asked for theirs with the list."""
        return list_names(self.list_steps(task, settings))

    def list_steps(self, task: Task, settings: MethodSettings) -> tuple[Step, ...]:
        """Return the mutation, and the skills where they are asked for."""
        forms = (f"{task.name}_problem_form", f"{task.name}_solution_form")
        steps = (Step("question", (self.name, *forms), "both"),)
        return (*steps, Step("judge", ("skills", f"{task.name}_skills"), "skills")) if settings.labels_skills else steps

    def open_call(self, parents: Sequence[Problem], brief: Brief, sample_index: int, rng: np.random.Generator) -> Call:
        """Return the call on these parents; see the contract."""
        values = {
            "parents": "\n\n".join(map(write_parent, parents)),
            "problem_form": read_problem_form(brief),
            "solution_form": read_solution_form(brief),
        }
        prompt = brief.prompts.fill(self.name, values)
        hint = Hint("mutation", parents=tuple(parents))
        request = TeacherRequest(
            "question", brief.task.name, prompt, parents[0], sample_index, max_tokens=MAX_TOKENS, hint=hint
        )
        return Call(tuple(parents), set_temperature(request, brief.settings.temperature))

    async def carry_out(self, call: Call, brief: Brief, teacher: Teacher) -> list[Candidate]:
        """Ask for problem and solution, then for the skills where wanted; see the contract."""
        draft, conversation = Draft(), Conversation(teacher)
        try:
            reply = await ask_for(conversation, call.request, draft)
            new = read_problem_text(brief.task, read_tag(reply, "problem"))
            draft.question, draft.meta = new.question, dict(new.meta)
            read_worked(draft, read_tag(reply, "solution"), brief)
        except ReplyError as error:
            draft.failure = str(error)
        else:
            if brief.settings.labels_skills:
                await label_skills(conversation, draft, call, brief)
        return [to_candidate(draft, call, brief, self.name, teacher.name)]


def write_parent(parent: Problem) -> str:
    """Return a parent in tags; without a solution where it has none."""
    problem = f"<problem>\n{parent.question}\n</problem>"
    return f"{problem}\n<solution>\n{parent.answer}\n</solution>" if parent.answer else problem


def read_tag(reply: str, tag: str) -> str:
    """Return what stands between the last of these tags; raises ReplyError where there are none, or nothing in them."""
    text = find_tag(reply, tag)
    if text is None:
        raise ReplyError(f"The reply holds no <{tag}> in tags that open and close.")
    if not text:
        raise ReplyError(f"The reply's <{tag}> is empty.")
    return text


async def label_skills(conversation: Conversation, draft: Draft, call: Call, brief: Brief) -> None:
    """Ask for the skills of a new problem and note them; where that fails they are None, with the reason.

    A candidate without labels is none the worse for it: whatever goes wrong here is no failure of the candidate.
    """
    request = make_skills_request(draft.question, draft.answer, brief, call.request)
    try:
        reply = await conversation.ask(request)
        draft.tokens.add(reply.n_input_tokens, reply.n_output_tokens)
        labels = read_skills(require_text(reply, "list of skills"), list_skills(brief))
    except ReplyError as error:
        draft.meta |= {"skills": None, "skills_fault": str(error)}
        return
    draft.meta["skills"] = list(labels.skills)
    if labels.n_unknown:
        draft.meta["n_unknown_skills"] = labels.n_unknown
    if labels.n_surplus:
        draft.meta["n_surplus_skills"] = labels.n_surplus


METHODS.register(Mutate.name)(Mutate())
