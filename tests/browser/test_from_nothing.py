"""A new user with an empty home: from the first page to a finished finetune, by clicking only, with the real parts."""

import re

import pytest

from core.lines import read_all
from core.runs.folder import RunFolder
from tests.conftest import cut

LONG = 120_000
"""Milliseconds that a run in the background may take on a busy machine."""
N_SEEDS = 12
SIZES = {"train": 30, "validation": 8, "test": 12}


@pytest.fixture(scope="module")
def own_files(tmp_path_factory):
    """split -> JSONL file, in the order in which the form asks for them."""
    folder = tmp_path_factory.mktemp("seeds")
    return {split: cut(split, n, folder / f"{split}.jsonl") for split, n in SIZES.items()}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(serve, home):
    return serve(home)


def go(page, name: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name, exact=True).first.wait_for()


def settle(page) -> None:
    """Wait until the page has been drawn to its end: what is clicked meanwhile may be drawn anew under the mouse."""
    page.wait_for_timeout(200)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def wait_for_results(page, home, kind: str, n: int) -> None:
    """Wait until n runs of a kind have ended."""
    for _ in range(LONG // 100):
        if len(list((home / "runs").glob(f"*-{kind}-*/result.json"))) == n:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"no {n} finished runs of kind {kind}")


def test_seeds_to_finetune_by_clicking(page, address, home, own_files):
    page.goto(address)
    page.get_by_role("button", name="Start the demo").wait_for()

    go(page, "Seeds")
    page.get_by_role("button", name="Bring in word_problems").wait_for()
    page.get_by_text("Files", exact=True).click()
    settle(page)
    for place, file in enumerate(own_files.values()):
        page.locator("input[type=file]").nth(place).set_input_files(file)
        page.get_by_text(file.name).first.wait_for()
        settle(page)
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text(re.compile("from train.jsonl, validation.jsonl, test.jsonl")).wait_for(timeout=LONG)
    page.get_by_role("button", name="Select from these").click()

    page.get_by_role("heading", name="Select", exact=True).wait_for()
    page.get_by_role("button", name="Score", exact=True).click()
    page.get_by_text("loss_high").first.wait_for(timeout=LONG)
    page.get_by_label("Seeds to choose").fill(str(N_SEEDS))
    page.get_by_label("Seeds to choose").press("Enter")
    page.get_by_text(re.compile(rf"\b{N_SEEDS}\b.*chosen|chosen.*\b{N_SEEDS}\b")).first.wait_for()
    page.get_by_role("button", name="Use this selection").click()

    page.get_by_role("heading", name="Generate", exact=True).wait_for()
    page.get_by_role("button", name="Preview 4").click()
    wait_for_results(page, home, "generate", 1)
    page.get_by_role("button", name=f"Generate {N_SEEDS}").click()
    wait_for_results(page, home, "generate", 2)

    go(page, "Review")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.get_by_role("heading", name="Review", exact=True).click()
    page.keyboard.press("a")
    page.get_by_text(re.compile("1 accepted")).first.wait_for()
    page.get_by_text(re.compile(r"^2 of \d+ · waiting")).wait_for()  # a key before that is meant for the first one
    page.keyboard.press("x")
    page.get_by_text(re.compile("1 rejected")).first.wait_for()
    reviews = read_all(home / "journal" / "reviews.jsonl")
    assert [review["action"] for review in reviews] == ["accept", "reject"]

    go(page, "Finetune")
    page.get_by_role("button", name=re.compile(r"Finetune on \d+ (of \d+ )?rows")).click()
    page.locator(".seedbed-chart").first.wait_for(timeout=LONG)
    page.get_by_role("button", name="See the result").wait_for(timeout=LONG)
    settle(page)
    page.get_by_role("button", name="See the result").click()
    page.get_by_text(re.compile("95 % interval")).first.wait_for()
    assert page.errors == []
    kinds = {path.name.split("-")[2] for path in (home / "runs").iterdir()}
    assert {"import", "score", "select", "generate", "finetune"} <= kinds


def start_demo(page, address) -> None:
    page.goto(address)
    page.get_by_role("button", name="Start the demo").click()
    page.get_by_text(re.compile("teacher|predict|finetune")).first.wait_for(timeout=LONG)


def test_the_demo_starts_with_one_click_and_can_be_cancelled(page, serve, tmp_path):
    start_demo(page, serve(tmp_path))
    for _ in range(LONG // 100):
        if found := list((tmp_path / "runs").glob("*-loop-*/records/progress.jsonl")):
            break
        page.wait_for_timeout(100)
    (loop,) = {path.parents[1] for path in found}
    go(page, "Runs")
    cancel = page.get_by_role("button", name="Cancel this run").first
    cancel.click()
    cancel.wait_for(state="detached", timeout=LONG)
    assert RunFolder(loop).read_state().state == "cancelled"
    assert page.errors == []


@pytest.mark.soak
def test_the_demo_fills_an_empty_home_with_one_click(page, serve, tmp_path):
    start_demo(page, serve(tmp_path))
    page.locator(".seedbed-chart").first.wait_for(timeout=LONG)
    page.get_by_role("heading", name="Rounds").wait_for(timeout=LONG)
    (loop,) = (tmp_path / "runs").glob("*-loop-*")
    (row,) = read_all(loop / "records" / "rounds.jsonl")
    assert row["accepted"] == row["training_rows"] == 100
    page.get_by_text("100").first.wait_for()
    assert page.errors == []
