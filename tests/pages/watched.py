"""A training that is watched: the test is its worker, and looks at the page as a person would."""

import itertools

from streamlit.testing.v1 import AppTest

from core.runs.folder import RunFolder
from tests.pages import home
from tests.pages.conftest import SHELL
from tests.pages.test_pages import texts

SETTINGS = {"epochs": 6, "learning_rate": 0.002, "rank": 32}
ANSWERS = {10: ("Tom pays 9.\n#### 9", False), 20: ("Tom pays 10.\n#### 10", True), 30: ("Tom pays 10.\n#### 10", True)}
NUMBERS = itertools.count(10)


def visit(name: str, **query: str) -> AppTest:
    """Open a page without the frame around it, with the seed set of the home in view: several times as fast."""
    app = AppTest.from_file(str(SHELL.with_name(f"{name}_page.py")), default_timeout=30)
    app.session_state["strip_shows"] = home.SEED_SET
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def watch(run_id: str, **query: str) -> AppTest:
    return visit("finetune", run=run_id, show="watch", **query)


def begin(hub, **config) -> RunFolder:
    """Make a finetune of which the test is the worker."""
    config = {"student": "tiny", "objective": "sft", "preset": "tiny", "training": SETTINGS, "n_rows": 9, **config}
    run_id = f"20260101-0001{next(NUMBERS)}-finetune-aaaa"
    return home.make_run(hub.settings.home, run_id, f"Training {run_id}", config, "device")


def measure(folder: RunFolder, names: list[str], last: int, value: float = 1.0) -> None:
    for step in range(1, last + 1):
        row = {"round": 1, "step": step, "epoch": step / 10, "written_at": 1000.0 + 6 * step}
        for name in names:
            folder.append("metrics", {**row, "name": name, "value": value / step})


def answer(folder: RunFolder) -> None:
    for step, (text, is_correct) in ANSWERS.items():
        folder.append("checkpoint_answers", {
            "round": 1, "step": step, "problem_id": "p1", "epoch": step / 10, "question": "How much does Tom pay?",
            "reference": "10", "text": text, "final": text.split()[-1], "is_correct": is_correct, "n_tokens": 5,
        })  # fmt: skip


def address(app) -> dict[str, str]:
    return {name: "".join(value) for name, value in app.query_params.items()}


def look(app) -> str:
    return texts(app).replace("\u00a0", " ").replace("\\", "")
