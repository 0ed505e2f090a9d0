"""The tour in a real browser: from an empty home through all pages, remembered over a reload and in another tab."""

from pages.components.tour import STOPS


def test_the_tour_leads_through_all_pages_and_stays_closed(page, serve, tmp_path):
    address = serve(tmp_path)
    page.goto(address)
    page.get_by_role("button", name="Take the tour").click()
    bar = page.locator(".st-key-tour_bar")
    for number, stop in enumerate(STOPS, start=1):
        bar.get_by_text(f"{number} of {len(STOPS)} · {stop.name}").wait_for()
        page.get_by_role("heading", name=stop.name, level=1).first.wait_for()  # the one before fades
        if number < len(STOPS):
            bar.get_by_role("button", name="Next").click()
    page.goto(f"{address}/runs")  # as in a new tab
    bar.get_by_text("7 of 7 · Evaluate").wait_for()
    bar.get_by_role("link", name="Go to Evaluate").click()
    page.wait_for_url("**/evaluate*")
    bar.get_by_role("button", name="Close the tour").click()
    bar.wait_for(state="detached")
    page.goto(address)
    page.get_by_role("button", name="Take the tour of two minutes").wait_for()
    page.goto(f"{address}/overview")  # the first page's own address is that of the server
    page.get_by_role("button", name="Take the tour of two minutes").wait_for()
    assert bar.count() == 0 and page.get_by_text("Two minutes: what is what").count() == 0
    assert page.errors == []
