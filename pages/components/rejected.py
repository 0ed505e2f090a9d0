"""The rows of a file that were not kept, with line and reason."""

import streamlit as st

from core.hub import Hub
from pages.components import numbers


def draw_rejected(hub: Hub, run_id: str, n_rejected: int | None = None, *, word: str = "rejected") -> None:
    """Draw the rows that an import did not keep, with line and reason; their number where it is not told."""
    rows = hub.store.list_rejected_rows(run_id)
    n_rejected = len(rows) if n_rejected is None else n_rejected
    if not n_rejected:
        return
    with st.expander(f"{numbers.counted(n_rejected, 'row')} {word}", icon=":material/rule:"):
        st.dataframe(rows, hide_index=True, column_order=["source", "line", "reason", "excerpt"], height=250)
        if len(rows) < n_rejected:
            st.caption(f"The first {numbers.count(len(rows))} of {numbers.count(n_rejected)}.")
