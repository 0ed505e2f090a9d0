"""Geometry: lengths, areas, volumes, angles, right triangles with whole sides."""

from fractions import Fraction

import numpy as np

from core.demo.maths_templates.base import Draw, Template, between, pick

RIGHT_TRIANGLES = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (9, 40, 41))


def draw_perimeter(rng: np.random.Generator) -> Draw:
    """Draw the perimeter of a rectangle."""
    a, b = between(rng, 3, 40), between(rng, 3, 40)
    return Draw({"a": a, "b": b}, [f"{a}+{b}={a + b}", f"2*{a + b}={2 * (a + b)}"], 2 * (a + b))


def draw_area(rng: np.random.Generator) -> Draw:
    """Draw the area of a rectangle."""
    a, b = between(rng, 4, 25), between(rng, 3, 15)
    return Draw({"a": a, "b": b}, [f"{a}*{b}={a * b}"], a * b)


def draw_third_angle(rng: np.random.Generator) -> Draw:
    """Draw the third angle of a triangle."""
    a, b = between(rng, 20, 85), between(rng, 20, 85)
    return Draw({"a": a, "b": b}, [f"{a}+{b}={a + b}", f"180-{a + b}={180 - a - b}"], 180 - a - b)


def draw_triangle_area(rng: np.random.Generator) -> Draw:
    """Draw the area of a triangle, a half where both lengths are odd."""
    a, b = between(rng, 3, 20), between(rng, 3, 15)
    half = Fraction(a * b, 2)
    return Draw({"a": a, "b": b}, [f"{a}*{b}={a * b}", f"{a * b}/2={half}"], half)


def draw_box(rng: np.random.Generator) -> Draw:
    """Draw the volume of a box."""
    a, b, c = between(rng, 2, 12), between(rng, 2, 12), between(rng, 2, 12)
    return Draw({"a": a, "b": b, "c": c}, [f"{a}*{b}={a * b}", f"{a * b}*{c}={a * b * c}"], a * b * c)


def draw_square(rng: np.random.Generator) -> Draw:
    """Draw the area of a square by its perimeter."""
    side = between(rng, 3, 25)
    return Draw({"p": 4 * side}, [f"{4 * side}/4={side}", f"{side}*{side}={side * side}"], side * side)


def draw_hypotenuse(rng: np.random.Generator) -> Draw:
    """Draw a right triangle with whole sides; the longest is asked."""
    a, b, c = _right_triangle(rng)
    steps = [f"{a}*{a}={a * a}", f"{b}*{b}={b * b}", f"{a * a}+{b * b}={c * c}", f"{c * c}={c}*{c}"]
    return Draw({"a": a, "b": b}, steps, c)


def draw_polygon(rng: np.random.Generator) -> Draw:
    """Draw the angle sum of a polygon."""
    n = between(rng, 5, 20)
    return Draw({"n": n}, [f"{n}-2={n - 2}", f"180*{n - 2}={180 * (n - 2)}"], 180 * (n - 2))


def draw_similar(rng: np.random.Generator) -> Draw:
    """Draw two similar triangles; a side of the larger is asked."""
    a, b, k = between(rng, 2, 9), between(rng, 10, 20), between(rng, 2, 7)
    return Draw({"a": a, "b": b, "c": a * k}, [f"{a * k}/{a}={k}", f"{b}*{k}={b * k}"], b * k)


def draw_border(rng: np.random.Generator) -> Draw:
    """Draw a rectangle with a border; the border's area is asked."""
    a, b, w = between(rng, 4, 15), between(rng, 4, 12), between(rng, 1, 3)
    long, wide = a + 2 * w, b + 2 * w
    steps = [
        f"{a}+2*{w}={long}",
        f"{b}+2*{w}={wide}",
        f"{long}*{wide}={long * wide}",
        f"{a}*{b}={a * b}",
        f"{long * wide}-{a * b}={long * wide - a * b}",
    ]
    return Draw({"a": a, "b": b, "w": w}, steps, long * wide - a * b)


def draw_distance(rng: np.random.Generator) -> Draw:
    """Draw two grid points a whole distance apart."""
    dx, dy, c = _right_triangle(rng)
    x, y = between(rng, 0, 9), between(rng, 0, 9)
    steps = [
        f"{x + dx}-{x}={dx}",
        f"{y + dy}-{y}={dy}",
        f"{dx}*{dx}+{dy}*{dy}={c * c}",
        f"{c * c}={c}*{c}",
    ]
    return Draw({"p": f"({x},{y})", "q": f"({x + dx},{y + dy})"}, steps, c)


def draw_trapezoid(rng: np.random.Generator) -> Draw:
    """Draw the area of a trapezoid, a half where it must be."""
    a, b, h = between(rng, 3, 12), between(rng, 13, 25), between(rng, 3, 11)
    area = Fraction((a + b) * h, 2)
    steps = [f"{a}+{b}={a + b}", f"{a + b}*{h}={(a + b) * h}", f"{(a + b) * h}/2={area}"]
    return Draw({"a": a, "b": b, "h": h}, steps, area)


def draw_diagonal(rng: np.random.Generator) -> Draw:
    """Draw the diagonal of a box with whole sides."""
    a, b, c, d = pick(rng, [(1, 2, 2, 3), (2, 3, 6, 7), (1, 4, 8, 9), (4, 4, 7, 9), (2, 6, 9, 11), (6, 6, 7, 11)])
    k = between(rng, 1, 4)
    a, b, c, d = a * k, b * k, c * k, d * k
    steps = [
        f"{a}*{a}={a * a}",
        f"{b}*{b}={b * b}",
        f"{c}*{c}={c * c}",
        f"{a * a}+{b * b}+{c * c}={d * d}",
        f"{d * d}={d}*{d}",
    ]
    return Draw({"a": a, "b": b, "c": c}, steps, d)


def _right_triangle(rng: np.random.Generator) -> tuple[int, int, int]:
    a, b, c = pick(rng, RIGHT_TRIANGLES)
    k = between(rng, 1, 5 if c < 20 else 2)
    return (a * k, b * k, c * k) if between(rng, 0, 1) else (b * k, a * k, c * k)


_TYPE = "Geometry"

TEMPLATES = (
    Template("perimeter", _TYPE, 1, (
        "[What is|Find] the perimeter of a rectangle [of|with sides] {a} and {b}?",
        "{name} [fences|walks around] a [yard|field|garden] {a} m long and {b} m wide. How many metres "
        "[is that|of fence]?",
        "A [picture|mirror|door] is {a} cm by {b} cm. How long a [strip|ribbon] goes once around it, in cm?",
    ), draw_perimeter),
    Template("area", _TYPE, 1, (
        "[What is|Find] the area of a rectangle [of|with sides] {a} and {b}?",
        "A [floor|wall|lawn] is {a} m long and {b} m wide. What is its area in square metres?",
        "{name} [tiles|paints] a strip of {a} by {b} [feet|metres]. How many unit squares [is that|are "
        "covered]?",
    ), draw_area),
    Template("third_angle", _TYPE, 1, (
        "Two angles of a triangle are ${a}^\\circ$ and ${b}^\\circ$. How many degrees [is|has] the third?",
        "In triangle $ABC$, $\\angle A={a}^\\circ$ and $\\angle B={b}^\\circ$. [Find|What is] $\\angle "
        "C$ in degrees?",
        "{name} [draws|cuts out] a triangle with corners of {a} and {b} degrees. How big is the "
        "[last|remaining] corner, in degrees?",
    ), draw_third_angle),
    Template("triangle_area", _TYPE, 2, (
        "[What is|Find] the area of a triangle with base {a} and height {b}?",
        "A [sail|flag|sign] is a triangle, {a} m at the base and {b} m [high|tall]. What is its area in "
        "square metres?",
        "A right triangle has legs {a} and {b}. [Compute|What is] its area?",
        "{name} cuts a sheet of {a} by {b} cm along its diagonal. What is the area of one [half|piece], "
        "in square cm?",
    ), draw_triangle_area),
    Template("box", _TYPE, 2, (
        "[What is|Find] the volume of a box [of|with edges] {a}, {b} and {c}?",
        "A [tank|crate|pool] is {a} m long, {b} m wide and {c} m deep. How many cubic metres does it hold?",
        "{name} [stacks|packs] unit cubes {a} long, {b} wide and {c} high. How many cubes [are "
        "needed|is that]?",
    ), draw_box),
    Template("square", _TYPE, 2, (
        "A square has perimeter {p}. What is its area?",
        "{name} [bends|folds] a wire of {p} cm into a square. How many square cm does it [enclose|surround]?",
        "It takes {p} m of [fence|rope] to go round a square [field|court]. [Find|What is] its area in "
        "square metres?",
    ), draw_square),
    Template("hypotenuse", _TYPE, 3, (
        "A right triangle has legs {a} and {b}. [How long is|What is] the hypotenuse?",
        "{name} walks {a} m north and then {b} m east. How far, in metres, is the [start|way straight back]?",
        "A ladder [stands|leans] {a} dm from a wall and reaches {b} dm up. How long is it, in dm?",
        "[Find|What is] the diagonal of a [rectangle|screen|door] that is {a} by {b}?",
    ), draw_hypotenuse),
    Template("polygon", _TYPE, 3, (
        "[What is|Find] the sum of the inner angles of a polygon with {n} sides, in degrees?",
        "A [coin|plate|pond] has the shape of a polygon with {n} corners. How many degrees do its "
        "angles [make|have] together?",
        "{name} adds up all inner angles of a {n}-gon. What is the [total|sum] in degrees?",
    ), draw_polygon),
    Template("similar", _TYPE, 3, (
        "The sides {a} and {b} of a triangle become {c} and $y$ in a [similar|larger, similar] one. "
        "[What is|Find] $y$?",
        "A photo {a} cm wide and {b} cm high is [enlarged|blown up] to a width of {c} cm. How high is "
        "it, in cm?",
        "A post of {a} m casts a shadow of {b} m. How long is the shadow of a {c} m [tree|tower|mast], in m?",
    ), draw_similar),
    Template("border", _TYPE, 4, (
        "A [pool|garden|lawn] of {a} m by {b} m has a path {w} m wide all around. What is the area of "
        "the path in square metres?",
        "{name} frames a {a} by {b} [picture|photo|map] with a border of width {w}. What is the area of "
        "the border?",
        "Around a [stage|carpet] {a} long and {b} wide lies a strip of width {w}. [Find|What is] the "
        "area of the strip?",
    ), draw_border),
    Template("distance", _TYPE, 4, (
        "[What is|Find] the distance between ${p}$ and ${q}$?",
        "On a [grid|map] {name} [flies|sails] straight from ${p}$ to ${q}$. How long is the [way|trip]?",
        "A circle has centre ${p}$ and passes through ${q}$. What is its radius?",
    ), draw_distance),
    Template("trapezoid", _TYPE, 5, (
        "[What is|Find] the area of a trapezoid with parallel sides {a} and {b} and height {h}?",
        "A roof has parallel edges of {a} m and {b} m, {h} m apart. What is its area in square metres?",
    ), draw_trapezoid),
    Template("diagonal", _TYPE, 5, (
        "[How long is|Find] the space diagonal of a box with edges {a}, {b} and {c}?",
        "What is the longest straight rod that fits in a {a} by {b} by {c} crate?",
    ), draw_diagonal),
)  # fmt: skip
"""Every geometry template, easy first."""
