"""The seven forms: what they ask for and how they read it."""

import json

import pytest

from core.generation.forms import FORMS
from core.tasks.prompts import find_slots, read_prompt_file


def write_reply(form, n):
    """Write the reply that a form asks for."""
    said = [f"response {i}" for i in range(n)]
    if not form.is_json:
        return said[0]
    reasoning = {"reasoning": "First I think."} if form.has_reasoning else {}
    if form.is_single:
        return json.dumps({**reasoning, "response": said[0]})
    items = [{"text": text, form.probability: 0.1 * i} for i, text in enumerate(said)] if form.probability else said
    return json.dumps({**reasoning, "responses": items})


@pytest.fixture(params=FORMS)
def form(request):
    return FORMS[request.param]


def test_the_seven_of_the_paper():
    assert list(FORMS) == ["direct", "cot", "sequence", "multi_turn", "vs_standard", "vs_cot", "vs_multi"]
    turns = {name: form.split_turns(5) for name, form in FORMS.items()}
    assert turns["direct"] == turns["cot"] == (1,)
    assert turns["sequence"] == turns["vs_standard"] == turns["vs_cot"] == (5,)
    assert turns["multi_turn"] == (1,) * 5
    assert turns["vs_multi"] == (3, 2)
    assert FORMS["vs_multi"].split_turns(6) == (3, 3) and FORMS["vs_multi"].split_turns(2) == (2,)


@pytest.mark.parametrize("tail", [None, 0.1])
@pytest.mark.parametrize("n", [1, 5])
def test_no_slot_is_left_open(form, n, tail):
    texts = [form.write_system(n, tail), *([form.write_again(1, n)] if form.again else [])]
    for text in texts:
        assert text and find_slots(text) == []
    assert ("0.1" in texts[0].replace("0.0 to 1.0", "")) == (tail is not None and form.probability is not None)
    for name in form.list_prompts(n, tail):
        assert "Zhang 2025" in read_prompt_file(name).source


def test_numbers_stand_in_the_instruction(form):
    system = form.write_system(5)
    if not form.is_single and form.is_json:
        assert str(form.split_turns(5)[0]) in system
    if form.name == "vs_multi":
        assert "5 times in all" in system and "Begin with 3" in system
        assert "2 more" in form.write_again(2, 5)
    assert (form.probability or "no such field") in system or form.probability is None


def test_a_reply_of_the_form_is_read_back(form):
    n = form.split_turns(5)[0]
    read = form.read(write_reply(form, n), n)
    assert [item.text for item in read.items] == [f"response {i}" for i in range(n)]
    assert (read.n_surplus, read.repairs) == (0, ())
    if form.probability:
        assert [item.probability for item in read.items] == pytest.approx([0.1 * i for i in range(n)])
        assert read.items[1].probability_stated == "0.1"
    assert read.items[0].reasoning == ("First I think." if form.has_reasoning else None)


def test_garbage_brings_as_many_failures_as_were_asked_for(form):
    n = form.split_turns(5)[0]
    for reply in ("", "\n"):
        read = form.read(reply, n)
        assert len(read.items) == n and all(item.failure and item.text is None for item in read.items)
    cut = form.read(write_reply(form, n)[:-3], n, is_cut=True)
    assert len(cut.items) == n and "token limit" in cut.items[-1].failure


def test_schemas_are_strict_and_hold_what_the_instruction_names(form):
    schema = form.make_schema()
    assert (schema is None) == (not form.is_json)
    if schema is None:
        return

    def check(node):
        if node["type"] == "object":
            assert node["required"] == list(node["properties"]) and node["additionalProperties"] is False
            for name, inner in node["properties"].items():
                assert f'"{name}"' in form.write_system(3) or form.name == "sequence"
                check(inner)
        elif node["type"] == "array":
            check(node["items"])

    check(schema)
    assert list(schema["properties"])[-1] == ("response" if form.is_single else "responses")
