"""The dashboard as one web application: ``streamlit run app.py``.

It opens the hub while the first visitor's browser still loads, closes it on the way out, says that it is alive, and
serves the chart library out of the installed plotly wheel. What people see is in ``pages/``.
"""

import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from core.errors import SeedbedError


def open_home() -> None:
    """Open the hub of the home in the environment, and load what the first page needs.

    A home that another process owns does not stop the server: the pages then say who holds it, and try again.
    """
    from core import hub
    from core.settings import Settings

    try:
        store = hub.open_hub(Settings.from_env()).store
        for read in (store.list_seed_sets, store.list_runs, store.list_selections, store.list_evaluations):
            read()  # the first query of a view costs several times what the next ones do
    except SeedbedError as error:
        print(error, flush=True)
    for name in ("streamlit.emojis", "core.figures.rounds"):
        import_module(name)  # a page that comes sooner waits for the same import


@asynccontextmanager
async def keep_hub_open(_app: st.App) -> AsyncIterator[None]:
    """Open the home beside the start of the server, which so answers half a second sooner; close it at its end."""
    opening = threading.Thread(target=open_home, name="open-home")
    opening.start()
    yield
    opening.join()
    from core import hub

    hub.close()


async def answer_health(_request: Request) -> JSONResponse:
    """Say that the server is up, and whether it holds its home."""
    from core import hub

    try:
        held = hub.get_hub()
    except SeedbedError as error:
        return JSONResponse({"status": "no home", "reason": str(error), "pid": os.getpid()}, status_code=503)
    return JSONResponse(
        {"status": "ok", "home": str(held.settings.home), "pid": os.getpid(), "revision": held.revision}
    )


async def serve_plotly(_request: Request) -> FileResponse:
    """Send the browser's half of plotly; its address carries the version, so that it can be kept for ever."""
    package = find_spec("plotly")
    path = Path(str(package.origin)).parent / "package_data" / "plotly.min.js"
    return FileResponse(
        path, media_type="text/javascript", headers={"Cache-Control": "public, max-age=31536000, immutable"}
    )


app = st.App(
    "pages/shell.py",
    lifespan=keep_hub_open,
    routes=[Route("/api/health", answer_health), Route("/vendor/plotly.min.js", serve_plotly)],
)
PLOTLY_VERSION = version("plotly")
