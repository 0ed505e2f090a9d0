"""Whether a page is presented: the address says so (``present=1``), and the shell then draws nothing around it."""

import streamlit as st

PARAM = "present"


def is_presenting() -> bool:
    """Say whether the address asks for the presenting view."""
    return st.query_params.get(PARAM) == "1"
