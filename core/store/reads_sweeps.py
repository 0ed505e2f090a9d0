"""Reading verbs about sweeps: the grids that were started, and the runs of one."""

import pandas as pd

from core.store.reads import Reads, match_all


class SweepReads(Reads):
    """What the database says of sweeps."""

    def list_sweeps(self, seed_set_id: str | None = None) -> pd.DataFrame:
        """Return the sweeps, newest first: the columns of ``runs``, seed_set_id, and how their runs stand.

        n_runs, n_done, n_failed (failed, lost or cancelled) and n_left (queued or running) count what is there now: a
        run in the trash is none of them.
        """
        conditions, values = ["r.kind = 'sweep'"], []
        if seed_set_id is not None:
            conditions.append("s.seed_set_id = ?")
            values.append(seed_set_id)
        return self._frame(
            f"""
            with children as (
                select config ->> '$.parent' as parent, count(*) as n_runs,
                       count(*) filter (where state = 'done') as n_done,
                       count(*) filter (where state in ('failed', 'lost', 'cancelled')) as n_failed,
                       count(*) filter (where state not in ('done', 'failed', 'lost', 'cancelled')) as n_left
                from runs where kind = 'finetune' and config ->> '$.parent' is not null group by all
            )
            select r.*, s.seed_set_id, coalesce(c.n_runs, 0) as n_runs, coalesce(c.n_done, 0) as n_done,
                   coalesce(c.n_failed, 0) as n_failed, coalesce(c.n_left, 0) as n_left
            from runs r join run_subjects s using (run_id) left join children c on c.parent = r.run_id
            {match_all(conditions)} order by r.created_at desc, r.run_id desc
            """,
            values,
        )

    def list_sweep_runs(self, sweep_id: str) -> pd.DataFrame:
        """Return the runs of a sweep, oldest first: run_id, state, error, config and summary (JSON), progress."""
        return self._frame(
            """
            select r.run_id, r.state, r.error, r.config, r.summary, r.created_at, r.started_at, r.ended_at,
                   p.stage, p.made, p.total
            from runs r left join latest_progress p using (run_id)
            where r.kind = 'finetune' and r.config ->> '$.parent' = ? order by r.created_at, r.run_id
            """,
            [sweep_id],
        )
