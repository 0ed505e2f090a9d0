"""The report of an experiment in a real browser without a network: every figure is drawn, light, dark and on paper."""

import pytest

from core.recipes.report import write_report
from tests.pages import home as homes
from tests.recipes.test_report import make_experiment


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    place = homes.fill_home(tmp_path_factory.mktemp("home"))
    path = tmp_path_factory.mktemp("out") / "report.html"
    write_report(place, make_experiment(place), path)
    return path


@pytest.fixture
def offline(page):
    page.context.set_offline(True)
    return page


def read_looks(page) -> list[str]:
    """Return the colour of a figure's words, and its width."""
    return page.evaluate(
        "[document.querySelector('.chart .xtitle').style.fill,"
        " document.querySelector('.chart .main-svg').getAttribute('width')]"
    )


def wait_for(page, is_right) -> list[str]:
    """Return the looks of the first figure once they are right; the page lets nobody wait by code of its own."""
    for _ in range(100):
        if is_right(looks := read_looks(page)):
            return looks
        page.wait_for_timeout(100)
    raise AssertionError(looks)


def test_it_opens_without_a_network_and_draws_every_figure(offline, file):
    offline.goto(file.as_uri())
    offline.locator(".chart .main-svg").first.wait_for()
    n = offline.locator(".chart").count()
    assert n >= 6 and offline.locator(".chart:has(.main-svg)").count() == n
    assert offline.errors == [] and offline.asked == [file.as_uri()]
    assert offline.evaluate("document.documentElement.scrollWidth") == 1440
    assert "alert" in offline.title()  # a hostile title is a text


def test_it_follows_the_scheme_and_is_light_on_paper(offline, file):
    offline.emulate_media(color_scheme="light")
    offline.goto(file.as_uri())
    offline.locator(".chart .main-svg").first.wait_for()
    light, wide = read_looks(offline)
    offline.emulate_media(color_scheme="dark")
    dark, _ = wait_for(offline, lambda looks: looks[0] != light)
    offline.emulate_media(color_scheme="dark", media="print")
    assert wait_for(offline, lambda looks: looks != [dark, wide]) == [light, "660"]
    offline.emulate_media(color_scheme="dark", media="screen")
    assert wait_for(offline, lambda looks: looks[0] == dark) == [dark, wide]
    assert offline.errors == []


def test_it_fits_a_narrow_screen(offline, file):
    offline.set_viewport_size({"width": 420, "height": 900})
    offline.goto(file.as_uri())
    offline.locator(".chart .main-svg").first.wait_for()
    assert offline.evaluate("document.documentElement.scrollWidth") == 420
    assert offline.errors == []
