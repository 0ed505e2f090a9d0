"""Problems as a DataFrame: the form in which an import keeps them."""

import json
from collections.abc import Iterable
from typing import Any

from core.lines import to_plain
from core.records import Problem

TEXTS = ("problem_id", "split", "question", "answer", "final", "meta")


def problems_to_frame(problems: Iterable[Problem]) -> Any:
    """Return one row per problem: problem_id, split, position, question, answer, final, meta (JSON text)."""
    import pandas as pd

    rows = [
        {
            "problem_id": problem.problem_id,
            "split": problem.split,
            "position": position,
            "question": problem.question,
            "answer": problem.answer,
            "final": problem.final,
            "meta": json.dumps(to_plain(problem.meta), ensure_ascii=False),
        }
        for position, problem in enumerate(problems)
    ]
    columns = ["problem_id", "split", "position", "question", "answer", "final", "meta"]
    return pd.DataFrame(rows, columns=columns).astype({name: "string" for name in TEXTS})
