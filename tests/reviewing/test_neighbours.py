"""Candidates that are worded alike, against every pair measured by itself; and answers step by step."""

import threading
import time

from core.demo.word_problems import make_problems
from core.filters.closeness import LIMIT, measure_rouge_l
from core.reviewing.neighbours import MOST_SHOWN, Neighbours
from core.reviewing.steps import check_answer
from core.tasks import TASKS


def test_the_closest_others_are_those_that_every_pair_says():
    import numpy as np

    texts = [row["question"] for row in make_problems(60, np.random.default_rng(3))]
    texts += [text.replace("How", "Say how") for text in texts[:20]] + texts[:2]
    ids = [f"c{number}" for number in range(len(texts))]
    found = Neighbours(ids, texts)
    while found.list_close("c0", texts[0]) is None:
        time.sleep(0.01)
    n_close = 0
    for own, text in zip(ids, texts, strict=True):
        values = {other: measure_rouge_l(text, texts[place]) for place, other in enumerate(ids) if other != own}
        expected = sorted((each for each in values.items() if each[1] > LIMIT), key=lambda each: -each[1])
        close = found.list_close(own, text)
        assert [value for _, _, value in close] == [value for _, value in expected[:MOST_SHOWN]]
        assert all(values[other] == value for other, _, value in close)
        n_close += len(close)
    assert n_close > 40


def test_while_the_index_is_made_nothing_is_told(monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr("core.filters.closeness.ClosenessIndex.add", lambda *_: go_on.wait(10))
    found = Neighbours(["a"], ["Of two things"])
    assert found.list_close("a", "Of two things") is None
    go_on.set()


def test_each_calculation_is_told_and_what_the_task_says():
    task = TASKS.get("word_problems")
    found = check_answer(task, "Q?", "2+3=<<2+3=5>>5, then 5*2=<<5*2=11>>11\n#### 11", {})
    assert [(each.text, each.fault is None) for each in found.calculations] == [("2+3=5", True), ("5*2=11", False)]
    assert "5*2 is 10" in found.fault and found.unchecked is None
    bare = check_answer(task, "Q?", "It is five.\n#### 5", {})
    assert bare.calculations == () and bare.fault is None and "no calculation" in bare.unchecked
