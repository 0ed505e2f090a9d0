"""Every arm on every test set: the benchmark table (Zhang 2025, tables 25 to 27; SPARQ, in and out of distribution).

It knows nothing of runs.
"""

from collections.abc import Sequence

import pandas as pd

IN_DISTRIBUTION, OUT_OF_DISTRIBUTION = "test", "ood"
"""Splits of a seed set of its own; any other test set comes by its name."""


def tabulate_tests(tests: pd.DataFrame) -> pd.DataFrame:
    """Return mean accuracies after the last round, a row for each method and test set.

    Args:
        tests: method, replicate, split, round, accuracy and n_test; round 0 is before any training.

    Returns:
        method, split, ``before`` (mean, NaN where nobody asked), ``accuracy`` (mean over replicates after their last
        round; of who trains nothing that of round 0; a replicate that has not ended a round yet is left out),
        ``se`` (NaN with one replicate), ``n`` replicates, ``n_test``
        problems; by method, then test, ood and the other sets by name.
    """
    known = tests.dropna(subset=["accuracy"])
    last = known.groupby(["method", "replicate", "split"])["round"].transform("max")
    has_trained = known.groupby(["method", "split"])["round"].transform("max") > 0
    after = known[(known["round"] == last) & ((last > 0) | ~has_trained)].groupby(["method", "split"])
    table = after.agg(
        accuracy=("accuracy", "mean"), se=("accuracy", "sem"), n=("accuracy", "size"), n_test=("n_test", "max")
    )
    before = known[known["round"] == 0].groupby(["method", "split"])["accuracy"].mean().rename("before")
    table = table.join(before).reset_index()
    places = {name: place for place, name in enumerate(order_sets(table["split"].unique()))}
    table = table.assign(place=table["split"].map(places)).sort_values(["method", "place"], ignore_index=True)
    return table[["method", "split", "before", "accuracy", "se", "n", "n_test"]]


def order_sets(names: Sequence[str]) -> list[str]:
    """Return the names of test sets in the order of a table: one's own, out of distribution, the others by name."""
    first = [name for name in (IN_DISTRIBUTION, OUT_OF_DISTRIBUTION) if name in names]
    return [*first, *sorted(set(names) - set(first))]


def keep_set(tests: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows of one test set."""
    return tests[tests["split"] == name].reset_index(drop=True)


def say_accuracy(name: str) -> str:
    """Return what the accuracy on a test set is called in a title: ``test accuracy``, ``accuracy on maths/test``."""
    if name == OUT_OF_DISTRIBUTION:
        return "accuracy out of distribution"
    return "test accuracy" if name == IN_DISTRIBUTION else f"accuracy on {name}"
