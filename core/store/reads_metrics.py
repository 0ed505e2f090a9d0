"""Reading verbs about what a training measures as it goes: curves, and the answers at its checkpoints.

A long curve is thinned here, before it travels, and says so; what decides about outliers is counted on all points.
"""

from collections.abc import Sequence

import pandas as pd

from core.store.reads import Reads

MAX_POINTS = 2000
"""Points of one curve that are drawn at most; a screen has fewer columns than that."""


class MetricReads(Reads):
    """What the database says of metrics."""

    def read_metrics(
        self,
        run_id: str,
        names: Sequence[str] | None = None,
        max_points: int = MAX_POINTS,
        *,
        round_: int | None = None,
    ) -> pd.DataFrame:
        """Return the curves of a run, by round, name, step.

        A curve (one name in one round) of more than ``max_points`` points is cut into stretches of neighbouring steps,
        of which the lowest, the highest and the last point stay: spikes and the newest point are always kept.

        Columns: round, name, step, value (NaN: unknown), epoch, written_at; n_points (of the whole curve); and, so that
        a mean of all points can be drawn, mean and n_mean: of the known values of the stretch that ends here (a curve
        that is not thinned has stretches of one point; n_mean is 0 where none ends, or nothing in it is known).

        Args:
            run_id: the run.
            names: only these metrics.
            max_points: of one curve.
            round_: only this round.
        """
        conditions, values = ["run_id = ?"], [run_id]
        for condition, value in (
            ("list_contains(?, name)", None if names is None else list(names)),
            ("round = ?", round_),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        n_stretches = max(int(max_points) // 3, 1)
        return self._frame(
            f"""
            with points as materialized (
                select round, name, step, {{step: step, value: value, epoch: epoch, written_at: written_at}} as point,
                       value from metrics where {" and ".join(conditions)}
            ), curves as (
                select round, name, count(*) as n_points, min(step) as first, max(step) - min(step) + 1 as width
                from points group by round, name
            ), kept as (
                select round, name, point, step as last, value as mean, if(value is null, 0, 1) as n_mean, n_points
                from points join curves using (round, name) where n_points <= {int(max_points)}
                union
                select round, name, unnest([arg_min(point, value), arg_max(point, value), arg_max(point, step)]),
                       max(step), avg(value), count(value), any_value(n_points)
                from points join curves using (round, name) where n_points > {int(max_points)}
                group by round, name, (step - first)::bigint * {n_stretches} // width
            )
            select round, name, point.step as step, point.value as value, point.epoch as epoch,
                   point.written_at as written_at, mean, if(point.step = last, n_mean, 0) as n_mean, n_points
            from kept where point is not null order by round, name, step
            """,
            values,
        )

    def list_curves(self, run_id: str) -> pd.DataFrame:
        """Return the curves that a run has: round, name, n (points), last_step, last_epoch, by round and name."""
        return self._frame(
            """
            select round, name, count(*) as n, max(step) as last_step, arg_max(epoch, step) as last_epoch
            from metrics where run_id = ? group by round, name order by round, name
            """,
            [run_id],
        )

    def find_p99(self, curves: Sequence[tuple[str, int]], names: Sequence[str]) -> tuple[float | None, int]:
        """Return the 99th percentile of all points of some curves together, and how many lie above it.

        Args:
            curves: run and round of each.
            names: of metrics.

        Returns:
            The percentile (None where no point is known) and the number of points above it.
        """
        runs, rounds = [run_id for run_id, _ in curves], [round_ for _, round_ in curves]
        found = self._record(
            """
            with chosen as (select unnest(?) as run_id, unnest(?) as round),
                 points as (select value from metrics join chosen using (run_id, round)
                            where list_contains(?, name) and value is not null),
                 bound as (select quantile_cont(value, 0.99) as p99 from points)
            select any_value(p99) as p99, count(*) filter (where value > p99) as n_above from points, bound
            """,
            [runs, rounds, list(names)],
        )
        return (None, 0) if found is None or found["p99"] is None else (found["p99"], found["n_above"])

    def find_best(self, run_id: str, round_: int, name: str = "validation_accuracy") -> tuple[int, float] | None:
        """Return step and value of the best checkpoint of a round, what it started from aside; None: none yet.

        Of equal ones it is that of the lowest validation loss, then the earliest, as the training itself has it.
        """
        found = self._record(
            """
            select a.step, a.value from metrics a left join metrics l on l.run_id = a.run_id and l.round = a.round
                and l.step = a.step and l.name = replace(a.name, 'accuracy', 'loss')
            where a.run_id = ? and a.round = ? and a.name = ? and a.value is not null and a.step > 0
            order by a.value desc, l.value nulls last, a.step limit 1
            """,
            [run_id, round_, name],
        )
        return found and (found["step"], found["value"])

    def has_checkpoint(self, run_id: str) -> bool:
        """Say whether a training wrote a checkpoint that a further attempt could begin from."""
        return self._record("select 1 from checkpoints where run_id = ? limit 1", [run_id]) is not None

    def list_checkpoint_answers(self, run_id: str, round_: int, *, is_policy: bool = False) -> pd.DataFrame:
        """Return the student's answers to the same few problems at each checkpoint, by problem and step.

        Those of the policy that was trained before are asked for by ``is_policy``; step 0 is what a training started
        from.

        Columns: step, epoch, problem_id, question, reference, text, final, is_correct (NA: unknown), n_tokens.
        """
        return self._frame(
            f"""
            select step, epoch, problem_id, question, reference, text, final, is_correct, n_tokens
            from {"policy_answers" if is_policy else "checkpoint_answers"}
            where run_id = ? and round = ? order by problem_id, step
            """,
            [run_id, round_],
        )
