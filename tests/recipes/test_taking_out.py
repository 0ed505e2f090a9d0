"""Which candidates leave a home, with which wrong answers, and what the card says of how they were made."""

import io
import json
import zipfile
from collections import Counter
from dataclasses import replace

import datasets
import pandas as pd
import pytest
import yaml

from core.errors import RunError
from core.exporting.card import write_card
from core.recipes.data_facts import gather_facts
from core.recipes.taking_out import DatasetWishes, make_bytes, take_out, write_out
from core.records import Review
from core.runs.folder import RunFolder
from core.store.journal import Journal
from core.store.partial import open_partial
from core.store.queue_text import read_filter
from tests.pages.home import GENERATE, LOOP, SCORE, SEED_SET, SELECT, fill_home, make_run

ASKED = "20260101-000007-ask-aaaa"
EDITED = {"answer": "She pays 9 dollars.\n#### 9", "final": "9"}


@pytest.fixture
def home(tmp_path):
    """Four accepted, one with a corrected answer, one rejected as wrong, one as unclear, two waiting; a student."""
    home = fill_home(tmp_path)
    reviews = [Review(GENERATE, f"candidate_{i:03d}", "accept", reviewer="Ada") for i in range(4)]
    reviews += [
        Review(GENERATE, "candidate_004", "edit", **EDITED),
        Review(GENERATE, "candidate_005", "reject", reason="wrong_answer"),
        Review(GENERATE, "candidate_006", "reject", reason="unclear"),
    ]
    Journal(home).add_reviews(reviews)
    config = {"candidates_of": [GENERATE], "student": "tiny"}
    folder = make_run(home, ASKED, "Ask tiny", config, "device")
    answers = [("candidate_000", False, False), ("candidate_001", True, False), ("candidate_002", False, True),
               ("candidate_004", False, False)]  # fmt: skip
    with folder.hold():
        folder.write_part("predictions", pd.DataFrame([
            {"student": "base", "problem_id": id_, "split": "train", "text": f"So 7.\n#### 7 {id_}", "final": "7",
             "is_correct": right, "loss": 1.0, "n_tokens": 4, "is_truncated": cut} for id_, right, cut in answers
        ]))  # fmt: skip
        folder.finish("done", {})
    return home


@pytest.fixture
def store(home):
    with open_partial(home, [SEED_SET, SCORE, SELECT, GENERATE, LOOP, ASKED]) as store:
        yield store


def ids(taken):
    return [row.id.rpartition("/")[2][-3:] for row in taken.rows]


def ask(store, name, *where, **more):
    return take_out(store, read_filter(where, [GENERATE]), name, **more)


def test_what_people_accepted_is_taken_with_its_edits_and_nothing_else(store):
    taken = ask(store, "chat")
    assert ids(taken) == ["000", "001", "002", "003", "004"]
    assert taken.made.records[-1]["messages"][1]["content"] == EDITED["answer"]
    assert [row.is_right for row in taken.rows] == [True] * 5


def test_what_passed_and_nobody_rejected(store):
    assert ids(ask(store, "chat", "review=standing")) == ["000", "001", "002", "003", "004", "007", "008"]


def test_what_a_filter_rejected_and_a_person_accepted_is_part_of_it(home):
    Journal(home).add_reviews([Review(GENERATE, "candidate_009", "accept")])
    with open_partial(home, [SEED_SET, GENERATE]) as store:
        assert "009" in ids(ask(store, "chat"))
        assert "009" not in ids(ask(store, "chat", "status=accepted"))


def test_wrong_answers_are_the_students_and_what_an_edit_replaced(store):
    pairs = ask(store, "dpo").made
    found = [(each["id"][-3:], each["source"], each["rejected"]) for each in pairs.records]
    before = store.read_candidate(GENERATE, "candidate_004")["answer"]
    assert found == [("000", "student", "\nSo 7.\n#### 7 candidate_000"), ("004", "edit", "\n" + before)]
    assert pairs.left_out == {"no wrong answer to it is known": 3}, "right, cut off, never asked"


def test_a_student_is_not_held_to_an_answer_that_was_changed_since(store):
    assert not [row for row in ask(store, "dpo").made.records if "candidate_004" in row["rejected"]]


def test_kto_adds_what_was_rejected_for_a_wrong_answer_and_nothing_else_that_was_rejected(store):
    taken = ask(store, "kto")
    assert (taken.n_rejected, taken.made.n_found) == (1, 6)
    labels = Counter((record["label"], record["source"]) for record in taken.made.records)
    assert labels == {(True, "candidate"): 5, (False, "candidate"): 1, (False, "student"): 1, (False, "edit"): 1}
    rejected = ask(store, "kto", "review=reject").made
    assert [record["label"] for record in rejected.records] == [False]
    assert rejected.left_out == {"it was rejected, and not for a wrong answer": 1}


@pytest.mark.parametrize("n", range(1, 10))
def test_what_kto_adds_to_a_sample_is_of_that_sample(home, n):
    Journal(home).add_reviews([Review(GENERATE, f"candidate_{i:03d}", "reject", reason="wrong_answer")
                               for i in (9, 10, 11)])  # fmt: skip
    sample = ["status=accepted", "order=random", f"sample={n}"]
    with open_partial(home, [SEED_SET, GENERATE]) as store:
        drawn = ids(ask(store, "parquet", "review=any", *sample))
        assert len(drawn) == n and set(ids(ask(store, "kto", "review=standing", *sample))) <= set(drawn)


def test_an_edit_of_the_wording_alone_is_better_but_what_was_there_was_not_wrong(home):
    with open_partial(home, [SEED_SET, GENERATE]) as store:
        final = store.read_candidate(GENERATE, "candidate_003")["final"]
    Journal(home).add_reviews([Review(GENERATE, "candidate_003", "edit", answer="In other words.", final=final)])
    with open_partial(home, [SEED_SET, GENERATE]) as store:
        assert any(each["id"].endswith("003") for each in ask(store, "dpo").made.records)
        of_it = [each["label"] for each in ask(store, "kto").made.records if each["id"].endswith("003")]
        assert of_it == [True]


@pytest.mark.parametrize("final", [None, "14.0"])
def test_what_an_edit_replaced_is_wrong_only_where_another_answer_is_known(home, final):
    Journal(home).add_reviews([Review(GENERATE, "candidate_002", "edit", answer="In other words.", final=final)])
    with open_partial(home, [SEED_SET, GENERATE]) as store:
        assert float(store.read_candidate(GENERATE, "candidate_002")["final"]) == 15
        asked = read_filter(["search=other words"], [GENERATE])
        labels = [each["label"] for each in take_out(store, asked, "kto").made.records]
    assert labels == [True, False] if final else labels == [True], "an edit without a final answer does not tell"


def test_finals_that_are_the_same_number_make_nothing_wrong_and_blanks_make_no_other_answer(home):
    with open_partial(home, [SEED_SET, GENERATE]) as store:
        first, second = (store.read_candidate(GENERATE, f"candidate_00{n}") for n in (0, 1))
    Journal(home).add_reviews([
        Review(GENERATE, "candidate_000", "edit", answer="In other words.", final=f"{first['final']}.00"),
        Review(GENERATE, "candidate_001", "edit", answer=second["answer"] + "\n\t", final="77"),
    ])  # fmt: skip
    with open_partial(home, [SEED_SET, GENERATE]) as store:
        found = {name: ask(store, name).made.records for name in ("dpo", "kto")}
    assert [each["label"] for each in found["kto"] if each["id"].endswith("000")] == [True]
    assert not [each for each in found["dpo"] if each["id"].endswith("001")], "the rejected one is the chosen one"


def test_another_candidate_s_wrong_answer_to_the_same_question_is_one(home):
    folder = RunFolder(home / "runs" / GENERATE)
    question = "Mia buys 1 boxes of chalk for $2 and a sponge for $3. How much does she pay in all?"
    with folder.hold():
        folder.append("candidates", {
            "candidate_id": "meant", "round": 1, "position": 90, "parents": ["problem_train_000"], "question": question,
            "answer": "It is 6.\n#### 6", "final": "6", "method": "incorrect", "teacher": "built-in",
            "meta": {"label": "incorrect"}, "written_at": 5.0,
        })  # fmt: skip
        folder.finish("done", {})
    Journal(home).add_reviews([Review(GENERATE, "meant", "accept")])
    with open_partial(home, [SEED_SET, GENERATE]) as store:
        pairs = ask(store, "dpo").made
        assert ("\nIt is 6.\n#### 6", "candidate") in [(each["rejected"], each["source"]) for each in pairs.records]
        assert pairs.left_out["its answer is known to be wrong"] == 1
        assert ask(store, "chat").made.left_out == {"its answer is known to be wrong": 1}


def test_the_prompt_is_the_bare_question_or_the_one_that_a_student_is_asked_by(store):
    from core.tasks import TASKS

    bare, asked = (ask(store, "prompt_completion", is_as_asked=each).made.records[0] for each in (False, True))
    assert asked["prompt"] == TASKS.get("word_problems").student_prompt(bare["prompt"]) != bare["prompt"]
    assert (bare["completion"][0], asked["completion"][0]) == ("\n", " ")
    assert bare["completion"][1:] == asked["completion"][1:]


def test_a_database_of_the_runs_and_one_of_the_home_say_the_same(home, store):
    from tests.runs.world import open_test_hub

    hub = open_test_hub(home, device_slots=0, teacher_slots=0, light_slots=0)
    try:
        hub.step()
        for name in ("chat", "dpo", "kto", "parquet"):
            assert ask(hub.store, name).made == ask(store, name).made
    finally:
        hub.close()


def read_card(home, store, *where, **wishes):
    taken = ask(store, "dataset", *where)
    with zipfile.ZipFile(io.BytesIO(make_bytes(store, home, taken, DatasetWishes(**wishes)))) as zip_:
        return zip_.read("README.md").decode()


def test_the_card_states_where_all_of_it_came_from(home, store):
    card = read_card(home, store, name="Pens | and <b>more", licence="cc-by-4.0")
    for text in (
        "# Pens / and (b)more", "5 train rows", "| pens | 90 | pens.jsonl | unknown |", "- student: `tiny`",
        "- teacher: `built-in` (5)", "- methods: `rewrite` (5)", "- selectors: `loss_high`",
        "- filters: `rouge_l`, `verified`",
        "| Generate 9 from pens by loss_high | 13 | 1 | 3 | 9 | 7 | 4 | 1 | 2 | 0 | 5 |", "- rouge_l: 3",
        "- this dataset: cc-by-4.0", "- seeds pens: unknown", "- student tiny: apache-2.0, as Seedbed",
        "Of the 13 candidates of these runs, people reviewed 7.",
        "rule-based stand-in", "these runs kept no version of them.", "`review=kept`",
    ):  # fmt: skip
        assert text in card, text
    head = yaml.safe_load(card.split("---")[1])
    assert head["license"] == "cc-by-4.0" and head["size_categories"] == ["n<1K"]
    assert str(home) not in card and "Ada" not in card


@pytest.mark.parametrize(
    ("n_brought", "said"),
    [(0, "a teacher grew new problems from seeds, and"), (2, "from seeds, problems that were made elsewhere"),
     (5, "Seedbed: problems that were made elsewhere were brought in, and filters judged them.")],
)  # fmt: skip
def test_the_card_does_not_say_that_a_teacher_grew_what_was_brought_in(home, store, n_brought, said):
    facts = gather_facts(store, home, ask(store, "dataset"), {"train": 5}, name="x", licence="unknown")
    card = write_card(replace(facts, n_brought=n_brought))
    assert said in card and ("a teacher grew" in card) == (n_brought < 5)


def test_signs_that_nobody_can_print_leave_the_head_of_the_card_readable(home, store):
    card = read_card(home, store, name="Pens\x7f and\u2028ink\x85", licence="mit\x00\n---\u202e")
    head = yaml.safe_load(card.split("\n---\n")[0])
    assert (head["pretty_name"], head["license"]) == ("Pens and ink", "mit ---")


def test_prompts_of_one_s_own_stand_in_the_card_whole(home, store):
    path = home / "runs" / GENERATE / "run.json"
    run = json.loads(path.read_text())
    prompts = {
        "word_problems_question": {"version": "1, edited", "text": "Write ````one```` more:\n{seeds}"},
        "word_problems_answer": {"version": "1", "text": "shipped"},
    }
    path.write_text(json.dumps({**run, "config": {**run["config"], "prompts": prompts}}))
    card = read_card(home, store)
    assert "As Seedbed ships them: `word_problems_answer` (version 1)." in card and "shipped\n" not in card
    assert "Our own `word_problems_question`:\n\n`````text\nWrite ````one```` more:\n{seeds}\n`````" in card


def test_what_nobody_knows_is_said_to_be_unknown(home, store):
    import shutil

    shutil.rmtree(home / "runs" / SELECT)
    assert "- student: `unknown`" in read_card(home, store)
    shutil.rmtree(home / "runs" / GENERATE)
    card = read_card(home, store)
    assert "- student: `unknown`" in card and "- this dataset: unknown" in card and "- seeds" not in card


def test_a_dataset_with_validation_is_loaded_with_both_parts(home, store, tmp_path):
    datasets.disable_progress_bars()
    taken = ask(store, "dataset", "review=standing")
    write_out(store, home, taken, tmp_path / "out", DatasetWishes(validation=0.3))
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(found[split]) for split in found} == {"train": 5, "validation": 2}
    seeds = [{seed for row in found[split] for seed in row["parents"]} for split in found]
    assert not seeds[0] & seeds[1]


def test_nothing_to_write_is_told_and_nothing_is_written(home, store, tmp_path):
    with pytest.raises(RunError, match=r"Nothing is left to write of what the filter .*review=trash"):
        write_out(store, home, ask(store, "chat", "review=trash"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
