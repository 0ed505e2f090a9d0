"""Watching a training and its queue: figures, phases, several runs, samples, orders, notices; page by page."""

import itertools
import time
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core import hub as hubs
from core.runs.ends import End
from core.runs.folder import RunFolder
from core.runs.orders import read_orders
from pages.components.notices import say_end
from tests.pages import home
from tests.pages.conftest import SHELL, open_home
from tests.pages.test_pages import button, metric, texts

SETTINGS = {"epochs": 6, "learning_rate": 0.002, "rank": 32}
ANSWERS = {10: ("Tom pays 9.\n#### 9", False), 20: ("Tom pays 10.\n#### 10", True), 30: ("Tom pays 10.\n#### 10", True)}
NUMBERS = itertools.count(10)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """One home for all tests of this file: each makes runs of its own, and brings them to an end."""
    yield open_home(home.fill_home(tmp_path_factory.mktemp("home")))
    hubs.close()


@pytest.fixture
def drawn(monkeypatch):
    """Chart -> the figure that it was given last."""
    figures = {}
    monkeypatch.setattr("pages.components.curves.draw_chart", lambda figure, *, key: figures.update({key: figure}))
    return figures


def visit(name: str, **query: str) -> AppTest:
    """Open a page without the frame around it, with the seed set of the home in view: several times as fast."""
    app = AppTest.from_file(str(SHELL.with_name(f"{name}_page.py")), default_timeout=30)
    app.session_state["strip_shows"] = home.SEED_SET
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def watch(run_id: str, **query: str) -> AppTest:
    return visit("finetune", run=run_id, show="watch", **query)


def begin(hub, **config) -> RunFolder:
    """Make a finetune of which the test is the worker."""
    config = {"student": "tiny", "objective": "sft", "preset": "tiny", "training": SETTINGS, "n_rows": 9, **config}
    run_id = f"20260101-0001{next(NUMBERS)}-finetune-aaaa"
    return home.make_run(hub.settings.home, run_id, f"Training {run_id}", config, "device")


def measure(folder: RunFolder, names: list[str], last: int, value: float = 1.0) -> None:
    for step in range(1, last + 1):
        row = {"round": 1, "step": step, "epoch": step / 10, "written_at": 1000.0 + 6 * step}
        for name in names:
            folder.append("metrics", {**row, "name": name, "value": value / step})


def answer(folder: RunFolder) -> None:
    for step, (text, is_correct) in ANSWERS.items():
        folder.append("checkpoint_answers", {
            "round": 1, "step": step, "problem_id": "p1", "epoch": step / 10, "question": "How much does Tom pay?",
            "reference": "10", "text": text, "final": text.split()[-1], "is_correct": is_correct, "n_tokens": 5,
        })  # fmt: skip


def address(app) -> dict[str, str]:
    return {name: "".join(value) for name, value in app.query_params.items()}


def look(app) -> str:
    return texts(app).replace("\u00a0", " ").replace("\u202f", " ").replace("\\", "")


# -- one run ---------------------------------------------------------------------------------------------------------


def test_a_running_training_shows_where_it_stands_and_is_told_to_keep_what_it_has(hub, drawn):
    folder = begin(hub)
    with folder.hold():
        measure(folder, ["loss", "learning_rate", "grad_norm", "tokens_per_second", "kl_to_reference"], 24)
        folder.append("metrics", {"round": 1, "step": 20, "name": "validation_accuracy", "value": 0.4, "epoch": 2.0})
        folder.report("round 1: finetune", 4, 0, 60)
        time.sleep(0.01)
        folder.report("round 1: finetune", 24, 0, 60)
        hub.step()
        app = watch(folder.run_id)
        assert not app.exception and not app.error
        assert (metric(app, "Step"), metric(app, "Epoch"), metric(app, "Rows")) == ("24 of 60", "2.4 of 6", "9")
        assert metric(app, "Best so far").replace("\u00a0", " ") == "40.0 %"
        assert metric(app, "Left of the training") == "measuring"  # too short a time to say
        assert list(drawn) == [
            "watch_loss", "watch_validation_accuracy", "watch_learning_rate", "watch_grad_norm",
            "watch_tokens_per_second", "watch_kl_to_reference",
        ]  # fmt: skip
        button(app, f"watch_keep_{folder.run_id}").click().run()
        assert not app.exception and folder.wants_keep()
        assert any("the best checkpoint so far is kept" in info.value for info in app.info)
        assert button(app, f"watch_keep_{folder.run_id}").disabled
        folder.finish("done", {"stopped": "It was told at step 24 to stop and keep the best checkpoint so far."})
    hub._watch.touch(folder.run_id)
    hub.step()
    app.run()
    assert any("It was told at step 24" in info.value for info in app.info)
    assert metric(app, "Best validation").replace("\u00a0", " ") == "40.0 %"


def test_the_frozen_settings_are_the_runs_and_a_copy_changes_one(hub):
    folder = begin(hub)
    with folder.hold():
        folder.finish("done")
    hub.step()
    app = watch(folder.run_id)
    tables = [table.value for table in app.dataframe if "setting" in table.value]
    training = next(table for table in tables if "learning rate" in set(table["setting"])).set_index("setting")
    assert training.loc["learning rate"].tolist() == ["0.002", "changed from 0.0004"]
    assert training.loc["rank"].tolist() == ["32", ""]
    assert any("Supervised (SFT)" in set(table["value"]) for table in tables)
    app.toggle(key="frozen_json").set_value(True).run()
    assert any('"learning_rate"' in item.value for item in app.json)
    app.selectbox(key="clone_name").set_value("training.learning_rate").run()
    app.number_input(key=f"clone_value_{folder.run_id}_training.learning_rate").set_value(0.001).run()
    button(app, "clone").click().run()
    assert not app.exception and not app.error
    newest = hub.store.list_runs(["finetune"]).iloc[0]
    assert address(app)["run"] == newest["run_id"] and newest["title"].endswith("(learning rate: 0.001)")
    training = hub.store.read_run(newest["run_id"])["config"]["training"]
    assert (training["learning_rate"], training["epochs"]) == (0.001, 6)
    hub.order(newest["run_id"], "cancel")


def test_choices_of_how_it_looks_stand_in_the_address_and_come_back(hub, drawn, monkeypatch):
    app = watch(home.FINETUNE)
    before = drawn["watch_loss"]["layout"]
    app.toggle(key="curve_log").set_value(True)
    app.toggle(key="curve_clip").set_value(True)
    app.selectbox(key="curve_span").set_value(0)
    app.segmented_control(key="curve_across").set_value("epoch").run()
    query = address(app)
    assert (query["log"], query["clip"], query["smooth"], query["over"]) == ("1", "1", "0", "epoch")
    after = drawn["watch_loss"]["layout"]
    assert after["yaxis"]["type"] == "log" and "clipmax" in after["yaxis"]["autorangeoptions"]
    assert after["uirevision"] == before["uirevision"]
    assert "Points above the axes" in look(app) and "training loss 1" in look(app) and "thinned" not in look(app)
    drawn.clear()
    monkeypatch.setattr("pages.components.curves.MAIN_POINTS", 30)
    again = visit("finetune", **query)
    assert again.toggle(key="curve_log").value and again.selectbox(key="curve_span").value == 0
    assert drawn["watch_loss"]["layout"] == after
    assert "of 40 points of the training loss" in look(again)
    points = drawn["watch_loss"]["data"][0]["x"]
    assert len(points) <= 30 and points[-1] == 4.0


def test_an_address_that_makes_no_sense_is_passed_over(hub):
    nonsense = {"log": "x", "smooth": "7", "over": "year", "with": "a,b", "at": "²", "round": "9", "phase": "x"}
    assert not watch(home.FINETUNE, **nonsense).exception


def test_the_phase_before_preferences_can_be_switched_to(hub, drawn):
    folder = begin(hub, objective="dpo", policy_training=SETTINGS)
    with folder.hold():
        measure(folder, ["sft/loss", "sft/validation_loss"], 12)
        hub.step()
        app = watch(folder.run_id)
        assert list(drawn) == ["watch_loss"] and len(drawn["watch_loss"]["data"]) == 3  # nats per token both
        drawn.clear()
        measure(folder, ["loss", "validation_loss", "reward_margin"], 5)
        hub.step()
        app.run()
        assert list(drawn) == ["watch_loss", "watch_validation_loss", "watch_reward_margin"]  # not the same unit
        assert "Training loss, Preferences (DPO)" in drawn["watch_loss"]["layout"]["title"]["text"]
        drawn.clear()
        app.segmented_control(key=f"curve_phase_{folder.run_id}").set_value("sft").run()
        assert list(drawn) == ["watch_loss"] and drawn["watch_loss"]["data"][0]["x"][-1] == 12
        assert address(app)["phase"] == "sft"
        folder.finish("done")


def test_a_failed_training_without_a_seed_set_says_its_sentence_and_opens_its_log(hub):
    folder = begin(hub, seed_set=None, seed_set_name=None)
    with folder.hold():
        folder.finish("failed", error="The memory does not suffice; try accumulation_steps=24.")
    (folder.path / "log.txt").write_text("Traceback: it was too much\n")
    hub.step()
    app = watch(folder.run_id)
    assert "try accumulation_steps=24" in look(app) and "seeds" not in address(app)
    assert next(expander for expander in app.expander if expander.label == "Log").proto.expanded
    assert any("it was too much" in code.value for code in app.code)
    assert button(app, "again").label == "Begin it again"
    folder.append("checkpoints", {"round": 1, "step": 5, "path": "x", "sha256": "y"})
    hub._watch.touch(folder.run_id)
    hub.step()
    app.run()
    assert button(app, "again").label == "Resume from the last checkpoint"
    button(app, "again").click().run()
    assert hub.store.read_run(folder.run_id)["state"] == "queued"
    hub.order(folder.run_id, "cancel")


def test_answers_follow_the_newest_checkpoint_until_another_is_taken(hub):
    folder = begin(hub)
    with folder.hold():
        measure(folder, ["loss"], 30)
        answer(folder)
        folder.finish("done")
    hub.step()
    app = watch(folder.run_id)
    assert "same answer as at the checkpoint before" in look(app) and "1 of these 1 right at step 30" in look(app)
    app.segmented_control(key=f"sample_step_{folder.run_id}_1").set_value(20).run()
    assert "became right" in look(app) and "red-background[9]" in look(app)
    assert address(app)["at"] == "20"
    again = watch(folder.run_id, at="10")
    assert "first checkpoint" in look(again) and "0 of these 1 right at step 10" in look(again)


def test_several_runs_are_laid_over_one_another_with_what_they_differ_in(hub, drawn):
    one, two = begin(hub), begin(hub, training={**SETTINGS, "rank": 8})
    for folder, value in ((one, 0.5), (two, 1.0)):
        with folder.hold():
            measure(folder, ["loss", "validation_loss", "validation_accuracy"], 12, value=value)
            folder.finish("done")
    hub.step()
    app = watch(one.run_id)
    alone = drawn["watch_loss"]["layout"]["uirevision"]
    app.multiselect(key="overlaid").set_value([two.run_id]).run()
    assert not app.exception
    assert [trace["name"] for trace in drawn["watch_loss"]["data"]] == ["A", "B"]
    assert drawn["watch_loss"]["layout"]["uirevision"] == alone
    assert address(app)["with"] == two.run_id
    table = next(table.value for table in app.dataframe if "line" in table.value)
    assert table["rank"].tolist() == ["32", "8"] and "epochs" not in table
    assert [text.replace("\u00a0", " ") for text in table["best validation"]] == ["50.0 %, step 1", "100.0 %, step 1"]
    again = watch(one.run_id, **{"with": f"{two.run_id},nowhere"})
    assert again.multiselect(key="overlaid").value == [two.run_id]


# -- the queue -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "key"), [("finetune", "queue"), ("runs", "queue_device")])
def test_what_waits_is_moved_and_taken_out_where_the_queue_is_shown(hub, page, key):
    about = {"seed_set": home.SEED_SET, "training": {}}
    runs = [hub.submit("finetune", f"Waits {i}", about, lane="device") for i in range(3)]
    app = visit(page, run=runs[0], **({"show": "watch"} if page == "finetune" else {}))
    button(app, f"{key}_first_{runs[2]}").click().run()
    button(app, f"{key}_down_{runs[0]}").click().run()
    assert hub.list_waiting("device") == [runs[2], runs[1], runs[0]]
    shown = [line.partition("Waits ")[2] for line in look(app).splitlines() if line.startswith(":gray[")]
    assert [place for place in shown if place] == ["2", "1", "0"]
    assert button(app, f"{key}_up_{runs[2]}").disabled and button(app, f"{key}_down_{runs[0]}").disabled
    button(app, f"{key}_cancel_{runs[1]}").click().run()
    assert hub.list_waiting("device") == [runs[2], runs[0]] and not app.exception
    assert read_orders(hub.settings.home / "runs" / runs[1]).cancelled_at is not None
    folder = RunFolder(hub.settings.home / "runs" / runs[0])
    with folder.hold():  # it begins while the page still shows it waiting
        button(app, f"{key}_up_{runs[0]}").click().run()
        assert not app.exception and hub.list_waiting("device") == [runs[2]]
        if page == "runs":  # the other page is drawn anew at once, as that of a run that works
            assert "only a run that waits in the queue can be moved" in look(app)
        folder.finish("done")
    hub.order(runs[2], "cancel")


# -- notices and the webhook -----------------------------------------------------------------------------------------


def test_ends_are_told_once_in_every_tab_that_was_open(hub):
    def look_for_ends():
        from core import hub as hubs
        from pages.components.notices import draw_notices

        draw_notices(hubs.get_hub())

    hub.step()  # what other tests brought to an end is no news
    app, other = (AppTest.from_function(look_for_ends).run() for _ in range(2))
    assert not app.toast
    errors = [None, "It met a stone; go round it."]
    for error in errors:
        with (folder := begin(hub)).hold():
            folder.finish("failed" if error else "done", error=error)
    with (trial := begin(hub, is_preview=True)).hold():
        trial.finish("done")  # the page that made it shows it anyway
    hub.step()
    told = [toast.value.replace("\\", "") for toast in app.run().toast]
    assert len(told) == 2 and "is done" in told[0] and " failed after" in told[1] and errors[1] in told[1]
    assert not app.run().toast and len(other.run().toast) == 2
    assert not AppTest.from_function(look_for_ends).run().toast  # a tab that looks from now on
    for _ in range(5):
        with (folder := begin(hub)).hold():
            folder.finish("done")
    hub.step()
    told = [toast.value for toast in app.run().toast]
    assert len(told) == 4 and "2 more runs" in told[-1]


def test_a_title_is_never_read_as_markdown():
    end = End(1, "r", "loop", "![x](http://evil/p) [a](b)", "done", None, 3.0, False)
    assert "![x](http" not in say_end(end)
    assert say_end(end).endswith("(/finetune?run=r&show=result) is done after 3.0\u00a0s.")


def test_runs_says_who_hears_of_ends_and_what_is_wrong(hub, monkeypatch):
    hook = SimpleNamespace(host="hooks.example", fault=None, n_sent=4, n_failed=0)
    monkeypatch.setattr(hub, "webhook", hook)
    assert "Every end of a run is posted to hooks.example; 4 ends so far" in look(visit("runs")).replace("\u2060", "")
    hook.fault, hook.n_failed = "The end of x was not posted to hooks.example: no answer.", 2
    app = visit("runs")
    assert "was not posted" in app.warning[0].value and "so far: 2" in app.warning[0].value
