from dataclasses import dataclass, fields

import pytest

from core.setting_docs import read_docs
from core.training.config import TrainingConfig
from core.training.objectives import OBJECTIVES


def test_a_field_has_the_text_below_it_and_no_other():
    @dataclass
    class Example:
        """Of the class."""

        first: int = 1
        """What the first
        means."""

        second: int = 2

        third: float = 3.0
        """The third."""

        def method(self):
            """Of a method."""

    assert read_docs(Example) == {"first": "What the first means.", "third": "The third."}


@pytest.mark.parametrize("owner", [TrainingConfig, *(type(OBJECTIVES.get(name)) for name in OBJECTIVES)])
def test_every_setting_that_a_person_can_change_is_explained(owner):
    docs = read_docs(owner)
    assert [each.name for each in fields(owner) if each.name not in docs] == []
