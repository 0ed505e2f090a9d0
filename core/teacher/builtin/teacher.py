"""The rule-based stand-in behind the Teacher contract: it answers in the format that each prompt asks for.

It knows nothing of how a problem is made; each task's rules register themselves. What it writes is no evidence about
language models, and whatever shows its output says so.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from core.errors import TeacherError
from core.settings import REPOSITORY
from core.teacher.base import Hint, TeacherReply, TeacherRequest
from core.teacher.builtin.base import CannotRewrite, Rewrite
from core.teacher.builtin.calls import Calls, list_parents
from core.teacher.builtin.formats import count_given, read_tail, write_form
from core.teacher.builtin.judge import JUDGES, answer_question, answer_seed, is_about_seed
from core.teacher.builtin.mutation import write_mutation
from core.teacher.builtin.skills import write_skills
from core.teacher.builtin.wrong import list_wrong

NAME = "built-in"
"""Name that records carry for this teacher."""

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
    """Grows, mutates and spoils problems, answers what it wrote and seeds' own questions, judges and grades answers.

    Its reply follows from the request (subject and hint included) and the rules alone, in whatever process.
    """

    name = NAME

    def __init__(self) -> None:
        self._calls = Calls()

    def cache_salt(self, request: TeacherRequest) -> str:
        """Return what the reply depends on besides the request's text: subject, hint, and the rules as they are now."""
        subject = request.subject.problem_id if request.subject else ""
        hint = request.hint or Hint()
        parents = "+".join(parent.problem_id for parent in list_parents(request))
        told = (subject, parents, hint.wants, hint.form, hint.n_items, hint.asked_as)
        return f"{read_revision()} {' '.join(map(str, told))}"

    async def complete(self, request: TeacherRequest) -> TeacherReply:
        """Answer one request; raises TeacherError where the rules do not reach it."""
        await asyncio.sleep(0)  # let others run between two replies, as a real request would
        try:
            text = self._write(request)
        except CannotRewrite as error:
            raise TeacherError(str(error)) from error
        n_input = sum(count_tokens(message["content"]) for message in request.list_messages())
        return TeacherReply(text, "stop", n_input, count_tokens(text))

    def _write(self, request: TeacherRequest) -> str:
        """Return the text of the reply."""
        wants = request.hint.wants if request.hint else "question"
        if wants == "skills":
            return write_skills(request)
        if request.subject is None and (request.purpose in JUDGES or request.hint is None):
            raise TeacherError("The built-in teacher only knows what to do with seeds, and this request names none.")
        if request.purpose in JUDGES:
            return JUDGES[request.purpose](request, request.subject)
        if request.purpose == "answer" and (wants != "wrong_answer" or self._is_about_parent(request)):
            return self._answer(request)
        if request.purpose not in ("question", "answer"):
            raise TeacherError(
                f"The built-in teacher has no rules to act as {request.purpose}; choose another teacher."
            )
        return self._write_items(request if request.hint else replace(request, hint=Hint()))

    def _is_about_parent(self, request: TeacherRequest) -> bool:
        return any(is_about_seed(request, parent) for parent in list_parents(request))

    def _answer(self, request: TeacherRequest) -> str:
        """Return a worked answer: to a seed's own question, to one of its own, or to one that rules can solve."""
        for parent in list_parents(request):
            if is_about_seed(request, parent):
                return answer_seed(request.task, parent)
        failure: CannotRewrite | None = None
        try:
            found = self._calls.find(request)
        except CannotRewrite as error:
            found, failure = None, error
        answer = found.answer_reply if found else answer_question(request)
        if answer is None:
            raise failure or TeacherError(
                "The built-in teacher is a rule-based stand-in and only answers questions it wrote and those of seeds."
            )
        return answer

    def _write_items(self, request: TeacherRequest) -> str:
        """Return new questions, mutations or wrong solutions in the form that is asked for."""
        hint = request.hint
        start = count_given(hint.form, request.earlier, hint.n_items)
        if hint.wants == "wrong_answer":
            items, reasoning = _spoil(request, start)
        else:
            instances = self._calls.read(request, start)
            items, reasoning = _word(request, instances)
        key = f"{request.task} {' '.join(items)}"
        texts = [request.system] if request.system else [*(asked for asked, _ in request.earlier), request.prompt]
        return write_form(hint.form, items, reasoning, key, read_tail(*texts), request.schema)


def _spoil(request: TeacherRequest, start: int) -> tuple[list[str], str]:
    """Return wrong solutions to the parent's question and what was done wrong in them."""
    parents = list_parents(request)
    if not parents:
        raise TeacherError("The built-in teacher makes mistakes in the answers of seeds, and this request names none.")
    key = f"{parents[0].problem_id} {request.sample_index}"
    end = start + request.hint.n_items
    found = list_wrong(request.task, parents[0], key, end)
    chosen = found[start:end]
    if not chosen:
        raise TeacherError(f"The rules find only {len(found)} different mistakes in the answer to this problem.")
    told = "; ".join(wrong.mistake for wrong in chosen)
    return [wrong.text for wrong in chosen], f"This is where one can go wrong and hardly notice: {told}."


def _word(request: TeacherRequest, instances: Sequence[Rewrite]) -> tuple[list[str], str]:
    """Return new problems as the prompt asks for them, and what was thought before."""
    n = len(instances)
    if request.hint.wants == "mutation":
        items = [write_mutation(each) for each in instances]
        return items, f"I mix what the given problems are made of, and solve {_count(n)} before I write it down."
    items = [_write_question(request, each) for each in instances]
    if list_parents(request):
        return items, f"I keep the kind of the given problem and change its steps, numbers and words, for {_count(n)}."
    return items, f"The request leaves open what it is about; I take {_count(n)} of the kinds that I know."


def _write_question(request: TeacherRequest, made: Rewrite) -> str:
    """Return a new question as the prompt wants it: a puzzle comes with its equation only where a box is asked for."""
    first = request.earlier[0][0] if request.earlier else request.prompt
    is_bare = request.task == "game24" and r"\boxed" not in first
    return made.question if is_bare else made.question_reply


def _count(n: int) -> str:
    return "one problem" if n == 1 else f"{n} problems that differ from one another"
