"""What people read of the stage that a run is in, in place of the name that the run gives it."""

STAGES = {
    "finetune": "trains",
    "policy": "trains the policy",
    "validation": "answers the validation problems before it trains",
    "answers": "answers",
    "rollouts": "goes on from beginnings of answers",
}
"""Last part of a stage's name within a round -> what people read."""

SPLITS = {"test": "test problems", "ood": "out-of-distribution problems", "validation": "validation problems"}
"""Split whose problems are answered -> what people read."""


def say_stage(name: str) -> str:
    """Return a stage in words: ``ood, after`` is ``out-of-distribution problems, after``; an unknown one as it is."""
    before, mark, last = name.rpartition(": ")
    split, comma, when = last.partition(", ")
    if comma and split in SPLITS:
        return f"{before}{mark}{SPLITS[split]}{comma}{when}"
    return f"{before}{mark}{STAGES.get(last, last)}" if mark else name


def when_evaluated(name: str | None) -> str | None:
    """Return ``before`` or ``after`` (the training) for a stage that evaluates; None: it does something else.

    A finetune calls it ``test, after``, a loop ``test, after round 2``.
    """
    when = str(name).rpartition(", ")[2].partition(" ")[0]
    return when if ", " in str(name) and when in ("before", "after") else None
