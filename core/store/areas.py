"""An area of a map as text, so that an address can hold it, and as SQL: the candidates that lie inside.

``MAP_RUN:x,y;x,y;x,y``: the corners of a closed line. What is no area finds nothing.
"""

import json
import re
from collections.abc import Sequence

_AREA = re.compile(r"[\w-]+:-?\d+(\.\d+)?,-?\d+(\.\d+)?(;-?\d+(\.\d+)?,-?\d+(\.\d+)?){2,99}")
INSIDE = """
    (c.run_id, c.candidate_id) in (
        select (p.source_run, p.item_id) from map_points p, (select unnest(cast(cast(? as json) as double[][])) as e)
        where p.run_id = ? and (e[2] > p.y) <> (e[4] > p.y)
              and p.x < (e[3] - e[1]) * (p.y - e[2]) / (e[4] - e[2]) + e[1]
        group by all having count(*) % 2 = 1
    )
"""
"""SQL: whether a candidate ``c`` lies inside; a ray from it to the right crosses an odd number of edges."""


def write_area(map_run_id: str, corners: Sequence[tuple[float, float]]) -> str:
    """Return an area as text."""
    return f"{map_run_id}:" + ";".join(f"{x:.4f},{y:.4f}" for x, y in corners)


def is_area(text: str) -> bool:
    """Say whether a text is an area."""
    return bool(_AREA.fullmatch(text))


def match_area(text: str) -> tuple[str, list[object]]:
    """Return the condition that a candidate lies in an area, and its values."""
    if not is_area(text):
        return "false", []
    run_id, _, corners = text.partition(":")
    points = [tuple(map(float, corner.split(","))) for corner in corners.split(";")]
    edges = [[*first, *second] for first, second in zip(points, [*points[1:], points[0]], strict=True)]
    return INSIDE, [json.dumps(edges), run_id]
