"""The form that brings in a seed set."""

import pytest


@pytest.mark.parametrize(("task", "is_said"), [("custom", True), ("game24", False)])
def test_questions_alone_are_explained_where_the_task_needs_answers(empty, visit, tmp_path, task, is_said):
    file = tmp_path / "mine.jsonl"
    file.write_text('{"statement": "1 2 3 4"}\n{"statement": "2 2 3 4"}\n')
    app = visit("seeds")
    app.segmented_control(key="source").set_value("Files").run()
    app.radio(key="file_way").set_value("Path on this machine").run()
    app.text_input(key="path_train").input(str(file)).run()
    next(box for box in app.selectbox if box.label == "Task").set_value(task).run()
    app.multiselect[0].set_value(["statement"]).run()
    assert not app.exception and not app.error
    said = "no correctness, no solve rate and no loss of the reference"
    assert any(said in box.value for box in app.info) == is_said
    assert app.button(key="import").disabled == is_said
