"""What people said of a loop's candidates, for the round after its pause.

A review is a line of the home's journal; the loop is another process than the one that keeps the database, so it reads
the journal itself, by the same rule. What a round used is kept in the run folder: a run that goes on after a crash
trains on the same rows, whatever was reviewed meanwhile.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.counting import counted
from core.recipes.stages import home_of
from core.records import OUT_BY_HAND, Candidate
from core.runs.folder import RunFolder, RunState
from core.runs.whole_files import write_json
from core.store.journal import read_reviews


def find_passed_pause(folder: RunFolder) -> int:
    """Return after which round an earlier attempt last waited for a person; 0: none did."""
    ended = [json.loads(path.read_text(encoding="utf-8")) for path in folder.path.glob("result-*.json")]
    return max((result.get("waits_after_round") or 0 for result in ended), default=0)


def is_waiting(state: RunState) -> bool:
    """Say whether a run that is done waits for a person, so that more of it is to come."""
    return state.state == "done" and bool((state.summary or {}).get("waits_after_round"))


def settle_reviews(folder: RunFolder, round_: int) -> dict[str, Any]:
    """Return candidate_id -> review, as ``read_reviews``, of the moment at which the pause after a round was passed."""
    path: Path = folder.path / "reviews" / f"round-{round_}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    path.parent.mkdir(exist_ok=True)
    reviews = read_reviews(home_of(folder), folder.run_id)
    write_json(path, reviews)
    return reviews


def apply_reviews(
    candidates: Sequence[Candidate], reviews: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Candidate], str]:
    """Return the candidates without those that were rejected, edited ones as they are now, and what was done in words.

    Args:
        candidates: that the filters let through.
        reviews: candidate_id -> ``action`` and, where it was edited, ``question``, ``answer`` and ``final``.
    """
    kept, n_rejected, n_edited = [], 0, 0
    for candidate in candidates:
        review = reviews.get(candidate.candidate_id)
        if review is not None and review["action"] in OUT_BY_HAND:
            n_rejected += 1
            continue
        texts = {name: review[name] for name in ("question", "answer", "final") if name in review} if review else {}
        n_edited += bool(texts)
        kept.append(replace(candidate, **texts))
    n_reviewed = sum(candidate.candidate_id in reviews for candidate in candidates)
    said = f"{n_reviewed:,} of {counted(len(candidates), 'candidate')} reviewed"
    return kept, f"{said}: {n_rejected:,} rejected, {n_edited:,} edited, {len(kept):,} to train on"
