"""How a teacher is asked: the prompting method, its settings, and the prompt texts, which can be edited."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import streamlit as st

from core.errors import PromptError
from core.generation.base import METHODS, MethodSettings
from core.generation.forms import FORMS
from core.generation.free import PLACEHOLDERS
from core.reviewing.methods import MethodVerdicts, find_rejected_methods
from core.tasks.base import Task
from core.tasks.prompts import Prompts, find_slots, read_prompt_file
from pages.components import numbers
from pages.components.frame import choose
from pages.components.text import plain

USUAL = {each.name: each.default for each in fields(MethodSettings)}
PROMPT_HEIGHT = 260


@dataclass(frozen=True, slots=True)
class Asking:
    """What a person chose of the way to ask."""

    method: str
    settings: dict[str, Any]
    """Fields of MethodSettings that are not as they usually are."""

    prompts: dict[str, str] = field(default_factory=dict)
    """Name -> edited text."""

    fault: str | None = None
    """Which prompt cannot be filled, and why; None where all can."""


def draw_method(task: Task, verdicts: Sequence[MethodVerdicts] = ()) -> Asking:
    """Draw the choice of the method, its settings and its prompts.

    Args:
        task: of the seeds.
        verdicts: what people said of the candidates of methods, those rejected most often first.
    """
    method = choose(
        "Method",
        METHODS.names(),
        param="method",
        key="method",
        shown=lambda name: METHODS.get(name).title,
        usual="rewrite",
        persist_state="session",
    )
    member = METHODS.get(method)
    st.caption(f"{plain(member.source)}.")
    _draw_rejected(method, verdicts)
    chosen = {name: value for name, value in _draw_settings(member.uses).items() if value != USUAL[name]}
    settings = MethodSettings(**chosen)
    names = member.list_prompts(task, settings)
    edited, fault = _draw_prompts(names) if names else ({}, None)
    return Asking(method, chosen, edited, fault)


def _draw_rejected(method: str, verdicts: Sequence[MethodVerdicts]) -> None:
    """Say where candidates of a method are rejected by hand far more often than the others; louder of the chosen one.

    Args:
        method: that is chosen.
        verdicts: of ``count_verdicts``.
    """
    poor = find_rejected_methods(verdicts)
    if not poor:
        return
    others = [each for each in verdicts if each not in poor]
    parts = [f"{numbers.count(each.n_rejected)} of {numbers.count(each.n_judged)} of `{each.method}`" for each in poor]
    parts[0] += " were rejected by hand"
    parts += [
        f"{numbers.count(each.n_rejected)} of {numbers.count(each.n_judged)} of `{each.method}`" for each in others
    ]
    said = f"{'; '.join(parts)}."
    if method in [each.method for each in poor]:
        st.warning(said, icon=":material/thumb_down:")
    else:
        st.caption(f":material/thumb_down: {said}")


def _draw_settings(uses: frozenset[str]) -> dict[str, Any]:
    """Draw the settings that a method reads."""
    values: dict[str, Any] = {}
    if "has_seeds" in uses:
        values["has_seeds"] = not st.toggle(
            "Without seeds",
            key="without_seeds",
            persist_state="session",
            help="All are asked from one fixed prompt of the task, as in the paper.",
        )
    if "form" in uses:
        values["form"] = st.selectbox(
            "Asked as", list(FORMS), list(FORMS).index("vs_cot"), key="method_form", persist_state="session"
        )
    if "n_per_call" in uses:
        values["n_per_call"] = int(
            st.number_input(
                "Asked for by one call (k)", 1, 50, USUAL["n_per_call"], key="n_per_call", persist_state="session"
            )
        )
    if "tail" in uses:
        values["tail"] = st.number_input(
            "Stated probability below",
            0.001,
            1.0,
            None,
            0.05,
            format="%.3f",
            key="tail",
            persist_state="session",
            placeholder="any",
            help="The smaller, the further from what the model would say first; below 0.01 it becomes unstable.",
        )
    if "n_parents" in uses:
        values["n_parents"] = int(
            st.number_input("Parents of each", 1, 5, USUAL["n_parents"], key="n_parents", persist_state="session")
        )
    if "labels_skills" in uses:
        values["labels_skills"] = st.toggle("Ask for the skills too", key="labels_skills", persist_state="session")
    if "prompt" in uses:
        values["prompt"] = st.text_area(
            "Your prompt", _SUGGESTION, height=PROMPT_HEIGHT, key="free_prompt", persist_state="session"
        )
        with st.popover("Placeholders"):
            st.markdown("\n".join(f"- `{{{name}}}`: {what}" for name, what in PLACEHOLDERS.items()))
    if "temperature" in uses:
        values["temperature"] = st.number_input(
            "Temperature of the questions",
            0.0,
            2.0,
            None,
            0.1,
            key="method_temperature",
            persist_state="session",
            placeholder="the method's own",
        )
    return values


_SUGGESTION = """Here is a problem:
{question}

Its answer:
{answer}

Write one new problem that takes the same idea to another setting. Give the problem alone."""


def _draw_prompts(names: tuple[str, ...]) -> tuple[dict[str, str], str | None]:
    """Draw the prompt texts, folded; returns name -> edited text, and why one of them cannot be filled."""
    edited: dict[str, str] = {}
    marked = [name for name in names if _read_edit(name) is not None]
    with st.container():  # there in any case, and so is the fault's: an expander that changes place is closed
        if marked:  # beside the expander, not in its label: that would make another one of it, which is closed too
            st.caption(f"Edited: {plain(', '.join(marked))}.")
    with st.expander("Prompts", icon=":material/edit_note:"):
        for name, tab in zip(names, st.tabs(list(names)), strict=True):
            with tab:
                text = _draw_prompt(name)
                if text is not None:
                    edited[name] = text
    with st.container():
        try:
            Prompts(edited)
        except PromptError as error:
            st.error(plain(error), icon=":material/error:")
            return edited, str(error)
    return edited, None


def _draw_prompt(name: str) -> str | None:
    """Draw one prompt; returns its text where it is edited."""
    shipped = read_prompt_file(name)

    def reset() -> None:
        st.session_state[f"prompt_{name}"] = shipped.text

    st.caption(f"Version {plain(shipped.version)} · {plain(shipped.source)}")
    text = st.text_area(
        name, shipped.text, height=PROMPT_HEIGHT, key=f"prompt_{name}", label_visibility="collapsed",
        persist_state="session",
    )  # fmt: skip
    slots = ", ".join(f"`{{{slot}}}`" for slot in find_slots(shipped.text))
    st.caption(f"Filled in: {slots}. The text is kept with the run." if slots else "The text is kept with the run.")
    if text == shipped.text:
        return None
    st.button("As shipped", key=f"reset_{name}", on_click=reset, icon=":material/undo:")
    return text


def _read_edit(name: str) -> str | None:
    """Return the edited text of a prompt as the session has it; None where it is as shipped."""
    text = st.session_state.get(f"prompt_{name}")
    return None if text in (None, read_prompt_file(name).text) else text
