"""Methods that people reject far more often than others are found; a few verdicts accuse nobody."""

import pandas as pd

from core.reviewing.methods import count_verdicts, find_rejected_methods


def judge(**methods):
    rows = [(name, place >= n_rejected) for name, (n, n_rejected) in methods.items() for place in range(n)]
    return count_verdicts(pd.DataFrame(rows, columns=["method", "is_kept"]))


def find(**methods):
    return [each.method for each in find_rejected_methods(judge(**methods))]


def test_verdicts_are_counted_by_method_the_most_rejected_first():
    found = judge(rewrite=(40, 3), mutate=(15, 12))
    assert [(each.method, each.n_judged, each.n_rejected) for each in found] == [("mutate", 15, 12), ("rewrite", 40, 3)]


def test_only_what_chance_does_not_explain_is_found():
    assert find(rewrite=(40, 3), mutate=(15, 12)) == ["mutate"]
    assert find(rewrite=(40, 3), mutate=(2, 1)) == [], "two verdicts tell nothing"
    assert find(rewrite=(40, 20), mutate=(15, 9)) == []


def test_without_others_or_verdicts_there_is_nothing_to_compare():
    assert find(mutate=(15, 15)) == [] and find() == []
