"""The form that brings in a seed set: a built-in one, files by upload or path with a preview, or a Hub dataset."""

import hashlib
import tempfile
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.datasets import BUILT_IN, ColumnMapping, Preview, preview_file
from core.datasets.candidate_rows import CandidatePreview
from core.hub import Hub
from core.paths import expand
from core.recipes.start import start_import
from core.tasks import TASKS
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.problems import draw_problem
from pages.components.text import plain

SOURCES = ("Built-in", "Files", "Hugging Face")
SPLITS = {"train": "Seeds (train)", "validation": "Validation, optional", "test": "Test, optional"}
DESCRIPTIONS = {
    "word_problems": "short stories with numbers, one to six steps, worked answers with calculator notes",
    "maths": "seven subjects, five levels, answers in a box",
    "prontoqa": "facts, rules and a statement to prove or refute",
    "game24": "four numbers, make 24; every solution is a row",
}
RECOGNISED = "as recognised"
NO_ANSWERS = (
    "Without reference answers these questions cannot be seeds of the task {task}: there is no correctness, no solve "
    "rate and no loss of the reference, and no finetune can be measured; map the column that holds the answers. The "
    "loss and the reward of a single question need none: **Try a problem** on Select."
)


def draw_import_form(hub: Hub, place: DeltaGenerator) -> None:
    """Draw the form; its primary button goes to ``place`` and puts an import in the queue."""
    source = st.segmented_control("Where from", SOURCES, default=SOURCES[0], required=True, key="source")
    {"Built-in": _draw_built_in, "Files": _draw_files, "Hugging Face": _draw_dataset}[source](hub, place)


def _follow(run_id: str) -> None:
    """Show the import's seed set from now on."""
    st.query_params["seeds"] = run_id
    st.session_state["seeds_view_wanted"] = "Browse"  # its widget is drawn already, so the next run sets it
    st.rerun()


def _draw_built_in(hub: Hub, place: DeltaGenerator) -> None:
    name = st.radio(
        "Seed set", list(BUILT_IN), key="built_in", captions=[DESCRIPTIONS.get(name, "") for name in BUILT_IN]
    )
    st.caption("Made by our own generators; with validation, test, and a test set of kinds never seen in training.")
    if place.button(f"Bring in {name}", type="primary", key="import", icon=":material/download:"):
        with show_errors():
            _follow(start_import(hub, name, builtin=name))


def _draw_dataset(hub: Hub, place: DeltaGenerator) -> None:
    id_ = st.text_input("Dataset id", placeholder="owner/name", key="dataset_id").strip()
    left, right = st.columns(2)
    config = left.text_input("Configuration, where it has several", key="dataset_config").strip()
    task = right.selectbox("Task", [RECOGNISED, *TASKS], key="dataset_task")
    st.caption("Its splits train, validation and test are read under their own names. This needs the network.")
    if place.button("Import", type="primary", key="import", disabled=not id_, icon=":material/download:"):
        with show_errors():
            about = {"id": id_, "config": config or None, "splits": None}
            chosen = None if task == RECOGNISED else task
            _follow(start_import(hub, id_.split("/")[-1], task=chosen, hub_dataset=about))


def _take_file(split: str, is_upload: bool) -> tuple[str, bytes | Path] | None:
    """Draw the input of one file; returns its name and content, or its path; None where nothing is given."""
    if is_upload:
        given = st.file_uploader(SPLITS[split], ["jsonl", "json", "csv", "tsv", "parquet"], key=f"upload_{split}")
        return (given.name, given.getvalue()) if given else None
    text = st.text_input(SPLITS[split], key=f"path_{split}", placeholder="/folder/file.jsonl").strip()
    path = expand(text)
    return (path.name, path) if text else None


def _draw_files(hub: Hub, place: DeltaGenerator) -> None:
    is_upload = st.radio("Files", ["Upload", "Path on this machine"], horizontal=True, key="file_way") == "Upload"
    with st.container(key="two_sides_files"):
        columns = st.columns(3)
    given = {}
    for column, split in zip(columns, SPLITS, strict=True):
        with column:
            given[split] = _take_file(split, is_upload)
    st.caption("JSONL, CSV or Parquet. Without validation or test files, a seeded part of the seeds is set aside.")
    is_ready = False
    task, mapping = None, None
    if given["train"]:
        with show_errors():
            preview = _preview(*given["train"])
            task, mapping = _choose_reading(preview, given["train"][0])
            if (task, mapping) == (preview.task, preview.mapping):
                mapping = None  # each file is recognised by itself: the others may name their columns otherwise
            else:
                preview = _preview(*given["train"], task=task, mapping=mapping)
            _draw_preview(preview)
            is_ready = bool(preview.problems)
    if place.button("Import", type="primary", key="import", disabled=not is_ready, icon=":material/download:"):
        with show_errors():
            _submit_files(hub, {split: file for split, file in given.items() if file}, task, mapping)


@st.cache_data(max_entries=16, show_spinner=False)
def _preview_bytes(name: str, content: bytes, task: str | None, mapping: ColumnMapping | None) -> Preview:
    return preview_file(content, task, mapping, n=5, name=name)


def _preview(
    name: str, content: bytes | Path, *, task: str | None = None, mapping: ColumnMapping | None = None
) -> Preview:
    """Look at the beginning of a file, whether it was uploaded or lies on this machine."""
    if isinstance(content, Path):
        return preview_file(content, task, mapping, n=5)
    return _preview_bytes(name, content, task, mapping)


def _choose_reading(preview: Preview, name: str) -> tuple[str | None, ColumnMapping | None]:
    """Draw task and column mapping, filled with what was recognised; returns what a person chose."""
    about = repr((name, preview.task, preview.columns))
    mark = hashlib.sha256(about.encode()).hexdigest()[:8]  # in the keys, so that another file starts afresh
    st.caption(plain(preview.why))
    tasks = list(TASKS)
    columns = ["–", *preview.columns]
    known = preview.mapping
    boxes = st.columns([1, 1.6, 1, 1])
    task = boxes[0].selectbox(
        "Task",
        tasks,
        index=tasks.index(preview.task) if preview.task in tasks else None,
        key=f"file_task_{mark}",
        placeholder="choose",
    )
    question = boxes[1].multiselect(
        "Question, one or more columns",
        preview.columns,
        list(known.question) if known else [],
        key=f"map_question_{mark}",
    )
    answer, final = (
        box.selectbox(label, columns, index=columns.index(value) if value in columns else 0, key=f"map_{key}_{mark}")
        for box, label, key, value in [
            (boxes[2], "Worked answer", "answer", known and known.answer),
            (boxes[3], "Final answer", "final", known and known.final),
        ]
    )
    if not task or not question:
        return task, known
    pick = {"–": None}
    return task, ColumnMapping(tuple(question), pick.get(answer, answer), pick.get(final, final))


def lacks_answers(preview: Preview) -> bool:
    """Say whether no row can be kept because no column is read as an answer, and the task needs one."""
    mapping = preview.mapping
    if preview.problems or preview.task is None or mapping is None or not TASKS.get(preview.task).needs_answer:
        return False
    return mapping.answer is None and mapping.final is None


def _draw_preview(preview: Preview) -> None:
    """Draw the first problems and the first faults of a file."""
    if preview.problems:
        first = preview.problems[0]
        draw_problem(first.question, first.answer, first.final, title="The first problem, as it will be read")
    if lacks_answers(preview):
        st.info(NO_ANSWERS.format(task=plain(preview.task)))
    draw_faults(preview)


def draw_faults(preview: Preview | CandidatePreview) -> None:
    """Draw how many rows were looked at, and those among them that cannot be used."""
    looked = f"{numbers.counted(preview.n_rows, 'row')} looked at{'' if preview.is_whole else ', the beginning'}"
    st.caption(f"{looked}; {numbers.counted(len(preview.faults), 'bad row')} among them.")
    if preview.faults:
        st.dataframe(
            [{"line": fault.line, "reason": fault.reason, "text": fault.excerpt} for fault in preview.faults],
            hide_index=True,
            height=180,
        )


def _submit_files(
    hub: Hub, files: dict[str, tuple[str, bytes | Path]], task: str | None, mapping: ColumnMapping | None
) -> None:
    """Put the import in the queue; uploads are written beside it first, the run keeps its own copies."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for split, (name, content) in files.items():
            paths[split] = content
            if isinstance(content, bytes):
                paths[split] = Path(folder) / split / Path(name).name
                paths[split].parent.mkdir()
                paths[split].write_bytes(content)
            elif not content.is_file():
                st.error(f"There is no file {plain(content)}; check its path.")
                return
        run_id = start_import(
            hub, Path(files["train"][0]).stem, task=task, files=paths, mapping=mapping and mapping.to_config()
        )
    _follow(run_id)
