"""Watching a training and its queue: figures, phases, several runs, orders, notices; page by page."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core.runs.ends import End
from core.runs.folder import RunFolder
from core.runs.orders import read_orders
from pages.components import notices
from pages.components.curves import Shown, tabulate
from pages.components.notices import say_end
from tests.pages import home
from tests.pages.conftest import SHELL
from tests.pages.test_pages import button, metric
from tests.pages.watched import SETTINGS, address, begin, look, measure, visit, watch

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


def test_while_the_policy_trains_the_standing_is_the_policys_and_pairs_are_called_so(hub):
    folder = begin(hub, objective="dpo", policy_training={**SETTINGS, "epochs": 3})
    with folder.hold():
        measure(folder, ["sft/loss"], 12)
        point = {"round": 1, "step": 10, "name": "sft/validation_accuracy", "value": 0.3, "epoch": 1.0}
        folder.append("metrics", point)
        folder.report("round 1: policy", 12, 0, 30)
        hub.step()
        app = watch(folder.run_id)
        assert metric(app, "Left of the policy") == "measuring"
        assert metric(app, "Policy's best so far").replace("\u00a0", " ") == "30.0 %"
        assert metric(app, "Rows") == "9"
        folder.append("metrics", {**point, "name": "validation_accuracy", "value": 0.5})
        folder.report("round 1: finetune", 10, 0, 60)
        hub.step()
        app.run()
        assert metric(app, "Best so far").replace("\u00a0", " ") == "50.0 %"
        folder.append("adapters", {"round": 1, "student": "tiny", "path": "x", "objective": "dpo", "written_at": 2.0})
        folder.finish("done", {"n_rows": 14})
    hub.step()
    app.run()
    assert metric(app, "Pairs") == "14"


def test_the_frozen_settings_are_the_runs_and_a_copy_changes_one(hub):
    folder = begin(hub)
    with folder.hold():
        folder.finish("done")
    hub.step()
    app = watch(folder.run_id)
    tables = [table.value for table in app.dataframe if "setting" in table.value]
    training = next(table for table in tables if "learning rate" in set(table["setting"])).set_index("setting")
    assert training.loc["learning rate"].tolist() == ["0.002", "changed from 0.0004"]
    assert next(row for name, row in training.iterrows() if "rank" in name.lower()).tolist() == ["32", ""]
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
        assert list(drawn) == ["watch_loss"] and len(drawn["watch_loss"]["data"]) == 2  # nats per token both
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
    (rank,) = [name for name in table if "rank" in name.lower()]
    assert table[rank].tolist() == ["32", "8"] and "epochs" not in [name.lower() for name in table]
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
    assert button(app, f"{key}_up_{runs[0]}").label == "One up: 3. Waits 0"  # an icon says nothing to a screen reader
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
        hub.step()
        for order, words in (("keep", "Stop and keep the best"), ("cancel", "Cancel this run")):
            assert button(app.run(), f"{key}_{order}_{runs[0]}").label == f"{words} :gray[Waits 0]"
        folder.finish("done")
    hub.order(runs[2], "cancel")


# -- notices and the webhook -----------------------------------------------------------------------------------------


def look_for_ends():
    from core import hub as hubs
    from pages.components.notices import draw_notices

    draw_notices(hubs.get_hub())


@pytest.fixture
def told_once(monkeypatch):
    monkeypatch.setattr(notices, "AGAIN_S", 0.0)


def test_ends_are_told_once_in_every_tab_that_was_open(hub, told_once):
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
    assert len(told) == 2 and "**Done after" in told[0] and "**Failed after" in told[1] and errors[1] in told[1]
    assert not app.run().toast and len(other.run().toast) == 2
    assert not AppTest.from_function(look_for_ends).run().toast  # a tab that looks from now on
    for _ in range(5):
        with (folder := begin(hub)).hold():
            folder.finish("done")
    hub.step()
    told = [toast.value for toast in app.run().toast]
    assert len(told) == 4 and "2 more runs" in told[0]


def test_a_notice_that_a_rerun_cut_off_is_told_by_that_rerun(hub, monkeypatch, told_once):
    app = AppTest.from_function(look_for_ends).run()
    with (folder := begin(hub)).hold():
        folder.finish("done")
    hub.step()
    with monkeypatch.context() as cut:
        cut.setattr(notices.st, "toast", lambda *_, **__: notices.st.stop())  # as Streamlit ends a run for another
        assert not app.run().toast
    assert len(app.run().toast) == 1 and not app.run().toast
    for _ in range(5):
        with (folder := begin(hub)).hold():
            folder.finish("done")
    hub.step()
    sent = []
    with monkeypatch.context() as cut:
        cut.setattr(notices.st, "toast", lambda *args, **_: sent.append(args) if not sent else notices.st.stop())
        app.run()
    assert "2 more runs" in sent[0][0]
    told = [toast.value for toast in app.run().toast]
    assert len(told) == 4 and "2 more runs" in told[0] and not app.run().toast


def test_a_notice_is_told_again_by_the_runs_that_follow_at_once(hub, monkeypatch):
    hub.step()  # what other tests brought to an end is no news
    app = AppTest.from_function(look_for_ends).run()
    with (folder := begin(hub)).hold():
        folder.finish("done")
    hub.step()
    (told,) = [toast.value for toast in app.run().toast]
    assert [toast.value for toast in app.run().toast] == [told]
    monkeypatch.setattr(notices, "AGAIN_S", 0.0)  # by now it has been seen
    assert not app.run().toast


def test_a_title_is_never_read_as_markdown():
    end = End(1, "r", "loop", "![x](http://evil/p) [a](b)", "done", None, 3.0, False)
    assert "![x](http" not in say_end(end)
    assert say_end(end).endswith("](/finetune?run=r&show=result)")
    assert say_end(end).startswith("**Done after 3.0\u00a0s:** [") and len(say_end(replace(end, title="x" * 200))) < 140


def test_runs_says_who_hears_of_ends_and_what_is_wrong(hub, monkeypatch):
    hook = SimpleNamespace(host="hooks.example", fault=None, n_sent=4, n_failed=0)
    monkeypatch.setattr(hub, "webhook", hook)
    assert "Every end of a run is posted to hooks.example; 4 ends so far" in look(visit("runs")).replace("\u2060", "")
    hook.fault, hook.n_failed = "The end of x was not posted to hooks.example: no answer.", 2
    app = visit("runs")
    assert "was not posted" in app.warning[0].value and "so far: 2" in app.warning[0].value


def test_the_star_of_a_phase_says_whether_that_phase_is_over(hub, drawn):
    def read_star() -> str:
        app = watch(folder.run_id, phase=phase)
        assert not app.exception
        return drawn["watch_validation_accuracy"]["layout"]["annotations"][-1]["text"].partition(":")[0]

    folder = begin(hub, objective="dpo")
    with folder.hold():
        phase = "sft"
        measure(folder, ["sft/loss", "sft/validation_accuracy"], 6)
        hub.step()
        assert read_star() == "best so far"
        measure(folder, ["loss", "validation_accuracy"], 6)
        hub.step()
        assert read_star() == "kept"  # the policy; the preferences are still trained
        phase = ""
        assert read_star() == "best so far"
        folder.append("adapters", {"round": 1, "student": "tiny", "path": "x", "objective": "sft"})
        hub.step()
        assert read_star() == "best so far"  # it was told to stop, and the policy alone is what it ended with
        folder.append("adapters", {"round": 1, "student": "tiny", "path": "x", "objective": "dpo", "written_at": 2.0})
        hub.step()
        assert read_star() == "kept"
        folder.finish("done")


def test_a_run_that_stops_tells_no_time_left_and_one_that_waits_to_go_on_says_so(hub):
    folder = begin(hub)
    with folder.hold():
        measure(folder, ["loss"], 24)
        now = time.time()
        folder.append("progress", {"stage": "round 1: finetune", "made": 24, "failed": 0, "total": 60,
                                   "written_at": now, "began_at": now - 60, "began_made": 0})  # fmt: skip
        hub.step()
        app = watch(folder.run_id)
        assert metric(app, "Left of the training").replace("\u00a0", " ") == "1 min 30 s"
        folder.order("keep")
        hub.step()
        app.run()
        assert metric(app, "Left of the training") == "stopping"
        folder.order("cancel")
        hub.step()
        app.run()
        assert metric(app, "Left of the training") == "stopping" and "left at this rate" not in look(app)
        folder.finish("cancelled")
    hub.step()
    hub.order(folder.run_id, "again")
    app = watch(folder.run_id)
    assert "attempt 2, not begun" in look(app)
    hub.order(folder.run_id, "cancel")


def test_all_points_of_what_is_drawn_come_as_a_table(hub):
    folder = begin(hub)
    with folder.hold():
        measure(folder, ["loss", "validation_accuracy", "sft/loss"], 5000)
        folder.finish("done")
    hub.step()
    hub.rename(folder.run_id, 'Half, "again"')
    table = tabulate(hub.store, [Shown(folder.run_id, 1)])
    assert list(table) == ["title", "run_id", "round", "metric", "step", "epoch", "minutes", "value"]
    assert table.groupby("metric").size().to_dict() == {"loss": 5000, "validation_accuracy": 5000}
    last = table[table["metric"] == "loss"].iloc[-1]
    assert (last["title"], last["step"], last["epoch"]) == ('Half, "again"', 5000, 500.0)
    assert last["minutes"] == pytest.approx(499.9) and last["value"] == pytest.approx(1 / 5000)
    assert any(each.label == "Points as CSV" for each in watch(folder.run_id).get("download_button"))


def test_the_strip_marks_the_page_that_is_open(hub):
    app = AppTest.from_file(str(SHELL), default_timeout=30).run()
    app.switch_page("finetune_page.py")
    app.query_params["show"] = "result"
    app.run()
    keys = [str(getattr(getattr(node, "proto", None), "id", "")) for node in app.main]
    assert [key.rpartition("step_")[2] for key in keys if key.endswith("-here")] == ["finetune-here"]
