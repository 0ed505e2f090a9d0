"""The built-in teacher's wrong solutions: really wrong, different, and worked like right ones."""

import asyncio
import random
from fractions import Fraction

import pytest

from core.generation.forms import FORMS
from core.records import Problem
from core.tasks import TASKS
from core.teacher.base import Hint, TeacherRequest
from core.teacher.builtin import BuiltInTeacher
from core.teacher.builtin.base import CannotRewrite
from core.teacher.builtin.carrying import Change, carry, find_equations, replace_operator, write_value
from core.teacher.builtin.wrong import list_wrong, spoil_calculation

K = 5


def make(name, question, answer=None, final=None):
    return TASKS.get(name).make_problem(question, answer, final, {})


STORY = make(
    "word_problems",
    "A baker fills 6 trays with 8 rolls each. He sells 13 rolls in the morning and half of the rest after lunch at $2 "
    "a roll. How many dollars does he take after lunch?",
    "He bakes 6 x 8 = <<6*8=48>>48 rolls.\n"
    "After the morning there are 48 - 14 = <<48-14=34>>34 rolls left.\n"
    "After lunch he sells 34 / 2 = <<34/2=17>>17 rolls.\n"
    "He takes 17 * $2 = $<<17*2=34>>34.\n#### 34",
)
MATHS = make(
    "maths",
    "A bag holds 4 red and 6 blue balls. Two are drawn. How likely is it that both are red?",
    "- 4+6=10\n- 4*3=12\n- 10*9=90\n- 12/90=2/15\n\\boxed{\\frac{2}{15}}",
)
SPOKEN = make("maths", "What is $x$ if $x^2=16$ and $x>0$?", "The root is positive, so $x$ is four: $\\boxed{4}$.")
DEDUCTION = make(
    "prontoqa",
    "Rex is a wumpus. Each wumpus is a tumpus. Tumpuses are not sour. Every dumpus is sour.\n"
    "Is the following statement true or false? Rex is sour.",
    "Answer: False",
)
PUZZLE = make("game24", "4 4 6 8")
OWN = make("custom", "Is a whale a fish?", "It breathes air, so it is none.\n#### No")
PROBLEMS = {
    "word_problems": STORY,
    "maths": MATHS,
    "spoken maths": SPOKEN,
    "prontoqa": DEDUCTION,
    "game24": PUZZLE,
    "custom": OWN,
}


def hold_chat(name, form_name, seed, sample_index=0):
    """Return the items that a method reads of a call for K wrong solutions, each turn of a teacher of its own."""
    form, items, earlier, system = FORMS[form_name], [], (), FORMS[form_name].write_system(K)
    for n_items in form.split_turns(K):
        hint = Hint("wrong_answer", form_name, n_items, (seed,))
        request = TeacherRequest("question", name, "Err", seed, sample_index, system=system, earlier=earlier, hint=hint)
        text = asyncio.run(BuiltInTeacher().complete(request)).text
        items += form.read(text, n_items, wants_answer=True).items
        earlier = (*earlier, ("Err", text))
    return items


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", PROBLEMS)
def test_they_are_wrong_distinct_and_the_same_in_every_process(kind, form):
    seed, name = PROBLEMS[kind], kind.removeprefix("spoken ")
    form = "direct" if kind == "custom" else form  # a yes-or-no question has one wrong answer
    task, items = TASKS.get(name), hold_chat(name, form, seed)
    assert items == hold_chat(name, form, seed)
    answers = [task.read_answer(item.text) for item in items if item.failure is None]
    finals = {task.extract_final(answer) for answer in answers}
    assert all(task.is_correct(final, seed) is False for final in finals)
    assert len(set(answers)) == len(answers) == len(items)
    assert len(finals) == (1 if kind in ("prontoqa", "custom") else len(items))


def test_other_samples_choose_other_mistakes():
    assert len({hold_chat("word_problems", "direct", STORY, index)[0].text for index in range(8)}) > 4


def test_each_is_told_before_where_one_is_to_think_first():
    items = hold_chat("word_problems", "vs_cot", STORY)
    mistakes = [wrong.mistake for wrong in list_wrong("word_problems", STORY, f"{STORY.problem_id} 0", K)[:K]]
    assert all(mistake in items[0].reasoning for mistake in mistakes)


def test_a_mistake_is_carried_through_to_the_end():
    equations = find_equations(STORY.answer)
    assert [each.side for each in equations] == ["6*8", "48-14", "34/2", "17*2"]
    text, became = carry(STORY.answer, equations, Change(1, side=lambda side: replace_operator(side, 0, "+")))
    assert text == (
        "He bakes 6 x 8 = <<6*8=48>>48 rolls.\n"
        "After the morning there are 48 + 14 = <<48+14=62>>62 rolls left.\n"
        "After lunch he sells 62 / 2 = <<62/2=31>>31 rolls.\n"
        "He takes 31 * $2 = $<<31*2=62>>62.\n#### 62"
    )
    assert became == {34: 62, 17: 31}


def test_a_line_that_is_left_out_is_gone_and_its_number_taken_further():
    text, _ = carry(STORY.answer, find_equations(STORY.answer), Change(2, stands_in=0))
    assert "After lunch" not in text and text.endswith("He takes 34 * $2 = $<<34*2=68>>68.\n#### 68")


def test_what_nobody_would_write_down_is_no_mistake():
    equations = find_equations("3-2=<<3-2=1>>1\n10/1=<<10/1=10>>10\n#### 10")
    for slip in (-1, -2):  # a division by zero; a negative count
        assert carry("3-2=<<3-2=1>>1\n10/1=<<10/1=10>>10\n#### 10", equations, Change(0, slip=Fraction(slip))) is None
    thirds = "5-2=<<5-2=3>>3\n9/3=<<9/3=3>>3\n#### 3"
    assert carry(thirds, find_equations(thirds), Change(0, slip=Fraction(4))) is None
    assert [write_value(Fraction(each)) for each in ("7", "5/2", "1/3", "1/100")] == ["7", "2.5", "1/3", "0.01"]


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("- 4+6=10\n- 12/90=2/15", ["4+6", "12/90"]),
        ("x=123-33=90 and 9x=123-33=90", ["123-33", "123-33"]),
        ("f(2)=2*3+1=6+1=7.", ["2*3+1"]),
        ("2. 3+4=7, then 5 = 5", ["3+4"]),
        ("20% of 60 is 60 x 20% = $<<60*20%=12>>12", ["60*20%"]),
        ("1,200 + 300 = 1,500", ["1,200 + 300"]),
        ("3+4=8 and y=2x+1 and 22=5*4+2", []),
    ],
)
def test_equations_are_found_in_the_forms_that_answers_have(text, sides):
    assert [each.side.strip() for each in find_equations(text)] == sides


def test_a_fraction_in_a_box_follows_the_calculation():
    spoiled = spoil_calculation(MATHS, random.Random(0))
    found = [wrong.text for _, wrong in zip(range(30), spoiled, strict=False) if wrong.mistake.startswith("calc")]
    for text in found:
        *_, last, box = text.split("\n")
        value = last.split("=")[-1]
        top, _, bottom = value.partition("/")
        assert box == (rf"\boxed{{\frac{{{top}}}{{{bottom}}}}}" if bottom else rf"\boxed{{{top}}}")
    assert len(found) >= 2


def test_a_wrong_proof_has_a_step_that_does_not_hold():
    task = TASKS.get("prontoqa")
    for wrong in list_wrong("prontoqa", DEDUCTION, "key"):
        assert wrong.text.endswith("Rex is sour.\nAnswer: True")
        assert task.find_wrong_step(DEDUCTION.question, wrong.text)


def test_a_wrong_solution_of_24_misses_it_or_takes_other_numbers():
    task = TASKS.get("game24")
    faults = [task.find_fault(PUZZLE.question, wrong.text, {}) for wrong in list_wrong("game24", PUZZLE, "key")]
    assert any("not 24" in fault for fault in faults) and any("instead of" in fault for fault in faults)
    assert all(wrong.text.splitlines()[-2].endswith("= 24 (left: 24)") for wrong in list_wrong("game24", PUZZLE, "k"))


@pytest.mark.parametrize(
    ("name", "problem", "sentence"),
    [
        ("custom", make("custom", "Who wrote it?", "#### Ada"), "find no mistake to make"),
        ("game24", Problem("p", "1 1 1 1", None, None), "cannot make 24"),
        ("prontoqa", Problem("p", "Why?", None, None), "cannot be read as a deduction"),
        ("maths", Problem("p", "Why?", None, "7"), "no worked answer"),
    ],
)
def test_where_rules_find_no_mistake_it_says_so(name, problem, sentence):
    with pytest.raises(CannotRewrite, match=sentence):
        list_wrong(name, problem, "key")
