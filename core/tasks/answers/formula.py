r"""Read a formula, in LaTeX or as typed on a keyboard, into a tree of numbers, letters, sums, products, functions.

A small grammar that reads the formulas of final answers and refuses everything else (sums, integrals, limits, words),
so that nothing is ever guessed. Letters next to each other are a product; ``e``, ``i`` and ``\pi`` are constants. Knows
nothing of values: :mod:`core.tasks.answers.evaluate` works them out.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

MAX_DEPTH = 60
"""Deepest nesting that is read."""

MAX_DIGITS = 1000
"""Longest number that is read, digits."""

_FUNCTION_NAMES = (
    "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc asin acos atan sinh cosh tanh ln log lg exp "
    "sqrt cbrt abs floor ceil"
)
FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
_SAME = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "lg": "log10", "cbrt": "root3"}
_INVERSE = frozenset(["sin", "cos", "tan", "cot", "sec", "csc"])

TOKEN = re.compile(
    r"\s*(?:(\d+(?:\.\d*)?(?:[eE][-+]?\d+(?![A-Za-z.]))?|\.\d+(?:[eE][-+]?\d+(?![A-Za-z.]))?)"
    r"|(\\[A-Za-z]+|\\[{}|])"
    r"|(?:np\.|math\.)?(arcsin|arccos|arctan|asin|acos|atan|sinh|cosh|tanh|sqrt|cbrt|sin|cos|tan|cot|sec|csc|log|exp|abs|ln|pi)"
    r"(?![A-Za-z])|([A-Za-z])|(\*\*|.))\s*",
    re.DOTALL,
)
_LETTER_NAMES = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega hbar ell infty mho angle"
)
_GREEK = frozenset(_LETTER_NAMES.split())
_ACCENTS = frozenset(["dot", "ddot", "bar", "tilde", "widehat", "widetilde", "overline", "mathcal"])
_CLOSING = {"(": ")", "[": "]", r"\{": r"\}", "{": "}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}
_STARTS = frozenset(["(", "[", r"\{", "{", r"\lfloor", r"\lceil", r"\frac", r"\sqrt", r"\binom", r"\pi", r"\overline"])


@dataclass(frozen=True, slots=True)
class Node:
    """One part of a formula."""

    kind: str
    """"number", "letter", "constant", "+", "*", "/", "^", "-" (of one part), "!", or the name of a function."""

    value: Fraction | str | None = None
    """Of a number, letter or constant."""

    parts: tuple["Node", ...] = ()


class FormulaError(ValueError):
    """A text that this grammar does not read; one sentence."""


class OutOfReachError(FormulaError):
    """A formula of more digits, or of more brackets in brackets, than are looked at."""


def read_formula(text: str) -> Node:
    """Return the tree of a tidied formula; raises FormulaError for what is none."""
    return _Reader(re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)).read()


def list_letters(node: Node) -> set[str]:
    """Return the names of all letters of a formula."""
    if node.kind == "letter":
        return {str(node.value)}
    return set().union(*(list_letters(part) for part in node.parts)) if node.parts else set()


def has_constant(node: Node, name: str) -> bool:
    """Say whether a formula holds the constant ("i", "e", "pi")."""
    return (node.kind == "constant" and node.value == name) or any(has_constant(part, name) for part in node.parts)


def has_kind(node: Node, kinds: frozenset[str]) -> bool:
    """Say whether a formula holds a part of one of these kinds."""
    return node.kind in kinds or any(has_kind(part, kinds) for part in node.parts)


class _Reader:
    """Reads one text by recursive descent; ``at`` is the next token."""

    def __init__(self, text: str):
        self.tokens = [next(group for group in match.groups() if group) for match in TOKEN.finditer(text.strip())]
        self.at = 0
        self.depth = 0
        self.bars = 0

    def read(self) -> Node:
        if not self.tokens:
            raise FormulaError("There is nothing to read.")
        node = self.read_sum()
        if self.at < len(self.tokens):
            raise FormulaError(f"It cannot be read from {''.join(self.tokens[self.at : self.at + 6])!r} on.")
        return node

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, token: str | None = None) -> str:
        found = self.next
        if not found or (token is not None and found != token):
            raise FormulaError(f"It has {found or 'an end'!r} where {token or 'something'!r} should be.")
        self.at += 1
        return found

    def read_sum(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise OutOfReachError("A formula is nested too deeply.")
        terms = [self.read_signed_term()]
        while self.next in ("+", "-"):
            terms.append(self.read_signed_term())
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Node("+", None, tuple(terms))

    def read_signed_term(self) -> Node:
        sign = 1
        while self.next in ("+", "-"):
            sign *= -1 if self.take() == "-" else 1
        term = self.read_product()
        return term if sign > 0 else Node("-", None, (term,))

    def read_product(self) -> Node:
        node = self.read_power()
        while True:
            if self.next in ("*", r"\cdot", r"\times"):
                self.take()
                node = Node("*", None, (node, self.read_factor()))
            elif self.next in ("/", r"\div"):
                self.take()
                node = Node("/", None, (node, self.read_factor()))
            elif self.starts_factor():
                node = Node("*", None, (node, self.read_power()))
            else:
                return node

    def read_factor(self) -> Node:
        if self.next in ("+", "-"):
            sign = self.take()
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise OutOfReachError("A formula is nested too deeply.")
            node = self.read_factor()
            self.depth -= 1
            return Node("-", None, (node,)) if sign == "-" else node
        return self.read_power()

    def starts_factor(self) -> bool:
        token = self.next
        if token == "|":
            return self.bars == 0
        return bool(token) and (
            token[0].isalnum() or token[0] == "." or token in _STARTS or token[1:] in _GREEK | FUNCTIONS | _ACCENTS
        )

    def read_power(self) -> Node:
        node = self.read_atom()
        while self.next in ("!", "'", "^", "**"):
            token = self.take()
            if token == "!":
                node = Node("!", None, (node,))
            elif token == "'":
                if node.kind != "letter":
                    raise FormulaError("It has a stroke behind something that is no letter.")
                node = Node("letter", f"{node.value}'")
            elif self.next == r"\circ":
                self.take()
                node = Node("degrees", None, (node,))
            else:
                node = Node("^", None, (node, self.read_exponent(token)))
        return node

    def read_exponent(self, token: str) -> Node:
        if token == "**":
            return self.read_factor()
        return self.read_argument() if self.next not in ("+", "-") else self.read_factor()

    def read_argument(self) -> Node:
        """Read what one command or ``^`` takes: a group in braces, else one digit, letter or command."""
        if self.next == "{":
            return self.read_group("{")
        if self.next.isdigit() and len(self.next) > 1 and self.at and self.tokens[self.at - 1] != "^":
            digit, rest = self.next[0], self.next[1:]
            self.tokens[self.at : self.at + 1] = [digit, rest]
        return self.read_atom()

    def read_group(self, opening: str) -> Node:
        self.take(opening)
        bars, self.bars = self.bars, 0
        node = self.read_sum()
        self.bars = bars
        self.take(_CLOSING[opening])
        return node

    def read_atom(self) -> Node:
        token = self.next
        if token == "|":
            return self.read_absolute()
        if token in _CLOSING:
            node = self.read_group(token)
            return (
                Node({r"\lfloor": "floor", r"\lceil": "ceil"}.get(token, ""), None, (node,)) if "l" in token else node
            )
        self.take()
        if token[0].isdigit() or token[0] == ".":
            return self.read_number(token)
        name = token.removeprefix("\\")
        if name in FUNCTIONS and (len(name) > 1):
            return self.read_function(name)
        if name == "frac":
            return Node("/", None, (self.read_argument(), self.read_argument()))
        if name == "binom":
            return Node("binom", None, (self.read_argument(), self.read_argument()))
        if name in _ACCENTS and self.next == "{":
            return Node("letter", f"{name}{self.read_group('{')}{self.read_index()}")
        if name == "pi" or (token in ("e", "i") and self.next != "_"):
            return Node("constant", name)
        if (len(token) == 1 and token.isalpha()) or (token[0] == "\\" and name in _GREEK):
            return Node("letter", name + self.read_index() + self.read_place())
        raise FormulaError(f"It holds {token!r}.")

    def read_number(self, token: str) -> Node:
        if len(token) > MAX_DIGITS or re.search(r"[eE][-+]?\d{4,}", token):
            raise OutOfReachError("A formula holds a number that is too long.")
        if self.next == "_":
            raise FormulaError("It is a number in another base.")
        value = Fraction(f"{token}0" if token.endswith(".") else token)
        if self.next == r"\frac" and token.isdigit():
            # A whole number before a fraction of numbers is a mixed number, as on paper.
            ahead = re.match(r"\\frac(\{\d+\}\{\d+\})", "".join(self.tokens[self.at : self.at + 7]))
            if ahead:
                return Node("+", None, (Node("number", value), self.read_atom()))
        return Node("number", value)

    def read_index(self) -> str:
        """Read ``_1`` or ``_{n+1}`` behind a letter as a part of its name."""
        if self.next != "_":
            return ""
        self.take()
        if self.next != "{":
            return f"_{self.take()}"
        start, depth = self.at, 0
        while True:
            depth += {"{": 1, "}": -1}.get(self.take(), 0)
            if depth == 0:
                return "_" + "".join(self.tokens[start + 1 : self.at - 1])

    def read_place(self) -> str:
        """Read ``(0)`` behind a letter as a part of its name: a value of a function, and no product."""
        ahead = self.tokens[self.at : self.at + 3]
        if len(ahead) < 3 or ahead[0] != "(" or not ahead[1].isdigit() or ahead[2] != ")":
            return ""
        self.at += 3
        return f"({ahead[1]})"

    def read_absolute(self) -> Node:
        self.take("|")
        self.bars += 1
        node = self.read_sum()
        self.bars -= 1
        self.take("|")
        return Node("abs", None, (node,))

    def read_function(self, name: str) -> Node:
        name = _SAME.get(name, name)
        index = None
        if name == "sqrt" and self.next == "[":
            index = self.read_group("[")
        elif name == "log" and self.next == "_":
            self.take()
            index = self.read_argument()
        power = None
        if self.next == "^":
            self.take()
            power = self.read_exponent("^")
        node = self.read_function_argument(name)
        if power is not None and power == Node("-", None, (Node("number", Fraction(1)),)) and name in _INVERSE:
            return Node(f"arc{name}", None, (node,))
        if name == "sqrt" and index is not None:
            result = Node("root", None, (node, index))
        elif name == "log" and index is not None:
            result = Node("log_base", None, (node, index))
        else:
            result = Node(name, None, (node,))
        return result if power is None else Node("^", None, (result, power))

    def read_function_argument(self, name: str) -> Node:
        r"""Read a group where there is one, else the product that follows: ``\sin 2x`` is the sine of 2x."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise OutOfReachError("A formula is nested too deeply.")
        if self.next in ("(", "{", "[", "|") or name == "sqrt":
            node = self.read_argument() if name == "sqrt" and self.next != "(" else self.read_atom()
        else:
            node = self.read_factor() if self.next == "-" else self.read_power()
            while self.starts_factor() and not self.starts_function():
                node = Node("*", None, (node, self.read_power()))
        self.depth -= 1
        return node

    def starts_function(self) -> bool:
        return self.next.removeprefix("\\") in FUNCTIONS or self.next in ("(", "[", "|")
