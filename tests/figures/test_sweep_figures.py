"""The heat maps of a sweep: where each number stands, what an empty cell says, and the mark of the best."""

import json

from core.analysis.sweeps import find_winner, tabulate_cells
from core.figures.sweeps import LEAST_SPAN, draw_sweep_panels
from tests.analysis.test_sweeps import run


def draw(runs, n=100):
    cells = tabulate_cells(runs, n)
    return draw_sweep_panels(cells, find_winner(cells), n)


def test_one_panel_for_each_number_of_epochs_with_the_numbers_where_they_belong():
    panels = draw([run(1e-4, 8, 3, 0.5), run(4e-4, 8, 3, 0.6), run(1e-4, 32, 3, 0.55), run(4e-4, 32, 3, 0.45),
                   run(1e-4, 8, 5, 0.4)])  # fmt: skip
    assert list(panels) == [3, 5]
    figure = panels[3]
    heat = figure["data"][0]
    assert figure["layout"]["xaxis"]["ticktext"] == ["0.0001", "0.0004"]
    assert figure["layout"]["yaxis"]["ticktext"] == ["8", "32"]
    assert heat["z"] == [[50.0, 60.0], [55.0, 45.0]]
    assert "60.0 % (95 %: 50.2 to 69.1)" in heat["customdata"][0][1] and "epoch 1 was kept" in heat["customdata"][0][1]
    assert {(one["data"][0]["zmin"], one["data"][0]["zmax"]) for one in panels.values()} == {(40.0, 60.0)}
    assert "3 epochs: validation accuracy, % of 100 problems" in figure["layout"]["title"]["text"]
    json.dumps(panels, allow_nan=False)


def test_the_best_cell_alone_has_a_frame_and_a_star():
    panels = draw([run(1e-4, 8, 3, 0.5), run(4e-4, 8, 3, 0.6), run(4e-4, 8, 5, 0.55)])
    (frame,) = panels[3]["layout"]["shapes"]
    assert (frame["x0"], frame["x1"], frame["y0"], frame["y1"]) == (0.5, 1.5, -0.5, 0.5)  # the cell's bounds,
    assert frame["line"]["width"] == panels[3]["data"][0]["xgap"] == panels[3]["data"][0]["ygap"]  # in its gap
    assert panels[3]["layout"]["xaxis"]["range"][1] > frame["x1"]  # not cut off at the edge
    assert not panels[5]["layout"]["shapes"]
    stars = [note["text"] for one in panels.values() for note in one["layout"]["annotations"] if "★" in note["text"]]
    assert stars == ["<b>★ 60.0</b>"]


def test_a_cell_without_an_accuracy_says_why_and_is_no_low_number():
    panels = draw([
        run(1e-4, 8, 3, 0.5), run(4e-4, 8, 3, state="failed", error="No <memory>."), run(1e-4, 32, 3, state="queued"),
    ])  # fmt: skip
    heat, marks = panels[3]["data"]
    assert heat["z"] == [[50.0, None], [None, None]]
    assert [(x, y, symbol) for x, y, symbol in zip(marks["x"], marks["y"], marks["marker"]["symbol"], strict=True)] == [
        (1, 0, "x"), (0, 1, "circle-open"),
    ]  # fmt: skip
    assert marks["text"][0].endswith("failed: No &lt;memory&gt;.")
    assert {"failed", "queued"} <= {note["text"] for note in panels[3]["layout"]["annotations"]}


def test_hardly_different_cells_do_not_span_all_colours_and_an_empty_grid_is_drawn():
    heat = draw([run(1e-4, 8, 3, 0.5), run(4e-4, 8, 3, 0.51)])[3]["data"][0]
    assert heat["zmax"] - heat["zmin"] == LEAST_SPAN
    (waiting,) = draw([run(1e-4, 8, 1, state="queued")], None).values()
    assert waiting["data"][0]["z"] == [[None]] and not waiting["layout"]["shapes"]
    assert waiting["layout"]["title"]["text"] == "1 epoch: validation accuracy, %"
