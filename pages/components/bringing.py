"""The form that brings in candidates made elsewhere, and what came of such files."""

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.datasets.candidate_rows import CandidateColumns, CandidatePreview, list_tables, preview_table
from core.filters.base import FILTERS
from core.hub import Hub
from core.paths import expand
from core.recipes.bringing import KIND, describe_brought, find_brought, hash_file, list_free_filters, start_bring
from core.recipes.start import FILTER_NAMES
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.frame import choose, draw_empty, name_run, name_set
from pages.components.growth import draw_growth
from pages.components.importing import draw_faults
from pages.components.problems import draw_problem
from pages.components.rejected import draw_rejected
from pages.components.subject import view_seed_set
from pages.components.text import plain

SHOW = {"show": "elsewhere"}
"""Query parameters of the page Generate that show this form."""

PURPOSE = "Questions with answers that another tool made are filtered, reviewed and trained on like a teacher's."
LABEL = "Bring in candidates made elsewhere"
TYPES = ["jsonl", "ndjson", "json", "csv", "tsv", "parquet"]
NONE = "–"

Given = tuple[str, bytes | Path]
"""Name of a file, and its content or its path."""


def offer_bringing(**query: str) -> None:
    """Draw the quiet button on Generate that leads here.

    A link to the page that is open already would leave its address as it was.

    Args:
        query: what else the address then says.
    """
    st.button(
        LABEL,
        key="to_bring",
        type="tertiary",
        icon=":material/upload_file:",
        on_click=lambda: st.query_params.from_dict({**SHOW, **query}),
    )


def draw_bringing(hub: Hub, place: DeltaGenerator) -> None:
    """Draw the form beside the files that were brought in; its primary button goes to ``place``."""
    st.button(
        "Let a teacher write",
        key="to_teacher",
        type="tertiary",
        icon=":material/arrow_back:",
        on_click=lambda: st.query_params.from_dict({}),
    )
    sets = {row["run_id"]: row for row in hub.store.list_seed_sets().to_dict("records")}
    if not sets:
        draw_empty(
            "Candidates belong to a seed set, whose task says how answers are read and checked; bring in one first.",
            "seeds_page.py",
            "Seeds",
        )
        return
    with st.container(key="two_sides_bring"):
        inputs, output = st.columns([1, 1.6], gap="large")
    with inputs:
        seed_set = choose(
            "Seed set", list(sets), param="seeds", key="bring_seeds", shown=lambda id_: name_set(sets[id_])
        )
        view_seed_set(seed_set)
        given = _take_file()
        filters = st.multiselect(
            "Filters",
            list_free_filters(),
            [name for name in FILTER_NAMES if name in list_free_filters()],
            key="bring_filters",
            wrap=True,
            help="Those that ask no teacher. Validation and test problems are always kept out.",
            format_func=lambda name: f"{name}: a model here" if FILTERS.get(name).cost == "compute" else name,
        )
        st.caption("What they reject is kept with the reason. Nobody is asked anything, so it costs nothing.")
    with output:
        columns = None
        if given:
            with show_errors():
                columns = _draw_reading(given)
                _tell_again(hub, seed_set, given)
        _draw_brought(hub, seed_set, is_open=not given)
    label = f"Bring in {given[0][:30]}" if given else "Bring in"
    if place.button(label, type="primary", key="bring", disabled=columns is None, icon=":material/download:"):
        with show_errors():
            choices = {"columns": columns.to_config(), "filters": filters}
            st.query_params["run"] = _submit(hub, seed_set, given, choices)
            st.session_state["bring_turn"] = st.session_state.get("bring_turn", 0) + 1  # another key: an empty form
            st.rerun()


def _take_file() -> Given | None:
    """Draw the input of a file or folder; None where nothing is given."""
    turn = st.session_state.get("bring_turn", 0)
    is_upload = st.radio("File", ["Upload", "Path on this machine"], horizontal=True, key="bring_way") == "Upload"
    if is_upload:
        given = st.file_uploader("JSONL, CSV or Parquet", TYPES, key=f"bring_upload_{turn}")
        return (given.name, given.getvalue()) if given else None
    text = st.text_input(
        "File, or the folder that a tool wrote",
        key=f"bring_path_{turn}",
        placeholder="/folder/file.jsonl",
        help="JSONL, CSV or Parquet; a folder of distilabel (save_to_disk) or data-designer (parquet-files).",
    ).strip()
    path = expand(text)
    return (path.name, path) if text else None


@st.cache_data(max_entries=8, show_spinner=False)
def _preview_bytes(name: str, content: bytes, columns: CandidateColumns | None) -> CandidatePreview:
    return preview_table(content, columns, name=name)


def _preview(given: Given, columns: CandidateColumns | None = None) -> CandidatePreview:
    name, content = given
    return preview_table(content, columns) if isinstance(content, Path) else _preview_bytes(name, content, columns)


@st.cache_data(max_entries=8, show_spinner=False)
def _hash_files(paths: tuple[tuple[Path, int, int], ...]) -> list[str]:
    """Return the hashes of files, each with its size and the time of its last change, by which they are remembered."""
    return [hash_file(path) for path, _, _ in paths]


def _tell_again(hub: Hub, seed_set: str, given: Given) -> None:
    """Say that this very file was brought in before, where it was."""
    _, content = given
    if isinstance(content, Path):
        try:
            stats = [(path, path.stat()) for path in list_tables(content)]
        except OSError:  # it went meanwhile, which reading it tells
            return
        hashes = _hash_files(tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats))
    else:
        hashes = [hashlib.sha256(content).hexdigest()]
    if (run := find_brought(hub, seed_set, hashes)) is not None:
        st.warning(
            f"This very file was brought to this seed set before, {numbers.moment(run['created_at'])}. Brought in "
            "again, its candidates are there twice, unless a filter such as rouge_l turns them down.",
            icon=":material/content_copy:",
        )


def _draw_reading(given: Given) -> CandidateColumns | None:
    """Draw which columns hold what, to be corrected, and the first candidate; None while none can be read."""
    preview = _preview(given)
    if not preview.columns:
        st.error(f"No row of {plain(given[0])} can be read.", icon=":material/error:")
        draw_faults(preview)
        return None
    columns = _choose_columns(preview, given[0])
    if columns is None:
        st.info("Choose the columns of question and answer; where one holds whole conversations, choose it as both.")
        return None
    if columns != preview.chosen:
        preview = _preview(given, columns)
    if preview.rows:
        first = preview.rows[0]
        draw_problem(first.question, first.answer, first.final, title="The first candidate, as it will be read")
        about = [f"from the seed {first.parents[0][:80]}"] if first.parents else []
        about += [f"by {first.model}"] if first.model else []
        about += [f"the first of {first.n_answers} answers"] if first.n_answers > 1 else []
        if about:
            st.caption(plain(", ".join(about)))
    else:
        st.warning("With these columns no row is a candidate: choose others, or see below why.", icon=":material/rule:")
    draw_faults(preview)
    return columns if preview.rows else None


def _choose_columns(preview: CandidatePreview, name: str) -> CandidateColumns | None:
    """Draw the boxes, filled with what was recognised; None while question or answer is missing."""
    mark = hashlib.sha256(repr((name, preview.columns)).encode()).hexdigest()[:8]  # another file starts afresh
    known, columns = preview.chosen, [NONE, *preview.columns]
    question = st.multiselect(
        "Question, one or more columns",
        preview.columns,
        list(known.question) if known else [],
        key=f"bring_question_{mark}",
        wrap=True,
    )
    with st.container(key="two_sides_columns"):
        boxes = st.columns(4)
    labels = {"answer": "Answer", "final": "Final answer", "parent": "Seed", "model": "Model"}
    chosen: dict[str, str | None] = {}
    for box, (what, label) in zip(boxes, labels.items(), strict=True):
        value = getattr(known, what) if known else None
        index = columns.index(value) if value in columns else 0
        picked = box.selectbox(label, columns, index=index, key=f"bring_{what}_{mark}", format_func=str)
        chosen[what] = None if picked == NONE else picked
    if not question or chosen["answer"] is None:
        return None
    return CandidateColumns(tuple(question), **chosen)


def _submit(hub: Hub, seed_set: str, given: Given, choices: Mapping[str, Any]) -> str:
    """Put the run in the queue; an upload is written beside it first, the run keeps its own copy."""
    name, content = given
    if isinstance(content, Path):
        return start_bring(hub, seed_set, content, **choices)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(content)
        return start_bring(hub, seed_set, path, **choices)


def _draw_brought(hub: Hub, seed_set: str, *, is_open: bool) -> None:
    """Draw one of the files that were brought to a seed set: what was left out of it, and its candidates."""
    runs = hub.store.list_runs([KIND], seed_set_id=seed_set, limit=None)
    rows = {row["run_id"]: row for row in runs.to_dict("records")}
    if not rows:
        if is_open:
            draw_empty(
                "Questions with answers from another tool are reviewed, filtered, trained on and exported like those "
                "that a teacher writes here. Columns are recognised, and you may correct them before anything is read."
            )
        return
    run_id = choose("Brought in", list(rows), param="run", key="bring_run", shown=lambda id_: name_run(rows[id_]))
    summary = hub.store.read_run(run_id)["summary"] or {}
    if "n_rows" in summary:
        st.caption(" · ".join(plain(line.strip()) for line in describe_brought(summary)))
    draw_rejected(hub, run_id, summary.get("n_left_out"), word="left out")
    if summary.get("accepted"):
        query = {"run": run_id, "seeds": seed_set}
        st.page_link("review_page.py", label="Review them", icon=":material/rate_review:", query_params=query)
    draw_growth(hub, run_id)
