import numpy as np

from core.training.order import StepOrder

LENGTHS = [int(n) for n in np.random.default_rng(0).integers(5, 90, 50)]


def test_each_row_once_an_epoch_in_another_order_each_time():
    order = StepOrder(LENGTHS, 12, 6, seed=3)
    first, again = list(order), list(order)
    order.set_epoch(1)
    second = list(order)
    assert len(order) == 50 and sorted(first) == sorted(second) == list(range(50))
    assert first == again and first != second and first != list(StepOrder(LENGTHS, 12, 6, seed=4))


def test_a_step_holds_random_rows_that_are_sorted_among_themselves_only():
    rows = list(StepOrder(LENGTHS, 12, 6, seed=3))
    steps = [rows[start : start + 12] for start in range(0, 50, 12)]
    for step in steps:
        assert [LENGTHS[row] for row in step] == sorted(LENGTHS[row] for row in step)
    means = [np.mean([LENGTHS[row] for row in step]) for step in steps[:4]]
    assert max(means) - min(means) < 30  # sorting the whole set would spread them by more than 60
