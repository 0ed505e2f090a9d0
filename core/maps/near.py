"""Which points are near: in meaning, exactly, by every vector; and which lie inside a line drawn on the map."""

from collections.abc import Sequence

import numpy as np

CHUNK = 1 << 24
"""Cosines that are held at once."""

Polygon = Sequence[tuple[float, float]]
"""Corners of a closed line, at least three."""


def find_nearest(asked: np.ndarray, known: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and the cosines of the k nearest known vectors of each, (m, k) both, the nearest first.

    Ties go to the earlier row. Nothing is approximate; a million vectors of one question take about a second.

    Args:
        asked: (m, d) of length 1.
        known: (n, d) of length 1, n at least k; may lie on the disk, and be float16.
        k: at least 1.
    """
    rows, cosines = np.empty((len(asked), k), np.int64), np.empty((len(asked), k), np.float32)
    step = max(1, CHUNK // max(len(known), 1))
    for start in range(0, len(asked), step):
        part = slice(start, start + step)
        rows[part], cosines[part] = _find(asked[part].astype(np.float32), known, k)
    return rows, cosines


def _find(asked: np.ndarray, known: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    found = np.empty((len(asked), len(known)), np.float32)
    step = max(1, CHUNK // max(known.shape[1], 1))
    for start in range(0, len(known), step):
        found[:, start : start + step] = asked @ known[start : start + step].astype(np.float32).T
    if k < len(known):
        rows = np.argpartition(-found, k - 1, axis=1)[:, :k]
        last = np.take_along_axis(found, rows, axis=1).min(axis=1)
        for at in np.flatnonzero((found >= last[:, None]).sum(axis=1) > k):  # ties at the edge
            rows[at] = np.argsort(-found[at], kind="stable")[:k]
    else:
        rows = np.broadcast_to(np.arange(len(known)), found.shape).copy()
    rows.sort(axis=1)
    order = np.argsort(-np.take_along_axis(found, rows, axis=1), axis=1, kind="stable")
    rows = np.take_along_axis(rows, order, axis=1)
    return rows, np.take_along_axis(found, rows, axis=1)


def lie_inside(places: np.ndarray, polygon: Polygon) -> np.ndarray:
    """Return (n,) whether each place lies inside a closed line: a ray to the right crosses it an odd number of times.

    Args:
        places: (n, 2).
        polygon: corners in their order.
    """
    x, y = places[:, 0].astype(np.float64), places[:, 1].astype(np.float64)
    is_inside = np.zeros(len(places), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if y0 != y1:
            is_inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return is_inside
