"""How diverse each of several sets of texts is: the seeds, what was grown from them, and its parts.

It knows texts with their vectors and groups; nothing of runs, models or pages.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.analysis.diversity import (
    Measure,
    measure_coverage,
    measure_distance,
    measure_distinct_n,
    measure_share,
    measure_wording,
    number_units,
)
from core.analysis.vendi import compute_vendi, measure_vendi
from core.filters.closeness import LIMIT, ClosenessIndex

MEASURES: Mapping[str, str] = {
    "distance": "Distance in meaning",
    "vendi": "Vendi score",
    "vendi_equal": "Vendi score of 100",
    "distinct_1": "distinct-1",
    "distinct_2": "distinct-2",
    "wording": "Self-ROUGE-L",
    "near_duplicates": "With a near-duplicate",
    "clusters": "Clusters covered",
    "clusters_equal": "Clusters covered by 100",
    "types": "Types covered",
}
"""Name of a measure -> what people read."""

N_EQUAL = 100
"""Texts of which measures that grow or fall with the number of texts are taken, so that sets can be compared."""

N_EQUAL_DRAWS = 50
MOST_TEXTS = 5_000
"""Texts of a set that are measured; of a larger one so many are drawn, each alike likely."""

MOST_PAIRS = 50_000
"""Pairs of a set that are compared: each set is measured by itself, and there are many."""

MOST_MEMBERS = 24
"""Parts of one grouping that are measured: those with most texts."""

N_CLUSTERS = 50
LEAST_PER_CLUSTER = 10


@dataclass(frozen=True, slots=True)
class Texts:
    """n texts, and what is known of each."""

    texts: Sequence[str]
    vectors: np.ndarray | None
    """(n, d) of length 1; None where distances in meaning would say nothing."""

    units: Sequence[Hashable]
    """What each was grown from: drawn again for the intervals."""

    kinds: Sequence[str | None]
    """Type of each; None: unknown."""

    all_kinds: Sequence[str]
    """Types of the seeds."""

    clusters: np.ndarray | None
    """(n,) the cluster of the seeds that each lies in; None as for vectors."""

    n_clusters: int


def measure_set(given: Texts, rows: np.ndarray, *, seed: int = 0) -> dict[str, Measure]:
    """Return name -> measure of a set of texts, for each of MEASURES; ``n`` of near-duplicates is the number of pairs.

    Args:
        given: all texts.
        rows: which of them; of more than MOST_TEXTS so many are drawn, and the measures say so.
        seed: of every draw.
    """
    rng = np.random.default_rng([seed, 5])
    is_part = len(rows) > MOST_TEXTS
    if is_part:
        rows = np.sort(rng.choice(rows, MOST_TEXTS, replace=False))
    units = [given.units[row] for row in rows]
    found = {**_measure_words(given, rows, units, seed), **_measure_meaning(given, rows, units, seed, rng)}
    found = {name: found.get(name, Measure()) for name in MEASURES}
    return {name: replace(each, is_sampled=each.is_sampled or is_part) for name, each in found.items()}


def _measure_words(given: Texts, rows: np.ndarray, units: list[Hashable], seed: int) -> dict[str, Measure]:
    texts = [given.texts[row] for row in rows]
    twins = find_twins(texts)
    has_twin = np.zeros(len(texts))
    has_twin[twins] = 1.0
    found = {
        "distinct_1": measure_distinct_n(texts, 1, units, seed=seed),
        "distinct_2": measure_distinct_n(texts, 2, units, seed=seed),
        "wording": measure_wording(texts, units, seed=seed, most_pairs=MOST_PAIRS),
        "near_duplicates": replace(measure_share(has_twin, join_units(units, twins).tolist(), seed=seed), n=len(twins)),
    }
    if len(given.all_kinds) > 1:
        found["types"] = measure_coverage([given.kinds[row] for row in rows], given.all_kinds, units, seed=seed)
    return found


def _measure_meaning(
    given: Texts, rows: np.ndarray, units: list[Hashable], seed: int, rng: np.random.Generator
) -> dict[str, Measure]:
    if given.vectors is None or given.clusters is None or not len(rows):
        return {}
    vectors, clusters, k = given.vectors[rows], given.clusters[rows], given.n_clusters
    return {
        "distance": measure_distance(vectors, units, seed=seed, most_pairs=MOST_PAIRS),
        "vendi": measure_vendi(vectors, units, seed=seed),
        "vendi_equal": _draw_equal(len(rows), lambda drawn: compute_vendi(vectors[drawn]), rng),
        "clusters": measure_coverage(clusters.tolist(), range(k), units, seed=seed),
        "clusters_equal": _draw_equal(len(rows), lambda drawn: len(set(clusters[drawn].tolist())) / k, rng),
    }


def _draw_equal(n: int, compute: Callable[[np.ndarray], float], rng: np.random.Generator) -> Measure:
    """Return the mean over draws of N_EQUAL texts, and where 95 % of the draws lie; None where there are fewer."""
    if n < N_EQUAL:
        return Measure()
    values = [compute(rng.choice(n, N_EQUAL, replace=False)) for _ in range(N_EQUAL_DRAWS)]
    low, high = np.percentile(values, [2.5, 97.5])
    return Measure(float(np.mean(values)), float(low), float(high), N_EQUAL, is_sampled=n > N_EQUAL)


def list_sets(groups: Mapping[str, Sequence[str | None]], passed: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield (grouping, member, rows) of the largest parts of what was grown, where a grouping has more than one.

    Args:
        groups: grouping -> n names, None where it does not apply.
        passed: (n,) whether each was grown and let through by the filters.
    """
    for grouping, names in groups.items():
        counts = Counter(name for name, is_in in zip(names, passed, strict=True) if is_in and name)
        members = sorted((name for name, _ in counts.most_common(MOST_MEMBERS)), key=_sort_key)
        if len(members) > 1:
            column = np.array([name or "" for name in names], dtype=object)
            for member in members:
                yield grouping, member, np.flatnonzero(passed & (column == member))


def _sort_key(name: str) -> tuple[int, str]:
    return (int(name) if name.isdigit() else 1 << 30, name)


def find_clusters(seeds: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Return (k, d) middles of the seeds' clusters: k-means with k = 50, a tenth of the seeds where they are few."""
    from sklearn.cluster import KMeans

    k = max(1, min(N_CLUSTERS, len(seeds) // LEAST_PER_CLUSTER))
    return KMeans(k, n_init=3, random_state=seed).fit(seeds).cluster_centers_.astype(np.float32)


def assign_clusters(vectors: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """Return (n,) int64: the nearest middle of each vector; the first of equally near ones."""
    return (vectors @ middles.T - (middles**2).sum(axis=1) / 2).argmax(axis=1)


def find_twins(texts: Sequence[str], limit: float = LIMIT) -> np.ndarray:
    """Return (p, 2) the rows of all pairs of texts whose ROUGE-L F is above a limit of 0 to 1."""
    index, pairs = ClosenessIndex(limit), []
    for row, text in enumerate(texts):
        pairs += [(match.index, row) for match in index.list_close(text)]
        index.add(text)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def join_units(units: Sequence[Hashable], pairs: np.ndarray) -> np.ndarray:
    """Return (n,) int32 units of which two are one where a pair links them, straight or by others.

    Near-duplicates come in pairs at least: drawn again one by one, as if one could be there without the other, an
    interval of their share would be too narrow (80 % held it where 95 % should, when they are rare).

    Args:
        units: of n texts.
        pairs: (p, 2) rows of texts.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    unit_of = number_units(units)
    n = int(unit_of.max(initial=-1)) + 1
    linked = coo_array((np.ones(len(pairs)), (unit_of[pairs[:, 0]], unit_of[pairs[:, 1]])), shape=(n, n))
    return connected_components(linked, directed=False)[1][unit_of]


def find_roots(ids: Sequence[str], parents: Sequence[str]) -> list[str]:
    """Return what each of n texts goes back to: its parent, the parent of that one, as far as they are among the ids.

    Args:
        ids: of the texts.
        parents: of each; itself where it has none.
    """
    parent_of = dict(zip(ids, parents, strict=True))
    found = []
    for root in parents:
        seen = set()
        while parent_of.get(root, root) != root and root not in seen:
            seen.add(root)
            root = parent_of[root]
        found.append(root)
    return found
