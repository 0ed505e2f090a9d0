"""How often servers pushed back, as it is kept and told: files of other versions trouble nobody."""

import json

import pytest

from core.recipes.pushbacks import FILE, PushbackRecord, Pushbacks, read_pushbacks
from core.runs.folder import RunFolder
from core.teacher.throttle import ThrottleState
from pages.components.spending import list_pushbacks

WHOLE = {"n": 1, "limit": 1, "ceiling": 64}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (json.dumps({"a": WHOLE, "b": {"n": 1}, "c": {**WHOLE, "n": "1"}, "d": 7}), ["a"]),
        (json.dumps({"a": {**WHOLE, "since": "2026"}}), ["a"]),
        ("[1]", []),
        ('{"a": {"n"', []),
        ("[" * 200_000, []),
        ("", []),
    ],
)
def test_what_is_written_otherwise_is_passed_over(tmp_path, text, found):
    (tmp_path / FILE).write_text(text)
    assert read_pushbacks(RunFolder(tmp_path)) == dict.fromkeys(found, Pushbacks(1, 1, 64))


def test_a_record_goes_on_from_a_file_of_another_version(tmp_path):
    (tmp_path / FILE).write_text(json.dumps({"a": {**WHOLE, "since": "2026"}, "b": {"n": 1}}))
    state = ThrottleState(**{name: 0 for name in ThrottleState.__dataclass_fields__} | {"n_pushbacks": 2, "limit": 3})
    PushbackRecord(RunFolder(tmp_path), lambda: {"a": state, "b": state}).keep()
    assert {name: one.n for name, one in read_pushbacks(RunFolder(tmp_path)).items()} == {"a": 3, "b": 2}


def test_once_is_one_time_and_the_reason_is_no_more_than_the_status(tmp_path):
    (tmp_path / FILE).write_text(json.dumps({"m": WHOLE, "other": {"n": 3, "limit": 2, "ceiling": 8}}))
    once, thrice = list_pushbacks(RunFolder(tmp_path))
    assert "m pushed back 1 time (status 429, 503 or 529)" in once and "up to 1 request at once" in once
    assert "3 times" in thrice and "up to 2 requests at once, of 8 at most" in thrice
