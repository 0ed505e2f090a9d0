-- What is derived from the tables by a rule that several readers share. Made anew at every start: no data in here.

create or replace view standing_reviews as  -- reviews that no undo has taken back
select * from reviews
where action <> 'undo'
  and review_id not in (select undoes from reviews where action = 'undo' and undoes is not null);

-- One row per reviewed candidate. A skip is no judgement: it only moves a waiting candidate to the end of the queue.
-- An edited text stays until its edit is undone; a NULL field of an edit means that the field was left as it was, but
-- a new answer without a final answer has an unknown one.
create or replace view latest_reviews as
select
    run_id, candidate_id,
    arg_max(action, written_at) filter (where action in ('accept', 'reject', 'edit')) as review,
    max(written_at) filter (where action in ('accept', 'reject', 'edit')) as reviewed_at,
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
    max(value) filter (where filter = 'rouge_l') as rouge_l
from verdicts
group by run_id, candidate_id;

create or replace view candidate_states as
select
    c.*,
    case when c.failure is not null then 'failed' when v.rejected_by is not null then 'rejected' else 'accepted' end
        as status,
    v.rejected_by,
    coalesce(c.failure, v.reason) as reason,
    v.rouge_l,
    l.review, l.reviewed_at, coalesce(l.n_skips, 0) as n_skips, l.skipped_at, coalesce(l.n_edits, 0) > 0 as is_edited,
    l.edited_question, l.edited_answer, l.edited_final, coalesce(l.has_edited_final, false) as has_edited_final,
    coalesce(l.edited_question, c.question) as current_question,
    coalesce(l.edited_answer, c.answer) as current_answer,
    case when l.has_edited_final then l.edited_final else c.final end as current_final
from candidates c
left join verdict_summaries v using (run_id, candidate_id)
left join latest_reviews l using (run_id, candidate_id)
left join runs r using (run_id)
-- What only an earlier attempt asked for is no part of a run that is done; what a person judged stays.
where r.state is distinct from 'done' or c.attempt >= r.attempt or l.review is not null;

create or replace view run_subjects as  -- what a run is about, from its frozen configuration
select
    run_id, kind, title, state, created_at,
    case when kind = 'import' then run_id else config ->> '$.seed_set' end as seed_set_id,
    config ->> '$.selection_run' as selection_run_id,
    config ->> '$.student' as student_name,
    config ->> '$.adapter' as adapter,
    config ->> '$.parent' as parent_id,             -- of a run of a sweep
    coalesce(try_cast(config ->> '$.is_preview' as boolean), false) as is_preview
from runs;

create or replace view latest_progress as
select * from progress qualify row_number() over (partition by run_id order by written_at desc) = 1;
