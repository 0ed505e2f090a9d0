"""The presenting view in a real browser: nothing around the story, large type, and one way out, by the key too."""

import pytest

from tests.pages.home import fill_home
from tests.pages.steered import CHECK, add_check


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    home = fill_home(tmp_path_factory.mktemp("home"))
    add_check(home)
    return serve(home)


def find_size(page) -> float:
    return page.evaluate("parseFloat(getComputedStyle(document.querySelector('.st-key-steer_sentence p')).fontSize)")


def test_the_story_is_shown_alone_and_left_by_a_key(page, address):
    page.goto(f"{address}/steerability?run={CHECK}&wish=easy")
    page.locator(".seedbed-chart[data-chart='moved_children'] .main-svg").first.wait_for()
    usual = find_size(page)
    page.get_by_role("button", name="Present").click()
    page.locator(".st-key-leave_presenting").wait_for()
    page.locator(".seedbed-chart[data-chart='moved_children'] .main-svg").first.wait_for()
    page.get_by_text("Ask for easy seeds").wait_for()
    for gone in ("stSidebar", "stHeader", "stPills", "stSelectbox", "stExpander"):
        page.locator(f"[data-testid={gone}]:visible").first.wait_for(state="detached")
    assert page.locator(".st-key-loop_strip").count() == 0
    assert find_size(page) > usual
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="Steerability").wait_for()
    page.locator("[data-testid=stSidebar]:visible").first.wait_for()
    page.get_by_text("Ask for easy seeds").wait_for()
    assert page.errors == []
