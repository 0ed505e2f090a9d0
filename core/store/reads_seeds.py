"""Reading verbs about seed sets, the student's predictions on them, and selections."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core.store.reads import Reads, match_all, match_text, parse_json

_SEED_SETS = """
    select s.*, coalesce(r.state, 'done') as state, r.created_at, r.title,
           coalesce(n.n_train, 0) as n_train, coalesce(n.n_validation, 0) as n_validation,
           coalesce(n.n_test, 0) as n_test, coalesce(n.n_ood, 0) as n_ood
    from seed_sets s left join runs r using (run_id) left join (
        select run_id, count(*) filter (where split = 'train') as n_train,
               count(*) filter (where split = 'validation') as n_validation,
               count(*) filter (where split = 'test') as n_test, count(*) filter (where split = 'ood') as n_ood
        from problems group by run_id
    ) n using (run_id)
"""


class SeedReads(Reads):
    """What the database says of seed sets."""

    def list_seed_sets(self) -> pd.DataFrame:
        """Return seed sets, newest first: the columns of ``seed_sets``, state, and n_train ... n_ood.

        A seed set is known by ``run_id``, the run that imported it. Those that were brought in whole, to be asked and
        not to grow from, come after all others.
        """
        is_whole = "coalesce(r.config ->> '$.has_splits', 'true') = 'false'"
        return self._frame(f"{_SEED_SETS} order by {is_whole}, r.created_at desc, s.run_id desc")

    def read_seed_set(self, seed_set_id: str) -> dict[str, Any] | None:
        """Return one seed set as ``list_seed_sets`` has it, ``mapping`` parsed; None where there is none."""
        found = self._record(f"{_SEED_SETS} where s.run_id = ?", [seed_set_id])
        return found and parse_json(found, "mapping")

    def list_problems(
        self,
        seed_set_id: str,
        split: str | None = None,
        search: str | None = None,
        limit: int | None = 100,
        offset: int = 0,
        problem_ids: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Return problems in the order of their source; ``meta`` is JSON text.

        Args:
            seed_set_id: the seed set.
            split: only this split.
            search: only problems whose question or answer holds this text, in any case.
            limit: at most so many rows; None: all.
            offset: skip so many.
            problem_ids: only these.
        """
        conditions, values = ["run_id = ?"], [seed_set_id]
        if split is not None:
            conditions.append("split = ?")
            values.append(split)
        if search:
            conditions.append("(question ilike ? escape '!' or answer ilike ? escape '!')")
            values += [match_text(search)] * 2
        if problem_ids is not None:
            conditions.append("list_contains(?, problem_id)")
            values.append(list(problem_ids))
        return self._frame(
            f"select * from problems {match_all(conditions)} order by split, position, problem_id limit ? offset ?",
            [*values, limit, offset],
        )

    def count_problems(self, seed_set_id: str, search: str | None = None) -> pd.DataFrame:
        """Return split, n; with ``search`` only problems that hold the text are counted."""
        conditions, values = ["run_id = ?"], [seed_set_id]
        if search:
            conditions.append("(question ilike ? escape '!' or answer ilike ? escape '!')")
            values += [match_text(search)] * 2
        return self._frame(
            f"select split, count(*) as n from problems {match_all(conditions)} group by split order by split", values
        )

    def list_rejected_rows(self, seed_set_id: str, limit: int = 1000) -> pd.DataFrame:
        """Return the rows that an import refused: source, line, reason, excerpt."""
        return self._frame(
            "select * from rejected_rows where run_id = ? order by source, line limit ?", [seed_set_id, limit]
        )

    def list_prediction_sets(self, seed_set_id: str) -> pd.DataFrame:
        """Return what was predicted over the train problems of a seed set by score and loop runs, newest first.

        Columns: run_id, student (the label), n, n_correct, accuracy (NaN: no references), mean_loss, n_truncated,
        created_at, state, kind, title, student_name (folder or hub id), adapter (path relative to the home, or NULL).
        """
        return self._frame(
            """
            select p.run_id, p.student, count(*) as n, count(*) filter (where p.is_correct) as n_correct,
                   avg(p.is_correct::double) as accuracy, avg(p.loss) as mean_loss,
                   count(*) filter (where p.is_truncated) as n_truncated,
                   s.created_at, s.state, s.kind, s.title, s.student_name, s.adapter
            from predictions p join run_subjects s using (run_id)
            where s.seed_set_id = ? and s.kind in ('predict', 'score', 'loop') and p.split = 'train'
            group by all order by s.created_at desc, p.run_id, p.student
            """,
            [seed_set_id],
        )

    def read_pool(self, seed_set_id: str, prediction_run_id: str | None = None, student: str = "base") -> pd.DataFrame:
        """Return every train problem of a seed set with what the student made of it, in source order.

        Columns: problem_id, position, question, answer, final, meta (JSON text), text, final_predicted, is_correct,
        loss, n_tokens, is_truncated; the last six are NULL where the problem was not predicted.
        """
        return self._frame(
            """
            select q.problem_id, q.position, q.question, q.answer, q.final, q.meta,
                   p.text, p.final as final_predicted, p.is_correct, p.loss, p.n_tokens, p.is_truncated
            from problems q left join predictions p
              on p.problem_id = q.problem_id and p.run_id = ? and p.student = ?
            where q.run_id = ? and q.split = 'train' order by q.position, q.problem_id
            """,
            [prediction_run_id, student, seed_set_id],
        )

    def read_scores(self, run_id: str, student: str = "base") -> pd.DataFrame:
        """Return the scores of one student by one run: indexed by problem_id, a column per signal, NaN where unknown.

        Numbers behind a signal (``judge_student``, ``solve_rate_low``) have columns of their own.
        """
        names = self._frame(
            "select distinct signal from scores where run_id = ? and student = ? order by signal", [run_id, student]
        )["signal"].tolist()
        columns = ", ".join(["problem_id", *["max(value) filter (where signal = ?)"] * len(names)])
        found = self._frame(
            f"select {columns} from scores where run_id = ? and student = ? group by problem_id",
            [*names, run_id, student],
        )
        found.columns = ["problem_id", *names]
        return found.set_index("problem_id").astype("float64")

    def read_answer(self, run_id: str, student: str, problem_id: str) -> dict[str, Any] | None:
        """Return one answer with ``surprises`` parsed, and ``notes`` and ``texts`` by signal; None where there is none.

        ``surprises``: [[end of the token in text, nats], ...], or None where it is not known.
        """
        place = [run_id, student, problem_id]
        where = "where run_id = ? and student = ? and problem_id = ?"
        found = self._record(f"select * from predictions {where}", place)
        if found is None:
            return None
        notes = self._frame(f"select signal, note from scores {where} and note is not null order by signal", place)
        texts = self._frame(f"select name, text from score_texts {where} order by name", place)
        return {
            **parse_json(found, "surprises"),
            "notes": dict(zip(notes["signal"], notes["note"], strict=True)),
            "texts": dict(zip(texts["name"], texts["text"], strict=True)),
        }

    def list_predictions(self, run_id: str, student: str | None = None, split: str | None = None) -> pd.DataFrame:
        """Return the student's answers of one run with question and reference (question, reference NULL if unknown)."""
        conditions, values = ["p.run_id = ?"], [run_id]
        if student is not None:
            conditions.append("p.student = ?")
            values.append(student)
        if split is not None:
            conditions.append("p.split = ?")
            values.append(split)
        return self._frame(
            f"""
            select p.*, q.question, q.final as reference, q.answer, q.position
            from predictions p join run_subjects s using (run_id)
            left join problems q on q.run_id = s.seed_set_id and q.problem_id = p.problem_id
            {match_all(conditions)} order by p.student, q.position, p.problem_id
            """,
            values,
        )

    def list_selections(self, seed_set_id: str | None = None) -> pd.DataFrame:
        """Return selections, newest first, with title, kind and state of their run; all seed sets where None.

        Those of experiments are left out: nobody goes on from them by hand.
        """
        conditions, values = ["s.parent_id is null"], []
        if seed_set_id is not None:
            conditions, values = [*conditions, "x.seed_set_id = ?"], [seed_set_id]
        return self._frame(
            f"""
            select x.*, s.title, s.kind, s.state, s.created_at from selections x left join run_subjects s using (run_id)
            {match_all(conditions)} order by x.written_at desc, x.run_id desc, x.round desc
            """,
            values,
        )

    def read_selection(self, run_id: str, round: int = 1) -> dict[str, Any] | None:
        """Return the row of ``selections`` that a run made in a round; None where it made none."""
        return self._record("select * from selections where run_id = ? and round = ?", [run_id, round])

    def list_selected(self, run_id: str, round: int = 1) -> pd.DataFrame:
        """Return the chosen problems of a selection by rank (spares behind), with problem and student's answer.

        Columns: those of ``selected``, is_spare, question, answer, final, meta, text, final_predicted, is_correct,
        loss (the last four NULL where the student's answer is not known).
        """
        return self._frame(
            """
            select c.*, c.rank >= x.k as is_spare, q.question, q.answer, q.final, q.meta,
                   p.text, p.final as final_predicted, p.is_correct, p.loss
            from selected c join selections x using (run_id, round)
            left join problems q on q.run_id = x.seed_set_id and q.problem_id = c.problem_id
            left join predictions p on p.run_id = coalesce(x.prediction_run_id, x.run_id)
                 and p.student = x.student and p.problem_id = c.problem_id
            where c.run_id = ? and c.round = ? order by c.rank
            """,
            [run_id, round],
        )
