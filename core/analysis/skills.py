"""How many skills a set of problems takes, and how good the best of each skill-set is (SPARQ, section 2).

A skill-set is a tuple of skills in the order of the alphabet; an empty one is that of a problem whose skills are not
known, and counts for nothing.
"""

from collections.abc import Iterable, Sequence


def count_skills(skill_sets: Iterable[tuple[str, ...]]) -> int:
    """Return the number of different skills, which is DIV of the paper."""
    return len({skill for skills in skill_sets for skill in skills})


def count_skill_sets(skill_sets: Iterable[tuple[str, ...]]) -> int:
    """Return the number of different skill-sets, which is the paper's coverage."""
    return len({skills for skills in skill_sets if skills})


def measure_qd_score(skill_sets: Sequence[tuple[str, ...]], qualities: Sequence[float]) -> float:
    """Return the sum over skill-sets of the highest quality in each (Pugh 2016)."""
    best: dict[tuple[str, ...], float] = {}
    for skills, quality in zip(skill_sets, qualities, strict=True):
        if skills:
            best[skills] = max(quality, best.get(skills, 0.0))
    return float(sum(best.values()))
