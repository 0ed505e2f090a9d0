"""The form for a student behind an OpenAI-compatible server, and a test of what that server really does.

The key is never typed: the form asks for the name of the environment variable that holds it. What a test found is
kept for the session, for each server, model and variable.
"""

import unicodedata
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from core.errors import TeacherError
from core.figures.colours import STATE_STYLES
from core.teacher.endpoint import DEFAULT_KEY_ENV, Endpoint
from core.teacher.prices import Price, find_price, read_prices
from core.teacher.probe import ProbeReport, ProbeRow, list_offered, probe, word_offer
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.spending import draw_price, word_known_price
from pages.components.text import plain

CHECKS = {
    "answers": "answers a request",
    "key": "accepts the key",
    "model": "knows the model",
    "usage": "counts tokens",
    "logprobs": "tells log-probabilities",
    "n": "several answers at once",
    "temperature": "temperature",
    "seed": "seed",
    "schema": "JSON by a schema",
}
"""Check of a probe -> what people read."""

NEWS = {"student": frozenset({"logprobs", "n", "temperature"}), "teacher": frozenset({"usage", "temperature"})}
"""Role of a server -> checks of which a failure is told by what it means for that role."""

TESTS = "server_tests"
"""Where the session keeps Endpoint -> ProbeReport."""

OFFERS = "server_offers"
"""Where the session keeps (address, key variable) -> names of the models offered there, or why they are not known."""

_STYLE = f"""<style>
.seedbed-probe {{container-type: inline-size; font-size: .88rem; line-height: 1.45;}}
.seedbed-probe table {{border-collapse: collapse; width: 100%; margin: 0;}}
.seedbed-probe td {{border: none; padding: .3rem .9rem .3rem 0; vertical-align: top; overflow-wrap: anywhere;}}
.seedbed-probe td:nth-child(-n+2) {{white-space: nowrap;}}
.seedbed-probe tr {{border-bottom: 1px solid rgba(128,128,128,.25);}}
.seedbed-probe b {{display: inline-block; width: 1.1em;}}
.seedbed-probe .green {{color: {STATE_STYLES["done"].colour};}}
.seedbed-probe .red {{color: {STATE_STYLES["failed"].colour};}}
.seedbed-probe .gray {{color: {STATE_STYLES["queued"].colour};}}
@container (max-width: 520px) {{
  .seedbed-probe td {{display: inline-block; padding: .25rem .6rem 0 0;}}
  .seedbed-probe td:nth-child(2) {{font-weight: 600;}}
  .seedbed-probe td:last-child {{display: block; padding: 0 0 .3rem;}}
}}
</style>"""

_MARKS = {True: ":green[:material/check:]", False: ":red[:material/close:]", None: ":gray[:material/help:]"}

_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
"""Unicode categories of characters that nobody sees; pages put joiners into the addresses that people copy."""

LOCAL = ("localhost", "127.0.0.1", "::1")

LISTING_S = 2.0
"""Seconds that a server may take to connect, and then to list its models, where nobody asked for the list."""


def draw_server_form(key: str, *, home: Path | None = None) -> dict[str, str] | None:
    """Draw the form; returns ``base_url``, ``model`` and ``key_env`` of a server, None until they can be right.

    Args:
        key: names the form on its page; what is typed stays for the session.
        home: the workspace, for the prices that a teacher's calls are reckoned with; None: it is to be a student.
    """
    base_url = _draw_text("Base URL", f"{key}_url", "http://localhost:8000/v1")
    model = _draw_text("Model", f"{key}_model", "Qwen/Qwen3-0.6B")
    buttons = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with buttons:
        key_env = _draw_key(key)
    endpoint = _read_endpoint(base_url, model, key_env)
    if base_url and not model:
        buttons.button(
            "Which models?",
            key=f"{key}_which",
            on_click=_find_models,
            args=(key, base_url, key_env),
            icon=":material/list:",
        )
        _draw_offer(key, st.session_state.get(OFFERS, {}).get((base_url, key_env)))
        return None
    is_pressed = buttons.button("Test connection", key=f"{key}_test", disabled=endpoint is None, icon=":material/lan:")
    if endpoint is None:
        return None
    _say_key(endpoint)
    tests: dict[Endpoint, ProbeReport] = st.session_state.setdefault(TESTS, {})
    if is_pressed:
        tests.pop(endpoint, None)
        st.session_state.get(OFFERS, {}).pop((base_url, key_env), None)
        with show_errors(), st.spinner("Asks some ten short questions; 20 seconds at most.", show_time=True):
            tests[endpoint] = probe(endpoint)
    if endpoint not in tests:
        _warn_unlisted(base_url, endpoint)
    price = None
    if home is not None:
        with show_errors():
            with buttons:
                draw_price(home, endpoint, key=key)
            price = find_price(endpoint.model, endpoint.base_url, read_prices(home))
            st.caption(word_known_price(price))
    if endpoint in tests:
        _draw_report(tests[endpoint], home is not None, price)
    return {"base_url": endpoint.base_url, "model": endpoint.model, "key_env": endpoint.key_env}


def _draw_text(label: str, key: str, placeholder: str) -> str:
    """Draw a field whose text stays for the session; returns it without what nobody sees."""
    return strip_invisible(st.text_input(label, key=key, placeholder=placeholder, persist_state="session"))


def strip_invisible(text: str) -> str:
    """Return a pasted text without what nobody sees: joiners, byte order marks, odd blanks; none is ever meant."""
    return "".join(char for char in text if char == " " or unicodedata.category(char) not in _INVISIBLE).strip()


def _draw_key(key: str) -> str:
    """Draw the field for the key's variable, folded, since most servers of one's own want no key; returns the name."""
    is_named = bool(strip_invisible(st.session_state.get(f"{key}_key_env") or ""))
    with st.popover("Key" if is_named else "No key", icon=":material/key:"):
        name = _draw_text("Environment variable that holds the key", f"{key}_key_env", DEFAULT_KEY_ENV)
        st.caption(
            "The name only; empty where the server wants no key. Set the variable in the shell before the app is "
            f"started there: `export {DEFAULT_KEY_ENV}=...`; then it reaches the runs as well, and is stored nowhere."
        )
    return name


def _find_models(key: str, base_url: str, key_env: str) -> None:
    """Ask a server for its models; where it offers exactly one and no name was typed meanwhile, take that one."""
    offers = st.session_state.setdefault(OFFERS, {})
    try:
        names = offers[base_url, key_env] = list_offered(base_url, key_env)
    except TeacherError as error:
        offers[base_url, key_env] = str(error)
        return
    if len(names) == 1 and not strip_invisible(st.session_state.get(f"{key}_model") or ""):
        st.session_state[f"{key}_model"] = names[0]


def _draw_offer(key: str, offer: Sequence[str] | str | None) -> None:
    """Draw what became of the question for the models: nothing yet, one sentence, or a choice that fills the field."""
    if isinstance(offer, str):
        st.error(plain(offer), icon=":material/error:")
    elif offer:

        def take() -> None:
            st.session_state[f"{key}_model"] = st.session_state[f"{key}_offer"]

        st.selectbox(
            f"It offers {numbers.counted(len(offer), 'model')}",
            offer,
            index=None,
            key=f"{key}_offer",
            placeholder="Choose one",
            on_change=take,
        )


def _warn_unlisted(base_url: str, endpoint: Endpoint) -> None:
    """Warn where the server lists its models and this is none of them; a name that is not listed may still be answered.

    A server that gets no key is asked for its list by itself, once in a session; a key is sent by a button alone.
    """
    offers = st.session_state.setdefault(OFFERS, {})
    place = (base_url, endpoint.key_env)
    if place not in offers and not endpoint.has_key:
        try:
            offers[place] = list_offered(*place, timeout_s=LISTING_S)
        except TeacherError as error:
            offers[place] = str(error)
    listed = offers.get(place)
    if listed and not isinstance(listed, str) and endpoint.model not in listed:
        st.warning(
            f"The server does not list the model {plain(repr(endpoint.model))}, but "
            f"{plain(word_offer(listed, endpoint.model))}; take one of these, or test the connection, for some servers "
            "answer under names that they do not list."
        )


def _read_endpoint(base_url: str, model: str, key_env: str) -> Endpoint | None:
    """Return the server of these fields; None while fields are empty, or with a sentence where one cannot be right."""
    if not base_url or not model:
        return None
    try:
        endpoint = Endpoint(base_url, model, key_env)
        endpoint.read_key()
    except TeacherError as error:
        st.error(plain(error), icon=":material/error:")
        return None
    return endpoint


def _say_key(endpoint: Endpoint) -> None:
    """Say whether a key is sent, and to whom."""
    parts = urlsplit(endpoint.base_url)
    if endpoint.has_key:
        st.caption(f"The key in {plain(endpoint.key_env)} is sent to {plain(parts.netloc)}.")
        if parts.scheme == "http" and parts.hostname not in LOCAL:
            st.warning("The address begins with http, so the key travels unencrypted; use https where you can.")
    elif endpoint.key_env:
        st.caption(f"{plain(endpoint.key_env)} is not set where the app was started, so no key is sent.")


def _draw_report(report: ProbeReport, is_teacher: bool, price: Price | None) -> None:
    """Draw what a probe found: how many checks hold, those that do not, what it means for the role; the rest folded."""
    rows, told = list(report.rows), NEWS["teacher" if is_teacher else "student"]
    if not report.is_ok("answers"):
        told = frozenset()
        failure = next(row.evidence for row in rows if row.name == "answers")
        st.error(plain(failure), icon=":material/error:")
        rows = [row for row in rows if row.evidence != failure and row.is_ok is not None]
        if not rows:  # nothing more was asked
            return
    n_ok = sum(row.is_ok is True for row in rows)
    mark = _MARKS[True] if n_ok == len(rows) else ":gray[:material/info:]"
    st.markdown(f"{mark} **{n_ok} of {numbers.counted(len(rows), 'check')}** hold")
    if others := [row for row in rows if not row.is_ok and not (row.is_ok is False and row.name in told)]:
        st.html(write_table(others))
    if report.is_ok("answers"):
        st.markdown("  \n".join(list_teacher_news(report) if is_teacher else list_signal_news(report)))
        if is_teacher:
            st.caption(plain(report.word_cost(price)))
    with st.popover("Details"):
        st.html(write_table(rows))


def write_table(rows: Sequence[ProbeRow]) -> str:
    """Return checks, outcomes and evidence as HTML; evidence holds what a server said, so every text is escaped."""
    lines = []
    for row in rows:
        icon, word = word_outcome(row)
        colour = {True: "green", False: "red", None: "gray"}[row.is_ok]
        lines.append(
            f'<tr><td><b class="{colour}">{icon}</b> {word}</td><td>{escape(CHECKS.get(row.name, row.name))}</td>'
            f"<td>{escape(row.evidence)}</td></tr>"
        )
    return f'{_STYLE}<div class="seedbed-probe"><table>{"".join(lines)}</table></div>'


def word_outcome(row: ProbeRow) -> tuple[str, str]:
    """Return the outcome of a check as icon and word."""
    if row.is_ok:
        return "✓", "works"
    if row.is_ok is None:
        return ("–", "not tried") if row.evidence.startswith("Not asked") else ("?", "not known")
    if row.name in ("answers", "key", "model"):
        return "✗", "fails"
    was_taken = row.evidence.startswith(("Asked", "The reply"))  # what was turned down speaks of the server
    return "✗", "ignored" if was_taken else "refused"


def list_signal_news(report: ProbeReport) -> list[str]:
    """Return a Markdown line for each signal that depends on the server: whether it can give it, and how."""
    yes, no, open_ = _MARKS[True], _MARKS[False], _MARKS[None]
    loss = {
        True: f"{yes} **loss**: from the log-probabilities of its own answer, which is coloured by surprise.",
        False: f"{no} **loss**: unknown, because the server tells no log-probabilities; answers have no colours.",
        None: f"{open_} **loss**: not known whether the server tells log-probabilities.",
    }
    rate = {
        True: f"{yes} **solve\\_rate**: all answers to a problem by one request.",
        False: f"{yes} **solve\\_rate**: by one request for each answer, as the server gives one at a time; slower.",
        None: f"{open_} **solve\\_rate**: not known whether one request can bring several answers.",
    }
    drawn = rate[report.is_ok("n")]
    if report.is_ok("temperature") is False:
        drawn = f"{no} **solve\\_rate**: not to be trusted, as the server does not keep to the temperature asked for."
    return [loss[report.is_ok("logprobs")], drawn]


def list_teacher_news(report: ProbeReport) -> list[str]:
    """Return Markdown lines that say whether this server can be a teacher, and how alike its replies will be."""
    usage, temperature = report.is_ok("usage"), report.is_ok("temperature")
    counted = {
        True: "it counts its tokens, so that its cost is known.",
        False: "it does not count its tokens, so its cost is unknown; a budget counts the most each call can take.",
        None: "not known whether it counts its tokens; of a call without a count a budget counts the most it can take.",
    }
    kept = {
        True: "it keeps to the temperature asked for.",
        False: "it does not keep to the temperature asked for: repeated requests may bring the same reply, and one at "
        "temperature 0 another each time.",
        None: "not known whether it keeps to the temperature asked for.",
    }
    return [
        f"{_MARKS[usage]} **tokens**: {counted[usage]}",
        f"{_MARKS[temperature]} **temperature**: {kept[temperature]}",
    ]
