"""Take the pictures of the README from a home: each page as it is opened, at one size and in the light theme.

python scripts/take_pictures.py HOME OUT
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.in_browser import open_in_browser  # noqa: E402

PICTURES = {
    "overview": "",
    "select": "select",
    "review": "review",
    "diversity": "diversity?show=map&colour=loss",
    "finetune": "finetune",
}
"""Name of a picture -> the address that it shows."""

SIZE = {"width": 1280, "height": 860}
SETTLE_MS = 6_000
"""What a page may take until its figures stand."""


def main(home: str, out: str) -> None:
    """Write one PNG for each of PICTURES."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with open_in_browser(Path(home)) as (page, address):
        page.set_viewport_size(SIZE)
        page.emulate_media(color_scheme="light")
        for name, path in PICTURES.items():
            page.goto(f"{address}/{path}")
            page.wait_for_timeout(SETTLE_MS)
            page.screenshot(path=folder / f"{name}.png")
            print(folder / f"{name}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
