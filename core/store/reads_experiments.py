"""Reading verbs about experiments: their runs, the points of their learning curves, and scores before and after."""

from collections.abc import Sequence

import pandas as pd

from core.store.reads import Reads

CHILDREN = """
    select r.*, r.config ->> '$.parent' as parent, r.config ->> '$.arm' as method,
           cast(r.config ->> '$.replicate' as integer) as replicate
    from runs r
    where r.config ->> '$.parent' is not null and (r.kind = 'replicate' or r.config ->> '$.arm' is not null)
    qualify row_number() over (
        partition by parent, method, replicate
        order by r.state in ('failed', 'lost', 'cancelled'), r.created_at desc, r.run_id desc
    ) = 1
"""
"""The runs of every experiment that count: of each arm and replicate the newest that was not given up, else the newest.

The method of a replicate's own run is NULL. The same rule as ``core.recipes.experiment.choose_runs``.
"""

EXCLUDED = f"""
    with children as ({CHILDREN}), stopped as (
        select * from children where state in ('failed', 'lost', 'cancelled')
    ), unmade as (
        select parent, unnest(json_extract_string(config, '$.arms[*].name')) as method, replicate, state, error
        from stopped where method is null
    )
    select parent, method, replicate, state, error from stopped where method is not null
    union all
    select * from unmade anti join children using (parent, method, replicate)
"""
"""The arms of every experiment that count for nothing: given up, or never made of a replicate that was given up."""


class ExperimentReads(Reads):
    """What the database says of experiments."""

    def list_experiments(self) -> pd.DataFrame:
        """Return the experiments, newest first: the columns of ``runs``, seed_set_id, and how their arms' runs stand.

        n_runs is how many there will be; n_done, n_paused (waiting for a person), n_failed (as ``list_excluded_runs``)
        and n_left (queued, running, or not made yet) add up to it.
        """
        return self._frame(
            f"""
            with done as (
                select parent, count(*) filter (summary ->> '$.waits_after_round' is null) as done,
                       count(*) filter (summary ->> '$.waits_after_round' is not null) as paused
                from ({CHILDREN}) where method is not null and state = 'done' group by all
            ), excluded as (
                select parent, count(*) as gone from ({EXCLUDED}) group by all
            )
            select r.*, s.seed_set_id, cast(r.summary ->> '$.n_runs' as integer) as n_runs,
                   coalesce(d.done, 0) as n_done, coalesce(d.paused, 0) as n_paused, coalesce(e.gone, 0) as n_failed,
                   n_runs - n_done - n_paused - n_failed as n_left
            from runs r join run_subjects s using (run_id) left join done d on d.parent = r.run_id
            left join excluded e on e.parent = r.run_id
            where r.kind = 'experiment' order by r.created_at desc, r.run_id desc
            """
        )

    def list_excluded_runs(self, experiment_id: str) -> pd.DataFrame:
        """Return what counts for nothing: method, replicate, state and error (NULL: none), by method and replicate.

        An arm that was never made, of a replicate that was given up, has that one's state and error.
        """
        return self._frame(
            f"""
            select method, replicate, state, error from ({EXCLUDED}) where parent = ? order by method, replicate
            """,
            [experiment_id],
        )

    def list_experiment_runs(self, experiment_id: str) -> pd.DataFrame:
        """Return the runs of an experiment, replicates first, by replicate and time.

        Columns: run_id, kind, method (NULL: the replicate itself), replicate, state, error, created_at, started_at,
        ended_at, stopped (why it ended early), waits_after_round (for a person; NULL: not), stage, made, failed,
        total, began_at, began_made, progress_at, title, and counts (False: another run of the same arm and replicate
        is the one that does).
        """
        return self._frame(
            f"""
            select r.run_id, r.kind, r.title, r.config ->> '$.arm' as method,
                   cast(r.config ->> '$.replicate' as integer) as replicate, r.state, r.error, r.created_at,
                   r.started_at, r.ended_at, r.summary ->> '$.stopped' as stopped,
                   r.summary ->> '$.waits_after_round' as waits_after_round,
                   p.stage, p.made, p.failed, p.total, p.began_at, p.began_made,
                   p.written_at as progress_at, c.run_id is not null as counts
            from runs r left join latest_progress p using (run_id) left join ({CHILDREN}) c using (run_id)
            where r.config ->> '$.parent' = ? order by replicate, method is not null, r.created_at, r.run_id
            """,
            [experiment_id],
        )

    def list_experiment_points(self, experiment_id: str) -> pd.DataFrame:
        """Return the points of the learning curves of an experiment on each test set, of runs that were not given up.

        Columns: data_set, method, replicate, split (test, ood or another set's name), size (accepted candidates or
        problems so far), accuracy (0 to 1), round (0: before any training), n_test, n_tokens (nominal, of the teacher,
        in and out, all rounds so far), student, selector and pick (NULL: the recipe chooses by none), kind (of the
        run), run_id.
        """
        return self._frame(
            f"""
            with arms as (
                select run_id, config ->> '$.seed_set_name' as data_set, method, replicate,
                       config ->> '$.selector' as selector, config ->> '$.pick' as pick,
                       config ->> '$.student' as student, kind
                from ({CHILDREN})
                where parent = ? and method is not null and state not in ('failed', 'cancelled', 'lost')
            ), spent as (  -- so far; an attempt that goes on asks everything again, from the cache
                select x.run_id, x.round,
                       sum(coalesce(c.n_input_tokens, 0) + coalesce(c.n_output_tokens, 0)) as n_tokens
                from (from calls semi join arms using (run_id)) c
                join rounds x on c.run_id = x.run_id and c.attempt = x.attempt and c.written_at <= x.written_at
                group by all
            )
            select a.data_set, a.method, a.replicate, e.split, cast(sum(coalesce(x.accepted, 0))
                       over (partition by a.run_id, e.split order by e.round) as bigint) as size,
                   e.accuracy, e.round, e.n as n_test,
                   cast(coalesce(s.n_tokens, 0) as bigint) as n_tokens,
                   a.student, a.selector, a.pick, a.kind, a.run_id
            from arms a join evaluations e using (run_id)
            left join rounds x on x.run_id = e.run_id and x.round = e.round
            left join spent s on s.run_id = e.run_id and s.round = e.round
            where e.round = 0 or x.round is not null
            order by a.method, a.replicate, e.split, e.round
            """,
            [experiment_id],
        )

    def list_paired_signals(self, run_ids: Sequence[str]) -> list[str]:
        """Return the signals that ``list_score_pairs`` may have, the loss first."""
        rows = self._records(
            """
            select distinct signal from (
                select 'loss' as signal from predictions where list_contains(?, run_id)
                union all
                select signal from scores where list_contains(?, run_id)
            ) order by signal <> 'loss', signal
            """,
            [list(run_ids)] * 2,
        )
        return [row["signal"] for row in rows]

    def list_score_pairs(
        self, run_ids: Sequence[str], signals: Sequence[str] | None = None, round_: int | None = None
    ) -> pd.DataFrame:
        """Return what the student that chose a round's seeds scored them, and then their children.

        Args:
            run_ids: of loops and the like.
            signals: only these; None: all.
            round_: only this one; None: all.

        Columns: run_id, round, candidate_id, problem_id (the child's first parent), student (the label), signal, before
        and after (NaN: unknown); by run, round, candidate and signal. A child that was not scored is not there.
        """
        return self._frame(
            """
            with grown as (
                select c.run_id, c.round, c.candidate_id, c.parents ->> '$[0]' as problem_id, x.student,
                       coalesce(x.prediction_run_id, c.run_id) as scored_in
                from candidates c join selections x using (run_id, round)
                where list_contains(?, c.run_id) and (? is null or c.round = ?)
            ), values_ as (
                select run_id, student, problem_id, 'loss' as signal, loss as value from predictions
                where ? is null or list_contains(?, 'loss')
                union all
                select run_id, student, problem_id, signal, value from scores
                where ? is null or list_contains(?, signal)
            )
            select g.run_id, g.round, g.candidate_id, g.problem_id, g.student, a.signal,
                   b.value as before, a.value as after
            from grown g
            join values_ a on a.run_id = g.run_id and a.student = g.student and a.problem_id = g.candidate_id
            left join values_ b on b.run_id = g.scored_in and b.student = g.student and b.problem_id = g.problem_id
                 and b.signal = a.signal
            order by g.run_id, g.round, g.candidate_id, a.signal
            """,
            [list(run_ids), round_, round_, *[None if signals is None else list(signals)] * 4],
        )

    def list_child_scores(self, run_id: str) -> pd.DataFrame:
        """Return what each student of a run scored a seed, and then its child, where it scored both.

        Columns: student (the label), signal, problem_id (the child's first parent), candidate_id, before and after
        (NaN: unknown), is_right_before and is_right_after (NULL: unknown); by student, signal and candidate.
        """
        return self._frame(
            """
            with scored as (
                select student, problem_id, 'loss' as signal, loss as value, is_correct
                from predictions where run_id = ?
                union all
                select s.student, s.problem_id, s.signal, s.value, p.is_correct
                from scores s left join predictions p using (run_id, student, problem_id) where s.run_id = ?
            )
            select a.student, a.signal, b.problem_id, c.candidate_id, b.value as before, a.value as after,
                   b.is_correct as is_right_before, a.is_correct as is_right_after
            from candidates c
            join scored a on a.problem_id = c.candidate_id
            join scored b on b.problem_id = c.parents ->> '$[0]' and b.student = a.student and b.signal = a.signal
            where c.run_id = ? order by a.student, a.signal, c.candidate_id
            """,
            [run_id, run_id, run_id],
        )

    def list_steerability(self, seed_set_id: str | None = None) -> pd.DataFrame:
        """Return the runs that checked steerability, newest first: the columns of ``runs``, and its seed set.

        Args:
            seed_set_id: of the seeds; None: of any.

        Returns:
            Also seed_set_id and seed_set_name (NULL where the check's configuration does not say).
        """
        return self._frame(
            """
            select r.*, s.seed_set_id, r.config ->> '$.seed_set_name' as seed_set_name
            from runs r join run_subjects s using (run_id)
            where r.kind = 'steerability' and (s.seed_set_id = ? or ? is null)
            order by r.created_at desc, r.run_id desc
            """,
            [seed_set_id, seed_set_id],
        )

    def list_chosen_scores(self, run_ids: Sequence[str], signal: str, round_: int = 1) -> pd.DataFrame:
        """Return what the student that chose a round's seeds scored every train problem, and which were chosen.

        Columns: run_id, problem_id, value (NaN: unknown), is_chosen; by run and problem.
        """
        return self._frame(
            """
            with chosen as (
                select run_id, problem_id from selected s join selections x using (run_id, round)
                where list_contains(?, run_id) and round = ? and s.rank < x.k
            ), scored as (
                select p.run_id, p.problem_id, p.loss as value
                from predictions p join selections x using (run_id, student)
                where ? = 'loss' and list_contains(?, p.run_id) and x.round = ? and p.split = 'train'
                union all
                select v.run_id, v.problem_id, v.value
                from scores v join selections x using (run_id, student)
                join predictions p using (run_id, student, problem_id)
                where v.signal = ? and list_contains(?, v.run_id) and x.round = ? and p.split = 'train'
            )
            select s.run_id, s.problem_id, s.value, c.problem_id is not null as is_chosen
            from scored s left join chosen c using (run_id, problem_id) order by s.run_id, s.problem_id
            """,
            [list(run_ids), round_, signal, list(run_ids), round_, signal, list(run_ids), round_],
        )

    def list_grown_texts(self, run_ids: Sequence[str], most: int | None = None) -> pd.DataFrame:
        """Return question and answer of every candidate that the filters let through: run_id, round, text.

        Args:
            run_ids: of loops and the like.
            most: at most so many of each round of a run, those whose id has the lowest hash; None: all.
        """
        return self._frame(
            """
            select run_id, round, question || chr(10) || coalesce(answer, '') as text
            from candidate_states where list_contains(?, run_id) and status = 'accepted'
            qualify row_number() over (partition by run_id, round order by hash(candidate_id)) <= coalesce(?, 1e9)
            order by all
            """,
            [list(run_ids), most],
        )

    def list_seed_texts(self, seed_set_id: str) -> list[str]:
        """Return question and answer of every train problem of a seed set, as ``list_grown_texts`` joins them."""
        rows = self._records(
            """
            select question || chr(10) || coalesce(answer, '') as text
            from problems where run_id = ? and split = 'train' order by problem_id
            """,
            [seed_set_id],
        )
        return [row["text"] for row in rows]

    def list_run_tokens(self) -> pd.DataFrame:
        """Return what runs that are done asked of their teacher for what they accepted.

        Columns: run_id, kind, selector (NULL: it chose by none), seed_set_id, seed_set_name, n_accepted (candidates or
        problems), n_input and n_output (nominal tokens, judging included).
        """
        return self._frame(
            """
            with asked as (
                select run_id, coalesce(sum(n_input_tokens), 0) as n_input,
                       coalesce(sum(n_output_tokens), 0) as n_output
                from calls where attempt = 1 group by all
            ), brought as (
                select run_id, sum(accepted) as n_accepted from rounds where attempt = 1 group by all
            )
            select r.run_id, r.kind, r.config ->> '$.selector' as selector, r.config ->> '$.seed_set' as seed_set_id,
                   r.config ->> '$.seed_set_name' as seed_set_name, cast(b.n_accepted as bigint) as n_accepted,
                   cast(a.n_input as bigint) as n_input, cast(a.n_output as bigint) as n_output
            from runs r join brought b using (run_id) join asked a using (run_id)
            where r.state = 'done' and b.n_accepted > 0
            order by r.created_at desc, r.run_id
            """
        )

    def list_round_times(self, limit: int = 200) -> pd.DataFrame:
        """Return how long rounds of runs took, the newest of each kind, student and seed set.

        Columns: kind, student, seed_set_id, seed_set_name, round, size (accepted candidates or problems so far),
        n_searched (problems generated before the first round trained; NULL: the recipe searches for none), seconds.
        """
        return self._frame(
            """
            with sized as (
                select r.kind, r.config ->> '$.student' as student, r.config ->> '$.seed_set' as seed_set_id,
                       r.config ->> '$.seed_set_name' as seed_set_name, x.round,
                       cast(sum(x.accepted) over (partition by x.run_id order by x.round) as bigint) as size,
                       cast(r.config ->> '$.generated' as integer) as n_searched, x.seconds, x.written_at, x.attempt
                from rounds x join runs r using (run_id)
            )
            select * exclude (written_at, attempt) from sized
            where attempt = 1  -- a later one finds the earlier rounds done and takes no time for them
            qualify row_number() over (partition by kind, student, seed_set_id order by written_at desc) <= ?
            order by written_at desc
            """,
            [limit],
        )
