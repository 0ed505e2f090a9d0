"""Reading verbs about reviews: what is looked at, in which order, what people said of it, and who they are."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.store.queue_filter import TYPE, QueueFilter, build_queue
from core.store.reads import Reads, match_all, parse_json

_RECORDS = """
    select c.run_id, c.candidate_id, c.round, c.position, c.parents, c.method, c.teacher, c.meta, c.failure,
           c.raw_question, c.raw_answer, c.n_input_tokens, c.n_output_tokens, c.sample_index, c.written_at,
           c.status, c.rejected_by, c.review, c.reviewer, c.review_reason, c.note, c.is_locked, c.is_edited,
           c.current_question as question, c.current_answer as answer, c.current_final as final,
           s.seed_set_id, s.title, s.selector, s.kind,
           a.student, a.text as student_text, a.final as student_final, a.is_correct, a.loss, a.seed_loss, a.shift,
           a.is_seed_correct
    from candidate_states c join run_subjects s using (run_id)
    left join candidate_answers a using (run_id, candidate_id)
    where c.run_id = ? and list_contains(?, c.candidate_id)
"""


class ReviewReads(Reads):
    """What the database says of what people did with candidates."""

    def list_queue(self, asked: QueueFilter) -> pd.DataFrame:
        """Return run_id, candidate_id, review (NULL: none) and is_locked of what a filter asks for, in its order.

        What was skipped and still waits comes last, the longest skipped first.
        """
        sql, values = build_queue(asked)
        return self._frame(sql, values)

    def list_queue_texts(self, asked: QueueFilter, limit: int | None = None) -> pd.DataFrame:
        """Return what a filter asks for with its texts, in its order: all that a table, a change or a file needs.

        Columns: those of ``list_queue``; question, answer, final (as they stand), meta and parents (JSON text), method,
        teacher, round, title (of the run), status, rejected_by, reviewer, review_reason, note, type (of the seed,
        empty: none), student, is_correct and loss (of its answer; NULL: nobody asked), shift.
        """
        sql, values = build_queue(asked)
        return self._frame(
            f"""
            with queue as materialized (select * from ({sql}) limit ?)
            select u.*, c.current_question as question, c.current_answer as answer, c.current_final as final, c.meta,
                   c.parents, c.method, c.teacher, c.round, s.title, c.status, c.rejected_by, c.reviewer,
                   c.review_reason, c.note, {TYPE} as type, a.student, a.is_correct, a.loss, a.shift
            from queue u join candidate_states c using (run_id, candidate_id) join run_subjects s using (run_id)
            left join problems q on q.run_id = s.seed_set_id and q.problem_id = c.parents ->> '$[0]'
            left join candidate_answers a on a.run_id = u.run_id and a.candidate_id = u.candidate_id
            order by u.place
            """,
            [*values, limit],
        )

    def list_verdicts_of_people(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Return every reviewer's own latest verdict on each candidate of these runs, in the order in which they came.

        Columns: run_id, candidate_id, reviewer (empty: without a name), review (one of JUDGEMENTS), plan (how it was
        drawn; NULL: not told), written_at, status (what the filters said), type (of the seed).
        """
        return self._frame(
            f"""
            with own as (
                select run_id, candidate_id, coalesce(reviewer, '') as reviewer, action as review, plan, written_at
                from standing_judgements where list_contains(?, run_id)
                qualify row_number() over (partition by run_id, candidate_id, coalesce(reviewer, '')
                                           order by written_at desc) = 1
            )
            select o.*, c.status, {TYPE} as type from own o join candidate_states c using (run_id, candidate_id)
            join run_subjects s using (run_id)
            left join problems q on q.run_id = s.seed_set_id and q.problem_id = c.parents ->> '$[0]'
            order by o.written_at
            """,
            [list(run_ids)],
        )

    def count_by_type(self, run_ids: Sequence[str]) -> dict[str, int]:
        """Return type of the seed (empty: none) -> candidates of these runs that passed the filters, judged or not."""
        rows = self._records(
            f"""
            select {TYPE} as type, count(*) as n from candidate_states c join run_subjects s using (run_id)
            left join problems q on q.run_id = s.seed_set_id and q.problem_id = c.parents ->> '$[0]'
            where list_contains(?, c.run_id) and c.status = 'accepted' group by all
            """,
            [list(run_ids)],
        )
        return {row["type"]: row["n"] for row in rows}

    def list_judged_children(self, seed_set_id: str) -> pd.DataFrame:
        """Return what people judged of a seed set's candidates.

        Columns: problem_id (the first parent; NULL: none), method, is_kept (accepted or edited).
        """
        return self._frame(
            """
            select c.parents ->> '$[0]' as problem_id, c.method, c.review in ('accept', 'edit') as is_kept
            from candidate_states c join run_subjects s using (run_id)
            where s.seed_set_id = ? and c.review is not null and not s.is_preview
            """,
            [seed_set_id],
        )

    def list_accepted_by_hand(self, seed_set_id: str) -> pd.DataFrame:
        """Return what people accepted or edited of a seed set's candidates, the first accepted first.

        Columns: candidate_id, question, answer, final (as they stand), meta and seed_meta (JSON text; of its first
        parent, NULL: none). Of the same question the latest.
        """
        return self._frame(
            """
            select c.candidate_id, c.current_question as question, c.current_answer as answer, c.current_final as final,
                   c.meta, q.meta as seed_meta
            from candidate_states c join run_subjects s using (run_id)
            left join problems q on q.run_id = s.seed_set_id and q.problem_id = c.parents ->> '$[0]'
            where s.seed_set_id = ? and c.review in ('accept', 'edit') and c.current_question is not null
              and c.current_answer is not null and not s.is_preview
              and c.meta ->> '$.label' is distinct from 'incorrect'
            qualify row_number() over (partition by c.current_question order by c.reviewed_at desc) = 1
            order by c.reviewed_at, c.candidate_id
            """,
            [seed_set_id],
        )

    def list_answerable(self, asked: QueueFilter) -> pd.DataFrame:
        """Return what a student can be asked of a filter's candidates: what passed the filters, and nobody threw away.

        Columns: run_id, candidate_id, question, answer, final (as they stand), meta (JSON text), parent_id (the first;
        NULL: none), seed_set_id. Answers that are meant to be wrong are not among them.
        """
        queue, values = build_queue(asked)
        return self._frame(
            f"""
            with asked as ({queue})
            select c.run_id, c.candidate_id, c.current_question as question, c.current_answer as answer,
                   c.current_final as final, c.meta, c.parents ->> '$[0]' as parent_id, s.seed_set_id
            from asked join candidate_states c using (run_id, candidate_id) join run_subjects s using (run_id)
            where c.status = 'accepted' and c.current_question is not null and c.review is distinct from 'trash'
              and c.meta ->> '$.label' is distinct from 'incorrect' and s.seed_set_id is not null
            order by s.created_at, c.run_id, c.round, c.position
            """,
            values,
        )

    def list_questions(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Return candidate_id and question, as it stands, of every candidate of these runs that has one."""
        return self._frame(
            """
            select candidate_id, current_question as question from candidate_states
            where list_contains(?, run_id) and current_question is not null
            order by run_id, round, position, candidate_id
            """,
            [list(run_ids)],
        )

    def read_records(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        """Return what is to be seen of these candidates: (run_id, candidate_id) -> record; unknown ones are left out.

        A record has the texts as they stand (question, answer, final), what the student made of it (student,
        student_text, student_final, is_correct, loss; seed_loss and shift of its first parent; all None where nobody
        asked), status, review and the rest of its row; ``verdicts`` and ``parent_problems`` are lists of dicts.
        """
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for run_id in dict.fromkeys(run_id for run_id, _ in keys):
            ids = [id_ for owner, id_ in keys if owner == run_id]
            rows = [parse_json(row, "parents", "meta") for row in self._records(_RECORDS, [run_id, ids])]
            verdicts = self._records(
                "select * from verdicts where run_id = ? and list_contains(?, candidate_id) order by filter",
                [run_id, ids],
            )
            parents = self._read_parents(rows)
            for row in rows:
                row["verdicts"] = [each for each in verdicts if each["candidate_id"] == row["candidate_id"]]
                row["parent_problems"] = [parents[id_] for id_ in row["parents"] or [] if id_ in parents]
                found[run_id, row["candidate_id"]] = row
        return found

    def _read_parents(self, rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return the parents of one run's candidates: seeds, or candidates of the same run."""
        wanted = sorted({id_ for row in rows for id_ in row["parents"] or []})
        if not wanted:
            return {}
        problems = self._records(
            """
            select problem_id, question, answer, final, meta from problems
            where run_id = ? and list_contains(?, problem_id)
            union all
            select candidate_id, question, answer, final, meta from candidates
            where run_id = ? and list_contains(?, candidate_id)
            """,
            [rows[0]["seed_set_id"], wanted, rows[0]["run_id"], wanted],
        )
        return {problem["problem_id"]: parse_json(problem, "meta") for problem in problems}

    def list_choices(self, run_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return what can be asked for in these runs' candidates (none: in all): name of the field -> its values."""
        where = match_all(["list_contains(?, c.run_id)"] if run_ids else ["not s.is_preview"])
        values = [list(run_ids)] if run_ids else []
        found = self._record(
            f"""
            select list_sort(list_distinct(list(c.method))) as method,
                   list_sort(list_distinct(list(c.teacher))) as teacher,
                   list_sort(list_distinct(list(s.selector))) as selector,
                   list_sort(list_distinct(list(c.round))) as round,
                   list_sort(list_distinct(list(c.rejected_by))) as rejected_by,
                   list_sort(list_distinct(list(c.reviewer))) as reviewer,
                   list_sort(list_distinct(list(c.review_reason))) as reason,
                   list_sort(list_distinct(list({TYPE}))) as type
            from candidate_states c join run_subjects s using (run_id)
            left join problems q on q.run_id = s.seed_set_id and q.problem_id = c.parents ->> '$[0]' {where}
            """,
            values,
        )
        return {
            name: [value for value in each or [] if value not in (None, "")] for name, each in (found or {}).items()
        }

    # -- what people said ------------------------------------------------------------------------------------

    def list_reviews(
        self,
        run_ids: Sequence[str] | None = None,
        reviewer: str | None = None,
        action: str | None = None,
        limit: int = 500,
    ) -> pd.DataFrame:
        """Return every act, latest first (undos are rows too), with is_undone and the candidate's current_question.

        Args:
            run_ids: only about these runs' candidates.
            reviewer: only of this person; an empty text: of the one without a name.
            action: only of this kind.
            limit: at most so many.
        """
        conditions, values = [], []
        for condition, value in (
            ("list_contains(?, r.run_id)", None if run_ids is None else list(run_ids)),
            ("coalesce(r.reviewer, '') = ?", reviewer), ("r.action = ?", action),
        ):  # fmt: skip
            if value is not None:
                conditions.append(condition)
                values.append(value)
        return self._frame(
            f"""
            with page as materialized (
                select * from reviews r {match_all(conditions)} order by r.written_at desc, r.review_id desc limit ?
            )
            select r.*, r.review_id in (select undoes from reviews where undoes is not null) as is_undone,
                   c.current_question
            from page r left join candidate_states c using (run_id, candidate_id)
            order by r.written_at desc, r.review_id desc
            """,
            [*values, limit],
        )

    def list_reviewers(self) -> list[str]:
        """Return the names that people gave, the latest first; the one without a name is not among them."""
        rows = self._records(
            "select reviewer from reviews where reviewer is not null group by all order by max(written_at) desc"
        )
        return [row["reviewer"] for row in rows]

    def last_review(self, run_ids: Sequence[str], reviewer: str | None = None) -> dict[str, Any] | None:
        """Return the latest standing act of a reviewer on these runs' candidates (none named: on any); None: none."""
        where = "list_contains(?, run_id) and" if run_ids else ""
        return self._record(
            f"""select * from standing_reviews where {where} reviewer is not distinct from ?
            order by written_at desc, review_id desc limit 1""",
            [*([list(run_ids)] if run_ids else []), reviewer],
        )

    def list_batch(self, batch_id: str) -> list[dict[str, Any]]:
        """Return what still stands of one act on several candidates, in the order in which it was written."""
        return self._records("select * from standing_reviews where batch_id = ? order by written_at", [batch_id])

    def list_standing(self, review_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return those of these reviews that nobody took back."""
        return self._records("select * from standing_reviews where list_contains(?, review_id)", [list(review_ids)])

    def list_trashing(self) -> list[dict[str, Any]]:
        """Return the standing reviews that put a candidate into the trash."""
        return self._records("select * from standing_reviews where action = 'trash' order by written_at")

    def has_review(self, review_id: str) -> bool:
        """Say whether this review was written down."""
        return bool(self._records("select 1 as x from reviews where review_id = ?", [review_id]))

    def has_candidate(self, run_id: str, candidate_id: str) -> bool:
        """Say whether this run made this candidate."""
        return bool(
            self._records("select 1 as x from candidates where run_id = ? and candidate_id = ?", [run_id, candidate_id])
        )

    def is_locked(self, run_id: str, candidate_id: str) -> bool:
        """Say whether nothing may be done with a candidate until it is unlocked."""
        rows = self._records(
            "select is_locked from latest_reviews where run_id = ? and candidate_id = ?", [run_id, candidate_id]
        )
        return bool(rows and rows[0]["is_locked"])

    def list_locked(self) -> set[tuple[str, str]]:
        """Return (run_id, candidate_id) of everything that is locked."""
        rows = self._records("select run_id, candidate_id from latest_reviews where is_locked")
        return {(row["run_id"], row["candidate_id"]) for row in rows}
