"""The frames of the stories: what kind of entity has the things, and the sentence forms that go with it.

Slots of a form: ``{E}`` the entity that the step defines, ``{R}`` and ``{S}`` the entities of its left and right
results, ``{a}`` and ``{b}`` its constants, ``{O}`` the things, ``{box}`` and ``{boxes}`` what they are packed in,
``{people}`` who share them, ``{part}`` "a third", ``{times}`` "three times", ``{G}`` who sells (days). Keys are
``Step.form``; ``then+`` forms continue the story of the same entity; ``ask`` forms end it. Square brackets hold
alternatives. To add a frame, write its forms in a file of its own and name it below.
"""

from collections.abc import Mapping

from core.demo.stories import days, people, places, races

Forms = Mapping[str, tuple[str, ...]]

FRAMES: Mapping[str, Forms] = {
    "people": people.FORMS,
    "places": places.FORMS,
    "days": days.FORMS,
    "races": races.FORMS,
}
"""Sentence forms by frame; ``races`` is kept for out-of-distribution stories."""

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "people": ("{E} has", "{O}."),
    "places": ("The {E} has", "{O}."),
    "days": ("On {E} there are", "{O}."),
    "races": ("{E} has", "points."),
}
"""Subject and end of the sentence of a worked answer for a step that defines an entity, by frame."""
