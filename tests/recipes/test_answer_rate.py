"""How long answers will take, told from the progress of runs in which problems were answered."""

import pytest

from core import hub as hubs
from core.recipes.answer_rate import LOOP_STAGE, estimate_answers
from tests.pages.conftest import open_home
from tests.recipes.test_drawing_rate import add_run


@pytest.fixture
def home(tmp_path):
    yield tmp_path
    hubs.close()


def test_greedy_answers_go_by_the_newest_run_that_answered_greedily_and_drawn_ones_by_drawn_ones(home):
    greedy, drawn = {"temperature": None, "n_samples": None}, {"temperature": 1.0, "n_samples": 4}
    add_run(home, 1, "score", {}, [], {"computed": {"answers": 50}, "seconds": {"answers": 100.0}})
    hub = open_home(home)
    assert estimate_answers(hub, "tiny", 10) == pytest.approx(20.0, rel=0.05)
    assert estimate_answers(hub, "tiny", 10, is_greedy=False) is None
    add_run(home, 2, "loop", {}, [(f"round 1: {LOOP_STAGE}", 0, 100, 20.0), ("round 1: teacher", 0, 50, 9.0)])
    add_run(home, 3, "evaluate", {**greedy, "student": "org/other"}, [("base: answers", 0, 100, 70.0)])
    add_run(home, 4, "evaluate", drawn, [("tuned: answers", 0, 50, 100.0)])
    hub.step()
    assert estimate_answers(hub, "tiny", 10) == pytest.approx(2.0)
    assert estimate_answers(hub, "tiny", 10, is_greedy=False) == pytest.approx(5.0)
    assert estimate_answers(hub, "org/other", 10) == pytest.approx(7.0)
    assert estimate_answers(hub, "another", 10) is None
    add_run(home, 5, "evaluate", greedy, [("base: answers", 90, 100, 1.0), ("tuned: answers", 0, 100, 30.0)])
    hub.step()
    assert estimate_answers(hub, "tiny", 10) == pytest.approx(3.0), "what lay in the cache tells nothing"
