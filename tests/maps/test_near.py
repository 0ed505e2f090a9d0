"""Nearest points against a plain search, ties by row; a line on the map against a plain ray; placing new points."""

import numpy as np
import pytest

from core.maps import near
from core.maps.near import find_nearest, lie_inside
from core.maps.place import place


def make_vectors(n: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("chunk", [1 << 24, 64])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_the_nearest_are_those_of_a_plain_search(monkeypatch, chunk, dtype):
    monkeypatch.setattr(near, "CHUNK", chunk)
    known = make_vectors(50)
    known[7] = known[31] = known[3]
    known = known.astype(dtype)
    rows, cosines = find_nearest(known[:9], known, 4)
    for at in range(9):
        plain = known.astype(np.float32) @ known[at].astype(np.float32)
        wanted = sorted(range(50), key=lambda row: (-plain[row], row))[:4]
        assert np.allclose(np.sort(plain[wanted])[::-1], cosines[at], atol=1e-6)
        assert rows[at].tolist() == wanted
    assert rows[3].tolist()[:3] == [3, 7, 31], "of equal ones the first row comes first"


def test_all_are_returned_where_all_are_asked_for():
    known = make_vectors(5)
    rows, cosines = find_nearest(known[:1], known, 5)
    assert sorted(rows[0].tolist()) == list(range(5)) and (np.diff(cosines[0]) <= 0).all()


def lies_inside_plainly(x: float, y: float, polygon: list[tuple[float, float]]) -> bool:
    n = 0
    for at, (x0, y0) in enumerate(polygon):
        x1, y1 = polygon[(at + 1) % len(polygon)]
        if min(y0, y1) <= y < max(y0, y1) and x0 + (y - y0) / (y1 - y0) * (x1 - x0) > x:
            n += 1
    return n % 2 == 1


def test_a_line_holds_what_a_plain_ray_says():
    star = [(0, 1), (0.2, 0.2), (1, 0), (0.2, -0.2), (0, -1), (-0.2, -0.2), (-1, 0), (-0.2, 0.2)]
    places = np.random.default_rng(2).uniform(-1.1, 1.1, size=(400, 2))
    found = lie_inside(places, star)
    assert found.tolist() == [lies_inside_plainly(x, y, star) for x, y in places] and 20 < found.sum() < 200
    assert lie_inside(np.array([[0.0, 0.0], [2.0, 0.0]]), [(-1, -1), (1, -1), (1, 1), (-1, 1)]).tolist() == [
        True,
        False,
    ]


def test_new_points_go_to_their_nearest_and_a_known_one_stays_where_it_lies():
    known = make_vectors(30)
    places = np.random.default_rng(3).uniform(-1, 1, size=(30, 2))
    found = place(known[[4, 9]], known, places)
    assert np.allclose(found, places[[4, 9]], atol=1e-3)
    middle = known[0] + known[1]
    middle /= np.linalg.norm(middle)
    rows, cosines = find_nearest(middle[None], known, 5)
    weights = 1 / (1 - cosines[0])
    assert np.allclose(place(middle[None], known, places)[0], weights @ places[rows[0]] / weights.sum(), atol=1e-5)
    assert np.allclose(place(known[:2], known[:1], places[:1]), places[0]), "with one known point all go there"
