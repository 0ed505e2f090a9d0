"""What holds for all tests: what was left out is said loudly at the end, and libraries are no garbage.

Also small files cut from the shipped word problems, so that a whole loop with the shipped student takes seconds.
"""

import gc
import sys
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from core.settings import DEMO

NO_BROWSER = "no Chromium starts here"
"""How the reason begins for which browser tests are skipped."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Give all browser tests to one worker: they mostly wait, and two browsers at once make each other late."""

    class OneBrowser(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)

    return OneBrowser(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the very end that browser tests did not run."""
    reasons = [str(report.longrepr[-1]) for report in terminalreporter.stats.get("skipped", ())]
    for reason in dict.fromkeys(reason for reason in reasons if NO_BROWSER in reason):
        terminalreporter.write_sep("!", f"BROWSER TESTS SKIPPED: {reason}", red=True, bold=True)


MANY_MODULES = 50
"""Imports of as many modules bring objects that are worth setting aside."""

_n_set_aside = 0
"""Modules whose objects were set aside."""


def set_libraries_aside() -> None:
    """Let no later collection look at what libraries brought: they stay anyway.

    Each training asks for full collections: with the model libraries loaded one is a third of a second, longer than
    what is tested.
    """
    global _n_set_aside
    if len(sys.modules) >= _n_set_aside + MANY_MODULES:
        gc.collect()  # what is garbage now would never be found again
        gc.freeze()
        _n_set_aside = len(sys.modules)


def pytest_collection_finish() -> None:
    """Set aside what the test files import."""
    set_libraries_aside()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> object:
    """Set aside what the test was the first to import."""
    outcome = yield
    set_libraries_aside()
    return outcome


def pytest_sessionfinish() -> None:
    """Give all back, or nothing would be tidied away when the interpreter ends."""
    gc.unfreeze()


def cut(split: str, n: int, target: Path) -> Path:
    lines = (DEMO / "word_problems" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()[:n]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def cut_all(folder: Path, **sizes: int) -> dict[str, Path]:
    return {split: cut(split, n, folder / f"{split}.jsonl") for split, n in sizes.items()}


@pytest.fixture(scope="session")
def seed_files(tmp_path_factory) -> dict[str, Path]:
    """split -> JSONL file: 60 train, 15 validation and 25 test problems."""
    return cut_all(tmp_path_factory.mktemp("seeds"), train=60, validation=15, test=25)


@pytest.fixture(scope="session")
def few_files(tmp_path_factory) -> dict[str, Path]:
    """split -> JSONL file: 36 train, 6 validation and 10 test problems, for loops whose numbers do not matter."""
    return cut_all(tmp_path_factory.mktemp("few"), train=36, validation=6, test=10)
