"""The dashboard as one web application: ``streamlit run app.py``.

It opens the hub before the first visitor comes and closes it on the way out, says that it is alive, and serves the
chart library out of the installed plotly wheel. What people see is in ``pages/``.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Route

from core import hub
from core.errors import SeedbedError
from core.settings import Settings


@asynccontextmanager
async def keep_hub_open(_app: st.App) -> AsyncIterator[None]:
    """Open the hub of the home in the environment, and close it when the server stops.

    A home that another process owns does not stop the server: the pages then say who holds it, and try again.
    """
    try:
        hub.open_hub(Settings.from_env())
    except SeedbedError as error:
        print(error, flush=True)
    yield
    hub.close()


async def answer_health(_request: Request) -> JSONResponse:
    """Say that the server is up, and whether it holds its home."""
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
