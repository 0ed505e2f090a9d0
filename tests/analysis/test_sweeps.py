"""The cells of a sweep and which is best, on grids that one can check by eye."""

import json

import pytest

from core.analysis.accuracy import wilson_interval
from core.analysis.sweeps import COLUMNS, find_winner, tabulate_cells


def run(rate, rank, epochs, accuracy=None, *, state="done", error=None, is_text=False, **summary):
    training = {"learning_rate": rate, "rank": rank, "alpha": rank, "epochs": epochs}
    about = (
        None if accuracy is None else {"validation_accuracy": accuracy, "best_epoch": 1.0, "seconds": 2.0, **summary}
    )
    config = {"training": training}
    if is_text:
        config, about = json.dumps(config), about and json.dumps(about)
    times = {"started_at": 100.0, "ended_at": 145.0 if state == "done" else None}
    about = {"error": error, "config": config, "summary": about, **times}
    return {"run_id": f"{rate}-{rank}-{epochs}", "state": state, **about}


def test_cells_stand_in_the_order_of_the_grid_with_their_intervals():
    runs = [run(4e-4, 8, 3, 0.5, is_text=True), run(1e-4, 32, 3), run(1e-4, 8, 3, 0.25), run(1e-4, 8, 1, 0.75)]
    cells = tabulate_cells(runs, 40)
    assert tuple(cells) == COLUMNS
    assert cells["run_id"].tolist() == ["0.0001-8-1", "0.0001-8-3", "0.0004-8-3", "0.0001-32-3"]
    assert cells["accuracy"].tolist()[:3] == [0.75, 0.25, 0.5] and cells["accuracy"].isna().tolist()[3]
    assert (cells["low"][1], cells["high"][1]) == wilson_interval(10, 40)
    assert tabulate_cells(runs, None)["low"].isna().all()
    assert find_winner(tabulate_cells([], 40)) is None


def test_the_time_of_a_run_is_that_of_its_attempt_from_begin_to_end():
    never = {**run(1e-4, 8, 3, state="cancelled"), "started_at": None, "ended_at": 145.0}
    cells = tabulate_cells([run(1e-4, 8, 1, 0.75), run(1e-4, 8, 2, state="running"), never], 40)
    assert cells["seconds"][0] == 45.0 and cells["seconds"].isna().tolist() == [False, True, True]


def test_what_the_best_run_started_from_is_known_where_it_was_measured():
    cells = tabulate_cells([run(1e-4, 8, 1, 0.5), run(4e-4, 8, 1, 0.6, validation_accuracy_before=0.45)], 100)
    assert find_winner(cells).before == 0.45
    assert find_winner(cells[cells["accuracy"] < 0.6]).before is None


def test_a_run_that_failed_or_was_stopped_early_has_no_accuracy_but_a_reason():
    runs = [
        run(1e-4, 8, 3, state="failed", error="It is full."),
        run(4e-4, 8, 3, 0.9, stopped="It was told at step 4 to stop."),
        run(1e-4, 8, 1, 0.4, state="running"),  # of an attempt before the present one
    ]
    cells = tabulate_cells(runs, 40).set_index("run_id")
    assert cells["accuracy"].isna().all()
    assert cells.loc["0.0001-8-3", "error"] == "It is full."
    assert cells.loc["0.0004-8-3", ["state", "error"]].tolist() == ["stopped", "It was told at step 4 to stop."]
    assert find_winner(cells.reset_index()) is None


@pytest.mark.parametrize(
    ("runs", "best", "n_tied"),
    [
        ([(1e-4, 8, 3, 0.5), (4e-4, 8, 3, 0.6), (4e-4, 32, 3, 0.55)], "0.0004-8-3", 0),
        ([(4e-4, 32, 1, 0.6), (4e-4, 8, 5, 0.6), (1e-4, 32, 1, 0.6)], "0.0004-8-5", 2),  # the smaller rank
        ([(1e-4, 8, 5, 0.6), (4e-4, 8, 3, 0.6)], "0.0004-8-3", 1),  # then fewer epochs
        ([(4e-4, 8, 3, 0.6), (1e-4, 8, 3, 0.6)], "0.0001-8-3", 1),  # then the lower learning rate
    ],
)
def test_the_best_cell_is_the_cheapest_of_the_most_accurate(runs, best, n_tied):
    for order in (runs, runs[::-1]):
        winner = find_winner(tabulate_cells([run(*each) for each in order], 100))
        assert (winner.run_id, winner.n_tied) == (best, n_tied)


def test_cells_that_the_problems_cannot_tell_from_the_best_are_counted():
    runs = [run(rate, 8, 1, share) for rate, share in ((1e-4, 0.5), (2e-4, 0.45), (3e-4, 0.3), (4e-4, None))]
    winner = find_winner(tabulate_cells(runs, 100))
    assert winner.low == pytest.approx(0.4038, abs=1e-4)
    assert (winner.n_close, winner.n_ended, winner.n_tied) == (1, 3, 0)
    assert find_winner(tabulate_cells(runs, 10_000)).n_close == 0
    assert find_winner(tabulate_cells(runs, None)).low is None
