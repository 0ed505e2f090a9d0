"""Parsing of facts and rules, forward chaining, proofs and the check of their steps."""

import pytest

from core.tasks.deduction import (
    RULE_FORMS,
    Clause,
    DeductionError,
    Term,
    Theory,
    list_singulars,
    make_plural,
    split_sentences,
    write_fact,
    write_rule,
)

CONTEXT = (
    "Each wolf is a carnivore. Carnivores are animals. No animal is square. All squares are flat. "
    "Every cat is not loud. Wolves are grey. Nervous things are red. Mira is a wolf. Tom is a cat."
)


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("rompuses", "rompus"),
        ("cats", "cat"),
        ("berries", "berry"),
        ("foxes", "fox"),
        ("mice", "mouse"),
        ("tables", "table"),
    ],
)
def test_singular_of_a_plural(plural, singular):
    assert list_singulars(plural)[0] == singular


@pytest.mark.parametrize("word", ["luminous", "rompus", "cross", "red"])
def test_words_that_are_no_plural(word):
    assert list_singulars(word) == []


@pytest.mark.parametrize("word", ["rompus", "cat", "berry", "fox", "tray", "person"])
def test_plural_and_back(word):
    assert list_singulars(make_plural(word))[0] == word


@pytest.mark.parametrize(
    ("sentence", "subject", "is_rule", "word", "is_kind", "is_positive"),
    [
        ("Mira is a wolf.", "Mira", False, "wolf", True, True),
        ("Mira is not grey.", "Mira", False, "grey", False, False),
        ("Each wolf is a carnivore.", "wolf", True, "carnivore", True, True),
        ("Wolves are grey.", "wolf", True, "grey", False, True),
        ("Wolves are not animals.", "wolf", True, "animal", True, False),
        ("No animal is square.", "animal", True, "square", False, False),
        ("All squares are flat.", "square", True, "flat", False, True),
        ("Carnivores are berries.", "carnivore", True, "berry", True, True),  # a plural that occurs nowhere else
    ],
)
def test_reading_a_sentence(sentence, subject, is_rule, word, is_kind, is_positive):
    assert Theory(CONTEXT).read(sentence) == Clause(subject, is_rule, Term(word, is_kind), is_positive)


@pytest.mark.parametrize(
    "sentence", ["Wolves hunt at night.", "Mira is a wolf and a cat.", "If it rains, Mira is wet.", ""]
)
def test_other_sentences_are_not_read(sentence):
    assert Theory(CONTEXT).read(sentence) is None


def test_context_with_an_unreadable_sentence_is_refused():
    with pytest.raises(DeductionError, match="Wolves hunt"):
        Theory("Mira is a wolf. Wolves hunt at night.")


def test_seen_singular_decides_between_readings():
    theory = Theory("Every house is old. Houses are buildings. Lodge is a house.")
    assert theory.judge(theory.read("Lodge is a building.")) is True


@pytest.mark.parametrize(
    ("statement", "truth"),
    [
        ("Mira is an animal.", True),
        ("Mira is square.", False),
        ("Mira is not square.", True),
        ("Mira is grey.", True),
        ("Tom is grey.", None),
        ("Tom is loud.", False),
        ("Mira is flat.", None),  # being square is denied, which says nothing of flat
    ],
)
def test_what_follows(statement, truth):
    theory = Theory(CONTEXT, [statement])
    assert theory.judge(theory.read(statement)) is truth


def test_proof_by_hand():
    theory = Theory(CONTEXT)
    assert theory.prove(theory.read("Mira is square.")) == [
        "Mira is a wolf.",
        "Each wolf is a carnivore.",
        "Mira is a carnivore.",
        "Carnivores are animals.",
        "Mira is an animal.",
        "No animal is square.",
        "Mira is not square.",
    ]


def test_shortest_proof_is_taken():
    theory = Theory("Each a is a b. Each b is a c. Each a is a c. Each c is red. Ida is a a.")
    assert len(theory.trace(theory.read("Ida is red."))) == 2


def test_circular_rules_end():
    theory = Theory("Each wug is a dax. Each dax is a wug. Ida is a wug.")
    assert theory.judge(theory.read("Ida is a dax.")) is True


def test_contradiction_is_an_error():
    theory = Theory("Each wug is red. Each wug is not red. Ida is a wug.")
    with pytest.raises(DeductionError, match="opposite"):
        theory.judge(theory.read("Ida is red."))


def test_nothing_to_prove():
    theory = Theory(CONTEXT)
    with pytest.raises(DeductionError, match="does not follow"):
        theory.prove(theory.read("Tom is grey."))


def test_wrong_steps_are_found():
    theory = Theory(CONTEXT)
    proof = theory.prove(theory.read("Mira is square."))
    assert theory.find_wrong_step(proof) is None
    assert theory.find_wrong_step([*proof[:1], *proof[1::2], proof[-1]]) is not None  # conclusions left out
    assert "no rule" in theory.find_wrong_step(["Each wolf is a cat."])
    assert "does not follow" in theory.find_wrong_step(["Tom is a wolf."])
    assert "does not follow" in theory.find_wrong_step(["Mira is not grey."])
    assert theory.find_wrong_step(["Let us see what we know.", "Mira is grey."]) is None


@pytest.mark.parametrize("form", RULE_FORMS)
@pytest.mark.parametrize("is_positive", [True, False])
@pytest.mark.parametrize("term", [Term("impus", True), Term("luminous", False)])
def test_written_rules_are_read_back(form, is_positive, term):
    rule = Clause("rompus", True, term, is_positive)
    fact = Clause("Max", False, Term("impus", True), True)
    assert Theory(f"{write_rule(rule, form)} {write_fact(fact)}").read(write_rule(rule, form)) == rule


def test_article_before_a_vowel():
    assert write_fact(Clause("Max", False, Term("impus", True), False)) == "Max is not an impus."


def test_sentences_are_split_at_stops_and_lines():
    assert split_sentences("A b is c. D is e.\nF is g.") == ["A b is c.", "D is e.", "F is g."]
