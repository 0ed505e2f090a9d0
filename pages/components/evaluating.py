"""The form of an evaluation: what is asked; one call starts it. Who is asked, and how, is ``evaluating_who.py``."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.datasets import BUILT_IN, preview_file
from core.evaluation import BENCHMARKS, EvaluationSet
from core.hub import Hub
from core.paths import expand
from core.recipes.answer_rate import estimate_answers
from core.recipes.evaluating import read_set, start_benchmark, start_evaluate, start_file
from core.recipes.start import start_import
from core.tasks import TASKS
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.evaluating_who import choose_how, choose_student
from pages.components.frame import follow_address, name_set, tell_address, tell_apart
from pages.components.number_box import ask_number
from pages.components.subject import keep_in_view, view_seed_set
from pages.components.text import plain

T = TypeVar("T")

HUB, UPLOAD, PATH = "Hugging Face", "upload a file", "a file on this machine"
OWN_FILE = "file"
"""Option of a file that is no set of this home yet."""

RECOGNISED = "as recognised"
N_LOOKED_AT = 200
"""Rows at the beginning of a file that are shown to be usable or not."""

SPLIT_WORDS = {"test": "test", "ood": "test, unseen kinds", "validation": "validation", "train": "train"}


@dataclass(frozen=True, slots=True)
class Offer:
    """One set that can be asked."""

    name: str
    """What people read."""

    sizes: Mapping[str, int]
    """Split -> problems; empty where it is not in this home yet."""

    task: str | None
    """None: the file will say."""

    benchmark: str | None = None
    built_in: str | None = None
    """A shipped set, where it is to be imported first."""


Source = Callable[[], tuple[EvaluationSet, str | None]]
"""Brings the set in where need be; returns it, and the run to wait for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person chose to have asked."""

    source: Source | None = None
    """None while something is missing."""

    n: int | None = None
    """Problems; None where nobody knows before they are brought in."""

    task: str | None = None
    benchmark: str | None = None


def list_offers(hub: Hub) -> dict[str, Offer]:
    """Return option -> what can be asked: the sets of this home, newest first, then what can be brought in.

    What is there without a network comes first.
    """
    imports = hub.store.list_runs(["import"], states=["done"], limit=None)
    known = {row["run_id"]: json.loads(row["config"]).get("benchmark") for row in imports.to_dict("records")}
    offers = {}
    sets = hub.store.list_seed_sets()
    for row in sets[sets["state"] == "done"].to_dict("records"):
        sizes = {split: int(row[f"n_{split}"]) for split in SPLIT_WORDS if row[f"n_{split}"]}
        benchmark = known.get(row["run_id"])
        if benchmark in BENCHMARKS and BENCHMARKS[benchmark].ranks:
            sizes = {"train": min(BENCHMARKS[benchmark].n_problems, sizes.get("train", 0))}
        offers[row["run_id"]] = Offer(name_set(row), sizes, row["task"], benchmark if benchmark in BENCHMARKS else None)
    for name in BUILT_IN:
        if name not in set(sets["origin"]):
            offers[f"built-in {name}"] = Offer(f"{name}, built-in", {}, name, None, name)
    for name, each in BENCHMARKS.items():
        if name not in known.values():
            offers[f"benchmark {name}"] = Offer(f"{each.title}, to be brought in", {}, each.task, name)
    offers[OWN_FILE] = Offer("a file with questions and answers", {}, None)
    return offers


def draw_form(hub: Hub, place: DeltaGenerator, go_to: Callable[[str, str], None]) -> None:
    """Draw the form; its primary button goes to ``place`` and puts the evaluation in the queue."""
    with st.container(key="two_sides_evaluate"):
        left, right = st.columns([1, 1], gap="large")
    with left:
        st.subheader("What is asked", anchor=False)
        in_view = _find_in_view(hub)
        asked = _choose_set(hub, in_view)
        has_limit = asked.source is not None or asked.n is not None
        limit, is_right = _choose_limit(asked.n) if has_limit else (None, True)
    with right:
        st.subheader("Who is asked", anchor=False)
        student = choose_student(hub)
        st.subheader("How", anchor=False)
        how = choose_how(hub, asked.task, asked.benchmark, limit)
    n = asked.n if asked.n is None or limit is None else min(asked.n, limit) if is_right else None
    n_students = 0 if student is None else int(student["asks_base"]) + int(student.get("adapter") is not None)
    is_ready = asked.source is not None and how is not None and n_students > 0 and is_right
    if student is not None and not n_students:
        right.caption("Nobody is asked: the student has no adapter, and the base is left out.")
    label = "Evaluate" if n is None else f"Evaluate on {numbers.counted(n, 'problem')}"
    if place.button(label, type="primary", key="launch", disabled=not is_ready, icon=":material/grading:"):
        with show_errors():
            chosen, after = asked.source()
            if in_view is not None:
                view_seed_set(in_view)  # a set that is brought in to be asked takes no other's place in the strip
            go_to("numbers", start_evaluate(hub, chosen, after=after, **student, **how))
    with left:
        st.caption(_say_cost(hub, n, n_students, student, how))


def _say_cost(
    hub: Hub, n: int | None, n_students: int, student: Mapping[str, Any] | None, how: Mapping[str, Any] | None
) -> str:
    """Say how many answers it takes, and how long as far as that was measured here."""
    kept = "In the background; what a student answered before is not asked again."
    if n is None or how is None or not n_students:
        return kept
    graded = {None: "", "built-in": ", and each is graded"}.get(
        how["grader"] if not isinstance(how["grader"], dict) else "", ", and each is graded by a model"
    )
    n_answers = n * n_students * (how["n_samples"] or 1)
    seconds = estimate_answers(hub, student["student"], n_answers, is_greedy=how["n_samples"] is None)
    took = "" if seconds is None else f": some {numbers.duration(seconds)} at the rate of earlier answers here, at most"
    return f"{numbers.counted(n_answers, 'answer')} of {numbers.counted(n_students, 'student')}{graded}{took}. {kept}"


# -- what is asked -------------------------------------------------------------------------------------------------


def _find_in_view(hub: Hub) -> str | None:
    """Return the seed set that the strip shows; None where it shows none."""
    sets = hub.store.list_seed_sets()
    seen = keep_in_view(sets.assign(seed_set_id=sets["run_id"]), "seeds")["run_id"]
    return None if seen.empty else seen.iloc[0]


def _choose_set(hub: Hub, in_view: str | None) -> Asked:
    """Draw the choice of a set; at first it is the one in view."""
    offers = list_offers(hub)
    options = list(offers)
    usual = in_view if in_view in offers else options[0]
    if st.session_state.get("evaluate_set", usual) not in options:
        st.session_state["evaluate_set"] = usual  # it is in the trash, or was brought in meanwhile
    follow_address("set", "evaluate_set", {option: option for option in options}.get, usual)
    option = st.selectbox(
        "Set",
        options,
        key="evaluate_set",
        persist_state="session",
        format_func=tell_apart(options, lambda each: offers[each].name),
        help="A seed set that was brought in on Seeds, a benchmark by name, or a file.",
    )
    tell_address("set", "evaluate_set", option, usual)
    offer = offers[option]
    if offer.benchmark:
        st.caption(plain(BENCHMARKS[offer.benchmark].about))
    if option == OWN_FILE:
        return _choose_file(hub)
    if offer.benchmark and not offer.sizes:
        return _choose_benchmark(hub, offer.benchmark)
    if offer.built_in:
        return Asked(lambda: _bring_built_in(hub, offer.built_in), None, offer.task)
    splits = _choose_splits(option, offer)
    if not splits:
        st.caption("Choose at least one split.")
        return Asked(task=offer.task)
    n = sum(offer.sizes[split] for split in splits)
    return Asked(lambda: (read_set(hub, option, splits), None), n, offer.task, offer.benchmark)


def _bring_built_in(hub: Hub, name: str) -> tuple[EvaluationSet, str]:
    made = start_import(hub, name, builtin=name)
    return EvaluationSet(made, f"{name}/test", name, ("test",), 0), made


def _choose_splits(option: str, offer: Offer) -> list[str]:
    """Draw the choice of splits, where there are several."""
    if len(offer.sizes) == 1:
        return list(offer.sizes)
    default = ["test"] if "test" in offer.sizes else list(offer.sizes)[:1]
    splits = st.pills(
        "Splits",
        list(offer.sizes),
        selection_mode="multi",
        wrap=True,
        default=default,
        key=f"evaluate_splits_{option}",
        format_func=lambda split: f"{SPLIT_WORDS[split]} {numbers.count(offer.sizes[split])}",
    )
    if {"train", "validation"} & set(splits):
        st.caption("Train and validation problems have a part in training, so accuracy on them is no test.")
    return list(splits)


def _choose_limit(n: int | None) -> tuple[int | None, bool]:
    """Draw the limit on the number of problems; returns it, None for all, and whether it can be used."""
    return ask_number(
        "Problems, at most",
        1,
        step=50,
        key="evaluate_limit",
        persist_state="session",
        placeholder="all" if n is None else f"all {numbers.count(n)}",
        help="The first ones by a hash of the problem: the same ones each time, and those of a smaller limit are among "
        "those of a larger one. Another seed, below **More settings**, asks others.",
    )


# -- what is not in this home yet ------------------------------------------------------------------------------------


def _choose_benchmark(hub: Hub, name: str) -> Asked:
    """Draw where a benchmark comes from: the hub, or a person's own copy."""
    about = BENCHMARKS[name].n_problems, BENCHMARKS[name].task, name
    file = _take_file([HUB, UPLOAD, PATH], "evaluate")
    if file == HUB:
        st.caption(f"Dataset {plain(BENCHMARKS[name].hub_id)}; offline, give your own copy as a file.")
        return Asked(lambda: start_benchmark(hub, name), *about)
    if file is None:
        return Asked(None, *about)
    return Asked(partial(_hand_over, file, partial(start_benchmark, hub, name)), *about)


def _choose_file(hub: Hub) -> Asked:
    """Draw which file, and what it is to be read as: a task, or a person's own copy of a benchmark."""
    file = _take_file([UPLOAD, PATH], "evaluate_own")
    st.caption("JSONL, CSV or Parquet with a question and an answer in each row. It becomes a seed set of this home.")
    titles = {name: f"{each.title}, your copy" for name, each in BENCHMARKS.items()}
    chosen = st.selectbox(
        "Read as",
        [RECOGNISED, *TASKS, *BENCHMARKS],
        key="evaluate_read_as",
        format_func=lambda name: titles.get(name, name),
    )
    if file is None:
        return Asked()
    if chosen in BENCHMARKS:
        benchmark = BENCHMARKS[chosen]
        return Asked(partial(_hand_over, file, partial(start_benchmark, hub, chosen)), None, benchmark.task, chosen)
    task = None if chosen == RECOGNISED else chosen
    with show_errors():
        preview = preview_file(file[1], task, n=N_LOOKED_AT, name=file[0])
        bad = f" {numbers.counted(len(preview.faults), 'row')} of those cannot be used." if preview.faults else ""
        st.caption(f"{plain(preview.why)} {numbers.counted(preview.n_rows, 'row')} looked at.{bad}")
        if preview.problems:
            source = partial(_hand_over, file, partial(start_file, hub, task=task))
            return Asked(source, len(preview.problems) if preview.is_whole else None, preview.task)
    return Asked()


def _take_file(ways: Sequence[str], key: str) -> tuple[str, bytes | Path] | str | None:
    """Draw where a file comes from; returns its name and content, or its path; HUB; None while nothing is given."""
    way = st.segmented_control("From", ways, default=ways[0], required=True, key=f"{key}_from")
    if way == HUB:
        return HUB
    if way == PATH:
        text = st.text_input("Path", key=f"{key}_path", persist_state="session").strip()
        if not text:
            return None
        path = expand(text)
        if path.is_dir():
            st.error(f"{plain(path)} is a folder; name one JSONL, CSV or Parquet file in it.", icon=":material/error:")
            return None
        return path.name, path
    upload = st.file_uploader("File", ["jsonl", "json", "csv", "tsv", "parquet"], key=f"{key}_upload")
    return None if upload is None else (upload.name, upload.getvalue())


def _hand_over(file: tuple[str, bytes | Path], start: Callable[[Path], T]) -> T:
    """Call ``start`` with the path of a file; of an upload with that of a copy, which is gone afterwards."""
    name, content = file
    if isinstance(content, Path):
        return start(content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(content)
        return start(path)  # the run keeps its own copy
