"""Options that several verbs of the shell share, and how their values are read."""

import argparse
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from core.paths import expand_new
from core.settings import Settings

N = TypeVar("N", int, float)


def add_budget(parser: argparse.ArgumentParser, default: str = "no limit") -> None:
    """Add ``--budget-tokens`` and ``--budget-usd``."""
    tokens, usd = (
        f"tokens in and out, at most (default: {default})",
        f"dollars to be paid, at most (default: {default})",
    )
    parser.add_argument("--budget-tokens", type=positive, metavar="N", help=tokens)
    parser.add_argument("--budget-usd", type=above_zero, metavar="X", help=usd)


def add_teacher(
    parser: argparse.ArgumentParser,
    help_: str = "who is asked: the rules, a server, or a student on this machine (default: built-in)",
) -> None:
    """Add ``--teacher``, ``--model`` and ``--key-env``."""
    parser.add_argument("--teacher", metavar="built-in|BASE_URL|PATH_OR_ID", help=help_)
    parser.add_argument("--model", metavar="NAME", help="the teacher's model, for one behind a server")
    parser.add_argument(
        "--key-env",
        metavar="NAME",
        help="variable with the server's key (default: OPENAI_API_KEY for OpenAI's own, none for others)",
    )


def split_names(text: str) -> list[str]:
    """Read names divided by commas, at least one; an empty one may be a variable of the shell that was never set."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"write one or more names with a comma between two of them, not {text!r}")
    return names


def add_selector(parser: argparse.ArgumentParser) -> None:
    """Add ``--selector`` and ``--pick``."""
    known = (
        "random (default), loss_high, loss_low, loss_truth_high, loss_truth_low, reward_low, reward_high, "
        "reward_truth_low, reward_truth_high, judge_hard, lion, incorrect, evokd, solve_rate, badge, badge_truth, "
        "loss_spread, or one of SEEDBED_SELECTORS"
    )
    parser.add_argument("--selector", default="random", metavar="NAME", help=known)
    parser.add_argument("--pick", default="argmax", metavar="NAME", help="argmax (default), or softmax to sample")


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add ``--home``."""
    default = Settings.from_env().home
    parser.add_argument(
        "--home", type=expand_new, default=default, metavar="DIR", help=f"workspace (default: {default})"
    )


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return read_number(text, int, lambda number: number >= 1, "a whole number of at least 1")


def above_zero(text: str) -> float:
    """Read a finite number above 0."""
    return read_number(text, float, lambda number: 0 < number < float("inf"), "a number above 0")


def not_negative(text: str) -> int:
    """Read a whole number of at least 0."""
    return read_number(text, int, lambda number: number >= 0, "a whole number of at least 0")


def read_number(text: str, kind: type[N], is_good: Callable[[N], bool], wanted: str) -> N:
    """Return a number of that kind; raises ArgumentTypeError, which says what is wanted, where the text is none."""
    with suppress(ValueError):
        if is_good(number := kind(text)):
            return number
    raise argparse.ArgumentTypeError(f"write {wanted}, not {text!r}")
