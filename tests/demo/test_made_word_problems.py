"""The built-in word problems: the arithmetic of the skeletons, the stories, the seed set."""

import hashlib
import json
import random
import re

import numpy as np
import pytest

from core.demo.rows import encode_rows
from core.demo.stories.frames import FRAMES
from core.demo.stories.skeleton import LARGEST, Step, draw_shape, draw_sum, tidy_shape
from core.demo.stories.telling import expand, tell
from core.demo.stories.words import NAMES, OOD_NAMES, OOD_THEMES, THEMES
from core.demo.word_problems import OOD_STEPS, SIZES, STEPS, make_problems, make_splits
from core.settings import DEMO

ANNOTATION = re.compile(r"<<([^=]*)=(\d+)>>(\d+)")


@pytest.fixture(scope="module")
def splits():
    return make_splits()


def test_shipped_files_are_what_the_script_makes(splits):
    for split, rows in splits.items():
        shipped = (DEMO / "word_problems" / f"{split}.jsonl").read_bytes()
        assert hashlib.sha256(shipped).hexdigest() == hashlib.sha256(encode_rows(rows)).hexdigest(), split


def test_splits_have_their_sizes_and_share_no_question(splits):
    assert {split: len(rows) for split, rows in splits.items()} == SIZES
    questions = [row["question"] for rows in splits.values() for row in rows]
    assert len(set(questions)) == len(questions)


def test_every_annotation_recomputes_and_the_last_gives_the_final(splits):
    for rows in splits.values():
        for row in rows:
            steps = ANNOTATION.findall(row["answer"])
            assert len(steps) == row["n_steps"]
            for expression, value, said in steps:
                assert eval(expression) == pytest.approx(float(value)), row
                assert value == said
            assert row["answer"].endswith(f"\n#### {row['final']}")
            assert steps[-1][1] == row["final"]


def test_numbers_of_steps(splits):
    for split in ("train", "validation", "test"):
        assert {row["n_steps"] for row in splits[split]} == set(STEPS)
    assert {row["n_steps"] for row in splits["ood"]} <= set(OOD_STEPS)


def test_ood_has_its_own_words(splits):
    seen = {thing for theme in THEMES for thing in theme.things}
    kept = {thing for theme in OOD_THEMES for thing in theme.things}
    assert not seen & kept
    assert not set(NAMES) & set(OOD_NAMES)
    words = set(re.findall(r"[a-z]+", " ".join(row["question"] for row in splits["train"])))
    assert not words & kept
    assert "races" in {row["type"] for row in splits["ood"]}
    assert "races" not in {row["type"] for row in splits["train"]}


def test_make_problems_depends_on_the_generator_alone():
    assert make_problems(5, np.random.default_rng(3)) == make_problems(5, np.random.default_rng(3))
    assert make_problems(5, np.random.default_rng(3)) != make_problems(5, np.random.default_rng(4))


def test_seed_set_is_small():
    assert sum(path.stat().st_size for path in (DEMO / "word_problems").glob("*.jsonl")) < 1_000_000


@pytest.mark.parametrize("n_steps", range(1, 9))
def test_every_result_of_a_drawn_shape_is_used(n_steps):
    rng = random.Random(n_steps)
    for _ in range(200):
        shape = draw_shape(n_steps, rng)
        assert len(shape) == n_steps
        used = {ref for step in shape for ref in step.refs}
        assert used == set(range(n_steps - 1))
        assert all(ref < index for index, step in enumerate(shape) for ref in step.refs)


def test_drawn_numbers_are_sensible():
    rng = random.Random(0)
    for _ in range(500):
        drawn = draw_sum(draw_shape(rng.randint(1, 8), rng), rng)
        for index, (left, right, value) in enumerate(drawn.numbers):
            assert 1 < value <= LARGEST
            assert min(left, right) > 0
            assert eval(drawn.expression(index)) == pytest.approx(value)


def test_impossible_operation_is_replaced():
    square = tidy_shape([Step("*", None, None), *(Step("*", index, None) for index in range(9))])
    drawn = draw_sum(square, random.Random(0))  # ten factors of two or more each can hardly stay below LARGEST
    assert drawn.numbers[-1][2] <= LARGEST


def test_tidy_shape_drops_what_does_not_lead_to_the_answer():
    shape = tidy_shape([Step("+", None, None), Step("*", None, None), Step("-", None, 1), Step("+", None, 1)])
    assert shape == (Step("*", None, None), Step("+", 0, None))


def test_same_result_twice_becomes_a_constant():
    assert tidy_shape([Step("+", None, None), Step("+", 0, 0)])[1] == Step("*", 0, None)


@pytest.mark.parametrize("frame", FRAMES)
def test_forms_are_complete_and_well_formed(frame):
    rng = random.Random(0)
    slots = {slot: "7" for slot in "E R S a b O G box boxes people part times".split()}  # noqa: SIM905
    forms = FRAMES[frame]
    operations = {"cc+", "cc-", "cc*", "cc/", "cc%", "rc+", "rc-", "rc*", "rc/", "cr-", "cr/", "cr%"}
    assert operations | {"rr+", "rr-", "rr*", "rr/", "then+", "then-", "then*", "then/", "ask"} <= set(forms)
    for key, templates in forms.items():
        for template in templates:
            text = expand(template, rng).format(**slots)
            assert text[-1] in ".?", (key, template)
            assert not re.search(r"[\[\]|{}]", text), (key, template)
            assert key.startswith(("ask", "then")) or "{E}" in template, (key, template)


def test_expand_draws_each_alternative():
    rng = random.Random(0)
    assert {expand("[a|b|] c", rng) for _ in range(50)} == {"a c", "b c", " c"}


def test_story_states_its_constants_and_asks():
    rng = random.Random(5)
    for _ in range(300):
        drawn = draw_sum(draw_shape(rng.randint(1, 6), rng), rng)
        story = tell(drawn, rng)
        numbers = set(re.findall(r"\d+", story.question))
        words = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9}
        words |= {"tenth": 10, "eleventh": 11, "twelfth": 12, "twice": 2, "three": 3, "four": 4, "five": 5, "six": 6}
        numbers |= {str(words[word]) for word in re.findall(r"[a-z]+", story.question) if word in words}
        for step, (left, right, _) in zip(drawn.shape, drawn.numbers, strict=True):
            assert step.left is not None or str(left) in numbers, story.question
            assert step.right is not None or str(right) in numbers, story.question
        assert story.question.count(story.question[-1]) >= 1
        assert json.dumps(story.question)
