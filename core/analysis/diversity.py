"""How different texts are from one another: in meaning, in wording, in what they repeat, in the kinds they cover.

Each measure comes with a 95 % interval by drawing the units again, with replacement (Efron 1979, percentiles). Units
are seeds: texts grown from one seed are alike, and drawing texts one by one would make believe that there are more of
them than there are. A unit that is drawn twice counts twice, but its texts are not held against their own copies, which
would be no new texts. It knows nothing of candidates, models or runs.

Sources: Zhang 2025 (Verbalized Sampling) for the mean pairwise 1 - clip(cosine, 0, 1) and ROUGE-L between answers to
the same prompt; Li 2016 ("A diversity-promoting objective function") for distinct-n.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cpdist

from core.filters.tokens import split_tokens

N_DRAWS = 1_000
"""Times that the units are drawn again."""

LEAST_UNITS = 3
"""Units below which no interval is given: of two there are but three different draws."""

MOST_PAIRS = 500_000
"""Pairs that are compared at most; where there are more, so many are drawn, each alike likely."""

CHUNK = 65_536
"""Pairs of vectors that are multiplied at once, and cells of the draws that are weighed at once, times 16."""

NORMAL_95 = 1.96
"""Standard errors on either side of a value that 95 % lie in."""

PairValues = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Rows of the first and of the second text of p pairs -> (p,) float64."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number with its uncertainty."""

    value: float | None = None
    """None where it is not defined: fewer than two texts, no n-gram, nothing to cover."""

    low: float | None = None
    high: float | None = None
    """95 % interval; None where there are fewer than LEAST_UNITS units."""

    n: int = 0
    """Pairs, n-grams, texts or kinds that it is made of."""

    is_sampled: bool = False
    """True where the pairs are a seeded sample of all."""


def measure_distance(
    vectors: np.ndarray, groups: Sequence[Hashable], *, units: Sequence[Hashable] | None = None,
    is_within: bool = False, seed: int = 0, most_pairs: int = MOST_PAIRS,
) -> Measure:  # fmt: skip
    """Return the mean of 1 - clip(cosine, 0, 1) over pairs of texts: 0 where all mean the same, at most 1.

    Args:
        vectors: (n, d) of length 1 each.
        groups: n names of what each text was asked from (its seed, or the one fixed prompt).
        units: n names of what is drawn again for the interval; None: the groups.
        is_within: only pairs of the same group, and the mean of the groups' means, each group counting alike.
        seed: of every draw.
        most_pairs: that are compared; of more so many are drawn.
    """

    def compare(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        parts = [slice(start, start + CHUNK) for start in range(0, len(first), CHUNK)]
        cosines = [np.einsum("ij,ij->i", vectors[first[part]], vectors[second[part]]) for part in parts]
        return 1.0 - np.clip(np.concatenate(cosines).astype(np.float64), 0.0, 1.0)

    return _measure_pairs(compare, groups, units, is_within, seed, most_pairs)


def measure_wording(
    texts: Sequence[str], groups: Sequence[Hashable], *, units: Sequence[Hashable] | None = None,
    is_within: bool = False, seed: int = 0, most_pairs: int = MOST_PAIRS,
) -> Measure:  # fmt: skip
    """Return the mean ROUGE-L F over pairs of texts, 0 to 1: the lower, the more the wording differs.

    Tokens are those of ``core.filters.tokens.split_tokens``; two texts of which one has none have nothing in common.
    The arguments are those of ``measure_distance``.
    """
    codes = encode_words(texts)
    lengths = np.array([len(code) for code in codes], dtype=np.float64)

    def compare(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        common = cpdist(
            [codes[i] for i in first], [codes[j] for j in second], scorer=LCSseq.similarity, dtype=np.int32
        ).reshape(-1)
        total = lengths[first] + lengths[second]
        return np.divide(2.0 * common, total, out=np.zeros_like(total), where=total > 0)

    return _measure_pairs(compare, groups, units, is_within, seed, most_pairs)


def encode_words(texts: Sequence[str]) -> list[str]:
    """Return one string per text with one character per token, the same for the same token."""
    signs: dict[str, str] = {}
    coded = []
    for text in texts:
        signs_of_text = []
        for token in split_tokens(text):
            if token not in signs:
                number = len(signs)
                signs[token] = chr(number if number < 0xD800 else number + 0x800)  # halves of surrogate pairs are none
            signs_of_text.append(signs[token])
        coded.append("".join(signs_of_text))
    return coded


def measure_distinct_n(texts: Sequence[str], n: int, units: Sequence[Hashable], *, seed: int = 0) -> Measure:
    """Return distinct-n: different runs of n tokens as a share of all runs, over all texts together (Li 2016).

    It falls as texts are added, so it is comparable between equally many texts only. The interval takes how often each
    run occurs in all of the texts as given: a run that occurs c times counts 1/c each time.
    """
    runs = [_list_runs(split_tokens(text), n) for text in texts]
    counts = Counter(run for each in runs for run in each)
    shares = [sum(1.0 / counts[run] for run in each) for each in runs]
    return _measure_ratio(shares, [float(len(each)) for each in runs], units, seed)


def _list_runs(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]


def measure_distinct_texts(texts: Sequence[str], units: Sequence[Hashable], *, seed: int = 0) -> Measure:
    """Return different texts as a share of all, letter case and spaces aside; None without texts.

    The interval is made as in ``measure_distinct_n``.
    """
    plain = [" ".join(text.casefold().split()) for text in texts]
    counts = Counter(plain)
    return _measure_ratio([1.0 / counts[text] for text in plain], [1.0] * len(plain), units, seed)


def measure_coverage(
    kinds: Iterable[Hashable],
    all_kinds: Collection[Hashable],
    units: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
) -> Measure:
    """Return the share of all kinds that occur; None where there are none to cover.

    Args:
        kinds: of each text; None is no kind.
        all_kinds: to be covered.
        units: of each text, drawn again for the interval. What is drawn again can only lose kinds, so the spread of
            the draws is laid around the share; and as it is too narrow where many kinds are held by one unit alone, so
            is the jackknife's (Efron 1981), and the wider of the two counts. None: no interval.
        seed: of every draw.
    """
    wanted, kinds = sorted(set(all_kinds), key=str), list(kinds)
    if not wanted:
        return Measure()
    share = len(set(wanted) & set(kinds)) / len(wanted)
    if units is None or len(set(units)) < LEAST_UNITS:
        return Measure(share, n=len(wanted))
    place = {kind: at for at, kind in enumerate(wanted)}
    rows = np.array([place.get(kind, -1) for kind in kinds])
    unit_of = number_units(units)
    holds = np.zeros((unit_of.max() + 1, len(wanted)))
    holds[unit_of[rows >= 0], rows[rows >= 0]] = 1.0
    drawn = draw_units(len(holds), np.random.default_rng([seed, 4]))
    shares = ((drawn @ holds) > 0).mean(axis=1)
    below, above = np.percentile(shares, [2.5, 97.5]) - shares.mean()
    spread = NORMAL_95 * _leave_out(holds).std() * np.sqrt(len(holds) - 1)
    low, high = min(share + below, share - spread), max(share + above, share + spread)
    return Measure(share, float(np.clip(low, 0.0, share)), float(np.clip(high, share, 1.0)), len(wanted))


def _leave_out(holds: np.ndarray) -> np.ndarray:
    """Return (n_units,) the share of kinds that is lost where a unit is left out: those that it alone holds."""
    return (holds * (holds.sum(axis=0) == 1)).sum(axis=1) / holds.shape[1]


def measure_share(values: np.ndarray, units: Sequence[Hashable], *, seed: int = 0) -> Measure:
    """Return the mean of (n,) values in [0, 1]; None without any. ``n`` is their number."""
    return _measure_ratio(values.tolist(), [1.0] * len(values), units, seed)


# -- pairs -------------------------------------------------------------------------------------------------------


def list_pairs(n: int, rng: np.random.Generator, limit: int = MOST_PAIRS) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return first and second of all pairs i < j of n things, or of about ``limit`` drawn ones, and whether drawn."""
    if n * (n - 1) // 2 <= limit:
        return *np.triu_indices(n, k=1), False
    first, second = rng.integers(n, size=(2, limit))
    pairs = np.unique(np.minimum(first, second)[first != second] * n + np.maximum(first, second)[first != second])
    return pairs // n, pairs % n, True


def _list_pairs_within(groups: np.ndarray, rng: np.random.Generator, limit: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the pairs of the same group; from each group at most its part of the limit."""
    members = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    members = [rows for rows in members if len(rows) > 1]
    if not members:
        return np.empty(0, np.int64), np.empty(0, np.int64), False
    first, second, is_sampled = [], [], False
    for rows in members:
        a, b, is_drawn = list_pairs(len(rows), rng, max(1, limit // len(members)))
        first.append(rows[a])
        second.append(rows[b])
        is_sampled |= is_drawn
    return np.concatenate(first), np.concatenate(second), is_sampled


def _measure_pairs(
    compare: PairValues,
    groups: Sequence[Hashable],
    units: Sequence[Hashable] | None,
    is_within: bool,
    seed: int,
    most_pairs: int,
) -> Measure:
    """Return the mean over pairs, of the same group or over all, with its interval."""
    rng = np.random.default_rng([seed, 1])
    group_of = number_units(groups)
    unit_of = group_of if units is None else number_units(units)
    n_groups = len(set(groups))
    if is_within and n_groups > 1:
        first, second, is_sampled = _list_pairs_within(group_of, rng, most_pairs)
        if not len(first):
            return Measure()
        counts = np.bincount(group_of[first], minlength=n_groups)
        sums = np.bincount(group_of[first], weights=compare(first, second), minlength=n_groups)
        means = sums[counts > 0] / counts[counts > 0]
        low, high = _draw_ratio(means, np.ones(len(means)), rng)
        return Measure(float(means.mean()), low, high, len(first), is_sampled)
    if len(groups) < 2:
        return Measure()
    first, second, is_sampled = list_pairs(len(groups), rng, most_pairs)
    values = compare(first, second)
    low, high = _draw_pairs(values, unit_of[first], unit_of[second], rng)
    return Measure(float(values.mean()), low, high, len(first), is_sampled)


# -- intervals ---------------------------------------------------------------------------------------------------


def number_units(names: Sequence[Hashable]) -> np.ndarray:
    """Return (n,) int64: 0 for the first name and those like it, 1 for the next, ..."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def draw_units(n_units: int, rng: np.random.Generator, n_draws: int = N_DRAWS) -> np.ndarray:
    """Return (n_draws, n_units): how often each unit is drawn."""
    return rng.multinomial(n_units, np.full(n_units, 1.0 / n_units), size=n_draws).astype(np.float64)


def _find_ends(values: np.ndarray) -> tuple[float | None, float | None]:
    """Return the ends of the middle 95 % of the draws that are defined; None where none is."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None, None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def _measure_ratio(shares: Sequence[float], sizes: Sequence[float], units: Sequence[Hashable], seed: int) -> Measure:
    """Return sum(shares) / sum(sizes) with its interval; None where the sizes add up to nothing."""
    total = sum(sizes)
    if not total:
        return Measure()
    unit_of = number_units(units)
    low, high = _draw_ratio(
        np.bincount(unit_of, weights=shares), np.bincount(unit_of, weights=sizes), np.random.default_rng([seed, 2])
    )
    return Measure(sum(shares) / total, low, high, round(total))


def _draw_ratio(shares: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> tuple[float | None, float | None]:
    """Return the interval of sum(shares) / sum(sizes), both (n_units,)."""
    if len(shares) < LEAST_UNITS:
        return None, None
    drawn = draw_units(len(shares), rng)
    return _find_ends(_divide(drawn @ shares, drawn @ sizes))


def _draw_pairs(
    values: np.ndarray, first: np.ndarray, second: np.ndarray, rng: np.random.Generator
) -> tuple[float | None, float | None]:
    """Return the interval of the mean of pair values, given the units of both texts of each pair.

    Pairs within a unit and pairs between units are drawn by themselves, and weigh as they do in the whole: as copies
    are not compared, draws with many copies would otherwise hold more pairs within.
    """
    n_units = int(max(first.max(), second.max())) + 1
    if n_units < LEAST_UNITS:
        return None, None
    drawn, is_within = draw_units(n_units, rng), first == second
    means = np.zeros(N_DRAWS)
    if is_within.any():
        own = first[is_within]
        sums = drawn @ np.bincount(own, weights=values[is_within], minlength=n_units)
        counts = drawn @ np.bincount(own, minlength=n_units)
        means += is_within.mean() * _divide(sums, counts)
    if not is_within.all():
        low, high = np.minimum(first, second)[~is_within], np.maximum(first, second)[~is_within]
        codes, place = np.unique(low * n_units + high, return_inverse=True)
        sums, counts = np.bincount(place, weights=values[~is_within]), np.bincount(place).astype(np.float64)
        step = max(1, 16 * CHUNK // len(codes))
        for start in range(0, N_DRAWS, step):
            rows = slice(start, start + step)
            weights = drawn[rows][:, codes // n_units] * drawn[rows][:, codes % n_units]
            means[rows] += (1 - is_within.mean()) * _divide(weights @ sums, weights @ counts)
    return _find_ends(means)


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the quotients, NaN where nothing is divided by."""
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
