r"""Rules of the built-in teacher for maths: another problem of the seed's type and near its level, solved anew.

The template of a seed is found in its text, so nothing but the text is needed. Out-of-distribution templates are never
written, whatever the seed. Problems of other sources (MATH) are beyond these rules.
"""

from core.demo.maths import make_problem
from core.demo.maths_templates import SEEN, find_template
from core.demo.maths_templates.base import Template
from core.records import Problem
from core.tasks.instructions import normalise_question
from core.teacher.builtin.base import REWRITERS, CannotRewrite, Rewrite, make_rng

MAX_TRIES = 50
"""Draws until one differs from the seed; a second one is hardly ever needed."""

SCENE_SHARE = 0.75
"""Share of rewrites with a scene before the question: without one, few of many pass the ROUGE-L filter."""


@REWRITERS.register("maths")
def rewrite_maths(seed: Problem, sample_index: int) -> Rewrite:
    r"""Return a new problem of the same type with its worked answer ending in ``\boxed{}``.

    Raises:
        CannotRewrite: the seed was not made by our own templates.
    """
    template = find_template(seed.question.strip())
    if template is None:
        raise CannotRewrite("The built-in teacher only rewrites maths problems of the built-in seed set's kinds.")
    rng = make_rng(f"{seed.question} {sample_index}")
    kin = list_kin(template)
    for _ in range(MAX_TRIES):
        row = make_problem(kin[int(rng.integers(len(kin)))], rng, SCENE_SHARE)
        if normalise_question(row["question"]) != normalise_question(seed.question):
            return Rewrite(row["question"], row["question"], row["answer"])
    raise CannotRewrite("The rules gave nothing but the seed itself.")


def list_kin(template: Template) -> list[Template]:
    """Return the seen templates of the same type, at most one level away."""
    return [other for other in SEEN if other.type == template.type and abs(other.level - template.level) <= 1]
