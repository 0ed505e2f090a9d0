"""The histogram of the page Select in a real browser: a range that is dragged over narrows the table below."""

import re

import pytest

from tests.pages.home import fill_home

READ = """paths => paths.map(path => {
  const {x, y, width, height} = path.getBoundingClientRect();
  return {x, y, width, height};
})"""
"""All places at one moment: a chart that is drawn anew between two questions has other bars."""

CHART = ".seedbed-chart[data-chart^='signal_loss']"


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    return serve(fill_home(tmp_path_factory.mktemp("home")))


def find_bars(page) -> list[dict]:
    """Return where the bars of the pool are on the screen, left to right, once the chart is no longer drawn anew."""
    page.locator(f"{CHART} .bars .point path").first.wait_for()
    seen: list[dict] = []
    for _ in range(50):
        page.wait_for_timeout(200)
        before, seen = seen, page.locator(f"{CHART} .bars .point path").evaluate_all(READ)
        if seen and seen == before:
            break
    return seen


def test_a_dragged_range_and_a_clicked_bar_show_those_problems(page, address):
    page.goto(f"{address}/select")
    bars = find_bars(page)
    first, third = bars[0], bars[2]
    low = third["y"] + third["height"] - 4
    page.mouse.move(first["x"] + first["width"] / 2, low - 60)
    page.mouse.down()
    page.mouse.move(third["x"] + third["width"] / 2, low - 20, steps=8)
    page.mouse.up()
    page.get_by_text(re.compile(r"Only loss from 0\.\d+ to [01]\.\d+")).wait_for()
    page.get_by_role("button", name="Show all values again").click()
    page.get_by_text(re.compile("Only loss from")).wait_for(state="detached")
    last = find_bars(page)[-1]
    page.mouse.click(last["x"] + last["width"] / 2, last["y"] + last["height"] - 3)
    page.get_by_text(re.compile(r"Only loss from 1\.\d+ to 2\.00")).wait_for()
    assert page.errors == []
