"""Skills, skill-sets and QD-score against counting them one by one."""

import random

import pytest

from core.analysis.skills import count_skill_sets, count_skills, measure_qd_score

SKILLS = ("ages", "averages", "decimals", "percentages", "unit rates")


def draw_sets(seed: int) -> tuple[list[tuple[str, ...]], list[float]]:
    rng = random.Random(seed)
    sets = [tuple(sorted(rng.sample(SKILLS, rng.randint(0, 3)))) for _ in range(rng.randint(0, 30))]
    return sets, [rng.choice([0.0, 0.25, 0.5, 0.75]) for _ in sets]


@pytest.mark.parametrize("seed", range(20))
def test_they_are_what_plain_counting_gives(seed):
    sets, qualities = draw_sets(seed)
    seen_skills, seen_sets = [], []
    for skills in sets:
        for skill in skills:
            if skill not in seen_skills:
                seen_skills.append(skill)
        if skills != () and skills not in seen_sets:
            seen_sets.append(skills)
    best = [max(q for one, q in zip(sets, qualities, strict=True) if one == each) for each in seen_sets]
    assert count_skills(sets) == len(seen_skills)
    assert count_skill_sets(sets) == len(seen_sets)
    assert measure_qd_score(sets, qualities) == pytest.approx(sum(best))


def test_a_problem_whose_skills_are_not_known_counts_for_nothing():
    assert (count_skills([()]), count_skill_sets([()]), measure_qd_score([()], [0.9])) == (0, 0, 0.0)
