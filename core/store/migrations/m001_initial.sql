-- The first schema. Tables that runs write to have run_id and attempt, and a primary key that makes a repeated
-- record replace the earlier one. Times are seconds since the epoch (UTC). Unknown is NULL.

create table runs (
    run_id varchar primary key,
    kind varchar not null,
    title varchar not null,
    lane varchar not null,
    state varchar not null,          -- queued, running, cancelling, done, failed, cancelled, lost
    config json not null,
    created_at double not null,
    started_at double,
    ended_at double,
    attempt integer not null,        -- 0: not started yet
    pid integer,
    error varchar,
    summary json
);

create table attempts (
    run_id varchar, attempt integer, pid integer, started_at double,
    primary key (run_id, attempt)
);

create table progress (              -- made / failed / total of a stage; total NULL where not known
    run_id varchar, stage varchar, attempt integer, made bigint, failed bigint, total bigint, written_at double,
    primary key (run_id, stage)
);

create table seed_sets (             -- a seed set is known by the run that imported it
    run_id varchar primary key, attempt integer,
    name varchar, task varchar, origin varchar,     -- origin: built-in name, file names, or hub id
    fingerprint varchar,                            -- hash of the files and of how they were read
    mapping json,                                   -- how columns became question, answer, final
    split_rule varchar,                             -- one sentence: given files, or the seeded split
    n_in bigint, n_kept bigint, n_rejected bigint, written_at double
);

create table problems (
    run_id varchar, problem_id varchar, attempt integer,
    split varchar, position bigint, question varchar, answer varchar, final varchar, meta json,
    primary key (run_id, problem_id)
);

create table rejected_rows (
    run_id varchar, source varchar, line bigint, attempt integer, reason varchar, excerpt varchar,
    primary key (run_id, source, line)
);

create table predictions (           -- the student's greedy answers; student: 'base' or 'round-1', ...
    run_id varchar, student varchar, problem_id varchar, attempt integer, split varchar,
    text varchar, final varchar, is_correct boolean, loss double, n_tokens integer, is_truncated boolean,
    primary key (run_id, student, problem_id)
);

create table selections (
    run_id varchar, round integer, attempt integer,
    seed_set_id varchar, selector varchar, k integer, replicate integer,
    prediction_run_id varchar, student varchar,     -- whose answers were scored; NULL where no signal was needed
    n_pool integer, n_topped_up integer, written_at double,
    primary key (run_id, round)
);

create table selected (              -- rank 0 is chosen first; a spare is asked only where an earlier one was rejected
    run_id varchar, round integer, rank integer, attempt integer,
    problem_id varchar, priority double, "group" varchar, reason varchar,
    primary key (run_id, round, rank)
);

create table candidates (
    run_id varchar, candidate_id varchar, attempt integer, round integer, position integer,
    parents json, question varchar, answer varchar, final varchar, failure varchar,
    method varchar, teacher varchar, raw_question varchar, raw_answer varchar,
    n_input_tokens bigint, n_output_tokens bigint, sample_index integer, meta json, written_at double,
    primary key (run_id, candidate_id)
);

create table verdicts (
    run_id varchar, candidate_id varchar, filter varchar, attempt integer,
    is_accepted boolean, reason varchar, value double,
    primary key (run_id, candidate_id, filter)
);

create table reviews (               -- what a person did; append-only, an undo is one more row
    review_id varchar primary key,
    run_id varchar, candidate_id varchar,           -- of the candidate
    action varchar,                                 -- accept, reject, edit, skip, undo
    question varchar, answer varchar, final varchar, -- edited texts; NULL but for edit
    undoes varchar,                                 -- review_id that an undo takes back
    written_at double
);

create table training_rows (
    run_id varchar, round integer, position integer, attempt integer, candidate_run_id varchar, candidate_id varchar,
    primary key (run_id, round, position)
);

create table metrics (
    run_id varchar, round integer, name varchar, step integer, attempt integer, value double, epoch double, written_at double,
    primary key (run_id, round, name, step)
);

create table adapters (              -- what a finetune made; path is relative to the home
    run_id varchar, round integer, attempt integer, student varchar, path varchar, n_rows integer, best_epoch double,
    validation_accuracy double, written_at double,
    primary key (run_id, round)
);

create table checkpoints (           -- what a resumed attempt may start from, with the hash of what was written
    run_id varchar, round integer, step integer, attempt integer, path varchar, sha256 varchar,
    primary key (run_id, round, step)
);

create table evaluations (           -- round 0 is the student before training; differences are paired with round 0
    run_id varchar, round integer, split varchar, attempt integer,
    n integer, n_correct integer, accuracy double, low double, high double,
    difference double, difference_low double, difference_high double,
    n_gained integer, n_lost integer, n_truncated integer, written_at double,
    primary key (run_id, round, split)
);

create table rounds (
    run_id varchar, round integer, attempt integer,
    selected integer, requested integer, failed integer, rejected integer, accepted integer, training_rows integer,
    validation_accuracy double, test_accuracy double, test_low double, test_high double,
    n_input_tokens bigint, n_output_tokens bigint, seconds double, written_at double,
    primary key (run_id, round)
);

create table trash_orders (          -- what a person did to whole runs; the journal line comes before the move
    order_id varchar primary key,
    action varchar,                                 -- trash, restore, empty (run_id NULL: the whole trash)
    run_id varchar, written_at double
);

create table ingested_files (        -- how far each append-only file was read; committed with its rows
    path varchar primary key,                       -- relative to the home
    "offset" bigint, n_records bigint, n_torn bigint,
    head varchar                                    -- hash of the first line: another file under this name is read anew
);

create table ingested_parts (
    path varchar primary key, size bigint, n_records bigint
);

create table ingest_faults (         -- what could not be stored, with the reason; nothing is dropped in silence
    path varchar, reason varchar,
    "offset" bigint,                                -- first line (jsonl: its first byte) or row (parquet) with this fault
    n bigint,                                       -- how many had it
    primary key (path, reason)
);
