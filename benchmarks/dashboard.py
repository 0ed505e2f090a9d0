"""How quick the dashboard is, in a real browser: start, page switches, and written point to drawn point.

    python benchmarks/dashboard.py [--seconds 40]

Claims it measures: the page is up in under 3 s after ``streamlit run app.py`` starts; switching pages takes under
0.5 s; a metric line that a worker writes is on the screen in under 1.5 s (p95), the whole curve and the zoom kept.
Figures depend on the machine and on what else runs on it; quote them together with the line about the load.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.runs.folder import RunFolder  # noqa: E402
from scripts.find_browser import find_installed  # noqa: E402
from tests.browser.conftest import FLAGS, find_free_port  # noqa: E402
from tests.pages.home import SEED_SET, fill_home  # noqa: E402

CHART = ".seedbed-chart[data-chart='watch_loss']"
PAGES = ("Seeds", "Select", "Generate", "Review", "Finetune", "Runs", "Overview")

WATCH = f"""() => {{
  window.seen = {{}};
  setInterval(() => {{
    const el = document.querySelector("{CHART}");
    if (!el || !el.data) return;
    const steps = el.data[0].x; const now = Date.now() / 1000;
    for (const step of steps) if (!(step in window.seen)) window.seen[step] = now;
  }}, 20);
}}"""
"""Notes when each step is first in what plotly has drawn."""


def start_server(home: Path, port: int) -> subprocess.Popen:
    """Start ``streamlit run app.py`` on a free port."""
    return subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=ROOT, env={**os.environ, "SEEDBED_HOME": str(home)}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def measure_start(page: Page, home: Path, port: int) -> tuple[subprocess.Popen, float, float]:
    """Return the server, the seconds until it served the page, and until a browser with an empty cache had drawn it."""
    started = time.perf_counter()
    server = start_server(home, port)
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=1) as reply:
                reply.read()
            break
        except OSError:
            time.sleep(0.02)
    answered = time.perf_counter() - started
    page.goto(f"http://127.0.0.1:{port}")
    page.get_by_role("heading", name="Overview").wait_for()
    return server, answered, time.perf_counter() - started


def measure_switches(page: Page, n_turns: int = 3) -> dict[str, list[float]]:
    """Return page -> seconds from the click in the sidebar to its heading, the first turn left out (cold)."""
    seconds: dict[str, list[float]] = {name: [] for name in PAGES}
    for turn in range(n_turns + 1):
        for name in PAGES:
            link = page.get_by_test_id("stSidebarNav").get_by_role("link", name=name)
            started = time.perf_counter()
            link.click()
            page.get_by_role("heading", name=name, exact=True).first.wait_for()
            if turn:
                seconds[name].append(time.perf_counter() - started)
            page.wait_for_timeout(400)
    return seconds


def measure_points(page: Page, address: str, home: Path, seconds: float) -> tuple[np.ndarray, int, bool]:
    """Write ten points a second as a worker does; returns latencies, points never drawn, and whether zoom stayed."""
    config = {"seed_set": SEED_SET, "student": "tiny", "task": "word_problems"}
    folder = RunFolder.create(home, "finetune", title="Benchmark", config=config, lane="device")
    written: dict[int, float] = {}
    with folder.hold():

        def write(step: int) -> None:
            row = {"round": 1, "name": "loss", "step": step, "value": 2 / step, "epoch": step / 50}
            written[step] = time.time()
            folder.append("metrics", {**row, "written_at": written[step]})

        for step in range(1, 21):
            write(step)
        page.goto(f"{address}/finetune?run={folder.run_id}&show=watch")
        page.wait_for_function(f'document.querySelector("{CHART}")?.data?.[0].x.length >= 20', timeout=60_000)
        page.evaluate(WATCH)
        page.evaluate(f'Plotly.relayout(document.querySelector("{CHART}"), {{"xaxis.range": [3, 12]}})')
        first_timed = 21
        deadline = time.monotonic() + seconds
        step = first_timed
        while time.monotonic() < deadline:
            write(step)
            step += 1
            page.wait_for_timeout(100)
        page.wait_for_timeout(3000)
        seen = {int(key): value for key, value in page.evaluate("window.seen").items()}
        zoom = page.evaluate(f'document.querySelector("{CHART}").layout.xaxis.range')
        folder.finish("done", {})
    missing = [step for step in written if step not in seen]
    latencies = np.array([seen[step] - written[step] for step in written if step >= first_timed and step in seen])
    return latencies, len(missing), bool(np.allclose(zoom, [3, 12]))


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=40, help="how long points are written")
    options = parser.parse_args()
    home = fill_home(Path(tempfile.mkdtemp()))
    port = find_free_port()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_installed(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        server, answered, drawn = measure_start(page, home, port)
        try:
            switches = measure_switches(page)
            latencies, n_missing, is_kept = measure_points(page, f"http://127.0.0.1:{port}", home, options.seconds)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            browser.close()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"start: page served after {answered:.2f} s, drawn in a cold browser after {drawn:.2f} s (claim: under 3 s)")
    for name, values in switches.items():
        print(f"switch to {name:<9} median {np.median(values):.2f} s, most {max(values):.2f} s (claim: under 0.5 s)")
    p50, p95 = np.percentile(latencies, [50, 95])
    print(f"{len(latencies)} points: p50 {p50:.2f} s, p95 {p95:.2f} s, most {latencies.max():.2f} s (claim: 1.5 s)")
    print(f"points never drawn: {n_missing}; zoom kept: {is_kept}")


if __name__ == "__main__":
    main()
