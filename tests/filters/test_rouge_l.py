import random

import pytest

from core.filters.rouge_l import LIMIT, find_closest, measure_rouge_l, split_tokens


def measure_plainly(first, second):
    """ROUGE-L F from precision and recall of the textbook table of longest common subsequences."""
    a, b = split_tokens(first), split_tokens(second)
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else max(table[i][j + 1], table[i + 1][j])
    common = table[-1][-1]
    if not common:
        return 0.0
    precision, recall = common / len(b), common / len(a)
    return 2 * precision * recall / (precision + recall)


@pytest.fixture(scope="module")
def texts():
    rng = random.Random(7)
    words = ["Anna", "buys", "3", "4.50", "apples", "купить", "яблоки", "苹果", "+", "-", "√", "than", "twice"]
    texts = [" ".join(rng.choices(words, k=rng.randint(1, 24))) for _ in range(60)]
    for text in texts[:20]:  # near copies, so that both sides of the limit occur
        parts = text.split()
        parts[rng.randrange(len(parts))] = "other"
        texts.append(" ".join(parts))
    return texts


def test_it_equals_the_plain_table(texts):
    for first in texts[:40]:
        for second in texts[40:]:
            assert measure_rouge_l(first, second) == pytest.approx(measure_plainly(first, second), abs=1e-12)


def test_the_closest_is_the_largest_and_the_first_that_has_it(texts):
    above = 0
    for i, text in enumerate(texts[1:], 1):
        values = [measure_plainly(text, other) for other in texts[:i]]
        value, index = find_closest(text, texts[:i])
        assert value == pytest.approx(max(values), abs=1e-12)
        assert values[index] == pytest.approx(max(values), abs=1e-12)
        assert (
            measure_rouge_l(text, texts[index]) > max([0.0, *(measure_rouge_l(text, t) for t in texts[:index])]) - 1e-12
        )
        above += value > LIMIT
    assert 10 < above < 79, "the texts lie on both sides of the limit"


def test_a_value_of_exactly_the_limit_is_kept():
    first, second = "a b c d e f g h i j", "a b c d e f g x y z"
    assert measure_rouge_l(first, second) == LIMIT
    closest = find_closest(first, [second])
    assert closest == (LIMIT, 0)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Tom's 1,000.50 apples, twenty-five!", ["tom's", "1,000.50", "apples", "twenty", "five"]),
        ("3+4*x", ["3", "+", "4", "*", "x"]),
        ("3-4/x", ["3", "-", "4", "/", "x"]),
        (r"$\frac{1}{2} \le x^2$", ["$", "frac", "1", "2", "le", "x", "^", "2", "$"]),
        ("Сколько яблок?", ["сколько", "яблок"]),
        ("有三个苹果", ["有", "三", "个", "苹", "果"]),
        ("कितने सेब", ["कितने", "सेब"]),
        ("ＡＢ １２", ["ab", "12"]),
        ("?!…", []),
    ],
)
def test_tokens_of_any_script_numbers_and_operators_are_kept(text, tokens):
    assert split_tokens(text) == tokens


def test_equal_text_in_any_script_is_one_and_other_operators_differ():
    assert measure_rouge_l("Сколько яблок?", "сколько яблок") == 1.0
    assert measure_rouge_l("3 + 4", "3 - 4") < 1.0
    assert measure_rouge_l("?", "!") == 1.0
    assert find_closest("?", ["a", "!"]) == (1.0, 1)
    assert find_closest("?", ["a", "b"]) == (0.0, 0)
    assert find_closest("a", ["!", "?"]) == (0.0, 0)
    assert find_closest("a", []) is None
