"""Texts of teachers are shown, never obeyed; mathematics is rendered, money is not mathematics."""

import re

import pytest

from pages.components.text import JOINER, escape, is_mathematics, mark_differences, plain, split_maths, to_markdown


def shown(markdown: str) -> str:
    """What a reader sees of escaped text: escapes, joiners and hard breaks resolved."""
    text = markdown.replace("  \n", "\n").replace(JOINER, "").replace("\u00a0", " ")
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


def has_bare(markdown: str, mark: str) -> bool:
    """Whether a punctuation mark stands there without a backslash before it."""
    return re.search(r"(?<!\\)(?:\\\\)*" + re.escape(mark), markdown) is not None


HOSTILE = [
    "[click](javascript:alert(1))",
    "![x](http://evil.example/pixel.png)",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<https://evil.example>",
    "&lt;img src=x&gt; &#60;b&#62;",
    "[ref]: http://evil.example\n[ref]",
    "[^1]\n[^1]: footnote",
    "`code` and ```\nfence\n```",
    "# heading\n- item\n1. one\n> quote\n---\na | b\n--|--\n1 | 2",
    ':red[alarm] :blue-badge[new] :small[x] :help[y] :color[z]{foreground="red"}',
    "***bold*** __under__ ~~gone~~",
    "\\[not closed \\(nor this",
    "a\\<b>c\\](http://x.example)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_keeps_a_bare_mark(text):
    markdown = to_markdown(text)
    for mark in "<>[]!`#*_~|&:(){}-":
        assert not has_bare(markdown, mark), (mark, markdown)


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\n" not in text])
def test_the_text_itself_is_kept_letter_by_letter(text):
    assert shown(to_markdown(text)) == text


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("see https://evil.example/x", r"https?://"),
        ("see HTTP://evil.example", r"(?i)https?://"),
        ("see www.evil.example", r"www\."),
        ("mail me@evil.example", r"\w@\w"),
        ("mail mailto:me", r"mailto:"),
        (":material/alarm: and :material_alarm:", r":material[_/]\w+:"),
        (":streamlit: :smile: :+1:", r":[\w+-]+:"),
        ("a -> b <- c <-> d -- e >= f <= g ~= h", r"\s(?:<->|->|<-|--|>=|<=|~=)\s"),
    ],
)
def test_what_is_replaced_after_escapes_is_broken_up(text, pattern):
    resolved = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", to_markdown(text))
    assert re.search(pattern, text)  # the pattern is a real danger in the text as it came
    assert not re.search(pattern, resolved), resolved
    assert shown(to_markdown(text)) == text


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("so $x^2 + 1$ holds", "$x^2 + 1$"),
        ("the answer is \\boxed{\\frac{1}{2}}.", "$\\boxed{\\frac{1}{2}}$"),
        ("then \\(a < b\\) and", "$a < b$"),
        ("\\[ \\sum_{i=1}^n i \\]", "$\\displaystyle \\sum_{i=1}^n i$"),
        ("$$a\n= b$$", "$\\displaystyle a = b$"),
        ("if $n$ is odd", "$n$"),
        ("$\\text{area of it} = 3$", "$\\text{area of it} = 3$"),
        ("\\[\\begin{align*} a &= b \\end{align*}\\]", "$\\displaystyle \\begin{aligned} a &= b \\end{aligned}$"),
        ("it costs $\\$3 + x$ now", "$\\text{\\textdollar}3 + x$"),
    ],
)
def test_mathematics_is_rendered(text, tex):
    assert tex in to_markdown(text)


@pytest.mark.parametrize(
    "text",
    [
        "Tom has $5 and $3 left.",
        "It costs $20 ($15 at night) or $25.",
        "Pay $5-$3 or $20,$30 or $100k and $2/lb more$ now",
        "She sold 4 for $2.50 each, $10 in all; $10/$2.50=4",
        "from $12 to $15, then x$",
        "a price of \\$5 and \\$6",
    ],
)
def test_money_is_not_mathematics(text):
    markdown = to_markdown(text)
    assert not has_bare(markdown, "$")
    assert shown(markdown) == text.replace("\\$", "$")


@pytest.mark.parametrize(
    "tex",
    [
        "\\href{javascript:alert(1)}{x}",
        "\\includegraphics{http://evil.example/a.png}",
        "\\htmlStyle{position:fixed}{x}",
        "\\url{http://evil.example}",
        "\\rule{900em}{900em}",
        "\\def\\a{\\a\\a}\\a",
        "\\newcommand{\\x}{y}\\x",
        "x % hidden",
        "{x",
        "x" * 2001,
    ],
)
def test_unsafe_or_broken_mathematics_is_shown_as_text(tex):
    markdown = to_markdown(f"\\[{tex}\\]")
    assert not has_bare(markdown, "$")
    assert "\\displaystyle" not in markdown.replace("\\\\", "")


def test_a_digit_behind_a_formula_does_not_switch_it_off():
    assert to_markdown("\\(x\\)3") == f"$x${JOINER}3"


def test_lines_and_leading_spaces_are_kept():
    assert to_markdown("one\ntwo\n\n    three") == "one  \ntwo\n\n\u00a0\u00a0\u00a0\u00a0three"
    assert to_markdown(None) == "–"
    assert plain("a\nb") == "a b"
    assert to_markdown("tab\there") == "tab\u00a0\u00a0\u00a0\u00a0here"
    assert escape("1. a") == "1\\. a"


def test_pieces_joined_are_the_text():
    text = "Let $x$ be \\(y\\), cost \\$4, $5 each, \\boxed{7} and \\[z\\]!"
    assert "".join(piece.source for piece in split_maths(text)) == text
    assert [piece.text for piece in split_maths(text) if piece.is_maths] == ["x", "y", "\\boxed{7}", "\\displaystyle z"]


def test_is_mathematics():
    assert is_mathematics("2x + 3y") and is_mathematics("\\frac{a}{b}") and is_mathematics("10")
    assert not is_mathematics("5 and some") and not is_mathematics("3 km")


def test_differences_are_marked_on_both_sides():
    seed, candidate = mark_differences("Tom has 5 red apples.", "Mia has 7 apples now.")
    assert seed == ":red-background[Tom] has :red-background[5 red] apples\\."
    assert candidate == ":green-background[Mia] has :green-background[7] apples :green-background[now]\\."


def test_a_text_written_anew_is_one_mark_rather_than_confetti():
    _, candidate = mark_differences("The lower stall gets one of the two.", "On Friday the kiosk sells all of it.")
    assert candidate.count(":green-background[") == 1


def test_where_hardly_a_word_was_kept_nothing_is_marked():
    seed = "All onions look much the same. July brings 16 onions for the cooperative, and then 15 on top."
    anew = "Along one wall of the old shed stand 12 stamps, on the other 3. How many are there now?"
    assert mark_differences(seed, anew) == (to_markdown(seed), to_markdown(anew))
    kept = "All onions look much the same. July brings 12 stamps for the old shed, and 3 more."
    assert ":red-background[" in mark_differences(seed, kept)[0]


def test_marks_hold_hostile_text_and_never_span_lines():
    seed, candidate = mark_differences("w x y a\nb", "w x y a](http://x.example)\nc ![i](u)\nd")
    assert seed == "w x y a  \n:red-background[b]"
    for line in candidate.split("\n"):
        assert line.count(":green-background[") == len(re.findall(r"(?<!\\)\]", line))
    assert not has_bare(candidate, "!")


@pytest.mark.parametrize(
    "text", ["go to http://evil.example/p now", "mail me@evil.example", "www.evil.example", ":smile:"]
)
def test_marks_do_not_bring_links_to_life(text):
    for markdown in mark_differences("go now", text):
        resolved = re.sub(r":green-background\[(.*?)(?<!\\)\]", r"\1", markdown)
        resolved = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", resolved)
        assert not re.search(r"https?://|www\.|\w@\w|:smile:", resolved), resolved


def test_equal_or_missing_texts_are_not_marked():
    assert mark_differences("same $x$", "same $x$") == ("same $x$", "same $x$")
    assert mark_differences(None, "new") == ("–", "new")


def test_changed_formula_is_one_mark():
    _, candidate = mark_differences("Find $x+1$.", "Find $x+2$.")
    assert candidate == "Find :green-background[$x+2$]\\."
