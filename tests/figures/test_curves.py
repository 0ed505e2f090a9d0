"""Learning curves: what is drawn, what is thinned, what is clipped, and which choice moves a reader's zoom."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.figures.colours import DARK_BACKGROUND, LIGHT_BACKGROUND
from core.figures.curves import (
    RUN_COLOURS,
    TRAINING,
    VALIDATION,
    Look,
    Run,
    draw_loss,
    draw_measure,
    find_measure,
    order_names,
    smooth,
)
from core.figures.layout import WHOLE
from tests.figures.test_colours import contrast

LOOK = Look()


def make_metrics(factor=1.0) -> pd.DataFrame:
    rows = [("loss", step, factor * 2.0 / step) for step in range(1, 21)]
    rows += [("validation_loss", step, factor / step) for step in (10, 20)]
    rows += [("validation_accuracy", step, step / 40) for step in (10, 20)]
    rows += [("learning_rate", step, step * 1e-5) for step in range(21)]
    frame = pd.DataFrame(rows, columns=["name", "step", "value"])
    frame = frame.assign(epoch=frame["step"] / 10, written_at=100.0 + 30 * frame["step"], mean=frame["value"])
    frame = frame.assign(n_mean=frame["value"].notna().astype(int), n_points=len(frame))
    return frame.sample(frac=1, random_state=0)


@pytest.fixture
def run():
    return Run("", TRAINING, make_metrics(), best_step=20)


def several() -> list[Run]:
    return [Run(name, RUN_COLOURS[i], make_metrics(1 + i), 10) for i, name in enumerate("AB")]


def draw(name, runs, look=LOOK, **more):
    return draw_measure(name, runs, look, measure=find_measure(name), **more)


def test_loss_has_raw_smoothed_validation_and_the_best_in_order_of_steps(run):
    figure = draw_loss(run, LOOK)
    raw, smoothed, checked, best = figure["data"]
    assert [trace["name"] for trace in figure["data"]] == [
        "Training loss, as measured", "Training loss, smoothed", "Validation loss", "best checkpoint",
    ]  # fmt: skip
    assert raw["x"] == list(range(1, 21)) and raw["y"][0] == 2.0
    assert smoothed["y"][0] == 2.0 and smoothed["y"][-1] > raw["y"][-1]
    assert checked["y"] == [0.1, 0.05]
    assert (best["x"], best["y"], best["marker"]["symbol"]) == ([20.0], [0.05], "star")


def test_smoothing_switched_off_leaves_the_points_as_measured(run):
    names = [trace["name"] for trace in draw_loss(run, replace(LOOK, span=0))["data"]]
    assert names == ["Training loss", "Validation loss", "best checkpoint"]
    assert draw("learning_rate", [run])["data"][0]["y"][2] == 2e-5  # never smoothed


@pytest.mark.parametrize(
    ("across", "first", "last", "title"),
    [("step", 1, 20, "step"), ("epoch", 0.1, 2.0, "epoch"), ("minutes", 0.5, 10.0, "minutes since the first point")],
)
def test_the_horizontal_axis_is_steps_epochs_or_minutes(run, across, first, last, title):
    figure = draw("loss", [run], replace(LOOK, across=across))
    assert (figure["data"][0]["x"][0], figure["data"][0]["x"][-1]) == (first, last)
    assert figure["layout"]["xaxis"]["title"]["text"] == title


def test_a_log_axis_moves_the_labels_and_leaves_out_what_it_cannot_show(run):
    log = draw_loss(run, replace(LOOK, is_log=True))
    assert log["layout"]["yaxis"]["type"] == "log"
    assert log["layout"]["annotations"][1]["y"] == pytest.approx(np.log10(0.05))
    rates = draw("learning_rate", [run], replace(LOOK, is_log=True))["data"][0]["y"]
    assert rates[0] is None and rates[1] == 1e-5
    shares = draw("validation_accuracy", [run], replace(LOOK, is_log=True))
    assert shares["layout"]["yaxis"]["type"] == "linear"


def test_what_is_clipped_is_the_axis(run):
    figure = draw("loss", [run], bound=0.5)
    ends = figure["layout"]["yaxis"]["autorangeoptions"]
    assert ends == {"clipmax": 0.5, "clipmin": pytest.approx(0.1 - 0.05 * 0.4)}
    assert max(figure["data"][0]["y"]) == 2.0
    assert "autorangeoptions" not in draw("loss", [run])["layout"]["yaxis"]


def revisions(figure) -> tuple:
    layout = figure["layout"]
    return layout["uirevision"], layout["xaxis"]["uirevision"], layout["yaxis"]["uirevision"]


def test_a_zoom_outlives_new_points_and_every_choice_that_leaves_its_axis_as_it_is(run):
    usual = revisions(draw_loss(run, LOOK))
    fewer = replace(run, metrics=run.metrics[run.metrics["step"] < 15])
    assert revisions(draw_loss(fewer, LOOK)) == usual
    assert revisions(draw_loss(run, replace(LOOK, span=50))) == usual
    for changed in (replace(LOOK, is_log=True), replace(LOOK, is_clipped=True)):
        now = revisions(draw_loss(run, changed, bound=1.0 if changed.is_clipped else None))
        assert now[:2] == usual[:2] and now[2] != usual[2]
    epochs = revisions(draw_loss(run, replace(LOOK, across="epoch")))
    assert epochs[0] == usual[0] and epochs[1] != usual[1] and epochs[2] == usual[2]
    assert revisions(draw("loss", several())) == revisions(draw("loss", several()[:1]))
    assert revisions(draw_loss(run, replace(LOOK, view="another run"))) != usual


def test_of_several_runs_each_has_one_line_its_colour_its_letter_and_its_best():
    figure = draw("loss", several())
    assert [(trace["name"], trace["line"]["color"]) for trace in figure["data"]] == [
        ("A", RUN_COLOURS[0]),
        ("B", RUN_COLOURS[1]),
    ]
    assert [label["text"] for label in figure["layout"]["annotations"]] == ["A", "B"]
    assert len({trace["uid"] for trace in figure["data"]}) == 2
    checked = draw("validation_accuracy", several())["data"]
    assert [trace["name"] for trace in checked] == ["A", "B", "A, best checkpoint", "B, best checkpoint"]
    assert [trace["marker"]["color"] for trace in checked[2:]] == list(RUN_COLOURS[:2])
    only_first = [several()[0], replace(several()[1], metrics=make_metrics().iloc[:0])]
    assert [trace["name"] for trace in draw("loss", only_first)["data"]] == ["A"]


def test_accuracy_is_drawn_in_percent(run):
    line, best = draw("validation_accuracy", [run])["data"]
    assert line["y"] == [25.0, 50.0] and best["y"] == [50.0]
    assert line["line"]["color"] == VALIDATION and best["marker"]["color"] == VALIDATION


def test_a_metric_that_stands_in_no_table_is_drawn_by_its_own_name(run):
    odd = run.metrics[run.metrics["name"] == "loss"].assign(name="kl_to_reference")
    figure = draw("kl_to_reference", [replace(run, metrics=odd)])
    assert figure["layout"]["title"]["text"] == "Kl to reference" and len(figure["data"]) == 2
    assert order_names(["zeta", "grad_norm", "loss", "alpha"]) == ["loss", "grad_norm", "alpha", "zeta"]
    assert find_measure("loss", "Preferences (DPO)").unit == "Preferences (DPO)"


def test_no_metrics_yet_draws_an_empty_figure(run):
    empty = replace(run, metrics=run.metrics.iloc[:0])
    assert draw_loss(empty, LOOK)["data"] == [] and draw("validation_accuracy", [empty])["data"] == []


def test_smooth_of_a_constant_is_the_constant_and_a_point_fades_to_a_seventh():
    assert smooth([3.0] * 5) == pytest.approx([3.0] * 5)
    step = smooth([0.0] * 200 + [1.0] * 50, span=50)
    assert 1 - step[-1] == pytest.approx(np.exp(-2), rel=0.05)


def test_smooth_of_means_of_stretches_is_that_of_the_points():
    values = np.concatenate([np.repeat(2.0, 40), np.repeat(1.0, 60)])
    whole = smooth(values.tolist(), span=20)
    thinned = smooth([2.0] * 4 + [1.0] * 6, [10] * 10, span=20)
    assert thinned == pytest.approx(whole[9::10])


def test_figures_are_json_without_nan(run):
    gap = run.metrics.copy()
    where = gap.index[(gap["name"] == "loss") & (gap["step"] == 3)][0]
    gap.loc[where, ["value", "mean", "n_mean"]] = [np.nan, np.nan, 0]
    figure = draw_loss(replace(run, metrics=gap), LOOK)
    raw, smoothed = json.loads(json.dumps(figure, allow_nan=False))["data"][:2]
    assert raw["y"][2] is None and 3 not in smoothed["x"]


@pytest.mark.parametrize("background", [LIGHT_BACKGROUND, DARK_BACKGROUND])
@pytest.mark.parametrize("colour", [*RUN_COLOURS, TRAINING, VALIDATION])
def test_lines_can_be_seen_on_both_backgrounds(colour, background):
    assert contrast(colour, background) >= 3.0


def test_of_fewer_points_than_a_mean_remembers_none_is_drawn_and_every_point_is_seen(run):
    few = run.metrics[run.metrics["step"] <= 3].assign(n_points=3)
    figure = draw("loss", [replace(run, metrics=few)])
    assert [(trace["name"], trace["mode"]) for trace in figure["data"]] == [("Training loss", "lines+markers")]
    over = [replace(each, metrics=few) for each in several()]
    assert [trace["y"] for trace in draw("loss", over)["data"]] == [[2.0, 1.0, 0.6666667]] * 2  # no flat means
    many = run.metrics.assign(n_points=20)
    assert len(draw("loss", [replace(run, metrics=many)])["data"]) == 2
    wide = draw("loss", [replace(run, metrics=many)], replace(LOOK, span=50))["data"]
    assert [(trace["name"], trace["mode"]) for trace in wide] == [("Training loss", "lines")]


def test_the_best_is_named_by_its_step_and_the_kept_one_is_called_that(run):
    kept = replace(run, best_step=10, is_kept=True)
    notes = [figure["layout"]["annotations"][-1] for figure in (draw_loss(kept, LOOK), draw("validation_loss", [kept]))]
    assert [(note["text"], note["x"], note["y"]) for note in notes] == [("kept: step 10", 10.0, 0.1)] * 2
    assert draw_loss(kept, LOOK)["data"][-1]["name"] == "kept checkpoint"
    assert draw("validation_loss", [run])["layout"]["annotations"][0]["text"] == "best so far: step 20"
    log = draw_loss(kept, replace(LOOK, is_log=True))["layout"]["annotations"][-1]
    assert log["y"] == pytest.approx(-1.0)
    assert all("kept" not in each["text"] for each in draw("validation_loss", several())["layout"]["annotations"])


def test_only_an_axis_of_steps_is_one_of_whole_numbers(run):
    formats = {across: draw("loss", [run], replace(LOOK, across=across)) for across in ("step", "epoch", "minutes")}
    assert {name: each["layout"]["xaxis"].get("tickformat") for name, each in formats.items()} == {
        "step": WHOLE, "epoch": None, "minutes": None,
    }  # fmt: skip


def test_a_best_checkpoint_whose_epoch_nobody_knows_has_no_words(run):
    run = replace(run, metrics=run.metrics.assign(epoch=np.nan))
    look = replace(LOOK, across="epoch")
    for figure in (draw_loss(run, look), draw("validation_accuracy", [run], look)):
        assert not any("step 20" in note["text"] for note in figure["layout"].get("annotations", []))
