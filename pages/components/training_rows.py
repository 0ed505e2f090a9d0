"""Training rows as tables: those that a form gathered, with what was left out; and those of a run, with filters.

Any of them is opened whole; ``row_view`` draws that.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.recipes.training_choice import PARTS
from core.recipes.training_sets import TrainingSet
from core.training.data import ORIGINS_COUNTED, from_frame
from core.training.rows_file import to_line
from pages.components import numbers
from pages.components.frame import choose_newest, draw_empty
from pages.components.row_view import MOST_IN_CELL, cut, draw_row
from pages.components.text import plain

MOST_ROWS = 1_000
"""Rows of a gathered set that go to the browser at a time; the search looks at all of them."""

PAGE_SIZE = 25
SHORT_ORIGINS = {"candidate": "candidate", "seed": "seed", "teacher": "teacher", "own": "own answer", "file": "file"}
LABELS = {1: "right", -1: "wrong"}
TRAININGS = {False: "this training", True: "the policy before it"}
"""Whether rows are those of the policy -> what people read."""

ALL = "all"
N_DIGITS = 12
"""Digits of a hash that are shown."""


# -- of a form -----------------------------------------------------------------------------------------------------


def draw_set(made: TrainingSet, frame: pd.DataFrame) -> int | None:
    """Draw what a set holds and what it does not; returns the position of the marked row, None where there is none.

    Args:
        made: the set.
        frame: its rows, with data.COLUMNS.
    """
    n_wrong = int((frame["label"] < 0).sum())
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        st.metric("training rows", numbers.count(len(frame)), width="content")
        if n_wrong:
            st.metric("wrong answers among them", numbers.count(n_wrong), width="content")
    draw_counts(made)
    if frame.empty:
        st.info(say_why_none(made))
        return None
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(f"Hash `{made.hash[:N_DIGITS]}`", width="content", help=f"SHA-256 of the rows: {made.hash}")
        st.download_button(
            "JSON lines",
            data=lambda: write_lines(frame),
            file_name=f"rows-{made.hash[:N_DIGITS]}.jsonl",
            mime="application/x-ndjson",
            key="download_set",
            icon=":material/download:",
            type="tertiary",
            help="For `python -m core finetune --rows`, or for anybody else.",
        )
    return _draw_table(frame, key="set_rows")


def draw_counts(made: TrainingSet) -> None:
    """Say part by part how many rows were found, taken and left out, and why; the rows left out stand folded below."""
    lines = []
    for name, counts in made.count().items():
        reasons = "".join(f" · {numbers.count(n)} {plain(reason)}" for reason, n in counts["reasons"].items())
        wrong = f", {numbers.count(counts['wrong'])} as wrong answers" if counts["wrong"] else ""
        taken = f"{numbers.count(counts['taken'])} of {numbers.count(counts['found'])}"
        lines.append(f"**{PARTS[name].capitalize()}** {taken}{wrong}:gray[{reasons}]")
    st.markdown("  \n".join(lines))
    if made.left_out:
        with st.expander(
            f"{numbers.counted(len(made.left_out), 'row')} left out", icon=":material/block:", key="rows_left_out"
        ):
            table = pd.DataFrame(map(asdict, made.left_out[:MOST_ROWS]))
            texts = {name: _cut_all(table[name]) for name in ("detail", "question")}
            st.dataframe(
                table.assign(part=table["part"].map(PARTS), **texts).fillna(""),
                hide_index=True,
                height=min(38 + 35 * len(table), 260),
                column_order=["reason", "detail", "question", "part"],
                column_config={"detail": "more", "part": "from"},
            )
            if len(made.left_out) > MOST_ROWS:
                st.caption(f"The first {numbers.count(MOST_ROWS)} of them.")


def say_why_none(made: TrainingSet) -> str:
    """Return in one sentence why a set is empty, and what to do."""
    if not made.left_out:
        return "There is nothing to train on yet: choose what the rows are made of."
    reasons = {row.reason for row in made.left_out}
    if reasons == {"not accepted by hand"}:
        return "Nothing of it is accepted by hand yet: review some candidates, or take what the filters accept."
    return "Every row that was found is left out; the reasons stand above."


def _draw_table(frame: pd.DataFrame, *, key: str) -> int | None:
    """Draw rows with a search; returns the position of the marked one in the frame, the first shown where none is."""
    search = st.text_input(
        "Search in the rows", key=f"{key}_search", placeholder="words, numbers", icon=":material/search:"
    ).strip()
    shown = frame.reset_index(drop=True)
    if search:
        texts = shown["question"] + "\n" + shown["answer"] + "\n" + shown["rejected"].fillna("")
        shown = shown[texts.str.contains(search, case=False, regex=False)]
    if shown.empty:
        st.caption("No row holds this text.")
        return None
    if len(shown) > MOST_ROWS:
        st.caption(f"The first {numbers.count(MOST_ROWS)} of {numbers.count(len(shown))}; search to see others.")
        shown = shown.head(MOST_ROWS)
    place = _show(shown, key=f"{key}_{len(shown)}_{shown.iloc[0]['row_id']}")
    return int(shown.index[place])


def _show(rows: pd.DataFrame, *, key: str, height: int = 320) -> int:
    """Draw a table of rows; returns the place of the marked one, the first where none is."""
    table = pd.DataFrame(
        {
            "row": [numbers.count(place + 1) for place in rows.get("position", pd.Series(rows.index))],
            "answer is": rows["label"].map(LABELS).tolist(),
            "from": rows["origin"].map(SHORT_ORIGINS).tolist(),
            "final": _cut_all(rows["final"]),
            "question": _cut_all(rows["question"], "(not known any more)"),
        }
    )
    if "is_used" in rows and not rows["is_used"].all():
        table["left out because"] = rows["reason"].fillna("").tolist()
    if (rows["label"] > 0).all():
        table = table.drop(columns="answer is")
    event = st.dataframe(
        table,
        hide_index=True,
        height=min(38 + 35 * len(table), height),
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "row": st.column_config.TextColumn("row", width=50, alignment="right"),
            "answer is": st.column_config.TextColumn("answer is", width=70),
            "from": st.column_config.TextColumn("from", width=85),
            "final": st.column_config.TextColumn("final", width=65, alignment="right"),
            "question": st.column_config.TextColumn("question", width="large"),
            "left out because": st.column_config.TextColumn("left out because", width="medium"),
        },
    )
    marked = event.selection.rows
    return marked[0] if marked and marked[0] < len(table) else 0


def _cut_all(texts: pd.Series, missing: str = "") -> list[str]:
    """Return texts as a table's cells have them: a long one would go to the browser whole, and be read nowhere."""
    return [missing if text is None or text != text else cut(str(text), MOST_IN_CELL) for text in texts]


def write_lines(frame: pd.DataFrame) -> bytes:
    """Return rows as JSON lines."""
    lines = (json.dumps(to_line(row), ensure_ascii=False) for row in from_frame(frame))
    return "".join(f"{line}\n" for line in lines).encode(errors="replace")


# -- of a run ------------------------------------------------------------------------------------------------------


def draw_rows_of_run(hub: Hub, run_id: str) -> None:
    """Draw every row that a run was given or made: paged, filtered, searched, one of them whole with its origin."""
    found = {is_policy: hub.store.count_training_rows(run_id, is_policy=is_policy) for is_policy in TRAININGS}
    found = {is_policy: counts for is_policy, counts in found.items() if not counts.empty}
    if not found:
        draw_empty("No rows of this run are known: they are written when its training begins.")
        return
    is_policy = _choose_training(run_id, list(found))
    counts, name = found[is_policy], f"{run_id}_policy" if is_policy else run_id
    rounds = sorted(int(number) for number in counts["round"].unique())
    round_ = choose_newest("Rows of round", rounds, param="round", key=f"rows_{name}")
    counts = counts[counts["round"] == round_]
    _say_counts(hub, run_id, round_, counts, is_policy=is_policy)
    wish = {"is_policy": is_policy, **_draw_filters(name, round_, counts)}
    n = _count_matching(hub, run_id, counts, wish)
    if not n:
        st.caption("No row is like that; search for something else, or show all.")
        return
    key = f"run_rows_{run_id}_{'_'.join(str(value) for value in wish.values() if value is not None)}"
    n_pages = -(-n // PAGE_SIZE)
    number = st.pagination(n_pages, key=f"{key}_page", width="stretch") if n_pages > 1 else 1
    offset = ((number or 1) - 1) * PAGE_SIZE
    rows = hub.store.list_training_rows(run_id, **wish, limit=PAGE_SIZE, offset=offset)
    place = _show(rows, key=f"{key}_table_{offset}", height=38 + 35 * 9)
    row = rows.astype(object).where(rows.notna(), None).iloc[place].to_dict()
    draw_row(hub, row, f"Row {numbers.count(row['position'] + 1)}")


def _choose_training(run_id: str, known: list[bool]) -> bool:
    """Return whether the rows of the policy are wanted; draws the choice where those of both trainings are known."""
    if known == [True]:
        st.caption("These rows made the policy; no training after it has begun.")
    if len(known) == 1:
        return known[0]
    return st.segmented_control(
        "Rows of", known, default=known[0], required=True, key=f"rows_of_{run_id}", format_func=TRAININGS.get
    )


def _say_counts(hub: Hub, run_id: str, round_: int, counts: pd.DataFrame, *, is_policy: bool) -> None:
    """Say how many rows were trained on, of which origins, how many were left out and why; offer them as a file."""
    used, left_out = counts[counts["is_used"]], counts[~counts["is_used"]]
    n_wrong = int(used[used["label"] < 0]["n"].sum())
    parts = [f"**{numbers.counted(used['n'].sum(), 'row')}** trained on"]
    origins = used.groupby("origin", observed=True)["n"].sum().sort_values(ascending=False)
    parts += [numbers.counted(n, *ORIGINS_COUNTED[name]) for name, n in origins.items()]
    if n_wrong:
        parts.append(f"{numbers.counted(n_wrong, 'wrong answer')} among them, made unlikelier")
    st.markdown(" · ".join(parts))
    reasons = left_out.groupby("reason", dropna=False)["n"].sum().sort_values(ascending=False)
    for reason, n in reasons.items():
        st.caption(f":material/block: {numbers.counted(n, 'row')} left out: {plain(reason)}")
    hash_ = (hub.store.read_run(run_id)["config"] or {}).get("rows_hash")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if hash_:
            st.caption(f"Hash of what was given `{hash_[:N_DIGITS]}`", width="content", help=hash_)
        st.download_button(
            "JSON lines",
            data=lambda: write_lines(read_known(hub, run_id, round_, is_policy=is_policy)),
            file_name=f"rows-of-{run_id}{'-policy' if is_policy else ''}.jsonl",
            mime="application/x-ndjson",
            key=f"download_{run_id}",
            icon=":material/download:",
            type="tertiary",
            help="The rows that were trained on.",
        )


def read_known(hub: Hub, run_id: str, round_: int, *, is_policy: bool = False) -> pd.DataFrame:
    """Return the rows of a run, or of its policy, that were trained on and whose texts are known."""
    rows = hub.store.list_training_rows(run_id, round_, is_policy=is_policy, is_used=True, limit=None)
    return rows[rows["question"].notna() & rows["answer"].notna()]


def _draw_filters(name: str, round_: int, counts: pd.DataFrame) -> dict[str, Any]:
    """Draw what can be chosen among the rows; returns arguments of ``store.list_training_rows``.

    Args:
        name: of these rows, part of the widgets' keys.
        round_: whose rows they are.
        counts: of them.
    """
    wish: dict[str, Any] = {"round_": round_}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="row_filters"):
        wish["is_used"] = _choose(counts, "is_used", "Which", {True: "trained on", False: "left out"}, name)
        wish["label"] = _choose(counts, "label", "Answers", LABELS, name)
        wish["origin"] = _choose(counts, "origin", "From", SHORT_ORIGINS, name)
        if wish["is_used"] is False and counts["reason"].nunique() > 1:
            reasons = counts["reason"].dropna().unique().tolist()
            wish["reason"] = st.selectbox("Because", [None, *reasons], format_func=_word, key=f"rows_reason_{name}")
        search = st.text_input("Search", key=f"rows_search_{name}", placeholder="words, numbers").strip()
    wish["search"] = search or None
    return wish


def _word(value: str | None) -> str:
    return "any reason" if value is None else value


def _choose(counts: pd.DataFrame, column: str, label: str, words: Mapping[Any, str], name: str) -> Any:
    """Draw the choice of one value of a column, or all; None for all, and where there is only one."""
    n_of = counts.groupby(column, observed=True)["n"].sum().to_dict()
    if len(n_of) < 2:
        return None
    chosen = st.segmented_control(
        label,
        [ALL, *(value for value in words if value in n_of)],
        default=ALL,
        required=True,
        key=f"rows_{column}_{name}",
        format_func=lambda value: ALL if value == ALL else f"{words[value]} {numbers.count(n_of[value])}",
    )
    return None if chosen == ALL else chosen


def _count_matching(hub: Hub, run_id: str, counts: pd.DataFrame, wish: Mapping[str, Any]) -> int:
    """Return how many rows are as wished; with a search they are looked through."""
    if wish["search"]:
        return len(hub.store.list_training_rows(run_id, **wish, limit=None))
    for name in ("is_used", "label", "origin", "reason"):
        if wish.get(name) is not None:
            counts = counts[counts[name] == wish[name]]
    return int(counts["n"].sum())
