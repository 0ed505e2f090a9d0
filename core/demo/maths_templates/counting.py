"""Counting and probability: products, arrangements, choices, draws, dice, coins."""

from fractions import Fraction
from math import comb, factorial

import numpy as np

from core.demo.maths_templates.base import Draw, Template, between, pick, reduce_step


def draw_pairs(rng: np.random.Generator) -> Draw:
    """Draw two independent choices."""
    a, b = between(rng, 3, 15), between(rng, 3, 15)
    return Draw({"a": a, "b": b}, [f"{a}*{b}={a * b}"], a * b)


def draw_chance(rng: np.random.Generator) -> Draw:
    """Draw one thing out of a bag; the chance of a colour is asked."""
    a, b = between(rng, 2, 12), between(rng, 2, 12)
    return Draw({"a": a, "b": b}, [f"{a}+{b}={a + b}", *reduce_step(a, a + b)], Fraction(a, a + b))


def draw_triples(rng: np.random.Generator) -> Draw:
    """Draw three independent choices."""
    a, b, c = between(rng, 2, 8), between(rng, 2, 8), between(rng, 2, 8)
    return Draw({"a": a, "b": b, "c": c}, [f"{a}*{b}={a * b}", f"{a * b}*{c}={a * b * c}"], a * b * c)


def draw_offices(rng: np.random.Generator) -> Draw:
    """Draw an ordered pick of two."""
    n = between(rng, 5, 25)
    return Draw({"n": n}, [f"{n}-1={n - 1}", f"{n}*{n - 1}={n * (n - 1)}"], n * (n - 1))


def draw_arrangements(rng: np.random.Generator) -> Draw:
    """Draw the orders of a few different things."""
    n = between(rng, 3, 6)
    word = {3: "three", 4: "four", 5: "five", 6: "six"}[n]
    return Draw({"n": word}, [f"{'*'.join(str(k) for k in range(n, 0, -1))}={factorial(n)}"], factorial(n))


def draw_handshakes(rng: np.random.Generator) -> Draw:
    """Draw all pairs of a group."""
    n = between(rng, 5, 25)
    return Draw({"n": n}, [f"{n}*{n - 1}={n * (n - 1)}", f"{n * (n - 1)}/2={n * (n - 1) // 2}"], n * (n - 1) // 2)


def draw_committees(rng: np.random.Generator) -> Draw:
    """Draw an unordered pick of three."""
    n = between(rng, 5, 11)
    ordered = n * (n - 1) * (n - 2)
    return Draw({"n": n}, [f"{n}*{n - 1}*{n - 2}={ordered}", f"{ordered}/6={comb(n, 3)}"], comb(n, 3))


def draw_dice(rng: np.random.Generator) -> Draw:
    """Draw the chance of a sum of two dice."""
    total = between(rng, 3, 11)
    ways = 6 - abs(total - 7)
    steps = [f"{ways} of 6*6=36 rolls give {total}", *reduce_step(ways, 36)]
    return Draw({"s": total}, steps, Fraction(ways, 36))


def draw_two_draws(rng: np.random.Generator) -> Draw:
    """Draw two things without putting back; both of one colour."""
    a, b = between(rng, 3, 8), between(rng, 2, 7)
    n = a + b
    top, bottom = a * (a - 1), n * (n - 1)
    steps = [f"{a}+{b}={n}", f"{a}*{a - 1}={top}", f"{n}*{n - 1}={bottom}", *reduce_step(top, bottom)]
    return Draw({"a": a, "b": b}, steps, Fraction(top, bottom))


def draw_coins(rng: np.random.Generator) -> Draw:
    """Draw the chance of an exact number of heads."""
    n = between(rng, 3, 6)
    k = between(rng, 1, n - 1)
    word = {3: "three", 4: "four", 5: "five", 6: "six"}[n]
    steps = [f"{comb(n, k)} of 2^{n}={2**n} rows", *reduce_step(comb(n, k), 2**n)]
    return Draw({"n": word, "k": k}, steps, Fraction(comb(n, k), 2**n))


def draw_letters(rng: np.random.Generator) -> Draw:
    """Draw the orders of letters with one of them repeated."""
    n = between(rng, 4, 6)
    r = between(rng, 2, n - 2)
    letters = "B" * r + "CDFGH"[: n - r]
    every, same = factorial(n), factorial(r)
    steps = [f"{n}!={every}", f"{r}!={same}", f"{every}/{same}={every // same}"]
    return Draw({"w": "".join(rng.permutation(list(letters)).tolist())}, steps, every // same)


def draw_at_least_one(rng: np.random.Generator) -> Draw:
    """Draw the chance of at least one success in a few equal trials."""
    sides, n = pick(rng, [(3, 2), (4, 2), (5, 2), (6, 2), (3, 3), (4, 3), (5, 3), (10, 2)])
    miss, every = (sides - 1) ** n, sides**n
    steps = [f"{sides - 1}^{n}={miss}", f"{sides}^{n}={every}", f"{every}-{miss}={every - miss}"]
    word = {2: "two", 3: "three"}[n]
    return Draw({"m": sides, "n": word}, steps + reduce_step(every - miss, every), Fraction(every - miss, every))


_TYPE = "Counting & Probability"

TEMPLATES = (
    Template("pairs", _TYPE, 1, (
        "{name} has {a} [shirts|caps|coats] and {b} [scarves|skirts|belts]. How many [outfits|pairs] "
        "are [possible|there]?",
        "A [café|canteen|stall] offers {a} [soups|salads] and {b} [pies|cakes]. "
        "In how many ways can [one|you] choose one of each?",
        "From A to B there are {a} [roads|paths], from B to C {b}. How many [routes|ways] lead from A "
        "[to C|over B to C]?",
        "A code is one of {a} letters and then one of {b} digits or signs. How many codes [exist|are there]?",
    ), draw_pairs),
    Template("chance", _TYPE, 1, (
        "A [bag|bowl|drawer] holds {a} red and {b} blue [balls|socks|beads]. One is [drawn|taken] blindly. "
        "What is the probability that it is red?",
        "{name} [shuffles|mixes] {a} [winning|golden] tickets with {b} blank ones and draws one. "
        "[What is the chance|How likely is it] that it is not blank?",
        "In a [class|club|choir] of {a} girls and {b} boys one [person|member] is picked at random. "
        "[Find|What is] the probability of a girl?",
    ), draw_chance),
    Template("triples", _TYPE, 2, (
        "A menu has {a} starters, {b} mains and {c} [sweets|drinks]. How many three-course meals [can "
        "be made|are there]?",
        "{name} picks one of {a} [hats|wigs], one of {b} [coats|capes] and one of {c} [masks|gloves]. "
        "How many [costumes|looks] are possible?",
        "A [bike|robot|phone] comes in {a} colours, {b} sizes and {c} [shapes|styles]. How many "
        "[versions|kinds] exist?",
    ), draw_triples),
    Template("offices", _TYPE, 2, (
        "A club of {n} [members|people] [elects|chooses] a head and a deputy, [two different people|not "
        "the same person]. "
        "In how many ways?",
        "{n} [swimmers|horses|cars] race. In how many ways can first and second place [go|be filled]?",
        "{name} hangs two of {n} [pictures|posters], one in the hall and one in the kitchen. How many "
        "[choices|ways] are there?",
    ), draw_offices),
    Template("arrangements", _TYPE, 2, (
        "In how many [orders|ways] can {n} [books|friends|flags] [stand|be placed] in a row?",
        "{name} [plays|sings] {n} different songs, each once. How many [running orders|programmes] are "
        "possible?",
        "A [photographer|coach|guide] lines up {n} [children|dogs|players]. How many line-ups are there?",
    ), draw_arrangements),
    Template("handshakes", _TYPE, 2, (
        "{n} people [meet|are in a room] and each shakes hands once with every other. How many "
        "handshakes [is that|are there]?",
        "In a league of {n} teams every two [teams|of them] play one game. How many games are "
        "[played|there]?",
        "{name} draws {n} points on a circle and [joins|links] each two by a line. How many lines [are "
        "drawn|is that]?",
        "How many ways are there to choose 2 of {n} [flavours|seats|colours]?",
    ), draw_handshakes),
    Template("committees", _TYPE, 3, (
        "How many [committees|teams|groups] of 3 can be [made|chosen] from {n} people?",
        "{name} takes 3 of {n} [books|films|games] on a [trip|journey]. How many [choices|selections] "
        "are possible?",
        "A pizza gets 3 different toppings out of {n}. How many [different pizzas|pizzas] are there?",
    ), draw_committees),
    Template("dice", _TYPE, 3, (
        "Two [fair|ordinary] dice are [rolled|thrown]. What is the probability that the sum is {s}?",
        "{name} needs exactly {s} with two dice to [win|finish]. [What is the chance|How likely is that]?",
        "A red and a green die are [rolled|cast]. [Find|What is] the probability that [they|their "
        "numbers] add up to {s}?",
    ), draw_dice),
    Template("two_draws", _TYPE, 4, (
        "From {a} red and {b} blue [balls|cards|pens], two are drawn without putting back. "
        "What is the probability that both are red?",
        "{name} eats two [sweets|plums] at random from {a} ripe and {b} sour ones. [How likely is "
        "it|What is the chance] "
        "that both are ripe?",
        "A [team|crew] of {a} women and {b} men sends two of them, [picked|drawn] by lot. "
        "[Find|What is] the probability of two women?",
    ), draw_two_draws),
    Template("coins", _TYPE, 4, (
        "A fair coin is [flipped|tossed] {n} times. What is the probability of exactly {k} heads?",
        "{name} guesses {n} yes-or-no questions. [How likely is it|What is the chance] that exactly {k} "
        "are right?",
        "In {n} births, each a girl or a boy alike likely, [find|what is] the probability of exactly "
        "{k} girls?",
    ), draw_coins),
    Template("letters", _TYPE, 5, (
        "How many different [words|strings] can be made by reordering the letters of {w}?",
        "{name} shuffles cards with the letters {w}. How many different rows are possible?",
    ), draw_letters),
    Template("at_least_one", _TYPE, 5, (
        "A wheel with {m} equal parts, one of them gold, is spun {n} times. What is the probability of "
        "gold at least once?",
        "{name} wins a game with chance $1/{m}$ and plays {n} times. What is the chance of at least one win?",
    ), draw_at_least_one),
)  # fmt: skip
"""Every counting and probability template, easy first."""
