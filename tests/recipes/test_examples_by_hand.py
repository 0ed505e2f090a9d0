"""What people accepted can be the few-shot examples of a prompt: shown beforehand, frozen with the run, and asked."""

import pytest

from core.errors import TeacherError
from core.hub import Hub
from core.recipes.generating import describe_examples, make_generate_config, start_generate
from core.recipes.kinds import execute
from core.recipes.previewing import preview_run
from core.runs.folder import RunFolder
from core.settings import Settings
from tests.pages import home

EDITED = "Ida buys 9 boxes of crayons for $18 and a sponge for $3. How much does she pay in all?"


@pytest.fixture
def hub(tmp_path):
    home.fill_home(tmp_path)
    found = Hub(Settings(home=tmp_path, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    found.step()
    yield found
    found.close()


def accept(hub, n):
    hub.add_review(home.GENERATE, "candidate_000", "edit", question=EDITED)
    for number in range(1, n):
        hub.add_review(home.GENERATE, f"candidate_00{number}", "accept")
    hub.add_review(home.GENERATE, "candidate_008", "reject")


def preview(hub, examples_by_hand=False):
    about = {"seed_set": home.SEED_SET, "seed_set_name": "pens", "task": "word_problems"}
    about |= describe_examples(by_hand=examples_by_hand)
    config = make_generate_config(hub.settings.home, about, n_accepted=2)
    return preview_run(hub, config, ["problem_train_000", "problem_train_001"])


def read_prompt(found):
    return found.calls[0].call.request.list_messages()[-1]["content"]


def test_the_prompt_shows_what_was_accepted_and_not_seeds(hub):
    accept(hub, 5)
    assert "chalk" not in read_prompt(preview(hub))
    shown = read_prompt(preview(hub, examples_by_hand=True))
    assert EDITED in shown and shown.count("chalk") >= 4 and "Tom buys 1 boxes of pens" in shown, "the seed stays"


def test_too_few_are_told_in_one_sentence(hub):
    accept(hub, 3)
    with pytest.raises(TeacherError, match=r"A prompt has 5 examples, and 3 candidates .* review more, or show seeds"):
        preview(hub, examples_by_hand=True)
    with pytest.raises(TeacherError, match="A prompt has 5 examples"):
        start_generate(hub, home.SELECT, n_accepted=2, examples_by_hand=True)


def test_a_run_keeps_the_examples_that_it_was_given(hub):
    accept(hub, 6)
    made = start_generate(hub, home.SELECT, n_accepted=2, examples_by_hand=True)
    hub.add_review(home.GENERATE, "candidate_006", "accept")  # after it was queued: none of its examples
    folder = RunFolder(hub.settings.home / "runs" / made)
    given = folder.read_input("examples")
    assert len(given) == 6 and EDITED in set(given["question"]) and folder.config["examples_by_hand"] is True
    execute(folder)
    hub.step()
    counts = hub.store.count_candidates(made)
    assert counts["accepted"] == 2 and counts["failed"] == 0
