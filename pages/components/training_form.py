"""The form of a finetune: what it trains on, which student, and its settings, from a preset."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.recipes.start import list_lineage, say_why_no_rows
from core.recipes.training import choose_preset
from core.store.reads_candidates import POLICIES
from core.training.config import PRESETS, SCHEDULES, TrainingConfig
from pages.components import numbers
from pages.components.frame import draw_empty
from pages.components.standing import GROWING
from pages.components.subject import keep_in_view

POLICY_NAMES = dict(zip(POLICIES, ("passed the filters, not rejected by hand", "accepted by hand only"), strict=True))
TINY, OTHER = "tiny, the built-in student", "a folder or a Hugging Face id"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to train."""

    generate_runs: list[str]
    policy: str
    student: str
    training: dict[str, Any]
    rows: pd.DataFrame
    """What it would train on."""


def draw_training_form(hub: Hub) -> Wish | None:
    """Draw the form; returns the wish, or None where there is nothing to train on yet."""
    runs = keep_in_view(hub.store.list_runs(GROWING, has_previews=False), "sources")
    passed = hub.store.count_passed().set_index("run_id")["accepted"].to_dict()
    rows = {row["run_id"]: row for row in runs.to_dict("records") if row["run_id"] in passed}
    if not rows:
        draw_empty("There is nothing to train on yet: no candidate is accepted.", "generate_page.py", "Generate")
        return None
    named = [id_ for id_ in st.query_params.get_all("sources") if id_ in rows]
    newest = named or list(rows)[:1]
    wanted = [
        id_ for id_ in dict.fromkeys(id_ for run_id in newest for id_ in list_lineage(hub, run_id)) if id_ in rows
    ]
    with st.container(key="two_sides_training"):
        left, right = st.columns([1.2, 1], gap="large")
    with left:
        sources = st.multiselect(
            "Candidates of",
            list(rows),
            wanted,
            key="sources",
            format_func=lambda id_: _describe(rows[id_], passed[id_]),
        )
        if others := len(rows) - len(sources):
            n_others = sum(passed[id_] for id_ in rows if id_ not in sources)
            st.caption(
                f"Not among them: {numbers.count(n_others)} candidates of {numbers.counted(others, 'other run')}."
            )
        policy = st.radio("Train on what", list(POLICIES), format_func=POLICY_NAMES.get, key="policy", horizontal=True)
        choice = st.selectbox("Student", [TINY, OTHER], key="student")
        student = "tiny" if choice == TINY else st.text_input("Folder or id", key="student_source").strip()
        training = _draw_settings(choose_preset(student, json.loads(rows[next(iter(rows))]["config"])["task"]))
    with right:
        found = hub.store.list_training_candidates(sources, policy) if sources else pd.DataFrame()
        _draw_rows(
            found, say_why_no_rows(hub, sources, policy) if sources and found.empty else "Choose whose candidates."
        )
    return Wish(sources, policy, student, training, found)


def _describe(row: dict, n_passed: int) -> str:
    return f"{row['title']}, {numbers.moment(row['created_at'])} ({numbers.count(n_passed)} accepted)"


def _draw_rows(rows: pd.DataFrame, if_none: str) -> None:
    """Draw what would be trained on, or a sentence where that is nothing."""
    st.metric("training rows", numbers.count(len(rows)))
    if rows.empty:
        st.info(if_none)
        return
    st.dataframe(
        rows,
        hide_index=True,
        column_order=["final", "question"],
        height=220,
        column_config={
            "question": st.column_config.TextColumn("question", width="large"),
            "final": st.column_config.TextColumn("answer", width="small", alignment="right"),
        },
    )


def _draw_settings(usual: str) -> dict[str, Any]:
    """Draw preset and settings; returns every field of TrainingConfig, so that what is shown is what is trained.

    Args:
        usual: preset of this student and task, chosen until a person takes another.
    """
    preset = st.selectbox(
        "Preset",
        list(PRESETS),
        list(PRESETS).index(usual),
        key=f"preset_{usual}",
        help="The shipped student's own, or the paper's best for its 7 and 8 billion parameters.",
    )
    base = PRESETS[preset]
    with st.expander("Settings", icon=":material/tune:"), st.container(key=f"settings_{preset}"):
        boxes = st.columns(3)
        values = {
            "learning_rate": boxes[0].number_input(
                "Learning rate", 1e-9, 1.0, base.learning_rate, format="%.1e", key=f"learning_rate_{preset}"
            ),
            "epochs": boxes[1].number_input("Epochs", 1, None, base.epochs, key=f"epochs_{preset}"),
            "batch_size": boxes[2].number_input("Batch size", 1, None, base.batch_size, key=f"batch_size_{preset}"),
            "rank": boxes[0].number_input("LoRA rank", 1, None, base.rank, key=f"rank_{preset}"),
            "alpha": boxes[1].number_input("LoRA alpha", 1, None, base.alpha, key=f"alpha_{preset}"),
            "warmup": boxes[2].number_input("Warm-up share", 0.0, 0.99, base.warmup, key=f"warmup_{preset}"),
            "schedule": boxes[0].selectbox(
                "Schedule", SCHEDULES, SCHEDULES.index(base.schedule), key=f"schedule_{preset}"
            ),
            "max_grad_norm": boxes[1].number_input(
                "Gradient norm, at most", 0.01, None, base.max_grad_norm, key=f"max_grad_norm_{preset}"
            ),
            "seed": boxes[2].number_input("Seed", 0, 2**32 - 1, base.seed, key=f"seed_{preset}"),
        }
    st.caption(describe_settings(base, values))
    return complete_settings(base, values)


def complete_settings(base: TrainingConfig, values: dict[str, Any]) -> dict[str, Any]:
    """Return every field of TrainingConfig: the preset's with the form's values over them.

    A batch that the preset's accumulation steps do not divide is computed in one part.
    """
    settings = {**asdict(base), **values}
    if settings["batch_size"] % settings["accumulation_steps"]:
        settings["accumulation_steps"] = 1
    return settings


def describe_settings(base: TrainingConfig, values: dict[str, Any]) -> str:
    """Return the settings in one line, with what was changed from the preset."""
    changed = [name for name, value in values.items() if value != getattr(base, name)]
    line = (
        f"rank {values['rank']}, learning rate {values['learning_rate']:.0e}, {values['epochs']} epochs, "
        f"batches of {values['batch_size']}"
    )
    return line + (f" · changed: {', '.join(name.replace('_', ' ') for name in changed)}" if changed else "")
