"""What a run would take, said in two lines beside the button that starts it."""

import streamlit as st

from core.generation.preview import Spread
from core.recipes.previewing import RunPreview
from pages.components import numbers
from pages.components.text import plain


def draw_estimate(preview: RunPreview) -> None:
    """Draw requests, tokens and dollars of a run that has not been started, each with its spread."""
    whole = preview.whole
    asked = (
        f"Some {numbers.counted(whole.n_requests, 'request')} for {numbers.counted(whole.n_candidates, 'candidate')}"
    )
    share = f"at {numbers.percent(preview.acceptance)} accepted"
    known = f"{share}, as in {numbers.count(preview.n_judged)} before" if preview.n_judged else f"{share} (assumed)"
    tokens = f"{word_spread(whole.n_input)} tokens in, {word_spread(whole.n_output)} out"
    basis = "as such calls took before" if preview.each.is_from_use else "estimated from the seeds"
    st.caption(f"{asked}, {known}: {tokens}; {basis}.")
    st.caption(word_cost(preview))
    if whole.is_limited:
        st.caption(":material/info: At this share the limit of four candidates for each one wanted ends the run first.")


def word_spread(spread: Spread) -> str:
    """Return ``12.3k (9.8k–15.0k)``."""
    return f"{numbers.tokens(spread.middle)} ({numbers.tokens(spread.low)}–{numbers.tokens(spread.high)})"


def word_cost(preview: RunPreview) -> str:
    """Return what the run would cost, in one sentence."""
    if preview.usd is None:
        return f"Unknown price: {plain(', '.join(preview.unpriced))}; add it under Prices."
    if preview.usd.high == 0:
        return "Nothing is paid for it."
    low, middle, high = (numbers.dollars(each) for each in (preview.usd.low, preview.usd.middle, preview.usd.high))
    return f"About **{plain(middle)}** ({plain(low)}–{plain(high)}), less what is in the cache already."
