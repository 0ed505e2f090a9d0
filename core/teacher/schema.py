"""One small request that finds out whether a server keeps to a JSON schema: some take the field and ignore it.

It knows nothing of who sends it.
"""

from core.teacher.base import TeacherRequest

SCHEMA_PURPOSE = "schema"
"""Purpose of that call, which is no role; a refusal is an answer to it."""

GREETING = "Say hello."

SCHEMA_WORD = "marmalade-417"
"""No model says this unasked, and no prompt names it: it comes from the schema alone."""

SCHEMA = {
    "type": "object",
    "properties": {"seedbed": {"type": "string", "enum": [SCHEMA_WORD]}},
    "required": ["seedbed"],
    "additionalProperties": False,
}

N_SCHEMA_TOKENS = 64
"""Tokens that its reply may have."""


def make_schema_request() -> TeacherRequest:
    """Return the request; its reply holds ``SCHEMA_WORD`` only where the server keeps to the schema."""
    return TeacherRequest(
        SCHEMA_PURPOSE, "", GREETING, None, temperature=0.0, max_tokens=N_SCHEMA_TOKENS, schema=SCHEMA
    )
