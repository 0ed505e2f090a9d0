"""Labels a problem with skills of the list that stands in the prompt: by words and signs in problem and solution.

A skill of a person's own list is found by its own words. It knows nothing of what the labels are used for.
"""

import re
from dataclasses import dataclass

from core.errors import TeacherError
from core.tasks.prompts import read_prompt
from core.teacher.base import TeacherRequest
from core.teacher.builtin.judge import read_slots

MOST = 3
"""Skills of one problem, where the prompt says no other number (SPARQ)."""

_TWO_LINES = r"\A[^\n]+\n[^\n]+\n"
"""Context and statement of a deduction; behind them come a fact and two lines for each rule."""

SIGNS: tuple[tuple[str, str], ...] = (
    # Deductions.
    ("chains of five or more rules", rf"{_TWO_LINES}(?:[^\n]+\n){{11,}}answer:"),
    ("chains of three or four rules", rf"{_TWO_LINES}(?:[^\n]+\n){{7,10}}answer:"),
    ("chains of one or two rules", rf"{_TWO_LINES}(?:[^\n]+\n){{3,6}}answer:"),
    ("negated conclusions", r" is not [^.]*\.\nanswer:"),
    ("negated rules", r"\b(?:each|every|all|no) \w+ (?:is|are) not\b|\bno \w+ (?:is|are)\b|\w+s are not\b"),
    ("proof that a statement is false", r"\nanswer: false"),
    ("proof that a statement is true", r"\nanswer: true"),
    # Game of 24.
    ("fractions on the way", r"\(-?\d+/\d+\)|= \d+/\d+ \(left"),
    ("factors 3 and 8", r"\b(?:3 \* 8|8 \* 3) = 24 \(left"),
    ("factors 4 and 6", r"\b(?:4 \* 6|6 \* 4) = 24 \(left"),
    ("factors 2 and 12", r"\b(?:2 \* 12|12 \* 2) = 24 \(left"),
    ("making 1", r" = 1 \(left"),
    ("making 0", r" = 0 \(left"),
    ("large numbers", r"\A[\d ]*\b(?:1[4-9]|[2-9]\d|\d{3,})\b"),
    ("brackets within brackets", r"boxed\{.*\([^)]*\("),
    ("division that leaves no remainder", r"\d / \d+ = \d+ \(left"),
    ("addition to 24", r"\d \+ \d+ = 24 \(left"),
    ("subtraction from a product", r"\d - \d+ = 24 \(left"),
    ("repeated numbers", r"\A(?:.*\s)?(\d+) \1\b"),
    # Maths.
    ("quadratic equations", r"x\^2"),
    ("composition of functions", r"f\(g\(|g\(f\("),
    ("slope and lines", r"\bslope\b|line through"),
    ("bases other than ten", r"\bbase \d|in base"),
    ("digits and place value", r"\bdigits?\b"),
    ("number of divisors", r"\bhow many (?:\w+ )?(?:factors|divisors)"),
    (
        "greatest common divisor and least common multiple",
        r"\bgcd\b|\blcm\b|common (?:divisor|multiple)|multiple of both",
    ),
    ("modular arithmetic", r"remainder|left over|leaves? over|left after"),
    ("divisibility rules", r"\bdivisible\b|multiples? of|\bdivides\b"),
    ("Pythagorean theorem", r"right triangle|hypotenuse|\blegs\b"),
    ("similar triangles", r"\bshadow|similar"),
    ("angle chasing", r"\bangles?\b|\bdegrees\b"),
    ("distance and midpoint", r"passes through|\bmidpoint|distance from"),
    ("volume", r"\bvolume\b|\bcubic\b"),
    ("perimeter and area of polygons", r"\barea\b|\bperimeter\b|\bfence|\bborder\b|square (?:metres|field)"),
    ("probability of independent events", r"\bprobability\b|\blikely\b|\bchance\b"),
    ("combinations", r"\bteams of\b|\bcommittee|\bhandshake|every two|chosen from"),
    ("permutations", r"\borders?\b|\barrange|\bin a row\b"),
    ("casework", r"\bchoices\b|\bways\b|\broutes\b|\bversions\b"),
    ("systems of equations", r"\btogether\b.*\b(?:more|each)\b|\bat \d+ cents\b"),
    ("exponent rules", r"\^\{\d\d"),
    ("mean and median", r"\baverage\b|\bmean\b|\bmedian\b"),
    ("linear equations", r"\bx=|\bfind \$x\$|times a number"),
    # Word problems, and what they share with maths.
    ("ages", r"\byears old\b|\bolder\b|\byounger\b|\bhow old\b"),
    ("discounts and sales tax", r"\bdiscount|\bsales tax\b|\boff\b.*\bprice"),
    ("interest and growth", r"\binterest\b|\bgrows? by\b"),
    ("profit and loss", r"\bprofit\b|\bloss\b"),
    ("percentages", r"%|\bper ?cent"),
    ("ratio and proportion", r"\bratio\b|\bproportion"),
    ("averages", r"\baverage\b|\bmean\b"),
    ("leftovers and remainders", r"\bleft over\b|\bremainder\b|\bremain"),
    ("fractions of a quantity", r"\bhalf\b|\bthirds?\b|\bquarters?\b|\bfifths?\b|\btenths?\b|\b1/\d"),
    ("speed and distance", r"\bmiles?\b|\bkilomet|\bspeed\b|\bkm\b"),
    ("wages and work", r"\bearn|\bwages?\b|\bpaid\b"),
    ("change and prices", r"\$\d|\bdollars?\b|\bcosts?\b|\bprice"),
    ("calendar and clock time", r"\bminutes?\b|\bhours?\b|\bo'clock\b"),
    ("sums over days or weeks", r"\bdays?\b|\bweeks?\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"),
    ("comparison by a factor", r"\btimes as (?:many|much)\b|\btwice\b"),
    ("comparison by difference", r"\b(?:more|fewer|less)\b[^.?]*\bthan\b"),
    ("multi-step bookkeeping", r"(?s)(?:<<.*?){4}"),
    ("division into equal parts", r"<<[^<>]*/|\bequally\b|\bshared?\b"),
    ("multiplication of equal groups", r"<<[^<>]*\*"),
    ("addition and subtraction", r"<<[^<>]*[+-]"),
    ("fractions", r"\\frac|\b\d/\d"),
    ("arithmetic of integers", r"\d ?[-+*] ?\d"),
    ("ignoring distracting rules", r"following statement true or false"),
    ("sum of two products", r"\d \* \d+ = \d+ \(left(?s:.*)\d \* \d+ = \d+ \(left"),
    ("arithmetic", r"\d ?[-+*/] ?\d"),
    ("counting", r"\bhow many\b"),
)
"""Skill -> what shows in problem and solution that it is needed; telling ones before those that fit most."""

_SIGNS = tuple((skill, re.compile(pattern, re.IGNORECASE)) for skill, pattern in SIGNS)
_TAGGED = re.compile(r"<problem>(.*?)</problem>(?:\s*<solution>(.*?)</solution>)?", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a skill prompt asks."""

    skills: tuple[str, ...]
    text: str
    """Problem and solution."""

    n_skills: int


def write_skills(request: TeacherRequest) -> str:
    """Return at most as many skills of the prompt's list as it asks for: ``<skills>first, second</skills>``.

    Raises:
        TeacherError: there is no list or no problem in the prompt.
    """
    asked = _read_asked(request)
    if asked is None or not asked.skills:
        raise TeacherError(
            "The built-in teacher is a rule-based stand-in; it labels skills where the prompt holds Seedbed's own list "
            "and the problem in <problem> tags."
        )
    return f"<skills>{', '.join(choose_skills(asked.text, asked.skills)[: asked.n_skills])}</skills>"


def choose_skills(text: str, skills: tuple[str, ...]) -> list[str]:
    """Return the skills of a list that a problem with its solution shows, the likeliest first; at least one."""
    shown = [skill for skill, pattern in _SIGNS if skill in skills and pattern.search(text)]
    words = {word[:5] for word in _WORD.findall(text.lower())}
    named = [
        skill
        for skill in skills
        if (own := [word[:5] for word in _WORD.findall(skill.lower())]) and all(word in words for word in own)
    ]
    return list(dict.fromkeys([*shown, *named])) or [skills[0]]


def _read_asked(request: TeacherRequest) -> Asked | None:
    """Return what the prompt asks; of one that a person reworded, the lines that stand in the shipped list."""
    slots = read_slots("skills", request.prompt)
    if slots is not None:
        skills = tuple(line.strip() for line in slots["skills"].splitlines() if line.strip())
        return Asked(skills, f"{slots['question']}\n{slots['answer']}", int(slots["n_skills"]))
    tagged = _TAGGED.findall(request.prompt)
    if not tagged:
        return None
    try:
        shipped = {line.strip() for line in read_prompt(f"{request.task}_skills").splitlines()}
    except FileNotFoundError:
        return None
    lines = (line.strip().removeprefix("- ") for line in request.prompt.splitlines())
    return Asked(tuple(line for line in lines if line in shipped), "\n".join(map(str.strip, tagged[-1])), MOST)
