"""Replies as models write them; every case names what must come of it."""

import json
import random
import time

import pytest

from core.generation.loose_json import CutList, CutObject, LooseReader, decode_string
from core.generation.reading import read_items, read_plain, read_probability


def texts(reply, n=2, **how):
    return [item.text for item in read_items(reply, n, **how).items]


SHAPES = {
    "as asked": '{"responses": [{"text": "a", "probability": 0.1}, {"text": "b", "probability": 0.2}]}',
    "fenced, with words and brackets around": 'Sure [1], for {x}:\n```json\n["a", "b"]\n```\nHope {this} helps [2].',
    "a bare list": '[{"text": "a"}, {"text": "b"}]',
    "strings": '["a", "b"]',
    "trailing commas": '{"responses": [{"text": "a",}, {"text": "b",},],}',
    "missing commas": '{"responses": [{"text": "a" "probability": 0.1} {"text": "b"}]}',
    "Python": "{'responses': [{'text': 'a', 'probability': None}, {'text': r'b'}]}",
    "triple quotes": '["""a""", """b"""]',
    "typographic quotes": "{“responses”: [{“text”: “a”}, {“text”: “b”}]}",
    "bare keys": '{responses: [{text: "a", probability: 0.1}, {text: "b"}]}',
    "other names": '{"questions": [{"question": "a", "prob": 0.1}, {"problem": "b"}]}',
    "numbered": '{"response_1": "a", "response_2": "b"}',
    "numbered objects": '{"1": {"text": "a"}, "2": {"text": "b"}}',
    "one after the other": '{"text": "a", "probability": 0.1}\n{"text": "b", "probability": 0.2}',
    "an inner object": '[{"text": {"content": "a"}}, {"text": {"content": "b"}}]',
    "a draft before": '["x", "y"] or rather ["a", "b"]',
    "a shorter list behind": '["a", "b"], drawn from ["x"]',
    "sets and intervals before": 'From {1, 2}, [0, 1] and {"x", "y"}: ["a", "b"]',
    "broken off before the list": 'Take {"x and ["a", "b"]',
    "an error before the end": '{"responses": [{"text": "a"}, {"text": @@ !}, {"text": "b"}]}',
}


@pytest.mark.parametrize("name", SHAPES)
def test_two_responses_are_found_in_whatever_shape(name):
    read = read_items(SHAPES[name], 2)
    assert [(item.text, item.failure) for item in read.items] == [("a", None), ("b", None)]
    assert read.n_surplus == 0


REPAIRS = {
    '["a",]': "a comma too many",
    '[{"text": "a" "p": 1}]': "a comma too few",
    "['a']": "other quotation marks",
    '{text: "a"}': "keys without quotes",
    '[r"a"]': "a Python literal",
    '["x "a" y"]': "quotation marks within a string",
    r'["$\sqrt{a}$"]': "single backslashes",
    '{"question": "a"}': "other names of fields",
    '{"text": "a"} {"text": "b"}': "responses without a list around them",
    '[{"text": "a"}, {"note": "?"}]': "a response that cannot be read",
}


@pytest.mark.parametrize("reply", REPAIRS)
def test_what_was_forgiven_is_named(reply):
    assert read_items(reply, 1).repairs == (REPAIRS[reply],)
    assert read_items('{"responses": ["a"]}', 1).repairs == ()


STRINGS = {
    '["He said "yes", then "no"."]': 'He said "yes", then "no".',
    "['It's a dog's life, isn't it?']": "It's a dog's life, isn't it?",
    '["line one\nline two"]': "line one\nline two",
    r'["line one\nline two\ttab \/ \" \u00e9 \ud83d\ude00"]': 'line one\nline two\ttab / " é 😀',
    '{"text": "the time: "noon", he said", "probability": 0.1}': 'the time: "noon", he said',
    r'["\ud83d alone"]': "� alone",
}


@pytest.mark.parametrize("reply", STRINGS)
def test_strings_are_read_as_they_are_meant(reply):
    assert texts(reply, 1) == [STRINGS[reply]]


LATEX = {
    r"$\frac{1}{2}$ and \boxed{\beta}": r"$\frac{1}{2}$ and \boxed{\beta}",  # form feed and backspace in JSON
    r"$x \times \theta \neq \rho$ \text{cm}": r"$x \times \theta \neq \rho$ \text{cm}",  # tab, line break, return
    r"Let \(x\) be \sqrt{2}.\nThen \nu": "Let \\(x\\) be \\sqrt{2}.\nThen \\nu",
    r"Find x.\nThe sum": "Find x.\nThe sum",
    r"two\nu lines": "two\nu lines",  # nothing tells that this writer means a Greek letter
    r"$5 \ne 6$": r"$5 \ne 6$",
    r"a\\frac b\nu": "a\\frac b\nu",  # a writer who doubles backslashes means a line break
    r"\\frac and \sqrt and \times": r"\frac and \sqrt and \times",  # doubled here and not there
    r"\begin{cases} 1 \\ 2 \end{cases}": r"\begin{cases} 1 \\ 2 \end{cases}",
    r"tail\r\nend": "tail\nend",
}


@pytest.mark.parametrize("raw", LATEX)
def test_latex_survives_single_and_doubled_backslashes(raw):
    assert texts(f'["{raw}"]', 1) == [LATEX[raw]]
    assert texts(json.dumps({"responses": [LATEX[raw]]}), 1) == [LATEX[raw]]


def test_control_characters_never_come_of_latex():
    for command in ("frac", "forall", "boxed", "beta", "begin", "times", "theta", "nabla", "right", "rangle", "text"):
        assert decode_string(f"$\\{command}$", None) == f"$\\{command}$"


def test_what_json_can_read_is_read_alike():
    rng = random.Random(4)
    letters = ["a", "é", " ", '"', "'", "\\", "\n", "{", "}", "[", "]", ",", ":", "$", "\\frac", "1", "“", "#", "\\\\n"]
    for _ in range(400):
        said = ["x" + "".join(rng.choices(letters, k=rng.randrange(9))) + "x" for _ in range(3)]
        said = [f"{number} {text}" for number, text in enumerate(said)]
        if not any("\\" in text for text in said):
            said.append(r"3 \sqrt")  # otherwise nothing tells how this writer treats backslashes
        plain = json.dumps(
            {"responses": [{"text": text, "probability": 0.5} for text in said]}, indent=rng.choice([None, 1])
        )
        if any('"' in text for text in said):
            plain = json.dumps({"responses": said}, ensure_ascii=rng.random() < 0.5)
        assert texts(plain, len(said)) == said


def test_missing_responses_are_items_with_the_reason():
    cut = '{"responses": [{"text": "a", "probability": 0.1}, {"text": "b", "prob'
    assert [item.failure for item in read_items(cut, 2).items] == [
        None,
        "The reply ends in the middle; it holds 1 of the 2 responses in full.",
    ]
    assert "cut off at its token limit" in read_items(cut, 2, is_cut=True).items[1].failure
    assert "cut off at its token limit" in read_items("", 1, is_cut=True).items[0].failure
    assert texts('["a", "b", "c and', 3) == ["a", "b", None]
    assert read_items('["a"]', 2).items[1].failure == "The reply holds only 1 of the 2 responses that were asked for."
    assert {item.failure for item in read_items("I cannot.", 3).items} == {
        "The reply holds no JSON with a response that can be read."
    }


def test_surplus_is_counted_and_left_out():
    read = read_items('["a", "b", "c", "d"]', 2)
    assert ([item.text for item in read.items], read.n_surplus) == (["a", "b"], 2)


def test_empty_and_repeated_responses_fail():
    read = read_items('["a", " ", "A ", "b"]', 4)
    assert [item.text for item in read.items] == ["a", None, None, "b"]
    assert read.items[1].failure == "The response is empty."
    assert "same response before" in read.items[2].failure


def test_a_question_in_several_fields_keeps_its_labels_and_not_its_answer():
    reply = '[{"question": "How many?", "difficulty": "AMC", "answer": "4", "probability": 0.1}]'
    assert texts(reply, 1) == ["question: How many?\ndifficulty: AMC"]
    assert texts(reply, 1, wants_answer=True) == ["4"]
    assert texts('{"text": 42, "probability": 0.1}', 1) == ["42"]
    assert texts('{"text": What is 2, and why?, "probability": 0.1}', 1) == [None]


def test_reasoning_comes_with_every_response():
    read = read_items('{"reasoning": "think", "responses": [{"text": "a"}, {"text": "b"}]}', 3)
    assert [item.reasoning for item in read.items] == ["think"] * 3
    assert read_items('{"reasoning": "think", "response": "a"}', 1).items[0].reasoning == "think"


PROBABILITIES = {
    "0.05": (0.05, None),
    ".5": (0.5, None),
    "1e-3": (0.001, None),
    "5%": (0.05, None),
    "0": (0.0, None),
    "1": (1.0, None),
    "1.01": (None, "above 1"),
    "150%": (None, "above 1"),
    "-0.1": (None, "below 0"),
    "NaN": (None, "no number"),
    "Infinity": (None, "no number"),
    "1e999": (None, "no number"),
    "high": (None, "no number"),
    "~0.1": (None, "no number"),
    "1_0": (None, "no number"),
    "": (None, "No probability"),
}


@pytest.mark.parametrize("stated", PROBABILITIES)
def test_probabilities_are_checked_and_never_clipped(stated):
    value, fault = read_probability(stated)
    expected, word = PROBABILITIES[stated]
    assert value == expected and (fault is None if word is None else word in fault)
    written = json.dumps(stated) if stated in ("", "1_0") else stated
    item = read_items(f'[{{"text": "a", "probability": {written}}}]', 1, has_probability=True).items[0]
    assert (item.probability, item.probability_fault) == (value, fault)
    assert item.probability_stated == stated


def test_a_probability_that_is_not_asked_for_is_not_read():
    item = read_items('[{"text": "a", "probability": 7}]', 1).items[0]
    assert (item.probability, item.probability_stated, item.probability_fault) == (None, None, None)
    item = read_items('["a"]', 1, has_probability=True).items[0]
    assert item.probability_fault == "No probability is stated."


def test_a_plain_reply_is_one_response():
    assert read_plain(" a\n").items[0].text == "a"
    assert read_plain(" \n").items[0].failure == "The reply is empty."


MANY, SOME = 1_000_000, 100_000
MASSES = ["[" * MANY, "{" * MANY, "]" * MANY, "\\" * MANY]
MASSES += [part * SOME for part in ('{"', '["', '{"a":', '["a", ', "{'", '["a" "', "{a:", '{"text": "a" ')]


@pytest.mark.parametrize("reply", MASSES, ids=[mass[:6] for mass in MASSES])
def test_hostile_masses_of_brackets_neither_hang_nor_raise(reply):
    begin = time.monotonic()
    assert len(read_items(reply, 5).items) == 5
    assert time.monotonic() - begin < 5


def test_no_corruption_raises_or_loses_an_item():
    rng = random.Random(1)
    whole = json.dumps(
        {"reasoning": "I think", "responses": [{"text": rf"$\frac{i}2$ \"x\"", "probability": 0.1} for i in range(4)]}
    )
    for _ in range(400):
        text = list(whole)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(text))
            text[at : at + rng.randrange(3)] = rng.choice(
                ["", '"', "'", "\\", "{", "}", "[", "]", ",", ":", "\n", "“", "\ud800"]
            )
        read = read_items("".join(text), 4, has_probability=True)
        assert len(read.items) == 4
        assert all((item.text is None) == (item.failure is not None) for item in read.items)


def test_what_is_broken_off_is_marked():
    found = LooseReader('{"a": ["b", {"c": "d"').read(0)
    assert isinstance(found.value, CutObject) and isinstance(found.value["a"], CutList)
    assert isinstance(found.value["a"][1], CutObject) and found.reaches_end and not found.is_whole
