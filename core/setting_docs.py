"""What the settings of a dataclass mean, from the texts that stand below its fields: a form and a reader share them.

It knows nothing of what a setting is for.
"""

import ast
import inspect
import textwrap
from functools import cache


@cache
def read_docs(owner: type) -> dict[str, str]:
    """Return field -> the text below it, in one paragraph; fields without one are left out.

    Args:
        owner: a dataclass; the fields of its bases are not looked at.
    """
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    docs: dict[str, str] = {}
    field = None
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            field = node.target.id
            continue
        is_text = (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
        if is_text and field is not None:
            docs[field] = " ".join(inspect.cleandoc(node.value.value).split())
        field = None
    return docs
