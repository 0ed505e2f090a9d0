import json
import urllib.error

import pytest

import core.datasets.hub as hub
from core.datasets import import_seed_set, load_problems
from core.errors import DataFormatError
from core.runs.folder import RunFolder

ROWS = [{"question": f"Ann has {i} pears. How many?", "answer": f"#### {i}"} for i in range(12)]


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    """Let the library keep its files in a folder of the test."""
    import datasets

    kept, datasets.config.HF_DATASETS_CACHE = datasets.config.HF_DATASETS_CACHE, tmp_path_factory.mktemp("cache")
    yield
    datasets.config.HF_DATASETS_CACHE = kept


@pytest.fixture
def folder_of_files(tmp_path):
    folder = tmp_path / "pears"
    folder.mkdir()
    for split, rows in {"train": ROWS[:9], "test": ROWS[9:]}.items():
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_dataset_becomes_a_seed_set(tmp_path, folder_of_files):
    config = {"name": "pears", "task": None, "hub": {"id": str(folder_of_files), "config": None, "splits": None}}
    folder = RunFolder.create(tmp_path, "import", title="Import", config=config, lane="light")
    with folder.hold():
        summary = import_seed_set(folder)
        folder.finish("done", summary)
    assert (summary["n_in"], summary["n_kept"], summary["n_test"], summary["task"]) == (12, 12, 3, "word_problems")
    assert [problem.final for problem in load_problems(tmp_path, folder.run_id, ["test"])] == ["9", "10", "11"]


def test_splits_are_chosen_by_name_and_an_unknown_one_is_named(folder_of_files):
    rows = hub.read_hub(str(folder_of_files), splits={"train": "test"})
    assert list(rows) == ["train"] and rows["train"].rows == ROWS[9:] and rows["train"].lines == [1, 2, 3]
    with pytest.raises(DataFormatError, match="no split 'dev'; it has train, test"):
        hub.read_hub(str(folder_of_files), splits={"train": "train", "validation": "dev"})


def test_a_dataset_saved_to_disk_is_read(tmp_path):
    import datasets

    datasets.Dataset.from_list(ROWS).save_to_disk(tmp_path / "saved")
    assert hub.read_hub(str(tmp_path / "saved"))["train"].rows == ROWS


def test_a_folder_that_holds_no_dataset_is_one_sentence(tmp_path):
    with pytest.raises(DataFormatError, match="cannot be loaded; check its id") as caught:
        hub.read_hub(str(tmp_path))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_offline_is_one_sentence_before_anything_is_asked(monkeypatch):
    def refuse(*_, **__):
        raise urllib.error.URLError("no route")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(hub.urllib.request, "urlopen", refuse)
    with pytest.raises(DataFormatError, match="cannot be reached to load 'someone/something'; go online"):
        hub.read_hub("someone/something")


def test_an_id_that_was_never_downloaded_is_one_sentence_in_offline_mode(monkeypatch):
    import datasets
    import huggingface_hub

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataFormatError, match="'someone/something' cannot be loaded"):
        hub.read_hub("someone/something")


def test_the_only_split_is_the_train_split_and_an_unclear_choice_is_asked_for():
    assert hub._choose_splits(["default"]) == {"train": "default"}
    assert hub._choose_splits(["test", "dev", "train"]) == {"train": "train", "validation": "dev", "test": "test"}
    with pytest.raises(DataFormatError, match="Say which split"):
        hub._choose_splits(["easy", "hard"])
