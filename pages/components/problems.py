"""Problems and candidates as people read them: mathematics rendered, nothing else of the text obeyed."""

import streamlit as st

from pages.components.text import plain, to_markdown


def draw_problem(
    question: str | None, answer: str | None, final: str | None = None, *, title: str = "Question"
) -> None:
    """Draw a problem as a card: question, worked answer, final answer."""
    with st.container(border=True):
        st.caption(title)
        st.markdown(to_markdown(question))
        if answer and answer == answer:
            st.caption("Answer")
            st.markdown(to_markdown(answer))
        if final and final == final:
            st.caption(f"Final answer: **{plain(final)}**")
