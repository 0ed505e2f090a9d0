"""Prealgebra: order of operations, fractions, percentages, means, ratios."""

from fractions import Fraction
from math import gcd

import numpy as np

from core.demo.maths_templates.base import Draw, Template, between, pick, reduce_step


def draw_order(rng: np.random.Generator) -> Draw:
    """Draw a sum with one product in it."""
    a, b, c = between(rng, 3, 60), between(rng, 3, 12), between(rng, 3, 12)
    return Draw({"a": a, "b": b, "c": c}, [f"{b}*{c}={b * c}", f"{a}+{b * c}={a + b * c}"], a + b * c)


def draw_fraction_of(rng: np.random.Generator) -> Draw:
    """Draw a proper fraction of a whole number."""
    bottom = between(rng, 3, 9)
    top = pick(rng, [k for k in range(1, bottom) if gcd(k, bottom) == 1])
    unit = between(rng, 4, 15)
    slots = {"part": f"{top}/{bottom}", "whole": unit * bottom}
    return Draw(slots, [f"{unit * bottom}/{bottom}={unit}", f"{top}*{unit}={top * unit}"], top * unit)


def draw_percent_of(rng: np.random.Generator) -> Draw:
    """Draw a percentage of a whole number that gives a whole number."""
    percent, whole = 5 * between(rng, 1, 19), 20 * between(rng, 2, 20)
    steps = [f"{percent}*{whole}={percent * whole}", f"{percent * whole}/100={percent * whole // 100}"]
    return Draw({"p": percent, "whole": whole}, steps, percent * whole // 100)


def draw_mean(rng: np.random.Generator) -> Draw:
    """Draw four numbers whose mean is a whole number."""
    mean = between(rng, 10, 40)
    numbers = [mean + between(rng, -8, 8) for _ in range(3)]
    numbers.append(4 * mean - sum(numbers))
    written = "+".join(map(str, numbers))
    slots = {"list": ", ".join(map(str, numbers[:3])), "last": numbers[3]}
    return Draw(slots, [f"{written}={4 * mean}", f"{4 * mean}/4={mean}"], mean)


def draw_fraction_sum(rng: np.random.Generator) -> Draw:
    """Draw the sum of two unit-like fractions with coprime denominators."""
    b, d = pick(rng, [(2, 3), (2, 5), (3, 4), (3, 5), (2, 7), (4, 5), (3, 7), (5, 6), (2, 9), (3, 8), (5, 7)])
    a, c = between(rng, 1, b - 1), between(rng, 1, d - 1)
    while gcd(a, b) > 1 or gcd(c, d) > 1:
        a, c = between(rng, 1, b - 1), between(rng, 1, d - 1)
    top = a * d + c * b
    steps = [f"{a}*{d}={a * d}", f"{c}*{b}={c * b}", f"{b}*{d}={b * d}", f"{a * d}+{c * b}={top}"]
    return Draw({"f": f"{a}/{b}", "g": f"{c}/{d}"}, steps, Fraction(top, b * d))


def draw_discount(rng: np.random.Generator) -> Draw:
    """Draw several things bought at a discount."""
    price, percent, n = 20 * between(rng, 1, 8), 5 * between(rng, 1, 10), between(rng, 2, 6)
    off = price * percent // 100
    steps = [f"{price}*{percent}/100={off}", f"{price}-{off}={price - off}", f"{n}*{price - off}={n * (price - off)}"]
    return Draw({"price": price, "p": percent, "n": n}, steps, n * (price - off))


def draw_ratio(rng: np.random.Generator) -> Draw:
    """Draw a total shared in a ratio."""
    a, b = between(rng, 1, 5), between(rng, 6, 9)
    unit = between(rng, 3, 15)
    total = (a + b) * unit
    steps = [f"{a}+{b}={a + b}", f"{total}/{a + b}={unit}", f"{b}*{unit}={b * unit}"]
    return Draw({"a": a, "b": b, "total": total}, steps, b * unit)


def draw_missing_mean(rng: np.random.Generator) -> Draw:
    """Draw a mean of four with one number unknown."""
    mean = between(rng, 12, 40)
    numbers = [mean + between(rng, -7, 7) for _ in range(3)]
    known, total = sum(numbers), 4 * mean
    steps = [f"4*{mean}={total}", f"{'+'.join(map(str, numbers))}={known}", f"{total}-{known}={total - known}"]
    return Draw({"mean": mean, "x": numbers[0], "y": numbers[1], "z": numbers[2]}, steps, total - known)


def draw_change(rng: np.random.Generator) -> Draw:
    """Draw a rise and a fall by percentages."""
    start, up, down = 100 * between(rng, 1, 9), 10 * between(rng, 1, 6), 10 * between(rng, 1, 5)
    high = start + start * up // 100
    low = Fraction(high * (100 - down), 100)
    steps = [
        f"{start}*{up}/100={start * up // 100}",
        f"{start}+{start * up // 100}={high}",
        f"{high}*{down}/100={high - low}",
        f"{high}-{high - low}={low}",
    ]
    return Draw({"start": start, "up": up, "down": down}, steps, low)


def draw_joint_mean(rng: np.random.Generator) -> Draw:
    """Draw the mean of two groups together."""
    n, m, a, b = between(rng, 2, 6), between(rng, 2, 6), between(rng, 10, 30), between(rng, 31, 50)
    top, bottom = n * a + m * b, n + m
    steps = [f"{n}*{a}={n * a}", f"{m}*{b}={m * b}", f"{n * a}+{m * b}={top}", f"{n}+{m}={bottom}"]
    return Draw({"n": n, "m": m, "a": a, "b": b}, steps + reduce_step(top, bottom), Fraction(top, bottom))


_TYPE = "Prealgebra"

TEMPLATES = (
    Template("order", _TYPE, 1, (
        "[Compute|Evaluate|Work out|Find] ${a}+{b}\\times {c}$?",
        "[What is the value of|What does|How much is] ${a}+{b}\\times {c}$ [equal|give|come to]?",
        "{name} [multiplies|first multiplies] {b} by {c} and [then adds|adds] {a} [to the product|to that]. "
        "[What is the result|Which number comes out]?",
        "[Take|Start with] the product of {b} and {c}, [then increase|and increase] it by {a}. What "
        "[is|do you get]?",
    ), draw_order),
    Template("fraction_of", _TYPE, 1, (
        "[What is|Find|How much is] ${part}$ of {whole}?",
        "A [jar|box|crate|sack] holds {whole} [beads|nuts|marbles|shells]. {name} takes ${part}$ of them. "
        "How many [does {name} take|are taken]?",
        "[Of|Out of] {whole} [pupils|visitors|runners|seats], ${part}$ [are at the front|are in the shade]. "
        "[How many is that|What number is that]?",
        "{name} has read ${part}$ of a book [of|with] {whole} pages. How many pages has {name} read [so "
        "far|already]?",
    ), draw_fraction_of),
    Template("percent_of", _TYPE, 2, (
        "[What is|Find|Calculate] ${p}\\%$ of {whole}?",
        "[In a school|In a village|At a fair] of {whole} people, ${p}\\%$ [cycle|walk|sing|swim] every day. "
        "How many people [do so|is that]?",
        "{name} [planted|sowed] {whole} seeds and ${p}\\%$ of them [grew|came up]. How many [seeds "
        "grew|plants are there]?",
        "A tank [holds|takes] {whole} litres. It is ${p}\\%$ full. How many litres [are in it|does it "
        "contain now]?",
    ), draw_percent_of),
    Template("mean", _TYPE, 2, (
        "[What is|Find|Compute] the [mean|average] of {list} and {last}?",
        "{name} [scored|got] {list} and {last} points in four [games|rounds|quizzes]. "
        "What [was|is] the [mean|average] score?",
        "Four [ropes|planks|rods] measure {list} and {last} cm. What is their [mean|average] length in cm?",
        "On four days a [shop|stall|kiosk] sold {list} and {last} [cakes|maps|caps]. "
        "How many did it sell per day on average?",
    ), draw_mean),
    Template("fraction_sum", _TYPE, 2, (
        "[Compute|Find|Work out] ${f}+{g}$ [as a fraction|in lowest terms].",
        "{name} [walks|runs|rows] ${f}$ km and then ${g}$ km [more|further]. How many km [is that|are "
        "covered] in all?",
        "A [cook|baker] mixes ${f}$ cup of [milk|oil|flour] with ${g}$ cup of [water|sugar|cream]. "
        "How many cups [are there together|does that make]?",
        "What is the sum of ${f}$ and ${g}$, [written as a single fraction|as one fraction]?",
    ), draw_fraction_sum),
    Template("discount", _TYPE, 3, (
        "A [coat|lamp|chair|drum] costs \\${price}, [reduced|marked down] by ${p}\\%$. "
        "What do {n} of them cost, in dollars?",
        "{name} [buys|orders] {n} [tickets|books|bags] at \\${price} each, with ${p}\\%$ off. How many "
        "dollars [is that|to pay]?",
        "[During a sale|This week] every \\${price} [kettle|clock|tent] is ${p}\\%$ cheaper. "
        "[Find|Compute] the price in dollars of {n}?",
        "The usual price is \\${price}, but members [save|get] ${p}\\%$ [each time|on it]. "
        "A member takes {n}. What is the bill in dollars?",
    ), draw_discount),
    Template("ratio", _TYPE, 3, (
        "[Split|Divide] {total} in the ratio ${a}:{b}$. [What is the larger part|How big is the larger "
        "share]?",
        "{name} mixes [paint|juice|cement] from two [cans|jugs|bags] in the ratio ${a}:{b}$ to "
        "[get|make] {total} litres. "
        "How many litres come from the one used more?",
        "Two [sisters|friends|teams] share {total} [coins|stamps|cards] ${a}$ to ${b}$. How many [does "
        "the luckier one get|"
        "go to the one with more]?",
        "A line of {total} cm is cut into [pieces|parts] whose lengths are as ${a}$ is to ${b}$. "
        "[Find|What is] the length of the longer one, in cm?",
    ), draw_ratio),
    Template("missing_mean", _TYPE, 4, (
        "The [mean|average] of {x}, {y}, {z} and $n$ is {mean}. [Find|What is] $n$?",
        "{name} [scored|earned] {x}, {y} and {z} points in three [tests|games]. "
        "What [score|result] in the fourth brings the average to {mean}?",
        "Four [parcels|stones|fish] weigh {mean} kg on average. Three of them weigh {x}, {y} and {z} kg. "
        "How heavy is the [last|fourth], in kg?",
        "A [bus|ferry] carried {x}, {y} and {z} people on three trips. After a fourth trip the mean is "
        "{mean}. "
        "How many were on [the fourth|that trip]?",
    ), draw_missing_mean),
    Template("change", _TYPE, 5, (
        "A price of {start} rises by ${up}\\%$ and then falls by ${down}\\%$. What is [it now|the new "
        "price]?",
        "{name} had {start} [followers|shares]. The number grew ${up}\\%$, then shrank ${down}\\%$. How "
        "many [are left|now]?",
    ), draw_change),
    Template("joint_mean", _TYPE, 5, (
        "The mean of {n} numbers is {a} and the mean of {m} others is {b}. What is the mean of all of them?",
        "In one group {n} people are {a} years old on average, in another {m} people are {b}. "
        "What is the average age of [everyone|both groups together]?",
    ), draw_joint_mean),
)  # fmt: skip
"""Every prealgebra template, easy first."""
