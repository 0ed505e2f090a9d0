"""Candidates, a task, a teacher and an encoder for the tests of filters; no model is loaded."""

import hashlib
import inspect

import numpy as np

from core.errors import ModelLoadError
from core.models.embedder import WIDTH
from core.records import Candidate
from core.tasks.base import ReplyError
from core.teacher.base import TeacherReply


class AnyTask:
    name = "any"
    title = "Any"
    compares_questions = True

    def split_key(self, problem):
        return problem.question

    def answer_prompt(self, new, prompts):
        return f"Answer this: {new.question}"

    def read_answer(self, reply):
        if "####" not in reply:
            raise ReplyError("The reply states no final answer.")
        return reply.strip()

    def extract_final(self, answer):
        _, mark, final = answer.rpartition("#### ")
        return (final.strip() or None) if mark else None

    def is_correct(self, final, problem):
        return None if problem.final is None else final == problem.final

    judge_final = is_correct

    def find_fault(self, question, answer, meta):
        return "The answer is off by one." if "off" in answer else None

    def find_unchecked(self, question, answer, meta):
        return "The answer holds nothing to check." if "vague" in answer else None

    def find_wrong_step(self, question, answer):
        return None


class ScriptedTeacher:
    """Gives the replies of a script in turn, or the one of a function of the request; remembers what it was asked."""

    name = "scripted"

    def __init__(self, script):
        self.script = script
        self.requests = []

    async def complete(self, request):
        self.requests.append(request)
        reply = self.script(request) if callable(self.script) else self.script[len(self.requests) - 1]
        if isinstance(reply, Exception):
            raise reply
        text, finish_reason = reply if isinstance(reply, tuple) else (reply, "stop")
        return TeacherReply(text, finish_reason, 5, 5)


class WordEmbedder:
    """Stands in for the sentence encoder: the cosine of two texts is that of their bags of words."""

    n_embedded = 0

    @classmethod
    def load(cls):
        return cls()

    def embed(self, texts):
        WordEmbedder.n_embedded += len(texts)
        vectors = np.zeros((len(texts), WIDTH), np.float32)
        for row, text in enumerate(texts):
            vectors[row, -1] = 1e-6
            for word in text.lower().split():
                vectors[row, int.from_bytes(hashlib.sha256(word.encode(errors="replace")).digest()[:4]) % WIDTH] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class MissingEmbedder:
    @classmethod
    def load(cls):
        raise ModelLoadError("The package that carries the encoder is not installed.")


def make_candidate(number, question, answer="He has 3 left.\n#### 3", parents=(), final="3", **meta):
    return Candidate(
        f"c{number}", tuple(parents), question, answer, final, None, "rewrite", "t", None, None, 0, 0, 0, meta
    )


async def judge(filter_, candidates, context):
    """Return the verdicts of any filter, whether it waits or not."""
    verdicts = filter_(candidates, context)
    return await verdicts if inspect.isawaitable(verdicts) else verdicts
