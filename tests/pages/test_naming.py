"""What runs are called, in boxes and above figures, and how they are renamed; page by page."""

import pytest

from core.figures.curves import RUN_COLOURS
from tests.pages.test_pages import texts
from tests.pages.watched import begin, measure, visit, watch


@pytest.mark.parametrize(("page", "show"), [("finetune", "watch"), ("finetune", "result"), ("runs", None)])
def test_a_run_is_renamed_where_it_is_looked_at_and_its_note_is_shown_plainly(hub, page, show):
    with (folder := begin(hub)).hold():
        folder.finish("done")
    hub.step()
    app = visit(page, run=folder.run_id, **({"show": show} if show else {}))

    def write(boxes, label: str, text: str) -> None:
        next(box for box in boxes if box.label == label).set_value(text)

    def save() -> None:
        next(each for each in app.button if each.label == "Save").click().run()

    write(app.text_input, "Title", "  ")
    save()
    assert [error.value.replace("\\", "") for error in app.error] == ["A run needs a title; write one."]
    write(app.text_input, "Title", "**Bold** <b>x</b>")
    write(app.text_area, "Note", "![x](http://evil/p) fell apart")
    save()
    assert not app.error
    assert app.selectbox(key=f"{page}_run").proto.set_value  # else the browser shows the old title until it is reloaded
    assert hub.store.read_run(folder.run_id)["title"] == "**Bold** <b>x</b>"
    drawn = texts(app)
    assert "![x](http" not in drawn and "fell apart" in drawn and "<b>" not in drawn.replace("\\<b", "")
    if show != "result":
        assert r"\*\*Bold\*\*" in drawn
    assert any("**Bold** <b>x</b>" in option for box in app.selectbox for option in box.options)


def test_runs_of_one_title_are_told_apart_and_the_time_comes_first(hub):
    runs = []
    for _ in range(2):
        with (folder := begin(hub)).hold():
            measure(folder, ["loss"], 2)
            folder.finish("done")
        hub.step()
        hub.rename(folder.run_id, "Like another")
        runs.append(folder.run_id)
    app = watch(runs[0])
    offered = [option for option in app.selectbox(key="finetune_run").options if "Like another" in option]
    assert len(set(offered)) == 2 and all(option[2] == ":" and " · Like another" in option for option in offered)
    offered = [option for option in app.multiselect(key="overlaid").options if "Like another" in option]
    assert len(offered) == 1 and offered[0][2] == ":"
    made = next(table.value for table in visit("runs").dataframe if "took" in table.value)
    assert made["made"].str[2].eq(":").all() and "started" not in made


def test_which_line_is_which_stands_above_the_figures_with_letter_colour_and_whole_title(hub, drawn):
    runs = []
    for _ in range(2):
        with (folder := begin(hub)).hold():
            measure(folder, ["loss"], 3)
            folder.finish("done")
        runs.append(folder.run_id)
    hub.step()
    hub.rename(runs[1], "<i>" + "long " * 30)
    app = watch(runs[0], **{"with": runs[1]})
    pages = " ".join(item.body for item in app.get("html"))
    assert "&lt;i&gt;" + ("long " * 30).strip() in pages and "<i>" not in pages
    assert all(f"color:{colour}" in pages for colour in RUN_COLOURS[:2])
    assert f'[data-tag-index="0"] {{background: {RUN_COLOURS[1]}' in pages and 'content: "B"' in pages
