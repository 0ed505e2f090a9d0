"""The form of a finetune: what its rows are made of, what an objective lacks, and a run taken up again."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from core import hub as hubs
from core.errors import TrainingError
from core.recipes.training_choice import ALL_SEEDS, Choice
from core.runs.folder import RunFolder
from core.store.reads_candidates import POLICIES
from core.training.config import TrainingConfig
from core.training.data import TrainingRow, from_frame, to_frame
from core.training.own_presets import remove_own_preset, save_own_preset
from pages.components import training_form
from pages.components.frozen import name_setting, say_value
from pages.components.setting_faces import to_words
from pages.components.stage_words import say_stage
from pages.components.training_refilling import list_training_fields, read_choice
from pages.components.training_settings import list_lacks
from tests.pages import home
from tests.pages.conftest import open_home

WRONG = "20260101-000021-generate-aaaa"
ANSWERS = "20260101-000022-answers-aaaa"
TUNED = "20260101-000023-finetune-aaaa"
FROM_FILE = "20260101-000024-finetune-aaaa"
RULES = "filters and not rejected"
N_SEEDS = home.N_TRAIN - home.N_TEST
"""The first train problems of this home are its test problems too, word for word: they are left out."""


def finish(path, run_id, config, records, rows=None):
    inputs = {} if rows is None else {"rows": to_frame(rows)}
    folder = home.make_run(path, run_id, f"Run {run_id[-4:]}", config, "light", **inputs)
    with folder.hold():
        for table, lines in records.items():
            for line in lines:
                folder.append(table, line)
        folder.finish("done", {"n": 1})


@pytest.fixture
def rich(tmp_path):
    """A home with wrong answers, a teacher's answers and own answers beside the usual things."""
    home.fill_home(tmp_path)
    seed = home.problem_row(30, "train")
    text = {"round": 1, "parents": [seed["problem_id"]], "question": seed["question"], "failure": None, "teacher": "m",
            "meta": {}, "written_at": 4.0, "n_input_tokens": 1, "n_output_tokens": 1, "sample_index": 0}  # fmt: skip
    wrong = {**text, "candidate_id": "w0", "position": 0, "answer": "so 1\n#### 1", "final": "1", "method": "incorrect",
             "meta": {"label": "incorrect"}}  # fmt: skip
    finish(tmp_path, WRONG, {"method": "incorrect"}, {"candidates": [wrong]})
    said = {**text, "candidate_id": "a0", "position": 0, "answer": f"teacher\n#### {seed['final']}",
            "final": seed["final"], "method": "answer"}  # fmt: skip
    judged = {"candidate_id": "a0", "filter": "reference", "is_accepted": True, "reason": None, "value": None}
    finish(tmp_path, ANSWERS, {"method": "answer"}, {"candidates": [said], "verdicts": [judged]})
    drawn = [
        {"round": 1, "problem_id": seed["problem_id"], "sample": n, "question": seed["question"], "text": f"own {n}",
         "final": seed["final"] if n else "0", "is_correct": bool(n), "is_kept": True, "reason": None}
        for n in range(2)
    ]  # fmt: skip
    parts = Choice((home.GENERATE,), RULES, ALL_SEEDS).to_config()
    tuned = {"student": "tiny", "objective": "dpo", "settings": {"beta": 0.3, "n_samples": 2}, "preset": "tiny",
             "training": {"epochs": 2, "learning_rate": 1e-3}, "parts": parts, "rows_hash": "0" * 64}  # fmt: skip
    finish(tmp_path, TUNED, tuned, {"own_answers": drawn}, [TrainingRow("Q", "A")])
    of_file = {"student": "org/model", "objective": "sft", "training": {"epochs": 1}, "preset": "gsm8k-seed"}
    adapter = {"round": 1, "student": "org/model", "path": "x", "n_rows": 1, "written_at": 1.0}
    finish(tmp_path, FROM_FILE, of_file, {"adapters": [adapter]}, [TrainingRow("Only here?", "Yes.\n#### 1", "1")])
    yield open_home(tmp_path)
    hubs.close()


def said(app) -> str:
    parts = [*app.markdown, *app.caption, *app.warning, *app.info, *app.error]
    return "\n".join(part.value for part in parts).replace("\\", "").replace("\u202f", " ")


def n_rows(app) -> str:
    return next(item.value for item in app.metric if item.label == "training rows").replace("\u202f", " ")


def parts(app):
    return next(item for item in app.get("button_group") if item.key == "train_parts")


def test_parts_are_chosen_counted_and_kept_in_the_address(rich, visit):
    app = visit("finetune", show="train")
    assert not app.exception
    assert app.multiselect(key="sources").value == [home.LOOP] and n_rows(app) == "9"  # the newest with right answers
    text = said(app)
    assert "**Accepted candidates** 9 of 13" in text and "3 rejected by the filter rouge_l" in text
    assert "1 there is no usable answer" in text and "Hash `" in text
    assert "Row 1 of 9" in text and "From a candidate: " in text and " · Demo: pens" in text
    parts(app).set_value(["candidates", "seeds", "answers", "own"]).run()
    assert not app.exception
    assert n_rows(app) == str(9 + N_SEEDS + 1 + 2)
    text = said(app)
    assert f"**Seeds with reference answers** {N_SEEDS} of {home.N_TRAIN}" in text
    assert f"{home.N_TEST} its question is a validation or test problem" in text
    assert "**The student's own answers** 2 of 2, 1 as wrong answers" in text
    assert app.query_params["parts"] == ["candidates", "seeds", "answers", "own"]
    again = visit(
        "finetune", show="train", parts=["seeds"], train_seeds=home.SELECT, sources=app.query_params["sources"]
    )
    assert again.selectbox(key="train_seeds").value == home.SELECT
    assert f"**Seeds with reference answers** 0 of {home.K}" in said(again)
    assert "Every row that was found is left out" in said(again)


def test_what_an_objective_lacks_or_draws_is_said_before_the_launch(rich, visit):
    app = visit("finetune", show="train", objective="signed")
    assert "Signed likelihood cannot begin: no row has a wrong answer" in said(app)
    app.multiselect(key="sources").set_value([home.GENERATE, WRONG]).run()
    assert "cannot begin" not in said(app) and n_rows(app) == "10"
    assert next(item.value for item in app.metric if item.label == "wrong answers among them") == "1"
    app.selectbox(key="objective").set_value("rft").run()
    text = said(app)
    assert "a policy is trained on the 9 right answers (supervised;" in text and "draws 80 answers" in text
    app.number_input(key="n_samples_objective_rft").set_value(2).run()
    assert "draws 20 answers" in said(app)
    assert json.loads(app.query_params["set"]) == {"objective": {"n_samples": 2}}


def test_steps_and_questions_are_told_before_the_launch(rich, visit):
    text = said(visit("finetune", show="train", sources=[home.GENERATE], set='{"training": {"batch_size": 4}}'))
    assert "9 rows, 5 epochs: 15 steps" in text
    asked = f"Before it and after every epoch {home.N_VALIDATION} validation problems to answer"
    assert f"{asked}, before and after all {home.N_TEST} others." in text


def test_a_file_without_rows_does_not_pass_for_one(rich, visit):
    app = visit("finetune", show="train", parts=["candidates", "file"])
    assert "No row of the file can be used yet" in said(app)
    assert next(item.disabled for item in app.button if item.key == "launch")
    app = upload(app)
    assert "No row of the file" not in said(app)
    assert not next(item.disabled for item in app.button if item.key == "launch")


def test_a_number_that_cannot_be_stops_the_launch_with_a_sentence(rich, visit):
    def is_off(app):
        return next(item.disabled for item in app.button if item.key == "launch")

    app = visit("finetune", show="train", objective="dpo")
    assert not is_off(app)
    for key, value, sentence in (
        ("dropout_tiny-dpo", 5.0, "“LoRA dropout” must be a share from 0 to below 1, not 5.0"),
        ("learning_rate_tiny-dpo", -1.0, "“Learning rate” must be above 0 and at most 1"),
        ("learning_rate_tiny-dpo", None, "“Learning rate” is empty: write a number, usual is 0.0004."),
        ("accumulation_steps_tiny-dpo", 0, "“Parts of a batch” must be at least 1, not 0"),
        ("n_samples_objective_dpo", 0, "“Answers to each” must be at least 1, not 0"),
        ("beta_objective_dpo", None, "“Beta” is empty"),
    ):
        before = app.number_input(key=key).value
        app.number_input(key=key).set_value(value).run()
        assert not app.exception and is_off(app), key
        assert sentence in said(app), key
        app.number_input(key=key).set_value(before).run()
        assert not is_off(app)


def test_settings_come_back_with_the_address_and_a_wrong_one_is_said(rich, visit):
    change = {"training": {"epochs": 4, "seed": -1, "batch_size": "x", "nothing": 1}, "objective": {"beta": 1}}
    app = visit("finetune", show="train", objective="dpo", set=json.dumps(change))
    assert not app.exception
    assert app.number_input(key="epochs_tiny-dpo").value == 4 and app.number_input(key="seed_tiny-dpo").value == 0
    assert app.number_input(key="beta_objective_dpo").value == 1.0
    assert "changed: epochs" in said(app) and any(box.key == "rank_tiny-dpo" for box in app.number_input)
    app.selectbox(key="weights_tiny-dpo").set_value("full")
    app.number_input(key="accumulation_steps_tiny-dpo").set_value(7).run()
    assert not any(box.key == "rank_tiny-dpo" for box in app.number_input) and "all weights, learning rate" in said(app)
    assert "cannot be computed in 7 equal parts" in said(app)


def test_a_teacher_is_asked_and_its_run_is_followed(rich, visit):
    app = visit("finetune", show="train", parts="answers")
    assert n_rows(app) == "1"
    app.selectbox(key="answering_seeds").set_value(home.SELECT)
    app.number_input(key="answering_n").set_value(2).run()
    start = next(item for item in app.button if item.key == "answering_start")
    assert start.label == f"Ask for {2 * home.K} answers"
    start.click().run()
    assert not app.exception and any("Waits for its turn" in bar.proto.text for bar in app.get("progress"))
    run = rich.store.list_runs(["answers"]).iloc[0]
    config = json.loads(run["config"])
    assert run["state"] == "queued" and run["lane"] == "teacher" and config["max_requests"] == 2 * home.K
    given = RunFolder(rich.settings.home / "runs" / run["run_id"]).read_input("seeds")
    assert len(given) == home.K


def test_a_run_is_taken_up_with_its_parts_and_settings_or_its_rows_as_they_were(rich, visit):
    app = visit("finetune", show="train", like=TUNED, seeds=home.SEED_SET)
    assert not app.exception and "like" not in app.query_params
    assert app.selectbox(key="objective").value == "dpo" and app.number_input(key="beta_objective_dpo").value == 0.3
    assert app.number_input(key="epochs_tiny").value == 2 and app.number_input(key="learning_rate_tiny").value == 1e-3
    assert parts(app).value == ["candidates", "seeds"] and n_rows(app) == str(9 + N_SEEDS)
    text = said(app)
    assert " · Run aaaa" in text and "The rows are others now (then `000000000000`)" in text
    next(item for item in app.button if item.key == "rows_as_they_were").click().run()
    assert parts(app).value == ["earlier"] and n_rows(app) == "1"
    app = visit("finetune", show="train", like=FROM_FILE)  # its rows came from a file
    assert not app.exception
    assert parts(app).value == ["earlier"] and app.selectbox(key="train_earlier").value == FROM_FILE
    assert (
        app.text_input(key="student_source").value == "org/model" and app.selectbox(key="preset").value == "gsm8k-seed"
    )
    assert "Only here?" in said(app)


def make_wish(rich, choice, **more):
    seed_set = rich.store.read_seed_set(home.SEED_SET)
    made, frame = training_form.gather(rich, seed_set, choice, None)
    tuning = {"objective": "sft", "settings": {}, "student": "tiny", "adapter": None, "preset": "tiny",
              "training": {"epochs": 3}, **more}  # fmt: skip
    return training_form.make_wish(seed_set, choice, training_form.Tuning(**tuning), made, frame, [])


def test_what_is_launched_says_what_it_was_made_of_and_that_decides_how_it_comes_again(rich):
    assert read_choice(rich.store.read_run(home.FINETUNE)) == Choice((home.GENERATE,), RULES)
    assert read_choice(rich.store.read_run(home.LOOP)) == Choice(earlier=home.LOOP)
    fields = list_training_fields(rich.store.read_run(home.FINETUNE))
    assert fields["train_parts"] == ["candidates"] and fields["objective"] == "sft" and fields["epochs_tiny"] == 4
    choice = Choice((home.GENERATE,), POLICIES[0], ALL_SEEDS)
    wish = make_wish(rich, choice)
    assert wish.is_ready
    run = rich.store.read_run(training_form.launch(rich, wish))
    config = run["config"]
    assert (config["rows_hash"], config["n_rows"]) == (wish.rows_hash, 9 + N_SEEDS)
    assert Choice.from_config(config) == choice and config["generate_runs"] == [home.GENERATE]
    assert config["training"]["epochs"] == 3 and config["objective"] == "sft"
    rows = from_frame(RunFolder(rich.settings.home / "runs" / run["run_id"]).read_input("rows"))
    assert [row.origin for row in rows] == ["candidate"] * 9 + ["seed"] * N_SEEDS
    with pytest.raises(TrainingError, match="wrong answers"):
        training_form.launch(rich, make_wish(rich, choice, objective="signed"))
    rich.add_review(home.GENERATE, "candidate_000", "reject")  # rows are gathered anew
    assert len(make_wish(rich, choice).rows) == 8 + N_SEEDS


def test_a_preset_says_for_whom_it_is_and_the_summed_form_has_its_own(rich, visit):
    app = visit("finetune", show="train", objective="signed")
    box = app.selectbox(key="preset")
    assert box.value == "tiny-signed" and "gsm8k-synthetic · 7 billion parameters, GSM8K, synthetic rows" in "\n".join(
        box.options
    )
    assert "Kessler 2025, table 1" in "\n".join(box.options)
    app.toggle(key="is_normalised_objective_signed").set_value(False).run()
    assert app.selectbox(key="preset").value == "tiny-signed-summed" and "mean per token off" in said(app)
    app.number_input(key="epochs_tiny-signed-summed").set_value(2)
    app.selectbox(key="layers_tiny-signed-summed").set_value("attention")
    app.number_input(key="dropout_tiny-signed-summed").set_value(0.1).run()
    assert "changed: LoRA dropout, LoRA layers, epochs" in said(app)
    app.selectbox(key="objective").set_value("sft").run()
    assert app.selectbox(key="preset").value == "tiny" and app.number_input(key="epochs_tiny").value == 5
    app.number_input(key="epochs_tiny").set_value(4).run()
    app.selectbox(key="objective").set_value("rft").run()
    assert app.number_input(key="epochs_tiny").value == 4  # the preset stays, and what was typed


def test_ones_own_preset_stands_in_the_box_again(rich, visit):
    path = rich.settings.home
    save_own_preset(path, "mine", {"epochs": 7})
    choice = Choice((home.GENERATE,), POLICIES[0])
    run_id = training_form.launch(rich, make_wish(rich, choice, preset="mine", training={"epochs": 7}))
    app = visit("finetune", show="train", like=run_id)
    assert not app.exception and app.selectbox(key="preset").value == "mine"
    assert "mine · your own" in app.selectbox(key="preset").options and app.number_input(key="epochs_mine").value == 7
    app = visit("finetune", show="train", like=TUNED, preset="mine")  # as a sweep's winner is used
    assert app.selectbox(key="preset").value == "mine" and app.number_input(key="epochs_mine").value == 2
    remove_own_preset(path, "mine")
    app = visit("finetune", show="train", like=run_id)
    assert app.selectbox(key="preset").value == "tiny" and app.number_input(key="epochs_tiny").value == 7


def test_settings_are_called_as_in_the_form():
    with pytest.raises(TrainingError) as refused:
        TrainingConfig(batch_size=24, accumulation_steps=7)
    said = to_words(refused.value)
    assert "accumulation_steps" in str(refused.value)  # the shell's reader types it
    assert "_" not in said and "“Parts of a batch”" in said and "“Batch size”" in said
    assert (say_value("lora", "training.weights"), say_value("cosine_with_min_lr", "schedule")) == (
        "a LoRA adapter",
        "cosine",
    )
    assert name_setting("policy_training.accumulation_steps") == "policy: parts of a batch"


def test_a_copy_is_asked_for_in_the_words_of_the_form(rich, visit):
    def script(run_id):
        from core.hub import get_hub
        from pages.components.run_actions import draw_clone

        draw_clone(get_hub(), get_hub().store.read_run(run_id))

    app = AppTest.from_function(script, kwargs={"run_id": TUNED}, default_timeout=20).run()
    names = app.selectbox(key="clone_name").options
    assert {"trains", "LoRA layers", "parts of a batch"} <= set(names) and not [name for name in names if "_" in name]
    app.selectbox(key="clone_name").set_value("training.weights").run()
    assert "Now: a LoRA adapter." in said(app)
    assert app.selectbox(key=f"clone_value_{TUNED}_training.weights").options == ["a LoRA adapter", "all weights"]
    app.selectbox(key="clone_name").set_value("training.accumulation_steps").run()
    app.number_input(key=f"clone_value_{TUNED}_training.accumulation_steps").set_value(7)
    next(item for item in app.button if item.key == "clone").click().run()
    assert "choose “Parts of a batch” that divide “Batch size”" in app.error[0].value.replace("\\", "")


def test_stages_are_told_in_words():
    cases = [
        ("ood, after", "out-of-distribution problems, after"),
        ("test, after round 1", "test problems, after round 1"),
        ("round 2: finetune", "round 2: trains"),
        ("round 1: rollouts", "round 1: goes on from beginnings of answers"),
        ("round 1: score the seeds, answers", "round 1: score the seeds, answers"),
        ("generate", "generate"),
    ]
    assert [say_stage(name) for name, _ in cases] == [words for _, words in cases]


def test_what_a_policy_or_a_pair_needs_is_said_too():
    right, wrong = TrainingRow("Q", "A"), TrainingRow("Q", "B", "1", -1)
    cases = [
        ("dpo", [right], "no row has a final answer"),
        ("dpo", [right, wrong], None),
        ("rft", [wrong], "no row has a right answer"),
        ("sft", [right], None),
    ]
    for objective, rows, lacking in cases:
        said = list_lacks(training_form.Tuning(objective, {}, "tiny", None, "tiny", {}), rows)
        assert [lacking in sentence for sentence in said] == ([] if lacking is None else [True]), objective


LINES = [
    {"question": f"Ann has {n} pens and buys 2. How many?", "answer": f"{n}+2={n + 2}\n#### {n + 2}"} for n in (3, 4)
]
LINES.append({"question": "Ben counts to 2000. What does he say?", "answer": " ".join(map(str, range(2000)))})


def upload(app):
    """Give the form a file of its own; returns the page after it."""
    data = "".join(json.dumps(line) + "\n" for line in LINES).encode()
    app.get("file_uploader")[0].set_value(("pears.jsonl", data, "application/jsonl")).run()
    return app


def test_rows_of_a_file_are_trained_on_without_a_seed_set(empty, visit):
    app = visit("finetune", show="train")
    assert not app.exception and "There is no seed set yet" in said(app)
    assert app.selectbox(key="train_task").value == "custom" and parts(app).value == ["file"]
    app = upload(app)
    assert not app.exception and n_rows(app) == "3"
    assert "end as those of the task word_problems do; this is read as custom" in said(app)
    app.selectbox(key="train_task").set_value("word_problems").run()
    views = next(item for item in app.get("button_group") if item.key == "finetune_view")
    views.set_value("watch").run()
    next(item for item in app.get("button_group") if item.key == "finetune_view").set_value("train").run()
    assert "pears.jsonl, from before" in said(app) and n_rows(app) == "3", "another view forgets no file"
    text = said(app)
    assert "end as those of" not in text
    assert "1 row of 3 will be left out: more than 1,024 tokens with the question; row 3 has 8" in text
    assert "on the disk while it works" in text
    assert next(item.label for item in app.button if item.key == "launch") == "Finetune on 2 of 3 rows"
    next(item for item in app.button if item.key == "launch").click().run()
    config = json.loads(empty.store.list_runs(["finetune"]).iloc[0]["config"])
    assert (config["seed_set"], config["task"], config["n_rows"]) == (None, "word_problems", 3)
    assert config["parts"]["file"] == "pears.jsonl"


def test_the_button_says_what_will_be_trained_on():
    rows = [TrainingRow("Q", "A"), TrainingRow("Q", "B", None, -1), TrainingRow("R", "long " * 2000)]
    asked = [TrainingRow("Q", "A", "1"), TrainingRow("R", "long " * 2000, "2")]
    cases = [
        ("sft", {}, rows, "1 of 3 rows"),
        ("sft", {}, rows[:1], "1 row"),
        ("signed", {}, rows, "2 of 3 rows"),
        ("signed", {}, [TrainingRow("Q", "A", rejected="B")], "2 answers"),
        ("dpo", {}, rows, "1 pair"),
        ("rft", {}, asked, "2 rows"),
        ("dpo", {}, asked, "1 of 2 rows"),
        ("dpo", {"right_answers": "own"}, asked, "2 rows"),
    ]
    for objective, settings, given, label in cases:
        made = training_form.TrainingSet(given, ["file"] * len(given))
        tuning = training_form.Tuning(objective, settings, "tiny", None, "tiny", {"max_length": 1024})
        foresight, fault = training_form._foresee_all(made, tuning, "custom")
        wish = training_form.make_wish(
            {"run_id": None, "name": None, "task": "custom"}, Choice(), tuning, made, to_frame(given), [], foresight
        )
        assert (wish.label, fault) == (label, None), objective
    made = training_form.TrainingSet(rows[2:], ["file"])
    sft = training_form.Tuning("sft", {}, "tiny", None, "tiny", {"max_length": 1024})
    _, fault = training_form._foresee_all(made, sft, "custom")
    assert fault.startswith("Every row is too long")
    made = training_form.TrainingSet([TrainingRow("Q", "A")], ["file"])
    tuning = training_form.Tuning("signed", {}, "tiny", None, "tiny", {"max_length": 1024})
    assert "The one row has no wrong answer" in training_form._foresee_all(made, tuning, "custom")[1]


@pytest.mark.parametrize(
    ("objective", "right_answers"), [("rft", None), ("dpo", "own"), ("dpo", "both"), ("dpo", "given")]
)
def test_long_answers_stop_only_what_is_trained_on_them(objective, right_answers):
    settings, is_fault = {"right_answers": right_answers} if right_answers else {}, right_answers == "given"
    rows = [TrainingRow(name, f"long {name}" * 2000, "1") for name in "QR"]
    made = training_form.TrainingSet(rows, ["file"] * 2)
    for adapter, words in (("x", "Every row is too long"), (None, "too long")):
        tuning = training_form.Tuning(objective, settings, "tiny", adapter, "tiny", {"max_length": 1024})
        found, fault = training_form._foresee_all(made, tuning, "custom")
        assert (words in (fault or "")) == (is_fault or adapter is None), (adapter, fault)
        assert bool(found.long) == is_fault and bool(found.long_for_policy) == (adapter is None)


def test_what_only_the_policy_leaves_out_is_said():
    def script():
        from core.training.lengths import Foresight
        from pages.components.training_plan import warn_of_length

        warn_of_length(Foresight(None, (), 64, ((90, 1),)), 2, 64)

    app = AppTest.from_function(script).run()
    assert "1 row of 2 will be left out of the policy's training: more than 64 tokens" in app.warning[0].value


def test_rows_that_need_no_seed_set_can_do_without_the_one_in_view(rich, visit):
    app = visit("finetune", show="train", parts=["seeds"])
    assert not any(item.key == "train_without_set" for item in app.toggle)
    app = visit("finetune", show="train", parts=["file"])
    switch = next(item for item in app.toggle if item.key == "train_without_set")
    assert switch.label == "Train without the seed set pens" and not switch.value
    app = upload(app)
    switch = next(item for item in app.toggle if item.key == "train_without_set")
    switch.set_value(True).run()
    next(item for item in app.button if item.key == "launch").click().run()
    config = json.loads(rich.store.list_runs(["finetune"], states=["queued"]).iloc[0]["config"])
    assert config["seed_set"] is None and config["task"] == "word_problems"
    again = visit(
        "finetune", show="train", like=rich.store.list_runs(["finetune"], states=["queued"]).iloc[0]["run_id"]
    )
    assert next(item for item in again.toggle if item.key == "train_without_set").value
