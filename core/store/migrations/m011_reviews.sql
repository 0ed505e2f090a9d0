-- Who reviewed, why, and how what was reviewed had been drawn. Actions beside accept, reject, edit, skip and undo:
-- trash (out of sight and of training), lock and unlock (no bulk act, change or later attempt touches it), note.

alter table reviews add column reviewer varchar;   -- the name that the person gave; NULL: none
alter table reviews add column reason varchar;     -- of a rejection: one of core.records.REASONS, or NULL
alter table reviews add column note varchar;
alter table reviews add column batch_id varchar;   -- one act on several candidates; NULL: on one
alter table reviews add column plan varchar;       -- how the candidate had been drawn: random, by_type, ...; NULL: not told
alter table reviews add column is_blind boolean;   -- whether what machines and others said was hidden; NULL: not told
