"""Working sets: which problems the next ones are grown from (SPARQ, arXiv 2506.06499, section 2.1).

Four algorithms are the four corners of two choices. A static working set is the seeds; a dynamic one takes in what was
grown from it, as far as that has quality, and gives up what has least. A uniform draw is over problems, a diverse one
over skill-sets first and then over the problems of the one that was drawn: with both, it is MAP-Elites (Mouret 2015)
with skill-sets as its cells, and room for several problems in each. Nothing here knows of teachers or students.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.registry import Registry
from core.selection.base import Pool, tie_breakers
from core.selection.picks import pick_best


@dataclass(frozen=True, slots=True)
class Member:
    """What is looked at of a problem when parents are drawn, or problems kept."""

    problem_id: str
    skills: tuple[str, ...]
    """Its skill-set, in the order of the alphabet; empty where nobody could tell, which is a class of its own."""

    quality: float
    """1 - solve rate in [0.1, 0.9], else 0; 0 too where nobody measured it."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """How parents are drawn, and what becomes of the working set."""

    title: str
    is_dynamic: bool
    """Whether the working set takes in what was grown."""

    is_diverse: bool
    """Whether a skill-set is drawn first, and whether room is counted by skill-set."""


ALGORITHMS: Registry[Algorithm] = Registry("algorithm")
ALGORITHMS.register("static_uniform")(Algorithm("Any seed alike", False, False))
ALGORITHMS.register("static_diverse")(Algorithm("Any skill-set of the seeds alike", False, True))
ALGORITHMS.register("dynamic_uniform")(Algorithm("Any of the best so far alike", True, False))
ALGORITHMS.register("dynamic_diverse")(Algorithm("Any skill-set alike, the best of each so far", True, True))


class WorkingSet:
    """The problems that parents are drawn from; what comes of it does not depend on the order they were given in.

    Args:
        algorithm: see above.
        seeds: what it begins with, all of it.
        limit: problems that it holds (of each skill-set, where it is diverse) once something is taken in.
    """

    def __init__(self, algorithm: Algorithm, seeds: Iterable[Member], limit: int):
        self._algorithm, self._limit = algorithm, limit
        self.members = sorted(seeds, key=lambda member: member.problem_id)

    def draw(self, k: int, rng: np.random.Generator) -> list[Member]:
        """Return k parents, all there are where these are fewer; none twice, for that would be the same request."""
        if not self._algorithm.is_diverse:
            return [self.members[place] for place in rng.permutation(len(self.members))[:k]]
        classes = group_by_skills(self.members)
        names, drawn = sorted(classes), []
        while names and len(drawn) < k:
            name = names[int(rng.integers(len(names)))]
            drawn.append(classes[name].pop(int(rng.integers(len(classes[name])))))
            if not classes[name]:
                names.remove(name)
        return drawn

    def take_in(self, grown: Iterable[Member], rng: np.random.Generator) -> None:
        """Let new problems in where the algorithm is dynamic and they have quality; the least good ones leave.

        A skill-set that nothing new fell into stays as it is. Among equally good ones the lot decides.
        """
        new = [member for member in grown if member.quality > 0] if self._algorithm.is_dynamic else []
        if not new:
            return
        everyone = [*self.members, *new]
        lots = tie_breakers(Pool(np.array([member.problem_id for member in everyone])), rng)
        lot_of = {member.problem_id: lot for member, lot in zip(everyone, lots, strict=True)}
        classes, touched = {(): everyone}, {()}
        if self._algorithm.is_diverse:
            classes, touched = group_by_skills(everyone), {member.skills for member in new}
        kept = [self._cut(found, lot_of) if name in touched else found for name, found in classes.items()]
        self.members = sorted((member for found in kept for member in found), key=lambda member: member.problem_id)

    def _cut(self, members: Sequence[Member], lot_of: dict[str, float]) -> list[Member]:
        quality = np.array([member.quality for member in members])
        lots = np.array([lot_of[member.problem_id] for member in members])
        return [members[row] for row in pick_best(quality, lots, self._limit)]


def group_by_skills(members: Iterable[Member]) -> dict[tuple[str, ...], list[Member]]:
    """Return skill-set -> its members, in their order."""
    classes: dict[tuple[str, ...], list[Member]] = {}
    for member in members:
        classes.setdefault(member.skills, []).append(member)
    return classes
