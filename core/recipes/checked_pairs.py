"""Seeds and children of a check of steerability as both its students see them, from its run folder alone."""

import json

import pandas as pd

from core.analysis.wishes import make_pairs
from core.datasets import load_problems
from core.lines import read_all
from core.recipes.stages import home_of
from core.runs.folder import RunFolder
from core.runs.parts import read_parts

STUDENTS = ("first", "last")
"""The two students of a check, as its summary names their labels."""


def read_checked_pairs(run: RunFolder) -> dict[str, pd.DataFrame]:
    """Return student -> its pairs, of ``make_pairs``, of a check that is done."""
    summary, scores = run.read_state().summary, read_child_scores(run)
    texts = _read_texts(run)
    return {student: make_pairs(scores, texts, summary[student]) for student in STUDENTS}


def read_child_scores(run: RunFolder) -> pd.DataFrame:
    """Return what each student scored a seed, and then its child, as ``list_child_scores`` has it, in another order."""
    answers = read_parts(run, "predictions", ["student", "problem_id", "is_correct", "loss"])
    answers = answers.drop_duplicates(["student", "problem_id"], keep="last")
    rights = answers[["student", "problem_id", "is_correct"]]
    found = [answers[["student", "problem_id", "loss"]].rename(columns={"loss": "value"}).assign(signal="loss")]
    scored = read_parts(run, "scores", ["student", "problem_id", "signal", "value"])
    if len(scored):
        found.append(scored.drop_duplicates(["student", "problem_id", "signal"], keep="last"))
    values = pd.concat([each[["student", "problem_id", "signal", "value"]] for each in found], ignore_index=True)
    values = values.merge(rights, on=["student", "problem_id"], how="left")
    children = pd.DataFrame(_read_children(run))[["candidate_id", "parent"]]
    after = children.merge(values, left_on="candidate_id", right_on="problem_id").drop(columns="problem_id")
    joined = after.merge(
        values, left_on=["parent", "student", "signal"], right_on=["problem_id", "student", "signal"],
        suffixes=("_after", "_before"),
    )  # fmt: skip
    names = {"value_before": "before", "value_after": "after", "is_correct_before": "is_right_before",
             "is_correct_after": "is_right_after"}  # fmt: skip
    columns = ["student", "signal", "problem_id", "candidate_id", *names.values()]
    return joined.rename(columns=names)[columns]


def _read_children(run: RunFolder) -> list[dict[str, str]]:
    rows = {row["candidate_id"]: row for row in read_all(run.path / "records" / "candidates.jsonl")}
    return [{**row, "parent": row["parents"][0] if row["parents"] else None} for row in rows.values()]


def _read_texts(run: RunFolder) -> pd.DataFrame:
    seeds = {problem.problem_id: problem for problem in load_problems(home_of(run), run.config["seed_set"])}
    rows = []
    for child in _read_children(run):
        if (seed := seeds.get(child["parent"])) is not None:
            about = {"candidate_id": child["candidate_id"], "problem_id": seed.problem_id}
            texts = {"question_seed": seed.question, "question_child": child["question"]}
            rows.append({**about, **texts, "meta_seed": json.dumps(dict(seed.meta or {}))})
    return pd.DataFrame(rows, columns=["candidate_id", "problem_id", "question_seed", "question_child", "meta_seed"])
