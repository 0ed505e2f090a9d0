"""A real server on a free port with its own home, and a real Chromium; skipped loudly where no browser can be had.

``serve(home)`` starts the dashboard, ``page`` is an open tab that remembers console errors and every request it made.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.find_browser import find_installed
from tests.conftest import NO_BROWSER

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic", "--no-first-run",
]  # fmt: skip
PATIENCE_S = 60
"""How long a server may take to answer: a busy machine needs it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder as a browser test and put it first: these take longest."""

    def is_here(item: pytest.Item) -> bool:
        return Path(item.path).is_relative_to(Path(__file__).parent)

    for item in filter(is_here, items):
        item.add_marker(pytest.mark.browser)
    items.sort(key=is_here, reverse=True)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """A Chromium of this machine, else the one that playwright installed.

    One for each module: while playwright is open it keeps an event loop running in this thread, and ``asyncio.run``
    refuses to start beside it.
    """
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch(executable_path=find_installed(), args=FLAGS)
        except Error as error:
            reason = f"{NO_BROWSER} ({str(error).splitlines()[0]}); `make test` installs one where it can"
            if os.environ.get("SEEDBED_REQUIRE_BROWSER"):
                pytest.fail(reason)
            pytest.skip(reason)
        yield found
        found.close()


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_health(address: str, process: subprocess.Popen, log: Path) -> None:
    """Return when the server answers; raises with its log where it does not."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/api/health", timeout=2) as reply:
                if reply.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server did not come up:\n{log.read_text(encoding='utf-8')[-4000:]}")


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], str]]:
    """Start ``streamlit run app.py`` for a home; returns its address. All servers end with the module."""
    started: list[subprocess.Popen] = []

    def start(home: Path) -> str:
        port = find_free_port()
        log = tmp_path_factory.mktemp("server") / "log.txt"
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
                cwd=ROOT,
                env={**os.environ, "SEEDBED_HOME": str(home)},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        wait_for_health(f"http://127.0.0.1:{port}", process, log)
        return f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def page(browser) -> Iterator:
    """A tab; ``page.errors`` holds console errors, ``page.asked`` every address it asked for.

    Streamlit looks for its own server below the page's path first and is told 404: these are no errors of ours.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.errors, tab.asked = [], []
    tab.on("console", lambda message: tab.errors.append(message.text) if is_error(message) else None)
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.set_default_timeout(30_000)
    yield tab
    context.close()


def is_error(message) -> bool:
    """Say whether a console message is an error of ours.

    Plotly measures the labels of a chart that is just being taken away, finds no size, and says so; nothing is drawn.
    """
    is_of_streamlit = "/_stcore/" in (message.location or {}).get("url", "")
    is_of_gone_chart = 'attribute y: Expected length, "-Infinity"' in message.text
    return message.type == "error" and not is_of_streamlit and not is_of_gone_chart
