"""Reading verbs about calls to teachers: the list, and what they took and cost."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.store.reads import Reads, match_all

_TOTALS = """
    count(*) filter (where is_latest) as n_calls,
    count(*) filter (where is_latest and is_cached) as n_cached,
    count(*) filter (where is_latest and error is not null) as n_failed,
    count(*) filter (where is_latest and is_open) as n_under_way,
    coalesce(sum(n_input_tokens) filter (where is_latest), 0)::bigint as n_input_tokens,
    coalesce(sum(n_output_tokens) filter (where is_latest), 0)::bigint as n_output_tokens,
    count(*) filter (where is_latest and is_answered and (n_input_tokens is null or n_output_tokens is null))
        as n_uncounted,
    coalesce(sum(n_input_tokens) filter (where is_paid), 0)::bigint as n_paid_input_tokens,
    coalesce(sum(n_output_tokens) filter (where is_paid), 0)::bigint as n_paid_output_tokens,
    case when count(*) filter (where is_latest and is_answered) = 0 then 0.0
        else sum(nominal_usd) filter (where is_latest and is_answered) end as nominal_usd,
    case when count(*) filter (where is_paid) = 0 then 0.0 else sum(paid_usd) filter (where is_paid) end as paid_usd,
    count(*) filter (where is_paid and paid_usd is null) as n_unpriced
"""
"""The columns of ``core.teacher.ledger.CallTotals``; a test compares the two."""

_CALLS = """
    select *,
        row_number() over (partition by run_id, call_id order by attempt desc) = 1 as is_latest,
        not coalesce(is_cached, false) as is_paid,
        finish_reason is null and error is null as is_open,
        finish_reason is not null and error is null as is_answered
    from calls
"""


class CallReads(Reads):
    """What the database says of calls to teachers."""

    def list_calls(
        self,
        run_id: str,
        *,
        purpose: str | None = None,
        has_failed: bool | None = None,
        limit: int | None = 500,
    ) -> pd.DataFrame:
        """Return the calls of a run, newest first, each attempt's: the columns of ``calls`` and ``is_open``.

        ``is_open`` means that no end is known: the call is on its way, or was when its run was killed.

        Args:
            run_id: the run.
            purpose: only calls of this role.
            has_failed: True only those that ended without a reply, False only those with one; None: all.
            limit: at most so many; None: all.
        """
        conditions: list[str] = ["run_id = ?"]
        values: list[Any] = [run_id]
        if purpose is not None:
            conditions.append("purpose = ?")
            values.append(purpose)
        if has_failed is not None:
            conditions.append("error is not null" if has_failed else "is_answered")
        return self._frame(
            f"""
            select * exclude (is_latest, is_paid, is_answered) from ({_CALLS})
            {match_all(conditions)} order by written_at desc, call_id limit ?
            """,
            [*values, limit],
        )

    def find_calls(self, run_id: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return key of a request -> the row of its call, as ``list_calls`` has it; ``paid_usd`` is over all attempts.

        Args:
            run_id: the run.
            keys: of ``core.teacher.ledger.make_call_key``; those that the run never asked are left out.
        """
        rows = self._records(
            f"""
            select * exclude (is_latest, is_paid, is_answered, paid_usd), split_part(call_id, '-', 1) as key,
                   sum(paid_usd) over (partition by call_id) as paid_usd
            from ({_CALLS} where run_id = ? and list_contains(?, split_part(call_id, '-', 1)))
            qualify is_latest order by call_id desc
            """,
            [run_id, list(keys)],
        )
        return {row["key"]: row for row in rows}  # of one that was asked twice in an attempt the first

    def total_calls(self, run_id: str) -> dict[str, Any]:
        """Return what all calls of a run took, see ``core.teacher.ledger.CallTotals``; dollars None where unknown."""
        return self._record(f"select {_TOTALS} from ({_CALLS} where run_id = ?)", [run_id]) or {}

    def total_calls_by_purpose(self, run_id: str) -> pd.DataFrame:
        """Return ``purpose``, ``teacher`` and what its calls took, in the order of their first calls."""
        return self._frame(
            f"""
            select purpose, teacher, {_TOTALS} from ({_CALLS} where run_id = ?)
            group by purpose, teacher order by min(written_at), purpose
            """,
            [run_id],
        )
