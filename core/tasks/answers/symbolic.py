r"""Compare formulas with math-verify; runs as a worker process and is never imported by the app.

A request on standard input is one JSON line ``{"id", "op", "gold", "target", "deadline_s"}``; the reply on standard
output is ``{"id", "result"}`` with true, false, or null for "could not be decided". The process has a ceiling on
memory, and the kernel ends it at the deadline of a request even while a library computes in C and nobody is left to
kill it. math-verify's own time limit is switched off: it only works in a main thread and cannot interrupt big
integers.
"""

import json
import logging
import os
import resource
import signal
import sys
from typing import Any, TextIO


def read_formula(text: str) -> list[Any]:
    r"""Return what math-verify makes of the content of one box; empty where it can read nothing."""
    from math_verify import parse
    from math_verify.parser import LatexExtractionConfig

    # Only the box counts: by default the last bare number of the text would do.
    config = [LatexExtractionConfig(boxed_match_priority=0, try_extract_without_anchor=False)]
    return parse(rf"\boxed{{{text}}}", extraction_config=config, parsing_timeout=None)


def is_readable(text: str) -> bool:
    """Say whether the text parses as a formula, not merely as a string."""
    return any(not isinstance(part, str) for part in read_formula(text))


def are_equal(gold: str, target: str) -> bool:
    """Say whether two formulas are the same; gold first, since math-verify is not symmetric."""
    from math_verify import verify

    return bool(verify(read_formula(gold), read_formula(target), timeout_seconds=None))


def answer_request(request: dict[str, Any]) -> bool | None:
    """Return the result of one request; None where the library gives up."""
    try:
        if request["op"] == "read":
            return is_readable(request["gold"])
        return are_equal(request["gold"], request["target"])
    except (Exception, RecursionError):
        return None


def limit_memory(n_bytes: int) -> None:
    """Put a ceiling on the address space of this process, and leave no core file behind."""
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(requests: TextIO, replies: TextIO) -> None:
    """Answer requests line by line until the input ends."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    is_readable(r"\sqrt{2}")  # imports and builds the grammar before the first deadline runs
    replies.write('{"id": 0, "result": true}\n')
    replies.flush()
    for line in requests:
        request = json.loads(line)
        # Later than the caller's own deadline: this one is for a caller that is gone.
        signal.setitimer(signal.ITIMER_REAL, request["deadline_s"] + 2)
        result = answer_request(request)
        signal.setitimer(signal.ITIMER_REAL, 0)
        replies.write(json.dumps({"id": request["id"], "result": result}) + "\n")
        replies.flush()


if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    # Whatever a library prints must not be taken for a reply.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, channel)
