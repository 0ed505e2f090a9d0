"""Reading verbs about candidates: what the teacher wrote, what the filters said, what people said.

``status`` is what the machine said (failed, rejected, accepted), ``review`` what a person said last (accept, reject,
edit, or NULL). A person's word stands above a filter's only where a policy says so.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.store.reads import Reads, match_all, match_text, parse_json

POLICIES = ("filters and not rejected", "accepted by hand")
"""Which candidates train: what passed the filters and no person rejected, or only what a person accepted or edited."""

_CANDIDATES = """
    with page as materialized (  -- which rows, found without carrying their texts along
        select c.run_id, c.candidate_id, c.status, c.rejected_by, c.reason, c.rouge_l, c.review, c.reviewed_at,
               c.n_skips, c.is_edited, c.edited_question, c.edited_answer, c.edited_final, c.has_edited_final,
               s.seed_set_id, s.selection_run_id, s.is_preview, c.parents ->> '$[0]' as parent_id,
               row_number() over (order by s.created_at, c.run_id, c.round, c.position, c.candidate_id) as place
        from candidate_states c join run_subjects s using (run_id)
        {where} order by place {limit}
    )
    select c.*, p.status, p.rejected_by, p.reason, p.rouge_l, p.review, p.reviewed_at, p.n_skips, p.is_edited,
           p.seed_set_id, p.selection_run_id, p.is_preview, p.parent_id,
           coalesce(p.edited_question, c.question) as current_question,
           coalesce(p.edited_answer, c.answer) as current_answer,
           if(p.has_edited_final, p.edited_final, c.final) as current_final,
           coalesce(q.question, k.question) as parent_question, coalesce(q.answer, k.answer) as parent_answer,
           coalesce(q.final, k.final) as parent_final
    from page p join candidates c using (run_id, candidate_id)
    left join problems q on q.run_id = p.seed_set_id and q.problem_id = p.parent_id
    left join candidates k on k.run_id = p.run_id and k.candidate_id = p.parent_id  -- grown from what was grown
    order by p.place
"""


class CandidateReads(Reads):
    """What the database says of candidates and reviews."""

    def list_candidates(
        self,
        run_id: str | None = None,
        selection_run_id: str | None = None,
        status: str | None = None,
        search: str | None = None,
        limit: int | None = 200,
        offset: int = 0,
    ) -> pd.DataFrame:
        """Return candidates by run, round and position.

        Columns: those of ``candidates`` (parents, meta as JSON text); status (failed, rejected, accepted),
        rejected_by, reason (of the failure or rejection), rouge_l; review (accept, reject, edit or NULL), reviewed_at,
        is_edited, current_question, current_answer, current_final; parent_id, parent_question, parent_answer,
        parent_final (first parent, NULL where there is none); seed_set_id, selection_run_id, is_preview.

        Args:
            run_id: only candidates of this run.
            selection_run_id: only candidates of runs that grew this selection.
            status: only this status.
            search: only where the current question or answer holds this text, in any case.
            limit: at most so many rows; None: all.
            offset: skip so many.
        """
        conditions, values = [], []
        for column, value in (("c.run_id", run_id), ("s.selection_run_id", selection_run_id), ("c.status", status)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if search:
            conditions.append("(c.current_question ilike ? escape '!' or c.current_answer ilike ? escape '!')")
            values += [match_text(search)] * 2
        return self._frame(
            _CANDIDATES.format(where=match_all(conditions), limit="limit ? offset ?"), [*values, limit, offset]
        )

    def count_candidates(self, run_id: str | Sequence[str]) -> dict[str, int]:
        """Count the candidates of one run or several.

        made = failed + rejected + accepted; reviewed_accept, reviewed_reject, edited are by the latest standing
        review; waiting: accepted by the filters and not yet reviewed.
        """
        run_ids = [run_id] if isinstance(run_id, str) else list(run_id)
        return self._record(
            """
            select count(*) as made, count(*) filter (where status = 'failed') as failed,
                   count(*) filter (where status = 'rejected') as rejected,
                   count(*) filter (where status = 'accepted') as accepted,
                   count(*) filter (where review = 'accept') as reviewed_accept,
                   count(*) filter (where review = 'reject') as reviewed_reject,
                   count(*) filter (where review = 'edit') as edited,
                   count(*) filter (where status = 'accepted' and review is null) as waiting
            from candidate_states where list_contains(?, run_id)
            """,
            [run_ids],
        )

    def count_passed(self) -> pd.DataFrame:
        """Return run_id, accepted (by the filters) and waiting (not yet reviewed) of every run where that is not 0."""
        return self._frame(
            """
            select run_id, count(*) as accepted, count(*) filter (where review is null) as waiting
            from candidate_states where status = 'accepted' group by run_id
            """
        )

    def list_failures(self, run_id: str) -> pd.DataFrame:
        """Return why candidates of a run failed or were rejected: status, rejected_by, reason, n; most frequent first.

        Failures count by their sentence. A rejection's sentence holds measured numbers, which would make every one its
        own, so rejections count by filter, with one of their sentences as the example.
        """
        return self._frame(
            """
            with lost as (
                select *, if(status = 'failed', reason, null) as sentence
                from candidate_states where run_id = ? and status <> 'accepted'
            )
            select status, rejected_by, any_value(reason) as reason, count(*) as n from lost
            group by status, rejected_by, sentence order by n desc, reason
            """,
            [run_id],
        )

    def read_candidate(self, run_id: str, candidate_id: str) -> dict[str, Any] | None:
        """Return one candidate as ``list_candidates`` has it, parents and meta parsed; None where there is none.

        Added: ``verdicts``, ``reviews`` (all of them, ``is_undone`` said) and ``parent_problems``, lists of dicts;
        parents are seeds, or candidates of the same run, in the order of ``parents``.
        """
        found = self._record(
            _CANDIDATES.format(where="where c.run_id = ? and c.candidate_id = ?", limit=""), [run_id, candidate_id]
        )
        if found is None:
            return None
        found = parse_json(found, "parents", "meta")
        key = [run_id, candidate_id]
        found["verdicts"] = self._records(
            "select * from verdicts where run_id = ? and candidate_id = ? order by filter", key
        )
        found["reviews"] = self._records(
            """select *, review_id in (select undoes from reviews where undoes is not null) as is_undone
            from reviews where run_id = ? and candidate_id = ? order by written_at""",
            key,
        )
        parents = self._records(
            """
            select problem_id, question, answer, final, meta from problems
            where run_id = ? and list_contains(?, problem_id)
            union all
            select candidate_id, question, answer, final, meta from candidates
            where run_id = ? and list_contains(?, candidate_id)
            order by list_position(?, problem_id)
            """,
            [found["seed_set_id"], found["parents"] or [], run_id, found["parents"] or [], found["parents"] or []],
        )
        found["parent_problems"] = [parse_json(problem, "meta") for problem in parents]
        return found

    def list_call_outputs(self, run_ids: Sequence[str], limit: int = 500) -> list[int]:
        """Return the completion tokens of the latest whole calls of these runs; not of uncounted and failed ones.

        A call is what was asked from the same parents as the same sample, however many candidates it brought.
        """
        rows = self._records(
            """
            select sum(n_output_tokens)::bigint as n from candidates where list_contains(?, run_id)
            group by run_id, parents::varchar, sample_index
            having count(*) = count(n_output_tokens) and count(failure) = 0 order by max(written_at) desc limit ?
            """,
            [list(run_ids), limit],
        )
        return [row["n"] for row in rows]

    def list_candidate_rows(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Return every candidate of these runs with what decides whether it is trained on, runs in the order given.

        Columns: run_id, candidate_id, method, status, rejected_by, reason, review; question, answer, final (the current
        texts, edited where edited); is_incorrect (meant to be wrong); is_right (what the filter ``reference`` said of
        an answer to the seed's own question; NULL: undecided, or never asked), undecided (why); reference (the seed's
        final answer where the question is the seed's own, NULL else).
        """
        return self._frame(
            """
            select c.run_id, c.candidate_id, c.method, c.status, c.rejected_by, c.reason, c.review,
                   c.current_question as question, c.current_answer as answer, c.current_final as final,
                   coalesce(c.meta ->> '$.label' = 'incorrect', false) as is_incorrect,
                   v.is_accepted as is_right, if(v.is_accepted is null, v.reason, null) as undecided,
                   if(q.question = c.current_question, q.final, null) as reference
            from candidate_states c left join run_subjects s using (run_id)
            left join problems q on q.run_id = s.seed_set_id and q.problem_id = c.parents ->> '$[0]'
            left join verdicts v on v.run_id = c.run_id and v.candidate_id = c.candidate_id and v.filter = 'reference'
            where list_contains(?, c.run_id)
            order by list_position(?, c.run_id), c.round, c.position, c.candidate_id
            """,
            [list(run_ids)] * 2,
        )

    def list_earlier_questions(self, seed_set_id: str) -> list[str]:
        """Return every question generated from this seed set (no previews) or brought to it, oldest first."""
        rows = self._records(
            """
            select c.question from candidates c join run_subjects s using (run_id)
            where s.seed_set_id = ? and s.kind in ('generate', 'bring') and not s.is_preview and c.question is not null
              and c.meta ->> '$.label' is distinct from 'incorrect'  -- its question is the seed's own
            order by s.created_at, c.run_id, c.round, c.position
            """,
            [seed_set_id],
        )
        return [row["question"] for row in rows]
