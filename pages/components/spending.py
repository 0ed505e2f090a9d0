"""What a run's calls took and cost so far, by role; and the table of prices, which a person can edit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.teacher.prices import Price, read_own_prices, read_shipped, write_prices
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.text import plain

PRICE_COLUMNS = ("model", "host", "input", "cached_input", "output", "date", "source")


def draw_spending(hub: Hub, run_id: str, n_accepted: int) -> None:
    """Draw tokens and dollars of a run so far, per accepted candidate too, and by role where there are several."""
    totals = hub.store.total_calls(run_id)
    if not totals or not totals["n_calls"]:
        return
    n_tokens = totals["n_input_tokens"] + totals["n_output_tokens"]
    with st.container(horizontal=True, gap="medium"):
        st.metric("calls", numbers.count(totals["n_calls"]), width="content")
        st.metric("tokens in", numbers.tokens(totals["n_input_tokens"]), width="content")
        st.metric("tokens out", numbers.tokens(totals["n_output_tokens"]), width="content")
        st.metric("paid", word_dollars(totals["paid_usd"], totals["n_unpriced"]), width="content")
        if n_accepted:
            st.metric("tokens per accepted", numbers.tokens(n_tokens / n_accepted), width="content")
            if totals["nominal_usd"] is not None and totals["nominal_usd"] > 0:
                st.metric("per accepted", numbers.dollars(totals["nominal_usd"] / n_accepted), width="content")
    for note in list_notes(totals):
        st.caption(f":material/info: {note}")
    by_role = hub.store.total_calls_by_purpose(run_id)
    if len(by_role) > 1:
        with st.expander("By role"):
            _draw_roles(by_role)


def list_notes(totals: Mapping[str, Any]) -> list[str]:
    """Return what must be said beside the numbers: calls without a price, without a count, failed, from the cache."""
    notes = []
    if totals["n_cached"]:
        notes.append(f"{numbers.counted(totals['n_cached'], 'call')} answered from the cache, for nothing.")
    if totals["n_failed"]:
        notes.append(f"{numbers.counted(totals['n_failed'], 'call')} ended without a reply.")
    if totals["n_uncounted"]:
        notes.append(f"The server did not count the tokens of {numbers.counted(totals['n_uncounted'], 'call')}.")
    if totals["n_unpriced"]:
        notes.append(f"What {numbers.counted(totals['n_unpriced'], 'call')} cost is unknown: see Prices.")
    return notes


def word_dollars(usd: float | None, n_unpriced: int = 0) -> str:
    """Return what was paid: ``$0.12``, ``unknown price``, or ``$0.12 and more`` where a part is unknown."""
    if numbers.is_missing(usd):
        return "unknown price"
    return f"{numbers.dollars(usd)} and more" if n_unpriced else numbers.dollars(usd)


def _draw_roles(rows: pd.DataFrame) -> None:
    right = {"alignment": "right", "width": "small"}
    table = rows.assign(
        calls=rows["n_calls"].map(numbers.count),
        tokens_in=rows["n_input_tokens"].map(numbers.tokens),
        tokens_out=rows["n_output_tokens"].map(numbers.tokens),
        paid=[word_dollars(row["paid_usd"], row["n_unpriced"]) for row in rows.to_dict("records")],
    )
    st.dataframe(
        table,
        hide_index=True,
        column_order=["purpose", "teacher", "calls", "tokens_in", "tokens_out", "paid"],
        column_config={
            "purpose": "role",
            "teacher": "model",
            "calls": st.column_config.TextColumn("calls", **right),
            "tokens_in": st.column_config.TextColumn("tokens in", **right),
            "tokens_out": st.column_config.TextColumn("tokens out", **right),
            "paid": st.column_config.TextColumn("paid", **right),
        },
    )


def draw_prices(home: Path) -> None:
    """Draw the prices: a person's own, to be edited, and those that are shipped."""
    with st.popover("Prices", icon=":material/sell:"):
        st.caption(
            "US dollars for a million tokens. Your own come first; the first that fits a model and a host counts, and "
            "`*` stands for any part. What no line fits has an unknown price; write 0 where nothing is paid."
        )
        with show_errors():
            own = to_frame(read_own_prices(home))
            edited = st.data_editor(own, num_rows="dynamic", hide_index=True, key="own_prices")
            if st.button("Keep these prices", key="keep_prices"):
                rows = edited.astype(object).where(edited.notna(), None).to_dict("records")
                write_prices(home, rows)
                st.toast("Kept. Runs that were started before keep the prices of their start.")
        st.caption("Shipped, as read on the day named:")
        st.dataframe(to_frame(read_shipped()), hide_index=True)
        st.caption(plain("Check them before you rely on them."))


def to_frame(prices: tuple[Price, ...] | list[Price]) -> pd.DataFrame:
    """Return prices as a table of PRICE_COLUMNS."""
    frame = pd.DataFrame([{name: getattr(price, name) for name in PRICE_COLUMNS} for price in prices])
    frame = frame.reindex(columns=list(PRICE_COLUMNS))
    texts = ["model", "host", "date", "source"]
    numbers_ = ["input", "cached_input", "output"]
    return frame.astype({**dict.fromkeys(texts, "str"), **dict.fromkeys(numbers_, "float64")})
