"""The built-in maths seed set: made again it is the same, its splits are apart, its answers hold."""

import json
from collections import Counter

import numpy as np
import pytest

from core.demo.maths import SIZES, make_problems, make_splits, write_splits
from core.demo.maths_templates import BY_NAME, SEEN, TEMPLATES, UNSEEN, find_template
from core.demo.maths_templates.base import fill_wording, write_number
from core.demo.maths_templates.scenes import add_scene, strip_scene
from core.settings import DEMO
from core.tasks import TASKS
from core.tasks.instructions import normalise_question

TASK = TASKS.get("maths")


@pytest.fixture(scope="module")
def splits():
    return make_splits()


def test_shipped_files_are_what_the_code_makes(tmp_path):
    write_splits(tmp_path)
    for split in SIZES:
        assert (tmp_path / f"{split}.jsonl").read_bytes() == (DEMO / "maths" / f"{split}.jsonl").read_bytes()


def test_another_seed_makes_other_rows(splits):
    assert make_splits(7)["train"][0] != splits["train"][0]


def test_sizes_and_no_question_twice(splits):
    assert {split: len(rows) for split, rows in splits.items()} == SIZES
    questions = [normalise_question(row["question"]) for rows in splits.values() for row in rows]
    assert len(set(questions)) == len(questions)


def test_ood_has_unseen_templates_and_a_higher_level(splits):
    seen = {row["template"] for split in ("train", "validation", "test") for row in splits[split]}
    ood = {row["template"] for row in splits["ood"]}
    assert seen == {template.name for template in SEEN} and ood == {template.name for template in UNSEEN}
    assert {row["level"] for row in splits["train"]} == {1, 2, 3, 4}
    assert {row["level"] for row in splits["ood"]} == {5}
    assert {row["type"] for row in splits["ood"]} == {row["type"] for row in splits["train"]}


def test_every_answer_verifies_and_is_what_the_row_says(splits):
    for rows in splits.values():
        for row in rows:
            problem = TASK.make_problem(row["question"], row["answer"], row["final"], row)
            assert TASK.find_fault(row["question"], row["answer"], {}) is None, row
            assert TASK.is_correct(TASK.extract_final(row["answer"]), problem) is True
            assert len(row["question"]) < 300 and len(row["answer"]) < 200


def test_template_is_found_in_the_text_alone(splits):
    for rows in splits.values():
        for row in rows:
            bare = strip_scene(row["question"])
            assert [t.name for t in TEMPLATES if t.pattern.fullmatch(bare)] == [row["template"]], row["question"]
    assert find_template("What is the capital of France?") is None


def test_scenes_are_taken_off_again():
    rng = np.random.default_rng(0)
    for _ in range(200):
        told = add_scene("Find $2+2$.", rng)
        assert told.endswith(" Find $2+2$.") and not any(digit in told[:-12] for digit in "0123456789")
        assert strip_scene(told) == "Find $2+2$."


def test_orders_end_in_a_full_stop_and_questions_in_a_mark():
    rng = np.random.default_rng(0)
    texts = {fill_wording("If $x=2$, [what is|find] ${x}$?", {"x": 5}, rng) for _ in range(20)}
    assert texts == {"If $x=2$, what is $5$?", "If $x=2$, find $5$."}


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("gcd", lambda s: max(d for d in range(1, s["a"] + 1) if s["a"] % d == s["b"] % d == 0)),
        ("lcm", lambda s: next(n for n in range(1, 999) if n % s["a"] == n % s["b"] == 0)),
        ("divisors", lambda s: sum(s["n"] % d == 0 for d in range(1, s["n"] + 1))),
        ("divisor_sum", lambda s: sum(d for d in range(1, s["n"] + 1) if s["n"] % d == 0)),
        ("units_digit", lambda s: s["b"] ** s["e"] % 10),
        ("base", lambda s: int(s["digits"], s["base"])),
        ("product_remainder", lambda s: s["a"] * s["b"] % s["m"]),
        ("count_multiples", lambda s: sum(n % s["m"] == 0 for n in range(s["low"], s["high"] + 1))),
        ("congruences", lambda s: next(n for n in range(1, 99) if n % s["m"] == s["r"] and n % s["n"] == s["s"])),
        ("next_multiple", lambda s: next(n for n in range(s["n"] + 1, 999) if n % s["m"] == 0)),
        ("digit_sum", lambda s: sum(map(int, str(s["a"] * s["b"])))),
        ("handshakes", lambda s: sum(1 for i in range(s["n"]) for j in range(i))),
        ("committees", lambda s: sum(1 for i in range(s["n"]) for j in range(i) for k in range(j))),
        ("letters", lambda s: len(set(__import__("itertools").permutations(s["w"])))),
        ("polygon", lambda s: 180 * s["n"] - 360),
    ],
)
def test_solutions_against_slow_plain_ones(name, oracle):
    rng = np.random.default_rng(3)
    for _ in range(20):
        draw = BY_NAME[name].draw(rng)
        assert draw.final == oracle(draw.slots), draw


def test_probabilities_by_listing_all_cases():
    rng = np.random.default_rng(3)
    for _ in range(20):
        dice, coins = BY_NAME["dice"].draw(rng), BY_NAME["coins"].draw(rng)
        rolls = Counter(i + j for i in range(1, 7) for j in range(1, 7))
        assert dice.final * 36 == rolls[dice.slots["s"]]
        n = {"three": 3, "four": 4, "five": 5, "six": 6}[coins.slots["n"]]
        heads = Counter(i.bit_count() for i in range(2**n))
        assert coins.final * 2**n == heads[coins.slots["k"]]


def test_too_many_rows_are_refused():
    arrangements = [BY_NAME["arrangements"]]
    with pytest.raises(ValueError, match="do not give"):
        make_problems(100_000, np.random.default_rng(0), arrangements, scene_share=0.0)


def test_fractions_are_written_as_latex():
    from fractions import Fraction

    assert [write_number(Fraction(*pair)) for pair in ((6, 2), (-1, 2), (7, 3))] == [
        "3",
        r"-\frac{1}{2}",
        r"\frac{7}{3}",
    ]


def test_files_are_small():
    assert sum(path.stat().st_size for path in (DEMO / "maths").iterdir()) < 700_000
    first = json.loads((DEMO / "maths" / "train.jsonl").read_text(encoding="utf-8").split("\n", 1)[0])
    assert set(first) == {"question", "answer", "final", "type", "level", "template"}
