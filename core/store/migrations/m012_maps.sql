-- Maps: where texts lie by what they mean, how diverse sets of them are, and how far their words have moved.

create table map_points (
    run_id varchar, source_run varchar, item_id varchar, attempt integer,   -- source_run: the seed set, or a candidate's run
    position integer,             -- row of its vector and of its words in the run's folder
    x double, y double,
    is_placed boolean,            -- it came to a map that was there before
    cluster integer,              -- of the seeds, that it lies in; NULL: its task's questions mean nothing
    primary key (run_id, source_run, item_id)
);

create table map_measures (
    run_id varchar, grouping varchar, member varchar, measure varchar, attempt integer,  -- grouping 'all': seeds, grown, kept
    value double, low double, high double, n bigint, is_sampled boolean, n_texts bigint,
    primary key (run_id, grouping, member, measure)
);

create table map_shifts (         -- distance of an arm's words from the seeds', of all rounds so far
    run_id varchar, method varchar, round integer, attempt integer,
    mean double, se double, n integer,
    primary key (run_id, method, round)
);
