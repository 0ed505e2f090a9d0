"""Reading verbs about maps: the texts that a map is made of, where they lie, and what was measured of them."""

from collections.abc import Sequence

import pandas as pd

from core.store.reads import Reads

_KIND = "coalesce(c.meta ->> '$.type', q.meta ->> '$.type')"
_LEVEL = "coalesce(c.meta ->> '$.level', q.meta ->> '$.level')"
_MAPPED = """
    candidate_states c join run_subjects s using (run_id)
    left join selections k on k.run_id = s.selection_run_id
    left join problems q on q.run_id = s.seed_set_id and q.problem_id = c.parents ->> '$[0]'
"""
"""SQL: candidates with what they were grown from."""

_CAN_BE_MAPPED = """
    s.seed_set_id = $1 and not s.is_preview and c.status <> 'failed' and coalesce(c.current_question, '') <> ''
"""
"""SQL: whether a candidate ``c`` of a run ``s`` belongs on a map of the seed set ``$1``."""


class MapReads(Reads):
    """What the database says of maps and of the texts in them."""

    def list_texts_to_map(self, seed_set_id: str) -> pd.DataFrame:
        """Return the train problems of a seed set and every candidate with a question that was grown from it.

        Columns: source_run (the seed set, or the candidate's run), item_id, is_seed; question, answer (as edited);
        unit (the first parent that it was grown from; itself without one); round, selector, method, type
        (text; None where it does not apply or is unknown); has_passed (the filters, and nobody rejected it), is_kept
        (a person accepted it).
        """
        return self._frame(
            f"""
            select run_id as source_run, problem_id as item_id, true as is_seed, question, answer, problem_id as unit,
                   null as round, null as selector, null as method, meta ->> '$.type' as type,
                   false as has_passed, false as is_kept
            from problems where run_id = $1 and split = 'train'
            union all
            select c.run_id, c.candidate_id, false, c.current_question, c.current_answer,
                   coalesce(c.parents ->> '$[0]', c.run_id || '/' || c.candidate_id), c.round::varchar,
                   coalesce(s.selector, k.selector), c.method, {_KIND},
                   c.status = 'accepted' and coalesce(c.review, '') not in ('reject', 'trash'),
                   coalesce(c.review, '') in ('accept', 'edit')
            from {_MAPPED}
            where {_CAN_BE_MAPPED}
            order by is_seed desc, source_run, item_id
            """,
            [seed_set_id],
        )

    def count_texts_to_map(self, seed_set_id: str, map_run_id: str | None) -> dict[str, int]:
        """Return ``seeds`` and ``grown``, which could be on a map of a seed set, and ``new``: not on this one."""
        return self._record(
            f"""
            with texts as (
                select run_id as source_run, problem_id as item_id, true as is_seed
                from problems where run_id = $1 and split = 'train'
                union all
                select c.run_id, c.candidate_id, false from candidate_states c join run_subjects s using (run_id)
                where {_CAN_BE_MAPPED}
            )
            select count(*) filter (where is_seed) as seeds, count(*) filter (where not is_seed) as grown,
                   count(*) filter (where p.item_id is null) as new
            from texts t left join map_points p
              on p.run_id = $2 and p.source_run = t.source_run and p.item_id = t.item_id
            """,
            [seed_set_id, map_run_id],
        )

    def list_map_points(self, map_run_id: str) -> pd.DataFrame:
        """Return the points of a map in the order of their vectors, with what is known of each by now.

        Columns: position, source_run, item_id, x, y, is_placed; source (seed, grown), run (title), round,
        selector, method, type, level (text, None where unknown); verdict (passed, rejected by NAME; None: a seed),
        review (waiting, accepted, edited, rejected, in the trash; None: a seed or not let through). Of a candidate
        whose run is in the trash nothing more is known than that it was grown.
        """
        return self._frame(
            f"""
            select p.position, p.source_run, p.item_id, p.x, p.y, p.is_placed,
                   if(p.source_run = m.config ->> '$.seed_set', 'seed', 'grown') as source, r.title as run,
                   c.round::varchar as round, coalesce(s.selector, k.selector) as selector, c.method,
                   {_KIND} as type, {_LEVEL} as level,
                   case when c.run_id is null then null when c.status = 'accepted' then 'passed'
                        else 'rejected by ' || c.rejected_by end as verdict,
                   case c.review when 'accept' then 'accepted' when 'edit' then 'edited' when 'reject' then 'rejected'
                        when 'trash' then 'in the trash' else if(c.status = 'accepted', 'waiting', null) end as review
            from map_points p join runs m on m.run_id = p.run_id
            left join candidate_states c on c.run_id = p.source_run and c.candidate_id = p.item_id
            left join run_subjects s on s.run_id = c.run_id left join runs r on r.run_id = c.run_id
            left join selections k on k.run_id = s.selection_run_id
            left join problems q on q.run_id = m.config ->> '$.seed_set'
              and q.problem_id = if(c.run_id is null, p.item_id, c.parents ->> '$[0]')
            where p.run_id = ? order by p.position
            """,
            [map_run_id],
            is_large=True,
        )

    def list_point_texts(
        self, map_run_id: str, positions: Sequence[int] | None = None, width: int | None = None
    ) -> pd.DataFrame:
        """Return position, source_run, item_id, question and answer of points, in the order of position.

        Args:
            map_run_id: of the map.
            positions: of the points; None: all.
            width: characters of the question that are wanted, without answers; None: all.
        """
        question, answer = "coalesce(c.current_question, q.question)", "coalesce(c.current_answer, q.answer)"
        wanted = None if positions is None else [int(each) for each in positions]
        texts = f"{question} as question, {answer} as answer" if width is None else f"left({question}, ?) as question"
        return self._frame(
            f"""
            select p.position, p.source_run, p.item_id, {texts}
            from map_points p
            left join candidate_states c on c.run_id = p.source_run and c.candidate_id = p.item_id
            left join problems q on q.run_id = p.source_run and q.problem_id = p.item_id
            where p.run_id = ? and (?::int[] is null or p.position in (select unnest(?::int[]))) order by p.position
            """,
            [*([] if width is None else [width]), map_run_id, *[wanted] * 2],
            is_large=width is not None,
        )

    def list_map_scores(self, map_run_id: str) -> list[str]:
        """Return the signals of which some point of a map has a value, ``loss`` and ``correct`` first."""
        rows = self._records(
            """
            with own as (
                select s.run_id
                from run_subjects s join run_subjects m on m.run_id = $1 and s.seed_set_id = m.seed_set_id
            ), drawn as (
                select item_id as problem_id from map_points where run_id = $1
            )
            select distinct 0 as place, 'loss' as signal
            from predictions join own using (run_id) semi join drawn using (problem_id) where loss is not null
            union all
            select distinct 1, 'correct'
            from predictions join own using (run_id) semi join drawn using (problem_id) where is_correct is not null
            union all
            select distinct 2, signal from scores join own using (run_id) semi join drawn using (problem_id)
            where value is not null and signal not in ('embedding', 'correct')
            order by all
            """,
            [map_run_id],
        )
        return [row["signal"] for row in rows]

    def list_point_scores(self, map_run_id: str, signal: str) -> pd.DataFrame:
        """Return position and value of every point that has one: by the run that asked last.

        A candidate's is what the run that made it, or one that asked a student of it later, says; a seed's any run's.
        Of several students of one run the one before any training counts.
        """
        values = "select run_id, student, problem_id, value from scores where signal = $2 and value is not null"
        if signal == "loss":
            values = "select run_id, student, problem_id, loss as value from predictions where loss is not null"
        if signal == "correct":
            values = "select run_id, student, problem_id, is_correct::double as value from predictions"
        return self._frame(
            f"""
            with told as (
                select v.run_id, v.student, v.problem_id, v.value, s.created_at, s.seed_set_id
                from ({values}) v join run_subjects s using (run_id)
                join run_subjects m on m.run_id = $1 and s.seed_set_id = m.seed_set_id
                where v.value is not null
            )
            select p.position, t.value
            from map_points p join told t on t.problem_id = p.item_id
            left join askers a on a.run_id = p.source_run and a.scored_by = t.run_id
            where p.run_id = $1 and (a.run_id is not null or p.source_run = t.seed_set_id)
            qualify row_number() over (partition by p.position order by t.created_at desc, t.student) = 1
            order by p.position
            """,
            [map_run_id, *([signal] if "$2" in values else [])],
        )

    def list_map_measures(self, map_run_id: str) -> pd.DataFrame:
        """Return what a map's run measured: grouping, member, measure, value, low, high, n, is_sampled, n_texts."""
        return self._frame("select * exclude (run_id, attempt) from map_measures where run_id = ?", [map_run_id])

    def list_map_shifts(self, map_run_id: str) -> pd.DataFrame:
        """Return how far each arm's words were from the seeds' after each round: method, round, mean, se, n."""
        return self._frame(
            "select method, round, mean, se, n from map_shifts where run_id = ? order by method, round", [map_run_id]
        )

    def list_archive(self, seed_set_id: str) -> pd.DataFrame:
        """Return the train problems of a seed set and what passed the filters, with skills and solve rate.

        Columns: source_run, item_id, is_seed, run (title of the run; None: a seed); skills (as a judge named them, in
        the order of the alphabet, else the type, else the level, else empty), has_skills (a judge named them); rate
        (share of drawn answers that are right, by the run that asked last; else 1 or 0 as the one greedy answer is
        right or wrong; None: unknown), is_drawn (of drawn answers). In the order of making.
        """
        return self._frame(
            """
            with items as (
                select run_id as source_run, problem_id as item_id, true as is_seed, null as run,
                       null as named, coalesce(meta ->> '$.type', meta ->> '$.level', '') as kind, 0 as place,
                       position as number
                from problems where run_id = $1 and split = 'train'
                union all
                select c.run_id, c.candidate_id, false, s.title,
                       nullif(array_to_string(cast(c.meta -> '$.skills' as varchar[]), ', '), ''),
                       coalesce(c.meta ->> '$.type', q.meta ->> '$.type', q.meta ->> '$.level', ''), s.created_at,
                       c.round * 1000000 + c.position
                from candidate_states c join run_subjects s using (run_id)
                left join problems q on q.run_id = s.seed_set_id and q.problem_id = c.parents ->> '$[0]'
                where s.seed_set_id = $1 and not s.is_preview and c.status = 'accepted'
                      and coalesce(c.review, '') not in ('reject', 'trash')
            ), runs_of as (
                select run_id, created_at from run_subjects where seed_set_id = $1
            ), asked as (
                select problem_id, run_id, student, created_at, value as rate, true as is_drawn
                from scores join runs_of using (run_id) where signal = 'solve_rate' and value is not null
                union all
                select problem_id, run_id, student, created_at, is_correct::double, false
                from predictions join runs_of using (run_id) where is_correct is not null
            ), rates as (
                select i.source_run, i.item_id, a.rate, a.is_drawn
                from items i join asked a on a.problem_id = i.item_id
                left join askers k on k.run_id = i.source_run and k.scored_by = a.run_id
                where i.is_seed or k.run_id is not null
                qualify row_number() over (
                    partition by i.source_run, i.item_id order by a.is_drawn desc, a.created_at desc, a.student
                ) = 1
            ), labelled as (
                select t.problem_id, arg_max(t.text, o.created_at) as skills
                from score_texts t join runs_of o using (run_id) where t.name = 'skills' and t.text <> '' group by all
            )
            select i.source_run, i.item_id, i.is_seed, i.run,
                   coalesce(i.named, if(i.is_seed, l.skills, null), i.kind) as skills,
                   coalesce(i.named, if(i.is_seed, l.skills, null)) is not null as has_skills, r.rate,
                   coalesce(r.is_drawn, false) as is_drawn
            from items i left join rates r using (source_run, item_id) left join labelled l on l.problem_id = i.item_id
            order by i.place, i.source_run, i.number, i.item_id
            """,
            [seed_set_id],
        )

    def list_questions_of(self, keys: Sequence[tuple[str, str]]) -> pd.DataFrame:
        """Return source_run, item_id and question (as edited) of these problems and candidates."""
        sources, items = [source for source, _ in keys], [item for _, item in keys]
        return self._frame(
            """
            with wanted as (select unnest(?::varchar[]) as source_run, unnest(?::varchar[]) as item_id)
            select w.source_run, w.item_id, coalesce(c.current_question, q.question) as question
            from wanted w
            left join candidate_states c on c.run_id = w.source_run and c.candidate_id = w.item_id
            left join problems q on q.run_id = w.source_run and q.problem_id = w.item_id
            """,
            [sources, items],
        )
