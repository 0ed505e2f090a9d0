"""Reading verbs about runs: the list, one run, how far it is."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.store.reads import Reads, match_all, parse_json


class RunReads(Reads):
    """What the database says of runs."""

    def list_runs(
        self,
        kinds: Sequence[str] | None = None,
        states: Sequence[str] | None = None,
        seed_set_id: str | None = None,
        *,
        has_previews: bool = True,
        limit: int | None = 500,
    ) -> pd.DataFrame:
        """Return runs, newest first: the columns of ``runs``, and stage, made, failed, total of the latest progress.

        Args:
            kinds: only runs of one of these kinds.
            states: only runs in one of these states.
            seed_set_id: only runs about this seed set.
            has_previews: with the previews among the generate runs.
            limit: at most so many rows; None: all.
        """
        conditions, values = [], []
        for condition, value in (
            ("list_contains(?, r.kind)", kinds and list(kinds)),
            ("list_contains(?, r.state)", states and list(states)),
            ("s.seed_set_id = ?", seed_set_id),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        if not has_previews:
            conditions.append("not s.is_preview")
        return self._frame(
            f"""
            select r.*, p.stage, p.made, p.failed, p.total, p.written_at as progress_at, p.began_at, p.began_made,
                   s.seed_set_id, s.selection_run_id, s.student_name, s.is_preview, s.parent_id
            from runs r left join latest_progress p using (run_id) join run_subjects s using (run_id)
            {match_all(conditions)} order by r.created_at desc, r.run_id desc limit ?
            """,
            [*values, limit],
        )

    def read_run(self, run_id: str) -> dict[str, Any] | None:
        """Return one run as ``list_runs`` has it, ``config`` and ``summary`` parsed; None where there is none."""
        found = self._record(
            """
            select r.*, p.stage, p.made, p.failed, p.total, p.written_at as progress_at, p.began_at, p.began_made,
                   s.seed_set_id, s.selection_run_id, s.student_name, s.is_preview, s.parent_id
            from runs r left join latest_progress p using (run_id) join run_subjects s using (run_id)
            where r.run_id = ?
            """,
            [run_id],
        )
        return found and parse_json(found, "config", "summary")

    def list_paused_runs(self, seed_set_id: str | None = None) -> pd.DataFrame:
        """Return the runs that wait for a person to review what a round brought, the one that waits longest first.

        Args:
            seed_set_id: only runs about this seed set; None: about any.

        Returns:
            run_id, title, created_at, seed_set_id, parent_id and arm (of an experiment; NULL: none), replicate, round
            (the one to review) and unread (its candidates, and those of earlier rounds, that nobody has judged).
        """
        return self._frame(
            """
            with paused as (
                select r.run_id, r.title, r.created_at, r.ended_at, s.seed_set_id, s.parent_id,
                       r.config ->> '$.arm' as arm, cast(r.config ->> '$.replicate' as integer) as replicate,
                       cast(r.summary ->> '$.waits_after_round' as integer) as round
                from runs r join run_subjects s using (run_id)
                where r.state = 'done' and r.summary ->> '$.waits_after_round' is not null
                      and (s.seed_set_id = ? or ? is null)
            ), unread as (
                select run_id, count(*) as unread from (from candidate_states semi join paused using (run_id))
                where status = 'accepted' and review is null group by run_id
            )
            select paused.* exclude (ended_at), cast(coalesce(unread, 0) as integer) as unread
            from paused left join unread using (run_id) order by ended_at, run_id
            """,
            [seed_set_id, seed_set_id],
        )

    def list_attempts(self, run_id: str) -> pd.DataFrame:
        """Return the attempts of a run: attempt, pid, started_at."""
        return self._frame("select * from attempts where run_id = ? order by attempt", [run_id])

    def list_stages(self, run_id: str) -> pd.DataFrame:
        """Return how far each stage of a run came, in the order in which they last moved.

        Columns: stage, made, failed, total (NULL: not known), progress_at, began_at, began_made (of the latest
        attempt), as ``list_runs`` has them of the latest stage.
        """
        return self._frame(
            """
            select stage, made, failed, total, written_at as progress_at, began_at, began_made
            from progress where run_id = ? order by written_at, stage
            """,
            [run_id],
        )

    def list_faults(self) -> pd.DataFrame:
        """Return what could not be stored: path (relative to the home), reason, first offset, how many."""
        return self._frame("select * from ingest_faults order by path, reason")
