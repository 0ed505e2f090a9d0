"""Templates of maths problems by type and level: what our own maths seed set and the built-in teacher draw from.

To add one, write a ``draw_...`` function and a ``Template`` in the file of its type; levels 1 to 4 are for train,
validation, test and the built-in teacher, level 5 is kept for the out-of-distribution test.
"""

from core.demo.maths_templates import algebra, counting, geometry, number_theory, prealgebra
from core.demo.maths_templates.base import Template
from core.demo.maths_templates.scenes import strip_scene

TEMPLATES: tuple[Template, ...] = (
    *prealgebra.TEMPLATES,
    *algebra.TEMPLATES,
    *number_theory.TEMPLATES,
    *counting.TEMPLATES,
    *geometry.TEMPLATES,
)
"""Every template; names are unique."""

BY_NAME = {template.name: template for template in TEMPLATES}
SEEN = tuple(template for template in TEMPLATES if not template.is_ood)
UNSEEN = tuple(template for template in TEMPLATES if template.is_ood)


def find_template(question: str) -> Template | None:
    """Return the template that could have written this question, with or without a scene; None where none could."""
    bare = strip_scene(question)
    return next((template for template in TEMPLATES if template.pattern.fullmatch(bare)), None)
