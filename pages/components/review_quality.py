"""How good the candidates are by what was read so far, and how far reviewers agree."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.hub import Hub
from core.reviewing.quality import Estimate, Pair, compare_reviewers, estimate_by_strata, estimate_share
from core.store.queue_filter import PLANS
from pages.components import numbers
from pages.components.text import plain

MOST_DISAGREED = 200

SAMPLE = 100
"""Candidates that a sample is offered of: an interval of ten points on either side."""


def draw_quality(hub: Hub, run_ids: Sequence[str]) -> None:
    """Draw the estimate of these runs' candidates that passed the filters, then the reviewers."""
    people = hub.store.list_verdicts_of_people(run_ids)
    if people.empty:
        st.info(
            "Nobody has judged any of these yet. **Order: a sample at random** in Read draws some by chance; what is "
            "said of those tells how good all of them are."
        )
        return
    _draw_estimates(hub, run_ids, people)
    _draw_reviewers(hub, people)


def _draw_estimates(hub: Hub, run_ids: Sequence[str], people: pd.DataFrame) -> None:
    """Draw what each kind of chance sample tells of what was not read in another order."""
    passed = people[people["status"] == "accepted"]
    latest = passed.drop_duplicates(["run_id", "candidate_id"], keep="last")
    other = latest[~latest["plan"].isin(PLANS)]
    of_all = pd.Series(hub.store.count_by_type(run_ids))
    sizes = of_all.sub(other["type"].value_counts(), fill_value=0).clip(lower=0).astype(int)
    st.subheader("How good are they?", anchor=False)
    if len(other) == len(latest) and sizes.sum():
        st.info("What was judged so far was not drawn by chance, so that it tells nothing of the rest.")
        n = min(SAMPLE, int(of_all.sum()))
        sample = {"run": st.query_params["run"], "show": "read", "order": "random", "sample": str(n)}
        label = f"Read a sample of {numbers.count(n)}, drawn at random"
        st.page_link("review_page.py", label=label, icon=":material/casino:", query_params=sample)
    for plan in PLANS:
        read = latest[latest["plan"] == plan]
        good = read["review"] == "accept"
        if plan == "random":
            _draw_estimate(estimate_share(int(good.sum()), len(read), int(sizes.sum())), "a sample at random")
        else:
            strata = pd.DataFrame({"stratum": read["type"], "is_good": good})
            found = estimate_by_strata(strata, {str(name): int(n) for name, n in sizes.items() if n})
            _draw_estimate(found, "a sample, types in turn, each type weighed by how many it has")
    if len(other):
        share = numbers.percent(float((other["review"] == "accept").mean()))
        st.caption(
            f"Judged in another order, under a filter or several at once: {numbers.counted(len(other), 'candidate')} "
            f"({share} accepted as it stood). What was not drawn by chance tells nothing of the rest, and is in no "
            "share here."
        )


def _draw_estimate(found: Estimate, how: str) -> None:
    if found.share is None:
        return
    if found.n_read == found.n_all and not found.n_unseen:
        st.markdown(
            f"**{numbers.percent(found.share)}** of {numbers.counted(found.n_all, 'candidate')} are right as they are: "
            "all of them were read."
        )
        return
    ends = numbers.interval(found.low, found.high)
    st.markdown(
        f"**{numbers.percent(found.share)}** ({ends}) of {numbers.counted(found.n_all, 'candidate')} are right as they "
        f"are, by {numbers.count(found.n_read)} that were read of {how}."
    )
    if found.n_unseen:
        st.caption(f"{numbers.counted(found.n_unseen, 'candidate')} of types of which none was read are not in it.")
    if len(found.strata) > 1:
        rows = [
            {"type": plain(name or "none"), "read": numbers.count(n), "of": numbers.count(size),
             "right as they are": numbers.percent(share)}
            for name, n, size, share in found.strata
        ]  # fmt: skip
        st.table(pd.DataFrame(rows), hide_index=True, border="horizontal")


def _draw_reviewers(hub: Hub, people: pd.DataFrame) -> None:
    """Draw how far every two reviewers agree, and what they disagree on."""
    pairs = compare_reviewers(people)
    st.subheader("Do reviewers agree?", anchor=False)
    if not pairs:
        st.caption(
            "Nothing was judged by two people so far. Under **Reviewer** somebody else gives a name and turns **Second "
            "reading** on, which shows what others have judged; what both have judged is compared here."
        )
        return
    rows = [
        {"reviewers": f"{_name(pair.first)} and {_name(pair.second)}", "both judged": numbers.count(pair.n),
         "alike": numbers.percent(pair.n_agree / pair.n), "κ": "–" if pair.kappa is None else numbers.score(pair.kappa)}
        for pair in pairs
    ]  # fmt: skip
    st.table(pd.DataFrame(rows), hide_index=True, border="horizontal")
    st.caption(
        "Kept (accepted or edited) against not kept. κ is Cohen's: 1 where both say the same of everything, 0 where "
        "they agree as often as by chance; a dash where one verdict is all that was given."
    )
    _draw_disagreed(hub, people, pairs)


def _draw_disagreed(hub: Hub, people: pd.DataFrame, pairs: list[Pair]) -> None:
    keys = list(dict.fromkeys(key for pair in pairs for key in pair.disagreed))
    if not keys:
        st.caption("They disagree on nothing.")
        return
    records = hub.store.read_records(keys[:MOST_DISAGREED])
    said = people.set_index(["run_id", "candidate_id"])
    rows = []
    for key, record in records.items():
        own = said.loc[[key]]
        verdicts = "; ".join(f"{_name(row.reviewer)}: {row.review}" for row in own.sort_values("reviewer").itertuples())
        rows.append({"verdicts": verdicts, "question": record["question"] or "", "key": key})
    st.markdown(f"**They disagree on {numbers.counted(len(keys), 'candidate')}**; the latest verdict counts.")
    table = pd.DataFrame(rows)
    event = st.dataframe(
        table[["verdicts", "question"]], hide_index=True, key="review_disagreed", on_select="rerun",
        selection_mode="single-row", column_config={"question": st.column_config.TextColumn(width="large")},
    )  # fmt: skip
    if event.selection.rows:
        run_id, candidate_id = table.iloc[event.selection.rows[0]]["key"]
        query = {"run": run_id, "candidate": candidate_id, "show": "read"}
        st.page_link("review_page.py", label="Settle this one", icon=":material/visibility:", query_params=query)


def _name(reviewer: str) -> str:
    return plain(reviewer) if reviewer else "without a name"
