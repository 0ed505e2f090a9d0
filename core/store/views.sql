-- What is derived from the tables by a rule that several readers share. Made anew at every start: no data in here.

create or replace view standing_reviews as  -- reviews that no undo has taken back
select * from reviews
where action <> 'undo'
  and review_id not in (select undoes from reviews where action = 'undo' and undoes is not null);

create or replace view standing_judgements as  -- those that decide about a candidate
select * from standing_reviews where action in ('accept', 'reject', 'edit', 'trash');

-- One row per reviewed candidate. A skip is no judgement: it only moves a waiting candidate to the end of the queue.
-- What went to the trash is out until that is undone. An edited text stays until its edit is undone; a NULL field of an edit means that the field was left as it was, but
-- a new answer without a final answer has an unknown one.
create or replace view latest_reviews as
select
    run_id, candidate_id,
    arg_max(action, written_at) filter (where action in ('accept', 'reject', 'edit', 'trash')) as review,
    max(written_at) filter (where action in ('accept', 'reject', 'edit', 'trash')) as reviewed_at,
    arg_max_null(reviewer, written_at) filter (where action in ('accept', 'reject', 'edit', 'trash')) as reviewer,
    arg_max_null(reason, written_at) filter (where action in ('accept', 'reject', 'edit', 'trash')) as review_reason,
    arg_max(note, written_at) as note,
    arg_max(action, written_at) filter (where action in ('lock', 'unlock')) is not distinct from 'lock' as is_locked,
    count(*) filter (where action = 'skip') as n_skips,
    max(written_at) filter (where action = 'skip') as skipped_at,
    count(*) filter (where action = 'edit') as n_edits,
    arg_max(question, written_at) filter (where action = 'edit') as edited_question,
    arg_max(answer, written_at) filter (where action = 'edit') as edited_answer,
    arg_max_null(final, written_at) filter (where action = 'edit' and (answer is not null or final is not null))
        as edited_final,
    count(*) filter (where action = 'edit' and (answer is not null or final is not null)) > 0 as has_edited_final
from standing_reviews
group by run_id, candidate_id;

create or replace view verdict_summaries as  -- one row per judged candidate; the first rejecting filter by name
select
    run_id, candidate_id,
    min(filter) filter (where not is_accepted) as rejected_by,
    arg_min(reason, filter) filter (where not is_accepted) as reason,
    max(value) filter (where filter = 'rouge_l') as rouge_l,
    max(value) filter (where filter in ('rouge_l', 'near_duplicate')) as closeness  -- to what is most like it
from verdicts
group by run_id, candidate_id;

create or replace view candidate_states as
select
    c.*,
    case when c.failure is not null then 'failed' when v.rejected_by is not null then 'rejected' else 'accepted' end
        as status,
    v.rejected_by,
    coalesce(c.failure, v.reason) as reason,
    v.rouge_l, v.closeness,
    l.review, l.reviewed_at, l.reviewer, l.review_reason, l.note, coalesce(l.is_locked, false) as is_locked,
    coalesce(l.n_skips, 0) as n_skips, l.skipped_at, coalesce(l.n_edits, 0) > 0 as is_edited,
    l.edited_question, l.edited_answer, l.edited_final, coalesce(l.has_edited_final, false) as has_edited_final,
    coalesce(l.edited_question, c.question) as current_question,
    coalesce(l.edited_answer, c.answer) as current_answer,
    case when l.has_edited_final then l.edited_final else c.final end as current_final
from candidates c
left join verdict_summaries v using (run_id, candidate_id)
left join latest_reviews l using (run_id, candidate_id)
left join runs r using (run_id)
-- What only an earlier attempt asked for is no part of a run that is done; what a person judged or locked stays.
where r.state is distinct from 'done' or c.attempt >= r.attempt or l.review is not null or l.is_locked;

create or replace view run_subjects as  -- what a run is about, from its frozen configuration
select
    run_id, kind, title, state, created_at,
    case when kind = 'import' then run_id else config ->> '$.seed_set' end as seed_set_id,
    config ->> '$.selection_run' as selection_run_id,
    config ->> '$.student' as student_name,
    config ->> '$.selector' as selector,
    config ->> '$.adapter' as adapter,
    config ->> '$.parent' as parent_id,             -- of a run of a sweep
    coalesce(try_cast(config ->> '$.is_preview' as boolean), false) as is_preview
from runs;

create or replace view latest_progress as
select * from progress qualify row_number() over (partition by run_id order by written_at desc) = 1;

create or replace view askers as  -- which runs asked students about a run's candidates: itself, or one that did so later
select run_id, run_id as scored_by, 0.0 as scored_at from runs
union all
select unnest((config ->> '$.candidates_of[*]')), run_id, created_at from runs where kind = 'ask';

create or replace view candidate_answers as  -- what students answered to candidates, and to the seeds they came from
select
    c.run_id, c.candidate_id, a.scored_by, p.student, p.text, p.final, p.is_correct, p.loss, p.is_truncated,
    k.loss as seed_loss, k.is_correct as is_seed_correct, p.loss - k.loss as shift
from candidates c join askers a using (run_id)
join predictions p on p.run_id = a.scored_by and p.problem_id = c.candidate_id
left join predictions k on k.run_id = p.run_id and k.student = p.student and k.problem_id = c.parents ->> '$[0]'
-- of several the one asked last, and of one run's students the one before any training
qualify row_number() over (partition by c.run_id, c.candidate_id order by a.scored_at desc, p.student) = 1;
