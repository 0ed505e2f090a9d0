-- Objectives other than supervised finetuning: what rows are, where they came from, and what was drawn to make them.

alter table training_rows add column row_id varchar;      -- hash of question, answer, final answer, label and rejected
alter table training_rows add column origin varchar;      -- candidate, seed, teacher, own, file; NULL: candidate, from before
alter table training_rows add column origin_run_id varchar;  -- run that it came from; NULL for a file
alter table training_rows add column origin_id varchar;   -- candidate_id or problem_id there; line of a file
alter table training_rows add column question varchar;    -- the texts as they were trained on, edits by hand included
alter table training_rows add column answer varchar;
alter table training_rows add column final varchar;
alter table training_rows add column label integer;       -- 1: made likelier, -1: made unlikelier
alter table training_rows add column rejected varchar;    -- the answer that lost to `answer`; NULL but for preferences
alter table training_rows add column is_used boolean;
alter table training_rows add column reason varchar;      -- why it was not trained on

alter table adapters add column objective varchar;        -- NULL: sft, from before
alter table adapters add column weights varchar;          -- lora, or full: the whole model's; NULL: lora
alter table adapters add column rows_hash varchar;

create table own_answers (           -- what a student drew for rejection finetuning or preferences
    run_id varchar, round integer, problem_id varchar, sample integer, attempt integer,
    question varchar, text varchar, final varchar, is_correct boolean,
    is_kept boolean, reason varchar, -- why it was not used
    n_tokens integer,
    primary key (run_id, round, problem_id, sample)
);

create table step_values (           -- per-step preferences: how often the student ends well from a prefix
    run_id varchar, round integer, problem_id varchar, sample integer, step integer, attempt integer,
    text varchar,                    -- the step; step 0 is the question alone
    value double,                    -- share of rollouts that end right, best of K
    n_rollouts integer, n_right integer, is_pit boolean,
    primary key (run_id, round, problem_id, sample, step)
);

create table checkpoint_answers (    -- the student's answers to the same few validation problems, at each checkpoint
    run_id varchar, round integer, step integer, problem_id varchar, attempt integer,
    epoch double, question varchar, reference varchar, text varchar, final varchar, is_correct boolean,
    n_tokens integer,
    primary key (run_id, round, step, problem_id)
);
