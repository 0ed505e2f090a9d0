"""What tokens cost: a dated table of list prices, and a person's own beside it, which comes first.

An address that no entry fits has an unknown price, one on this machine or in a private network as well: electricity is
not free, and 0 is something that a person says. It knows nothing of requests or budgets.
"""

import json
import math
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import PriceError

SHIPPED = Path(__file__).with_name("prices.toml")

OWN = "prices.toml"
"""File in the home that holds a person's own prices."""

FORM = 'write each as [[price]] with lines such as model = "NAME", host = "localhost:8000", input = 0.15, output = 0.6'
"""What an entry looks like, as part of a sentence."""

PER = 1_000_000
"""Tokens that a price is for."""

_PORTS = {"http": 80, "https": 443}

_ENTRY = re.compile(r"\s*\[\[\s*[\"']?price[\"']?\s*\]\]")
"""Where an entry of a file begins."""

_EMPTY = re.compile(r"\s*(#|$)")
"""A line of a file that says nothing to a program."""

_HEAD = """\
# Prices of your own, in US dollars for a million tokens; the first entry that fits counts, and all of these come before
# the shipped ones. model and host may hold *, model several names with | between; without cached_input, cached tokens
# cost what others cost. A comment above an entry stays with it when prices are edited in the dashboard.
"""


@dataclass(frozen=True, slots=True)
class Price:
    """What one model costs at one host."""

    model: str
    """Name of the model, ``*`` for any part; several with ``|`` between them."""

    input: float
    """US dollars for a million prompt tokens."""

    output: float
    """US dollars for a million completion tokens, reasoning included."""

    cached_input: float | None = None
    """US dollars for a million prompt tokens that the server had in its own cache; None: as ``input``."""

    host: str = "*"
    """Host of the address, ``*`` for any part; one with a port fits that port alone, one without every port."""

    date: str = ""
    """Day on which this was the price, YYYY-MM-DD; empty: not told."""

    source: str = ""
    """Where the price was read."""

    def fits(self, model: str, base_url: str) -> bool:
        """Say whether this is the price of a model at an address."""
        parts = urlsplit(base_url)
        names = [name.strip() for name in self.model.split("|")]
        bare = parts.hostname or ""
        host = f"[{bare}]" if ":" in bare else bare
        hosts = (bare, host, f"{host}:{parts.port or _PORTS.get(parts.scheme, '')}")
        return any(_fits(name, model) for name in names) and any(_fits(self.host, host) for host in hosts)

    def cost(self, n_input: int | None, n_output: int | None, n_cached: int | None = None) -> float | None:
        """Return the US dollars of one call; None where its tokens were not counted."""
        if n_input is None or n_output is None:
            return None
        cached = min(n_cached or 0, n_input)
        cached_price = self.input if self.cached_input is None else self.cached_input
        return ((n_input - cached) * self.input + cached * cached_price + n_output * self.output) / PER

    def worst(self, n_input: int, n_output: int) -> float:
        """Return the most that a call of at most so many tokens can cost, US dollars."""
        return (n_input * max(self.input, self.cached_input or 0.0) + n_output * self.output) / PER


FREE = Price("*", 0.0, 0.0, 0.0, source="nothing is paid for what runs here")
"""The price of the built-in teacher and of a local student."""


def find_price(model: str, base_url: str, table: Sequence[Price] | None = None) -> Price | None:
    """Return the price of a model at an address; None where no entry fits: unknown, never 0.

    Args:
        model: name as it is sent.
        base_url: address of the server.
        table: in the order in which it is looked through, see ``read_prices``; None: the shipped one.
    """
    prices = read_shipped() if table is None else table
    return next((price for price in prices if price.fits(model, base_url)), None)


def _fits(pattern: str, name: str) -> bool:
    """Compare regardless of case; brackets, as in IPv6 addresses, stand for themselves."""
    return fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))


def read_prices(home: Path) -> list[Price]:
    """Return all prices in the order in which they are looked through: a person's own, then the shipped ones.

    Raises:
        PriceError: the person's own file cannot be read.
    """
    return [*read_own_prices(home), *read_shipped()]


def read_own_prices(home: Path) -> list[Price]:
    """Return a person's own prices; raises PriceError, with file and line, where they cannot be read."""
    path = home / OWN
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise PriceError(f"{path} is no text in UTF-8; {FORM}, or remove the file.") from error
    except tomllib.TOMLDecodeError as error:
        raise PriceError(f"{path} is no TOML file: {str(error).rstrip('.')}; {FORM}, or remove the file.") from error
    rows = data.get("price", [])
    if (unknown := data.keys() - {"price"}) or not isinstance(rows, list):
        found = f"holds {min(unknown)!r}" if unknown else "holds a [price] table with single brackets"
        raise PriceError(f"{path}{_find_line(text, unknown)} {found}; {FORM}.")
    prices = []
    for number, row in enumerate(rows, 1):
        try:
            prices.append(_check_price(number, row))
        except PriceError as error:
            raise PriceError(f"{path}{_find_entry(text, number)}: {error}") from error
    return prices


def _find_entry(text: str, number: int) -> str:
    """Return where the entry of that number begins, as part of a sentence; nothing where it is written otherwise."""
    lines = [place for place, line in enumerate(text.splitlines(), 1) if _ENTRY.match(line)]
    return f", line {lines[number - 1]}" if len(lines) >= number else ""


def _find_line(text: str, names: Iterable[str]) -> str:
    """Return the line of the first of these names, of a ``[price]`` table where there is none, as ``_find_entry``."""
    wanted = min(names, default=None)
    pattern = re.compile(r"\s*\[\s*price\s*\]" if wanted is None else rf"[\s\[\"']*{re.escape(wanted)}\b")
    return next((f", line {place}" for place, line in enumerate(text.splitlines(), 1) if pattern.match(line)), "")


@cache
def read_shipped() -> tuple[Price, ...]:
    """Return the shipped list prices."""
    return tuple(check_prices(tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["price"]))


def write_prices(home: Path, rows: Iterable[Mapping[str, Any]]) -> list[Price]:
    """Write a person's own prices, all of them, and return them.

    Args:
        home: the workspace.
        rows: fields of ``Price`` each; an empty text or None leaves a field out. No date means today, save for an entry
            that stands in the file without one.

    Raises:
        PriceError: an entry cannot be right, or those that are there cannot be read; nothing is written then.
    """
    known = read_own_prices(home)
    prices = [price if price in known else _date(price) for price in check_prices(rows)]
    path = home / OWN
    text = _merge(path.read_text(encoding="utf-8") if path.exists() else _HEAD, known, prices)
    home.mkdir(parents=True, exist_ok=True)
    part = home / f".{OWN}.{os.getpid()}.part"
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return prices


def set_price(home: Path, row: Mapping[str, Any]) -> Price:
    """Put a price before all others of a person's own, in place of the one of the same model and host; returns it.

    Raises:
        PriceError: it cannot be right, or the others cannot be read; nothing is written then.
    """
    price = _date(*check_prices([row]))
    others = [each for each in read_own_prices(home) if (each.model, each.host) != (price.model, price.host)]
    return write_prices(home, map(asdict, [price, *others]))[0]


def _date(price: Price) -> Price:
    """Return a price with the day of today where it has none."""
    return price if price.date else replace(price, date=date.today().isoformat())


def _merge(text: str, known: Sequence[Price], prices: Sequence[Price]) -> str:
    """Return a file with other prices: entries that stay are left as written, and the comments above each stay with it.

    Args:
        text: the file as it is.
        known: prices that it holds, in their order.
        prices: those that it is to hold.
    """
    head, entries, tail = _split(text)
    if len(entries) != len(known):  # they are written in a way that cannot be taken apart by lines
        head, entries, tail, known = _HEAD, [], "", ()
    above = {(price.model, price.host): comments for price, (comments, _) in zip(known, entries, strict=True)}
    kept = {price: comments + lines for price, (comments, lines) in zip(known, entries, strict=True)}
    blocks = [
        kept.get(price) or f"{above.get((price.model, price.host), '')}[[price]]\n{''.join(_write_fields(price))}"
        for price in prices
    ]
    return "\n".join(filter(None, (head.rstrip("\n") + "\n" if head.strip() else "", *blocks, tail)))


def _split(text: str) -> tuple[str, list[tuple[str, str]], str]:
    """Return what is above all entries of a file, the comments above each and its lines, and what is below them all."""
    lines = [f"{line}\n" for line in text.rstrip("\n").split("\n")]
    starts = [place for place, line in enumerate(lines) if _ENTRY.match(line)]
    if not starts:
        return text, [], ""
    begin = next((place for place in range(starts[0], 0, -1) if not lines[place - 1].strip()), 0)
    head, entries = "".join(lines[:begin]), []
    for start, after in pairwise([*starts, len(lines)]):
        end = next(place for place in range(after, start, -1) if not _EMPTY.match(lines[place - 1]))
        entries.append(("".join(lines[begin:start]).lstrip("\n"), "".join(lines[start:end])))
        begin = end
    return head, entries, "".join(lines[begin:]).lstrip("\n")


def _write_fields(price: Price) -> Iterable[str]:
    for name, value in asdict(price).items():
        if value is not None and value != "":
            yield f"{name} = {json.dumps(value, ensure_ascii=False)}\n"


def check_prices(rows: Iterable[Mapping[str, Any]]) -> list[Price]:
    """Return the prices that these fields say; raises PriceError with one sentence for the first that cannot be."""
    return [_check_price(number, row) for number, row in enumerate(rows, 1)]


def _check_price(number: int, row: Mapping[str, Any]) -> Price:
    place = f"Price {number}"
    if not isinstance(row, Mapping):
        raise PriceError(f"{place} is no table of fields such as model, input and output.")
    fields = {name: value for name, value in row.items() if value is not None and value != "" and value == value}
    if unknown := fields.keys() - Price.__dataclass_fields__.keys():
        known = ", ".join(Price.__dataclass_fields__)
        raise PriceError(f"{place} has a field {min(unknown)!r} that there is not; known: {known}.")
    for name in ("model", "host", "date", "source"):
        if name in fields:
            fields[name] = _check_text(place, name, fields[name])
    if "model" not in fields:
        raise PriceError(f"{place} names no model; give its name, or * for every model of the host.")
    place = f"The price of {fields['model']}"
    if "host" in fields:
        fields["host"] = _clean_host(place, fields["host"])
    for name in ("input", "output", "cached_input"):
        if name in fields:
            fields[name] = _check_amount(place, name, fields[name])
        elif name != "cached_input":
            raise PriceError(f"{place} has no {name}; give US dollars for a million tokens, 0 where nothing is paid.")
    if "date" in fields:
        try:
            date.fromisoformat(fields["date"])
        except ValueError:
            raise PriceError(f"{place} has the date {fields['date']!r}; write it as 2026-01-31.") from None
    return Price(**fields)


def _check_text(place: str, name: str, value: Any) -> str:
    if isinstance(value, date):  # TOML has dates of its own
        return value.isoformat()
    if not isinstance(value, str) or not value.strip().isprintable():
        raise PriceError(f"{place} has a {name} that is no plain text.")
    return value.strip()


def _clean_host(place: str, text: str) -> str:
    """Return the host, and the port where there is one, of what may be a whole address."""
    host = text.partition("://")[2] if "://" in text else text
    host = re.split(r"[/?#]", host, maxsplit=1)[0].rpartition("@")[2].lower()
    if not host or " " in host or host.endswith(":"):
        raise PriceError(f"{place} has the host {text!r}; write it as api.openai.com or localhost:8000, or * for any.")
    return host


def _check_amount(place: str, name: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:
        raise PriceError(f"{place} has {value!r} as {name}; give US dollars for a million tokens, at least 0.")
    return float(value)


def word_price(price: Price) -> str:
    """Return a price as part of a sentence: ``$0.150 in and $0.600 out for a million tokens (2025-07-04, SOURCE)``."""
    cached = "" if price.cached_input is None else f", {word_usd(price.cached_input)} in from the server's cache"
    told = ", ".join(filter(None, (price.date, price.source)))
    amounts = f"{word_usd(price.input)} in and {word_usd(price.output)} out{cached} for a million tokens"
    return f"{amounts} ({told})" if told else amounts


def word_usd(amount: float) -> str:
    """Return an amount for a sentence: cents from a dollar on, three digits that count below."""
    if amount >= 1 or amount == 0:
        return f"${amount:,.2f}"
    digits = min(9, 2 - math.floor(math.log10(amount)))
    return f"${amount:.{digits}f}"
