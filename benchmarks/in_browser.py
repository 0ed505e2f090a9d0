"""A home that is served and open in a real browser, for benchmarks of pages."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.dashboard import start_server
from scripts.find_browser import find_installed
from tests.browser.conftest import FLAGS, find_free_port, wait_for_health


@contextmanager
def open_in_browser(home: Path) -> Iterator[tuple[Page, str]]:
    """Yield an empty page of a browser, and the address at which the home is served; both end with the context."""
    port = find_free_port()
    address, server = f"http://127.0.0.1:{port}", start_server(home, port)
    try:
        wait_for_health(address, server, Path(os.devnull))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_installed(), args=FLAGS)
            yield browser.new_page(viewport={"width": 1440, "height": 1000}), address
            browser.close()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
