-- What the policy of an objective was trained on before: its rows are others than those of the training after it.

create table policy_rows (           -- columns as in training_rows
    run_id varchar, round integer, position integer, attempt integer,
    row_id varchar, origin varchar, origin_run_id varchar, origin_id varchar,
    question varchar, answer varchar, final varchar, label integer, rejected varchar, is_used boolean, reason varchar,
    primary key (run_id, round, position)
);
