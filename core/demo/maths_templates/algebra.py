"""Algebra: linear equations, substitution, slopes, systems, quadratics with whole roots."""

from fractions import Fraction

import numpy as np

from core.demo.maths_templates.base import Draw, Template, between, pick, reduce_step, signed, times


def draw_shift(rng: np.random.Generator) -> Draw:
    """Draw x + a = b."""
    x, a = between(rng, 2, 60), between(rng, 3, 60)
    return Draw({"a": a, "b": x + a}, [f"x={x + a}-{a}={x}"], x)


def draw_linear(rng: np.random.Generator) -> Draw:
    """Draw ax + b = c."""
    x, a, b = between(rng, 2, 15), between(rng, 2, 9), between(rng, 2, 40)
    steps = [f"{a}x={a * x + b}-{b}={a * x}", f"x={a * x}/{a}={x}"]
    return Draw({"a": a, "b": b, "c": a * x + b}, steps, x)


def draw_both_sides(rng: np.random.Generator) -> Draw:
    """Draw ax + b = cx + d with a > c."""
    x, c, extra, b = between(rng, 2, 12), between(rng, 2, 6), between(rng, 2, 6), between(rng, 1, 20)
    a, d = c + extra, b + extra * x
    steps = [f"{a}-{c}={extra}", f"{d}-{b}={d - b}", f"x={d - b}/{extra}={x}"]
    return Draw({"a": a, "b": b, "c": c, "d": d}, steps, x)


def draw_value(rng: np.random.Generator) -> Draw:
    """Draw x^2 + ax + b at a given x."""
    x, a, b = between(rng, 2, 9), between(rng, 2, 9), between(rng, 1, 30)
    steps = [f"{x}*{x}={x * x}", f"{a}*{x}={a * x}", f"{x * x}+{a * x}+{b}={x * x + a * x + b}"]
    return Draw({"x": x, "poly": f"x^2+{a}x+{b}"}, steps, x * x + a * x + b)


def draw_slope(rng: np.random.Generator) -> Draw:
    """Draw two points and their slope, often a fraction."""
    x, y, run = between(rng, 0, 6), between(rng, 0, 6), between(rng, 2, 9)
    rise = pick(rng, [k for k in range(-9, 10) if k])
    steps = [f"{y + rise}-{y}={rise}", f"{x + run}-{x}={run}"]
    slots = {"p": f"({x},{y})", "q": f"({x + run},{y + rise})"}
    return Draw(slots, steps + reduce_step(rise, run), Fraction(rise, run))


def draw_sum_difference(rng: np.random.Generator) -> Draw:
    """Draw two numbers by sum and difference; the larger is asked."""
    low, gap = between(rng, 5, 50), between(rng, 3, 40)
    high, total = low + gap, 2 * low + gap
    return Draw({"s": total, "d": gap}, [f"{total}+{gap}={2 * high}", f"{2 * high}/2={high}"], high)


def draw_compose(rng: np.random.Generator) -> Draw:
    """Draw f(g(n)) for two linear functions."""
    a, b, c, d = between(rng, 2, 6), between(rng, 1, 12), between(rng, 2, 6), between(rng, 1, 9)
    n = between(rng, 2, 8)
    inner = c * n + d
    slots = {"f": f"{a}x+{b}", "g": f"{c}x+{d}", "n": n}
    steps = [f"{c}*{n}+{d}={inner}", f"{a}*{inner}+{b}={a * inner + b}"]
    return Draw(slots, steps, a * inner + b)


def draw_consecutive(rng: np.random.Generator) -> Draw:
    """Draw an odd count of consecutive whole numbers by their sum; the largest is asked."""
    n, middle = pick(rng, [3, 5, 7]), between(rng, 8, 50)
    half = n // 2
    word = {3: "three", 5: "five", 7: "seven"}[n]
    steps = [f"{n * middle}/{n}={middle}", f"{middle}+{half}={middle + half}"]
    return Draw({"n": word, "s": n * middle}, steps, middle + half)


def draw_system(rng: np.random.Generator) -> Draw:
    """Draw x + y = s and ax + by = t; x is asked."""
    x, y, b = between(rng, 3, 15), between(rng, 3, 15), between(rng, 2, 6)
    a = b + between(rng, 1, 5)
    s, t = x + y, a * x + b * y
    steps = [f"{b}*{s}={b * s}", f"{t}-{b * s}={t - b * s}", f"{a}-{b}={a - b}", f"x={t - b * s}/{a - b}={x}"]
    return Draw({"a": a, "b": b, "s": s, "t": t}, steps, x)


def draw_quadratic(rng: np.random.Generator) -> Draw:
    """Draw a monic quadratic with whole roots; the larger is asked."""
    p, q = between(rng, -6, 9), between(rng, -6, 9)
    while p == q or p == 0 or q == 0 or p + q == 0:
        p, q = between(rng, -6, 9), between(rng, -6, 9)
    low, high = min(p, q), max(p, q)
    slots = {"poly": f"x^2{'-' if p + q > 0 else '+'}{times(abs(p + q))}{signed(p * q)}"}
    steps = [f"{high}*({low})={p * q}", f"{high}+({low})={p + q}", f"x={low} or x={high}"]
    return Draw(slots, steps, high)


def draw_together(rng: np.random.Generator) -> Draw:
    """Draw two rates that work together."""
    a, b = pick(rng, [(2, 3), (3, 6), (4, 6), (3, 4), (2, 5), (6, 12), (4, 12), (5, 20), (3, 7), (5, 6), (8, 24)])
    top, bottom = a * b, a + b
    return Draw(
        {"a": a, "b": b}, [f"{a}*{b}={top}", f"{a}+{b}={bottom}", *reduce_step(top, bottom)], Fraction(top, bottom)
    )


def draw_inverse(rng: np.random.Generator) -> Draw:
    """Draw the inverse of a linear function at a point, often a fraction."""
    a, b, y = between(rng, 2, 9), between(rng, 1, 15), between(rng, 2, 40)
    return Draw({"f": f"{a}x+{b}", "y": y}, [f"{y}-{b}={y - b}", *reduce_step(y - b, a)], Fraction(y - b, a))


_TYPE = "Algebra"

TEMPLATES = (
    Template("shift", _TYPE, 1, (
        "[Solve|Find $x$ if|What is $x$ when] $x+{a}={b}$?",
        "{name} adds {a} to a [secret|hidden|mystery] number and [gets|reaches] {b}. What [was|is] the "
        "number?",
        "A [basket|shelf|bus] had some [pears|books|riders] on it. After {a} more [were added|came] "
        "there were {b}. "
        "How many [were there first|had there been]?",
        "[Which|What] number is {a} less than {b}?",
    ), draw_shift),
    Template("linear", _TYPE, 2, (
        "[Solve|Find $x$ if|What is $x$ when] ${a}x+{b}={c}$?",
        "{name} [thinks of|picks] a number, multiplies it by {a} and adds {b}. The result is {c}. "
        "[What|Which] number [was it|did {name} start with]?",
        "A taxi [asks|charges] \\${b} plus \\${a} for [each|every] km. A [ride|trip] cost \\${c}. How "
        "many km [was it|long]?",
        "[After|Once] paying a fee of {b} coins, {name} [rents|hires] a [boat|bike] at {a} coins an "
        "hour and spends {c} "
        "coins in all. For how many hours?",
    ), draw_linear),
    Template("value", _TYPE, 2, (
        "[Evaluate|Compute|Find] ${poly}$ [at|when|for] $x={x}$.",
        "If $f(x)={poly}$, [what is|find] $f({x})$?",
        "{name} [puts|substitutes] $x={x}$ into ${poly}$. What [value comes out|is the result]?",
    ), draw_value),
    Template("slope", _TYPE, 2, (
        "[What is|Find] the slope of the line through ${p}$ and ${q}$?",
        "A [road|ramp|path] on a map goes [straight|in a line] from ${p}$ to ${q}$. What is its "
        "[slope|gradient]?",
        "Points ${p}$ and ${q}$ lie on $y=mx+c$. [Find|What is|Determine] $m$?",
    ), draw_slope),
    Template("both_sides", _TYPE, 3, (
        "[Solve|Find $x$ if|What is $x$ when] ${a}x+{b}={c}x+{d}$?",
        "{a} times a number plus {b} [equals|is the same as] {c} times it plus {d}. [What is the "
        "number|Find it]?",
        "{name} pays {b} coins and {a} per [hour|visit], while a friend pays {d} coins and {c} per "
        "[hour|visit]. "
        "[After how many|For what number] is the cost equal?",
    ), draw_both_sides),
    Template("sum_difference", _TYPE, 3, (
        "Two numbers [add up to|have sum] {s} and [differ by|have difference] {d}. [What is|Find] the "
        "larger one?",
        "{name} and a cousin own {s} [stamps|shells|comics] together. {name} has {d} more. How many "
        "does {name} have?",
        "If $x+y={s}$ and $x-y={d}$, [what is|find] $x$?",
        "A rope of {s} m is cut in two, one part {d} m longer than the other. How long is the [longer "
        "part|long part], in m?",
    ), draw_sum_difference),
    Template("compose", _TYPE, 3, (
        "Let $f(x)={f}$ and $g(x)={g}$. [Find|Compute|What is] $f(g({n}))$?",
        "One machine turns $x$ into ${g}$, the next turns $x$ into ${f}$. What [comes out|leaves the "
        "second] if {n} goes "
        "[in|into the first]?",
        "[Suppose|Given] $f(x)={f}$, $g(x)={g}$. {name} [works out|needs] $g({n})$ and then $f$ of "
        "that. What is the result?",
    ), draw_compose),
    Template("consecutive", _TYPE, 4, (
        "The sum of {n} consecutive [integers|whole numbers] is {s}. [What is|Find] the [largest|greatest]?",
        "{name} [reads|numbers] {n} pages in a row; the page numbers [add up|sum] to {s}. What is the "
        "[last|highest] page?",
        "On {n} days running a [runner|plant|queue] reaches one more than the day before, {s} in total. "
        "How many on the [last|final] day?",
    ), draw_consecutive),
    Template("system", _TYPE, 4, (
        "If $x+y={s}$ and ${a}x+{b}y={t}$, [what is|find] $x$?",
        "{name} buys {s} fruits: plums at {a} cents and figs at {b} cents, for {t} cents [in all|together]. "
        "How many plums [are there|did {name} buy]?",
        "A [show|fair] sold {s} tickets, {a} coins for adults and {b} for children, and took {t} coins. "
        "How many adults [came|were there]?",
        "In a [test|game] of {s} [questions|rounds] each is worth {a} or {b} points. All of them give {t}. "
        "How many are worth {a}?",
    ), draw_system),
    Template("quadratic", _TYPE, 4, (
        "[Find|What is] the larger [root|solution] of ${poly}=0$?",
        "[Solve|Factor] ${poly}=0$ and [give|name] the larger [root|solution].",
        "The graph of $y={poly}$ [crosses|meets] the $x$-axis twice. What is the greater $x$ [there|of "
        "the two]?",
    ), draw_quadratic),
    Template("together", _TYPE, 5, (
        "One pump fills a pool in {a} hours, another in {b} hours. How many hours do both need together?",
        "{name} paints a wall in {a} hours and a friend in {b}. How long [do they take|is it] side by "
        "side, in hours?",
    ), draw_together),
    Template("inverse", _TYPE, 5, (
        "Let $f(x)={f}$. [Find|What is] $f^{-1}({y})$?",
        "The function $f(x)={f}$ has an inverse. Which value does [that inverse|it] take at {y}?",
    ), draw_inverse),
)  # fmt: skip
"""Every algebra template, easy first."""
