"""How long each page takes to draw with a large home, in a real browser: the first time, and again.

    python benchmarks/pages.py [--home FOLDER]

Claims it measures: with 100,000 candidates and 1,000,000 predictions in the database each page draws in under 1 s, and
in under 2 s the first time after the server started. From the click in the sidebar until Streamlit has nothing left to
do; a page that goes on drawing parts by itself is measured up to there.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.in_browser import open_in_browser  # noqa: E402
from benchmarks.large_home import make_home, make_map  # noqa: E402
from core.hub import Hub  # noqa: E402
from core.settings import Settings  # noqa: E402

PAGES = (
    "Seeds", "Select", "Generate", "Review", "Finetune", "Evaluate", "Experiments", "Diversity", "Steerability", "Runs",
    "Overview",
)  # fmt: skip
DONE = """(name) => { const app = document.querySelector('[data-testid=stApp]');
  return app && app.dataset.testScriptState === 'notRunning'
    && [...document.querySelectorAll('h1')].some((node) => node.innerText.trim() === name)
    && (name !== 'Diversity' || document.querySelector('.seedbed-points[data-points]')); }"""
"""Whether the page of that name stands, with its map, and nothing is being drawn."""


def open_page(page: Page, name: str) -> float:
    """Return the seconds from the click in the sidebar until the page stands."""
    link = page.get_by_test_id("stSidebarNav").get_by_role("link", name=name)
    start = time.perf_counter()
    link.click()
    page.wait_for_function(DONE, arg=name, timeout=120_000)
    took = time.perf_counter() - start
    page.wait_for_timeout(600)
    return took


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--home", type=Path, help="a home that was made before; none: a new one")
    parser.add_argument("--turns", type=int, default=4, help="times that each page is opened")
    options = parser.parse_args()
    home = options.home or Path(tempfile.mkdtemp())
    if options.home is None:
        make_home(home)
        make_map(home)
        start = time.perf_counter()
        hub = Hub(Settings(home=home, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
        hub.step()
        counts = hub.store.count_rows()
        hub.close()
        print(f"read {counts['candidates']:,} candidates, {counts['predictions']:,} predictions in "
              f"{time.perf_counter() - start:.1f} s")  # fmt: skip
    took: dict[str, list[float]] = {name: [] for name in PAGES}
    with open_in_browser(home) as (page, address):
        page.goto(address)
        page.wait_for_function(DONE, arg="Overview", timeout=120_000)
        for _ in range(options.turns):
            for name in PAGES:
                took[name].append(open_page(page, name))
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, seconds in took.items():
        print(f"{name:<13} first {seconds[0]:5.2f} s (2)   again {np.median(seconds[1:]):5.2f} s (1)")


if __name__ == "__main__":
    main()
