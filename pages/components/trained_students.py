"""The students that were trained in this home, as every box that asks for one offers them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.hub import Hub
from core.recipes.trained import Trained, list_policies
from pages.components.frame import name_run, tell_apart

LISTED_S = 1.0
"""How long a list of policies holds: it is read from the folders of all runs, so once for all boxes of a page."""


@dataclass(frozen=True, slots=True)
class Offered:
    """One trained student that can be chosen."""

    label: str
    student: str
    """Its base."""

    run_id: str
    round: int
    seed_set: str | None = None
    """That the run was about."""

    is_policy: bool = False
    """Whether it is what a run trained first, to start from."""

    @property
    def short(self) -> str:
        """What the tables of a score run call it."""
        return "policy" if self.is_policy else f"round-{self.round}"


def list_offered(hub: Hub, student: str | None = None) -> dict[str, Offered]:
    """Return adapter -> trained student, newest first; the policy that a run trained first stands behind the run.

    Args:
        hub: of the home.
        student: only those of this base; None: all.
    """
    policies = {(each.run_id, each.round): each for each in _list_policies(hub.settings.home) if each.student}
    offered = {}

    def offer_policy(run_id: str, round_: int, run: Mapping[str, Any]) -> None:
        each = policies.pop((run_id, round_))
        label = f"policy of run {name_run(run)}{'' if round_ == 1 else f', round {round_}'}"
        path = str(each.folder.relative_to(hub.settings.home))
        offered[path] = Offered(label, each.student, run_id, round_, run["seed_set_id"], is_policy=True)

    for row in hub.store.list_adapters().to_dict("records"):
        offered[row["path"]] = Offered(
            name_adapter(row), row["student"], row["run_id"], row["round"], row["seed_set_id"]
        )
        if (row["run_id"], row["round"]) in policies:
            offer_policy(row["run_id"], row["round"], row)
    for run_id, round_ in list(policies):  # of runs that got no further
        if (run := hub.store.read_run(run_id)) is not None:
            offer_policy(run_id, round_, {**run, "seed_set_id": run["config"].get("seed_set")})
    return {path: each for path, each in offered.items() if student in (None, each.student)}


@st.cache_resource(ttl=LISTED_S, max_entries=2, show_spinner=False)
def _list_policies(home: Path) -> list[Trained]:
    return list_policies(home)


def name_adapter(row: Mapping[str, Any]) -> str:
    """Return what people read for a row of ``store.list_adapters``."""
    return name_run(row) + ("" if row["kind"] == "finetune" else f", round {row['round']}")


def show_offered(offered: Mapping[str, Offered], options: Sequence[str]) -> Callable[[str], str]:
    """Return what a box shows for its options: of an adapter its label, told apart from others like it."""
    return tell_apart(
        options,
        lambda option: offered[option].label if option in offered else option,
        lambda option: offered[option].run_id if option in offered else option,
    )
