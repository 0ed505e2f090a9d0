"""Problems as DataFrames and back: the form in which runs are given them."""

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


def problems_from_frame(frame: Any) -> list[Problem]:
    """Return the problems of a frame made by :func:`problems_to_frame`."""
    return [
        Problem(
            row["problem_id"],
            row["question"],
            _known(row["answer"]),
            _known(row["final"]),
            row["split"],
            json.loads(row["meta"]),
        )
        for row in frame.to_dict("records")
    ]


def _known(text: Any) -> str | None:
    return text if isinstance(text, str) else None
