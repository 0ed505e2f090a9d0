"""Several selectors on one pool: what they share, which scores they take, which problems they favour.

Random is always among them.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis import choices as analysis
from core.analysis.choices import Choice, name_choice
from core.figures.choices import draw_kinds, draw_overlap, draw_score_panels
from core.recipes.selecting import choose_seeds
from core.selection import PICKS, SELECTORS, Pool, can_pick
from core.signals import SIGNALS
from pages.components import numbers
from pages.components.access import show_errors
from pages.components.chart import draw_chart
from pages.components.frame import draw_empty
from pages.components.text import plain

T = TypeVar("T")

MOST = 5
"""Choices beside random: more outlines and points could not be told apart."""

FIRST = ("loss_high", "reward_low", "incorrect", "badge")
"""What is held against the page's own choice before anybody has said what."""

WORDS = {"correct": ("wrong", "right"), "grade": ("wrong", "right")}
KINDS = {"type": "Type", "level": "Level", "n_steps": "Steps"}
QUANTITIES = {
    "is_wrong": "answered wrongly",
    "level": "level",
    "n_steps": "steps",
    "answer_tokens": "own answer, tokens",
    "question_words": "question, words",
    "reference_words": "reference, words",
    "is_truncated": "answer cut off",
}
SHARES = ("is_wrong", "is_truncated", "grade", "solve_rate")
"""Told in per cent."""

LENGTHS = ("answer_tokens", "question_words", "reference_words")
"""Their medians are told too: a few long answers move a mean."""

N_REMEMBERED = 64
"""Choices and tables that a session keeps; the oldest go first."""


def draw_comparison(
    pool: Pool, frame: pd.DataFrame, *, k: int, replicate: int, selector: str, pick: str, key: str
) -> None:
    """Draw the page's choice beside others from the same pool.

    Args:
        pool: n problems, at least k of them free.
        frame: of ``recipes.selecting.read_pool``, aligned with the pool.
        k: seeds of each choice.
        replicate: decides every draw.
        selector: the page's own.
        pick: the page's own.
        key: says whose scores of which seed set these are; what was chosen is remembered under it.
    """
    if not _list_signals(pool):
        draw_empty(
            "Without scores only a random choice is possible, and there is nothing to compare: let a student answer "
            "the seeds and score them first."
        )
        return

    def draw() -> None:
        with show_errors():
            _draw_all(pool, frame, k=k, replicate=replicate, own=name_choice(selector, pick), key=key)

    st.fragment(draw)()


def list_options(pool: Pool) -> dict[str, tuple[str, str]]:
    """Return what can be compared besides random: label -> selector and pick, those whose needs the pool fulfils."""
    known = set(pool.signals) | set(pool.vectors)
    return {
        name_choice(name, pick): (name, pick)
        for name in SELECTORS
        if name != "random" and SELECTORS.get(name).needs <= known
        for pick in PICKS
        if pick == "argmax" or can_pick(SELECTORS.get(name))
    }


def _draw_all(pool: Pool, frame: pd.DataFrame, *, k: int, replicate: int, own: str, key: str) -> None:
    options = list_options(pool)
    labels, signal = _choose_what(options, pool, own)
    version = (key, _fingerprint(pool))
    made: dict[str, Choice] = {}
    for label in [*labels, "random"]:
        name, pick = options.get(label, ("random", "argmax"))
        with show_errors():
            made[label] = _make_choice(version, pool, name, pick, k, replicate)
    if not made:
        return
    traits = _remember((version, "traits"), lambda: analysis.read_traits(frame))
    if len(made) > 1:
        _draw_overlap(made, pool)
    else:
        st.info("Take at least one selector above, to hold it against the random choice.")
    _draw_scores(made, pool, signal)
    _draw_favoured(made, pool, traits)
    _draw_kinds(made, pool, traits)
    _draw_lengths(pool, traits)


# -- what is compared --------------------------------------------------------------------------------------------


def _list_signals(pool: Pool) -> list[str]:
    """Return the names of the signals that are known of at least one problem, in the order of the registry."""
    return [name for name in SIGNALS if name in pool.signals and np.isfinite(pool.signals[name]).any()]


def _follow(options: Mapping[str, tuple[str, str]], signals: Sequence[str], own: str) -> None:
    """Bring what is taken in line with the pool and with the page's own choice, before the widgets are drawn.

    A new choice of the page takes the place of its last one, and shows its own score; what a person takes or removes
    after that stays.
    """
    state = st.session_state
    last = state.get("compare_own")
    sent = st.query_params.get_all("compare") if "compare_choices" not in state else []
    taken = [label for label in sent or state.get("compare_choices", _suggest(options)) if label in options]
    needed = [name for name in signals if own in options and name in SELECTORS.get(options[own][0]).needs]
    if own != last:
        taken = [*([own] if own in options else []), *(label for label in taken if label not in (own, last))]
    if state.get("compare_signal") not in signals or (own != last and needed):
        state["compare_signal"] = (needed or signals)[0]
    state["compare_choices"], state["compare_own"] = taken[:MOST], own


def _choose_what(options: Mapping[str, tuple[str, str]], pool: Pool, own: str) -> tuple[list[str], str]:
    """Let a person take choices and a signal; returns the labels, without random, and the signal's name."""
    signals = _list_signals(pool)
    _follow(options, signals, own)
    labels = st.multiselect(
        "Compare, with random beside them",
        list(options),
        key="compare_choices",
        max_selections=MOST,
        persist_state="session",
        placeholder="Take selectors to compare",
    )
    st.query_params["compare"] = labels
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    signal = left.selectbox(
        "Score shown", signals, format_func=lambda name: SIGNALS.get(name).title, key="compare_signal",
        persist_state="session",
    )  # fmt: skip
    quartet = _list_both_picks(options, signal)
    right.button(
        "Argmax beside softmax",
        key="compare_picks",
        icon=":material/compare_arrows:",
        disabled=not quartet,
        on_click=lambda: st.session_state.update(compare_choices=quartet),
        help="Takes the highest and the lowest of the score shown by both picks, as Figure 14 of the paper does."
        if quartet
        else "No selector ranks by this score.",
    )
    return labels, signal


def _suggest(options: Mapping[str, tuple[str, str]]) -> list[str]:
    return [label for label in FIRST if label in options][:2]


def _list_both_picks(options: Mapping[str, tuple[str, str]], signal: str) -> list[str]:
    """Return the labels of at most two selectors that rank by this signal alone, each by argmax and by softmax."""
    ranked = sorted(
        name for name, pick in options.values() if pick == "softmax" and SELECTORS.get(name).needs == {signal}
    )
    return [name_choice(name, pick) for name in ranked[:2] for pick in ("argmax", "softmax")]


# -- choosing, remembered for the session ------------------------------------------------------------------------


def _fingerprint(pool: Pool) -> int:
    """Return a number that changes with the problems, their scores and which of them may be chosen."""
    parts = [np.ascontiguousarray(pool.problem_ids, dtype=str), pool.is_free, *pool.signals.values()]
    names = " ".join([*pool.signals, *pool.vectors])
    return zlib.crc32(names.encode() + b"".join(np.ascontiguousarray(part).tobytes() for part in parts))


def _remember(about: tuple, make: Callable[[], T]) -> T:
    """Return what was made under this name in this session, or make it."""
    kept = st.session_state.setdefault("compare_remembered", {})
    if about not in kept:
        kept[about] = make()
        for oldest in list(kept)[:-N_REMEMBERED]:
            del kept[oldest]
    return kept[about]


def _make_choice(version: tuple, pool: Pool, name: str, pick: str, k: int, replicate: int) -> Choice:
    """Return a choice, exactly as the page would use it."""
    member = SELECTORS.get(name)  # kept beside the choice: a person's own file may be read again under the same name

    def make() -> tuple[object, Choice]:
        with st.spinner(f"Choosing by {plain(name_choice(name, pick))}"):
            found = choose_seeds(pool, name, k, replicate, pick)
        return member, Choice(name, pick, found.indices, found.n_topped_up)

    return _remember((version, name, id(member), pick, k, replicate), make)[1]


# -- what is shown -----------------------------------------------------------------------------------------------


def _rows(made: Mapping[str, Choice]) -> dict[str, np.ndarray]:
    return {label: choice.rows for label, choice in made.items()}


def _lead_by_random(made: Mapping[str, Choice]) -> dict[str, Choice]:
    """Return the choices with random foremost: in a wide table what all are held against stays in sight."""
    return dict(sorted(made.items(), key=lambda item: item[0] != "random"))


def _mark(text: str, value: float, low: float, high: float) -> str:
    """Return a number with an arrow where it lies outside what chance gives."""
    return f"{text.replace('-', '−')} {'↑' if value > high else '↓' if value < low else SAME}"


SAME = "\u2007"
"""A blank as wide as a digit, so that numbers with and without an arrow stand below one another."""


def _draw_table(rows: pd.DataFrame, texts: Sequence[str], *, key: str, width: int | None = None) -> None:
    """Draw a table of texts; all columns but those named are numbers and stand right. ``width`` is the first one's."""
    config = {
        name: st.column_config.TextColumn(name, pinned=place == 0, width=None if place else width)
        if name in texts
        else st.column_config.TextColumn(name, alignment="right")
        for place, name in enumerate(rows.columns)
    }
    st.dataframe(rows, hide_index=True, height="content", key=key, column_config=config)


def _draw_overlap(made: Mapping[str, Choice], pool: Pool) -> None:
    st.subheader("What they share", anchor=False)
    pairs = analysis.list_pairs(_rows(made), int(pool.is_free.sum()))
    with st.container(key="two_sides_compare"):
        left, right = st.columns([1, 1.15], vertical_alignment="top")
    with left:
        draw_chart(draw_overlap(analysis.measure_overlap(_rows(made))), key="compare_overlap")
    with right:
        table = pd.DataFrame(
            {
                "two choices": pairs["first"] + " and " + pairs["second"],
                "in common": [
                    _mark(numbers.count(row.n_shared), row.n_shared, row.low, row.high) for row in pairs.itertuples()
                ],
                "Jaccard": pairs["jaccard"].map(numbers.score),
            }
        )
        _draw_table(table, ("two choices",), key="compare_pairs", width=240)
    chance = pairs.iloc[0]
    k = len(next(iter(made.values())).rows)
    st.caption(
        f"A cell says what share of its {numbers.count(k)} seeds a choice has in common with another, the table how "
        "many seeds that are, and their share of all that either took (Jaccard). Chance alone gives "
        f"k/n = {numbers.percent(chance['expected'] / k)}; ↑ and ↓ mark pairs outside the "
        f"{numbers.count(chance['low'])} to {numbers.count(chance['high'])} seeds that 95 of 100 random pairs share. "
        "Every choice draws its own lots."
    )


def _draw_scores(made: Mapping[str, Choice], pool: Pool, signal: str) -> None:
    about = SIGNALS.get(signal)
    st.subheader(f"Which scores they take: {about.title[:1].lower()}{about.title[1:]}", anchor=False)
    axis = f"{signal}, {about.unit}" if about.unit else signal
    panels = draw_score_panels(
        pool.signals[signal], made, axis=axis, words=WORDS.get(signal, ("0", "1")), view=f"scores/{signal}"
    )
    with st.grid(3, min_column_width=220, gap="xsmall"):
        for place, figure in enumerate(panels.values()):
            draw_chart(figure, key=f"compare_scores_{place}")
    st.caption(
        "Grey bars are the whole pool, the dashed line is the random choice, the outline in colour is the choice, "
        "hollow where softmax drew it; all have the same axes, in % of each group. A choice that lies on the dashed "
        "line takes what chance takes."
    )


def _draw_favoured(made: Mapping[str, Choice], pool: Pool, traits: pd.DataFrame) -> None:
    st.subheader("What they favour", anchor=False)
    signals = {name: pool.signals[name] for name in SIGNALS if name in pool.signals and name != "correct"}
    columns = signals | {name: traits[name].to_numpy() for name in QUANTITIES}
    columns = {
        name: np.where(pool.is_free, values, np.nan) for name, values in columns.items() if np.isfinite(values).any()
    }
    found = analysis.summarise_choices({"all": np.flatnonzero(pool.is_free), **_rows(_lead_by_random(made))}, columns)
    rows = []
    for quantity in columns:
        unit = SIGNALS.get(quantity).unit.split(" of ")[0] if quantity in signals else ""
        cells = found[found["quantity"] == quantity].set_index("choice")
        say = numbers.percent if quantity in SHARES else numbers.loss
        marked = {
            label: _mark(say(row["mean"]), row["mean"], row["low"], row["high"]) for label, row in cells.iterrows()
        }
        rows.append({"mean of": ", ".join(filter(None, [QUANTITIES.get(quantity, quantity), unit])), **marked})
        if quantity in LENGTHS:
            medians = {label: f"{say(row['median'])} {SAME}" for label, row in cells.iterrows()}
            rows.append({"mean of": f"{QUANTITIES[quantity]}, median", **medians})
    topped = {label: choice.n_topped_up for label, choice in _lead_by_random(made).items()}
    if any(topped.values()):
        counts = {label: f"{numbers.count(n)} {SAME}" for label, n in topped.items()}
        rows.append({"mean of": "filled up at random, seeds", "all": f"{numbers.MISSING} {SAME}", **counts})
    _draw_table(pd.DataFrame(rows), ("mean of",), key="compare_favoured", width=190)
    st.caption(
        "↑ and ↓ mark means outside what 95 of 100 random choices of the same size would have: about one in "
        "twenty is marked where nothing is favoured."
    )


def _draw_kinds(made: Mapping[str, Choice], pool: Pool, traits: pd.DataFrame) -> None:
    given = [name for name in KINDS if traits[name].nunique() > 1]
    if not given:
        st.caption("These problems name no type, level or number of steps, so none can be favoured.")
        return
    if st.session_state.get("compare_kind") not in given:
        st.session_state["compare_kind"] = given[0]
    kind = st.segmented_control(
        "Kinds of problem", given, format_func=KINDS.get, key="compare_kind", required=True, persist_state="session"
    )
    shares = analysis.compare_shares(_rows(made), traits[kind], pool.is_free)
    draw_chart(draw_kinds(shares, made, title=f"{KINDS[kind]} of the chosen seeds"), key="compare_kinds")
    first = shares.drop_duplicates("value").set_index("value")
    table = pd.DataFrame({KINDS[kind].lower(): first.index, "all": first["pool_share"].map(numbers.percent).to_numpy()})
    for label in _lead_by_random(made):
        cells = shares[shares["choice"] == label]
        table[label] = [
            _mark(f"{numbers.score(row.ratio)} ×", row.share, row.low, row.high) for row in cells.itertuples()
        ]
    _draw_table(table, (KINDS[kind].lower(),), key="compare_shares")
    st.caption(
        "A point is the share among the chosen, the upright line the share in the pool, and the grey bar where 95 of "
        "100 random choices lie. The table says how many times as often as in the pool: 1.00 × is as often, ↑ more "
        "and ↓ less often than chance explains."
    )


def _draw_lengths(pool: Pool, traits: pd.DataFrame) -> None:
    st.subheader("Does the score follow length?", anchor=False)
    lengths = {
        name: "reference_words" if name.endswith("_truth") else "answer_tokens"
        for name in SIGNALS
        if name in pool.signals
    }
    pairs = {name: (pool.signals[name], traits[column].to_numpy()) for name, column in lengths.items()}
    found = analysis.correlate_with_length(pairs)
    table = pd.DataFrame(
        {
            "score": found["signal"],
            "against the length of": [QUANTITIES[lengths[name]] for name in found["signal"]],
            "rank correlation": [
                _mark(_signed(row.correlation), 0.0, -row.high, -row.low) if row.correlation == row.correlation
                else numbers.MISSING for row in found.itertuples()
            ],
            "95 % interval": [
                f"{_signed(row.low)} to {_signed(row.high)}" if row.low == row.low else numbers.MISSING
                for row in found.itertuples()
            ],
            "answers": found["n"].map(numbers.count),
        }
    )  # fmt: skip
    _draw_table(table, ("score", "against the length of"), key="compare_lengths")
    st.caption(
        "Over the whole pool: +1, the longest answers score highest; −1, the shortest do; 0, length says nothing. A "
        "selector by a score that follows length chooses by length as well; the paper found its reward model biased "
        "to long answers, and low reward worse than random on Game of 24 for that (section 5.4.3)."
    )


def _signed(value: float) -> str:
    return numbers.MISSING if numbers.is_missing(value) else f"{value:+.2f}".replace("-", "−")
