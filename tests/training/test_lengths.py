"""Rows that are taken for short without being counted are short, whatever the tokenizer makes of them."""

import numpy as np
import pytest

from core.tasks import TASKS
from core.training.data import TrainingRow
from core.training.lengths import count_tokens, foresee, is_surely_short
from core.training.objectives import make_objective

SIGNS = [*"abcdefgh 0123456789 .,;<>=*+-$\n\t", "é", "字", "\u200b", "🙂", "ﬁ", "  "]


def draw_rows(n):
    rng = np.random.default_rng(0)

    def draw(most):
        return "".join(rng.choice(SIGNS[: len(SIGNS) - 6 * (rng.random() < 0.7)], rng.integers(1, most))) + "x"

    return [TrainingRow(draw(300), draw(300), "1", origin="file", origin_id=str(i)) for i in range(n)]


@pytest.mark.parametrize("longest", [40, 120, 260])
def test_a_row_that_is_surely_short_has_no_more_tokens_than_that(longest):
    rows, task = draw_rows(400), TASKS.get("word_problems")
    lengths = count_tokens("tiny", task, rows, has_pairs=False)
    short = [is_surely_short(row, task, longest) for row in rows]
    assert all(length <= longest for length, is_short in zip(lengths, short, strict=True) if is_short)
    assert longest < 200 or sum(short) > 50


def test_what_is_foreseen_is_what_counting_every_row_says():
    rows, task = draw_rows(300), TASKS.get("word_problems")
    found = foresee(make_objective("sft", {}), rows, "tiny", task, 200)
    lengths = count_tokens("tiny", task, rows, has_pairs=False)
    assert found.long == tuple((length, place) for place, length in enumerate(lengths) if length > 200)
    assert found.n_used == len(rows) - len(found.long) and 20 < len(found.long) < 280
