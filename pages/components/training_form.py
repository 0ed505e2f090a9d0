"""The form of a finetune: what it trains on, gathered while one chooses, and how; one call starts it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.datasets import load_problems
from core.errors import SeedbedError
from core.filters.held_out import make_held_out_keys
from core.hub import Hub
from core.recipes.start import make_finetune_config, start_training
from core.recipes.training_choice import Choice
from core.recipes.training_sets import TrainingSet, build_rows, read_earlier
from core.records import Problem
from core.tasks import TASKS
from core.training.data import from_frame, hash_rows, to_frame
from core.training.lengths import Foresight, foresee
from core.training.objectives import OBJECTIVES, make_objective
from core.training.own_presets import list_presets
from core.training.rows_file import RowsFile
from pages.components import numbers
from pages.components.frame import draw_empty
from pages.components.row_view import draw_row
from pages.components.standing import GROWING
from pages.components.subject import keep_in_view, view_seed_set
from pages.components.text import plain
from pages.components.training_plan import draw_plan, warn_of_length
from pages.components.training_refilling import refill_once, tell_difference
from pages.components.training_rows import draw_set
from pages.components.training_settings import Tuning, draw_tuning, list_lacks
from pages.components.training_sources import NO_SET, OWN_ROWS, WITHOUT_SET, draw_sources, read_offer


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to train."""

    rows: pd.DataFrame
    """With data.COLUMNS."""

    rows_hash: str
    choice: Choice
    """What the rows were gathered from."""

    seed_set: str | None
    """None: nothing is held out, validated or tested on."""

    seed_set_name: str | None
    task: str
    objective: str
    settings: dict[str, Any]
    preset: str
    training: dict[str, Any]
    """Every field of TrainingConfig."""

    student: str
    adapter: str | None
    """What it starts from; None: the student as it is."""

    faults: tuple[str, ...]
    """Why it cannot begin so, a sentence each; they are drawn in the form."""

    foresight: Foresight | None = None
    """What can be said of the training before it begins; None where it cannot begin."""

    @property
    def label(self) -> str:
        """What it is trained on, in a few words; of rows that are left out for sure it says so."""
        n_given = len(self.rows)
        if self.foresight is None:
            return numbers.counted(n_given, "row")
        n_used = self.foresight.n_used
        if n_used is None:  # the student's own answers decide
            n_used = n_given - len(self.foresight.long)
        elif OBJECTIVES.get(self.objective).form == "pairs":
            return numbers.counted(n_used, "pair")
        if n_used > n_given:  # a row with a rejected answer makes two
            return numbers.counted(n_used, "answer")
        few = "" if n_used == n_given else f"{numbers.count(n_used)} of "
        return f"{few}{numbers.counted(n_given, 'row')}"

    @property
    def is_ready(self) -> bool:
        """Whether it can be started."""
        return bool(len(self.rows)) and bool(self.student) and not self.faults

    @property
    def generate_runs(self) -> list[str]:
        """Runs whose candidates are among the rows."""
        return list(self.choice.candidates)

    @property
    def policy(self) -> str:
        """Which candidates are taken."""
        return self.choice.taken


def draw_training_form(hub: Hub) -> Wish:
    """Draw the form; returns what is wished."""
    refill_once(hub)
    seed_set = find_subject(hub)
    if seed_set is not None:
        view_seed_set(seed_set["run_id"])
    with st.container(key="two_sides_training"):
        left, right = st.columns([1, 1], gap="large")
    with left:
        offer = read_offer(hub, seed_set or _draw_task())
        choice, file = draw_sources(hub, offer)
        seed_set = _draw_whether_alone(offer.seed_set)
        tuning = draw_tuning(hub, seed_set["task"])
    made, frame = gather(hub, seed_set, choice, file)
    rows = made.rows
    with right:
        tell_difference(hub, made.hash)
        faults = [*tuning.faults, *list_lacks(tuning, rows)]
        if rows and "file" in st.session_state["train_parts"] and not (file and file.rows):
            faults.append("No row of the file can be used yet: give another file, or train without one.")
        foresight, fault = _foresee_all(made, tuning, seed_set["task"]) if rows and not faults else (None, None)
        faults += [fault] if fault else []
        for each in faults:
            st.warning(plain(each), icon=":material/info:")
        if foresight is not None:
            warn_of_length(foresight, len(rows), tuning.training["max_length"])
            if not faults:
                draw_plan(hub, tuning, seed_set, rows, foresight)
        marked = draw_set(made, frame)
    if marked is not None:
        draw_row(hub, asdict(rows[marked]), f"Row {numbers.count(marked + 1)} of {numbers.count(len(frame))}")
    return make_wish(seed_set, choice, tuning, made, frame, faults, foresight)


def _draw_task() -> Mapping[str, Any]:
    """Draw what the rows are, where there is no seed set that would say; returns what stands for one."""
    draw_empty("There is no seed set yet; rows of a file can be trained on without one.", "seeds_page.py", "Seeds")
    task = st.selectbox(
        "Task of the rows",
        TASKS.names(),
        index=TASKS.names().index("custom"),
        key="train_task",
        persist_state="session",
        help="How their questions are put to the student, and how the student's answers are judged.",
    )
    return {**NO_SET, "task": task}


def _draw_whether_alone(seed_set: Mapping[str, Any]) -> Mapping[str, Any]:
    """Draw, for rows that need no seed set, whether the one in view is used all the same; returns which one is."""
    if seed_set["run_id"] is None or not set(st.session_state["train_parts"]) <= OWN_ROWS:
        return seed_set
    is_alone = st.toggle(
        f"Train without the seed set {seed_set['name']}",
        key=WITHOUT_SET,
        persist_state="session",
        help="Then no problem of it is held out of the rows, decides which epoch is kept, or is asked before and "
        "after: the last epoch is kept.",
    )
    return {**NO_SET, "task": seed_set["task"]} if is_alone else seed_set


def _foresee_all(made: TrainingSet, tuning: Tuning, task: str) -> tuple[Foresight | None, str | None]:
    """Return what can be said of the training, or why it cannot begin."""
    try:
        makes_policy = OBJECTIVES.get(tuning.objective).starts_from_policy and tuning.adapter is None
        most = tuning.training["max_length"]
        found = _foresee(made.hash, tuning.student, task, tuning.objective, tuning.settings, most, makes_policy, made)
    except SeedbedError as error:
        return None, str(error)
    if found.n_used == 0 or len(found.long) == len(made.rows):
        empty = "empty or " if any(not row.answer.strip() for row in made.rows) else ""
        most = numbers.counted(found.longest, "token")
        return found, f"Every row is {empty}too long: more than {most} with the question."
    if found.long_for_policy and len(found.long_for_policy) == sum(row.label > 0 for row in made.rows):
        return found, (
            f"Every right answer is too long for the policy, which is trained first: more than "
            f"{numbers.counted(found.longest, 'token')} with the question."
        )
    return found, None


@st.cache_data(max_entries=8, show_spinner=False)
def _foresee(
    hash_: str,
    student: str,
    task: str,
    objective: str,
    settings: dict[str, Any],
    max_length: int,
    makes_policy: bool,
    _made: TrainingSet,
) -> Foresight:
    wanted = make_objective(objective, settings)
    return foresee(wanted, _made.rows, student, TASKS.get(task), max_length, makes_policy=makes_policy)


def make_wish(
    seed_set: Mapping[str, Any],
    choice: Choice,
    tuning: Tuning,
    made: TrainingSet,
    frame: pd.DataFrame,
    faults: list[str],
    foresight: Foresight | None = None,
) -> Wish:
    """Return what the form says."""
    return Wish(
        frame,
        made.hash,
        choice,
        seed_set["run_id"],
        seed_set["name"],
        seed_set["task"],
        tuning.objective,
        tuning.settings,
        tuning.preset,
        tuning.training,
        tuning.student,
        tuning.adapter,
        tuple(faults),
        foresight,
    )


def make_config(hub: Hub, wish: Wish, **more: Any) -> dict[str, Any]:
    """Return the configuration of a finetune as the form says; raises SeedbedError where it cannot begin.

    Args:
        hub: of the home.
        wish: what the form says.
        more: what it does not say, as ``make_finetune_config`` takes it.
    """
    return make_finetune_config(
        wish.student,
        wish.task,
        from_frame(wish.rows),
        seed_set=wish.seed_set,
        seed_set_name=wish.seed_set_name,
        adapter=wish.adapter,
        home=hub.settings.home,
        objective=wish.objective,
        settings=wish.settings,
        preset=wish.preset,
        presets=list_presets(hub.settings.home),
        training=wish.training,
        generate_runs=wish.generate_runs,
        policy=wish.policy,
        parts=wish.choice.to_config(),
        **more,
    )


def launch(hub: Hub, wish: Wish) -> str:
    """Put a finetune in the queue as the form says; returns the run id. Raises SeedbedError where it cannot begin."""
    return start_training(hub, from_frame(wish.rows), make_config(hub, wish))


def find_subject(hub: Hub) -> dict | None:
    """Return the row of the seed set that the form is about: that of a run in the address, else the one in view."""
    sets = hub.store.list_seed_sets()
    runs = hub.store.list_runs(GROWING, has_previews=False, limit=None)
    named = runs[runs["run_id"].isin(st.query_params.get_all("sources"))]["seed_set_id"].dropna()
    shown = sets[sets["run_id"].isin(named)]
    if shown.empty:
        shown = keep_in_view(sets.assign(seed_set_id=sets["run_id"]), "seeds")
    return None if shown.empty else shown.iloc[0].to_dict()


def gather(
    hub: Hub, seed_set: Mapping[str, Any], choice: Choice, file: RowsFile | None
) -> tuple[TrainingSet, pd.DataFrame]:
    """Return the rows of a choice as they are now, as a set and as a frame."""
    given = None if file is None else (hash_rows(file.rows), len(file.left_out))
    stamp = hub.store.read_rows_stamp(choice.list_runs())  # a run that trains changes the home four times a second
    key = (str(hub.settings.home), stamp, repr(choice), seed_set["run_id"], seed_set["task"], given)
    return _gather(key, hub, seed_set, choice, file)


@st.cache_resource(max_entries=4, show_spinner=False)
def _gather(
    key: tuple, _hub: Hub, _seed_set: Mapping[str, Any], _choice: Choice, _file: RowsFile | None
) -> tuple[TrainingSet, pd.DataFrame]:
    problems, held_out = [], frozenset()
    if _seed_set["run_id"] is not None:
        problems, held_out = _load_subject(str(_hub.settings.home), _seed_set["run_id"], _seed_set["task"], _hub)
    earlier = []
    if _choice.earlier:
        try:
            earlier = read_earlier(_hub.store, _hub.settings.home, _choice.earlier)
        except SeedbedError:
            earlier = []  # its folder went this moment; the next rerun no longer offers it
    made = build_rows(
        _hub.store,
        _choice,
        TASKS.get(_seed_set["task"]),
        problems,
        seed_set=_seed_set["run_id"],
        held_out=held_out,
        file=_file,
        earlier=earlier,
    )
    return made, to_frame(made.rows)


@st.cache_resource(max_entries=2, show_spinner=False)
def _load_subject(home: str, seed_set: str, task: str, _hub: Hub) -> tuple[list[Problem], frozenset[str]]:
    """Return the problems of a seed set, which never change, and what its held-out ones are known by."""
    problems = load_problems(_hub.settings.home, seed_set)
    return problems, make_held_out_keys(TASKS.get(task), (row for row in problems if row.split != "train"))
