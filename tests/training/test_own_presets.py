"""A person's own settings by name: what is saved comes back, and what cannot be read is said."""

import pytest

from core.errors import TrainingError
from core.training.config import PRESETS, TrainingConfig
from core.training.own_presets import list_own_presets, remove_own_preset, save_own_preset


def test_settings_come_back_as_they_were_saved_in_their_order(tmp_path):
    assert list_own_presets(tmp_path) == {}
    mine = TrainingConfig(learning_rate=1e-9, min_learning_rate=0.0, rank=8, alpha=16, schedule="cosine_with_min_lr")
    assert save_own_preset(tmp_path, " pens-best ", mine) is False
    assert save_own_preset(tmp_path, "full", {"weights": "full", "epochs": 2}) is False
    assert save_own_preset(tmp_path, "pens-best", mine) is True, "one of that name was there"
    assert list_own_presets(tmp_path) == {"pens-best": mine, "full": TrainingConfig(weights="full", epochs=2)}
    remove_own_preset(tmp_path, "pens-best")
    assert list(list_own_presets(tmp_path)) == ["full"]
    with pytest.raises(TrainingError, match="no preset 'pens-best' of your own; known: full"):
        remove_own_preset(tmp_path, "pens-best")


@pytest.mark.parametrize("name", ["", "a b", "x" * 61, "../x", "a.b", '"', *list(PRESETS)[:2]])
def test_names_that_no_preset_of_ones_own_can_have(tmp_path, name):
    with pytest.raises(TrainingError, match=r"cannot be the name of a preset|comes with Seedbed"):
        save_own_preset(tmp_path, name, TrainingConfig())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[a\n", "cannot be read as TOML"),
        ("rank = 8\n", "a line rank outside of a table"),
        ("[a]\nrank = 0\n", "The preset a in .* cannot be used: .*rank must be at least 1"),
        ("[a]\nrnk = 8\n", "Unknown training setting rnk"),
    ],
)
def test_a_file_that_somebody_wrote_wrongly_is_said_and_not_overwritten(tmp_path, text, sentence):
    path = tmp_path / "presets.toml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=sentence):
        list_own_presets(tmp_path)
    with pytest.raises(TrainingError, match=sentence):
        save_own_preset(tmp_path, "b", TrainingConfig())
    assert path.read_text() == text
