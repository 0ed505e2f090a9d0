"""Reading facts and rules in plain English, and forward chaining over them.

One individual is (not) a kind of thing or has a quality ("Max is a yumpus.", "Max is not sour."); a rule says so of
a whole kind ("Each yumpus is a dumpus.", "Dumpuses are not sour.", "No dumpus is sour.").
Nothing here knows of tasks or prompts.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SINGULAR_WORDS = frozenset({"each", "every", "a", "an", "no", "any"})
IRREGULAR = {
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "oxen": "ox",
}
_SENTENCE = re.compile(
    r"(?:(?P<determiner>each|every|all|any|no|an?)\s+)?(?P<subject>[\w'-]+(?:\s[\w'-]+){0,2}?)\s+(?P<verb>is|are)\s+"
    r"(?P<negation>not\s+)?(?:(?P<article>an?)\s+)?(?P<predicate>[\w'-]+(?:\s[\w'-]+){0,2})\s*[.!]?",
    re.IGNORECASE,
)
_LOOSE_WORDS = re.compile(r"\b(?:and|or|but|so|if|then|that|which|because|since|therefore|not|is|are|the|also)\b", re.I)


class DeductionError(ValueError):
    """A sentence or theory that cannot be used; one sentence."""


@dataclass(frozen=True, slots=True)
class Term:
    """What can be said of something: a kind ("a yumpus") or a quality ("sour")."""

    word: str
    """Lower case, kinds in the singular."""

    is_kind: bool


@dataclass(frozen=True, slots=True)
class Clause:
    """A fact about one individual or a rule about one kind."""

    subject: str
    """An individual as written ("Max"), or a kind in the singular, lower case."""

    is_rule: bool
    term: Term
    is_positive: bool

    def negate(self) -> "Clause":
        """Return the clause that says the opposite of the same subject."""
        return Clause(self.subject, self.is_rule, self.term, not self.is_positive)


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text, each with its full stop, in order."""
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]


def write_term(term: Term) -> str:
    """Return the term as it follows "is": "a yumpus", "an impus", "sour"."""
    if not term.is_kind:
        return term.word
    return f"{'an' if term.word[0] in 'aeiou' else 'a'} {term.word}"


def write_fact(fact: Clause) -> str:
    """Return the sentence of a fact: "Max is not sour."."""
    return f"{fact.subject} is {'' if fact.is_positive else 'not '}{write_term(fact.term)}."


RULE_FORMS = ("each", "every", "plural", "all")
"""Ways to word a rule; a negative rule of the form "all" reads "No dumpus is sour."."""


def write_rule(rule: Clause, form: str) -> str:
    """Return the sentence of a rule in one of RULE_FORMS: "Every yumpus is not sour.", "Yumpuses are dumpuses."."""
    denial = "" if rule.is_positive else "not "
    if form in ("each", "every"):
        return f"{form.capitalize()} {rule.subject} is {denial}{write_term(rule.term)}."
    if form == "all" and not rule.is_positive:
        return f"No {rule.subject} is {write_term(rule.term)}."
    subject = make_plural(rule.subject)
    subject = f"All {subject}" if form == "all" else subject.capitalize()
    return f"{subject} are {denial}{make_plural(rule.term.word) if rule.term.is_kind else rule.term.word}."


def make_plural(word: str) -> str:
    """Return the regular plural: yumpus, yumpuses; berry, berries; cat, cats."""
    for plural, singular in IRREGULAR.items():
        if word == singular:
            return plural
    if re.search(r"(?:s|x|z|ch|sh)$", word):
        return word + "es"
    return word[:-1] + "ies" if re.search(r"[^aeiou]y$", word) else word + "s"


def list_singulars(plural: str) -> list[str]:
    """Return the words whose plural this can be, the likeliest first; empty where it is no plural by its ending."""
    *before, last = plural.split(" ")
    prefix = "".join(f"{word} " for word in before)
    if last in IRREGULAR:
        return [prefix + IRREGULAR[last]]
    if not last.endswith("s") or re.search(r"(?:ss|us|is)$", last):
        return []
    found = [last[:-1]]
    if last.endswith("ies"):
        found = [last[:-3] + "y", last[:-1]]
    elif last.endswith("ves"):
        found = [last[:-1], last[:-3] + "f", last[:-3] + "fe"]
    elif re.search(r"(?:us|ss|x|z|ch|sh|is)es$", last):
        found = [last[:-2], last[:-1]]
    elif last.endswith("es"):
        found = [last[:-1], last[:-2]]
    return [prefix + word for word in found]


class Theory:
    """The facts and rules of a context, and what follows from them."""

    def __init__(self, context: str, more: Iterable[str] = ()):
        """Read a context; ``more`` are further sentences whose words belong to it (the statement to judge).

        Raises DeductionError for a sentence of the context that is neither a fact nor a rule.
        """
        self.sentences = split_sentences(context)
        self._learn_words([*self.sentences, *more])
        self.clauses: dict[Clause, str] = {}
        for sentence in self.sentences:
            clause = self.read(sentence)
            if clause is None:
                raise DeductionError(f"The sentence {sentence!r} is neither a fact nor a rule.")
            self.clauses.setdefault(clause, sentence)
        self._reasons = self._derive()

    def _learn_words(self, sentences: Sequence[str]) -> None:
        """Note the kinds: singular after a determiner, plural before "are"; the rest is told by them."""
        self._singulars: set[str] = set()
        self._plurals: set[str] = set()
        self._qualities: set[str] = set()
        for match in filter(None, map(_SENTENCE.fullmatch, sentences)):
            determiner, predicate = (match["determiner"] or "").lower(), match["predicate"].lower()
            if match["verb"].lower() == "are":
                self._plurals.add(match["subject"].lower())
            else:
                if determiner in SINGULAR_WORDS:
                    self._singulars.add(match["subject"].lower())
                if match["article"]:
                    self._singulars.add(predicate)
                else:
                    self._qualities.add(predicate)

    def _to_singular(self, plural: str) -> str:
        candidates = list_singulars(plural) or [plural]
        return next((word for word in candidates if word in self._singulars), candidates[0])

    def _is_plural_kind(self, word: str) -> bool:
        if word in self._plurals or self._to_singular(word) in self._singulars:
            return True
        return word not in self._qualities and bool(list_singulars(word))

    def read(self, sentence: str) -> Clause | None:
        """Return the clause of a sentence; None where it is neither a fact nor a rule."""
        match = _SENTENCE.fullmatch(sentence.strip())
        if match is None or _LOOSE_WORDS.search(f"{match['subject']} {match['predicate']}"):
            return None
        determiner, is_are = (match["determiner"] or "").lower(), match["verb"].lower() == "are"
        is_rule = is_are or determiner in SINGULAR_WORDS
        if determiner == "all" and not is_are:
            return None
        subject = match["subject"]
        if is_rule:
            subject = self._to_singular(subject.lower()) if is_are else subject.lower()
        predicate = match["predicate"].lower()
        is_kind = bool(match["article"]) or (is_are and self._is_plural_kind(predicate))
        if is_are and is_kind:
            predicate = self._to_singular(predicate)
        is_positive = (match["negation"] is None) != (determiner == "no")
        return Clause(subject, is_rule, Term(predicate, is_kind), is_positive)

    def _derive(self) -> dict[Clause, tuple[Clause, Clause] | None]:
        """Return every fact that follows, breadth first, with the fact and the rule it came from (None: given)."""
        rules: dict[str, list[Clause]] = {}
        for clause in self.clauses:
            if clause.is_rule:
                rules.setdefault(clause.subject, []).append(clause)
        reasons: dict[Clause, tuple[Clause, Clause] | None] = {
            clause: None for clause in self.clauses if not clause.is_rule
        }
        queue = list(reasons)
        for fact in queue:
            if not (fact.is_positive and fact.term.is_kind):
                continue
            for rule in rules.get(fact.term.word, []):
                new = apply_rule(fact, rule)
                if new not in reasons:
                    reasons[new] = (fact, rule)
                    queue.append(new)
        return reasons

    def judge(self, statement: Clause) -> bool | None:
        """Say whether a fact holds; None where the context decides nothing.

        Raises DeductionError where it and its opposite both follow.
        """
        holds, fails = statement in self._reasons, statement.negate() in self._reasons
        if holds and fails:
            raise DeductionError(f"Both {write_fact(statement)!r} and its opposite follow from the context.")
        return holds if holds or fails else None

    def trace(self, fact: Clause) -> list[Clause]:
        """Return the rules of the shortest way to a fact, first to last; raises DeductionError where there is none."""
        if fact not in self._reasons:
            raise DeductionError(f"{write_fact(fact)!r} does not follow from the context.")
        rules: list[Clause] = []
        while (reason := self._reasons[fact]) is not None:
            fact, rule = reason
            rules.append(rule)
        return rules[::-1]

    def prove(self, statement: Clause) -> list[str]:
        """Return the shortest proof of the statement, or of its opposite where that follows.

        The first sentence is a fact of the context, then a rule and what follows from it by turns. Raises
        DeductionError where neither follows.
        """
        goal = statement if self.judge(statement) is not False else statement.negate()
        rules = self.trace(goal)
        fact = goal
        while (reason := self._reasons[fact]) is not None:
            fact = reason[0]
        lines = [self.clauses[fact]]
        for rule in rules:
            fact = apply_rule(fact, rule)
            lines += [self.clauses[rule], write_fact(fact)]
        return lines

    def find_wrong_step(self, steps: Iterable[str]) -> str | None:
        """Say in one sentence which step fails; None where all hold.

        A step must be a fact or rule of the context, or follow by one rule of the context from a fact of the context or
        an earlier step. A sentence that is neither a fact nor a rule is passed over: it claims nothing.
        """
        known = set(self.clauses)
        for step in steps:
            clause = self.read(step)
            if clause is None or clause in known:
                continue
            if clause.is_rule:
                return f"The step {step!r} is no rule of the context."
            facts = [fact for fact in known if not fact.is_rule and fact.is_positive and fact.term.is_kind]
            if not any(
                Clause(fact.term.word, True, clause.term, clause.is_positive) in known
                for fact in facts
                if fact.subject == clause.subject
            ):
                return f"The step {step!r} does not follow from the steps before it."
            known.add(clause)
        return None


def apply_rule(fact: Clause, rule: Clause) -> Clause:
    """Return what the rule says of the individual of a fact."""
    return Clause(fact.subject, False, rule.term, rule.is_positive)
