"""The tour: offered to who is new, one stop after another, closed for the home, adapted to what is there."""

import json

import pytest

from core.errors import SeedbedError
from core.tour import FILE, Tour, read_tour, write_tour
from pages.components.tour import STOPS
from tests.pages.test_pages import button, texts


def keys(app) -> set[str | None]:
    return {item.key for item in app.button}


def test_a_tour_is_remembered_until_it_is_closed(tmp_path):
    assert read_tour(tmp_path) == Tour(None, is_new=True)
    write_tour(tmp_path, 3)
    assert read_tour(tmp_path) == Tour(3)
    write_tour(tmp_path, None)
    assert read_tour(tmp_path) == Tour(None)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("text", ["", "[]", "7", '{"step": 1}', "\x00"])
def test_a_file_that_cannot_be_read_is_a_tour_that_nobody_opened(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    assert read_tour(tmp_path).is_new


def test_a_home_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(SeedbedError, match="could not be remembered in"):
        write_tour(tmp_path / "gone", 0)


def test_it_begins_on_an_empty_home_with_the_demo(empty, visit):
    app = visit("overview")
    assert "Two minutes: what is what" in texts(app) and "tour_bar" not in texts(app)
    app = button(app, "tour_start").click().run()
    assert not app.exception and "1 of 7 · Overview" in texts(app)
    assert "Press **Start the demo**" in texts(app) and "Two minutes" not in texts(app)
    assert button(app, "tour_back").disabled
    button(app, "start_demo").click().run()
    assert "1 of 7 · Overview" in texts(app) and "Press **Start the demo**" not in texts(app), "it has begun"


@pytest.mark.parametrize("home", ["empty", "filled"])
def test_every_stop_leads_to_its_page_and_says_what_is_or_will_be_there(home, request, visit):
    hub = request.getfixturevalue(home)
    write_tour(hub.settings.home, 0)
    app = visit("overview")
    for number, stop in enumerate(STOPS, start=1):
        assert not app.exception and not app.error
        assert f"{number} of 7 · {stop.name}** {stop.look if home == 'filled' else stop.coming}" in texts(app)
        assert [item.value for item in app.title] == [stop.name]
        if number < len(STOPS):
            app = button(app, "tour_next").click().run()
    assert "tour_next" not in keys(app)
    app = button(app, "tour_back").click().run()
    assert read_tour(hub.settings.home) == Tour(len(STOPS) - 2)


def test_the_bar_stays_on_other_pages_until_it_is_closed_for_good(filled, visit):
    write_tour(filled.settings.home, 2)
    app = visit("runs")
    assert "3 of 7 · Select" in texts(app)
    app = button(app, "tour_close").click().run()
    assert not app.exception and "3 of 7" not in texts(app)
    assert json.loads((filled.settings.home / FILE).read_text()) == {"place": None}
    assert "tour_back" not in keys(visit("seeds"))


def test_it_can_be_taken_again_and_is_no_card_where_somebody_has_trained(filled, visit):
    app = visit("overview")
    assert "Two minutes" not in texts(app)
    app = button(app, "tour_again").click().run()
    assert "1 of 7 · Overview" in texts(app)


def test_not_now_is_remembered(empty, visit):
    app = button(visit("overview"), "tour_refuse").click().run()
    assert "Two minutes" not in texts(app) and "tour_again" in keys(app)
