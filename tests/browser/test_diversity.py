"""The map in a real browser: a line drawn with the mouse, the text beside the pointer, a judgement on all inside."""

import json
import re

import pytest

from core.hub import Hub
from core.recipes.kinds import execute
from core.recipes.mapping import start_map
from core.runs.folder import RunFolder
from core.settings import Settings
from tests.pages import home as made


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    global HOME
    HOME = made.fill_home(tmp_path_factory.mktemp("home"))
    hub = Hub(Settings(home=HOME, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    hub.step()
    run_id = start_map(hub, made.SEED_SET, projection="pca")
    hub.close()
    assert execute(RunFolder(HOME / "runs" / run_id)) == "done"
    return serve(HOME)


def open_map(page, address: str, query: str = "") -> dict:
    page.goto(f"{address}/diversity?show=map{query}")
    page.locator(".seedbed-points[data-points]").wait_for()
    area = page.locator(".seedbed-points .nsewdrag").first
    area.wait_for(state="attached")
    box = None
    while box != (box := area.bounding_box()):
        page.wait_for_timeout(500)
    return box


def wait_until_in_view(page, name: str) -> None:
    """Wait until a container, by its key, is whole or fills the window."""
    page.wait_for_function(
        """(name) => {
        const box = document.querySelector(`.st-key-${name}`)?.getBoundingClientRect();
        return box && box.top < innerHeight - 60 && (box.bottom <= innerHeight + 1 || box.top <= 1); }""",
        arg=name,
    )


def draw_around_all(page, box: dict) -> None:
    """Drag a line along the edge of the map."""
    left, top = box["x"] + 3, box["y"] + 3
    right, bottom = box["x"] + box["width"] - 3, box["y"] + box["height"] - 3
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=6)
    page.mouse.up()


def test_a_line_around_points_judges_them_and_takes_it_back(page, address):
    box = open_map(page, address)
    n = int(page.locator(".seedbed-points").get_attribute("data-points"))
    draw_around_all(page, box)
    page.get_by_role("heading", name=f"{n} points inside the line").wait_for()
    page.get_by_role("button", name=re.compile(r"^Accept \d+$")).click()
    page.get_by_text(re.compile(r"^Accept: \d+ candidates")).wait_for()
    lines = [json.loads(line) for line in (HOME / "journal" / "reviews.jsonl").read_text().splitlines()]
    assert sum(line["action"] == "accept" for line in lines) > 5
    page.get_by_role("button", name="Undo").click()
    page.get_by_text(re.compile(r"^Took back \d+ reviews")).wait_for()
    area = page.locator(".seedbed-points .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.dblclick(box["x"] + 8, box["y"] + 40)
    page.get_by_text("Nothing is marked.").wait_for()
    assert not page.errors


def test_texts_beside_the_pointer_are_plain_text(page, address):
    open_map(page, address, "&colour=review")
    found = page.evaluate(
        """() => {
        const node = document.querySelector('.seedbed-points'), tip = document.querySelector('.seedbed-tip');
        const row = node.seedbedTexts.findIndex((text) => text.includes('onerror'));
        const curve = node.seedbedRows.findIndex((rows) => rows.includes(row));
        const point = {curveNumber: curve, pointNumber: node.seedbedRows[curve].indexOf(row)};
        node.emit('plotly_hover', {points: [point], event: {clientX: 300, clientY: 300}});
        return [tip.textContent, tip.querySelectorAll('*').length, tip.style.display];
    }"""
    )
    assert "<img src=x onerror=alert(1)>" in found[0] and found[1:] == [0, "block"]
    assert not page.errors and not any("evil.example" in address for address in page.asked)


def test_a_click_on_a_point_shows_its_neighbours(page, address):
    open_map(page, address)
    page.evaluate(
        """() => { const node = document.querySelector('.seedbed-points'), trace = node._fullData[0];
        node.emit('plotly_click', {points: [{curveNumber: 0, pointNumber: 0, x: trace.x[0], y: trace.y[0]}]}); }"""
    )
    page.get_by_text("Nearest in meaning").wait_for()
    wait_until_in_view(page, "map_point")
    ring = page.locator(".seedbed-points .shapelayer path")
    assert ring.count() == 1 and 18 <= ring.bounding_box()["width"] < 30
    area = page.locator(".seedbed-points .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.dblclick(box["x"] + 8, box["y"] + 40)
    page.get_by_text("Nothing is marked.").wait_for()
    ring.wait_for(state="detached")
    assert not page.errors


def test_a_cell_of_the_archive_shows_its_problems(page, address):
    page.goto(f"{address}/diversity?show=archive")
    cell = page.locator(".seedbed-points .nsewdrag").first
    cell.wait_for(state="attached")
    page.wait_for_timeout(1000)
    box = cell.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 12, box["y"] + box["height"] / 2)
    page.get_by_text(re.compile("solved in 0 to 10 % of the answers")).wait_for()
    wait_until_in_view(page, "archive_cell")
    assert not page.errors


def test_a_swipe_over_the_map_is_for_the_page(page, address):
    context = page.context.browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone = context.new_page()
    open_map(phone, address)
    assert phone.evaluate("document.querySelector('.seedbed-points').layout.dragmode") is False
    phone.locator(".seedbed-points").scroll_into_view_if_needed()
    scrolled = "document.querySelector('.stMain').scrollTop"
    before, box = phone.evaluate(scrolled), phone.locator(".seedbed-points").bounding_box()
    send = context.new_cdp_session(phone).send
    x, y = box["x"] + box["width"] / 2, max(box["y"], 0) + 100
    send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + 20 * step}]})
    send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.wait_for_function(f"(before) => before - {scrolled} > 100", arg=before)
    context.close()
