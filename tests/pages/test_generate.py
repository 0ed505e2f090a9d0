"""The page Generate beyond its first look: what is sent, prompts, limits, roles, what a run can be told."""

import re

import pytest

from core.recipes.generating import start_retry
from core.recipes.kinds import execute
from core.runs.folder import RunFolder
from core.tasks.prompts import read_prompt
from pages.components import numbers
from pages.components.candidates import describe_meta
from pages.components.estimating import MANY_PER_SEED, word_spread
from pages.components.growth import describe_growth, list_growths
from pages.components.spending import word_dollars
from tests.pages import home
from tests.pages.test_pages import button, texts
from tests.teacher.server import ChatServer, Spoken

STORIES = [
    "A ferry carries 30 cars and 12 vans over the strait. How many vehicles is that?",
    "Nine lanterns hang in each of 4 halls. What is the number of lanterns?",
    "Of 80 roof tiles a storm breaks 17. How many stay whole?",
    "Each sack weighs 25 kg; a mule bears 3 of them. Tell the weight in kg.",
]


def speak(prompt, body, number):
    if "Rewritten Instruction" in prompt:
        return Spoken([(STORIES[len(prompt) % len(STORIES)].encode(), -0.1)])
    return Spoken([(b"It is 2+3=<<2+3=5>>5.\n#### 5", -0.1)])


def find_code(app) -> list[str]:
    return [block.value for block in app.code]


def newest_run(hub) -> dict:
    hub.step()
    runs = hub.store.list_runs(["generate"])
    return hub.store.read_run(runs.iloc[0]["run_id"])


def carry_out(hub, run: dict) -> None:
    """Do in this process what the queue would do in one of its own."""
    assert execute(RunFolder(hub.settings.home / "runs" / run["run_id"])) == "done"
    hub.step()


def ask_server(app, url: str):
    """Fill in a server as the teacher."""
    app.selectbox(key="question_teacher").set_value("a model behind a server").run()
    app.text_input(key="question_server_url").set_value(url)
    return app.text_input(key="question_server_model").set_value("model").run()


@pytest.fixture
def server():
    with ChatServer(speak=speak) as running:
        yield running


def test_the_messages_shown_are_those_that_the_run_sends(filled, visit, server):
    app = visit("generate", selection=home.SELECT, view="What is sent")
    app = ask_server(app, server.url)
    assert not app.exception and not app.error
    shown = find_code(app)[0]
    assert "#Given Instruction#" in shown and home.problem_row(0, "train")["question"] in shown
    assert read_prompt("word_problems_answer") in find_code(app)
    assert server.bodies == []
    button(app, "generate").click().run()
    carry_out(filled, newest_run(filled))
    sent = {body["messages"][-1]["content"] for body in server.bodies}
    assert shown in sent


def test_an_edited_prompt_is_shown_and_kept_with_the_run(filled, visit):
    app = visit("generate", selection=home.SELECT, view="What is sent")
    app.text_area(key="prompt_word_problems_question").set_value("Write something like: {question}").run()
    assert find_code(app)[0] == f"Write something like: {home.problem_row(0, 'train')['question']}"
    button(app, "generate").click().run()
    kept = newest_run(filled)["config"]["prompts"]["word_problems_question"]
    assert kept == {"version": "1, edited", "text": "Write something like: {question}"}


def test_the_prompt_editor_keeps_its_place_when_a_text_is_edited(filled, visit):
    def find_place(block) -> list[int] | None:
        """Return the way from the page to the editor: which child of which child it is."""
        for place, child in getattr(block, "children", {}).items():
            if getattr(child, "label", None) == "Prompts":
                return [place]
            if (rest := find_place(child)) is not None:
                return [place, *rest]
        return None

    app = visit("generate", selection=home.SELECT)
    before = find_place(app.main)
    app.text_area(key="prompt_word_problems_question").set_value("Write something.").run()
    assert app.error and "Edited" in texts(app)
    assert before and find_place(app.main) == before, "a browser would close it"


@pytest.mark.parametrize(
    ("text", "sentence"), [("Write something.", "lacks question"), ("{question} {galaxy}", "has galaxy")]
)
def test_a_prompt_that_cannot_be_filled_is_said_and_nothing_can_be_started(filled, visit, text, sentence):
    app = visit("generate", selection=home.SELECT)
    app.text_area(key="prompt_word_problems_question").set_value(text).run()
    told = " ".join(re.findall(r"\w+", " ".join(error.value for error in app.error)))
    assert sentence in told
    assert button(app, "generate").disabled and button(app, "preview").disabled
    for view, where in (("What is sent", "info"), ("Compare methods", "caption")):
        app.segmented_control(key="generate_view").set_value(view).run()
        told = " ".join(re.findall(r"\w+", " ".join(each.value for each in getattr(app, where))))
        assert sentence in told and "Fill in what is empty" not in texts(app)


def test_what_is_wrong_with_a_prompt_of_one_s_own_is_said_where_the_messages_would_stand(filled, visit):
    app = visit("generate", selection=home.SELECT, method="free", view="What is sent")
    app.text_area(key="free_prompt").set_value("Write something.").run()
    assert "lacks" in app.info[0].value and button(app, "generate").disabled


def test_where_all_failed_it_is_said_and_the_estimate_assumes_the_usual(filled, visit):
    config = {"selection_run": home.SELECT, "selector": "loss_high", "teacher": "built-in", "method": "rewrite",
              "method_settings": {}, "roles": {}, "filters": ["held_out", "rouge_l"], "n_accepted": 4,
              "max_requests": 4, "replicate": 0, "turn": 1, "is_preview": True}  # fmt: skip
    folder = home.make_run(filled.settings.home, "20260101-000009-generate-bbbb", "Preview 4", config)
    with folder.hold():
        home.append_candidates(folder, ["failed"] * 4)
        folder.finish("done", {})
    filled.step()
    app = visit("generate", selection=home.SELECT)
    usual = [item.value for item in app.caption if "tokens in" in item.value]
    assert "(assumed: too little" in usual[0] and not app.warning
    app.multiselect(key="filters").set_value(["rouge_l"]).run()
    assert app.warning[0].value.startswith("All 4 candidates")
    assert [item.value for item in app.caption if "tokens in" in item.value] == usual
    assert "Nothing is paid" in texts(app)
    assert not button(app, "generate").disabled


def test_far_more_than_the_seeds_can_give_is_told_with_its_price(filled, visit):
    app = visit("generate", selection=home.SELECT)
    wanted = app.number_input(key=f"n_accepted_{home.SELECT}")
    wanted.set_value(MANY_PER_SEED * 2 * home.K).run()
    assert not app.warning
    wanted.set_value(1_000_000).run()
    assert not app.exception
    told = app.warning[0].value
    assert "41,666 from each of 24 seeds" in told and "4,000,000 candidates at the latest" in told and "$0" in told
    app.selectbox(key="method").set_value("direct").run()
    app.toggle(key="without_seeds").set_value(True).run()
    assert not app.warning, "no seed, nothing to run dry"


def test_a_run_that_was_started_elsewhere_is_noticed(filled, visit):
    app = visit("generate", selection=home.SELECT)
    n_shown = len(app.selectbox(key="generate_run").options)
    start_retry(filled, home.GENERATE)
    filled.step()
    app.run()
    assert len(app.selectbox(key="generate_run").options) == n_shown + 1


def test_method_settings_limits_and_budget_reach_the_run(filled, visit):
    app = visit("generate", selection=home.SELECT, method="vs_multi")
    app.number_input(key="n_per_call").set_value(4)
    app.number_input(key="tail").set_value(0.1)
    app.number_input(key="budget_tokens").set_value(50_000)
    app.number_input(key="filter_rouge_l_limit").set_value(0.6).run()
    assert not app.exception and not app.error
    button(app, "generate").click().run()
    config = newest_run(filled)["config"]
    assert config["method"] == "vs_multi" and config["method_settings"] == {"n_per_call": 4, "tail": 0.1}
    assert config["budget"] == {"tokens": 50_000} and config["filter_settings"] == {"rouge_l": {"limit": 0.6}}
    assert set(config["prompts"]) >= {"word_problems_question", "word_problems_answer"}


def test_a_budget_that_ends_the_run_early_is_seen(filled, visit):
    app = visit("generate", selection=home.SELECT)
    assert "ends it" not in texts(app)
    for tokens, told in ((12_000, "after about"), (1_000, "before the first of")):
        app.number_input(key="budget_tokens").set_value(tokens).run()
        assert not app.exception
        assert f"The budget of {tokens // 1000},000 tokens ends it {told}" in texts(app)
        labels = [each.proto.popover.label for each in app.get("popover")]
        assert f"Budget: {tokens // 1000},000 tokens" in labels
    app.number_input(key="budget_tokens").set_value(10_000_000).run()
    assert "ends it" not in texts(app)


def test_where_nobody_can_be_asked_yet_each_side_says_where_to_fill_in(filled, visit):
    app = visit("generate", selection=home.SELECT, view="Compare methods")
    app.selectbox(key="question_teacher").set_value("a model behind a server").run()
    left, _, right = (item.value.replace("\\", "") for item in app.caption if "Fill in" in item.value)
    assert left.startswith("Fill in whom to ask, below.") and right == "Fill in what is empty on the left."


def test_a_retry_has_the_budget_that_was_raised_and_says_whose_it_is(filled):
    first = RunFolder(filled.settings.home / "runs" / home.GENERATE)
    first.order("again", {"tokens": 70_000, "usd": None})
    again = start_retry(filled, home.GENERATE)
    assert RunFolder(filled.settings.home / "runs" / again).config["budget"] == {"tokens": 70_000, "usd": None}
    filled.step()
    growths = list_growths(filled, home.SELECT)
    when = numbers.moment(growths[home.GENERATE]["created_at"])
    assert describe_growth(growths[again], growths).startswith(f"retry of {when}, ")
    assert describe_growth(growths[home.GENERATE], growths).startswith("full run, ")


def test_a_budget_in_dollars_needs_a_price(filled, visit, server):
    app = ask_server(visit("generate", selection=home.SELECT), server.url)
    assert "Unknown price" in texts(app)
    app.number_input(key="budget_usd").set_value(1.0).run()
    assert any("price of model" in error.value for error in app.error)
    assert button(app, "generate").disabled


def test_other_roles_are_asked_elsewhere(filled, visit):
    app = visit("generate", selection=home.SELECT)
    app.selectbox(key="answer_teacher").set_value("a student on this machine").run()
    assert "the student tiny" in texts(app)
    button(app, "generate").click().run()
    assert newest_run(filled)["config"]["roles"] == {"answer": {"student": "tiny"}}


def test_failed_candidates_alone_are_asked_for_again(filled, visit):
    app = visit("generate", selection=home.SELECT, run=home.GENERATE)
    button(app, f"retry_{home.GENERATE}").click().run()
    assert not app.exception and not app.error
    run = newest_run(filled)
    assert run["config"]["retry_of"] == home.GENERATE and run["config"]["n_accepted"] == 1
    assert run["config"]["max_requests"] == 1
    seeds = RunFolder(filled.settings.home / "runs" / run["run_id"]).read_input("seeds")
    assert seeds["problem_id"].tolist() == ["problem_train_012"]


def test_a_run_that_met_its_budget_says_so_and_goes_on_with_a_larger_one(filled, visit, server):
    app = ask_server(visit("generate", selection=home.SELECT), server.url)
    app.number_input(key="budget_tokens").set_value(9_000).run()
    button(app, "generate").click().run()
    run = newest_run(filled)
    carry_out(filled, run)
    app = visit("generate", selection=home.SELECT, run=run["run_id"])
    assert any("budget" in warning.value for warning in app.warning)
    n_sent = len(server.bodies)
    assert n_sent >= 1
    app.number_input(key=f"more_{run['run_id']}").set_value(200_000).run()
    button(app, f"go_on_{run['run_id']}").click().run()
    assert newest_run(filled)["run_id"] == run["run_id"]
    folder = RunFolder(filled.settings.home / "runs" / run["run_id"])
    assert folder.read_budget() == {"tokens": 200_000} and folder.config["budget"] == {"tokens": 9_000}
    carry_out(filled, run)
    asked = [body["messages"][-1]["content"] for body in server.bodies]
    before, again = ({text for text in part if "Rewritten" in text} for part in (asked[:n_sent], asked[n_sent:]))
    assert again and not before & again


def test_notes_of_a_method_are_one_line():
    meta = {"probability_stated": "120%", "probability_fault": "above 1", "skills": ["ratios", "rates"]}
    assert describe_meta(meta) == "stated probability 120% (above 1) · skills: ratios, rates"
    assert describe_meta({"label": "incorrect"}) == "the answer is meant to be wrong"
    assert describe_meta(None) == describe_meta({}) == ""


def test_money_that_is_not_known_is_never_nothing():
    assert word_dollars(None, 3) == "unknown price"
    assert word_dollars(0.0) == "$0" and word_dollars(0.034, 2) == "$0.034 and more"


def test_a_spread_is_told_with_its_bounds():
    from core.generation.preview import Spread

    assert word_spread(Spread(900, 1200, 2500)) == "1.2k (900–2.5k)"


def test_a_failed_call_is_asked_for_again_once_however_many_candidates_it_was_to_bring(filled):
    config = {"selection_run": home.SELECT, "selector": "loss_high", "teacher": "built-in", "method": "vs_standard",
              "method_settings": {"n_per_call": 3}, "filters": ["held_out"], "n_accepted": 6, "max_requests": 6,
              "benchmarks": [home.SEED_SET], "replicate": 0, "turn": 1, "is_preview": True}  # fmt: skip
    run_id = "20260101-000009-generate-bbbb"
    folder = home.make_run(filled.settings.home, run_id, "Generate 6", config, "teacher")
    with folder.hold():
        home.append_candidates(folder, ["failed"] * 7)
        calls = [("a", 5), ("a", 5), ("a", 5), ("b", 5), ("b", 5), ("b", 5), ("a", 6)]
        for number, (seed, index) in enumerate(calls):
            parents = [f"problem_train_00{'ab'.index(seed)}"]
            folder.append("candidates", {"candidate_id": f"candidate_{number:03d}", "round": 1, "position": number,
                "parents": parents, "question": None, "answer": None, "final": None, "failure": "Empty.",
                "method": "vs_standard", "teacher": "built-in", "raw_question": "", "raw_answer": None,
                "n_input_tokens": 1, "n_output_tokens": 1, "sample_index": index, "meta": {}, "written_at": 4.0,
            })  # fmt: skip
        folder.finish("done", {})
    filled.step()
    again = RunFolder(filled.settings.home / "runs" / start_retry(filled, run_id))
    kept = again.config
    assert kept["max_requests"] == kept["n_accepted"] == 9 and kept["benchmarks"] == [home.SEED_SET]
    assert kept["is_preview"] and kept["method_settings"] == {"n_per_call": 3}
    assert again.read_input("seeds")["problem_id"].tolist() == ["problem_train_000", "problem_train_001"]
