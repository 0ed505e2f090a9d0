"""Review: what the browser asks for is stored once and shown; the queue follows the filter; nothing moves under it."""

import pytest

from core.lines import read_all
from core.recipes.generating import start_generate
from core.recipes.kinds import execute
from core.recipes.mapping import start_map
from core.runs.folder import RunFolder
from tests.pages import home
from tests.pages.test_pages import button, texts

FAULTY = "She pays 2 + 3 = <<2+3=6>>6 dollars.\n#### 6"


class Browser:
    """Does in Python what the component does in the browser: sends all orders that are not acknowledged yet."""

    def __init__(self):
        self.turn, self.data, self.n_sent = {}, {}, 0

    def draw(self, *, data, **_):
        self.data = data

    def shown(self):
        """Return the entry that the page says is shown; None: the end."""
        return next((entry for entry in self.data["entries"] if entry["key"] == self.data["shown"]), None)

    def order(self, action, **more):
        """Send one more order on what is shown, and go on as the browser does."""
        self.n_sent += 1
        entry = self.shown() or {}
        order = {"id": f"order_{self.n_sent}", "action": action, "run": entry.get("run"),
                 "candidate": entry.get("candidate"), **more}  # fmt: skip
        kept = [each for each in self.turn.get("orders", []) if each["id"] not in self.data["taken"]]
        leads_on = action in ("accept", "reject", "skip", "trash")
        ahead = self.data["ahead"]
        shown = (ahead[0] if ahead else None) if leads_on else self.data["shown"]
        self.turn = {"orders": [*kept, order], "shown": shown, "edit": None}
        return order["id"]


@pytest.fixture
def browser(monkeypatch):
    found = Browser()
    monkeypatch.setattr("pages.components.review_card._card", found.draw)
    for module in ("review_card", "review_reading"):
        monkeypatch.setattr(f"pages.components.{module}.read_turn", lambda: found.turn)
    return found


@pytest.fixture
def app(filled, visit, browser):
    return visit("review", run=home.GENERATE)


def place(browser):
    return browser.shown()["place"] + 1


def count(filled):
    return filled.store.count_candidates(home.GENERATE)


def test_a_verdict_is_stored_once_and_the_next_one_is_shown(app, browser, filled):
    assert place(browser) == 1 and browser.data["counts"]["waiting"] == 9 and browser.data["n"] == 9
    browser.order("accept")
    app.run()
    assert not app.exception and place(browser) == 2
    browser.order("reject", reason="trivial")
    app.run()
    app.run()  # the browser sends its last state with every run
    counts = count(filled)
    assert (counts["reviewed_accept"], counts["reviewed_reject"], counts["waiting"]) == (1, 1, 7)
    lines = read_all(filled.settings.home / "journal" / "reviews.jsonl")
    assert [(line["action"], line.get("reason")) for line in lines] == [("accept", None), ("reject", "trivial")]
    assert lines[1]["plan"] == "made" and lines[1]["review_id"] == "order_2"
    assert "Rejected number 2: too easy." in browser.data["note"][1]


def test_orders_that_came_before_a_reload_are_not_carried_out_twice(app, browser, filled, visit):
    browser.order("accept")
    app.run()
    again = visit("review", run=home.GENERATE)  # another session, the same browser
    again.run()
    assert count(filled)["reviewed_accept"] == 1 and browser.data["taken"] == {"order_1": None}


def test_undo_takes_back_what_the_browser_names_or_the_last_act(app, browser, filled):
    first = browser.order("accept")
    app.run()
    browser.order("reject")
    app.run()
    browser.order("undo", undoes=first)
    app.run()
    assert place(browser) == 1 and count(filled)["reviewed_accept"] == 0
    browser.order("undo", undoes=first)  # it does not stand any more
    app.run()
    assert "nothing to undo" in browser.data["note"][1] and count(filled)["reviewed_reject"] == 1
    browser.order("undo", undoes=None)
    app.run()
    assert count(filled)["reviewed_reject"] == 0 and place(browser) == 2


def test_skip_leaves_it_waiting_and_arrows_go_round(app, browser, filled):
    browser.order("skip")
    app.run()
    assert place(browser) == 2 and count(filled)["waiting"] == 9
    browser.turn = {**browser.turn, "step": {"place": 8, "at": 1}}
    app.run()
    assert place(browser) == 9
    assert {entry["place"] for entry in browser.data["entries"]} >= {7, 8, 0}, (
        "neighbours are drawn before they are asked"
    )


def test_a_lock_keeps_a_candidate_as_it_is_until_it_is_opened(app, browser, filled):
    browser.order("lock")
    app.run()
    assert browser.shown()["locked"]
    browser.order("reject")
    app.run()
    assert browser.data["note"][0] == "error" and "locked; unlock it first" in browser.data["note"][1]
    assert place(browser) == 1 and count(filled)["reviewed_reject"] == 0
    for where in (3, 0):
        browser.turn = {**browser.turn, "orders": [], "step": {"place": where, "at": where}}
        app.run()
        assert place(browser) == where + 1 and browser.data["note"][1] == "", "what was said is of the one before"
    browser.order("unlock")
    app.run()
    browser.order("reject")
    app.run()
    assert count(filled)["reviewed_reject"] == 1


def test_what_goes_to_the_trash_leaves_queue_and_training(app, browser, filled, visit):
    browser.order("trash")
    app.run()
    assert button(app, "review_again")
    button(app, "review_again").click().run()
    assert browser.data["n"] == 8
    rows = filled.store.list_candidate_rows([home.GENERATE]).set_index("candidate_id")
    assert rows.loc["candidate_000", "review"] == "trash"
    visit("review", run=home.GENERATE, review="trash")
    assert browser.data["n"] == 1 and browser.shown()["candidate"] == "candidate_000"


def test_a_note_stays_with_its_candidate(app, browser):
    browser.order("note", note="The price is odd :red[x]")
    app.run()
    assert "“The price is odd \\:red\\[x\\]”" in texts(app) and place(browser) == 1


def edit(app, browser):
    browser.turn = {**browser.turn, "edit": {"key": browser.data["shown"], "at": 1}}
    app.run()


def test_an_edit_is_checked_and_stored_only_when_asked_again(app, browser, filled):
    edit(app, browser)
    assert browser.data["editing"]
    app.text_area(key="edit_answer_candidate_000").input(FAULTY).run()
    button(app, "edit_save").click().run()
    assert not app.exception and "does not check" in app.warning[0].value and count(filled)["edited"] == 0
    button(app, "edit_save").click().run()
    edited = filled.store.read_candidate(home.GENERATE, "candidate_000")
    assert edited["review"] == "edit" and edited["current_final"] == "6"
    assert place(browser) == 2 and not browser.data["editing"]


def test_a_blank_edit_is_refused(app, browser, filled):
    edit(app, browser)
    app.text_area(key="edit_question_candidate_000").input("  ").run()
    button(app, "edit_save").click().run()
    assert "Nothing is stored" in texts(app) and count(filled)["edited"] == 0


def test_a_fault_is_asked_about_again_when_the_text_changed(app, browser, filled):
    edit(app, browser)
    box = "edit_answer_candidate_000"
    app.text_area(key=box).input(FAULTY).run()
    button(app, "edit_save").click().run()
    assert button(app, "edit_save").label == "Save anyway"
    app.text_area(key=box).input(FAULTY.replace("6", "7")).run()
    assert button(app, "edit_save").label == "Check and save" and not app.warning
    button(app, "edit_save").click().run()
    assert count(filled)["edited"] == 0
    button(app, "edit_save").click().run()
    assert filled.store.read_candidate(home.GENERATE, "candidate_000")["current_final"] == "7"


def test_all_reviewed_says_so(filled, visit, browser):
    for number in range(9):
        filled.add_review(home.GENERATE, f"candidate_{number:03d}", "accept")
    app = visit("review", run=home.GENERATE)
    assert not app.exception and "All reviewed" in texts(app) and browser.data["shown"] is None
    browser.turn = {"orders": [], "shown": None, "step": {"place": 8, "at": 1}}
    app.run()
    assert place(browser) == 9 and browser.shown()["state"] == "accept"


def test_the_address_says_what_is_looked_at(filled, visit, browser):
    filled.add_review(home.GENERATE, "candidate_002", "reject", reason="form", reviewer="Ada")
    visit("review", run=home.GENERATE, review="reject")
    assert [entry["candidate"] for entry in browser.data["entries"]] == ["candidate_002"]
    visit("review", run=home.GENERATE, status="rejected")
    assert browser.data["n"] == 3
    visit("review", run=home.GENERATE, search="3 boxes")
    assert browser.data["n"] == 1 and browser.shown()["candidate"] == "candidate_002"
    filled.add_review(home.GENERATE, "candidate_004", "note", note="An odd price")
    visit("review", run=home.GENERATE, search="ODD price")
    assert browser.data["n"] == 1 and browser.shown()["candidate"] == "candidate_004"
    visit("review", run=home.GENERATE, order="random", sample="4")
    drawn = {entry["candidate"] for entry in browser.data["entries"]}
    assert browser.data["n"] == 4
    visit("review", run=home.GENERATE, order="random", sample="4", review="waiting")
    assert browser.data["n"] == 4 - ("candidate_002" in drawn), (
        "a sample is drawn before anybody's verdict is looked at"
    )
    app = visit("review", run=home.GENERATE, search="nothing is like this")
    assert not app.exception and "Nothing is asked for that is there" in texts(app)


def test_a_blind_reader_sees_no_verdict_of_others_and_has_a_queue_of_their_own(filled, visit, browser):
    filled.add_review(home.GENERATE, "candidate_000", "reject", reviewer="Ada", note="Ada's own words")
    app = visit("review", run=home.GENERATE, by="Bob", blind="1")
    said = texts(app)
    assert not app.exception and "Ada's own words" not in said and "Blind" in said
    assert browser.data["counts"]["waiting"] == 9 and place(browser) == 1
    browser.order("accept")
    app.run()
    lines = read_all(filled.settings.home / "journal" / "reviews.jsonl")
    assert lines[-1]["reviewer"] == "Bob" and lines[-1]["is_blind"] is True
    browser.order("accept")
    app.run()
    visit("review", run=home.GENERATE, by="Ada", second="1")
    assert {entry["candidate"] for entry in browser.data["entries"]} == {"candidate_001"}, "read by Bob, not by Ada"
    assert browser.data["n"] == 1


def test_a_candidate_of_the_address_is_shown_first(filled, visit, browser):
    app = visit("review", run=home.GENERATE, candidate="candidate_004")
    assert place(browser) == 5
    browser.order("accept")
    app.run()
    assert place(browser) == 6


def test_steps_near_duplicates_and_origin_stand_beside_the_candidate(filled, visit, browser):
    wrong = "She pays 2 + 3 = <<2+3=6>>6 dollars.\n#### 6"
    filled.add_review(home.GENERATE, "candidate_000", "edit", answer=wrong, final="6")
    app = visit("review", run=home.GENERATE, candidate="candidate_000")
    browser.data.clear()
    for _ in range(50):
        said = texts(app.run()).replace("\\", "").replace("\u00a0", " ")
        if "Still being looked for" not in said:
            break
    assert "The calculation '2+3=6' is wrong: 2+3 is 5." in said
    assert "ROUGE-L 0.91: Mia buys 3 boxes of chalk" in said
    assert "built-in, rewrite" in said and "400 tokens in, 60 out" in said


def ask_origin(app, browser):
    entry = browser.shown()
    browser.turn = {
        "orders": [],
        "shown": browser.data["shown"],
        "edit": None,
        "origin": {"key": entry["key"], "at": 7},
    }
    app.run()


def test_the_origin_tells_what_was_sent_and_who_chose_the_seed(filled, visit, browser):
    run_id = start_generate(filled, home.SELECT, n_accepted=2, filters=())
    assert execute(RunFolder(filled.settings.home / "runs" / run_id)) == "done"
    filled.step()
    app = visit("review", run=run_id)
    ask_origin(app, browser)
    said = texts(app).replace("\\", "").replace("\u00a0", " ")
    assert not app.exception and "chosen by loss_high in the eyes of tiny (base, without an adapter)" in said
    assert said.count("Word for word what was sent") == 2 and "$0 at its price, $0 paid" in said
    seed = filled.store.list_selected(home.SELECT)["question"].iloc[0]
    assert any(seed in code.value for code in app.code)
    app.run()
    assert "Word for word" not in texts(app), "it is opened once"


def test_an_unproven_text_is_said_to_be_one_and_a_blind_reader_is_told_nothing(filled, visit, browser):
    app = visit("review", run=home.GENERATE)
    ask_origin(app, browser)
    assert not app.exception and "Word for word" not in texts(app)
    browser.turn = {}
    app = visit("review", run=home.GENERATE, blind="1")
    ask_origin(app, browser)
    assert browser.data["blind"] and "Where it comes from" not in texts(app) and not app.code


def test_candidates_that_come_while_the_page_is_drawn_are_shown(filled, visit, browser, monkeypatch):
    count, seen = filled.store.count_passed, []

    def count_late():
        seen.append(len(seen))
        return count().iloc[:0] if len(seen) == 1 else count()

    monkeypatch.setattr(filled.store, "count_passed", count_late)
    app = visit("review", run=home.GENERATE)
    assert len(seen) > 2 and browser.data["n"] == 9
    assert not app.exception and "nothing to review yet" not in texts(app)


def test_a_run_that_brings_no_candidates_draws_the_page_once(empty, visit, monkeypatch):
    home.add_seed_set(empty.settings.home)
    empty.step()
    start_map(empty, home.SEED_SET)
    count, seen = empty.store.count_passed, []
    monkeypatch.setattr(empty.store, "count_passed", lambda: seen.append(1) or count())
    app = visit("review")
    assert not app.exception and "nothing to review yet" in texts(app) and len(seen) < 10


def test_the_buttons_say_at_once_what_filters_and_who_reviews(filled, visit):
    app = visit("review", run=home.GENERATE)
    assert [each.proto.popover.label for each in app.get("popover")] == ["Filter", "Reviewer"]
    app.selectbox(key="review_status").set_value("rejected")
    app.text_input(key="review_by").set_value("Ada").run()
    assert [each.proto.popover.label for each in app.get("popover")] == ["Filter · 1", "Reviewer · Ada"]


def test_who_reviews_is_remembered_while_other_pages_are_looked_at(filled, visit):
    app = visit("review", run=home.GENERATE)
    app.text_input(key="review_by").set_value("Ada").run()
    app.toggle(key="review_blind").set_value(True).run()
    for page in ("runs", "review"):
        app.switch_page(f"{page}_page.py").run()
    assert app.text_input(key="review_by").value == "Ada" and app.toggle(key="review_blind").value
    app.toggle(key="review_blind").set_value(False).run()
    app.text_input(key="review_by").set_value("").run()
    for page in ("runs", "review"):
        app.switch_page(f"{page}_page.py").run()
    assert app.text_input(key="review_by").value == "" and not app.toggle(key="review_blind").value


def test_another_order_begins_at_its_beginning_and_another_filter_stays(filled, app, browser):
    browser.order("skip")
    app.run()
    browser.order("skip")
    app.run()
    kept = browser.data["shown"]
    assert place(browser) == 3
    app.selectbox(key="review_shown").set_value("waiting").run()
    assert browser.data["shown"] == kept
    app.selectbox(key="review_order").set_value("newest").run()
    assert place(browser) == 1
