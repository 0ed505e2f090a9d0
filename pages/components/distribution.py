"""How one raw signal of the chosen seeds lies against the pool, chance and an earlier round; a range to look at."""

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.analysis.accuracy import correlate_loss_with_error
from core.figures.colours import NEUTRAL, Style, style_of_selector
from core.figures.histograms import Group, draw_signal
from core.hub import Hub
from core.recipes.selecting import read_earlier
from core.selection import SELECTORS, Selection
from core.signals import SIGNALS
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.frame import follow_address, tell_address, tell_apart
from pages.components.pool_table import list_score_columns

EARLIER_STYLE = Style("#B5588F", "dot")


def draw_distribution(
    hub: Hub,
    seed_set: str,
    frame: pd.DataFrame,
    selection: Selection,
    at_random: np.ndarray,
    selector: str,
    scores_key: str,
) -> tuple[str | None, tuple[float, float] | None]:
    """Draw one raw signal: all, at random, chosen, an earlier round; returns it and the range that was taken.

    Args:
        hub: of the home.
        seed_set: id.
        frame: of ``recipes.selecting.read_pool``.
        selection: what is chosen.
        at_random: (k,) int64, rows that chance takes.
        selector: name.
        scores_key: says whose scores these are; a range that was taken is forgotten with them.

    Returns:
        The signal, and the lowest value of the range and the first one above it, None where all are shown.
    """
    columns = list_score_columns(frame)
    if not columns:
        st.info("A random choice reads no signal. Let the student answer the seeds to see how hard they are for it.")
        return None, None
    needs = [name for name in columns if name in SELECTORS.get(selector).needs]
    left, right = st.columns(2, vertical_alignment="bottom")
    name = left.selectbox("Signal", columns, columns.index((needs or columns)[0]), key=f"signal_of_{selector}")
    earlier = choose_earlier(hub, seed_set, right)
    values = frame[name].to_numpy(dtype=float, na_value=np.nan)
    groups = [
        Group(f"{len(at_random)} at random", values[at_random], NEUTRAL),
        Group(f"{len(selection.indices)} by {selector}", values[selection.indices], style_of_selector(selector)),
    ]
    if earlier is not None:
        then = read_earlier(hub, earlier["run_id"], int(earlier["round"]), name)
        groups.append(Group(f"{len(then)} of the earlier choice, then", then, EARLIER_STYLE))
    signal = SIGNALS.get(name)
    figure = draw_signal(
        values,
        groups,
        title=signal.title,
        axis=f"{name}, {'length' if signal.is_vector else signal.unit or 'value'}",
        view=f"{name}/{selector}",
    )
    again = st.session_state.setdefault("n_ranges_cleared", 0)
    limits = draw_chart(figure, key=f"signal_{name}_{again}_{scores_key}", has_range=True)
    if limits is not None:
        limits = fit_to_bins(limits, np.array(figure["layout"]["meta"]["edges"]))
    if limits is not None and st.button("Show all values again", key="clear_range", icon=":material/filter_alt_off:"):
        st.session_state["n_ranges_cleared"] += 1
        st.rerun()
    st.caption(_say_how_to_read(name, values, frame, limits))
    return name, limits


def fit_to_bins(limits: tuple[float, float], edges: np.ndarray) -> tuple[float, float]:
    """Return the lowest value of a range and the first one above it: of all bins that it touches, whole.

    So a clicked bar gives the problems that it counts. Bins hold their lower edge and not their upper one, which
    belongs to the next; the last one holds both.

    Args:
        limits: ends of what was clicked, which are edges but for rounding, or of what was dragged over.
        edges: (n_bins + 1,) float64 of the bins.
    """
    within = 1e-6 * (edges[1] - edges[0])
    first = int(np.clip(np.searchsorted(edges, limits[0] + within, "right") - 1, 0, len(edges) - 2))
    last = int(np.clip(np.searchsorted(edges, limits[1] - within, "left"), first + 1, len(edges) - 1))
    low, high = float(edges[first]), float(edges[last])
    return low, float(np.nextafter(high, np.inf)) if last == len(edges) - 1 else high


def _say_how_to_read(name: str, values: np.ndarray, frame: pd.DataFrame, limits: tuple[float, float] | None) -> str:
    """Say what can be done with the figure, and what the loss tells of what is hard."""
    how = "Click a bar, or drag over some, to see those problems below." if limits is None else ""
    if name == "loss" and (told := correlate_loss_with_error(values, frame["correct"].to_numpy())) is not None:
        how += (
            f" Rank correlation of the loss with being wrong: {told:.2f} over all answers (0: it tells nothing of what "
            "is hard; 1: the most it can)."
        )
    return how


def choose_earlier(hub: Hub, seed_set: str, place: DeltaGenerator) -> dict | None:
    """Let a person lay an earlier selection of this seed set over the present ones."""
    rows = hub.store.list_selections(seed_set).to_dict("records")
    by_key = {f"{row['run_id']}/{row['round']}": row for row in rows}
    if not by_key:
        return None

    def shown(key: str) -> str:
        row = by_key[key]
        return (
            f"{row['selector']}, {numbers.count(row['k'])}, round {row['round']}, {numbers.moment(row['written_at'])}"
        )

    box = f"earlier_{seed_set}"
    follow_address("earlier", box, {key: key for key in by_key}.get)
    key = place.selectbox(
        "Over it, an earlier choice",
        [None, *by_key],
        key=box,
        format_func=tell_apart([None, *by_key], lambda key: "none" if key is None else shown(key)),
    )
    tell_address("earlier", box, key or "", "")
    return by_key.get(key)
