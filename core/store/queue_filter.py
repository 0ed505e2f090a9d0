"""Which candidates a person looks at, and in which order: one filter for queue, table, bulk acts and exports.

``QueueFilter`` is plain values, so that an address can hold it; this file makes SQL of it. Texts of people are
parameters of the query and never part of it.
"""

from dataclasses import dataclass, fields
from typing import Any

from core.store.areas import match_area
from core.store.reads import match_all, match_text

WAITING, NOT_TRASHED, REVIEWED, KEPT, STANDING = "waiting", "any", "reviewed", "kept", "standing"
"""Values of ``review`` beside those that a person can give. kept: accepted by a person, as it was or edited; standing:
not rejected by one, whether anybody looked at it or not."""

REVIEWS = (WAITING, REVIEWED, NOT_TRASHED, KEPT, STANDING, "accept", "edit", "reject", "trash", "locked", "noted")
"""All values of ``review``."""

TYPE = "coalesce(q.meta ->> '$.type', q.meta ->> '$.level', '')"
"""SQL: what a candidate's seed is; empty where it has no type and no level."""

_DICE = "md5(c.run_id || c.candidate_id)"
"""SQL: an order by lot that is the same every time, whatever else is in the queue."""

ORDERS = {
    "made": "s.created_at, c.run_id, c.round, c.position",
    "newest": "c.written_at desc, c.run_id, c.position desc",
    "random": "{dice}",
    "by_type": "{dice}",
    "least_certain": "uncertainty desc nulls last, {dice}",
    "disagreement": "disagreement desc, {dice}",
    "hardest": "a.loss desc nulls last, {dice}",
    "easiest": "a.loss nulls last, {dice}",
    "harder_than_seed": "a.shift desc nulls last, {dice}",
    "easier_than_seed": "a.shift nulls last, {dice}",
    "closest": "c.closeness desc nulls last, {dice}",
    "dearest": "c.n_input_tokens + c.n_output_tokens desc nulls last, {dice}",
}
"""Order -> SQL. Ties are broken by lot, so that the first n are no run's own. ``by_type`` takes the types in turn."""

PLANS = ("random", "by_type")
"""Orders of which any beginning is a sample by chance, so that what it holds tells of the rest."""

ANSWERS = {
    "right": "a.is_correct", "wrong": "not a.is_correct", "unknown": "a.is_correct is null",
    "harder": "a.shift > 0", "easier": "a.shift < 0",
}  # fmt: skip
"""What the student made of a candidate -> SQL; harder and easier: by its loss, than the seed."""

NEEDS_ANSWERS = ("hardest", "easiest", "harder_than_seed", "easier_than_seed")
VERIFIERS = ("verified", "solvable", "unique", "reference", "wrong")
"""Filters that compute whether an answer holds."""

JUDGES = ("agrees",)
"""Filters that ask a model."""


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What is looked at; a field that is None or empty asks for nothing."""

    run: str = ""
    """A run's id; several are joined by commas."""

    status: str = "accepted"
    """What the filters said: accepted, rejected, failed, or empty: anything."""

    review: str = NOT_TRASHED
    """One of REVIEWS."""

    unread_by: str | None = None
    """Only what this reviewer has not judged; an empty text is the reviewer without a name. None: whoever judged it."""

    reviewer: str = ""
    """Only where this person's verdict is the latest."""

    reason: str = ""
    """Why it was rejected by hand."""

    rejected_by: str = ""
    """Filter that rejected it."""

    method: str = ""
    teacher: str = ""
    selector: str = ""
    round: int | None = None
    type: str = ""
    """Of the seed, or its level where it has no type."""

    answer: str = ""
    """right or wrong: how the student answered it; unknown: nobody asked a student; harder or easier than its seed."""

    search: str = ""
    """Text in the question, the answer or a note, in any case."""

    seed: str = ""
    """Only what was grown from this problem, alone or with others."""

    area: str = ""
    """Part of a map, as ``core.store.areas`` writes it."""

    order: str = "made"
    """One of ORDERS."""

    sample: int | None = None
    """Only the first so many in that order, whatever was said of them."""

    def is_of_all(self) -> bool:
        """Say whether all that passed the filters is looked at, but for what people said of it."""
        free = {"run", "review", "unread_by", "reviewer", "reason", "order", "sample"}
        return not set(list_changed(self)) - free


def list_changed(asked: QueueFilter) -> dict[str, Any]:
    """Return the fields that ask for something: name -> value."""
    usual = QueueFilter()
    return {
        each.name: value for each in fields(asked) if (value := getattr(asked, each.name)) != getattr(usual, each.name)
    }


def build_queue(asked: QueueFilter) -> tuple[str, list[Any]]:
    """Return a query for the queue and its values: run_id, candidate_id, review, is_locked, place (from 1).

    The sample is drawn before anybody's verdict is looked at: what is in it does not change while it is reviewed.
    """
    drawn, values = _match_what(asked)
    judged, more = _match_reviews(asked)
    order = f"order by {ORDERS[asked.order].format(dice=_DICE)}, c.run_id, c.candidate_id"
    among = f"partition by {TYPE}" if asked.order == "by_type" else ""
    limit = f"limit {int(asked.sample)}" if asked.sample else ""
    late = "c.review is null and c.skipped_at is not null, if(c.review is null, c.skipped_at, null)"
    sql = f"""
        with pool as (
            select c.run_id, c.candidate_id, c.review, c.reviewer, c.review_reason, c.is_locked, c.note, c.skipped_at,
                   row_number() over ({among} {order}) as turn, {_DICE} as lot
            from {_list_tables(asked)} {match_all(drawn)}
        ), drawn as (
            select * from pool order by turn, lot {limit}
        )
        select c.run_id, c.candidate_id, c.review, c.is_locked, row_number() over (order by {late}, turn, lot) as place
        from drawn c {match_all(judged)} order by place
    """
    return sql, [*values, *more]


def _list_tables(asked: QueueFilter) -> str:
    """Return the tables that a filter needs, and no other: most of them are large."""
    tables = "candidate_states c join run_subjects s using (run_id)"
    if asked.type or asked.order == "by_type":
        tables += " left join problems q on q.run_id = s.seed_set_id and q.problem_id = c.parents ->> '$[0]'"
    if asked.answer or asked.order in NEEDS_ANSWERS:
        tables += " left join candidate_answers a on a.run_id = c.run_id and a.candidate_id = c.candidate_id"
    if asked.order in ("least_certain", "disagreement"):
        tables += f" left join ({_DOUBTS}) d on d.run_id = c.run_id and d.candidate_id = c.candidate_id"
    return tables


_NAMES = {
    "verifiers": ", ".join(f"'{name}'" for name in VERIFIERS),
    "judges": ", ".join(f"'{name}'" for name in JUDGES),
}

_DOUBTS = """
    select run_id, candidate_id,
           -- how near a vote is to a tie, 1: as near as can be; what a verifier left open comes after the closest votes
           max(case when filter in ({judges}) and value is not null then 1 - abs(2 * value - 1)
                    when filter in ({verifiers}) and is_accepted is null then 0.5 end) as uncertainty,
           -- a verifier and a judge decided, and not alike
           coalesce(bool_and(is_accepted) filter (where filter in ({verifiers}) and is_accepted is not null)
               <> bool_and(is_accepted) filter (where filter in ({judges}) and is_accepted is not null), false)
               as disagreement
    from verdicts group by run_id, candidate_id
""".format(**_NAMES)


def _match_what(asked: QueueFilter) -> tuple[list[str], list[Any]]:
    """Return the conditions on what a candidate is, and their values."""
    conditions, values = [], []
    if asked.run:
        conditions.append("list_contains(?, c.run_id)")
        values.append(asked.run.split(","))
    else:
        conditions.append("not s.is_preview")
    for column, value in (
        ("c.status", asked.status), ("c.rejected_by", asked.rejected_by), ("c.method", asked.method),
        ("c.teacher", asked.teacher), ("s.selector", asked.selector), ("c.round", asked.round), (TYPE, asked.type),
    ):  # fmt: skip
        if value not in ("", None):
            conditions.append(f"{column} = ?")
            values.append(value)
    if asked.answer:
        conditions.append(ANSWERS[asked.answer])
    if asked.seed:
        conditions.append("list_contains(cast(c.parents as varchar[]), ?)")
        values.append(asked.seed)
    if asked.area:
        condition, more = match_area(asked.area)
        conditions.append(condition)
        values += more
    if asked.search:
        found = [f"c.{name} ilike ? escape '!'" for name in ("current_question", "current_answer", "note")]
        conditions.append(f"({' or '.join(found)})")
        values += [match_text(asked.search)] * len(found)
    return conditions, values


def _match_reviews(asked: QueueFilter) -> tuple[list[str], list[Any]]:
    """Return the conditions on what people said, and their values."""
    simple = {
        WAITING: "c.review is null",
        REVIEWED: "c.review is not null and c.review <> 'trash'",
        NOT_TRASHED: "c.review is distinct from 'trash'",
        KEPT: "c.review in ('accept', 'edit')",
        STANDING: "coalesce(c.review, '') not in ('reject', 'trash')",
        "locked": "c.is_locked",
        "noted": "c.note is not null",
    }
    conditions = [simple.get(asked.review, "c.review = ?")]
    values: list[Any] = [] if asked.review in simple else [asked.review]
    for column, value in (("c.reviewer", asked.reviewer), ("c.review_reason", asked.reason)):
        if value:
            conditions.append(f"{column} = ?")
            values.append(value)
    if asked.unread_by is not None:
        conditions.append(
            "not exists (from standing_judgements v where v.run_id = c.run_id and v.candidate_id = c.candidate_id "
            "and coalesce(v.reviewer, '') = ?)"
        )
        values.append(asked.unread_by)
    return conditions, values
