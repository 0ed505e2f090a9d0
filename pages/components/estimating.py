"""What a run would take, said in two lines beside the button that starts it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.generation.preview import Spread
from core.recipes.previewing import RunPreview
from core.teacher.budget import bound_input
from pages.components import numbers
from pages.components.limiting import word_budget
from pages.components.text import plain

MANY_PER_SEED = 4
"""Accepted candidates from one seed, on average, above which it is said that they grow alike."""


def draw_estimate(preview: RunPreview, config: Mapping[str, Any]) -> None:
    """Draw requests, tokens and dollars of a run that has not been started, each with its spread.

    Args:
        preview: of the run.
        config: of the run.
    """
    if preview.n_failed:
        st.warning(word_failed(preview.n_failed), icon=":material/error:")
    if preview.n_seeds and config["n_accepted"] > MANY_PER_SEED * preview.n_seeds:
        st.warning(word_many(preview, config["n_accepted"], config["max_requests"]), icon=":material/stacks:")
    whole = preview.whole
    asked = (
        f"Some {numbers.counted(whole.n_requests, 'request')} for {numbers.counted(whole.n_candidates, 'candidate')}"
    )
    share = f"at {numbers.percent(preview.acceptance)} accepted"
    known = (
        f"{share}, as in {numbers.count(preview.n_judged)} before"
        if preview.n_judged
        else f"{share} (assumed: too little is known from such runs)"
    )
    tokens = f"{word_spread(whole.n_input)} tokens in, {word_spread(whole.n_output)} out"
    basis = "as such calls took before" if preview.each.is_from_use else "estimated from the seeds"
    st.caption(f"{asked}, {known}: {tokens}; {basis}.")
    st.caption(word_cost(preview))
    if ends := word_budget_end(preview, config):
        st.caption(f":material/savings: {ends}")
    if whole.is_limited:
        st.caption(":material/info: At this share the limit of four candidates for each one wanted ends the run first.")


def word_budget_end(preview: RunPreview, config: Mapping[str, Any]) -> str | None:
    """Return after how many candidates a budget ends the run; None where it does not, or there is none.

    A request is sent only while its worst case still fits, so about one worst case is left over in the end.
    """
    budget, whole = config.get("budget") or {}, preview.whole
    n_tokens = whole.n_input.middle + whole.n_output.middle
    takes = {"tokens": n_tokens, "usd": preview.usd.middle if preview.usd else 0}
    shares = [budget[name] / takes[name] for name in takes if budget.get(name) and takes[name]]
    if not shares:
        return None
    first = preview.calls[0].call.request
    n_candidates = int(whole.n_candidates * (min(shares) - (bound_input(first) + first.max_tokens) / n_tokens))
    if n_candidates >= whole.n_candidates:
        return None
    after = f"after about {numbers.count(n_candidates)} of" if n_candidates > 0 else "before the first of"
    return f"The budget of {word_budget(budget)} ends it {after} {numbers.counted(whole.n_candidates, 'candidate')}."


def word_failed(n: int) -> str:
    """Return that every candidate asked for in the same way failed, and that the estimate does not go by them."""
    asked = "The one candidate" if n == 1 else f"All {numbers.count(n)} candidates"
    return f"{asked} asked for in this way before failed; the run says why. The estimate assumes that none does now."


def word_many(preview: RunPreview, n_accepted: int, most: int) -> str:
    """Return what it means to ask for far more than there are seeds, and what the most that is asked for would cost."""
    per_seed = numbers.count(n_accepted / preview.n_seeds)
    share = most / preview.whole.n_candidates
    n_tokens = numbers.tokens(share * (preview.whole.n_input.high + preview.whole.n_output.high))
    price = "at an unknown price" if preview.usd is None else f"and {plain(numbers.dollars(share * preview.usd.high))}"
    return (
        f"{per_seed} from each of {numbers.counted(preview.n_seeds, 'seed')}: they grow alike, and filters reject what "
        f"is; the run ends at {numbers.count(most)} candidates at the latest, for up to {n_tokens} tokens {price}."
    )


def word_spread(spread: Spread) -> str:
    """Return ``12.3k (9.8k–15.0k)``."""
    return f"{numbers.tokens(spread.middle)} ({numbers.tokens(spread.low)}–{numbers.tokens(spread.high)})"


def word_cost(preview: RunPreview) -> str:
    """Return what the run would cost, in one sentence."""
    if preview.usd is None:
        return f"Unknown price: {plain(', '.join(preview.unpriced))}; give it where the server is named."
    if preview.usd.high == 0:
        return "Nothing is paid for it."
    low, middle, high = (numbers.dollars(each) for each in (preview.usd.low, preview.usd.middle, preview.usd.high))
    return f"About **{plain(middle)}** ({plain(low)}–{plain(high)}), less what is in the cache already."
