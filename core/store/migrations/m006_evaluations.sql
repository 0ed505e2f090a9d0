-- Evaluations of students on a set of problems: every answer with what the checker, and perhaps a grader, made of it.

create table answers (
    run_id varchar, student varchar, problem_id varchar, sample integer, attempt integer,  -- student: base or tuned
    split varchar, text varchar, final varchar,
    is_correct boolean,              -- NULL: not judged (no reference, or a server refused the prompt)
    verdict varchar,                 -- right, wrong, no_final, cut_off, undecided, no_reference, no_answer
    reason varchar,                  -- the checker's, one sentence
    is_truncated boolean, n_tokens integer, loss double,
    grade boolean,                   -- right in the eyes of the grader; NULL: not graded
    grade_reason varchar,            -- the grader's words; without a grade why there is none
    primary key (run_id, student, problem_id, sample)
);
