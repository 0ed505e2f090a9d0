import asyncio

import pytest

import core.teacher.builtin.calls as calls_module
import core.teacher.builtin.teacher as module
from core.cache import Cache
from core.errors import TeacherError
from core.records import Problem
from core.teacher.base import TeacherReply, TeacherRequest
from core.teacher.builtin.base import REWRITERS, CannotRewrite, Rewrite
from core.teacher.builtin.teacher import BuiltInTeacher, count_tokens
from core.teacher.cached import CachedTeacher

SEED = Problem("p1", "How many?", "3", "3")


@pytest.fixture(autouse=True)
def rules(monkeypatch):
    """Rules for a task of this test only; ``calls`` counts how often they were asked."""
    calls = []

    def rewrite(seed, sample_index):
        calls.append(sample_index)
        if sample_index == 13:
            raise CannotRewrite("Thirteen cannot be rewritten.")
        return Rewrite(f"Q {sample_index}", f"question {sample_index}", f"A {sample_index}")

    monkeypatch.setitem(REWRITERS._members, "toy", rewrite)
    return calls


def complete(teacher, purpose, prompt, sample_index=0, subject=SEED, task="toy"):
    return asyncio.run(teacher.complete(TeacherRequest(purpose, task, prompt, subject, sample_index)))


def test_it_replies_to_both_requests_from_one_rewrite(rules):
    teacher = BuiltInTeacher()
    assert complete(teacher, "question", "Rewrite this: ééé") == TeacherReply("Q 0", "stop", 5, 1)
    assert complete(teacher, "answer", "Solve: question 0").text == "A 0"
    assert rules == [0]
    assert complete(teacher, "question", "Rewrite", sample_index=1).text == "Q 1"


def test_it_answers_after_a_restart_and_with_many_seeds_between(rules, monkeypatch):
    monkeypatch.setattr(calls_module, "N_KEPT", 2)
    teacher = BuiltInTeacher()
    for index in range(5):
        complete(teacher, "question", "Rewrite", index)
    assert complete(teacher, "answer", "Solve: question 0").text == "A 0"
    assert len(teacher._calls._series) == 2


@pytest.mark.parametrize(
    ("purpose", "prompt", "more", "sentence"),
    [
        ("answer", "Solve: something else", {}, "only answers questions it wrote"),
        ("judge", "Judge", {}, "no rules to act as judge"),
        ("question", "Rewrite", {"subject": None}, "names none"),
        ("question", "Rewrite", {"task": "unheard of"}, "no rules for the task 'unheard of'"),
        ("question", "Rewrite", {"sample_index": 13}, "Thirteen cannot be rewritten."),
    ],
)
def test_what_it_cannot_do_is_one_sentence(purpose, prompt, more, sentence):
    with pytest.raises(TeacherError, match=sentence):
        complete(BuiltInTeacher(), purpose, prompt, **more)


def test_tokens_are_four_bytes_each_rounded_up():
    assert [count_tokens(text) for text in ("", "a", "abcd", "abcde", "ééé")] == [0, 1, 1, 2, 2]


class DictCache(dict):
    async def put_durable(self, key, value):
        self[key] = value


def test_the_same_request_is_sent_once_and_any_difference_sends_again(rules):
    cache = DictCache()
    teacher = CachedTeacher(BuiltInTeacher(), cache)
    first = complete(teacher, "question", "Rewrite")
    again = complete(CachedTeacher(BuiltInTeacher(), cache), "question", "Rewrite")
    assert rules == [0] and not first.is_cached and again.is_cached
    assert (again.text, again.n_input_tokens, again.n_output_tokens) == ("Q 0", 2, 1)
    complete(teacher, "question", "Rewrite", sample_index=1)
    complete(teacher, "question", "Rewrite!")
    complete(teacher, "question", "Rewrite", subject=Problem("p2", "How many?", "4", "4"))
    assert rules == [0, 1, 0] and len(cache) == 4
    assert teacher.name == "built-in"


def test_a_change_of_the_rules_asks_again(rules, monkeypatch):
    cache = DictCache()
    complete(CachedTeacher(BuiltInTeacher(), cache), "question", "Rewrite")
    assert len(module.read_revision()) == 16
    monkeypatch.setattr(module, "read_revision", lambda: "later")
    complete(CachedTeacher(BuiltInTeacher(), cache), "question", "Rewrite")
    assert rules == [0, 0]


def test_a_teacher_that_reads_only_what_is_sent_is_keyed_by_that_alone():
    class Server:
        name = "server"
        n_sent = 0

        async def complete(self, request):
            self.n_sent += 1
            return TeacherReply("reply", "stop", 1, 1)

    server = Server()
    teacher = CachedTeacher(server, DictCache())
    complete(teacher, "question", "Rewrite")
    assert complete(teacher, "question", "Rewrite", subject=None).is_cached
    assert server.n_sent == 1


def test_it_works_with_the_cache_of_the_home(rules, tmp_path):
    for is_known in (False, True):
        with Cache(tmp_path / "replies") as cache:
            assert complete(CachedTeacher(BuiltInTeacher(), cache), "question", "Rewrite").is_cached == is_known
    assert rules == [0]


def test_an_error_is_not_kept(rules):
    cache = DictCache()
    for _ in range(2):
        with pytest.raises(TeacherError):
            complete(CachedTeacher(BuiltInTeacher(), cache), "question", "Rewrite", sample_index=13)
    assert rules == [13, 13] and not cache
