-- Signals beside loss and correctness: one row per value, so that a new signal needs no new column.

alter table predictions add column surprises varchar;  -- JSON: [[end of the token in text, nats], ...]; NULL: not told
alter table predictions add column unknown varchar;    -- why there is no answer at all
alter table selections add column pick varchar;        -- NULL: argmax, from before there were picks

alter table progress add column began_at double;       -- first report of the stage in this attempt, and what was made
alter table progress add column began_made bigint;     -- then (from a cache): the rate since is what the rest will take

create table scores (                -- signals, and the numbers behind them (judge_student, solve_rate_low, ...)
    run_id varchar, student varchar, problem_id varchar, signal varchar, attempt integer,
    value double, note varchar,      -- value NULL: unknown, and the note says why
    primary key (run_id, student, problem_id, signal)
);

create table score_texts (           -- the texts behind a score: a teacher's answer, a judge's replies
    run_id varchar, student varchar, problem_id varchar, name varchar, attempt integer, text varchar,
    primary key (run_id, student, problem_id, name)
);
