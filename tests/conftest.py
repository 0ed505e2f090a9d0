"""What holds for all tests: what was left out is said loudly at the end.

Also small files cut from the shipped word problems, so that a whole loop with the shipped student takes seconds.
"""

from pathlib import Path

import pytest

from core.settings import DEMO

NO_BROWSER = "no Chromium starts here"
"""How the reason begins for which browser tests are skipped."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the very end that browser tests did not run."""
    reasons = [str(report.longrepr[-1]) for report in terminalreporter.stats.get("skipped", ())]
    for reason in dict.fromkeys(reason for reason in reasons if NO_BROWSER in reason):
        terminalreporter.write_sep("!", f"BROWSER TESTS SKIPPED: {reason}", red=True, bold=True)


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
