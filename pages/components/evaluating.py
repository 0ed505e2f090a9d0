"""The form of an evaluation: what is asked, who is asked, how often, and who grades; one call starts it."""

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.datasets import BUILT_IN
from core.evaluation import BENCHMARKS, EvaluationSet
from core.hub import Hub
from core.recipes.evaluating import MOST_SAMPLES, read_set, start_benchmark, start_evaluate
from core.recipes.start import start_import
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.frame import follow_address, name_set, note_teacher, tell_address, tell_apart
from pages.components.scoring import OTHER, SERVER, TINY, name_adapter
from pages.components.serving import draw_server_form
from pages.components.subject import keep_in_view
from pages.components.text import plain

NOBODY, RULES = "nobody", "built-in, the rule-based stand-in"
GREEDY, DRAWN = "one, greedy", "several, drawn"
HUB, UPLOAD, PATH = "Hugging Face", "upload a file", "a file on this machine"
SPLIT_WORDS = {"test": "test", "ood": "test, unseen kinds", "validation": "validation", "train": "train"}


@dataclass(frozen=True, slots=True)
class Offer:
    """One set that can be asked."""

    name: str
    """What people read."""

    sizes: Mapping[str, int]
    """Split -> problems; empty where it is not in this home yet."""

    benchmark: str | None = None
    built_in: str | None = None
    """A shipped set, where it is to be imported first."""


def list_offers(hub: Hub) -> dict[str, Offer]:
    """Return option -> what can be asked: the sets of this home, newest first, then what can be brought in."""
    imports = hub.store.list_runs(["import"], states=["done"], limit=None)
    known = {row["run_id"]: json.loads(row["config"]).get("benchmark") for row in imports.to_dict("records")}
    offers = {}
    sets = hub.store.list_seed_sets()
    for row in sets[sets["state"] == "done"].to_dict("records"):
        sizes = {split: int(row[f"n_{split}"]) for split in SPLIT_WORDS if row[f"n_{split}"]}
        benchmark = known.get(row["run_id"])
        if benchmark in BENCHMARKS and BENCHMARKS[benchmark].ranks:
            sizes = {"train": min(BENCHMARKS[benchmark].n_problems, sizes.get("train", 0))}
        offers[row["run_id"]] = Offer(name_set(row), sizes, benchmark if benchmark in BENCHMARKS else None)
    for name, each in BENCHMARKS.items():
        if name not in known.values():
            offers[f"benchmark {name}"] = Offer(f"{each.title}, to be brought in", {}, name)
    for name in BUILT_IN:
        if name not in set(sets["origin"]):
            offers[f"built-in {name}"] = Offer(f"{name}, built-in", {}, None, name)
    return offers


def draw_form(hub: Hub, place: DeltaGenerator, go_to: Callable[[str, str], None]) -> None:
    """Draw the form; its primary button goes to ``place`` and puts the evaluation in the queue."""
    with st.container(key="two_sides_evaluate"):
        left, right = st.columns([1, 1], gap="large")
    with left:
        st.subheader("What is asked", anchor=False)
        source, n = _choose_set(hub)
    with right:
        st.subheader("Who is asked", anchor=False)
        student = _choose_student(hub)
        st.subheader("How", anchor=False)
        how = _choose_how(hub)
    n_students = 0 if student is None else int(student["asks_base"]) + int(student.get("adapter") is not None)
    is_ready = source is not None and how is not None and n_students > 0
    if student is not None and not n_students:
        right.caption("Nobody is asked: the student has no adapter, and the base is left out.")
    label = "Evaluate" if n is None else f"Evaluate on {numbers.counted(n, 'problem')}"
    if place.button(label, type="primary", key="launch", disabled=not is_ready, icon=":material/grading:"):
        with show_errors():
            chosen, after = source()
            go_to("numbers", start_evaluate(hub, chosen, after=after, **student, **how))
    with left:
        st.caption(_say_cost(n, n_students, how))


def _say_cost(n: int | None, n_students: int, how: Mapping[str, Any] | None) -> str:
    """Say how many answers it takes."""
    if n is None or how is None or not n_students:
        return "In the background; what a student answered before is not asked again."
    n_answers = n * n_students * (how["n_samples"] or 1)
    graded = {None: "", "built-in": ", and each is graded"}.get(
        how["grader"] if not isinstance(how["grader"], dict) else "", ", and as many requests to the grader's server"
    )
    return (
        f"{numbers.counted(n_answers, 'answer')} of {numbers.counted(n_students, 'student')}{graded}. In the "
        "background; what a student answered before is not asked again."
    )


# -- what is asked -------------------------------------------------------------------------------------------------

Source = Callable[[], tuple[EvaluationSet, str | None]]
"""Brings the set in where need be; returns it, and the run to wait for."""


def _choose_set(hub: Hub) -> tuple[Source | None, int | None]:
    """Draw the choice of a set; returns how to get it, None while something is missing, and its number of problems."""
    offers = list_offers(hub)
    options = list(offers)
    sets = hub.store.list_seed_sets()
    seen = keep_in_view(sets.assign(seed_set_id=sets["run_id"]), "seeds")["run_id"].tolist()
    usual = next((id_ for id_ in seen if id_ in offers), options[0])
    if st.session_state.get("evaluate_set", usual) not in options:
        st.session_state["evaluate_set"] = usual  # it is in the trash, or was brought in meanwhile
    follow_address("set", "evaluate_set", {option: option for option in options}.get, usual)
    option = st.selectbox(
        "Set",
        options,
        key="evaluate_set",
        persist_state="session",
        format_func=tell_apart(options, lambda each: offers[each].name),
        help="A seed set that was brought in on Seeds, or a benchmark by name.",
    )
    tell_address("set", "evaluate_set", option, usual)
    offer = offers[option]
    if offer.benchmark:
        st.caption(plain(BENCHMARKS[offer.benchmark].about))
    if not offer.sizes:
        return _choose_import(hub, offer)
    splits = _choose_splits(option, offer)
    n = sum(offer.sizes[split] for split in splits)
    if not splits:
        st.caption("Choose at least one split.")
        return None, None
    return lambda: (read_set(hub, option, splits), None), _cut(n)


def _choose_splits(option: str, offer: Offer) -> list[str]:
    """Draw the choice of splits, where there are several."""
    if len(offer.sizes) == 1:
        return list(offer.sizes)
    default = ["test"] if "test" in offer.sizes else list(offer.sizes)[:1]
    splits = st.pills(
        "Splits",
        list(offer.sizes),
        selection_mode="multi",
        default=default,
        key=f"evaluate_splits_{option}",
        format_func=lambda split: f"{SPLIT_WORDS[split]} {numbers.count(offer.sizes[split])}",
    )
    if {"train", "validation"} & set(splits):
        st.caption("Train and validation problems have a part in training, so accuracy on them is no test.")
    return list(splits)


def _choose_import(hub: Hub, offer: Offer) -> tuple[Source | None, int | None]:
    """Draw where a set comes from that is not in this home yet."""
    if offer.built_in:

        def bring() -> tuple[EvaluationSet, str]:
            made = start_import(hub, offer.built_in, builtin=offer.built_in)
            return EvaluationSet(made, f"{offer.built_in}/test", offer.built_in, ("test",), 0), made

        return bring, None
    n = _cut(BENCHMARKS[offer.benchmark].n_problems)
    way = st.segmented_control("From", [HUB, UPLOAD, PATH], default=HUB, required=True, key="evaluate_from")
    if way == HUB:
        st.caption(f"Dataset {plain(BENCHMARKS[offer.benchmark].hub_id)}; offline, give your own copy as a file.")
        return lambda: start_benchmark(hub, offer.benchmark), n
    if way == PATH:
        path = st.text_input("Path", key="evaluate_path", persist_state="session").strip()
        return (lambda: start_benchmark(hub, offer.benchmark, Path(path).expanduser())) if path else None, n
    upload = st.file_uploader("Your copy", ["jsonl", "json", "csv", "parquet"], key="evaluate_upload")
    if upload is None:
        return None, n

    def take() -> tuple[EvaluationSet, str]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / Path(upload.name).name
            file.write_bytes(upload.getvalue())
            return start_benchmark(hub, offer.benchmark, file)  # the run keeps its own copy

    return take, n


def _cut(n: int) -> int:
    """Draw the limit on the number of problems; returns how many will be asked."""
    limit = st.number_input(
        "Problems, at most",
        1,
        None,
        None,
        50,
        key="evaluate_limit",
        persist_state="session",
        placeholder=f"all {numbers.count(n)}",
        help="The first ones by a hash of the problem: the same ones each time, and those of a smaller limit are among "
        "those of a larger one.",
    )
    return n if limit is None else min(n, int(limit))


# -- who is asked, and how -------------------------------------------------------------------------------------------


def _choose_student(hub: Hub) -> dict[str, Any] | None:
    """Draw the choice of the student; None while something is not filled in."""
    made = {row["path"]: row for row in hub.store.list_adapters().to_dict("records")}
    options = [*made, TINY, OTHER, SERVER]
    if st.session_state.get("evaluate_student", TINY) not in options:
        st.session_state["evaluate_student"] = TINY  # its run is in the trash
    wanted = st.query_params.get("adapter")
    choice = st.selectbox(
        "Student",
        options,
        options.index(wanted) if wanted in options else 0,
        key="evaluate_student",
        persist_state="session",
        format_func=tell_apart(
            options,
            lambda option: name_adapter(made[option]) if option in made else option,
            lambda option: made[option]["run_id"] if option in made else option,
        ),
    )
    if choice == SERVER:
        server = draw_server_form("evaluate_server")
        return None if server is None else {"student": server["model"], "server": server, "asks_base": True}
    if choice == TINY:
        return {"student": "tiny", "asks_base": True}
    if choice in made:
        return {"student": made[choice]["student"], "adapter": choice, "asks_base": _ask_base()}
    source = st.text_input("Folder or id", key="evaluate_source", persist_state="session").strip()
    tuned = st.text_input("Adapter folder (optional)", key="evaluate_adapter", persist_state="session").strip()
    if not source:
        return None
    if not tuned:
        return {"student": source, "asks_base": True}
    return {"student": source, "adapter": str(Path(tuned).expanduser().resolve()), "asks_base": _ask_base()}


def _ask_base() -> bool:
    return st.toggle(
        "Ask the base as well",
        True,
        key="evaluate_base",
        persist_state="session",
        help="Before and after on the same problems: only then is there a difference with its interval.",
    )


def _choose_how(hub: Hub) -> dict[str, Any] | None:
    """Draw how many answers, how many problems at most, and who grades; None while something is not filled in."""
    way = st.segmented_control(
        "Answers to each problem", [GREEDY, DRAWN], default=GREEDY, required=True, key="evaluate_way"
    )
    n_samples, temperature = None, None
    if way == DRAWN:
        first, second = st.columns(2)
        n_samples = int(
            first.number_input("Drawn", 1, MOST_SAMPLES, 8, key="evaluate_samples", persist_state="session")
        )
        temperature = second.number_input(
            "Temperature", 0.1, 2.0, 0.7, 0.1, key="evaluate_temperature", persist_state="session"
        )
        st.caption("Gives mean@n, pass@k and the majority's answer (maj@n).")
    who = st.selectbox(
        "Who grades beside the checker",
        [NOBODY, RULES, SERVER],
        key="evaluate_grader",
        persist_state="session",
        help="The checker compares final answers. A grader reads the whole answer beside the reference (Kessler 2025, "
        "appendix D.3); where the two disagree, both are shown.",
    )
    grader: str | dict[str, str] | None = {NOBODY: None, RULES: "built-in"}.get(who)
    if who == RULES:
        note_teacher()
    if who == SERVER and (grader := draw_server_form("grader_server", home=hub.settings.home)) is None:
        return None
    limit = st.session_state.get("evaluate_limit")
    return {"n_samples": n_samples, "temperature": temperature, "grader": grader, "limit": limit and int(limit)}
