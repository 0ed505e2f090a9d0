"""Which skills a problem takes: asked of a judge, at most three of a fixed list.

SPARQ (arXiv 2506.06499), appendix F: a problem's skill set is the tuple of its skills in the order of the alphabet, and
diversity is counted in such sets, so that only words of the list may get in. The lists are our own, one per task under
``prompts/TASK_skills.txt``. It knows nothing of how a problem came about.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.generation.base import Brief
from core.generation.tags import find_tag
from core.tasks.base import ReplyError
from core.teacher.base import Hint, TeacherRequest

MOST_SKILLS = 3
"""Skills of one problem at most (SPARQ)."""

TEMPERATURE = 0.0
"""A label is to be the same whenever it is asked for."""

_BETWEEN = re.compile(r"[,;\n]")
_MARKS = " \t.*-•\"'`"


@dataclass(frozen=True, slots=True)
class SkillLabels:
    """What a reply says of a problem's skills."""

    skills: tuple[str, ...]
    """At most MOST_SKILLS of the list, in the order of the alphabet."""

    n_unknown: int
    """Skills that are not on the list; left out."""

    n_surplus: int
    """Skills of the list beyond the first MOST_SKILLS; left out."""


def list_skills(brief: Brief) -> tuple[str, ...]:
    """Return the fixed list of the task's skills, a person's edits included."""
    lines = (line.strip() for line in brief.prompts.read(f"{brief.task.name}_skills").splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))


def make_skills_request(question: str, answer: str, brief: Brief, asked: TeacherRequest) -> TeacherRequest:
    """Return the request for the skills of a problem.

    Args:
        question: the problem.
        answer: its solution.
        brief: what all calls share.
        asked: the request that brought the problem.
    """
    values = {
        "question": question,
        "answer": answer,
        "skills": "\n".join(list_skills(brief)),
        "n_skills": str(MOST_SKILLS),
    }
    prompt = brief.prompts.fill("skills", values)
    parents = asked.hint.parents if asked.hint else ()
    hint = Hint("skills", n_items=1, parents=parents)
    return TeacherRequest(
        "judge", brief.task.name, prompt, asked.subject, asked.sample_index, temperature=TEMPERATURE, hint=hint
    )


def read_skills(reply: str, known: Sequence[str]) -> SkillLabels:
    """Return the skills of a reply that are on the list, whatever their case.

    Raises:
        ReplyError: there are no tags, or no skill of the list stands in them.
    """
    text = find_tag(reply, "skills")
    if text is None:
        raise ReplyError("The reply holds no <skills> tags.")
    by_name = {skill.casefold(): skill for skill in known}
    said = list(dict.fromkeys(part.strip(_MARKS).casefold() for part in _BETWEEN.split(text)))
    said = [part for part in said if part]
    skills = [by_name[part] for part in said if part in by_name]
    if not skills:
        raise ReplyError("The reply names no skill of the list.")
    kept = sorted(skills[:MOST_SKILLS], key=str.casefold)
    return SkillLabels(tuple(kept), len(said) - len(skills), len(skills) - len(kept))
