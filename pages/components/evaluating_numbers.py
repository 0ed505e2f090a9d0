"""What an evaluation says in numbers: before and after with their uncertainty, by type and level, what became of it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.evaluation.judging import VERDICTS
from core.figures.evaluations import FIELD_TITLES, draw_groups, draw_passes
from core.hub import Hub
from core.recipes.evaluation_results import list_warnings
from core.recipes.titles import name_asked
from pages.components import numbers
from pages.components.chart import draw_chart
from pages.components.frame import note_teacher
from pages.components.running import draw_live, draw_run
from pages.components.standing import ACTIVE
from pages.components.text import plain
from pages.components.trained_students import list_offered


def draw_progress(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw a run that is under way or was stopped: its stage, and how fast the present student generates."""

    def draw() -> bool:
        now = hub.store.read_run(run["run_id"])
        before = hub.store.read_run(run["config"].get("after") or "")
        if before and before["state"] != "done":
            draw_run(before)  # the import that it waits for, or that failed
        draw_run(now)
        speeds = hub.store.read_metrics(run["run_id"], ["tokens_per_second"])
        if not speeds.empty:
            last = speeds.iloc[-1]
            who = list(name_asked(run["config"]).values())[int(last["round"])]
            st.caption(
                f"{who}: {numbers.count(last['value'])} tokens per second, over "
                f"{numbers.counted(last['step'], 'generated answer')}; answers from earlier runs are not counted."
            )
        return now["state"] in ACTIVE

    draw_live(draw, is_active=run["state"] in ACTIVE)
    if run["state"] in ("cancelled", "lost", "failed") and run["started_at"]:
        st.caption("What was answered until then is kept: **Go on** asks only the rest.")


def draw_numbers(hub: Hub, run: Mapping[str, Any]) -> None:
    """Draw the summary of an evaluation that is done."""
    summary, config = run["summary"], run["config"]
    _draw_headline(summary, config)
    _draw_notes(hub, summary, config)
    names = name_asked(config)
    _draw_students(summary, names)
    _draw_samples(summary, names)
    _draw_groups(summary, run["run_id"], names)
    _draw_agreement(summary, config, names)


def _draw_headline(summary: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Draw one sentence with the number, then its uncertainty."""
    name, row = plain(config["seed_set_name"]), summary["comparison"]
    of = "of" if summary["n_samples"] == 1 else "of the answers to"
    if row is None or row["n"] == 0:
        ((who, only),) = list(summary["students"].items())[:1]
        st.markdown(
            f"## {numbers.percent(only['accuracy'])} {of} {numbers.counted(only['n'], 'problem')} right", anchors=False
        )
        st.markdown(
            f"{name} · {plain(name_asked(config)[who])} · 95 % interval {numbers.interval(only['low'], only['high'])}"
        )
        if row is not None:
            st.caption("No problem was judged for both students, so there is no difference.")
        return
    before, after = numbers.percent(row["accuracy_before"]), numbers.percent(row["accuracy_after"])
    st.markdown(f"## {before} → {after} {of} {numbers.counted(row['n'], 'problem')}", anchors=False)
    st.markdown(
        f"{name} · paired difference **{numbers.points(row['difference'])}**, 95 % interval "
        f"{numbers.points(row['low'])} to {numbers.points(row['high'])} (bootstrap) · {_count_changes(row)} · "
        f"McNemar p {_write_p(row['p_value'])}"
    )
    if row["n_gained"] + row["n_lost"] == 0:
        ends = [numbers.points(row[f"newcombe_{end}"]) for end in ("low", "high")]
        newcombe = "" if row["newcombe_low"] is None else f" By Newcombe it is {' to '.join(ends)}."
        st.caption(f"No problem came out otherwise: all resamples are alike, so that interval says nothing.{newcombe}")


def _count_changes(row: Mapping[str, Any]) -> str:
    """Return how many problems came out otherwise; of several answers also by the majority's, which is tested."""
    gained, lost, unchanged = (numbers.count(row[f"n_{name}"]) for name in ("gained", "lost", "unchanged"))
    if row["newcombe_low"] is not None:
        return f"gained {gained}, lost {lost}, as before {unchanged}"
    tested = f"gained {numbers.count(row['n_test_gained'])}, lost {numbers.count(row['n_test_lost'])}"
    return f"right more often {gained}, less often {lost}, as often {unchanged} · by the majority's answer {tested}"


def _write_p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"= {value:.2g}"


def _draw_notes(hub: Hub, summary: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Say who was asked, and what to know before the number is compared with others."""
    for what, sentence in (summary["failed"] or {}).items():
        st.warning(f"{plain(what)} could not be had: {plain(sentence)}", icon=":material/info:")
    about = []
    if config["adapter"]:
        offered = list_offered(hub).get(config["adapter"])
        about.append(f"tuned: {plain(offered.label if offered else config['adapter'])}")
    if config.get("limit"):
        n = numbers.counted(summary["n"], "problem")
        about.append(f"{n} of the set, the first by a hash of seed {config['limit_seed']} and problem")
    if config.get("tolerance"):
        about.append(f"numbers within {100 * config['tolerance']:g} % of the reference count as equal")
    if about:
        st.caption(f":material/info: {' · '.join(about)}.")
    for sentence in list_warnings(summary):
        st.warning(plain(sentence), icon=":material/info:")


def _draw_students(summary: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Draw a table: a row per student."""
    accuracy = "accuracy" if summary["n_samples"] == 1 else f"mean@{summary['n_samples']}"
    rows = []
    for who, each in summary["students"].items():
        verdicts = [f"{numbers.count(n)} {VERDICTS[verdict]}" for verdict, n in each["verdicts"].items()]
        if each["n_wrong_steps"]:
            verdicts.append(f"{numbers.count(each['n_wrong_steps'])} right by steps that do not hold")
        rows.append(
            {
                "student": plain(names[who]),
                accuracy: numbers.percent(each["accuracy"]),
                "95 %": numbers.interval(each["low"], each["high"]),
                "judged": f"{numbers.count(each['n'])} of {numbers.count(each['n_asked'])}",
                "truncated": numbers.count(each["n_truncated"]),
                "tokens each": numbers.tokens(each["mean_tokens"] and round(each["mean_tokens"])),
                "loss": numbers.loss(each["mean_loss"]),
                "generated": numbers.count(each["n_generated"]),
                "tokens/s": numbers.count(each["tokens_per_second"]),
                "answers": ", ".join(verdicts),
            }
        )
    st.table(pd.DataFrame(rows), hide_index=True, border="horizontal")


def _draw_samples(summary: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Draw pass@k and the majority's accuracy, where several answers were drawn."""
    drawn = {who: each for who, each in summary["students"].items() if "majority" in each}
    if not drawn:
        return
    n = summary["n_samples"]
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        draw_chart(draw_passes({who: each["pass_at"] for who, each in drawn.items()}, names), key="passes")
    with right:
        for who, each in drawn.items():
            most = each["majority"]
            ties = f" · {numbers.counted(most['n_tied'], 'tie')} decided by lot" if most["n_tied"] else ""
            st.markdown(
                f"**{plain(names[who])}**: maj@{n} **{numbers.percent(most['accuracy'])}** "
                f"({numbers.interval(most['low'], most['high'])}){ties}"
            )
        st.caption(
            "pass@k: at least one of k answers is right (Chen 2021). maj@n: the final answer that most of the n state; "
            "a tie is decided by a hash, always alike."
        )


def _draw_groups(summary: Mapping[str, Any], run_id: str, names: Mapping[str, str]) -> None:
    """Draw accuracy by type, level and whatever else tells problems apart."""
    fields = list(dict.fromkeys(row["field"] for row in summary["groups"]))
    if not fields:
        return
    field = fields[0]
    if len(fields) > 1:
        field = st.segmented_control(
            "By",
            fields,
            default=fields[0],
            required=True,
            key=f"by_{run_id}",
            format_func=lambda each: FIELD_TITLES[each],
        )
    draw_chart(draw_groups(summary["groups"], field, names), key=f"groups_{field}")


def _draw_agreement(summary: Mapping[str, Any], config: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Say how far checker and grader agree, where the grader said anything."""
    graded = {who: row for who, row in summary["agreement"].items() if row["n_graded"]}
    if not graded:
        return
    st.subheader("The grader beside the checker", anchor=False)
    if config["teacher"] == "built-in":
        note_teacher()
    for who, row in graded.items():
        kappa = "" if row["kappa"] is None else f", κ {row['kappa']:.2f}"
        st.markdown(
            f"**{plain(names[who])}**: the grader calls {numbers.percent(row['accuracy'])} of "
            f"{numbers.counted(row['n_graded'], 'answer')} right, and agrees with the checker on "
            f"**{numbers.percent(row['share'])}** of {numbers.count(row['n'])}{kappa}; only the checker says right: "
            f"{numbers.count(row['n_only_checker'])}, only the grader: {numbers.count(row['n_only_grader'])}."
        )
