"""Reading verbs about training rows: what a run was trained on and what it drew for that, each to be opened whole.

Runs from before rows had texts of their own name candidates instead; their texts are those of the candidates, as they
stand now.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.store.reads import Reads, match_all, match_text

_ROWS = """
    select t.run_id, t.round, t.position, t.row_id, coalesce(t.origin, 'candidate') as origin,
           coalesce(t.origin_run_id, t.candidate_run_id) as origin_run_id,
           coalesce(t.origin_id, t.candidate_id) as origin_id,
           coalesce(t.question, c.current_question) as question, coalesce(t.answer, c.current_answer) as answer,
           coalesce(t.final, if(t.question is null, c.current_final, null)) as final,
           coalesce(t.label, 1) as label, t.rejected, coalesce(t.is_used, true) as is_used, t.reason,
           t.question is null and c.current_question is not null as is_as_now
    from training_rows t left join candidate_states c
      on t.question is null and c.run_id = t.candidate_run_id and c.candidate_id = t.candidate_id
    where t.run_id = ?
"""
_POLICY_ROWS = "select * exclude (attempt), false as is_as_now from policy_rows where run_id = ?"


class RowReads(Reads):
    """What the database says of training rows."""

    def list_training_rows(
        self,
        run_id: str,
        round_: int | None = None,
        *,
        is_policy: bool = False,
        origin: str | None = None,
        label: int | None = None,
        is_used: bool | None = None,
        reason: str | None = None,
        search: str | None = None,
        limit: int | None = 50,
        offset: int = 0,
    ) -> pd.DataFrame:
        """Return the rows that a run was given, by round and position.

        Columns: run_id, round, position, row_id (NULL in old runs), origin, origin_run_id, origin_id, question, answer,
        final, label, rejected, is_used, reason (why it was not trained on), is_as_now (the texts are those of the
        candidate as it stands now, since the run kept none). question is NULL where nothing is known of it any more.

        Args:
            run_id: of a finetune or a loop.
            round_: only of this round.
            is_policy: the rows of the policy that was trained before, in place of those of the training itself.
            origin: only rows of this origin.
            label: only rows of this label.
            is_used: only rows that were (not) trained on.
            reason: only rows that were left out for this reason.
            search: only rows with this text in question, answer or rejected answer, in any case.
            limit: at most so many rows; None: all.
            offset: skip so many.
        """
        conditions, values = [], [run_id]
        wanted = {"round": round_, "origin": origin, "label": label, "is_used": is_used, "reason": reason}
        for column, value in wanted.items():
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if search:
            matches = [f"{column} ilike ? escape '!'" for column in ("question", "answer", "rejected")]
            conditions.append(f"({' or '.join(matches)})")
            values += [match_text(search)] * len(matches)
        return self._frame(
            f"with rows as ({_POLICY_ROWS if is_policy else _ROWS}) select * from rows {match_all(conditions)} "
            "order by round, position limit ? offset ?",
            [*values, limit, offset],
        )

    def count_training_rows(self, run_id: str, *, is_policy: bool = False) -> pd.DataFrame:
        """Return how many rows a run, or its policy, was given: round, origin, label, is_used, reason, n; by these."""
        return self._frame(
            f"""
            select round, coalesce(origin, 'candidate') as origin, coalesce(label, 1) as label,
                   coalesce(is_used, true) as is_used, reason, count(*) as n
            from {"policy_rows" if is_policy else "training_rows"} where run_id = ? group by all order by all
            """,
            [run_id],
        )

    def list_own_answers(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Return what students drew in these runs, runs in the order given: the columns of ``own_answers``, reference.

        ``reference`` is the final answer of the problem in the run's seed set that asks this question; NULL where none
        does.
        """
        return self._frame(
            """
            with known as (
                select run_id, question, arg_min(final, position) as final, min(position) as position
                from problems where run_id in (select seed_set_id from run_subjects where list_contains(?, run_id))
                group by run_id, question
            )
            select o.* exclude (attempt), k.final as reference
            from own_answers o left join run_subjects s using (run_id)
            left join known k on k.run_id = s.seed_set_id and k.question = o.question
            where list_contains(?, o.run_id)
            order by list_position(?, o.run_id), o.round, k.position, o.problem_id, o.sample
            """,
            [list(run_ids)] * 3,
        )

    def count_own_answers(self, seed_set_id: str | None = None) -> pd.DataFrame:
        """Return run_id, title, created_at, n, n_right, n_wrong, n_kept of the runs that drew answers, newest first."""
        conditions, values = ([], []) if seed_set_id is None else (["s.seed_set_id = ?"], [seed_set_id])
        return self._frame(
            f"""
            select o.run_id, s.title, s.created_at, count(*) as n, count(*) filter (where o.is_correct) as n_right,
                   count(*) filter (where not o.is_correct) as n_wrong, count(*) filter (where o.is_kept) as n_kept
            from own_answers o left join run_subjects s using (run_id)
            {match_all(conditions)} group by o.run_id, s.title, s.created_at order by s.created_at desc, o.run_id
            """,
            values,
        )

    def find_own_answer(self, run_id: str, round_: int, question: str, text: str) -> dict[str, Any] | None:
        """Return the drawn answer of a run that is this text, or begins with it; None where there is none.

        Blanks do not count. One whose steps were looked at comes first, for such a beginning is cut at a step; then a
        whole one. The columns of ``own_answers``, and ``has_steps``.
        """
        return self._record(
            """
            with drawn as (
                select o.*, trim(regexp_replace(o.text, '\\s+', ' ', 'g')) as flat,
                       trim(regexp_replace(?, '\\s+', ' ', 'g')) as wanted,
                       exists (select 1 from step_values v where v.run_id = o.run_id and v.round = o.round
                               and v.problem_id = o.problem_id and v.sample = o.sample) as has_steps
                from own_answers o where o.run_id = ? and o.round = ? and o.question = ?
            )
            select * exclude (flat, wanted) from drawn where starts_with(flat, wanted)
            order by has_steps desc, flat = wanted desc, problem_id, sample limit 1
            """,
            [text, run_id, round_, question],
        )

    def list_drawn(self, run_id: str, round_: int, question: str) -> pd.DataFrame:
        """Return every answer that a run drew to a question, as drawn: the columns of ``own_answers``."""
        return self._frame(
            "select * from own_answers where run_id = ? and round = ? and question = ? order by problem_id, sample",
            [run_id, round_, question],
        )

    def list_step_values(self, run_id: str, round_: int, problem_id: str, sample: int) -> pd.DataFrame:
        """Return the steps of one drawn answer: step (0: the question alone), text, value, n_rollouts, n_right, is_pit.

        ``value`` is the share of continuations from there that end right, of the best of K where the objective says so.
        """
        return self._frame(
            """
            select step, text, value, n_rollouts, n_right, is_pit from step_values
            where run_id = ? and round = ? and problem_id = ? and sample = ? order by step
            """,
            [run_id, round_, problem_id, sample],
        )

    def read_rows_stamp(self, run_ids: Sequence[str]) -> tuple[Any, ...]:
        """Return what changes whenever rows gathered from these runs may: a key for what was made of them."""
        tables = ("candidates", "verdicts", "reviews", "own_answers", "training_rows", "selected")
        counts = ", ".join(
            f'(select count(*) from "{name}" where list_contains(?, run_id)) as {name}' for name in tables
        )
        said = "string_agg(run_id || state || attempt, ' ' order by run_id)"
        states = f"(select {said} from runs where list_contains(?, run_id))"
        found = self._record(f"select {counts}, {states} as states", [list(run_ids)] * (len(tables) + 1))
        return tuple(found.values())

    def list_chosen(self, run_id: str) -> list[str]:
        """Return the problems that a run selected, round by round in the order of choice, each once; no spares."""
        rows = self._records(
            """
            select c.problem_id, min(c.round * 1e9 + c.rank) as place
            from selected c join selections x using (run_id, round)
            where c.run_id = ? and c.rank < x.k group by c.problem_id order by place
            """,
            [run_id],
        )
        return [row["problem_id"] for row in rows]

    def list_runs_of_candidate(self, candidate_id: str) -> list[str]:
        """Return the runs of this home that made a candidate of this id, newest first."""
        rows = self._records(
            """select c.run_id from candidates c left join runs r using (run_id) where c.candidate_id = ?
            order by r.created_at desc""",
            [candidate_id],
        )
        return [row["run_id"] for row in rows]
