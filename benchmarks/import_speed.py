"""Seconds to import a made file of word problems as a seed set, for JSONL, CSV and Parquet.

    python benchmarks/import_speed.py [--megabytes 20]

The rows are those of the built-in word problems with other numbers in front, so that each is a problem of its own.
"""

import argparse
import csv
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.datasets import ensure_seed_set
from core.datasets.reading import read_rows
from core.runs.folder import RunFolder
from core.settings import DEMO


def make_rows(n_bytes: int) -> list[dict[str, str]]:
    """Return rows that fill about that many bytes as JSON lines."""
    source = read_rows(DEMO / "word_problems" / "train.jsonl").rows
    rows, size = [], 0
    while size < n_bytes:
        row = source[len(rows) % len(source)]
        rows.append({"question": f"Case {len(rows)}. {row['question']}", "answer": row["answer"]})
        size += len(json.dumps(rows[-1], ensure_ascii=False).encode()) + 1
    return rows


def write_files(folder: Path, rows: list[dict[str, str]]) -> list[Path]:
    """Write the rows in the three forms."""
    import pandas as pd

    paths = [folder / f"problems.{suffix}" for suffix in ("jsonl", "csv", "parquet")]
    paths[0].write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    with paths[1].open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["question", "answer"])
        writer.writeheader()
        writer.writerows(rows)
    pd.DataFrame(rows).to_parquet(paths[2])
    return paths


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=20)
    rows = make_rows(int(parser.parse_args().megabytes * 1e6))
    print(f"{'file':<20}{'MB':>8}{'rows':>10}{'kept':>10}{'seconds':>10}{'CPU s':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in write_files(folder, rows):
            start, cpu_start = time.perf_counter(), time.process_time()
            run_id = ensure_seed_set(folder / "home", path)
            seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
            result = RunFolder(folder / "home" / "runs" / run_id).read_result()
            size = path.stat().st_size / 1e6
            print(
                f"{path.name:<20}{size:>8.1f}{result['n_in']:>10,}{result['n_kept']:>10,}{seconds:>10.2f}"
                f"{cpu_seconds:>8.2f}"
            )


if __name__ == "__main__":
    main()
