"""What a run would send: the exact messages of its first calls, and the prompts that follow, before it is spent."""

import streamlit as st

from core.generation.preview import CallPreview
from core.recipes.previewing import RunPreview
from pages.components import numbers
from pages.components.text import plain

N_SHOWN = 3
"""Calls whose messages are shown."""

LINE, MOST_LINES, BOX_HEIGHT = 75, 14, 340
"""Characters of a line, lines above which a message stands in a box that scrolls, and its height."""

ROLE_ICONS = {"system": ":material/settings:", "user": ":material/person:", "assistant": ":material/smart_toy:"}


def draw_messages(preview: RunPreview) -> None:
    """Draw the messages of the first calls exactly as they are sent, a tab for each, and the later prompts."""
    calls = preview.calls[:N_SHOWN]
    st.caption(
        f"The first {numbers.counted(len(calls), 'call')} as they would be sent now; nothing has been sent. A later "
        "request of the same call is filled in from the reply before it."
    )
    for call, tab in zip(calls, st.tabs([f"Call {number}" for number in range(1, len(calls) + 1)]), strict=True):
        with tab:
            _draw_call(call)


def _draw_call(preview: CallPreview) -> None:
    """Draw one call: its sampling, its messages, and what is sent after them."""
    request = preview.call.request
    parts = [f"temperature {request.temperature:g}", f"{numbers.count(request.max_tokens)} tokens at most"]
    if request.top_p is not None:
        parts.append(f"top p {request.top_p:g}")
    if request.schema:
        parts.append("with a JSON schema, where the server keeps to one")
    st.caption(" · ".join(parts))
    for message in preview.messages:
        st.caption(f"{ROLE_ICONS[message['role']]} {message['role']}")
        draw_text(message["content"])
    for later in preview.later:
        times = f", {numbers.count(later.n_times)} times" if later.n_times > 1 else ""
        with st.expander(f"Then: {plain(later.purpose)}{times} ({plain(later.name)})"):
            draw_text(later.text)


def draw_text(text: str) -> None:
    """Draw a text letter by letter; a long one in a box that scrolls."""
    n_lines = sum(1 + len(line) // LINE for line in text.splitlines())
    st.code(text, language=None, wrap_lines=True, height=BOX_HEIGHT if n_lines > MOST_LINES else "content")
