"""Review by keyboard in a real browser: each key does what is printed on its button, and none fires while typing."""

import json
import re
import time

import pytest

from tests.pages.home import GENERATE, LOOP, fill_home

KEPT = """Object.keys(localStorage).filter((name) => name.startsWith('seedbed_review_orders'))
    .flatMap((name) => JSON.parse(localStorage.getItem(name)))"""
"""What the browser keeps until it is on the disk."""


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    global HOME
    HOME = fill_home(tmp_path_factory.mktemp("home"))
    return serve(HOME)


def read_journal() -> list[tuple[str, str]]:
    """What is on the disk: (action, candidate) of every review line."""
    path = HOME / "journal" / "reviews.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records = [json.loads(line) for line in lines if line.strip()]
    return [(record["action"], record["candidate_id"]) for record in records]


def expect_candidate(page, number: int, state: str = "waiting") -> None:
    page.get_by_text(re.compile(rf"^{number} of 9 · {state}")).wait_for()


def expect_stored(n: int) -> list[tuple[str, str]]:
    """Wait until so many lines are on the disk: the browser shows the next record before they are."""
    deadline = time.monotonic() + 15
    while len(read_journal()) < n and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(read_journal()) == n
    return read_journal()


def open_review(page, address: str, number: int, query: str = "") -> None:
    """Open the page and wait until its buttons, and with them the keys, are there."""
    page.goto(f"{address}/review?run={GENERATE}{query}")
    expect_candidate(page, number)
    page.locator(".said[data-shown^=reviewed_]").wait_for()


def find_place(page, button) -> dict:
    """Return where the button is once the page stands still: on a busy machine the head of the page comes late."""
    place = None
    while place != (place := button.bounding_box()):
        page.wait_for_timeout(500)
    return place


def press_at_once(page, keys: str) -> None:
    """Press keys before the browser hears of anything else."""
    page.evaluate("(keys) => { for (const each of keys) document.dispatchEvent("
                  "new KeyboardEvent('keydown', {key: each, bubbles: true})); }", keys)  # fmt: skip


def test_keys_judge_step_and_undo_and_nothing_moves(page, address):
    open_review(page, address, 1)
    button = page.get_by_role("button", name="Accept")
    place = find_place(page, button)
    page.keyboard.press("a")
    expect_candidate(page, 2)
    assert expect_stored(1) == [("accept", "candidate_000")]
    assert find_place(page, button) == place
    page.keyboard.press("x")
    expect_candidate(page, 3)
    page.keyboard.press("s")
    expect_candidate(page, 4)
    assert [action for action, _ in expect_stored(3)] == ["accept", "reject", "skip"]
    page.keyboard.press("z")
    expect_candidate(page, 3)
    assert expect_stored(4)[-1] == ("undo", "candidate_002")
    page.keyboard.press("ArrowLeft")
    expect_candidate(page, 2, "rejected")
    page.keyboard.press("ArrowRight")
    expect_candidate(page, 3)
    assert find_place(page, button) == place
    assert len(read_journal()) == 4
    page.get_by_text("How this is made").scroll_into_view_if_needed()
    assert 0 <= button.bounding_box()["y"] < 60, "the keys stay in view"
    page.reload()
    expect_candidate(page, 3)
    assert page.errors == []


def test_no_key_fires_while_a_text_is_edited(page, address):
    open_review(page, address, 5, "&candidate=candidate_004")
    before = read_journal()
    page.wait_for_timeout(500)
    page.keyboard.press("e")
    box = page.get_by_label("Worked answer")
    box.wait_for()
    box.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" axeszAXESZ")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(800)
    assert box.input_value().endswith(" axeszAXESZ")
    assert read_journal() == before
    page.keyboard.press("Tab")  # leaves the box with its text kept
    page.wait_for_timeout(800)
    assert read_journal() == before
    page.get_by_role("button", name="Leave as it was").click()
    expect_candidate(page, 5)
    assert read_journal() == before


def test_a_key_held_down_judges_nothing_that_was_not_on_the_screen(page, address):
    open_review(page, address, 7, "&candidate=candidate_006")
    n_before = len(read_journal())
    for _ in range(12):  # what a browser sends for a key that stays down
        page.keyboard.down("x")
        page.wait_for_timeout(40)
    page.keyboard.up("x")
    page.wait_for_timeout(3000)
    judged = [id_ for _, id_ in read_journal()[n_before:]]
    assert judged[0] == "candidate_006" and len(judged) == len(set(judged))


def test_keys_faster_than_records_come_judge_none_twice(page, address):
    page.goto(f"{address}/review?run={LOOP}")
    expect_candidate(page, 1)
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.wait_for_timeout(2000)  # until what comes next is drawn too
    n_before = len(read_journal())
    press_at_once(page, "axaxaxax")
    page.wait_for_timeout(3000)
    judged = read_journal()[n_before:]
    assert 2 <= len(judged) < 8 and len({id_ for _, id_ in judged}) == len(judged)
    assert [action for action, _ in judged] == ["accept", "reject", "accept", "reject", "accept"][: len(judged)]
    expect_candidate(page, len(judged) + 1)
    page.keyboard.press("x")
    assert expect_stored(n_before + len(judged) + 1)[-1] == ("reject", f"candidate_{len(judged):03d}")


def test_keys_that_skip_faster_than_records_come_never_fall_back(page, address):
    page.goto(f"{address}/review?run={LOOP}")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.wait_for_timeout(2000)  # until what comes next is drawn too
    n_before = len(read_journal())
    press_at_once(page, "ssss")
    page.wait_for_timeout(2000)
    skipped = [id_ for _, id_ in read_journal()[n_before:]]
    assert len(skipped) >= 3 and skipped == sorted(set(skipped))


def test_who_skips_all_that_waits_comes_to_it_again_and_is_not_told_that_all_is_reviewed(page, address):
    page.goto(f"{address}/review?run={LOOP}&review=waiting")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.wait_for_timeout(2000)
    n = int(re.match(r"1 of (\d+)", page.get_by_text(re.compile(r"^1 of \d+ · waiting")).inner_text())[1])
    assert n > 1
    page.evaluate("() => { window.ends = 0; new MutationObserver(() => { const end = document.querySelector("
                  "'.st-key-review_finished'); window.ends += Boolean(end && end.offsetHeight); })"
                  ".observe(document.head, {subtree: true, childList: true, characterData: true}); }")  # fmt: skip
    for _ in range(2 * n):
        page.keyboard.press("s")
        page.wait_for_timeout(60)
    page.wait_for_timeout(1500)
    page.get_by_text(re.compile(r"^\d of \d+ · waiting")).wait_for()
    assert page.evaluate("window.ends") == 0


def test_what_a_teacher_wrote_loads_nothing_and_links_nowhere(page, address):
    page.goto(f"{address}/review?run={GENERATE}&candidate=candidate_001")
    expect_candidate(page, 2, "")
    page.locator(".katex >> visible=true").first.wait_for()
    body = page.inner_text("body")
    assert "<img src=x onerror=alert(1)>" in body.replace("\u2060", "").replace("\u00a0", " ")
    assert page.locator("img[src*='evil'], a[href*='evil'], img[src='x']").count() == 0
    assert [url for url in page.asked if "127.0.0.1" not in url and not url.startswith(("data:", "blob:"))] == []


def test_a_digit_rejects_with_its_reason_and_what_is_typed_as_a_note_is_a_note(page, address):
    open_review(page, address, 9, "&candidate=candidate_008")
    n_before = len(read_journal())
    for n, keys in enumerate(("Enter", "Control+Enter"), start=1):
        page.keyboard.press("n")
        page.get_by_label("Note").fill("axz: odd price")
        page.keyboard.press(keys)
        assert expect_stored(n_before + n)[-1] == ("note", "candidate_008")
    page.keyboard.press("3")
    expect_stored(n_before + 3)
    line = json.loads((HOME / "journal" / "reviews.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (line["action"], line["reason"], line["candidate_id"]) == ("reject", "trivial", "candidate_008")


def test_verdicts_given_while_the_server_is_away_are_kept_and_stored_when_it_is_back(page, address):
    open_review(page, address, 5, "&candidate=candidate_004")
    n_before = len(read_journal())
    page.context.set_offline(True)
    press_at_once(page, "aa")
    kept = page.evaluate(KEPT)
    page.context.set_offline(False)
    assert kept and kept[0]["candidate"] == "candidate_004"
    page.reload()
    found = expect_stored(n_before + len(kept))
    assert ("accept", "candidate_004") in found[n_before:]
    page.wait_for_function(f"({KEPT}).length === 0")
    assert len(read_journal()) == n_before + len(kept)


def test_a_verdict_of_a_closed_tab_is_sent_by_the_next_one(page, address):
    n_before = len(read_journal())
    order = {"id": "review_left", "run": GENERATE, "candidate": "candidate_001", "action": "accept"}
    page.goto(f"{address}/seeds")
    page.evaluate("(order) => localStorage.setItem('seedbed_review_orders_gone', JSON.stringify([order]))", order)
    page.goto(f"{address}/review?run={GENERATE}")
    page.locator(".said[data-shown]").wait_for()
    assert expect_stored(n_before + 1)[-1] == ("accept", "candidate_001")
    page.wait_for_function(f"({KEPT}).length === 0")


def test_what_another_tab_said_meanwhile_is_told(page, address):
    query = f"{address}/review?run={GENERATE}&candidate=candidate_002"
    page.goto(query)
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    other = page.context.new_page()
    other.goto(query)
    other.locator(".said[data-shown^=reviewed_]").wait_for()
    n_before = len(read_journal())
    other.keyboard.press("a")
    expect_stored(n_before + 1)
    page.keyboard.press("x")
    expect_stored(n_before + 2)
    page.get_by_text("It had been accepted meanwhile; Z takes yours back.").wait_for()
    other.close()


def test_a_bar_that_is_made_anew_goes_on_where_the_one_before_stood(page, address):
    page.goto(f"{address}/review?run={GENERATE}&candidate=candidate_003")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.keyboard.press("ArrowRight")
    page.get_by_text(re.compile(r"^5 of 9")).wait_for()
    made_anew = """() => { const find = (root) => root.querySelector('.card') ||
        [...root.querySelectorAll('*')].map((each) => each.shadowRoot && find(each.shadowRoot)).find(Boolean);
        return find(document).seedbed.at === window.seedbedReview && window.seedbedReview.shown; }"""
    assert page.evaluate(made_anew).endswith("|candidate_004")


def test_the_editor_is_ready_to_be_typed_into(page, address):
    page.goto(f"{address}/review?run={GENERATE}&candidate=candidate_005")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.keyboard.press("e")
    page.wait_for_function("document.activeElement && document.activeElement.tagName === 'TEXTAREA'")
    assert page.get_by_label("Question").evaluate("(box) => box === document.activeElement")
    page.get_by_text("being edited").wait_for()
    page.get_by_role("button", name="Leave as it was").click()
    page.locator(".said[data-shown^=reviewed_]").wait_for()


def test_the_next_record_begins_at_its_beginning_however_far_one_has_read(page, address):
    page.set_viewport_size({"width": 1280, "height": 560})
    page.goto(f"{address}/review?run={GENERATE}&candidate=candidate_000")
    expect_candidate(page, 1, "")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.wait_for_timeout(1000)  # until the foot of the page is drawn too
    page.locator(".stMain").evaluate("(node) => node.scrollTo(0, node.scrollHeight)")
    page.wait_for_timeout(300)
    under = """() => document.querySelector('.st-key-review_card').getBoundingClientRect().bottom
        - document.querySelector('.st-key-reviewed_records').getBoundingClientRect().top"""
    assert page.evaluate(under) > 50
    page.keyboard.press("ArrowRight")
    expect_candidate(page, 2, "")
    page.wait_for_function(f"({under})() <= 1")
    assert page.errors == []


def test_rows_that_are_marked_one_after_another_do_not_move_under_the_pointer(page, address):
    page.goto(f"{address}/review?run={GENERATE}&show=table")
    rows = page.locator(".st-key-review_rows canvas").first
    rows.wait_for()
    page.set_viewport_size({"width": 1280, "height": 620})
    page.get_by_role("button", name=re.compile(r"^Accept \d+$")).scroll_into_view_if_needed()
    top = find_place(page, rows)["y"]
    for row, n in ((4, "1 marked"), (5, "2 marked"), (6, "3 marked")):
        page.mouse.click(rows.bounding_box()["x"] + 16, top + 33 * (row + 1) + 17)
        page.get_by_role("button", name=f"Accept {n}", exact=True).wait_for()
        assert find_place(page, rows)["y"] == top
    assert page.errors == []


def test_another_filter_shows_its_own_first_record(page, address):
    n_stored = len(read_journal())
    page.goto(f"{address}/review?run={GENERATE}&candidate=candidate_006")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.keyboard.press("x")
    expect_stored(n_stored + 1)
    for label, said in (("All", r"^\d of 9 · "), ("Rejected", r"^1 of \d · rejected"), ("All", r"^\d of 9 · ")):
        page.get_by_role("combobox", name=re.compile("Show")).click()
        page.get_by_role("option", name=label, exact=True).click()
        page.get_by_text(re.compile(said)).wait_for()
        page.locator(".said[data-shown^=reviewed_]").wait_for()


def test_a_key_right_after_a_choice_in_a_box_judges(page, address):
    n_stored = len(read_journal())
    page.goto(f"{address}/review?run={GENERATE}")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.get_by_role("combobox", name=re.compile("Order")).click()
    page.get_by_role("option", name="newest first").click()
    page.get_by_text(re.compile("candidates, newest first")).wait_for()
    page.wait_for_timeout(1000)
    page.keyboard.press("a")
    assert expect_stored(n_stored + 1)[-1][0] == "accept"
    page.get_by_role("combobox", name=re.compile("Order")).click()
    page.get_by_role("option", name="newest first").wait_for()
    page.keyboard.press("Escape")  # looked, and left as it was
    page.wait_for_timeout(500)
    page.keyboard.press("x")
    assert expect_stored(n_stored + 2)[-1][0] == "reject"


def test_the_origin_opens_over_the_record_and_no_key_judges_meanwhile(page, address):
    n_stored = len(read_journal())
    page.goto(f"{address}/review?run={GENERATE}&candidate=candidate_002")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.keyboard.press("o")
    page.get_by_role("dialog").get_by_text("chosen by loss_high").wait_for()
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert len(read_journal()) == n_stored
    page.keyboard.press("x")
    assert expect_stored(n_stored + 1)[-1] == ("reject", "candidate_002")


def test_one_record_stays_in_view_while_a_student_answers_and_afterwards(page, address):
    page.goto(f"{address}/review?run={GENERATE}&candidate=candidate_003")
    page.locator(".said[data-shown^=reviewed_]").wait_for()
    page.get_by_role("button", name="Ask a student").click()
    page.get_by_role("dialog").get_by_role("button", name="Ask", exact=True).click()
    progress = page.locator("strong", has_text="tiny, base answers 9 candidates")
    progress.wait_for()
    progress.wait_for(state="detached", timeout=90_000)
    for _ in range(5):  # the bar may be made anew, and the one before lets go of the records a moment later
        page.wait_for_timeout(300)
        assert page.locator("[class*=st-key-two_sides_reviewed_] >> visible=true").count() == 1
    page.get_by_text("Student tiny, base").locator("visible=true").wait_for()
