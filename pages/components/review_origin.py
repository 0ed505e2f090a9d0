"""Where a candidate comes from, on demand: the messages that were sent for it, what they cost, who chose its seed."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.hub import Hub
from core.recipes.tracing import Sent, Trace, find_chooser, trace_candidate
from pages.components import numbers
from pages.components.frame import name_run
from pages.components.sending import ROLE_ICONS, draw_text
from pages.components.text import plain


@st.dialog("Where it comes from", width="large")
def draw_origin(hub: Hub, record: Mapping[str, Any]) -> None:
    """Draw who made a candidate, from what, in which run, and every message that was sent for it.

    Args:
        hub: of the home.
        record: of ``read_records``.
    """
    run = hub.store.read_run(record["run_id"])
    if run is None:
        st.info("Its run is in the trash.")
        return
    trace = trace_candidate(hub, record)
    how = f"by {plain(record['teacher'])}, method {plain(record['method'])}"
    facts = {
        "Run": f"[{plain(name_run(run))}](/runs?run={run['run_id']})",
        "Made": f"{numbers.moment(record['written_at'])}, {how}"
        + (f", round {record['round']}" if record["kind"] == "loop" else ""),
        "Seed": _say_seed(hub, record, run),
        "Tokens": _say_tokens(record, trace),
        "Cost": _say_cost(trace),
        "Prompts": ", ".join(
            f"{plain(name)} (version {plain(prompt['version'])})"
            for name, prompt in (run["config"].get("prompts") or {}).items()
        ),
    }
    st.markdown("\n".join(f"- :gray[{name}] {words}" for name, words in facts.items() if words))
    if trace.fault:
        st.info(f"What was sent cannot be told. {plain(trace.fault)}", icon=":material/info:")
        for text in filter(None, (record["raw_question"], record["raw_answer"])):
            _draw_reply(text)
    for sent in trace.sent:
        _draw_sent(sent)


def _say_seed(hub: Hub, record: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """Return from which seeds, and who chose them."""
    seeds = ", ".join(f"`{parent['problem_id']}`" for parent in record["parent_problems"]) or "none"
    chooser = find_chooser(hub, run, record["round"])
    if chooser is None or not record["parents"]:
        return seeds
    by = f"{seeds}, chosen by {plain(chooser['selector'])}"
    if numbers.is_missing(chooser["student"]) or not chooser["source"]:
        return by
    adapter = f", with the adapter `{chooser['adapter']}`" if chooser["adapter"] else ", without an adapter"
    return f"{by} in the eyes of {plain(chooser['source'])} ({plain(chooser['student'])}{adapter})"


def _say_tokens(record: Mapping[str, Any], trace: Trace) -> str:
    """Return how many tokens it took; empty where nobody counted, as of what was brought from elsewhere."""
    tokens = (record["n_input_tokens"], record["n_output_tokens"])
    if None in tokens:
        return ""
    shared = f" (its share of a call that brought {trace.n_shared})" if trace.n_shared > 1 else ""
    return f"{numbers.tokens(tokens[0])} in, {numbers.tokens(tokens[1])} out{shared}"


def _say_cost(trace: Trace) -> str:
    """Return what its calls cost as if nothing had been cached, and what was paid; empty where that is not known."""
    calls = [sent.call for sent in trace.sent]
    if not calls or None in calls:
        return ""
    shared = f" (the first call brought {trace.n_shared} candidates)" if trace.n_shared > 1 else ""
    words = []
    for name, word in (("nominal_usd", "at its price"), ("paid_usd", "paid")):
        known = [call[name] for call in calls if call[name] is not None]
        words.append(f"{plain(numbers.dollars(sum(known)))} {word}" if len(known) == len(calls) else f"unknown {word}")
    return ", ".join(words) + shared


def _draw_sent(sent: Sent) -> None:
    """Draw one request: what was sent, the reply untouched, and its line of the ledger."""
    request, call = sent.request, sent.call
    if call is None:
        st.warning(
            f"The request for the {request.purpose} as it would be made now: its run's ledger has none of this text, "
            "so nothing proves that it is what was sent.",
            icon=":material/question_mark:",
        )
    else:
        how = "from the cache" if call["is_cached"] else f"in {numbers.duration(call['seconds'] or 0)}"
        who = f"{call['teacher']} at {call['host']}" if call["host"] else call["teacher"]
        st.markdown(
            f"**Asked for the {plain(request.purpose)}**, {numbers.moment(call['written_at'])}: {plain(who)}, "
            f"temperature {request.temperature:g}, {how}, "
            f"{numbers.tokens(call['n_input_tokens'])} tokens in, {numbers.tokens(call['n_output_tokens'])} out. "
            f":green[:material/verified:] Word for word what was sent (`{call['call_id']}`)."
        )
    for message in request.list_messages():
        st.caption(f"{ROLE_ICONS[message['role']]} {message['role']}")
        draw_text(message["content"])
    _draw_reply(sent.reply)


def _draw_reply(text: str) -> None:
    st.caption(":material/reply: the reply, untouched")
    draw_text(text or "–")
