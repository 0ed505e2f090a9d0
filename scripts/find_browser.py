"""Make sure that the browser tests have a Chromium, and say loudly where they cannot have one.

Looks for one on the machine that starts, else lets playwright install its own, else (Debian, root) installs the
package. A file that is there but does not start (a stub of a distribution, a library missing) is no browser.
Prints its path; exits 0 even without one, because the tests are then skipped, and says so.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_installed() -> str | None:
    """Return the first that starts: ``SEEDBED_BROWSER``, one on the PATH, playwright's own (newest first)."""
    own = sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome"), reverse=True)
    found = [os.environ.get("SEEDBED_BROWSER"), *map(shutil.which, NAMES), *map(str, own)]
    return next((path for path in found if path and try_command(path, "--version", timeout_s=20)), None)


def try_command(*command: str, timeout_s: float = 300) -> bool:
    """Run a command quietly; say whether it ended well within the time."""
    try:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.run(command, **quiet, timeout=timeout_s, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install() -> None:
    """Try playwright's download (as root with the libraries it needs), then Debian's package."""
    environment, is_root = ("env", "DEBIAN_FRONTEND=noninteractive"), os.geteuid() == 0
    options = ("--with-deps", "chromium") if is_root else ("chromium",)
    try_command(*environment, sys.executable, "-m", "playwright", "install", *options)
    if is_root and shutil.which("apt-get") and not find_installed():
        try_command(*environment, "apt-get", "update", "-qq")
        try_command(*environment, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")


def main() -> None:
    """Find or install a browser and say which."""
    path = find_installed()
    if path is None:
        install()
        path = find_installed()
    if path is None:
        print("=" * 100)
        print("NO BROWSER: no Chromium was found and none could be installed; THE BROWSER TESTS ARE SKIPPED.")
        print("Install Chromium or Chrome, or name one in SEEDBED_BROWSER.")
        print("=" * 100)
    else:
        print(f"browser for the tests: {path}")


if __name__ == "__main__":
    main()
