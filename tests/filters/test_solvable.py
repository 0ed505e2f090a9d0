import pytest

from core.filters.base import FILTERS, FilterContext
from core.tasks import TASKS
from tests.filters.stand_ins import make_candidate

ASKED = "\nIs the following statement true or false? Max is sour."
TRUE = "Every yumpus is sour. Max is a yumpus." + ASKED
FALSE = "Every yumpus is not sour. Max is a yumpus." + ASKED
OPEN = "Every yumpus is red. Max is a yumpus." + ASKED
TORN = "Every yumpus is sour. Every dumpus is not sour. Max is a yumpus. Max is a dumpus." + ASKED
FREE = "Max, who barks, likes pears." + ASKED


@pytest.mark.parametrize(
    ("task", "question", "solvable", "unique", "n_answers"),
    [
        ("game24", "3 3 8 8", True, True, 1),
        ("game24", "1 1 1 1", False, None, 0),
        ("game24", "1 4 8", False, None, None),
        ("prontoqa", TRUE, True, True, 1),
        ("prontoqa", FALSE, True, True, 1),
        ("prontoqa", OPEN, False, None, 0),
        ("prontoqa", TORN, False, False, 2),
        ("prontoqa", FREE, None, None, None),
        ("prontoqa", "Max is a yumpus.", False, None, None),
        ("word_problems", "How many pears are left?", None, None, None),
        ("maths", "What is $x$?", None, None, None),
    ],
)
def test_both_filters_say_what_the_solvers_find(task, question, solvable, unique, n_answers):
    context = FilterContext(TASKS.get(task))
    found = [FILTERS.get(name)([make_candidate(0, question)], context)[0] for name in ("solvable", "unique")]
    assert [verdict.is_accepted for verdict in found] == [solvable, unique]
    assert {verdict.value for verdict in found} == {n_answers}


def test_reasons_quote_what_is_at_fault():
    def explain(task, question, name="solvable"):
        return FILTERS.get(name)([make_candidate(0, question)], FilterContext(TASKS.get(task)))[0].reason

    assert explain("game24", "1 1 1 1") == "The numbers 1 1 1 1 cannot make 24."
    assert "Max is sour" in explain("prontoqa", OPEN)
    assert "its opposite" in explain("prontoqa", TORN, "unique")
    assert "who barks" in explain("prontoqa", FREE)
    assert "20,002 characters" in explain("prontoqa", "Max is red" * 2_000 + "!!")
