"""Number theory: remainders, multiples, divisors, digits, bases."""

from math import gcd

import numpy as np

from core.demo.maths_templates.base import Draw, Template, between, pick


def draw_remainder(rng: np.random.Generator) -> Draw:
    """Draw a division with remainder."""
    m, q = between(rng, 4, 12), between(rng, 4, 20)
    r = between(rng, 1, m - 1)
    return Draw({"n": m * q + r, "m": m}, [f"{m}*{q}={m * q}", f"{m * q + r}-{m * q}={r}"], r)


def draw_next_multiple(rng: np.random.Generator) -> Draw:
    """Draw the smallest multiple above a bound."""
    m, q = between(rng, 4, 15), between(rng, 4, 15)
    n = m * q + between(rng, 1, m - 1)
    return Draw({"n": n, "m": m}, [f"{m}*{q}={m * q}", f"{m * q}+{m}={m * q + m}"], m * q + m)


def draw_digit_sum(rng: np.random.Generator) -> Draw:
    """Draw the digit sum of a product."""
    a, b = between(rng, 12, 99), between(rng, 3, 9)
    digits = [int(digit) for digit in str(a * b)]
    return Draw({"a": a, "b": b}, [f"{a}*{b}={a * b}", f"{'+'.join(map(str, digits))}={sum(digits)}"], sum(digits))


def draw_gcd(rng: np.random.Generator) -> Draw:
    """Draw two numbers with a common divisor above 1; solved by Euclid's steps."""
    g = between(rng, 2, 12)
    p, q = pick(rng, [(2, 3), (3, 4), (2, 5), (3, 5), (4, 5), (3, 7), (5, 7), (4, 7), (5, 8), (5, 6), (2, 7)])
    steps, big, small = [], g * q, g * p
    while small:
        steps.append(f"{big}={big // small}*{small}+{big % small}")
        big, small = small, big % small
    return Draw({"a": g * p, "b": g * q}, steps, g)


def draw_lcm(rng: np.random.Generator) -> Draw:
    """Draw two numbers and their least common multiple."""
    a, b = between(rng, 4, 18), between(rng, 4, 18)
    while a == b:
        b = between(rng, 4, 18)
    g = gcd(a, b)
    return Draw({"a": a, "b": b}, [f"gcd={g}", f"{a}*{b}={a * b}", f"{a * b}/{g}={a * b // g}"], a * b // g)


def draw_count_multiples(rng: np.random.Generator) -> Draw:
    """Draw how many multiples lie in a range."""
    m, first, last = between(rng, 3, 9), between(rng, 2, 6), between(rng, 8, 30)
    low, high = m * first - between(rng, 0, m - 1), m * last + between(rng, 0, m - 1)
    steps = [f"{m}*{first}={m * first}", f"{m}*{last}={m * last}", f"{last}-{first}+1={last - first + 1}"]
    return Draw({"m": m, "low": low, "high": high}, steps, last - first + 1)


def draw_divisors(rng: np.random.Generator) -> Draw:
    """Draw a number with two prime factors; its divisors are counted."""
    p, q = pick(rng, [(2, 3), (2, 5), (2, 7), (3, 5), (2, 11), (3, 7)])
    a, b = between(rng, 1, 4), between(rng, 1, 2)
    n, count = p**a * q**b, (a + 1) * (b + 1)
    return Draw({"n": n}, [f"{n}={p}^{a}*{q}^{b}", f"({a}+1)*({b}+1)={count}"], count)


def draw_units_digit(rng: np.random.Generator) -> Draw:
    """Draw the last digit of a power by its cycle of four."""
    base, power = pick(rng, [2, 3, 7, 8]), between(rng, 9, 60)
    cycle = [pow(base, k, 10) for k in (1, 2, 3, 4)]
    rest = power % 4
    steps = [f"last digits {', '.join(map(str, cycle))} repeat", f"{power}={power // 4}*4+{rest}"]
    return Draw({"b": base, "e": power, "power": f"{base}^{{{power}}}"}, steps, cycle[rest - 1])


def draw_product_remainder(rng: np.random.Generator) -> Draw:
    """Draw the remainder of a product, by the remainders of its factors."""
    m = between(rng, 5, 12)
    a, b = between(rng, 13, 60), between(rng, 13, 60)
    while a * b % m == 0:
        a, b = between(rng, 13, 60), between(rng, 13, 60)
    r, s = a % m, b % m
    steps = [
        f"{a}={a // m}*{m}+{r}",
        f"{b}={b // m}*{m}+{s}",
        f"{r}*{s}={r * s}",
        f"{r * s}={r * s // m}*{m}+{r * s % m}",
    ]
    return Draw({"a": a, "b": b, "m": m}, steps, r * s % m)


def draw_base(rng: np.random.Generator) -> Draw:
    """Draw a three-digit number in a small base, to be written in base ten."""
    base = between(rng, 3, 8)
    a, b, c = between(rng, 1, base - 1), between(rng, 0, base - 1), between(rng, 0, base - 1)
    high, mid = a * base * base, b * base
    steps = [
        f"{base}*{base}={base * base}",
        f"{a}*{base * base}={high}",
        f"{b}*{base}={mid}",
        f"{high}+{mid}+{c}={high + mid + c}",
    ]
    return Draw({"digits": f"{a}{b}{c}", "base": base}, steps, high + mid + c)


def draw_congruences(rng: np.random.Generator) -> Draw:
    """Draw the smallest number with two given remainders."""
    m, n = pick(rng, [(3, 5), (4, 5), (5, 7), (4, 7), (3, 7), (5, 8), (3, 8)])
    x = between(rng, n + 1, m * n - 1)
    r, s = x % m, x % n
    tried = list(range(s, x + 1, n))
    return Draw({"m": m, "n": n, "r": r, "s": s}, [f"{t}={t // m}*{m}+{t % m}" for t in tried if t], x)


def draw_divisor_sum(rng: np.random.Generator) -> Draw:
    """Draw the sum of all divisors of a number with two prime factors."""
    p, q, a = *pick(rng, [(2, 3), (2, 5), (2, 7), (3, 5), (3, 7)]), between(rng, 2, 3)
    powers = [p**k for k in range(a + 1)]
    left, n = sum(powers), p**a * q
    steps = [
        f"{n}={p}^{a}*{q}",
        f"{'+'.join(map(str, powers))}={left}",
        f"1+{q}={1 + q}",
        f"{left}*{1 + q}={left * (1 + q)}",
    ]
    return Draw({"n": n}, steps, left * (1 + q))


_TYPE = "Number Theory"

TEMPLATES = (
    Template("remainder", _TYPE, 1, (
        "[What is|Find] the remainder when {n} is divided by {m}?",
        "{name} packs {n} [eggs|pens|rolls] into [boxes|trays] of {m}. How many [are left over|remain]?",
        "{n} [children|players|dancers] form [teams|rows|circles] of {m}. How many [stay without "
        "one|are not in any]?",
        "[Compute|Determine] ${n} \\bmod {m}$.",
    ), draw_remainder),
    Template("next_multiple", _TYPE, 1, (
        "[What is|Find] the smallest multiple of {m} [greater than|above] {n}?",
        "[Screws|Candles|Tiles] come in packs of {m}. {name} needs more than {n}. What is the least "
        "number [to buy|{name} can buy]?",
        "A [bell|lamp] [rings|blinks] every {m} seconds, starting at 0. When is the first time after "
        "second {n}?",
        "{name} counts in steps of {m}, beginning at {m}. Which is the first number past {n}?",
    ), draw_next_multiple),
    Template("digit_sum", _TYPE, 1, (
        "[What is|Find] the sum of the digits of ${a}\\times {b}$?",
        "{name} multiplies {a} by {b} and adds up the digits of the [product|result]. What [is the "
        "sum|comes out]?",
        "[Write|Take] the product of {a} and {b}. What do its digits add up to?",
    ), draw_digit_sum),
    Template("gcd", _TYPE, 2, (
        "[What is|Find] the greatest common [divisor|factor] of {a} and {b}?",
        "{name} cuts ropes of {a} cm and {b} cm into [equal pieces|pieces of one length] with nothing left. "
        "What is the greatest length in cm?",
        "A floor of {a} by {b} [tiles|feet] is covered with equal squares, as large as [possible|can be]. "
        "What is the side of a square?",
        "[Compute|Evaluate] $\\gcd({a},{b})$.",
    ), draw_gcd),
    Template("lcm", _TYPE, 2, (
        "[What is|Find] the least common multiple of {a} and {b}?",
        "Two [buses|lamps|bells] start together; one comes every {a} minutes and one every {b}. "
        "After how many minutes do they meet [again|next]?",
        "{name} buys cups in packs of {a} and lids in packs of {b}. What is the least number of each "
        "for no [spare|leftover]?",
        "[Which|What] is the smallest positive number [divisible by|that is a multiple of] both {a} and {b}?",
    ), draw_lcm),
    Template("count_multiples", _TYPE, 2, (
        "How many multiples of {m} are there from {low} to {high}?",
        "{name} [marks|paints] every number from {low} to {high} that {m} divides. How many are "
        "[marked|painted]?",
        "[Houses|Lockers|Seats] are numbered {low} to {high}. How many numbers are divisible by {m}?",
    ), draw_count_multiples),
    Template("divisors", _TYPE, 3, (
        "How many positive [divisors|factors] does {n} have?",
        "In how many ways can {name} [choose a row length|pick a group size] so that {n} "
        "[chairs|plants] fill [full rows|groups]?",
        "[Count|Find the number of] the whole numbers that divide {n} [exactly|with no remainder].",
    ), draw_divisors),
    Template("units_digit", _TYPE, 3, (
        "[What is|Find] the [units|last|ones] digit of ${power}$?",
        "{name} multiplies {e} [twos|copies] of {b} together. Which digit does the [result|product] end in?",
        "[If|When] ${power}$ is written out, what is the digit at its [end|right end]?",
    ), draw_units_digit),
    Template("product_remainder", _TYPE, 3, (
        "[What is|Find] the remainder when ${a}\\times {b}$ is divided by {m}?",
        "A hall has {a} rows of {b} [seats|chairs]. They are [moved|sent] in loads of {m}. How many are "
        "in the last, partial load?",
        "{name} packs {a} bags of {b} [nuts|sweets] anew into boxes of {m}. How many [are left over|do "
        "not fit]?",
        "[Compute|Determine] ${a}\\cdot {b} \\bmod {m}$.",
    ), draw_product_remainder),
    Template("base", _TYPE, 4, (
        "[Write|Convert|Express] the base {base} number {digits} in base ten.",
        "What is ${digits}_{base}$ [in base ten|as a decimal number]?",
        "On a planet where people count in base {base}, {name} [sees|reads] the price {digits}. What is "
        "[it|that] in base ten?",
    ), draw_base),
    Template("congruences", _TYPE, 5, (
        "[Find|What is] the smallest positive $n$ that leaves remainder {r} on division by {m} and {s} "
        "on division by {n}?",
        "Counted in groups of {m}, {r} coins are left; in groups of {n}, {s} are left. "
        "What is the least number of coins, given that it is positive?",
    ), draw_congruences),
    Template("divisor_sum", _TYPE, 5, (
        "[What is|Find] the sum of all positive divisors of {n}?",
        "{name} lists every factor of {n}, with 1 and {n}, and adds them. What is the total?",
    ), draw_divisor_sum),
)  # fmt: skip
"""Every number theory template, easy first."""
