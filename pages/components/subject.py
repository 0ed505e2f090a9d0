"""The seed set in view: what a page shows belongs to one, the loop strip follows it, and the next page remembers it.

The address carries it as ``seeds``; links of the side bar drop that, so the session remembers it too.
"""

import pandas as pd
import streamlit as st

_MEMORY, _ASKED, _DRAWN = "seed_set_in_view", "strip_was_asked_for", "strip_shows"


def recall_seed_set() -> str | None:
    """Return the id in the address, else the one that this session looked at last; None at the beginning.

    It may be the id of a seed set that is not there yet, or no longer.
    """
    wanted = st.query_params.get("seeds") or st.session_state.get(_MEMORY)
    if wanted is not None:
        _remember(wanted)
    st.session_state[_ASKED] = wanted
    return wanted


def note_strip(seed_set_id: str | None) -> None:
    """Remember which seed set the strip shows."""
    st.session_state[_DRAWN] = seed_set_id


def keep_in_view(rows: pd.DataFrame, param: str) -> pd.DataFrame:
    """Return the rows of one seed set, and those about none: that of the run in the address, else that of the strip.

    Args:
        rows: with ``run_id`` and ``seed_set_id``.
        param: query parameter that names a run.
    """
    named = rows[rows["run_id"] == st.query_params.get(param)]["seed_set_id"].dropna()
    wanted = st.session_state.get(_DRAWN) if named.empty else named.iloc[0]
    return rows if wanted is None else rows[(rows["seed_set_id"] == wanted) | rows["seed_set_id"].isna()]


def view_seed_set(seed_set_id: str) -> None:
    """Make this the seed set in view; where the strip above shows another one, all is drawn again."""
    _remember(seed_set_id)
    if seed_set_id not in (st.session_state.get(_ASKED), st.session_state.get(_DRAWN)):
        st.rerun()


def _remember(seed_set_id: str) -> None:
    st.session_state[_MEMORY] = seed_set_id
    if st.query_params.get("seeds") != seed_set_id:
        st.query_params["seeds"] = seed_set_id
