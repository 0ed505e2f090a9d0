"""Refuse an interpreter that the libraries do not run on, before anything is installed."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file is what tells an older interpreter so
    sys.exit(f"Seedbed needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make run PYTHON=python3.11")
