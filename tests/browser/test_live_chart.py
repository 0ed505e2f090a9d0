"""The live curve in a real browser: points appear as they are written; node and zoom stay."""

import math
import time

import pytest

from core.runs.folder import RunFolder
from tests.pages.home import SEED_SET, fill_home

CHART = ".seedbed-chart[data-chart='watch_loss']"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return fill_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def address(serve, home):
    return serve(home)


@pytest.fixture
def run(home):
    """A finetune that this test plays the worker of."""
    config = {"seed_set": SEED_SET, "student": "tiny", "task": "word_problems"}
    folder = RunFolder.create(
        home, "finetune", title="Live", config=config, lane="device", run_id="20260101-000007-finetune-aaaa"
    )
    with folder.hold():
        yield folder
        folder.finish("done", {})


def write_points(folder: RunFolder, first: int, last: int) -> None:
    for step in range(first, last + 1):
        row = {
            "round": 1,
            "name": "loss",
            "step": step,
            "value": 2 / step,
            "epoch": step / 10,
            "written_at": time.time(),
        }
        folder.append("metrics", row)


def wait_for_points(page, n: int) -> None:
    page.wait_for_function(f'document.querySelector("{CHART}")?.dataset.points >= {n}', timeout=30_000)


def read_range(page) -> list[float]:
    return page.evaluate(f'document.querySelector("{CHART}").layout.xaxis.range')


def zoom_in(page, low: float, high: float) -> None:
    """Drag over a part of the horizontal axis, as a reader would."""
    area = page.locator(f"{CHART} .nsewdrag").bounding_box()
    middle = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + low * area["width"], middle)
    page.mouse.down()
    page.mouse.move(area["x"] + high * area["width"], middle, steps=5)
    page.mouse.up()
    page.wait_for_timeout(500)


def test_points_appear_and_zoom_and_node_stay(page, address, run):
    write_points(run, 1, 30)
    page.goto(f"{address}/finetune?run={run.run_id}&show=watch")
    wait_for_points(page, 30)
    page.evaluate(f'document.querySelector("{CHART}").dataset.mark = "mine"')
    zoom_in(page, 0.3, 0.6)
    zoomed = read_range(page)
    assert zoomed[0] > 5 and zoomed[1] < 25
    for last in (40, 50, 60):
        write_points(run, last - 9, last)
        wait_for_points(page, last)
    assert read_range(page) == zoomed
    assert page.evaluate(f'document.querySelector("{CHART}").dataset.mark') == "mine"
    assert page.locator(f"{CHART}.js-plotly-plot").count() == 1
    page.locator(".st-key-curve_log label").first.click()
    page.wait_for_function(f'document.querySelector("{CHART}").layout.yaxis.type === "log"')
    assert read_range(page) == zoomed
    zoom_in(page, 0.3, 0.5)
    page.wait_for_function(f'document.querySelector("{CHART}")._fullLayout.xaxis.dtick === 1')
    low, high = read_range(page)
    assert high - low < 3
    ticks = page.locator(f"{CHART} .xtick").all_text_contents()
    assert ticks == [str(step) for step in range(math.ceil(low), math.floor(high) + 1)]  # whole steps only
    assert page.errors == []


def test_the_page_settles_when_the_run_ends(page, address, home):
    folder = RunFolder.create(
        home, "finetune", title="Short", config={"seed_set": SEED_SET, "student": "tiny", "task": "word_problems"},
        lane="device", run_id="20260101-000008-finetune-aaaa",
    )  # fmt: skip
    page.route("**/Toast.*.js", lambda route: (page.wait_for_timeout(1500), route.continue_()))  # a slow browser
    with folder.hold():
        write_points(folder, 1, 5)
        page.goto(f"{address}/finetune?run={folder.run_id}&show=watch")
        page.get_by_role("button", name="Cancel this run").wait_for()
        folder.finish("done", {})
    page.get_by_role("button", name="See the result").wait_for()
    page.locator("[data-testid=stToast]", has_text="Short").wait_for()
    page.get_by_role("button", name="Cancel this run").wait_for(state="detached")
    assert page.locator(f"{CHART}[data-points='5']").count() == 1 and page.errors == []


PLACES = """() => [...document.querySelectorAll('[data-testid=stMain] :is(h1, h3, summary, .seedbed-chart)')]
  .map((node) => Math.round(node.getBoundingClientRect().top))"""


def test_nothing_moves_while_numbers_grow(page, address, home):
    folder = RunFolder.create(
        home, "finetune", title="Calm", config={"seed_set": SEED_SET, "student": "tiny", "task": "word_problems"},
        lane="device", run_id="20260101-000009-finetune-aaaa",
    )  # fmt: skip
    with folder.hold():
        folder.report("train", 9, 0, 9_000)
        write_points(folder, 1, 9)
        page.goto(address)
        page.wait_for_function("document.querySelector('.seedbed-chart[data-chart*=aaaa_loss]')?.dataset.points >= 9")
        page.get_by_text("How this is made").wait_for()
        page.wait_for_timeout(1500)
        places = page.evaluate(PLACES)
        assert len(places) >= 5
        for step in (10, 100, 1_000):
            write_points(folder, step, step)
            folder.report("train", step, 0, 9_000)
            page.get_by_text(f"{step:,} of 9,000").wait_for()
            page.wait_for_timeout(300)
            moved = [abs(now - then) for now, then in zip(page.evaluate(PLACES), places, strict=True)]
            assert max(moved) <= 2
        folder.finish("done", {})
    assert page.errors == []
