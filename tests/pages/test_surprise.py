"""Answers coloured by surprise: every letter is there, none of it is obeyed, and the colours can be told apart."""

import math
from html.parser import HTMLParser

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.figures.colours import DARK_BACKGROUND, LIGHT_BACKGROUND
from pages.components.surprise import (
    N_LEVELS,
    OPACITY,
    ORANGE,
    Stretch,
    cut_tokens,
    describe_chance,
    describe_surprise,
    level_of,
    write_html,
)
from tests.figures.test_colours import contrast

TEXT_COLOURS = {LIGHT_BACKGROUND: "#20262B", DARK_BACKGROUND: "#E6EAE7"}
"""Background -> text, as .streamlit/config.toml has them."""

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</div></span><script>alert(1)</script>",
    "</style><style>*{display:none}",
    "```\n# not a heading\n``` **nor bold** $x$ :red[x]",
    "\" onmouseover='alert(1)' title=\"",
    "&lt;b&gt; &#60; &nbsp;",
    "<!-- gone? --> <![CDATA[x]]>",
    "{{ 7 * 7 }} ${7}",
    "line one\n\n  line three\twith a tab",
]


class Seen(HTMLParser):
    """Notes the tags with their attributes, and the text inside the answer."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict]] = []
        self.text, self.titles, self._depth = "", [], 0
        self.feed(html.split("</style>", 1)[1])
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if self._depth or attrs.get("class") == "text":
            self._depth += 1
        if "title" in attrs:
            self.titles.append(attrs["title"])

    def handle_endtag(self, tag):
        self._depth -= self._depth > 0

    def handle_data(self, data):
        if self._depth:
            self.text += data


def each_letter(text: str) -> list[list[float]]:
    return [[end, end % 4] for end in range(1, len(text) + 1)]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("cut", [each_letter, lambda text: [[len(text), 1.0]], lambda text: None])
def test_a_hostile_text_is_shown_letter_by_letter_and_makes_no_tag(text, cut):
    html = write_html(text, cut(text))
    seen = Seen(html)
    assert seen.text == text
    assert {tag for tag, _ in seen.tags} <= {"div", "span", "i", "b"}
    assert {name for _, attrs in seen.tags for name in attrs} <= {"class", "title"}
    assert html.count("<style>") == html.count("</style>") == 1


def test_half_a_character_is_replaced_not_raised():
    html = write_html("a\ud800b", [[1, 0.0], [2, 0.0], [3, 0.0]])
    html.encode("utf-8")
    assert Seen(html).text == "a?b"


def test_tokens_that_write_nothing_join_the_next_or_stand_behind_the_text():
    found = cut_tokens("añb", [[0, 0.5], [1, 0.5], [1, 1.0], [2, 0.25], [3, 0.0], [3, 0.125], [3, 0.125]])
    assert found == [Stretch("a", 1.0, 2), Stretch("ñ", 1.25, 2), Stretch("b", 0.0, 1), Stretch("", 0.25, 2)]
    assert describe_surprise(found[1]) == "1.25 nats in 2 tokens, 28.7 %"
    assert describe_surprise(found[3]) == "behind the text: 0.25 nats in 2 tokens, 77.9 %"


@pytest.mark.parametrize(
    ("surprises", "texts"),
    [
        ([[2, 1.0]], ["ab", "cd"]),  # ends too early
        ([[9, 1.0]], ["abcd"]),  # ends too late
        ([[3, 1.0], [1, 1.0], [4, 1.0]], ["abc", "d"]),  # goes back
        ([], ["abcd"]),
    ],
)
def test_ends_that_do_not_fit_lose_no_letter(surprises, texts):
    found = cut_tokens("abcd", surprises)
    assert [stretch.text for stretch in found] == texts


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf])
def test_a_surprise_that_is_not_known_has_no_colour_and_no_mean(unknown):
    found = cut_tokens("ab", [[1, unknown], [2, 3.0]])
    assert [stretch.nats for stretch in found] == [None, 3.0]
    html = write_html("ab", [[1, unknown], [2, 3.0]])
    assert "mean <b>–</b>" in html and Seen(html).titles == ["not known", "3.00 nats, 5.0 %"]


def test_the_mean_counts_every_token_and_the_pointer_tells_the_probability():
    html = write_html("ab", [[1, 0.0], [2, math.log(4)], [2, 0.1]])
    assert Seen(html).titles == ["0.00 nats, > 99.9 %", "1.39 nats, 25.0 %", "behind the text: 0.10 nats, 90.5 %"]
    assert "mean <b>0.495</b> nats per token, 3 tokens" in html


def test_chances_are_never_rounded_to_certain_or_impossible():
    assert [describe_chance(p) for p in (1.0, 0.9994, 0.05, 0.0004, 1e-9)] == [
        "> 99.9 %", "99.9 %", "5.0 %", "0.04 %", "< 0.01 %",
    ]  # fmt: skip


def test_the_colour_begins_at_nothing_and_is_full_at_three_nats():
    assert [level_of(nats) for nats in (-0.1, 0.0, 1.5, 3.0, 40.0)] == [0, 0, N_LEVELS // 2, N_LEVELS, N_LEVELS]


def blend(background: str, level: int) -> str:
    """The colour that a reader sees: the orange at this level over a background."""
    share = OPACITY * level / N_LEVELS
    pairs = [(int(background[i : i + 2], 16), int(ORANGE[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(below + (above - below) * share):02x}" for below, above in pairs)


def oklab(colour: str) -> np.ndarray:
    """Coordinates in which equal distances look equal (Ottosson 2020)."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    cones = [[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]]
    axes = [[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45059], [0.02590, 0.78277, -0.80868]]
    return np.array(axes) @ np.cbrt(np.array(cones) @ linear)


@pytest.mark.parametrize("background", [LIGHT_BACKGROUND, DARK_BACKGROUND])
def test_colours_are_even_clear_and_readable_on_both_backgrounds(background):
    levels = range(0, N_LEVELS + 1, 4)
    far = [np.linalg.norm(oklab(blend(background, level)) - oklab(background)) for level in levels]
    steps = np.diff(far)
    assert far[-1] > 0.25 and steps.min() / steps.max() > 0.8
    assert all(contrast(blend(background, level), TEXT_COLOURS[background]) >= 4.5 for level in levels)


def draw(text, surprises):
    from pages.components.surprise import draw_surprise

    draw_surprise(text, surprises)


def test_an_answer_without_surprises_says_why_it_has_no_colours():
    app = AppTest.from_function(draw, args=("a <b>", None)).run()
    assert not app.exception
    assert "Log-probabilities are not known" in app.caption[0].value
    assert Seen(app.get("html")[0].proto.body).text == "a <b>"


def test_an_empty_answer_is_said_to_be_empty():
    app = AppTest.from_function(draw, args=("", [[0, 0.5]])).run()
    assert app.caption[0].value == "The student wrote nothing."
    assert Seen(app.get("html")[0].proto.body).titles == ["behind the text: 0.50 nats, 60.7 %"]
    assert not AppTest.from_function(draw, args=("", None)).run().get("html")


def test_a_long_answer_stays_small():
    surprises = [[4 * i, i % 7 / 2] for i in range(1, 2001)]
    assert len(write_html("abc " * 2000, surprises)) < 150_000
