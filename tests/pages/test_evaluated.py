"""The page Evaluate on a home with evaluations: what it shows of them, and where it leads."""

import pytest

from core import hub as hubs
from core.evaluation.asking import MeteredStudent
from core.evaluation.judging import judge_answer
from core.models.generate import Answer
from core.models.predict import make_prediction
from core.recipes.evaluation_results import Evaluated, summarise, write_answers
from core.records import Problem
from core.runs.folder import RunFolder
from core.tasks import TASKS
from tests.pages import home
from tests.pages.conftest import open_home
from tests.pages.test_pages import button, texts

PAIR, DRAWN, STOPPED, DRAWN_PAIR = (f"20260102-00000{number}-evaluate-aaaa" for number in range(4))


class Silent:
    """Stands for a student that was asked earlier."""

    source, fingerprint, dtype_name, has_weights = "tiny", "f", "float32", True


def make_problems() -> list[Problem]:
    rows = [home.problem_row(number, "test") for number in range(home.N_TEST)]
    return [
        Problem(row["problem_id"], row["question"], row["answer"], row["final"], "test", {"type": "ab"[i % 2]})
        for i, row in enumerate(rows)
    ]


def answer(student: str, rights: set[int], n_samples: int = 1) -> Evaluated:
    """Answers of which those to these problems are right; of several only the first ones."""
    task, problems = TASKS.get("word_problems"), make_problems()
    answers, judged = [], []
    for number, problem in enumerate(problems):
        finals = [
            problem.final if number in rights and sample < 2 else str(900 + sample) for sample in range(n_samples)
        ]
        texts_ = ["I do not know." if number == 19 else f"He pays.\n#### {final}" for final in finals]
        row = [make_prediction(task, problem, Answer(text, 0.5 + number / 100, 9, False)) for text in texts_]
        answers.append(row)
        judged.append([judge_answer(task, problem, each) for each in row])
    return Evaluated(student, answers, judged, MeteredStudent(Silent()))


def add_evaluation(place, run_id, found, config, state="done") -> None:
    config = {"splits": ["test"], "student": "tiny", "adapter": None, "asks_base": True, "benchmark": None,
              "limit": None, "limit_seed": 0, "tolerance": None, "n_samples": len(found[0].answers[0]),
              "temperature": None, "teacher": None, "seed_set_name": "pens/test", **config}  # fmt: skip
    folder = home.make_run(place, run_id, f"Evaluate {run_id}", config, "device")
    with folder.hold():
        for each in found:
            write_answers(folder, each, make_problems())
        about = {"round": 0, "name": "tokens_per_second", "step": 20, "value": 123.4}
        folder.append("metrics", about)
        folder.report("base: answers", home.N_TEST, 0, home.N_TEST)
        task = TASKS.get("word_problems")
        folder.finish(state, summarise(task, make_problems(), found, {}) if state == "done" else None)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    place = tmp_path_factory.mktemp("home")
    home.add_seed_set(place)
    base, tuned = answer("base", {0, 1, 2, 3, 4}), answer("tuned", {0, 1, 2, 3, 5, 6, 7, 8})
    tuned.grades = [each[0].is_correct for each in tuned.judged]
    tuned.grades[9] = True
    tuned.grade_reasons = ["It reads well. Final Verdict: Correct"] * home.N_TEST
    add_evaluation(place, PAIR, [base, tuned], {"adapter": "x", "teacher": "built-in"})
    add_evaluation(place, DRAWN, [answer("base", {0, 1, 2}, 4)], {"temperature": 0.7, "limit": 20})
    drawn = [answer("base", {0, 1, 2}, 4), answer("tuned", {0, 1, 3, 4}, 4)]
    add_evaluation(place, DRAWN_PAIR, drawn, {"adapter": "x", "temperature": 0.7})
    add_evaluation(place, STOPPED, [base], {"adapter": "x"}, state="cancelled")
    yield open_home(place)
    hubs.close()


def table_of(app):
    return next(each.value for each in app.dataframe if "question" in each.value)


# -- what came of it -----------------------------------------------------------------------------------------------


def test_numbers_of_a_pair(evaluated, visit):
    app = visit("evaluate", run=PAIR)
    said = texts(app)
    assert not app.exception and not app.error
    assert "25.0\u00a0% → 40.0\u00a0% of 20 problems" in said and "+15.0\u00a0points" in said
    assert "gained 4, lost 1, as before 15" in said and "McNemar p = 0.38" in said
    table = app.table[0].value
    assert table["student"].tolist() == ["base", "tuned"]
    assert table["answers"].tolist()[1] == "11 wrong, 8 right, 1 without a final answer"
    assert "agrees with the checker on **95.0\u00a0%** of 20" in said and "stand-in" in said


def test_numbers_of_drawn_answers(evaluated, visit):
    app = visit("evaluate", run=DRAWN, show="numbers")
    said = texts(app)
    assert not app.exception and "7.5\u00a0% of the answers to 20 problems right" in said  # 3 problems, 2 of 4 each
    assert "mean@4" in app.table[0].value and "maj@4 **" in said and "pass@k" in said
    assert "the first by a hash of seed 0" in said


def test_of_drawn_answers_it_is_said_what_is_counted_by_the_majority(evaluated, visit):
    said = texts(visit("evaluate", run=DRAWN_PAIR, show="numbers"))
    assert "right more often 2, less often 1, as often 17" in said and "by the majority's answer gained" in said


@pytest.mark.parametrize("run_id", ["PAIR", "DRAWN", "DRAWN_PAIR"])
def test_each_problem_is_in_one_of_the_parts(evaluated, run_id):
    counts = evaluated.store.count_evaluated(globals()[run_id])
    parts = ("gained", "lost", "wrong", "right", "mixed", "not_judged")
    assert sum(counts[name] for name in parts) == counts["all"] == home.N_TEST
    assert (counts["mixed"] > 0) == (run_id != "PAIR")


def test_answers_are_shown_by_what_became_of_them(evaluated, visit):
    app = visit("evaluate", run=PAIR, show="answers", which="gained", order="worst")
    assert not app.exception and not app.error
    table = table_of(app)
    assert table["base"].tolist() == ["✗ wrong"] * 4 and table["tuned"].tolist() == ["✓ right"] * 4
    said = texts(app)
    assert "base · :red[" in said and "tuned · :green[" in said and "differs from the reference" in said
    assert "".join(app.query_params["which"]) == "gained" and "".join(app.query_params["order"]) == "worst"


@pytest.mark.parametrize(
    ("run_id", "words"), [("DRAWN", "right at times 3"), ("DRAWN_PAIR", "right at times, as before 2")]
)
def test_only_where_two_were_asked_something_is_as_before(evaluated, visit, run_id, words):
    app = visit("evaluate", run=globals()[run_id], show="answers")
    (parts,) = [box for box in app.get("button_group") if box.key == "answers_which"]
    assert words in parts.options


def test_a_grader_that_disagrees_is_found(evaluated, visit):
    app = visit("evaluate", run=PAIR, show="answers", which="disagree")
    assert not app.exception and len(table_of(app)) == 1
    assert "the checker says otherwise" in " ".join(box.label for box in app.expander)


def test_an_address_that_makes_no_sense_shows_everything(evaluated, visit):
    app = visit("evaluate", run="nowhere", show="answers", which="nice", order="nice")
    assert not app.exception and len(table_of(app)) == 20


def test_answers_can_be_searched_and_drawn_at_random(evaluated, visit):
    app = visit("evaluate", run=PAIR, show="answers", order="random")
    first = table_of(app)["question"].tolist()
    app.number_input(key="answers_seed").set_value(1).run()
    assert sorted(table_of(app)["question"]) == sorted(first) and table_of(app)["question"].tolist() != first
    app.text_input(key="answers_search").input("17 boxes").run()
    assert len(table_of(app)) == 1
    app.text_input(key="answers_search").input("no such words").run()
    assert not app.exception and "No problem is left" in texts(app)


def test_every_drawn_answer_can_be_opened(evaluated, visit):
    app = visit("evaluate", run=DRAWN, show="answers")
    assert table_of(app)["tiny"].tolist()[:4] == ["2 of 4 right"] * 3 + ["0 of 4 right"]
    key = f"sample_base_{home.problem_row(0, 'test')['problem_id']}"
    app.segmented_control(key=key).set_value(3).run()
    assert not app.exception and "\\#\\#\\#\\# 903" in texts(app)


def test_a_stopped_run_shows_what_came_and_goes_on(evaluated, visit):
    app = visit("evaluate", run=STOPPED, show="answers")
    assert not app.exception and len(table_of(app)) == 20 and "tuned" not in table_of(app)
    assert "123 tokens per second" in texts(app) and "asks only the rest" in texts(app)
    button(app, "again").click().run()
    assert RunFolder(evaluated.settings.home / "runs" / STOPPED).read_state().state == "queued"


def test_what_makes_a_number_doubtful_is_said_above_it(evaluated, visit):
    folder = RunFolder(evaluated.settings.home / "runs" / DRAWN)
    summary = folder.read_state().summary
    summary["students"]["base"] |= {"n_truncated": 80, "ignores_temperature": True}
    summary["agreement"] = {"base": {"n_graded": 0, "no_grade": {"The reply could not be read.": 80}}}
    run_id = "20260102-000009-evaluate-aaaa"
    other = home.make_run(evaluated.settings.home, run_id, "Evaluate badly", folder.config, "device")
    with other.hold():
        other.finish("done", summary)
    evaluated.step()
    app = visit("evaluate", run=run_id, show="numbers")
    warnings = [warning.value.replace("\\", "") for warning in app.warning]
    assert not app.exception and len(warnings) == 3
    assert "answered alike 4 times" in warnings[0] and "every answer was cut off" in warnings[1]
    assert "the grader gave no verdict on 80 of 80 answers: The reply could not be read." in warnings[2]
