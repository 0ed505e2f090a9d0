"""What a comparison of prompting methods has measured: tables, diversity against cost, measures with intervals."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.methods import MEASURES
from core.figures.methods import draw_measure_panels, draw_trade_off
from core.generation.base import METHODS
from core.recipes.comparing_methods import Comparison
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.text import plain

PARTS = {"": "everything usable", "accepted_": "accepted only"}

ACROSS = {
    "n_tokens_per_accepted": ("Tokens per accepted", "tokens per accepted candidate, in and out"),
    "acceptance": ("Accepted", "accepted, % of what was asked for"),
    "usd_per_accepted": ("Dollars per accepted", "US dollars per accepted candidate"),
    "seconds_per_accepted": ("Seconds per accepted", "seconds per accepted candidate"),
}
"""What diversity may be held against: column -> what its button says, what the axis says."""

PANEL_WIDTH = 220
"""Pixels below which fewer panels stand side by side."""


def draw_measures(comparison: Comparison) -> None:
    """Draw the measures of a comparison that is done."""
    frame, summary = comparison.methods, comparison.run["summary"]
    frame = frame.assign(
        n_tokens_per_accepted=_add(frame, "n_input_tokens_per_accepted", "n_output_tokens_per_accepted")
    )
    for row in frame[frame["error"].notna()].to_dict("records"):
        st.warning(f"**{plain(name_method(row['method']))}** brought nothing: {plain(row['error'])}")
    if short := word_shortfall(frame, comparison.run["config"]["n_accepted"]):
        st.warning(short, icon=":material/balance:")
    st.subheader("What came, and what it cost", anchor=False)
    draw_texts(make_outcome_table(frame), key="methods_outcome", width=190)
    st.caption(
        "The last four columns are per accepted candidate: tokens as if nothing had been cached, and what failed and "
        "rejected ones took included, as in dollars and time. A dash is unknown: no price, no count, or replies from "
        "the cache, whose time tells nothing. Intervals of shares are Wilson's."
    )
    st.subheader("How diverse it is", anchor=False)
    part = st.segmented_control(
        "Measured over", list(PARTS), format_func=PARTS.get, default="", required=True, key="methods_part",
        persist_state="session",
    )  # fmt: skip
    _draw_trade_off(frame, part or "")
    titles = {name: name_method(name) for name in frame["method"]}
    with st.grid(3, min_column_width=PANEL_WIDTH, gap="xsmall"):
        for name, figure in draw_measure_panels(frame, titles, MEASURES, prefix=part or "").items():
            draw_chart(figure, key=f"methods_{name}")
    draw_texts(make_measure_table(frame, part or ""), key="methods_measures", width=220)
    st.caption(_describe_measures(summary, frame))
    _draw_asides(frame)
    _explain()


def word_shortfall(frame: pd.DataFrame, n_wanted: int) -> str | None:
    """Return how many candidates each method brought, and what that means; None where each brought all it was to.

    Args:
        frame: as ``compare_methods`` returns it.
        n_wanted: candidates asked for of each method.
    """
    if (frame["n_asked"] >= n_wanted).all():
        return None
    came = ", ".join(
        f"{plain(name_method(method))} {numbers.count(n)}"
        for method, n in zip(frame["method"], frame["n_asked"], strict=True)
    )
    are = "unequal numbers" if frame["n_asked"].nunique() > 1 else "fewer than asked for"
    return (
        f"The methods brought {are}: {came}, of {numbers.count(n_wanted)} each. Measures of diversity depend on how "
        "many texts there are, so they compare nothing fairly here."
    )


def _add(frame: pd.DataFrame, *columns: str) -> pd.Series:
    """Return the sum of columns; NaN where one of them is unknown."""
    return sum(pd.to_numeric(frame[column], errors="coerce") for column in columns)


def make_outcome_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per method as texts: counts, accepted with its interval, costs per accepted candidate."""
    return pd.DataFrame(
        [
            {
                "method": name_method(row["method"]),
                "failed": numbers.count(row["n_failed"]),
                "rejected": numbers.count(row["n_rejected"]),
                "accepted": f"{numbers.count(row['n_accepted'])} of {numbers.count(row['n_asked'])}",
                "share, 95 %": _word_share(row),
                "tokens in": numbers.tokens(row["n_input_tokens_per_accepted"]),
                "out": numbers.tokens(row["n_output_tokens_per_accepted"]),
                "$": numbers.dollars(row["usd_per_accepted"]),
                "time": numbers.duration(row["seconds_per_accepted"]),
            }
            for row in frame.to_dict("records")
        ]
    )


def _word_share(row: Mapping[str, Any]) -> str:
    """Return ``85.0 % (64.0 to 94.8)``."""
    if numbers.is_missing(row["acceptance"]):
        return numbers.MISSING
    low, high = 100 * row["acceptance_low"], 100 * row["acceptance_high"]
    return f"{numbers.percent(row['acceptance'])} ({low:.1f} to {high:.1f})"


def make_measure_table(frame: pd.DataFrame, prefix: str = "") -> pd.DataFrame:
    """Return one row per measure and one column per method as texts: value, and its interval where it has one."""
    rows = []
    for name, title in MEASURES.items():
        row = {"measure": title}
        for method in frame.to_dict("records"):
            value, low, high = (method[f"{prefix}{name}{end}"] for end in ("", "_low", "_high"))
            between = "" if numbers.is_missing(low) else f" ({numbers.score(low)} to {numbers.score(high)})"
            row[name_method(method["method"])] = f"{numbers.score(value)}{between}"
        rows.append(row)
    return pd.DataFrame(rows)


def _draw_trade_off(frame: pd.DataFrame, prefix: str) -> None:
    """Draw diversity against what it costs, as far as that is known."""
    columns = [name for name in ACROSS if pd.to_numeric(frame[name], errors="coerce").notna().any()]
    if "usd_per_accepted" in columns and not pd.to_numeric(frame["usd_per_accepted"], errors="coerce").any():
        columns.remove("usd_per_accepted")  # free: nothing to hold diversity against
    measures = [name for name in MEASURES if pd.to_numeric(frame[f"{prefix}{name}"], errors="coerce").notna().any()]
    if not columns or not measures:
        st.info("Too little came of it to hold diversity against anything.")
        return
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    with left:
        across = st.segmented_control(
            "Against", columns, format_func=lambda name: ACROSS[name][0], default=columns[0], required=True,
            key=f"methods_across_{'_'.join(columns)}",
        )  # fmt: skip
    measure = right.selectbox("Measure", measures, format_func=MEASURES.get, key="methods_measure")
    across = across or columns[0]
    shown = frame.copy()
    if across == "acceptance":
        for name in ("acceptance", "acceptance_low", "acceptance_high"):
            shown[name] = 100 * pd.to_numeric(shown[name], errors="coerce")
    figure = draw_trade_off(
        shown,
        {name: name_method(name) for name in frame["method"]},
        x=across,
        y=f"{prefix}{measure}",
        x_axis=ACROSS[across][1],
        y_axis=MEASURES[measure],
        title=MEASURES[measure],
    )
    draw_chart(figure, key="methods_trade_off")


def _describe_measures(summary: Mapping[str, Any], frame: pd.DataFrame) -> str:
    """Return what the measures of this comparison are made with, and what is missing."""
    encoder = summary.get("embedder")
    parts = [f"Meaning by {encoder}." if encoder else f"No distances in meaning: {plain(summary['embedder_fault'])}"]
    kind, n_kinds = summary.get("kind"), summary.get("n_kinds")
    if kind and n_kinds:
        parts.append(f"Kinds are the {numbers.count(n_kinds)} values of {plain(kind)} in the seed set.")
        parts.append(describe_kinds(frame))
    else:
        parts.append("The problems of this seed set name no kind, so none can be covered.")
    return " ".join(parts)


def describe_kinds(frame: pd.DataFrame) -> str:
    """Return whose kinds coverage counts.

    A rewrite is asked for within its seed's kind (Kessler 2025, appendix D.2), so it counts as that where it names
    none; then coverage tells which seeds brought something usable, and nothing of what the method would choose.
    """
    named = pd.to_numeric(frame["n_own_kinds"], errors="coerce").fillna(0)
    usable = pd.to_numeric(frame["n_usable"], errors="coerce").fillna(0)
    if not named.any():
        return (
            "No candidate named its own: each counts as its seed's, so coverage tells which seeds brought something, "
            "not what a method would choose."
        )
    told = "; ".join(
        f"{plain(name_method(method))} {numbers.count(n)} of {numbers.count(of)}"
        for method, n, of in zip(frame["method"], named, usable, strict=True)
    )
    rest = " A candidate that names none counts as its seed's." if (named < usable).any() else ""
    return f"Candidates that named their own: {told}.{rest}"


def _draw_asides(frame: pd.DataFrame) -> None:
    """Draw stated probabilities and wrong answers, for the methods that have them."""
    rows = frame.to_dict("records")
    stated = [row for row in rows if row["n_probabilities"]]
    if stated:
        table = pd.DataFrame(
            [
                {
                    "method": name_method(row["method"]),
                    "stated": numbers.count(row["n_probabilities"]),
                    "mean": numbers.score(row["probability_mean"]),
                    "sum per call": numbers.score(row["probability_sum"]),
                    "calls above 1": numbers.percent(row["probability_over_one"]),
                    "rank with accepted": numbers.score(row["probability_rank"]).replace("-", "−"),
                }
                for row in stated
            ]
        )
        st.markdown("**Stated probabilities**, raw as they were")
        draw_texts(table, key="methods_probabilities")
        st.caption(
            "What one call states are parts of one distribution, so their sum can be at most 1. The last column is the "
            "rank correlation of a stated probability with being accepted: near 0, it says nothing about that."
        )
    for row in rows:
        if not numbers.is_missing(row["wrong_rate"]):
            st.markdown(
                f"**{plain(name_method(row['method']))}**: {numbers.percent(row['wrong_rate'])} of the answers asked "
                f"for are wrong, as they were to be; different wrong answers are "
                f"{numbers.percent(row['wrong_coverage'])} of what was asked for, the mean over seeds."
            )


def name_method(name: str) -> str:
    """Return what people call a method; its own name where it is not there any more."""
    return METHODS.get(name).title if name in METHODS else name


def draw_texts(rows: pd.DataFrame, *, key: str, width: int | None = None) -> None:
    """Draw a table of texts whose first column is a name and whose others are numbers."""
    first, *rest = rows.columns
    config = {first: st.column_config.TextColumn(first, pinned=True, width=width)}
    config |= {name: st.column_config.TextColumn(name, alignment="right") for name in rest}
    st.dataframe(rows, hide_index=True, height="content", key=key, column_config=config)


def _explain() -> None:
    body = (
        "Distance in meaning is the mean of 1 − cosine (cut to 0 to 1) over pairs of texts, ROUGE-L the mean F over "
        "pairs: *same seed* within what was grown from one seed, as in the Verbalized Sampling paper, *all* over all "
        "pairs. Distinct-n is the share of different runs of n words among all. ROUGE-L falls as diversity rises, all "
        "others rise. Distinct-n and different texts also fall with the number of texts: compare them where as many "
        "were usable. Bars and brackets are 95 % intervals by drawing seeds again; with fewer than three seeds there "
        "is none. *Everything usable* holds what filters rejected: by what they leave, a method that repeats itself "
        "would look as diverse as any. Every method's candidates are filtered by themselves. "
        "`core.analysis.diversity`, `core.analysis.methods`."
    )
    with st.expander("How diversity is measured", icon=":material/functions:"):
        st.markdown(body)
