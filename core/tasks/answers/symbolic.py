r"""Work out formulas; runs as a worker process (``python -m core.tasks.answers.symbolic``), never imported by the app.

Formulas that our own reader knows are worked out by :mod:`core.tasks.answers.evaluate`; math-verify is loaded only for
the rest (sums, integrals, inequalities of several letters). A request on standard input is one JSON line ``{"id", "op",
"gold", "target", "tolerance", "deadline_s"}``; the reply on standard output is ``{"id", "result", "reason"}``, result
being true, false or null. ``{"loading": true}`` says that a library is being imported, which is no fault of the pair,
and ``{"loading": false}`` that it is there. The process has a ceiling on memory, and the kernel ends it at the deadline
of a request even while a library computes in C and nobody is left to kill it. math-verify's own time limit is switched
off: it only works in a main thread and cannot interrupt big integers.
"""

import json
import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TextIO

from core.tasks.answers import evaluate, formula
from core.tasks.answers.judgement import Judgement
from core.tasks.answers.kinds import RELATION, split_top
from core.tasks.answers.matching import match_texts
from core.tasks.answers.tidy import tidy_answer

LOAD_LIMIT_S = 60.0
"""How long the import of a library may take, seconds: a busy machine."""


SLOW_S = 0.5
"""An answer that is nothing but unreadable is given up sooner, seconds."""


class UndecidedError(Exception):
    """A comparison that cannot be decided; one sentence."""


class Judge:
    """Answers the questions of a comparison; ``on_load`` is called before and after a library is imported."""

    def __init__(self, on_load: Callable[[bool], object] = bool):
        self.on_load = on_load
        self.tolerance: Fraction | None = None

    def judge(self, gold: str, other: str, tolerance: Fraction | None) -> Judgement:
        """Compare two tidied answers."""
        self.tolerance = tolerance
        try:
            return match_texts(gold, other, self.ask, tolerance)
        except UndecidedError as error:
            return Judgement(None, str(error))

    def ask(self, question: str, gold: str, other: str) -> bool | None:
        """Decide one question about two formulas, equations or inequalities; raises UndecidedError."""
        try:
            if question == "equal":
                found = evaluate.are_equal(formula.read_formula(gold), formula.read_formula(other), self.tolerance)
            elif question == "equation":
                found = evaluate.are_same_equation(*map(_read_equation, (gold, other)))
            else:
                found = None
        except evaluate.TooLargeError:
            raise UndecidedError("A value is too large to be worked out.") from None
        except formula.OutOfReachError as error:
            raise UndecidedError(str(error)) from None
        except (formula.FormulaError, RecursionError):
            found = None
        return self.ask_library(gold, other) if found is None else found

    def ask_library(self, gold: str, other: str) -> bool:
        """Ask math-verify; raises UndecidedError where the reference is nothing that it can read."""
        if not is_balanced(gold):
            raise UndecidedError(f"The reference {gold[:40]!r} is broken off.")
        if not is_balanced(other):
            return False  # math-verify would close it
        self._load()
        from math_verify import verify

        start = time.monotonic()
        first, second = self.parse(gold), self.parse(other)
        if not first:
            raise UndecidedError(f"The reference {gold[:40]!r} could not be read as a formula.")
        if not second:
            if time.monotonic() - start > SLOW_S:  # math-verify keeps to itself that memory ran out
                raise UndecidedError("The answer took too much time or memory to be read.")
            return False
        # Six digits, its default, would take 0.333333 for a third.
        return bool(verify(first, second, float_rounding=15, numeric_precision=30, timeout_seconds=None))

    def parse(self, text: str) -> list[Any]:
        r"""Return what math-verify makes of the content of one box, without what it could only keep as a string."""
        self._load()
        from math_verify import parse
        from math_verify.parser import LatexExtractionConfig

        # Only the box counts: by default the last bare number of the text would do.
        config = [LatexExtractionConfig(boxed_match_priority=0, try_extract_without_anchor=False)]
        found = parse(rf"\boxed{{{text}}}", extraction_config=config, parsing_timeout=None)
        return [part for part in found if not isinstance(part, str)]

    def is_readable(self, text: str) -> bool:
        """Say whether a text is a formula, not merely a string."""
        sides = [side for part in split_top(tidy_answer(text), RELATION) for side in part.split("=")]
        try:
            return all(formula.read_formula(side) for side in sides)
        except (formula.FormulaError, RecursionError):
            return bool(self.parse(text))

    def _load(self) -> None:
        if "math_verify" not in sys.modules:
            self.on_load(True)
            from math_verify import parse

            parse(r"\boxed{\sqrt{2}}", parsing_timeout=None)  # builds the grammar
            self.on_load(False)


def is_balanced(text: str) -> bool:
    """Say whether every brace of a formula closes."""
    plain = text.replace("\\{", "").replace("\\}", "")
    return plain.count("{") == plain.count("}")


def _read_equation(text: str) -> formula.Node:
    """Return left side minus right side."""
    sides = text.split("=")
    if len(sides) != 2:
        raise formula.FormulaError("It is not one equation.")
    left, right = map(formula.read_formula, sides)
    return formula.Node("+", None, (left, formula.Node("-", None, (right,))))


def answer_request(judge: Judge, request: dict[str, Any]) -> tuple[bool | None, str]:
    """Return the result of one request and the reason; the result is None where the library gives up."""
    try:
        if request["op"] == "read":
            return judge.is_readable(request["gold"]), ""
        tolerance = Fraction(request["tolerance"]) if request.get("tolerance") else None
        found = judge.judge(request["gold"], request["target"], tolerance)
        return found.is_equal, found.reason
    except MemoryError:
        return None, "It would take more memory than a comparison may have."
    except (Exception, RecursionError):
        return None, "The library that compares formulas failed."


def limit_memory(n_bytes: int) -> None:
    """Put a ceiling on the address space of this process, and leave no core file behind."""
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(requests: TextIO, replies: TextIO) -> None:
    """Answer requests line by line until the input ends."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def reply(message: dict[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    judge = Judge()
    judge.judge(r"2\sqrt{2}", r"\sqrt{8}", None)  # imports what is always needed before the first deadline runs
    reply({"id": 0, "result": True})
    for line in requests:
        request = json.loads(line)
        # Later than the caller's own deadline: this one is for a caller that is gone.
        limit = request["deadline_s"] + 2

        def tell_loading(is_loading: bool, limit: float = limit) -> None:
            arm(LOAD_LIMIT_S if is_loading else limit)
            reply({"loading": is_loading})

        judge.on_load = tell_loading
        arm(limit)
        result, reason = answer_request(judge, request)
        arm(0)
        reply({"id": request["id"], "result": result, "reason": reason})


def arm(seconds: float) -> None:
    """Let the kernel end this process in so many seconds; 0 calls it off."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    # Whatever a library prints must not be taken for a reply.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, channel)
