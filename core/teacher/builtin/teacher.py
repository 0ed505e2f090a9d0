"""The rule-based stand-in behind the Teacher contract: it answers in the format that each prompt asks for.

It knows nothing of how a rewrite is made; each task's rules register themselves. What it writes is no evidence about
language models, and whatever shows its output says so.
"""

import asyncio
import hashlib
from collections import OrderedDict
from functools import cache
from pathlib import Path

from core.errors import TeacherError, UnknownNameError
from core.records import Problem
from core.settings import REPOSITORY
from core.teacher.base import TeacherReply, TeacherRequest
from core.teacher.builtin.base import REWRITERS, CannotRewrite, Rewrite
from core.teacher.builtin.judge import JUDGES, answer_seed, is_about_seed

NAME = "built-in"
"""Name that records carry for this teacher."""

N_KEPT = 256
"""Rewrites kept between the question request and the answer request of the same seed."""

BYTES_PER_TOKEN = 4
"""A token is counted for each four bytes of UTF-8, rounded up: about what English text costs elsewhere."""


def count_tokens(text: str) -> int:
    """Return the nominal tokens of a text: its UTF-8 length over four, rounded up."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


@cache
def read_revision() -> str:
    """Return a hash of the rules' source: a kept reply must not outlive a change of the rules."""
    code = hashlib.sha256()
    core = REPOSITORY / "core"
    for folder in (Path(__file__).parent, core / "demo", core / "tasks"):  # templates, and the arithmetic and logic
        for path in sorted(folder.rglob("*.py")):
            code.update(path.read_bytes())
    return code.hexdigest()[:16]


class BuiltInTeacher:
    """Rewrites seeds and answers what it wrote, answers a seed's own question, judges and grades answers to it.

    Its reply follows from task, subject, sample index and rules alone; as judge and grader, from the prompt as well.
    """

    name = NAME

    def __init__(self) -> None:
        self._rewrites: OrderedDict[tuple[str, str, int], Rewrite] = OrderedDict()

    def cache_salt(self, request: TeacherRequest) -> str:
        """Return what the reply depends on besides the request's text: the subject, and the rules as they are now."""
        return f"{read_revision()} {request.subject.problem_id if request.subject else ''}"

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Answer one request; raises TeacherError where the rules do not reach it."""
        await asyncio.sleep(0)  # let others run between two rewrites, as a real request would
        if request.subject is None:
            raise TeacherError("The built-in teacher only knows what to do with seeds, and this request names none.")
        text = self._write(request, request.subject)
        return TeacherReply(text, "stop", count_tokens(request.prompt), count_tokens(text))

    def _write(self, request: TeacherRequest, subject: Problem) -> str:
        """Return the text of the reply."""
        if request.purpose in JUDGES:
            return JUDGES[request.purpose](request, subject)
        if request.purpose == "answer" and is_about_seed(request, subject):
            return answer_seed(request.task, subject)
        if request.purpose not in ("question", "answer"):
            raise TeacherError(
                f"The built-in teacher has no rules to act as {request.purpose}; choose another teacher."
            )
        rewrite = self._rewrite(request.task, subject, request.sample_index)
        if request.purpose == "question":
            return rewrite.question_reply
        if rewrite.question not in request.prompt:
            raise TeacherError(
                "The built-in teacher is a rule-based stand-in and only answers questions it wrote and those of seeds."
            )
        return rewrite.answer_reply

    def _rewrite(self, task: str, seed: Problem, sample_index: int) -> Rewrite:
        """Return the rewrite, made anew or kept from the request before."""
        key = (task, seed.problem_id, sample_index)
        if key not in self._rewrites:
            try:
                self._rewrites[key] = REWRITERS.get(task)(seed, sample_index)
            except UnknownNameError:
                raise TeacherError(
                    f"The built-in teacher has no rules for the task {task!r}; choose another teacher."
                ) from None
            except CannotRewrite as error:
                raise TeacherError(str(error)) from error
            if len(self._rewrites) > N_KEPT:
                self._rewrites.popitem(last=False)
        return self._rewrites[key]
