"""Of which type a child is: told by its words, by what the words of the seeds of each type are.

A teacher does not say of which type its problem is. So a linear classifier over the words (TF-IDF, logistic
regression, both of scikit-learn) learns it from the seeds, and how often it names a seed's type rightly says what its
word is worth. Neither a seed nor its child is told by a classifier that has seen that seed: a child that repeats its
parent would else be named by having been learned. This file knows nothing of runs or students.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

N_FOLDS = 5

FEWEST_OF_A_TYPE = 10
"""Seeds that a type must have to be told from others."""

GOOD = 0.8
"""Share of the seeds that must be named rightly; below, nothing is told of the children."""


@dataclass(frozen=True, slots=True)
class ChildTypes:
    """Of which types children are, and how far that can be believed."""

    names: list[str | None]
    """(n,) of the children; all None where ``share_right`` is below GOOD, or there are no two types to tell apart."""

    share_right: float | None
    """Of the seeds whose type is known, 0 to 1; None: there are no two types."""


def tell_child_types(seeds: Sequence[str], types: Sequence[str | None], children: Sequence[str]) -> ChildTypes:
    """Tell the types of children by their words.

    Args:
        seeds: (n,) questions.
        types: (n,) of the seeds; None: unknown.
        children: (n,) questions, the child of each seed in its place.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    known = np.array([name or "" for name in types], dtype=object)
    names, counts = np.unique(known[known != ""].astype(str), return_counts=True)
    is_told = np.isin(known.astype(str), names[counts >= FEWEST_OF_A_TYPE])
    if np.count_nonzero(counts >= FEWEST_OF_A_TYPE) < 2:
        return ChildTypes([None] * len(children), None)
    # Which words are frequent is learned of all, which type they speak for of the other folds alone.
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\S+").fit(seeds)
    of_seeds, of_children = words.transform(seeds), words.transform(children)
    folds = np.random.default_rng(0).permutation(len(seeds)) % N_FOLDS
    told = np.empty((2, len(seeds)), dtype=object)
    for fold in range(N_FOLDS):
        is_own, is_learned = folds == fold, (folds != fold) & is_told
        classifier = LogisticRegression(max_iter=1_000).fit(of_seeds[is_learned], known[is_learned].astype(str))
        for side, texts in enumerate((of_seeds, of_children)):
            told[side, is_own] = classifier.predict(texts[is_own])
    share_right = float((told[0, is_told] == known[is_told]).mean())
    is_good = share_right >= GOOD
    return ChildTypes([str(name) if is_good else None for name in told[1]], share_right)
