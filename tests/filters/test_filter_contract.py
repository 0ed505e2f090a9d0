"""One body for every registered filter: a verdict per candidate, in order, with a reason unless it is accepted."""

import ast
import asyncio
import dataclasses
import inspect
import textwrap

import pytest

import core.filters as _registers_them  # noqa: F401
from core.errors import SeedbedError, UnknownNameError
from core.filters.base import COSTS, FILTERS, FilterContext, is_rejected, make_filters
from core.records import Problem
from core.tasks import TASKS
from tests.filters.stand_ins import AnyTask, ScriptedTeacher, judge, make_candidate

WORD_PROBLEM = "Tom has 5 pears and gives 2 of them to his sister. How many pears does he have left?"
GARBAGE = [
    "", " \n\t", "?!…", "\x00\x07\x1b[31m", "\ufffd" * 40, "\ud800 half a pair", "{" * 3_000 + "\\boxed{",
    "Сколько яблок осталось у Ани после обеда?", "小明有五个苹果他吃了两个", "كم تفاحة بقيت مع سلمى بعد الغداء؟",
    "\\frac{1}{" * 500, "[asy]" * 10_000, "1 2 " * 2_000, "Max is a yumpus. " * 1_000,
]  # fmt: skip
LONG = ["9" * 49_000 + " pears", " " * 49_000 + "x", "1+" * 24_000 + "x", "=" * 49_000]
"""As long as they may be for ``verified`` to read them."""

HUGE = ["a" * 1_000_000, "[" * 1_000_000]


def make_context(task=None, **fields):
    seeds = {"p": Problem("p", WORD_PROBLEM, "5 - 2 = 3\n#### 3", "3")}
    held_out = [
        Problem("h", "How tall is the oldest lighthouse on the northern coast of the island?", None, "1", "test")
    ]
    fields = {"seeds": seeds, "held_out": held_out, "teacher": ScriptedTeacher(lambda request: "#### 3")} | fields
    return FilterContext(task or AnyTask(), ["Which train reaches the harbour before noon today?"], **fields)


def candidates_of(*rows):
    return [make_candidate(number, *row[:1], **(row[1] if len(row) > 1 else {})) for number, row in enumerate(rows)]


NEW = "Anna buys 7 stamps at the old post office and sends 4 letters to her uncle. How many stamps has she now?"
LIGHTHOUSE = "How tall is the oldest lighthouse on the northern coast of the island?"
PUZZLE = "Every yumpus is sour. Max is a yumpus.\nIs the following statement true or false? Max is {}."
TORN = "Every yumpus is not sour. " + PUZZLE.format("sour")
FREE = PUZZLE.format("sour").replace("Every yumpus is sour", "Max barks")
GERMAN = "Anna kauft drei Äpfel und gibt davon zwei ihrer Schwester. Wie viele hat sie noch?"

CASES = {
    "held_out": (None, [(NEW,), (LIGHTHOUSE.upper(),)], [True, False]),
    "well_formed": (None, [(NEW,), ("#Rewritten Instruction#: " + NEW,), (NEW, {"answer": None})], [True, False, None]),
    "forbidden": (None, [(NEW,), ("Solve the Given\nInstruction. " + NEW,)], [True, False]),
    "length": (None, [(NEW,), ("How many?",), (NEW, {"answer": None})], [True, False, None]),
    "language": (
        None,
        [(NEW, {"parents": ["p"]}), (GERMAN, {"parents": ["p"]}), (NEW,)],
        [True, False, None],
    ),
    "rouge_l": (None, [(NEW,), ("Which train reaches the harbour before noon?",), (NEW,)], [True, False, False]),
    "contamination": (None, [(NEW,), ("Tell me this: " + LIGHTHOUSE,)], [True, False]),
    "solvable": ("prontoqa", [(PUZZLE.format("sour"),), (PUZZLE.format("red"),), (FREE,)], [True, False, None]),
    "unique": ("prontoqa", [(PUZZLE.format("sour"),), (TORN,), (PUZZLE.format("red"),)], [True, False, None]),
    "verified": (
        None,
        [(NEW,), (NEW, {"answer": "off"}), (NEW, {"answer": "vague"}), (NEW, {"answer": "off", "label": "incorrect"})],
        [True, False, None, None],
    ),
    "wrong": (
        None,
        [(WORD_PROBLEM, {"final": "7", "parents": ["p"], "label": "incorrect"}),
         (WORD_PROBLEM, {"final": "3", "parents": ["p"], "label": "incorrect"}),
         (WORD_PROBLEM, {"final": "7", "parents": ["p"]})],
        [True, False, None],
    ),
    "near_duplicate": (None, [(NEW,), (" ".join(NEW.split()[::-1]),), (LIGHTHOUSE,)], [True, False, True]),
    "contamination_embedding": (None, [(NEW,), (" ".join(LIGHTHOUSE.split()[::-1]),)], [True, False]),
    "agrees": (None, [(NEW,), (NEW, {"final": "4"}), (NEW, {"answer": None})], [True, False, None]),
}  # fmt: skip
"""Filter -> task (None: any), candidates, and what is said of them; contexts are those of ``make_context``."""


def read_case(name):
    task, rows, expected = CASES[name]
    return candidates_of(*rows), TASKS.get(task) if task else AnyTask(), expected


@pytest.fixture(params=FILTERS.names())
def name(request, word_embedder):
    return request.param


def test_every_filter_has_a_case():
    assert set(CASES) == set(FILTERS.names())


async def judge_case(name, batch=True):
    candidates, task, _ = read_case(name)
    if batch:
        return await judge(FILTERS.get(name), candidates, make_context(task))
    context, verdicts = make_context(task), []
    for candidate in candidates:
        verdicts += await judge(FILTERS.get(name), [candidate], context)
        context.earlier_questions.append(candidate.question)
    return verdicts


def test_oracle(name):
    verdicts = asyncio.run(judge_case(name))
    assert [verdict.is_accepted for verdict in verdicts] == read_case(name)[2]


def test_contract(name):
    verdicts = asyncio.run(judge_case(name))
    assert [verdict.candidate_id for verdict in verdicts] == [f"c{i}" for i in range(len(verdicts))]
    assert {verdict.filter for verdict in verdicts} == {name}
    assert {True, False} <= {verdict.is_accepted for verdict in verdicts}
    for verdict in verdicts:
        assert (verdict.reason is None) == (verdict.is_accepted is True)
        assert verdict.reason is None or (verdict.reason.strip() and "\n" not in verdict.reason)
    assert asyncio.run(judge_case(name)) == verdicts
    assert asyncio.run(judge(FILTERS.get(name), [], make_context())) == []


def test_a_batch_is_judged_as_one_by_one(name):
    assert asyncio.run(judge_case(name, batch=False)) == asyncio.run(judge_case(name))


def test_settings_are_documented_and_can_be_changed(name):
    member = FILTERS.get(name)
    assert member.name == name and member.title and member.cost in COSTS
    settings = {field.name for field in dataclasses.fields(member)}
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(type(member)))).body
    documented = {
        line.target.id
        for line, following in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(line, ast.AnnAssign) and isinstance(following, ast.Expr)
    }
    assert settings == documented
    (same,) = make_filters([name], {name: {field: getattr(member, field) for field in settings}})
    assert same == member
    with pytest.raises(UnknownNameError):
        make_filters([name], {name: {"no_such_setting": 1}})


@pytest.mark.parametrize(
    ("name", "field", "value", "sentence"),
    [
        ("rouge_l", "limit", "abc", "rouge_l.limit must be a number, not 'abc'"),
        ("rouge_l", "limit", 1.5, "from 0 to 1, not 1.5"),
        ("rouge_l", "tokens", 5, "rouge_l.tokens must be a text, not 5"),
        ("rouge_l", "compares_seeds", "no", "rouge_l.compares_seeds must be true or false, not 'no'"),
        ("length", "min_question_words", "x", "must be a whole number, not 'x'"),
        ("length", "max_times_seed", "x", "must be a number or null, not 'x'"),
        ("well_formed", "max_characters", 2.5, "must be a whole number, not 2.5"),
        ("contamination", "min_share", "x", "must be a number, not 'x'"),
        ("forbidden", "phrases", "one", "must be a list of texts, not 'one'"),
        ("forbidden", "phrases", [1], "must be a list of texts"),
        ("language", "max_foreign_share", 2, "from 0 to 1"),
        ("agrees", "min_votes", 0, "at least 1 vote"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_one_sentence(name, field, value, sentence):
    with pytest.raises(SeedbedError, match=sentence) as refused:
        make_filters([name], {name: {field: value}})
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)


def test_a_setting_may_be_null_where_it_has_a_default_for_it():
    assert make_filters(["length"], {"length": {"max_times_seed": None}})[0].max_times_seed is None
    assert make_filters(["rouge_l"], {"rouge_l": {"limit": 1}})[0].limit == 1


def test_nothing_to_compare_with_and_no_answer_is_no_reason_to_reject(name):
    bare = FilterContext(AnyTask())
    questions = [
        make_candidate(0, NEW, answer=None, final=None),
        make_candidate(1, LIGHTHOUSE, answer=None, final=None),
    ]
    first, second = asyncio.run(judge(FILTERS.get(name), questions, bare))
    assert not is_rejected([first, second])
    if name not in ("forbidden", "rouge_l", "near_duplicate"):
        assert first.is_accepted is None, "an answer, a parent or something to compare with is missing"


@pytest.mark.parametrize("task", TASKS.names())
def test_garbage_never_raises(name, task):
    texts = GARBAGE + (LONG + HUGE) * (task == "word_problems")
    candidates = [make_candidate(number, text, text, ["p"], None) for number, text in enumerate(texts)]
    candidates += [make_candidate(number + 50, WORD_PROBLEM, text, ["p"], None, label="incorrect")
                   for number, text in enumerate(texts[:8])]  # fmt: skip
    context = make_context(TASKS.get(task), teacher=ScriptedTeacher(lambda request: request.prompt[:50]))
    verdicts = asyncio.run(judge(FILTERS.get(name), candidates, context))
    assert [verdict.candidate_id for verdict in verdicts] == [candidate.candidate_id for candidate in candidates]
    assert all(len(verdict.reason or "") < 600 for verdict in verdicts), "a reason quotes, it does not repeat"


def test_cheaper_filters_come_first():
    filters = make_filters(["agrees", "near_duplicate", "well_formed", "agrees", "held_out"])
    assert [one.name for one in filters] == ["well_formed", "held_out", "near_duplicate", "agrees"]
