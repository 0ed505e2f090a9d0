"""Reading verbs about what was trained and whether it paid off: adapters, evaluations, rounds."""

from typing import Any

import pandas as pd

from core.store.reads import Reads, match_all


class TrainingReads(Reads):
    """What the database says of finetunes."""

    def list_evaluations(self, run_id: str | None = None) -> pd.DataFrame:
        """Return evaluations by run, round (0: before training) and split, with kind, title, seed_set_id of the run.

        Of all runs (None) those of experiments are left out: they have reads of their own.

        Accuracies and differences are shares in [0, 1]; differences are paired with round 0 (NULL there).
        """
        is_own = "e.run_id not in (select run_id from runs where config ->> '$.arm' is not null)"
        conditions, values = ([is_own], []) if run_id is None else (["e.run_id = ?"], [run_id])
        return self._frame(
            f"""
            select e.*, s.kind, s.title, s.seed_set_id, s.created_at
            from evaluations e left join run_subjects s using (run_id)
            {match_all(conditions)} order by s.created_at desc, e.run_id, e.split, e.round
            """,
            values,
        )

    def list_rounds(self, run_id: str | None = None) -> pd.DataFrame:
        """Return the rounds of loops, newest loop first: counts of each stage, accuracies, tokens, seconds."""
        conditions, values = ([], []) if run_id is None else (["x.run_id = ?"], [run_id])
        return self._frame(
            f"""
            select x.*, s.title, s.seed_set_id, s.state, s.created_at, r.config ->> '$.selector' as selector,
                   try_cast(r.config ->> '$.k' as integer) as k,
                   try_cast(r.config ->> '$.replicate' as integer) as replicate
            from rounds x left join run_subjects s using (run_id) left join runs r using (run_id)
            {match_all(conditions)} order by s.created_at desc, x.run_id, x.round
            """,
            values,
        )

    def read_adapter(self, run_id: str, round_: int) -> dict[str, Any] | None:
        """Return the row of ``adapters`` of a round; None before its training is over.

        What an earlier attempt made is not that of a finetune which is trained again.
        """
        return self._record(
            """
            select a.* from adapters a join runs r using (run_id) where run_id = ? and round = ?
                and (a.attempt >= r.attempt or r.kind <> 'finetune'
                     or r.state not in ('queued', 'running', 'cancelling'))
            """,
            [run_id, round_],
        )

    def list_adapters(self, seed_set_id: str | None = None) -> pd.DataFrame:
        """Return what finetunes and loops made, newest first: path relative to the home, rows, best epoch, accuracy.

        The runs of sweeps are left out: their winner's settings are taken on, not its adapter.
        """
        conditions, values = ["s.parent_id is null"], []
        if seed_set_id is not None:
            conditions.append("s.seed_set_id = ?")
            values.append(seed_set_id)
        return self._frame(
            f"""
            select a.*, s.kind, s.title, s.seed_set_id, s.state, s.created_at
            from adapters a left join run_subjects s using (run_id)
            {match_all(conditions)} order by a.written_at desc, a.run_id desc, a.round desc
            """,
            values,
        )
