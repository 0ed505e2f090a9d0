"""Select: what people rejected lowers the chance of those seeds where that is asked for, and the selection knows it."""

from tests.pages import home
from tests.pages.test_pages import button, texts


def test_a_method_that_is_rejected_far_more_often_is_told_where_methods_are_chosen(filled, visit):
    other = home.add_second_generate(filled.settings.home)
    filled.step()
    for number in range(9):
        filled.add_review(home.GENERATE, f"candidate_00{number}", "accept")
        filled.add_review(other, f"mutated_00{number}", "reject" if number else "accept")
    words = "8 of 9 of `mutate` were rejected by hand; 0 of 9 of `rewrite`."
    app = visit("generate")
    assert words in texts(app).replace("\u00a0", " ") and not [each for each in app.warning if words in each.value]
    app = visit("generate", method="mutate")
    assert [each for each in app.warning if words in each.value.replace("\u00a0", " ")]
    app = visit("select", mind="1")
    assert not app.exception and "counts less where its method" in texts(app) and "mutate 0.20" in texts(app)


def test_rejected_children_are_offered_to_be_minded_and_the_selection_says_so(filled, visit):
    app = visit("select")
    assert not app.exception and "select_mind" not in [each.key for each in app.toggle]
    for number in range(9):
        filled.add_review(home.GENERATE, f"candidate_00{number}", "reject")
    app = visit("select", k="10")
    assert "9 judged children" in texts(app).replace("\u00a0", " ")
    app.toggle(key="select_mind").set_value(True).run()
    said = texts(app).replace("\u00a0", " ").replace("\\", "")
    assert not app.exception and "set aside by lot, by 9 judged children, 9 of them rejected" in said
    n_aside = int(said.split(" seeds of 60 set aside")[0].split()[-1])
    assert 1 <= n_aside <= 9, "one rejected child leaves its seed two chances of three, and other seeds all"
    button(app, "use_selection").click().run()
    newest = filled.store.list_runs(["select"]).iloc[0]
    config = filled.store.read_run(newest["run_id"])["config"]
    assert config["n_set_aside"] == n_aside and newest["title"].endswith("minding what was rejected")
    chosen = filled.store.list_selected(newest["run_id"], 1)
    rejected = {f"problem_train_{number:03d}" for number in range(9)}
    assert len(set(chosen[~chosen["is_spare"].astype(bool)]["problem_id"]) & rejected) < 9
