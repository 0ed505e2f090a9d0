-- What the policy of an objective answered while it was trained: its steps are others than those of the training after.

create table policy_answers (        -- columns as in checkpoint_answers
    run_id varchar, round integer, step integer, problem_id varchar, attempt integer,
    epoch double, question varchar, reference varchar, text varchar, final varchar, is_correct boolean,
    n_tokens integer,
    primary key (run_id, round, step, problem_id)
);
