"""Small files cut from the shipped word problems, so that a whole loop with the shipped student takes seconds."""

import json
from pathlib import Path

import pytest

from core.settings import DEMO


def cut(split: str, n: int, target: Path) -> Path:
    lines = (DEMO / "word_problems" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()[:n]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


@pytest.fixture(scope="session")
def seed_files(tmp_path_factory) -> dict[str, Path]:
    """split -> JSONL file: 60 train, 15 validation and 25 test problems."""
    folder = tmp_path_factory.mktemp("seeds")
    sizes = {"train": 60, "validation": 15, "test": 25}
    return {split: cut(split, n, folder / f"{split}.jsonl") for split, n in sizes.items()}


@pytest.fixture(scope="session")
def held_out_questions(seed_files) -> set[str]:
    texts = [seed_files[split].read_text(encoding="utf-8") for split in ("validation", "test")]
    return {json.loads(line)["question"] for text in texts for line in text.splitlines()}
