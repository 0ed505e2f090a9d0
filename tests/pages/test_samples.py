"""Answers at each checkpoint of a training, and which checkpoint was kept; page by page."""

from core.runs.folder import RunFolder
from tests.pages.watched import address, answer, begin, look, measure, visit, watch


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


def test_answers_follow_each_new_checkpoint_though_the_widget_never_changes(hub):
    folder = begin(hub)
    with folder.hold():
        measure(folder, ["loss"], 30)
        app, seen = None, []
        for step in (10, 20, 30):
            folder.append("checkpoint_answers", {
                "round": 1, "step": step, "problem_id": "p1", "epoch": step / 10, "question": "?", "reference": "1",
                "text": "1", "final": "1", "is_correct": True, "n_tokens": 5,
            })  # fmt: skip
            hub.step()
            app = app.run() if app else watch(folder.run_id)
            boxes = [box.value for box in app.segmented_control if box.label == "Checkpoint"]
            seen.append((boxes, f"right at step {step}." in look(app) or f"right at step {step}," in look(app)))
            assert "at" not in address(app)
        # a value that we set ourselves would come back from the browser as if a person had chosen it
        assert seen == [([], True), (["newest"], True), (["newest"], True)]
        folder.finish("done")


def keep_second(folder: RunFolder) -> None:
    """Write a training of 30 steps that starts better than it ends, and keeps step 20."""
    measure(folder, ["loss"], 30)
    for step, value in ((0, 0.9), (10, 0.4), (20, 0.6), (30, 0.5)):
        for name, each in (("validation_accuracy", value), ("validation_loss", 1 - value)):
            row = {"round": 1, "step": step, "epoch": step / 10, "written_at": 1000.0 + step}
            folder.append("metrics", {**row, "name": name, "value": each})
        folder.append("checkpoint_answers", {
            "round": 1, "step": step, "problem_id": "p1", "epoch": step / 10, "question": "?", "reference": "1",
            "text": str(step), "final": "1", "is_correct": True, "n_tokens": 5,
        })  # fmt: skip
    folder.append("adapters", {"round": 1, "student": "tiny", "path": "x", "n_rows": 9, "best_epoch": 2.0,
                               "validation_accuracy": 0.6, "validation_accuracy_before": 0.9, "written_at": 1.0,
                               "objective": "sft"})  # fmt: skip


def test_the_kept_step_is_named_in_the_chart_and_among_the_answers_and_step_0_is_before_training(hub, drawn):
    folder = begin(hub)
    with folder.hold():
        keep_second(folder)
        folder.finish("done", {"best_step": 20, "n_steps": 30, "stopped": "It was told to stop."})
    hub.step()
    app = watch(folder.run_id)
    kept = "Kept: the checkpoint of step 20 of 30, the best on validation: 60.0 %, before the training 90.0 %."
    assert kept in look(app)
    for name in ("watch_loss", "watch_validation_accuracy"):
        assert [note["text"] for note in drawn[name]["layout"]["annotations"]][-1] == "kept: step 20"
        assert drawn[name]["layout"]["xaxis"]["tickformat"] == ",d"
    (choice,) = [box for box in app.segmented_control if box.label == "Checkpoint"]
    assert choice.options == [
        "Before training", "step 10 · epoch 1", "step 20 · epoch 2 · ★ kept", "step 30 · epoch 3", "newest",
    ]  # fmt: skip
    app = watch(folder.run_id, at="0")
    assert "1 of these 1 right before training." in look(app) and not app.exception
    folder.append("evaluations", {"round": 1, "split": "test", "n": 4, "n_correct": 2, "accuracy": 0.5,
                                  "n_truncated": 0, "written_at": 1.0})  # fmt: skip
    hub._watch.touch(folder.run_id)
    hub.step()
    assert kept in look(visit("finetune", run=folder.run_id, show="result"))


def test_a_policy_that_was_kept_is_called_one(hub, drawn):
    folder = begin(hub, objective="dpo")
    with folder.hold():
        measure(folder, ["sft/loss", "sft/validation_accuracy"], 6)
        row = {"round": 1, "student": "tiny", "path": "x", "objective": "sft"}
        folder.append("adapters", row)
        folder.append("policy_answers", {
            "round": 1, "step": 1, "problem_id": "p1", "epoch": 1.0, "question": "?", "reference": "1",
            "text": "as the policy said", "final": "1", "is_correct": True, "n_tokens": 5,
        })  # fmt: skip
        folder.finish("done")
    hub.step()
    app = watch(folder.run_id)
    assert "Kept: the checkpoint of step 1 of 6 of the policy, the best on validation: 100.0 %." in look(app)
    assert "as the policy said" in look(app)
