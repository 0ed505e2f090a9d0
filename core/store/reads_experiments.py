"""Reading verbs about what a round asked for and what came: scores of seeds beside those of their children."""

from collections.abc import Sequence

import pandas as pd

from core.store.reads import Reads


class ExperimentReads(Reads):
    """What the database says of rounds that are compared."""

    def list_score_pairs(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Return what the student that chose a round's seeds scored them, and then their children.

        Columns: run_id, round, candidate_id, problem_id (the child's first parent), student (the label), signal, before
        and after (NaN: unknown); by run, round, candidate and signal. A child that was not scored is not there.
        """
        return self._frame(
            """
            with grown as (
                select c.run_id, c.round, c.candidate_id, c.parents ->> '$[0]' as problem_id, x.student,
                       coalesce(x.prediction_run_id, c.run_id) as scored_in
                from candidates c join selections x using (run_id, round)
                where list_contains(?, c.run_id)
            ), values_ as (
                select run_id, student, problem_id, 'loss' as signal, loss as value from predictions
                union all
                select run_id, student, problem_id, signal, value from scores
            )
            select g.run_id, g.round, g.candidate_id, g.problem_id, g.student, a.signal,
                   b.value as before, a.value as after
            from grown g
            join values_ a on a.run_id = g.run_id and a.student = g.student and a.problem_id = g.candidate_id
            left join values_ b on b.run_id = g.scored_in and b.student = g.student and b.problem_id = g.problem_id
                 and b.signal = a.signal
            order by g.run_id, g.round, g.candidate_id, a.signal
            """,
            [list(run_ids)],
        )
