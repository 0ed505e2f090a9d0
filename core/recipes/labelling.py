"""The skills of seeds: asked of the judge as a new problem's are (SPARQ, appendix F), and by no replicate again.

The built-in teacher finds at least one skill in every problem with its solution. Where another judge names none of the
list, or gives no answer, the problem's own type stands in, as far as the seed set has one; else its skills are unknown.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from core.errors import AskingStopped
from core.generation.asking import Conversation
from core.generation.base import METHODS, Draft
from core.generation.grow import N_IN_FLIGHT
from core.generation.mutate import Mutate, label_skills
from core.recipes.growing import Growing
from core.records import Problem

TYPE = "type"
"""Entry of a problem's ``meta`` that stands in for its skills."""


def label_stage(growing: Growing, label: str, problems: Sequence[Problem], stage: str) -> list[tuple[str, ...]]:
    """Return the skill-set of each problem and record it as a text, ``skills``; empty where nothing is known.

    Args:
        growing: brings judge and prompts; its folder receives ``score_texts`` and the progress.
        label: what the run calls its student.
        problems: seeds.
        stage: name of the progress line.
    """
    import pandas as pd

    found: list[tuple[str, ...]] = []
    for start in range(0, len(problems), N_IN_FLIGHT):
        growing.folder.check_cancelled()
        found += asyncio.run(_label_all(growing, problems[start : start + N_IN_FLIGHT]))
        growing.folder.report(stage, len(found), 0, len(problems))
    rows = [
        {"student": label, "problem_id": problem.problem_id, "name": "skills", "text": ", ".join(skills)}
        for problem, skills in zip(problems, found, strict=True)
    ]
    if rows:
        growing.folder.write_part("score_texts", pd.DataFrame(rows))
    return found


async def _label_all(growing: Growing, problems: Sequence[Problem]) -> list[tuple[str, ...]]:
    return await asyncio.gather(*(_label(growing, problem) for problem in problems))


async def _label(growing: Growing, problem: Problem) -> tuple[str, ...]:
    """Return the skills that the judge names, else the problem's type."""
    call = METHODS.get(Mutate.name).open_call((problem,), growing.brief, 0, np.random.default_rng(0))
    draft = Draft(question=problem.question, answer=problem.answer or "")
    with suppress(AskingStopped):  # whoever asks next is told
        await label_skills(Conversation(growing.team), draft, call, growing.brief)
    own = problem.meta.get(TYPE)
    return tuple(draft.meta.get("skills") or ([own] if isinstance(own, str) and own else []))
