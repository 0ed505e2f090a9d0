"""Without a mouse: Tab goes through a page in reading order, where it stands can be seen, Enter and Escape work."""

import pytest

from tests.pages.home import GENERATE, fill_home

MOST_STOPS = 60

_FOCUSED = """() => {
  let node = document.activeElement;
  while (node.shadowRoot && node.shadowRoot.activeElement) node = node.shadowRoot.activeElement;
  const is = (each) => {
    const style = getComputedStyle(each);
    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
  };
  const kind = node.dataset.testid || node.getAttribute('aria-label') || node.tagName;
  return {kind, tag: node.tagName, isSeen: is(node)};
}"""


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    return serve(fill_home(tmp_path_factory.mktemp("home")))


def open_page(page, path: str) -> None:
    page.goto(path)
    page.get_by_text("How this is made").wait_for()
    page.wait_for_timeout(300)


def tab_through(page, until: str) -> list[dict]:
    """Press Tab until something of that kind has the focus; return every stop."""
    stops = []
    while len(stops) < MOST_STOPS and (not stops or stops[-1]["kind"] != until):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(_FOCUSED))
    assert stops[-1]["kind"] == until, f"{until} is not reached: {[stop['kind'] for stop in stops]}"
    return stops


def test_tab_goes_by_navigation_and_strip_to_the_primary_button_and_enter_presses_it(page, address):
    open_page(page, f"{address}/seeds")
    stops = tab_through(page, "stBaseButton-primary")
    kinds = [stop["kind"] for stop in stops]
    assert kinds[0] == "stSkipToContent"
    assert kinds.count("stSidebarNavLink") == 11 and kinds.count("stPageLink-NavLink") == 6
    assert kinds.index("stSidebarNavLink") < kinds.index("stPageLink-NavLink")
    assert [stop for stop in stops if not stop["isSeen"]] == []
    page.keyboard.press("Enter")
    page.wait_for_url("**/select**")


def test_every_button_and_link_in_focus_can_be_seen(page, address):
    open_page(page, f"{address}/finetune")
    stops = tab_through(page, "BODY")
    assert len(stops) > 25
    assert [stop for stop in stops if stop["tag"] in ("A", "BUTTON", "SUMMARY") and not stop["isSeen"]] == []


def test_the_review_says_its_keys_and_what_became_of_them(page, address):
    page.goto(f"{address}/review?run={GENERATE}")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    read = "nodes => nodes.map((node) => node.getAttribute('aria-keyshortcuts'))"
    keys = page.locator("[aria-keyshortcuts]").evaluate_all(read)
    assert {"A", "X", "E", "S", "Z", "N", "L", "T", "O", "1", "7"} <= set(keys)
    page.get_by_role("status").filter(has_text="1 of 9").wait_for()
    tab_through(page, "stBaseButton-primary")
    page.keyboard.press("a")
    page.get_by_role("status").filter(has_text="2 of 9").filter(has_text="1 accepted").wait_for()
    assert page.errors == []


def test_escape_closes_a_dialog_and_the_keys_work_again(page, address):
    page.goto(f"{address}/review?run={GENERATE}")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.keyboard.press("o")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.keyboard.press("s")
    page.get_by_role("status").filter(has_text="3 of 9").wait_for()
    assert page.errors == []


def test_on_a_phone_the_navigation_closes_once_a_page_is_chosen(page, address):
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, f"{address}/seeds")
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Steerability").click()
    page.wait_for_url("**/steerability**")
    page.wait_for_function("document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right <= 1")
    assert page.errors == []
