"""Candidates taken out: a format, what would be written and what not, the file, the command, and the hub."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from core.exporting.card import UNKNOWN
from core.hub import Hub
from core.models.publishing import NO_TOKEN, has_token, name_hub
from core.recipes.exporting import DATASET
from core.recipes.taking_out import (
    FORMATS,
    DatasetWishes,
    TakenOut,
    make_bytes,
    name_file,
    start_data_push,
    take_out,
)
from core.runs.calls import write_call
from core.store.queue_filter import KEPT, QueueFilter
from core.store.queue_text import list_options
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.exporting import draw_leaving, list_leaving
from pages.components.frame import choose, follow_address, tell_address
from pages.components.running import draw_live
from pages.components.standing import ACTIVE
from pages.components.text import plain

LOOKED_AT = "review_export_looked_at"
"""Key of the session: what was looked at last, and what is to be said of it."""

MOST_PREVIEWED = 4_000
"""Characters of a record that are shown."""

N_PUSHES = 3
"""Pushes that are shown, the newest ones."""

AT_FIRST = "chat"


@dataclass(frozen=True, slots=True)
class Look:
    """What is said of an export before it is written."""

    n_found: int
    n_taken: int
    n_records: int
    left_out: Mapping[str, int]
    first: Mapping[str, Any] | None
    """A record; None: there is none."""

    n_rejected: int
    """Candidates beside those asked for: rejected for a wrong answer."""


def draw_taking_out(hub: Hub, asked: QueueFilter) -> None:
    """Draw the ways to take out what a filter asks for.

    Args:
        hub: of the home.
        asked: which candidates; it names its runs.
    """
    with st.container(key="two_sides_taking"):
        left, right = st.columns([3, 2], gap="medium")
    with left:
        name, is_as_asked = _choose_format()
        look = _look(hub, asked, name, is_as_asked)
        _say_counts(look, asked)
    with right, show_errors():
        wishes = _choose_wishes() if name == DATASET else DatasetWishes()
        if look.n_records:
            _draw_ways(hub, asked, name, is_as_asked, wishes)
    if look.first is not None:
        st.caption("The first record")
        text = json.dumps(look.first, ensure_ascii=False, indent=2, default=str)
        cut = "" if len(text) <= MOST_PREVIEWED else "\n…"
        st.code(text[:MOST_PREVIEWED] + cut, language=None, wrap_lines=True)


def _choose_format() -> tuple[str, bool]:
    """Return the name of the format, and whether questions stand in their task's prompt."""
    name = choose(
        "Format", list(FORMATS), param="format", key="export_format", usual=AT_FIRST,
        shown=lambda each: FORMATS.get(each).title,
    )  # fmt: skip
    st.caption(plain(FORMATS.get(name).purpose))
    if not FORMATS.get(name).has_prompt:
        return name, False
    follow_address("asked", "export_asked", lambda text: text == "1", False)
    is_as_asked = st.toggle(
        "In the task's prompt",
        key="export_asked",
        help="The question as a student is asked and trained here, in its task's prompt. Off: the bare question, for "
        "whoever brings prompts of their own, and to bring it back in here.",
    )
    tell_address("asked", "export_asked", "1" if is_as_asked else "", "")
    return name, is_as_asked


def _look(hub: Hub, asked: QueueFilter, name: str, is_as_asked: bool) -> Look:
    """Return what is to be said; worked out anew where the choice or the candidates have changed alone."""
    key = (asked, name, is_as_asked, hub.revision)
    kept = st.session_state.get(LOOKED_AT)
    if kept is None or kept[0] != key:
        with st.spinner("Looking at what would be written", show_time=True):
            kept = (key, _make_look(take_out(hub.store, asked, name, is_as_asked=is_as_asked)))
        st.session_state[LOOKED_AT] = kept
    return kept[1]


def _make_look(taken: TakenOut) -> Look:
    made = taken.made
    first = made.records[0] if made.records else None
    return Look(made.n_found, made.n_taken, len(made.records), made.left_out, first, taken.n_rejected)


def _say_counts(look: Look, asked: QueueFilter) -> None:
    n_left = look.n_found - look.n_taken
    if not look.n_found:
        more = " **Show** above: *Not rejected* finds what passed the filters." if asked.review == KEPT else ""
        nothing = "Nobody has accepted anything here yet." if asked == _usual(asked) else "No candidate is like that."
        st.info(nothing + more, icon=":material/inbox:")
        return
    n_found = numbers.counted(look.n_found, "candidate")
    records = "" if look.n_records == look.n_taken else f" as {numbers.counted(look.n_records, 'record')}"
    left = f", **{numbers.count(n_left)}** left out:" if n_left else "."
    st.markdown(f"**{n_found}** match: **{numbers.count(look.n_taken)}** written{records}{left}")
    if n_left:
        st.markdown("\n".join(f"- {numbers.count(n)}: {plain(reason)}" for reason, n in look.left_out.items()))
    if look.n_rejected:
        st.caption(f"Among them {numbers.counted(look.n_rejected, 'candidate')} rejected by hand for a wrong answer.")


def _usual(asked: QueueFilter) -> QueueFilter:
    return QueueFilter(run=asked.run, review=KEPT, status="", unread_by=asked.unread_by)


def _choose_wishes() -> DatasetWishes:
    """Return what is said of a dataset."""
    usual = DatasetWishes()
    name = st.text_input("Name", usual.name, key="export_name").strip()
    with st.container(horizontal=True):
        licence = st.text_input(
            "Licence",
            key="export_licence",
            placeholder=UNKNOWN,
            help="An identifier of the hub, such as cc-by-4.0. The licences of seeds, student and teacher hold too; "
            "the card names those that are known.",
        ).strip()
        share = st.number_input(
            "Validation, %", 0, 50, 0, 5, key="export_validation", width=140, help="Kept apart; no seed is in both."
        )
    return DatasetWishes(name or usual.name, licence or usual.licence, share / 100)


def _draw_ways(hub: Hub, asked: QueueFilter, name: str, is_as_asked: bool, wishes: DatasetWishes) -> None:
    """Draw the download, the command, and for a dataset the hub."""

    def take() -> TakenOut:
        return take_out(hub.store, asked, name, is_as_asked=is_as_asked)

    home = hub.settings.home
    file = name_file(name)
    st.download_button(
        f"Download {file}",
        lambda: make_bytes(hub.store, home, take(), wishes),
        file,
        key="export_download",
        icon=":material/download:",
        on_click="ignore",
    )
    words = ["export", "--format", name, *_list_options(is_as_asked, wishes)]
    st.caption("The same in a shell")
    target = file.removesuffix(".zip")
    command = write_call([*words, "--out", str(Path.home() / target), "--home", str(home), *list_options(asked)])
    st.code(command, language=None, wrap_lines=True)
    if name == DATASET:
        with st.expander("Push to the Hugging Face hub", icon=":material/upload:"):
            _draw_push(hub, take, wishes)
        draw_live(partial(_draw_pushes, hub), is_active=any(run["state"] in ACTIVE for run in _list_pushes(hub)))


def _list_options(is_as_asked: bool, wishes: DatasetWishes) -> list[str]:
    """Return the options of the command that say what is chosen here."""
    usual = DatasetWishes()
    found = ["--as-asked"] if is_as_asked else []
    for option, value in (("name", wishes.name), ("licence", wishes.licence), ("validation", wishes.validation)):
        if value != getattr(usual, option):
            found += [f"--{option}", str(value)]
    return found


def _draw_push(hub: Hub, take: Any, wishes: DatasetWishes) -> None:
    """Draw where the dataset goes and who sees it."""
    st.caption(f"Uploads to {plain(name_hub())} by one commit.")
    if not has_token():
        st.info(NO_TOKEN, icon=":material/key_off:")
        return
    repo = st.text_input("Repository", key="data_repo", placeholder="owner/name").strip()
    is_private = st.toggle("Private", True, key="data_private", help="Of a repository that is made.")
    if not is_private:
        st.caption(":orange[Everybody will see it.]")
    may_update = st.toggle("It may be there already", key="data_update", help="Files of the same names are replaced.")
    if st.button("Push", key="data_push", icon=":material/upload:"):
        start_data_push(hub, take(), wishes, repo, is_private=is_private, may_update=may_update)
        st.rerun()


def _list_pushes(hub: Hub) -> list[dict[str, Any]]:
    return [run for run in list_leaving(hub, ("push",)) if run["config"].get("what") == DATASET][:N_PUSHES]


def _draw_pushes(hub: Hub) -> bool:
    """Draw the latest pushes; says whether one still works."""
    runs = _list_pushes(hub)
    for run in runs:
        with st.container(border=True, key=f"leaving_{run['run_id']}"):
            draw_leaving(hub, run)
    return any(run["state"] in ACTIVE for run in runs)
