"""A hub on a temporary home, empty or filled, and a page opened in Streamlit's own test harness."""

import functools
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from core import hub as hubs
from core.hub import Hub
from core.settings import Settings
from tests.pages.home import fill_home

SHELL = Path(__file__).resolve().parents[2] / "pages" / "shell.py"


@pytest.fixture(autouse=True, scope="session")
def one_scan_of_installed_packages() -> Iterator[None]:
    """Look for components in all installed packages once, not half a second at every page that is opened."""
    scan = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def no_left_over_caches():
    st.cache_data.clear()
    st.cache_resource.clear()


def open_home(home: Path) -> Hub:
    """Open a hub that starts no run and steps only when told to."""
    settings = Settings(home=home, device_slots=0, teacher_slots=0, light_slots=0)
    hub = hubs.open_hub(settings, is_threaded=False)
    hub.step()
    return hub


@pytest.fixture
def empty(tmp_path):
    yield open_home(tmp_path)
    hubs.close()


@functools.cache
def make_filled(folder: Path) -> Path:
    """Write one of everything, with its database; a copy of that is there sooner than another one is made."""
    hub = Hub(Settings(home=fill_home(folder), device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    hub.step()
    hub.close()
    return folder


def copy_filled(home: Path, factory: pytest.TempPathFactory) -> Path:
    shutil.copytree(make_filled(factory.getbasetemp() / "filled"), home, dirs_exist_ok=True)
    return home


@pytest.fixture
def filled(tmp_path, tmp_path_factory):
    yield open_home(copy_filled(tmp_path, tmp_path_factory))
    hubs.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """One home for all tests of a file: each makes runs of its own, and brings them to an end."""
    yield open_home(copy_filled(tmp_path_factory.mktemp("home"), tmp_path_factory))
    hubs.close()


@pytest.fixture
def drawn(monkeypatch):
    """Chart -> the figure that it was given last."""
    figures = {}
    monkeypatch.setattr("pages.components.curves.draw_chart", lambda figure, *, key: figures.update({key: figure}))
    return figures


@contextmanager
def name_pages_only() -> Iterator[None]:
    """Let the shell name its pages and draw nothing."""
    with ExitStack() as stack:
        for drawn in ("pages.components.strip.draw_strip", "pages.components.notices.draw_notices"):
            stack.enter_context(patch(drawn))
        stack.enter_context(patch("streamlit.navigation.page.StreamlitPage.run"))
        yield


@pytest.fixture
def visit() -> Callable[..., AppTest]:
    def open_page(name: str, **query: str) -> AppTest:
        """Open ``<name>_page.py`` inside the shell, as a browser would with these query parameters."""
        app = AppTest.from_file(str(SHELL), default_timeout=30)
        if name != "overview":
            with name_pages_only():
                app.run()  # the harness knows the pages only after the shell has named them
            app.switch_page(f"{name}_page.py")
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return open_page
