-- Calls to teachers, one row each: what it took, and what was paid for it.

create table calls (                 -- a resumed run that asks again adds rows: what was paid before stays paid
    run_id varchar, call_id varchar, attempt integer,
    purpose varchar, task varchar, teacher varchar,
    host varchar,                    -- of the server; NULL: answered here (by rules, or by a local student)
    sample_index bigint,
    n_input_tokens bigint, n_output_tokens bigint, n_cached_tokens bigint, n_reasoning_tokens bigint,  -- NULL: not told
    is_cached boolean,               -- answered from the cache: nothing was sent or paid
    finish_reason varchar,           -- NULL with no error: it is on its way, or its run was killed
    error varchar,
    n_attempts integer, seconds double,
    nominal_usd double,              -- as if nothing were cached; NULL: unknown
    paid_usd double,                 -- NULL: unknown
    price_date varchar,
    charged_tokens bigint, charged_usd double,      -- what the run's budget counts: the worst case where unknown
    written_at double,
    primary key (run_id, call_id, attempt)
);
