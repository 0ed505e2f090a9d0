"""Reading verbs about what is taken out: candidates with their origin, wrong answers to them, what became of all.

What may be written in which form is decided elsewhere; here is only what is known.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.store.queue_filter import TYPE, QueueFilter, build_queue
from core.store.reads import Reads

_BLANK = "e' \\t\\r\\n'"
"""SQL: what may stand around a text and makes no other one of it."""

_OTHER_FINAL = "coalesce(try_cast({0} as double) <> try_cast({1} as double), {0} <> {1}, false)"
"""SQL: whether two final answers are known to differ; 9 and 9.00 do not."""

_NOT_RIGHT = f"""
    -- what a student said to the question as it was asked; not where the text or its final answer was changed since
    select c.run_id, c.candidate_id, a.text, 'student' as source, true as is_wrong
    from chosen c join candidate_answers a using (run_id, candidate_id)
    where not a.is_correct and not coalesce(a.is_truncated, false) and not c.is_changed
    union all
    select c.run_id, c.candidate_id, o.text, 'student', true
    from chosen c join own_answers o on o.question = c.current_question where not o.is_correct and not c.is_changed
    union all
    -- what stood there before a person wrote another answer: wrong where both final answers are known, and differ
    select c.run_id, c.candidate_id, c.answer, 'edit', {_OTHER_FINAL.format("c.current_final", "c.final")}
    from chosen c where c.question = c.current_question and c.answer <> c.current_answer
    union all
    -- other candidates that ask the same
    select c.run_id, c.candidate_id, w.current_answer, 'candidate', true
    from chosen c join candidate_states w on w.current_question = c.current_question
    where (w.run_id, w.candidate_id) <> (c.run_id, c.candidate_id)
      and (w.meta ->> '$.label' = 'incorrect' or (w.review = 'reject' and w.review_reason = 'wrong_answer'))
"""


class ExportReads(Reads):
    """What the database says of candidates that leave the home."""

    def list_taken_out(self, asked: QueueFilter) -> pd.DataFrame:
        """Return what a filter asks for, in its order, with where each came from.

        Columns: run_id, candidate_id, question, answer, final (as they stand), status, rejected_by, review, reviewer,
        review_reason, is_edited, is_meant_wrong, method, teacher, round, selector, task, parents (JSON text),
        seed_set_id, seed_set (its name), seed_question (of the first parent, a seed or a candidate), type (of the
        seed; NULL: it has none).
        """
        sql, values = build_queue(asked)
        return self._frame(
            f"""
            with queue as materialized ({sql})
            select u.run_id, u.candidate_id, c.current_question as question, c.current_answer as answer,
                   c.current_final as final, c.status, c.rejected_by, u.review, c.reviewer, c.review_reason,
                   c.is_edited, coalesce(c.meta ->> '$.label' = 'incorrect', false) as is_meant_wrong, c.method,
                   c.teacher, c.round, s.selector, r.config ->> '$.task' as task, c.parents, s.seed_set_id,
                   t.name as seed_set, coalesce(q.question, k.question) as seed_question, nullif({TYPE}, '') as type
            from queue u join candidate_states c using (run_id, candidate_id)
            join run_subjects s using (run_id) join runs r using (run_id)
            left join seed_sets t on t.run_id = s.seed_set_id
            left join problems q on q.run_id = s.seed_set_id and q.problem_id = c.parents ->> '$[0]'
            left join candidates k on k.run_id = u.run_id and k.candidate_id = c.parents ->> '$[0]'
            order by u.place
            """,
            values,
        )

    def list_wrong_answers(self, asked: QueueFilter) -> pd.DataFrame:
        """Return answers to what a filter asks for that are known not to be the right ones, each text once.

        Columns: run_id, candidate_id (of the candidate whose question is answered), text, source (student, edit: what a
        person replaced, candidate: another one that asks the same), is_wrong (False: only worse than what replaced it).
        """
        sql, values = build_queue(asked)
        return self._frame(
            f"""
            with queue as materialized ({sql}), chosen as materialized (
                select c.*, c.question is distinct from c.current_question
                            or c.final is distinct from c.current_final as is_changed
                from queue join candidate_states c using (run_id, candidate_id)
                where c.current_question is not null and c.current_answer is not null
            ), found as ({_NOT_RIGHT})
            select f.run_id, f.candidate_id, f.text, min(f.source) as source, bool_or(f.is_wrong) as is_wrong
            from found f join chosen c using (run_id, candidate_id)
            where trim(f.text, {_BLANK}) <> '' and trim(f.text, {_BLANK}) <> trim(c.current_answer, {_BLANK})
            group by all order by f.run_id, f.candidate_id, source, f.text
            """,
            values,
        )

    def list_lineage(self, run_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return run_id, candidate_id and parents (JSON text) of those candidates of runs that others grew from."""
        return self._records(
            """
            with parent as (
                select distinct run_id, unnest(from_json(parents, '["varchar"]')) as candidate_id from candidates
                where list_contains(?, run_id) and parents is not null
            )
            select c.run_id, c.candidate_id, c.parents from candidates c join parent using (run_id, candidate_id)
            """,
            [list(run_ids)],
        )

    def count_stages(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Return what became of the candidates of runs, in the order of their making.

        Columns: run_id, asked, failed, rejected, passed (by all filters), reviewed, accepted (as it was), edited,
        rejected_by_hand, trashed.
        """
        return self._frame(
            """
            select run_id, count(*) as asked, count(*) filter (where status = 'failed') as failed,
                   count(*) filter (where status = 'rejected') as rejected,
                   count(*) filter (where status = 'accepted') as passed, count(review) as reviewed,
                   count(*) filter (where review = 'accept') as accepted,
                   count(*) filter (where review = 'edit') as edited,
                   count(*) filter (where review = 'reject') as rejected_by_hand,
                   count(*) filter (where review = 'trash') as trashed
            from candidate_states where list_contains(?, run_id) group by run_id order by min(written_at), run_id
            """,
            [list(run_ids)],
        )

    def count_rejections(self, run_ids: Sequence[str]) -> dict[str, int]:
        """Return filter -> candidates of runs that it rejected, each under the first by name; most first."""
        rows = self._records(
            """
            select rejected_by, count(*) as n from candidate_states
            where list_contains(?, run_id) and status = 'rejected' group by rejected_by order by n desc, rejected_by
            """,
            [list(run_ids)],
        )
        return {row["rejected_by"]: row["n"] for row in rows}

    def list_sources(self, seed_set_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return run_id, name, origin and n_kept of seed sets, by name."""
        return self._records(
            "select run_id, name, origin, n_kept from seed_sets where list_contains(?, run_id) order by name",
            [list(seed_set_ids)],
        )
