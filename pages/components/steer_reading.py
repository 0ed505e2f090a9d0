"""What a finished check of steerability holds: its run, its two students, and seeds with their children."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.child_types import ChildTypes, tell_child_types
from core.analysis.wishes import Difference, compare_children, make_pairs
from core.hub import Hub
from core.recipes.checked_pairs import STUDENTS


@dataclass(frozen=True, slots=True)
class Check:
    """A finished check."""

    run: Mapping[str, Any]
    """As ``read_run`` has it."""

    pairs: Mapping[str, pd.DataFrame]
    """One of STUDENTS -> what it makes of seeds and children, of ``make_pairs``."""

    share_types: float | None
    """Share of the seeds whose type their words tell rightly; None: there are no types."""

    @property
    def run_id(self) -> str:
        """The run."""
        return self.run["run_id"]

    @property
    def loop(self) -> str:
        """The run of the loop whose students these are."""
        return self.run["summary"]["loop"]

    def say_student(self, student: str) -> str:
        """Return how the sentence calls a student."""
        return "the student before training" if student == "first" else "the trained student"


def read_check(hub: Hub, run_id: str) -> Check:
    """Return a finished check with its pairs; a child without a score of a student is in none of that one's pairs."""
    run = hub.store.read_run(run_id)
    scores, texts = hub.store.list_child_scores(run_id), _read_texts(hub, run)
    labels = {student: run["summary"][student] for student in STUDENTS}
    pairs = {student: make_pairs(scores, texts, label) for student, label in labels.items()}
    told = _tell_types(run_id, pairs["first"])
    names = dict(zip(pairs["first"]["candidate_id"], told.names, strict=True))
    pairs = {student: table.assign(type_child=table["candidate_id"].map(names)) for student, table in pairs.items()}
    return Check(run, pairs, told.share_right)


@st.cache_data(max_entries=16, show_spinner="Telling the types of the children")
def _tell_types(run_id: str, _pairs: pd.DataFrame) -> ChildTypes:
    """Return the types of a check's children, remembered: a check that is done does not change."""
    questions, types = (_pairs[name].fillna("").tolist() for name in ("question_child", "type"))
    return tell_child_types(_pairs["question_seed"].fillna("").tolist(), types, questions)


def _read_texts(hub: Hub, run: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row per child that was written, with its seed beside it."""
    children = hub.store.list_candidates(run["run_id"], status="accepted", limit=None)
    seeds = hub.store.list_problems(
        run["config"]["seed_set"], limit=None, problem_ids=children["parent_id"].dropna().unique().tolist()
    ).set_index("problem_id")
    return pd.DataFrame(
        {
            "candidate_id": children["candidate_id"],
            "problem_id": children["parent_id"],
            "question_seed": children["parent_question"],
            "answer_seed": children["parent_answer"],
            "question_child": children["question"],
            "answer_child": children["answer"],
            "meta_seed": children["parent_id"].map(seeds["meta"]),
        }
    )


@st.cache_data(max_entries=256, show_spinner=False)
def compare(values: list[float], is_chosen: list[bool], is_share: bool) -> Difference:
    """Return ``compare_children``, remembered: a bootstrap takes long enough to be felt at every turn of the knob."""
    return compare_children(values, is_chosen, is_share=is_share)
