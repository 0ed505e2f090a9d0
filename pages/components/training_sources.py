"""What a training set is made of, as a person chooses it on the page Finetune: parts, and what each is taken from."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import SeedbedError
from core.hub import Hub
from core.recipes.start import list_lineage
from core.recipes.training_choice import ALL_SEEDS, PARTS, Choice
from core.records import INCORRECT
from core.store.reads_candidates import POLICIES
from core.tasks import TASKS
from core.training.data import NEGATIVE, POSITIVE
from core.training.rows_file import RowsFile, guess_task, read_rows_file
from pages.components import numbers
from pages.components.answering import draw_asking
from pages.components.frame import draw_empty, name_run, tell_apart
from pages.components.standing import GROWING, TRAINING
from pages.components.text import plain

POLICY_NAMES = dict(zip(POLICIES, ("passed the filters, not rejected by hand", "accepted by hand only"), strict=True))
LABEL_NAMES = {POSITIVE: "right ones", NEGATIVE: "wrong ones"}
FILE_TYPES = ["jsonl", "ndjson", "json", "csv", "tsv", "parquet"]
CHOSEN = ("train_parts", "sources", "train_seeds", "train_answers", "train_own", "train_earlier")
"""Keys of the session: what is chosen of one seed set."""

NO_SET: Mapping[str, Any] = {"run_id": None, "name": None, "task": None, "n_train": 0}
"""Stands for the seed set of rows that are trained on without one."""

OWN_ROWS = {"file", "earlier"}
"""Parts whose rows need no seed set."""

WITHOUT_SET = "train_without_set"
"""Key of the session: whether such rows are trained on without the seed set in view."""

KEPT_FILE = "train_file_kept"
"""Key of the session: bytes and name of the file that was given."""

SUBJECT = "train_subject"
"""Key of the session: the seed set that this was chosen of."""

WANTED_ANSWERS = "train_answers_wanted"
"""Key of the session: runs that are chosen as soon as the page is drawn."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a home has to make rows from, for one seed set: run id -> what people read."""

    seed_set: Mapping[str, Any]
    """Row of ``store.list_seed_sets``, or NO_SET with a task."""

    candidates: Mapping[str, str]
    wrong: frozenset[str]
    """Those whose answers are meant to be wrong."""

    selections: Mapping[str, str]
    answers: Mapping[str, str]
    own: Mapping[str, str]
    earlier: Mapping[str, str]

    @property
    def parts(self) -> list[str]:
        """Names of the parts that can be chosen."""
        has = {
            "candidates": bool(self.candidates),
            "seeds": self.seed_set["n_train"] > 0,
            "answers": self.seed_set["n_train"] > 0,
            "own": bool(self.own),
            "file": True,
            "earlier": bool(self.earlier),
        }
        return [name for name in PARTS if has[name]]


def read_offer(hub: Hub, seed_set: Mapping[str, Any]) -> Offer:
    """Return what there is for a seed set; runs about none are offered to every set of their task, and to NO_SET."""
    store, id_ = hub.store, seed_set["run_id"]
    if id_ is None:
        return Offer(seed_set, {}, frozenset(), {}, {}, {}, _list_trained(hub, seed_set))
    passed = store.count_passed().set_index("run_id")["accepted"].to_dict()
    grown = _keep_of_set(store.list_runs(GROWING, has_previews=False, limit=None), seed_set)
    answered = store.list_runs(["answers"], seed_set_id=id_, limit=None)
    selections = store.list_selections(id_).drop_duplicates("run_id")
    own = store.count_own_answers(id_)
    wrong = [row.run_id for row in grown.itertuples() if json.loads(row.config).get("method") == INCORRECT]
    return Offer(
        seed_set,
        _describe(grown, {run_id: f"{numbers.count(n)} accepted" for run_id, n in passed.items()}),
        frozenset(wrong),
        _describe(selections, {row.run_id: f"{numbers.count(row.k)} chosen" for row in selections.itertuples()}),
        _describe(answered, {run_id: f"{numbers.count(n)} not wrong" for run_id, n in passed.items()}),
        _describe(own, {row.run_id: f"{row.n_right} right, {row.n_wrong} wrong" for row in own.itertuples()}),
        _list_trained(hub, seed_set),
    )


def _list_trained(hub: Hub, seed_set: Mapping[str, Any]) -> dict[str, str]:
    n_rows = hub.store.list_adapters().drop_duplicates("run_id").set_index("run_id")["n_rows"].to_dict()
    trained = _keep_of_set(hub.store.list_runs(TRAINING, limit=None), seed_set)
    return _describe(trained, {run_id: f"{numbers.count(n)} trained on" for run_id, n in n_rows.items()})


def _keep_of_set(runs: pd.DataFrame, seed_set: Mapping[str, Any]) -> pd.DataFrame:
    """Return the runs about a seed set, and those of its task about none."""
    is_here = [
        json.loads(config).get("task") == seed_set["task"] if pd.isna(own) else own == seed_set["run_id"]
        for own, config in zip(runs["seed_set_id"], runs["config"], strict=True)
    ]
    return runs[np.array(is_here, dtype=bool)]


def _describe(runs: pd.DataFrame, counts: Mapping[str, str]) -> dict[str, str]:
    """Return run id -> time, title and count, of the runs that have a count; newest first."""
    return {
        row["run_id"]: f"{name_run(row)} ({counts[row['run_id']]})"
        for row in runs.to_dict("records")
        if row["run_id"] in counts
    }


def draw_sources(hub: Hub, offer: Offer) -> tuple[Choice, RowsFile | None]:
    """Draw the choice of the parts, and of what each is taken from; returns it, and the rows of a file."""
    follow_subject(offer.seed_set["run_id"])
    usual = next([name] for name in ("candidates", "seeds", "file") if name in offer.parts)
    keep_known("train_parts", offer.parts)
    st.session_state.setdefault("train_parts", read_address("parts", offer.parts) or usual)
    parts = st.pills(
        "Made of",
        offer.parts,
        selection_mode="multi",
        format_func=lambda name: PARTS[name].capitalize(),
        key="train_parts",
        persist_state="session",
        wrap=True,
    )
    tell_many("parts", parts, usual)
    if "seeds" in offer.parts and not offer.candidates:
        said = "There is nothing to train on yet but the seeds themselves: no candidate is accepted."
        draw_empty(said, "generate_page.py", "Generate")
    fields: dict[str, Any] = {}
    if "candidates" in parts:
        fields["candidates"] = _draw_candidates(hub, offer)
    if "seeds" in parts:
        fields["seeds"] = _draw_seeds(offer)
    if "answers" in parts:
        fields["answers"] = _draw_answers(hub, offer)
    if {"candidates", "answers"} & set(parts):
        fields["taken"] = _draw_policy()
    if "own" in parts:
        fields["own"], fields["own_labels"] = _draw_own(offer)
    file = _draw_file(offer) if "file" in parts else None
    if file is not None:
        fields["file"] = st.session_state[KEPT_FILE][1]
    if "earlier" in parts:
        fields["earlier"] = choose_one("Rows that were given to", offer.earlier, key="train_earlier", param="rows_of")
    return Choice(**fields), file


def follow_subject(seed_set: str) -> None:
    """Forget what was chosen for another seed set: its runs are not among those of this one."""
    if st.session_state.get(SUBJECT, seed_set) != seed_set:
        for key in CHOSEN:
            st.session_state.pop(key, None)
    st.session_state[SUBJECT] = seed_set


def _draw_candidates(hub: Hub, offer: Offer) -> tuple[str, ...]:
    newest = ([id_ for id_ in offer.candidates if id_ not in offer.wrong] or list(offer.candidates))[:1]
    lineage = [id_ for run_id in newest for id_ in list_lineage(hub, run_id)]
    named = read_address("sources", offer.candidates)
    if named and "sources" not in st.session_state:
        lineage = [id_ for run_id in named for id_ in list_lineage(hub, run_id)]
    usual = [id_ for id_ in dict.fromkeys(lineage) if id_ in offer.candidates]
    chosen = choose_many("Candidates of", offer.candidates, usual, key="sources", param="sources", has_address=False)
    if n_others := len(offer.candidates) - len(chosen):
        counts = hub.store.count_candidates([id_ for id_ in offer.candidates if id_ not in chosen])
        st.caption(
            f"Not among them: {numbers.counted(counts['accepted'], 'candidate')} of "
            f"{numbers.counted(n_others, 'other run')}."
        )
    return chosen


def _draw_policy() -> str:
    if "policy" not in st.session_state and (named := st.query_params.get("policy")) in POLICIES:
        st.session_state["policy"] = named
    taken = st.radio(
        "Train on what",
        list(POLICIES),
        format_func=POLICY_NAMES.get,
        key="policy",
        horizontal=True,
        persist_state="session",
    )
    tell_many("policy", [taken], [POLICIES[0]])
    return taken


def _draw_seeds(offer: Offer) -> str:
    n = numbers.counted(offer.seed_set["n_train"], "seed")
    options = {ALL_SEEDS: f"all {n} of {offer.seed_set['name']}", **offer.selections}
    return choose_one("Seeds with their reference answers", options, key="train_seeds", param="train_seeds")


def _draw_answers(hub: Hub, offer: Offer) -> tuple[str, ...]:
    if wanted := st.session_state.pop(WANTED_ANSWERS, None):
        chosen = [*st.session_state.get("train_answers", ()), *wanted]
        st.session_state["train_answers"] = [id_ for id_ in dict.fromkeys(chosen) if id_ in offer.answers]
    chosen: tuple[str, ...] = ()
    if offer.answers:
        usual = list(offer.answers)[:1]
        chosen = choose_many("A teacher's answers of", offer.answers, usual, key="train_answers", param="answers")
    draw_asking(hub, offer.seed_set, offer.selections, is_open=not offer.answers, wanted=WANTED_ANSWERS)
    return chosen


def _draw_own(offer: Offer) -> tuple[tuple[str, ...], tuple[int, ...]]:
    runs = choose_many("Answers that the student drew in", offer.own, list(offer.own)[:1], key="train_own", param="own")
    keep_known("train_own_labels", list(LABEL_NAMES))
    labels = st.pills(
        "Which of them",
        list(LABEL_NAMES),
        selection_mode="multi",
        default=None if "train_own_labels" in st.session_state else list(LABEL_NAMES),
        format_func=LABEL_NAMES.get,
        key="train_own_labels",
        persist_state="session",
    )
    return runs, tuple(labels)


def _draw_file(offer: Offer) -> RowsFile | None:
    """Draw the choice of a file; says which of its lines cannot be read."""
    task = offer.seed_set["task"]
    given = _ask_for_file()
    if given is None:
        return None
    try:
        found = _read_file(*given, task)
    except SeedbedError as error:
        st.error(plain(error), icon=":material/error:")
        return None
    for line, reason in found.left_out[:3]:
        st.caption(f":material/block: Line {line}: {plain(reason)}")
    if (n_more := len(found.left_out) - 3) > 0:
        st.caption(f"And {numbers.counted(n_more, 'more line')}; all of them stand among what is left out.")
    likely = guess_task(found.rows)
    if likely not in ("custom", task):
        st.caption(f":material/info: These answers end as those of the task {likely} do; this is read as {task}.")
    return found


def _ask_for_file() -> tuple[bytes, str] | None:
    """Draw the field for a file; returns its bytes and name, also after another view of the page was looked at."""

    def remember() -> None:
        given = st.session_state["train_file"]
        st.session_state[KEPT_FILE] = None if given is None else (given.getvalue(), given.name)

    given = st.file_uploader(
        "A file with questions and answers",
        FILE_TYPES,
        key="train_file",
        on_change=remember,
        help="JSON lines, a JSON list, CSV or Parquet: question and answer, prompt and completion, prompt with chosen "
        "and rejected, messages, problem and solution, instruction and output; with a label for wrong answers.",
    )
    kept = st.session_state.get(KEPT_FILE)
    if kept is None:
        st.caption("A reload forgets a file; the run that is trained on it keeps its rows.")
    elif given is None:  # the field forgets it when another view is drawn
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.caption(f":material/draft: {plain(kept[1])}, from before", width="content")
            st.button("Forget it", key="forget_file", type="tertiary", on_click=st.session_state.pop, args=(KEPT_FILE,))
    return kept


@st.cache_resource(max_entries=2, show_spinner="Reads the file.")
def _read_file(data: bytes, name: str, task: str) -> RowsFile:
    return read_rows_file(data, TASKS.get(task), name)


# -- choices that an address keeps ---------------------------------------------------------------------------------


def choose_many(
    label: str, options: Mapping[str, str], usual: Sequence[str], *, key: str, param: str, has_address: bool = True
) -> tuple[str, ...]:
    """Draw the choice of several runs, which the address keeps.

    Args:
        label: of the box.
        options: id -> what people read.
        usual: chosen at first.
        key: of the widget.
        param: query parameter.
        has_address: whether what the address names comes before the usual ones; False where those follow it already.
    """
    keep_known(key, options)
    if key not in st.session_state:
        st.session_state[key] = (read_address(param, options) if has_address else None) or list(usual)
    chosen = st.multiselect(
        label, list(options), key=key, format_func=tell_apart(options, options.get), persist_state="session", wrap=True
    )
    tell_many(param, chosen, ())
    return tuple(chosen)


def choose_one(label: str, options: Mapping[str, str], *, key: str, param: str) -> str:
    """Draw the choice of one, which the address keeps; the first option is the usual one."""
    first, named = next(iter(options)), read_address(param, options)
    if st.session_state.get(key) not in options:
        st.session_state[key] = named[0] if named else first
    chosen = st.selectbox(
        label, list(options), key=key, format_func=tell_apart(options, options.get), persist_state="session"
    )
    tell_many(param, [chosen], [first])
    return chosen


def read_address(param: str, options: Iterable[str]) -> list[str]:
    """Return what the address names of these options, in its order."""
    known = set(options)
    return [name for name in dict.fromkeys(st.query_params.get_all(param)) if name in known]


def tell_many(param: str, values: Sequence[str], usual: Sequence[str]) -> None:
    """Put values into the address, or nothing where they are the usual ones."""
    if list(values) == list(usual):
        st.query_params.pop(param, None)
    elif st.query_params.get_all(param) != list(values):
        st.query_params[param] = list(values)


def keep_known(key: str, options: Iterable[Any]) -> None:
    """Take out of a widget's choice what there is no longer: its run is in the trash, or another set is in view."""
    known = set(options)
    if isinstance(chosen := st.session_state.get(key), list) and not known.issuperset(chosen):
        st.session_state[key] = [option for option in chosen if option in known]
