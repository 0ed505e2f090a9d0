"""Say whether two formulas are equal by working them out: exactly in fractions, else to 100 digits, at several points.

Formulas without letters have one value. With letters, both are worked out where every letter has a rational value,
positive and negative in turn; formulas that agree at all points but are not the same practically do not occur
(Schwartz 1980, Zippel 1979). Points where a value does not exist or is not real are left out. Needs mpmath, so it runs
in the worker process. What would be too large to work out raises :class:`TooLargeError` before it is begun.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from core.tasks.answers.formula import FormulaError, Node, has_constant, has_kind, list_letters
from core.tasks.answers.numbers import is_close

DIGITS = 100
"""Decimal digits of every value that is not exact."""

MAX_BITS = 40_000
"""Largest numerator or denominator that is kept exact, bits."""

MAX_MAGNITUDE = 10**7
"""Largest binary exponent of any value."""

N_POINTS = 5
"""Points at which formulas with letters must agree."""

N_STEP_POINTS = 61
"""Points at which formulas with steps (floor, ceiling) must agree."""

COUNTING = frozenset("ijklmnpqKLMN")
"""Letters that stand for whole numbers by custom."""

STEPS = frozenset(["floor", "ceil"])

_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


class TooLargeError(ArithmeticError):
    """A value out of reach, such as 9^9^9^9."""


class NoValueError(ArithmeticError):
    """A formula without a value at this point: a division by zero, the logarithm of zero."""


def are_equal(gold: Node, other: Node, tolerance: Fraction | None = None) -> bool | None:
    """Say whether two formulas are equal; None where they have no common point with a value.

    Raises:
        TooLargeError: a value is out of reach.
    """
    if gold == other:
        return True
    letters = sorted(list_letters(gold) | list_letters(other))
    if any("infty" in letter for letter in letters):
        return None
    is_real = not (has_constant(gold, "i") or has_constant(other, "i"))
    n_agreed, has_value = 0, [False, False]
    has_steps = has_kind(gold, STEPS) or has_kind(other, STEPS)
    kinds = (_wide_point,) if has_steps else (_rational_point, _whole_point)
    for make_point in kinds if letters else kinds[:1]:
        for at in range((N_STEP_POINTS if has_steps else 3 * N_POINTS) if letters else 1):
            point = make_point(letters, at)
            values = [_value_at(point, node, is_real and bool(letters)) for node in (gold, other)]
            has_value = [has or value is not None for has, value in zip(has_value, values, strict=True)]
            if None in values:
                continue
            if not agree(*values, tolerance):
                return False
            n_agreed += 1
            if (n_agreed == N_POINTS and not has_steps) or not letters:
                return True
    if has_steps and n_agreed > N_POINTS:
        return True
    return False if has_value[0] != has_value[1] else None  # one of them has no value anywhere


def are_same_equation(gold: Node, other: Node) -> bool | None:
    """Say whether ``gold = 0`` and ``other = 0`` hold at the same points; None where that cannot be told.

    They do where one is a multiple of the other; else solutions of each are looked for and put into the other.
    """
    if is_multiple(gold, other):
        return True
    if list_letters(gold) != list_letters(other):
        return False
    found = [_holds_where(first, second) for first, second in ((gold, other), (other, gold))]
    return False if False in found else (None if None in found else True)


def _holds_where(first: Node, second: Node) -> bool | None:
    """Say whether ``second`` is zero at solutions of ``first``, found from several starts; None without a solution."""
    mpmath = _mpmath()
    letters = sorted(list_letters(first))
    is_found = False
    for at in range(2 * N_POINTS):
        point = _rational_point(letters, at)
        letter = letters[at % len(letters)]

        def value(x: Any, node: Node = first, point: dict = point, letter: str = letter) -> Any:
            return _to_mp(evaluate(node, {**point, letter: x}))

        try:
            root = mpmath.findroot(value, _to_mp(point[letter]), maxsteps=60)
            if _is_complex(root):
                continue
            rest = value(_real(root), second)
        except (ArithmeticError, ValueError, TypeError):
            continue
        if abs(rest) > mpmath.mpf(10) ** (-DIGITS // 4):
            return False
        is_found = True
    return True if is_found else None


def is_multiple(gold: Node, other: Node) -> bool | None:
    """Say whether one formula is a constant other than zero times the other."""
    letters = sorted(list_letters(gold) | list_letters(other))
    if not letters:
        return None
    ratio = None
    for at in range(N_POINTS):
        values = [_value_at(_rational_point(letters, at), node, True) for node in (gold, other)]
        if None in values or _is_zero(values[0]) or _is_zero(values[1]):
            continue
        found = _divide(*values)
        if ratio is not None and not agree(ratio, found, None):
            return False
        ratio = found
    return None if ratio is None else True


def _value_at(point: Mapping[str, Fraction], node: Node, must_be_real: bool) -> Any:
    try:
        value = evaluate(node, point)
    except (NoValueError, ZeroDivisionError, ValueError):
        return None
    return None if must_be_real and _is_complex(value) else value


def _rational_point(letters: list[str], at: int) -> dict[str, Fraction]:
    """Return values of size about one; every letter is negative at some points and positive at others."""
    return {
        letter: Fraction(
            (-1) ** (at * (place + 1) // (place + 2)) * (_PRIMES[(place * 5 + at * 3) % 12] * 7 + at + place), 61
        )
        for place, letter in enumerate(letters)
    }


def _whole_point(letters: list[str], at: int) -> dict[str, Fraction]:
    """Return whole numbers, for formulas such as (-1)^n."""
    return {letter: Fraction(at + 3 + (place * 5) % 7 + 4 * place) for place, letter in enumerate(letters)}


def _wide_point(letters: list[str], at: int) -> dict[str, Fraction]:
    """Return numbers from 1 to 61, for formulas that are constant between steps; letters that count are whole."""
    return {
        letter: Fraction(at * (7 * place + 1) % 61 + 1) + (Fraction(at % 3, 3) if letter[0] not in COUNTING else 0)
        for place, letter in enumerate(letters)
    }


def agree(first: Any, second: Any, tolerance: Fraction | None) -> bool:
    """Say whether two values are equal: exactly as fractions, else in all but the last digits."""
    if isinstance(first, Fraction) and isinstance(second, Fraction):
        return is_close(first, second, tolerance)
    mp = _mpmath().mp
    a, b = _to_mp(first), _to_mp(second)
    largest, gap = max(abs(a), abs(b)), abs(a - b)
    if tolerance is not None and gap <= _to_mp(tolerance) * abs(a):
        return True
    return gap <= largest * mp.mpf(10) ** (-DIGITS // 2) or gap < mp.mpf(10) ** (8 - DIGITS)


def evaluate(node: Node, point: Mapping[str, Fraction]) -> Any:
    """Return the value as a Fraction where it is rational by its form, else as an mpmath number.

    Raises:
        NoValueError, ZeroDivisionError, ValueError: it has no value there.
        TooLargeError: it is out of reach.
        FormulaError: the formula holds something without a meaning here.
    """
    if node.kind == "number":
        return node.value
    if node.kind == "letter":
        return point[str(node.value)]
    if node.kind == "constant":
        return _constant(str(node.value))
    if node.kind not in _RULES:
        raise FormulaError(f"It holds {node.kind!r}.")
    values = [evaluate(part, point) for part in node.parts]
    return _bounded(_RULES[node.kind](*values))


def _mpmath() -> Any:
    import mpmath

    mpmath.mp.dps = DIGITS
    return mpmath


def _constant(name: str) -> Any:
    mpmath = _mpmath()
    return {"pi": +mpmath.mp.pi, "e": +mpmath.mp.e, "i": mpmath.mpc(0, 1)}[name]


def _to_mp(value: Any) -> Any:
    if isinstance(value, Fraction):
        mpmath = _mpmath()
        return mpmath.mpf(value.numerator) / value.denominator
    return value


def _bounded(value: Any) -> Any:
    if isinstance(value, Fraction):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) <= MAX_BITS:
            return value
        value = _to_mp(value)
    mpmath = _mpmath()
    if not mpmath.isfinite(value):
        raise NoValueError
    if value and abs(mpmath.mag(value)) > MAX_MAGNITUDE:
        raise TooLargeError
    return value


def _is_zero(value: Any) -> bool:
    return value == 0 if isinstance(value, Fraction) else abs(value) < _mpmath().mpf(10) ** (10 - DIGITS)


def _is_complex(value: Any) -> bool:
    return not isinstance(value, Fraction) and abs(_mpmath().im(value)) > _mpmath().mpf(10) ** (10 - DIGITS)


def _add(*values: Any) -> Any:
    if all(isinstance(value, Fraction) for value in values):
        return sum(values, Fraction(0))
    return sum((_to_mp(value) for value in values), _mpmath().mpf(0))


def _multiply(first: Any, second: Any) -> Any:
    if isinstance(first, Fraction) and isinstance(second, Fraction):
        return first * second
    return _to_mp(first) * _to_mp(second)


def _divide(first: Any, second: Any) -> Any:
    if _is_zero(second):
        raise NoValueError
    if isinstance(first, Fraction) and isinstance(second, Fraction):
        return first / second
    return _to_mp(first) / _to_mp(second)


def _raise(base: Any, exponent: Any) -> Any:
    mpmath = _mpmath()
    if isinstance(exponent, Fraction):
        if base == 0 and exponent < 0:
            raise NoValueError
        if isinstance(base, Fraction) and exponent.denominator == 1:
            bits = max(base.numerator.bit_length(), base.denominator.bit_length())
            if bits * abs(exponent) <= MAX_BITS:
                return base ** int(exponent)
    if base == 0:
        return Fraction(0) if exponent != 0 else Fraction(1)
    large, power = _to_mp(base), _to_mp(exponent)
    if mpmath.mag(power) > 40 or abs(power) * (abs(mpmath.mag(large)) + 1) > MAX_MAGNITUDE:
        raise TooLargeError
    exact = _exact_root(base, exponent)
    return mpmath.power(large, power) if exact is None else exact


def _exact_root(base: Any, exponent: Any) -> Fraction | None:
    """Return 2 for 8^(1/3), -2 never for (-8)^(1/3); None where it is not a fraction."""
    if not (isinstance(base, Fraction) and isinstance(exponent, Fraction)) or base < 0 or exponent.denominator == 1:
        return None
    if exponent.denominator > 100 or abs(exponent.numerator) > 100:
        return None
    roots = [_whole_root(part, exponent.denominator) for part in (base.numerator, base.denominator)]
    return None if None in roots or not roots[0] else Fraction(roots[0], roots[1]) ** exponent.numerator


def _whole_root(value: int, degree: int) -> int | None:
    mpmath = _mpmath()
    if value.bit_length() > 300:
        return None
    root = int(mpmath.nint(mpmath.root(value, degree)))
    return root if root**degree == value else None


def _root(value: Any, degree: Any) -> Any:
    """Real where a real one exists: the cube root of -8 is -2."""
    if not isinstance(degree, Fraction) or degree.denominator != 1 or not 0 < degree <= 1000:
        return _raise(value, _divide(Fraction(1), degree))
    if int(degree) % 2 and not _is_complex(value) and _real(value) < 0:
        return _multiply(Fraction(-1), _root(_multiply(Fraction(-1), value), degree))
    return _raise(value, Fraction(1, int(degree)))


def _real(value: Any) -> Any:
    return value if isinstance(value, Fraction) else _mpmath().re(value)


def _factorial(value: Any) -> Any:
    if isinstance(value, Fraction) and value.denominator == 1:
        if value < 0:
            raise NoValueError
        if value <= 2000:
            import math

            return Fraction(math.factorial(int(value)))
    if abs(_to_mp(value)) > 10**5:
        raise TooLargeError
    return _mpmath().gamma(_to_mp(value) + 1)


def _binomial(n: Any, k: Any) -> Any:
    if max(abs(_to_mp(n)), abs(_to_mp(k))) > 10**5:
        raise TooLargeError
    if all(isinstance(each, Fraction) and each.denominator == 1 for each in (n, k)) and 0 <= k <= n <= 2000:
        import math

        return Fraction(math.comb(int(n), int(k)))
    return _mpmath().binomial(_to_mp(n), _to_mp(k))


def _floor(value: Any) -> Fraction:
    if _is_complex(value) or (not isinstance(value, Fraction) and _mpmath().mag(value) > 300):
        raise NoValueError
    if isinstance(value, Fraction):
        return Fraction(value.numerator // value.denominator)
    nearest = _mpmath().nint(_real(value))  # a value that should be whole may be a last digit below it
    is_whole = abs(_real(value) - nearest) < _mpmath().mpf(10) ** (20 - DIGITS)
    return Fraction(int(nearest if is_whole else _mpmath().floor(_real(value))))


def _logarithm(value: Any, base: Any = None) -> Any:
    if _is_zero(value) or (base is not None and (_is_zero(base) or base == 1)):
        raise NoValueError
    mpmath = _mpmath()
    result = mpmath.log(_to_mp(value))
    return result if base is None else result / mpmath.log(_to_mp(base))


def _guarded(name: str) -> Callable[[Any], Any]:
    """Return the function of mpmath; an argument that would take too many digits is out of reach."""

    def work_out(value: Any) -> Any:
        mpmath = _mpmath()
        value = _to_mp(value)
        if value and mpmath.mag(value) > 60:
            raise TooLargeError
        return getattr(mpmath, name)(value)

    return work_out


_RULES: dict[str, Callable[..., Any]] = {
    "+": _add,
    "-": lambda value: -value,
    "*": _multiply,
    "/": _divide,
    "^": _raise,
    "!": _factorial,
    "binom": _binomial,
    "sqrt": lambda value: _root(value, Fraction(2)),
    "root": _root,
    "root3": lambda value: _root(value, Fraction(3)),
    "abs": lambda value: abs(value),
    "floor": _floor,
    "ceil": lambda value: -_floor(-value),
    "ln": _logarithm,
    "log": _logarithm,
    "log10": lambda value: _logarithm(value, Fraction(10)),
    "log_base": _logarithm,
    "degrees": lambda value: _multiply(value, _constant("pi") / 180),
    **{name: _guarded(name) for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "exp")},
    **{f"arc{name}": _guarded(f"a{name}") for name in ("sin", "cos", "tan", "cot", "sec", "csc")},
}
