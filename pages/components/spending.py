"""What a run's requests took and cost so far, by role and one by one; the table of prices, which a person can edit.

A request is a row of the ledger (``calls`` in the store); a method's call, elsewhere, may take several.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.recipes.pushbacks import read_pushbacks
from core.recipes.teachers import read_frozen_prices
from core.runs.folder import RunFolder
from core.teacher.endpoint import Endpoint
from core.teacher.prices import Price, read_own_prices, read_shipped, set_price, word_price, write_prices
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.text import plain

N_REQUESTS = 500
"""Requests that are listed one by one, at most."""

N_ERRORS = 3
"""Errors that are told in full above that list, the most frequent ones."""

WIDTHS = {
    "at": 60, "role": 80, "model": 120, "end": 80, "error": 320, "in": 65, "out": 65, "paid": 85, "took": 90,
    "sent": 70,
}  # fmt: skip
"""Columns of the list of requests, and their widths in pixels: the words in them are known."""

RIGHT = frozenset({"in", "out", "paid", "took"})
"""Columns of numbers."""

ENDS = {"stop": "whole", "length": "cut off", "content_filter": "withheld", "refusal": "refused"}
"""How a reply ended -> what people read."""

PRICE_COLUMNS = ("model", "host", "input", "output", "cached_input", "date", "source")


def draw_spending(hub: Hub, run_id: str, n_accepted: int) -> None:
    """Draw tokens and dollars of a run so far, per accepted candidate too, and by role where there are several."""
    totals = hub.store.total_calls(run_id)
    if not totals or not totals["n_calls"]:
        return
    n_tokens = totals["n_input_tokens"] + totals["n_output_tokens"]
    with st.container(horizontal=True, gap="medium"):
        st.metric("requests", numbers.count(totals["n_calls"]), width="content")
        st.metric("tokens in", numbers.tokens(totals["n_input_tokens"]), width="content")
        st.metric("tokens out", numbers.tokens(totals["n_output_tokens"]), width="content")
        st.metric("paid", word_dollars(totals["paid_usd"], totals["n_unpriced"]), width="content")
        if n_accepted:
            st.metric("tokens per accepted", numbers.tokens(n_tokens / n_accepted), width="content")
            if totals["nominal_usd"] is not None and totals["nominal_usd"] > 0:
                st.metric("per accepted", numbers.dollars(totals["nominal_usd"] / n_accepted), width="content")
    folder = RunFolder(hub.settings.home / "runs" / run_id)
    for note in [*list_notes(totals), *list_pushbacks(folder), *list_frozen_prices(folder)]:
        st.caption(f":material/info: {note}")
    by_role = hub.store.total_calls_by_purpose(run_id)
    if len(by_role) > 1:
        with st.expander("By role"):
            _draw_roles(by_role)


def list_notes(totals: Mapping[str, Any]) -> list[str]:
    """Return what must be said beside the numbers: requests from the cache, failed, not counted, without a price."""
    notes = []
    if totals["n_cached"]:
        notes.append(f"{numbers.counted(totals['n_cached'], 'request')} answered from the cache, for nothing.")
    if totals["n_failed"]:
        notes.append(f"{numbers.counted(totals['n_failed'], 'request')} ended without a reply.")
    if totals["n_uncounted"]:
        n_uncounted = numbers.counted(totals["n_uncounted"], "request")
        notes.append(
            f"The server did not count the tokens of {n_uncounted}, a filtered prompt, say: what that cost is unknown, "
            "and a budget counts the most that it can have taken."
        )
    if totals["n_under_way"]:
        notes.append(f"{numbers.counted(totals['n_under_way'], 'request')} without an end yet.")
    n_unpriced = totals["n_unpriced"] - totals["n_under_way"] - totals["n_uncounted"]
    if n_unpriced > 0:
        why = "no price, or no reply; see Prices and the requests one by one"
        notes.append(f"What {numbers.counted(n_unpriced, 'request')} cost is unknown: {why}.")
    return notes


def list_pushbacks(folder: RunFolder) -> list[str]:
    """Return for each server that held a run back how often, and how many requests it is asked at the same time."""
    return [
        f"{plain(name)} pushed back {numbers.counted(one.n, 'time')} (status 429, 503 or 529); what it pushed back "
        f"was sent again. It was last sent up to {numbers.counted(one.limit, 'request')} at once, of "
        f"{numbers.count(one.ceiling)} at most."
        for name, one in read_pushbacks(folder).items()
    ]


def list_frozen_prices(folder: RunFolder) -> list[str]:
    """Return the prices that a run's costs are reckoned with, with their dates and sources."""
    known = {name: price for name, price in (read_frozen_prices(folder) or {}).items() if price is not None}
    return [f"{plain(name)}: {plain(word_price(price))}." for name, price in known.items()]


def draw_calls(hub: Hub, run_id: str) -> None:
    """Draw the requests of a run one by one, folded; read only while they are open, for a run may have thousands.

    Nothing is drawn for a run that has sent none.
    """
    totals = hub.store.total_calls(run_id)
    if not totals or not totals["n_calls"]:
        return
    fold = st.expander("Requests one by one", key=f"calls_{run_id}", on_change="rerun", icon=":material/receipt_long:")
    if not fold.open:
        return
    with fold:
        rows = list_requests(hub, run_id, are_failed_first=bool(totals["n_failed"]) and _draw_order(run_id, totals))
        if len(rows) == N_REQUESTS:
            st.caption(f"The first {numbers.count(N_REQUESTS)}.")
        for error, n in rows["error"].value_counts().head(N_ERRORS).items():
            st.caption(f":material/error: {numbers.count(n)} × {plain(error)}")
        _draw_requests(rows, run_id)


def list_requests(hub: Hub, run_id: str, *, are_failed_first: bool) -> pd.DataFrame:
    """Return the columns of ``store.list_calls``, newest first, or those that failed before all others."""
    if not are_failed_first:
        return hub.store.list_calls(run_id, limit=N_REQUESTS)
    failed = hub.store.list_calls(run_id, has_failed=True, limit=N_REQUESTS)
    others = hub.store.list_calls(run_id, limit=N_REQUESTS)
    parts = [part for part in (failed, others[others["error"].isna()]) if not part.empty]
    return pd.concat(parts, ignore_index=True).head(N_REQUESTS)


def _draw_order(run_id: str, totals: Mapping[str, Any]) -> bool:
    return st.toggle(f"Failed ones first ({numbers.count(totals['n_failed'])})", True, key=f"failed_first_{run_id}")


def _draw_requests(rows: pd.DataFrame, run_id: str) -> None:
    """Draw requests as a table of texts."""
    records = rows.to_dict("records")
    table = pd.DataFrame(
        {
            "at": rows["written_at"].map(numbers.moment),
            "role": rows["purpose"],
            "model": rows["teacher"],
            "end": [_word_end(row) for row in records],
            "error": rows["error"].fillna("").astype(str),
            "in": rows["n_input_tokens"].map(numbers.tokens),
            "out": rows["n_output_tokens"].map(numbers.tokens),
            "paid": [word_paid(row) for row in records],
            "took": rows["seconds"].map(numbers.duration),
            "sent": ["cached" if _is_cached(row) else numbers.count(row["n_attempts"]) for row in records],
        }
    )
    if not table["error"].any():
        table = table.drop(columns="error")
    config = {
        name: st.column_config.TextColumn(name, width=width, alignment="right" if name in RIGHT else "left")
        for name, width in WIDTHS.items()
        if name in table
    }
    config["sent"] = st.column_config.TextColumn(
        "sent", width=WIDTHS["sent"], alignment="right", help="Times that it was sent."
    )
    st.dataframe(
        table,
        hide_index=True,
        height=min(38 + 35 * len(table), 283),
        key=f"requests_{run_id}",
        column_config=config,
    )


def _word_end(row: Mapping[str, Any]) -> str:
    """Return how a request ended, in a word; one that is open is on its way, or was when its run was killed."""
    if not numbers.is_missing(row["error"]):
        return "failed"
    if row["is_open"]:
        return "open"
    return ENDS.get(row["finish_reason"], row["finish_reason"])


def _is_cached(row: Mapping[str, Any]) -> bool:
    return not numbers.is_missing(row["is_cached"]) and bool(row["is_cached"])


def word_paid(row: Mapping[str, Any]) -> str:
    """Return what was paid for one request, ``unknown`` where nobody knows, a dash where it has no end yet."""
    if _is_cached(row):
        return "$0"
    if row["is_open"]:
        return numbers.MISSING
    return "unknown" if numbers.is_missing(row["paid_usd"]) else numbers.dollars(row["paid_usd"])


def word_dollars(usd: float | None, n_unpriced: int = 0) -> str:
    """Return what was paid: ``$0.12``, ``unknown price``, or ``$0.12 and more`` where a part is unknown."""
    if numbers.is_missing(usd):
        return "unknown price"
    return f"{numbers.dollars(usd)} and more" if n_unpriced else numbers.dollars(usd)


def _draw_roles(rows: pd.DataFrame) -> None:
    right = {"alignment": "right", "width": "small"}
    table = rows.assign(
        requests=rows["n_calls"].map(numbers.count),
        tokens_in=rows["n_input_tokens"].map(numbers.tokens),
        tokens_out=rows["n_output_tokens"].map(numbers.tokens),
        paid=[word_dollars(row["paid_usd"], row["n_unpriced"]) for row in rows.to_dict("records")],
    )
    st.dataframe(
        table,
        hide_index=True,
        column_order=["purpose", "teacher", "requests", "tokens_in", "tokens_out", "paid"],
        column_config={
            "purpose": "role",
            "teacher": "model",
            "requests": st.column_config.TextColumn("requests", **right),
            "tokens_in": st.column_config.TextColumn("tokens in", **right),
            "tokens_out": st.column_config.TextColumn("tokens out", **right),
            "paid": st.column_config.TextColumn("paid", **right),
        },
    )


def draw_price(home: Path, endpoint: Endpoint, *, key: str) -> None:
    """Draw a form for what a model costs at its server, folded; a price that is kept comes before all others.

    Args:
        home: the workspace.
        endpoint: its model and host are filled in.
        key: names the form on its page.
    """
    popover = st.popover("Its price", icon=":material/sell:")
    with popover, st.form(f"{key}_price_{endpoint}", border=False), show_errors():
        model = st.text_input("Model", endpoint.model, help="`*` stands for any part.")
        host = st.text_input("Host", urlsplit(endpoint.base_url).netloc, help="Without a port: all ports.")
        st.caption("US dollars for a million tokens; 0 where nothing is paid.")
        amounts = {"input": ("In", "?"), "output": ("Out", "?"), "cached_input": ("In its cache", "as in")}
        row = {
            name: place.number_input(label, 0.0, None, None, 0.01, format="%.4g", placeholder=if_none)
            for place, (name, (label, if_none)) in zip(st.columns(3), amounts.items(), strict=True)
        }
        source = st.text_input("Where it stands", placeholder="an address; optional")
        if st.form_submit_button("Keep this price", help="It comes before all others, with the day of today."):
            kept = set_price(home, {"model": model, "host": host, **row, "source": source})
            st.toast(plain(f"Kept for {kept.model} at {kept.host}: {word_price(kept)}."))


def word_known_price(price: Price | None) -> str:
    """Return the price of whoever is asked as Markdown; None: unknown."""
    if price is None:
        return "Its price is unknown: give it by **Its price**, or a budget in dollars cannot be kept."
    return f"It costs {plain(word_price(price))}."


def draw_prices(home: Path) -> None:
    """Draw the prices: a person's own, to be edited, and those that are shipped."""
    with st.popover("Prices", icon=":material/sell:"):
        st.caption(
            "US dollars for a million tokens. Your own come first; the first that fits a model and a host counts, and "
            "`*` stands for any part. What no line fits has an unknown price; write 0 where nothing is paid."
        )
        with show_errors():
            own = to_frame(read_own_prices(home))
            edited = st.data_editor(
                own, num_rows="dynamic", hide_index=True, key="own_prices", column_config=_make_price_columns()
            )
            if st.button("Keep these prices", key="keep_prices"):
                rows = edited.astype(object).where(edited.notna(), None).to_dict("records")
                kept = write_prices(home, rows)
                told = "; ".join(f"{price.model} at {price.host}: {word_price(price)}" for price in kept)
                st.toast(plain(f"Kept: {told or 'no price of your own'}. Earlier runs keep the prices of their start."))
        st.caption("Shipped, as read on the day named; check them before you rely on them:")
        with st.container(height=260):
            lines = (
                f"**{plain(price.model)}** at {plain(price.host)}: {plain(word_price(price))}"
                for price in read_shipped()
            )
            st.caption("\n".join(f"- {line}" for line in lines))


def _make_price_columns() -> dict[str, Any]:
    """Return how a person's own prices are drawn: what matters most fits on a narrow screen."""
    amounts = {"input": "in, $", "output": "out, $", "cached_input": "cached, $"}
    return {
        "model": st.column_config.TextColumn("model", width=120),
        "host": st.column_config.TextColumn("host", width=115),
        **{
            name: st.column_config.NumberColumn(label, width=75 + 25 * (name == "cached_input"), min_value=0.0)
            for name, label in amounts.items()
        },
        "date": st.column_config.TextColumn("as of", width=95),
        "source": st.column_config.TextColumn("source", width=200),
    }


def to_frame(prices: tuple[Price, ...] | list[Price]) -> pd.DataFrame:
    """Return prices as a table of PRICE_COLUMNS."""
    frame = pd.DataFrame([{name: getattr(price, name) for name in PRICE_COLUMNS} for price in prices])
    frame = frame.reindex(columns=list(PRICE_COLUMNS))
    texts = ["model", "host", "date", "source"]
    numbers_ = ["input", "cached_input", "output"]
    return frame.astype({**dict.fromkeys(texts, "str"), **dict.fromkeys(numbers_, "float64")})
