"""What a test of a whole loop looks for in its files."""

import json

import pytest


@pytest.fixture(scope="session")
def held_out_questions(seed_files) -> set[str]:
    texts = [seed_files[split].read_text(encoding="utf-8") for split in ("validation", "test")]
    return {json.loads(line)["question"] for text in texts for line in text.splitlines()}
