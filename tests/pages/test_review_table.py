"""Acts on many candidates at once, a change of many texts, what was read told of the rest, reviewers, and the log."""

import pytest

from core.records import Review
from core.store.queue_filter import QueueFilter
from tests.pages import home
from tests.pages.test_pages import button, texts
from tests.pages.test_review import browser, count  # noqa: F401


def read(app):
    assert not app.exception
    return texts(app).replace("\\", "").replace("\u00a0", " ").replace("**", "")


def test_one_act_is_on_all_that_match_and_is_undone_at_once(filled, visit):
    filled.add_review(home.GENERATE, "candidate_003", "lock")
    app = visit("review", run=home.GENERATE, show="table")
    assert "9 candidates match" in read(app)
    app.selectbox(key="review_bulk_reason").set_value("duplicate")
    button(app, "bulk_reject").click().run()
    said = app.success[0].value.replace("\u00a0", " ").replace("\\", "")
    assert said.startswith("Reject: 8 candidates") and "1 locked one left alone" in said
    assert count(filled)["reviewed_reject"] == 8
    log = filled.store.list_reviews([home.GENERATE], action="reject")
    assert log["batch_id"].nunique() == 1 and set(log["reason"]) == {"duplicate"}
    button(app, "bulk_undo").click().run()
    assert count(filled)["reviewed_reject"] == 0 and not app.success
    assert "Took back 8 reviews" in app.toast[0].value.replace("\u00a0", " ")
    assert not app.run().toast  # told once
    undos = filled.store.list_reviews([home.GENERATE], action="undo")
    assert len(undos) == 8 and set(undos["batch_id"]) == set(log["batch_id"]), "the log shows them as one act"


def test_what_an_act_did_is_said_while_the_same_is_looked_at(filled, visit):
    app = visit("review", run=home.GENERATE, show="table")
    button(app, "bulk_lock").click().run()
    assert app.success[0].value.startswith("Lock")
    app.selectbox(key="review_shown").set_value("waiting").run()
    assert not app.exception and not app.success


def test_a_name_and_an_act_that_come_at_once_are_both_taken(filled, visit):
    app = visit("review", run=home.GENERATE, show="table")
    app.text_input(key="review_by").set_value("Ada")
    button(app, "bulk_lock").click().run()
    assert list(filled.store.list_reviews([home.GENERATE])["reviewer"]) == ["Ada"] * 9


def whose(app, value):
    app.segmented_control(key="review_whose").set_value(value).run()


def test_what_was_judged_already_is_told_and_left_alone_unless_asked_for(filled, visit):
    filled.add_review(home.GENERATE, "candidate_000", "accept", reviewer="Ada")
    filled.add_review(home.GENERATE, "candidate_001", "reject", reviewer="Bob")
    app = visit("review", run=home.GENERATE, show="table", by="Bob")
    assert button(app, "bulk_accept").label == "Accept 7"
    assert "9 candidates match: 7 waiting, 1 accepted (1 by others), 1 rejected. Mark" in read(app)
    assert "takes the place" not in read(app)
    whose(app, "all")
    assert "An act is on 7 waiting, 1 accepted (1 by others), 1 rejected; a new verdict" in read(app)
    assert button(app, "bulk_accept").label == "Accept 9"
    whose(app, "waiting")
    button(app, "bulk_accept").click().run()
    counts = count(filled)
    assert (counts["reviewed_accept"], counts["reviewed_reject"]) == (8, 1)
    assert filled.store.read_candidate(home.GENERATE, "candidate_000")["review"] == "accept"
    button(app, "bulk_undo").click().run()
    assert count(filled)["waiting"] == 7, "what was judged before is as it was"


def test_a_blind_table_tells_nothing_that_others_said(filled, visit):
    filled.add_review(home.GENERATE, "candidate_000", "reject", reviewer="Ada", note="Ada's own words")
    app = visit("review", run=home.GENERATE, show="table", by="Bob", blind="1")
    said = read(app)
    columns = set(app.dataframe[0].value.columns)
    assert not columns & {"review", "reviewer", "note", "reason", "student", "loss"} and "question" in columns
    assert "Ada" not in said and "1 rejected" not in said and button(app, "bulk_accept").label == "Accept 9"


def test_what_is_in_the_trash_can_be_looked_into_and_restored_to_what_it_was(filled, visit):
    filled.add_review(home.GENERATE, "candidate_001", "accept")
    filled.add_reviews([Review(home.GENERATE, f"candidate_00{i}", "trash") for i in (1, 2)])
    app = visit("review", run=home.GENERATE, show="table", review="trash")
    assert "2 candidates match" in read(app)
    button(app, "bulk_restore").click().run()
    assert not app.exception and count(filled)["reviewed_accept"] == 1 and count(filled)["waiting"] == 8


def test_a_text_is_changed_in_many_after_a_look_and_checked_again(filled, visit):
    app = visit("review", run=home.GENERATE, show="table")
    app.text_input(key="change_find").input("chalk")
    app.text_input(key="change_replace").input("crayons").run()
    assert "9 candidates would change and be accepted as edited." in read(app) and "crayons" in read(app)
    button(app, "change_apply").click().run()
    assert count(filled)["edited"] == 9
    assert "crayons" in filled.store.read_candidate(home.GENERATE, "candidate_004")["current_question"]
    button(app, "bulk_undo").click().run()
    assert count(filled)["edited"] == 0
    assert "chalk" in filled.store.read_candidate(home.GENERATE, "candidate_004")["current_question"]


def test_answers_that_would_not_check_any_more_are_left_out(filled, visit):
    answer = "She pays 2 + 3 = <<2+3=5>>5 dollars.\n#### 5"
    filled.add_review(home.GENERATE, "candidate_000", "edit", answer=answer, final="5")
    app = visit("review", run=home.GENERATE, show="table")
    whose(app, "all")
    app.text_input(key="change_find").input("5")
    app.selectbox(key="change_place").set_value("answer")
    app.text_input(key="change_replace").input("6").run()
    assert "1 answer would not check any more" in app.warning[0].value.replace("\u00a0", " ")
    n = int(button(app, "change_apply").label.split()[1]) if [b for b in app.button if b.key == "change_apply"] else 0
    app.checkbox(key="change_sound").uncheck().run()
    assert int(button(app, "change_apply").label.split()[1]) == n + 1


def test_a_change_made_by_hand_is_offered_for_the_others(filled, visit):
    question = filled.store.read_candidate(home.GENERATE, "candidate_000")["current_question"]
    filled.add_review(home.GENERATE, "candidate_000", "edit", question=question.replace("chalk", "crayons"))
    app = visit("review", run=home.GENERATE, show="table")
    offer = button(app, "change_offer_0")
    assert "chalk → crayons" in offer.label
    offer.click().run()
    assert app.text_input(key="change_find").value == "chalk" and "8 candidates would change" in read(app)


@pytest.mark.parametrize("plan", ["random", "by_type"])
def test_what_was_drawn_by_chance_tells_of_the_rest(filled, visit, plan):
    for number, action in enumerate(["accept", "accept", "accept", "reject"]):
        filled.add_review(home.GENERATE, f"candidate_00{number}", action, plan=plan)
    filled.add_review(home.GENERATE, "candidate_004", "reject", plan="made")
    said = read(visit("review", run=home.GENERATE, show="quality"))
    assert "75.0 %" in said and "of 8 candidates are right as they are, by 4 that were read" in said
    assert "under a filter or several at once: 1 candidate (0.0 % accepted as it stood)" in said


def test_what_the_filters_rejected_is_no_part_of_what_is_estimated(filled, visit):
    filled.add_review(home.GENERATE, "candidate_000", "reject", plan="random")
    filled.add_review(home.GENERATE, "candidate_000", "accept", plan="random")  # the latest counts
    filled.add_review(home.GENERATE, "candidate_009", "reject", plan="filtered")
    said = read(visit("review", run=home.GENERATE, show="quality"))
    assert "100.0 %" in said and "of 9 candidates are right as they are, by 1 that were read" in said
    assert "Judged in another order" not in said


def test_where_nothing_was_drawn_by_chance_a_sample_is_offered(filled, visit):
    filled.add_review(home.GENERATE, "candidate_000", "accept", plan="made")
    app = visit("review", run=home.GENERATE, show="quality")
    assert "was not drawn by chance" in app.info[0].value and "Read a sample of 9, drawn at random" in [
        link.proto.label for link in app.get("page_link")
    ]


def test_two_reviewers_are_compared_and_what_they_disagree_on_is_listed(filled, visit):
    for number in range(6):
        filled.add_review(home.GENERATE, f"candidate_00{number}", "accept", reviewer="Ada")
        filled.add_review(home.GENERATE, f"candidate_00{number}", "reject" if number < 2 else "edit",
                          answer="#### 5" if number >= 2 else None, reviewer="Bob")  # fmt: skip
    app = visit("review", run=home.GENERATE, show="quality")
    table = next(item.value for item in app.table if "κ" in item.value)
    assert table["both judged"].tolist() == ["6"] and table["alike"].iloc[0].startswith("66.7")
    assert "They disagree on 2 candidates" in read(app)
    rows = next(item.value for item in app.dataframe if "verdicts" in item.value)
    assert sorted(rows["verdicts"]) == ["Ada: accept; Bob: reject"] * 2


def test_the_log_says_who_did_what_and_why(filled, visit):
    filled.add_review(home.GENERATE, "candidate_000", "reject", reviewer="Ada", reason="form", note="two verbs")
    filled.add_review(home.GENERATE, "candidate_001", "accept")
    filled.undo_review([home.GENERATE])
    app = visit("review", run=home.GENERATE, show="log")
    rows = app.dataframe[0].value
    assert rows["what"].tolist() == ["undo", "accept, taken back", "reject"]
    assert rows.iloc[2][["who", "why", "note"]].tolist() == ["Ada", "badly written", "two verbs"]
    app.selectbox(key="log_who").set_value("Ada").run()
    assert len(app.dataframe[0].value) == 1
    assert [each.label for each in app.get("download_button")] == ["The log as CSV"]


def test_all_runs_of_a_seed_set_are_one_queue_in_every_view(filled, visit, browser):  # noqa: F811
    other = home.add_second_generate(filled.settings.home)
    filled.step()
    filled.add_review(other, "mutated_002", "reject", plan="random")
    app = visit("review", run="all", seeds=home.SEED_SET)
    assert not app.exception and browser.data["n"] == 27 and app.query_params["run"] == "all"
    browser.order("accept")
    app.run()
    assert sum(filled.store.count_candidates(id_)["reviewed_accept"] for id_ in (other, home.GENERATE, home.LOOP)) == 1
    said = read(visit("review", run="all", show="table", review="any"))
    assert "27 candidates match" in said
    app = visit("review", run="all", show="table", review="reject")
    assert not app.exception and "1 candidate matches" in read(app)
    assert "of 26 candidates are right as they are" in read(visit("review", run="all", show="quality"))
    log = visit("review", run="all", show="log")
    assert sorted(log.dataframe[0].value["what"]) == ["accept", "reject"]
    app = visit("review", run=other)
    assert browser.data["n"] == 9 and app.query_params["run"] == other


def test_all_runs_are_finetuned_on_together_and_one_that_waits_is_opened_from_there(filled, visit, browser):  # noqa: F811
    home.add_second_generate(filled.settings.home)
    filled.step()
    app = visit("review", run="all")
    with pytest.MonkeyPatch.context() as patch:
        went = []
        patch.setattr("streamlit.switch_page", lambda page, query_params: went.append(query_params))
        button(app, "to_finetune").click().run()
    assert len(went[0]["sources"]) == 3 and went[0]["seeds"] == home.SEED_SET


def test_candidates_that_came_of_no_seed_are_reviewed_and_are_no_part_of_a_seed_set(filled, visit, browser):  # noqa: F811
    run_id = "20260101-000008-generate-cccc"
    config = {"seed_set": None, "seed_set_name": None, "teacher": "built-in", "method": "direct", "filters": [],
              "n_accepted": 9, "replicate": 1, "is_preview": False}  # fmt: skip
    folder = home.make_run(filled.settings.home, run_id, "Generate without seeds", config, "teacher")
    with folder.hold():
        home.append_candidates(folder, home.STATES, method="direct", name="free")
        folder.finish("done", {"accepted": 9})
    filled.step()
    app = visit("review", run=run_id)
    assert not app.exception and browser.data["n"] == 9
    assert "review_ask" not in [each.key for each in app.button], "a student has no seeds to compare with"
    visit("review", run="all")
    assert browser.data["n"] == 18


def test_without_anything_done_each_view_says_so(filled, visit):
    assert "Nobody has judged any of these yet" in visit("review", run=home.GENERATE, show="quality").info[0].value
    assert "Nothing of the kind was done" in visit("review", run=home.GENERATE, show="log").info[0].value
    empty = visit("review", run=home.GENERATE, show="table", search="no such text")
    assert "No candidate is like that" in empty.info[0].value


def test_all_that_one_seed_brought(filled, visit):
    app = visit("review", run=home.GENERATE, show="table", seed="problem_train_002")
    wanted = filled.store.list_queue(QueueFilter(run=home.GENERATE, seed="problem_train_002"))
    assert 0 < len(wanted) < 9 and f"**{len(wanted)} candidate" in texts(app).replace("\u00a0", " ")
    button(app, "leave_seed").click().run()
    assert "**9 candidates**" in texts(app).replace("\u00a0", " ")
    assert filled.store.list_queue(QueueFilter(run=home.GENERATE, seed="problem'; --")).empty
    dearest = filled.store.list_queue(QueueFilter(run=home.GENERATE, order="dearest", status="", review="any"))
    found = [filled.store.read_candidate(home.GENERATE, id_) for id_ in dearest["candidate_id"]]
    tokens = [(each["n_input_tokens"] or 0) + (each["n_output_tokens"] or 0) for each in found]
    assert tokens == sorted(tokens, reverse=True)
