"""Colours: readable on both backgrounds, and the same everywhere."""

import pytest

from core.figures.colours import (
    DARK_BACKGROUND,
    LIGHT_BACKGROUND,
    METHOD_STYLES,
    SELECTOR_STYLES,
    STATE_STYLES,
    fade,
    spread_spares,
    style_of_method,
    style_of_selector,
    style_of_state,
)


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Contrast ratio by WCAG 2, 1 to 21."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


COLOURS = sorted(
    {style.colour for style in (*SELECTOR_STYLES.values(), *METHOD_STYLES.values(), *STATE_STYLES.values())}
)


@pytest.mark.parametrize("background", [LIGHT_BACKGROUND, DARK_BACKGROUND])
@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_keeps_a_contrast_of_three(colour, background):
    assert contrast(colour, background) >= 3.0


def test_contrast_itself_knows_black_on_white():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)


def test_members_of_a_family_differ_by_more_than_nothing():
    looks = [(style.colour, style.dash) for style in SELECTOR_STYLES.values()]
    assert len(set(looks)) == len(looks)


def test_no_two_methods_are_drawn_alike_and_unknown_ones_keep_their_looks():
    assert len(set(METHOD_STYLES.values())) == len(METHOD_STYLES)
    assert style_of_method("mine") == style_of_method("mine") not in METHOD_STYLES.values()


def test_random_is_dashed_and_unknown_names_keep_their_colour():
    assert style_of_selector("random").dash == "dash"
    assert style_of_selector("my_own") == style_of_selector("my_own")
    assert style_of_selector("my_own").colour not in {style_of_selector("random").colour}
    assert style_of_state("odd").word == "odd"


def test_fade():
    assert fade("#FF8000", 0.25) == "rgba(255,128,0,0.25)"


def test_what_is_no_selector_has_a_look_of_its_own_in_one_figure():
    names = ["sft", "rft", "dpo", "per_step_dpo", *(f"arm {number}" for number in range(10))]
    looks = spread_spares(names)
    assert len(set(looks.values())) == len(names) and spread_spares(reversed(names)) == looks
