"""Requests per second of the teacher client with everything on, beside the bare SDK and two other engines.

    python benchmarks/teacher_throughput.py [--quick] [--repeats 3] [--requests 2000]
        [--curator-python PATH] [--data-designer-python PATH]

The server answers after 200 ms ± 50 % and runs in a process of its own, as does every side. 64 requests are on their
way at once. Seconds are those from the first request to the last result; starting and importing are not in them. Sides
take turns; given are the medians, and CPU time, which says more where the machine is shared.

- bare: ``AsyncOpenAI`` under a semaphore of 64, its own retries off; nothing is kept.
- ours: a run's teacher as the recipes open it: throttle, budgets in tokens and dollars, a ledger with two lines for
  each call, and a cache entry that is on the disk before a reply counts; and the same requests again, from the cache.
- curator, data-designer: ``benchmarks/peers``, each run by an interpreter that has it (``python -m venv DIR`` and
  ``DIR/bin/pip install bespokelabs-curator`` or ``data-designer``), with its own caching on and its limits at 64.

Then the server takes 64, 32, 16 and again 64 requests at once and turns the others down by status 429, without a pause
and with one of 1 s. ``lost``: prompts without an answer; ``twice``: prompts that the server answered more than once;
``back after``: seconds from each change until a second brought four fifths of what the server allows, or of what ours
made without limits, if that is less.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

WIDTH = 64
DELAY_S, JITTER = 0.2, 0.5
MAX_TOKENS = 256
STEPS = [(0.0, 64), (4.0, 32), (10.0, 16), (16.0, 64)]
"""Seconds from the beginning, and how many requests the server takes at once from then on."""

N_LIMITED = 4_500
PEERS = {"curator": "curator_driver.py", "data-designer": "data_designer_driver.py"}


class Server:
    """The chat server in a process of its own."""

    def __init__(self, process: subprocess.Popen):
        self._process = process
        self.url = process.stdout.readline().strip()

    def control(self, **changes) -> dict:
        """Change what it does and return its counts."""
        request = Request(self.url.removesuffix("/v1") + "/control", json.dumps(changes).encode(), method="POST")
        with urlopen(request) as reply:
            return json.load(reply)


@contextmanager
def start_server() -> Iterator[Server]:
    """Yield a running server."""
    command = [sys.executable, "-m", "tests.teacher.server", "--delay", str(DELAY_S), "--jitter", str(JITTER)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Server(process)
        process.stdin.close()


def write_prompts(path: Path, n: int) -> None:
    """Write n prompts of some 80 words, all different."""
    text = "Write a new question that is like this one but needs one more step. " * 6
    path.write_text("".join(json.dumps({"prompt": f"Problem {i}: {text}"}) + "\n" for i in range(n)), encoding="utf-8")


# The sides


class Clock:
    """Seconds, and CPU seconds of this process, since it was made."""

    def __init__(self):
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """Return ``seconds`` and ``cpu``."""
        return {"seconds": time.perf_counter() - self._began, "cpu": time.process_time() - self._cpu}


def run_bare(url: str, prompts: list[str], folder: Path) -> dict:
    """Ask everything with the SDK alone."""
    from openai import AsyncOpenAI

    async def ask_all() -> dict:
        gate = asyncio.Semaphore(WIDTH)

        async def ask(client: AsyncOpenAI, prompt: str) -> str:
            async with gate:
                reply = await client.chat.completions.create(
                    model="model",
                    messages=[{"role": "user", "content": prompt}],
                    temperature=0.7,
                    max_tokens=MAX_TOKENS,
                )
            return reply.choices[0].message.content

        async with AsyncOpenAI(api_key="none", base_url=url, max_retries=0) as client:
            clock = Clock()
            texts = await asyncio.gather(*(ask(client, prompt) for prompt in prompts))
            return clock.read() | {"n_texts": sum(map(bool, texts))}

    return asyncio.run(ask_all())


def run_ours(url: str, prompts: list[str], folder: Path) -> dict:
    """Ask everything as a run does, and once more."""
    from core.recipes.teachers import open_team
    from core.runs.folder import RunFolder
    from core.teacher.base import TeacherRequest

    price = {"model": "model", "host": "127.0.0.1", "input": 1.0, "output": 2.0, "date": "2026-01-01", "source": "made"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in price.items()]
    (folder / "prices.toml").write_text("\n".join(["[[price]]", *lines, ""]), encoding="utf-8")
    teacher = {"base_url": url, "model": "model", "key_env": "", "max_concurrency": WIDTH}
    config = {"teacher": teacher, "budget": {"tokens": 10**9, "usd": 10**4}, "seed_set": None}
    run = RunFolder.create(folder, "generate", title="Throughput", config=config, lane="teacher")
    requests = [
        TeacherRequest("question", "maths", prompt, None, temperature=0.7, max_tokens=MAX_TOKENS) for prompt in prompts
    ]
    finished: list[float] = []

    async def ask_all(team) -> list[str]:
        async def ask(request: TeacherRequest) -> str:
            reply = await team.complete(request)
            finished.append(time.time())
            return reply.text

        return await asyncio.gather(*map(ask, requests), return_exceptions=True)

    with run.hold(), open_team(run) as team:
        asyncio.run(warm_up())
        clock = Clock()
        texts = asyncio.run(ask_all(team))
        said, times, clock = clock.read(), list(finished), Clock()
        asyncio.run(ask_all(team))
        again = clock.read()["seconds"]
    n_texts = sum(isinstance(text, str) and bool(text) for text in texts)
    errors = sorted({str(text) for text in texts if isinstance(text, Exception)})[:3]
    return said | {"n_texts": n_texts, "again": again, "times": times, "errors": errors}


async def warm_up() -> None:
    """Import what a first request would import, as the other sides have it imported before their clocks start."""
    import openai  # noqa: F401

    from core.teacher.client import _read_certificates

    _read_certificates()


SIDES = {"bare": run_bare, "ours": run_ours}


def run_side(name: str, url: str, path: Path, python: str | None) -> dict:
    """Run one side in a process of its own and return what it says."""
    with tempfile.TemporaryDirectory() as folder:
        if name in SIDES:
            command = [sys.executable, __file__, "--side", name, url, str(path), folder]
        else:
            driver = ROOT / "benchmarks" / "peers" / PEERS[name]
            command = [python, str(driver), url, str(path), str(WIDTH), folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(server: Server, pythons: dict[str, str], n: int, repeats: int) -> float:
    """Print the table of all sides; returns our requests per second."""
    names = ["bare", "ours", *(name for name in PEERS if pythons.get(name))]
    found: dict[str, list[dict]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prompts.jsonl"
        write_prompts(path, n)
        for turn in range(repeats):
            for name in names if turn % 2 == 0 else reversed(names):
                server.control(reset=True, limit=None)
                said = run_side(name, server.url, path, pythons.get(name))
                found[name].append(said | server.control())
    print(f"{'side':<16}{'requests/s':>11}{'of bare':>9}{'CPU ms each':>13}{'texts':>8}{'sent':>8}{'at once':>9}")
    bare = statistics.median(one["seconds"] for one in found["bare"])
    for name, rows in found.items():
        seconds = statistics.median(one["seconds"] for one in rows)
        cpu = 1e3 * statistics.median(one["cpu"] for one in rows) / n
        label = f"{name} {rows[0]['version']}" if "version" in rows[0] else name
        least, sent, most = (pick(one[key] for one in rows) for pick, key in
                             ((min, "n_texts"), (max, "n_requests"), (max, "most_at_once")))  # fmt: skip
        print(f"{label:<21}{n / seconds:>6.0f}{bare / seconds:>9.1%}{cpu:>13.2f}{least:>8,}{sent:>8,}{most:>9}")
    for name in PEERS:
        if name not in found:
            print(f"{name:<21}not had: no interpreter was given")
    again = statistics.median(one["again"] for one in found["ours"])
    print(f"ours, again from the cache: {n / again:,.0f} requests/s, nothing sent")
    return n / statistics.median(one["seconds"] for one in found["ours"])


# A server that takes fewer


def push_back(server: Server, free: float, retry_after_s: float | None) -> None:
    """Change the limit while ours runs, and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prompts.jsonl"
        write_prompts(path, N_LIMITED)
        server.control(reset=True, limit=STEPS[0][1], retry_after_s=retry_after_s)
        command = [sys.executable, __file__, "--side", "ours", server.url, str(path), folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            while not server.control()["n_requests"]:
                time.sleep(0.02)
            began = time.time()
            for at, limit in STEPS[1:]:
                time.sleep(max(0.0, began + at - time.time()))
                server.control(limit=limit)
            said = json.loads(process.communicate()[0].strip().splitlines()[-1])
        counts = server.control(limit=None, retry_after_s=None)
    back = [find_recovery(said["times"], began + at, min(free, limit / DELAY_S)) for at, limit in STEPS[1:]]
    shown = ", ".join("not yet" if one is None else f"{one:.1f} s" for one in back)
    print(
        f"pause asked for: {'none' if retry_after_s is None else f'{retry_after_s:g} s'}; "
        f"lost {N_LIMITED - said['n_texts']}, twice {counts['n_twice']}, pushed back {counts['n_pushed_back']:,} of "
        f"{counts['n_requests']:,}; limits {' -> '.join(str(limit) for _, limit in STEPS)}, back after {shown}; "
        f"{said['seconds']:.1f} s in all" + "".join(f"; {error}" for error in said["errors"])
    )


def find_recovery(times: list[float], since: float, per_second: float) -> float | None:
    """Return after how many seconds a second begins that brings four fifths of the rate; None where none does."""
    for tenth in range(200):
        start = since + tenth / 10
        if sum(start <= at < start + 1 for at in times) >= 0.8 * per_second:
            return tenth / 10
    return None


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="300 requests, once, and no limits")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--curator-python", help="interpreter that has bespokelabs-curator")
    parser.add_argument("--data-designer-python", help="interpreter that has data-designer")
    parser.add_argument("--side", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        name, url, path, folder = args.side
        prompts = [json.loads(line)["prompt"] for line in Path(path).read_text(encoding="utf-8").splitlines()]
        print(json.dumps(SIDES[name](url, prompts, Path(folder))))
        return
    pythons = {"curator": args.curator_python, "data-designer": args.data_designer_python}
    n, repeats = (300, 1) if args.quick else (args.requests, args.repeats)
    with start_server() as server:
        free = compare(server, pythons, n, repeats)
        if not args.quick:
            for retry_after_s in (None, 1.0):
                push_back(server, free, retry_after_s)


if __name__ == "__main__":
    main()
