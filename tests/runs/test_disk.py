"""Room on a disk: what is said before something is started, and while little is left."""

import pytest

from core.errors import RunError
from core.runs import disk
from core.runs.disk import DiskMeter, describe_bytes, measure_free, require_room, warn_of_disk

GB = 10**9


@pytest.mark.parametrize(
    ("free", "needed", "sentence"),
    [
        (50 * GB, None, None),
        (50 * GB, 49 * GB, None),
        (50 * GB, 51 * GB, "This needs about 51.0 GB, and the disk of {home} has 50.0 GB left; make room first"),
        (5 * GB, 4 * GB, None),
        (4.9 * GB, None, "The disk of {home} is nearly full: 4.9 GB of 100.0 GB are left"),
        (4.9 * GB, 1000, "The disk of {home} is nearly full"),
    ],
)
def test_a_warning_comes_where_room_is_short_and_only_there(tmp_path, monkeypatch, free, needed, sentence):
    monkeypatch.setattr(disk, "measure_free", lambda path: (int(free), 100 * GB))
    said = warn_of_disk(tmp_path, needed)
    assert said is None if sentence is None else said.startswith(sentence.format(home=tmp_path))


def test_room_is_required_of_a_folder_that_is_not_there_yet(tmp_path):
    free, total = measure_free(tmp_path / "not" / "there")
    assert 0 < free <= total
    require_room(tmp_path / "not" / "there", 1, "the merged model")
    with pytest.raises(RunError, match=r"There is no room for the merged model: it takes about \d+\.\d GB"):
        require_room(tmp_path / "not" / "there", total + 1, "the merged model")


def test_the_exported_model_of_a_run_is_counted_apart(tmp_path):
    for run_id, name in (("a", "model"), ("b", "checkpoints")):
        (tmp_path / "runs" / run_id / name).mkdir(parents=True)
        (tmp_path / "runs" / run_id / name / "weights").write_bytes(b"x" * 1000)
        (tmp_path / "runs" / run_id / "run.json").write_bytes(b"x" * 10)
    frame, totals = DiskMeter(tmp_path).measure({"a": None, "b": None})
    sizes = frame.set_index("run_id")
    assert sizes["bytes"].to_dict() == {"a": 1010, "b": 1010}
    assert sizes["model_bytes"].to_dict() == {"a": 1000, "b": 0}
    assert totals["runs"] == 2020


@pytest.mark.parametrize(("n", "text"), [(999, "999 B"), (12_340, "12.3 kB"), (4.5e6, "4.5 MB"), (2e12, "2000.0 GB")])
def test_sizes_are_said_in_a_sentence(n, text):
    assert describe_bytes(n) == text
