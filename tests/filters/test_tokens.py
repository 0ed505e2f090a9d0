import pytest
from rouge_score import tokenize

from core.errors import UnknownNameError
from core.filters.tokens import TOKENISERS, split_rouge_score_tokens, split_tokens


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


@pytest.mark.parametrize(
    "text",
    ["", "?", "Tom's 1,000.50 apples", "3+4*x", "Сколько apples?", "naïve İSTANBUL ſtop K", "a_b\n\tc  ", "２ x"],
)
def test_the_option_splits_as_rouge_score_does(text):
    assert split_rouge_score_tokens(text) == tokenize.tokenize(text, None)


def test_an_unknown_tokeniser_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="rouge_score, unicode"):
        TOKENISERS.get("words")
