"""Reading verbs about evaluations of students: the runs, the problems with both students' answers, every single answer.

A problem is gained where the share of right answers rose from the base to the tuned student, lost where it fell; with
one answer a problem that is wrong before and right after, or the other way round.
"""

from typing import Any

import pandas as pd

from core.errors import RunError
from core.store.reads import Reads, match_all, match_text

ANSWER_FILTERS = {
    "all": "true",
    "gained": "tuned_share > base_share",
    "lost": "tuned_share < base_share",
    "wrong": "coalesce(greatest(base_share, tuned_share), 1) = 0",
    "right": "coalesce(least(base_share, tuned_share), 0) = 1",
    "mixed": "share > 0 and share < 1 and coalesce(base_share = tuned_share, true)",
    "disagree": "n_disagree > 0",
    "undecided": "n_undecided > 0",
    "truncated": "n_truncated > 0",
    "no_final": "n_no_final > 0",
    "not_judged": "coalesce(base_share, tuned_share) is null",
}
"""Name -> condition on a problem. ``wrong``: by every student and every time; ``right`` likewise; ``mixed``: sometimes,
by both equally often. With ``gained``, ``lost`` and ``not_judged`` each problem is in one of these. ``disagree``:
checker and grader differ on an answer."""

ANSWER_ORDERS = {
    "source": "position, problem_id",
    "best": "share desc nulls last, loss asc nulls last, problem_id",
    "worst": "share asc nulls last, loss desc nulls last, problem_id",
    "random": "hash(problem_id || ?), problem_id",
}
"""Name -> order. The share of right answers and the mean loss are those of the tuned student where there is one."""

_PROBLEMS = """
    with asked as (
        select r.config ->> '$.seed_set' as seed_set_id from runs r where r.run_id = ?
    ), marks as (
        select problem_id, student, any_value(split) as split,
               count(*) as n, count(is_correct) as n_judged, count(*) filter (where is_correct) as n_right,
               avg(is_correct::integer) as share, avg(loss) as loss,
               arg_min_null(final, sample) as final, arg_min_null(verdict, sample) as verdict,
               count(*) filter (where is_truncated) as n_truncated,
               count(*) filter (where verdict = 'undecided') as n_undecided,
               count(*) filter (where verdict = 'no_final' or verdict = 'cut_off') as n_no_final,
               count(*) filter (where grade <> is_correct) as n_disagree
        from answers where run_id = ? group by problem_id, student
    ), pairs as (
        select m.problem_id, any_value(m.split) as split,
               max(share) filter (where student = 'base') as base_share,
               max(share) filter (where student = 'tuned') as tuned_share,
               max(n_right) filter (where student = 'base') as base_n_right,
               max(n_right) filter (where student = 'tuned') as tuned_n_right,
               max(n) as n_samples,
               max(final) filter (where student = 'base') as base_final,
               max(final) filter (where student = 'tuned') as tuned_final,
               max(verdict) filter (where student = 'base') as base_verdict,
               max(verdict) filter (where student = 'tuned') as tuned_verdict,
               arg_max_null(share, student) as share, arg_max_null(loss, student) as loss,  -- 'tuned' > 'base'
               sum(n_truncated)::bigint as n_truncated, sum(n_undecided)::bigint as n_undecided,
               sum(n_no_final)::bigint as n_no_final, sum(n_disagree)::bigint as n_disagree
        from marks m group by m.problem_id
    ), found as (
        select s.*, p.position, p.question, p.answer as reference, p.final as reference_final, p.meta,
               p.meta ->> '$.type' as type, p.meta ->> '$.level' as level
        from pairs s cross join asked a left join problems p
             on p.run_id = a.seed_set_id and p.problem_id = s.problem_id
    )
"""


class EvaluationReads(Reads):
    """What the database says of evaluations."""

    def list_evaluate_runs(self, seed_set_id: str | None = None, limit: int = 200) -> pd.DataFrame:
        """Return the evaluations, newest first, ended or not.

        Columns: run_id, title, state, created_at, seed_set_id, set_name, benchmark, task, student_name, adapter,
        n_samples, temperature, splits (JSON text), n, base_accuracy, tuned_accuracy, difference, low, high, p_value
        (shares in [0, 1]; NULL before the run is done, or where a student was not asked).
        """
        conditions, values = ["r.kind = 'evaluate'"], []
        if seed_set_id is not None:
            conditions.append("r.config ->> '$.seed_set' = ?")
            values.append(seed_set_id)
        numbers = {f"{name}_accuracy": f"students.{name}.accuracy" for name in ("base", "tuned")}
        numbers |= {name: f"comparison.{name}" for name in ("difference", "low", "high", "p_value")}
        columns = ", ".join(f"try_cast(r.summary ->> '$.{path}' as double) as {name}" for name, path in numbers.items())
        return self._frame(
            f"""
            select r.run_id, r.title, r.state, r.created_at, r.config ->> '$.seed_set' as seed_set_id,
                   r.config ->> '$.seed_set_name' as set_name, r.config ->> '$.benchmark' as benchmark,
                   r.config ->> '$.task' as task, r.config ->> '$.student' as student_name,
                   r.config ->> '$.adapter' as adapter, try_cast(r.config ->> '$.n_samples' as integer) as n_samples,
                   try_cast(r.config ->> '$.temperature' as double) as temperature, r.config -> '$.splits' as splits,
                   try_cast(r.summary ->> '$.n' as integer) as n, {columns}
            from runs r {match_all(conditions)} order by r.created_at desc, r.run_id desc limit ?
            """,
            [*values, limit],
        )

    def list_evaluated(
        self,
        run_id: str,
        show: str = "all",
        order: str = "source",
        *,
        search: str | None = None,
        group: tuple[str, str | None] | None = None,
        seed: int = 0,
        limit: int = 20,
        offset: int = 0,
    ) -> pd.DataFrame:
        """Return the problems of an evaluation with what both students made of them.

        Columns: problem_id, split, position, question, reference, reference_final, meta (JSON text), type, level;
        base_share, tuned_share (right answers among the judged ones; NULL: not asked, or not judged), base_n_right,
        tuned_n_right, n_samples; base_final, tuned_final, base_verdict, tuned_verdict of the first answer; n_truncated,
        n_undecided, n_no_final, n_disagree answers; share and loss as ``ANSWER_ORDERS`` says.

        Args:
            run_id: of the evaluation.
            show: name of ANSWER_FILTERS.
            order: name of ANSWER_ORDERS.
            search: only problems whose question or reference holds this text, in any case.
            group: a field (``split``, or one of the problem's meta) and its value as text, None for no value.
            seed: of the random order; another one shuffles otherwise.
            limit: at most so many rows.
            offset: skip so many.

        Raises:
            RunError: there is no such filter or order.
        """
        condition, values = _choose(show, search, group)
        if order not in ANSWER_ORDERS:
            raise RunError(f"Answers cannot be put in the order {order!r}; known: {', '.join(ANSWER_ORDERS)}.")
        lot = [str(seed)] if order == "random" else []
        return self._frame(
            f"{_PROBLEMS} select * from found {condition} order by {ANSWER_ORDERS[order]} limit ? offset ?",
            [run_id, run_id, *values, *lot, limit, offset],
        )

    def count_evaluated(
        self, run_id: str, search: str | None = None, group: tuple[str, str | None] | None = None
    ) -> dict[str, int]:
        """Return name of ANSWER_FILTERS -> how many problems it shows."""
        condition, values = _choose("all", search, group)
        counts = ", ".join(f'count(*) filter (where {each}) as "{name}"' for name, each in ANSWER_FILTERS.items())
        return self._record(f"{_PROBLEMS} select {counts} from found {condition}", [run_id, run_id, *values])

    def list_answers(self, run_id: str, problem_id: str) -> pd.DataFrame:
        """Return every answer to one problem: the columns of ``answers``, base first, in the order of drawing."""
        return self._frame(
            "select * from answers where run_id = ? and problem_id = ? order by student, sample", [run_id, problem_id]
        )


def _choose(show: str, search: str | None, group: tuple[str, str | None] | None) -> tuple[str, list[Any]]:
    """Return the WHERE clause and its values."""
    if show not in ANSWER_FILTERS:
        raise RunError(f"Answers cannot be shown by {show!r}; known: {', '.join(ANSWER_FILTERS)}.")
    conditions, values = [ANSWER_FILTERS[show]], []
    if search:
        conditions.append("(question ilike ? escape '!' or reference ilike ? escape '!')")
        values += [match_text(search)] * 2
    if group is not None:
        field, value = group
        if field == "split":
            conditions.append("split is not distinct from ?")
            values.append(value)
        else:
            conditions.append("nullif(json_extract_string(meta, ?), '') is not distinct from ?")
            values += [f'$."{field}"', value]
    return match_all(conditions), values
