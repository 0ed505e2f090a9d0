"""Opens the teachers that a run asks for: every reply goes through the cache, every call into the run's ledger.

What a configuration says of them (``teacher``, ``roles``, ``budget``, ``error_stop``) is described in
``core.teacher.roles``, ``core.teacher.budget`` and ``core.teacher.stopping``.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.cache import Cache
from core.errors import TeacherError
from core.lines import read_all
from core.models.adapters import check_fit
from core.models.student import check_source
from core.recipes.pushbacks import PushbackRecord
from core.runs.folder import RunFolder
from core.runs.whole_files import write_json
from core.teacher.budget import Budget, read_budget
from core.teacher.builtin import BuiltInTeacher
from core.teacher.ledger import Ledger
from core.teacher.prices import Price, find_price, read_prices
from core.teacher.roles import Spec, read_roles, read_spec
from core.teacher.stopping import read_stop_rule
from core.teacher.team import Team, make_team

PRICES = "prices.json"
"""File in a run folder: the prices that its costs are reckoned with, written when its teachers are first opened."""


def check_teacher(teacher: str | Mapping[str, Any]) -> None:
    """Raise UnknownNameError or TeacherError for a spec that names no teacher, ModelLoadError for one without model."""
    spec = read_spec(teacher)
    if spec.student is not None:
        check_source(spec.student)


def check_team(home: Path, config: Mapping[str, Any]) -> None:
    """Raise what would keep a run from opening its teachers, before it waits in the queue; nothing is sent.

    Raises:
        UnknownNameError: no such teacher, role or field.
        TeacherError: a value cannot be right, or a budget in dollars meets a price that nobody knows.
        PriceError: the person's own prices cannot be read.
        ModelLoadError: a local student that there is not, or an adapter that is not there or not that student's.
    """
    roles = read_roles(config)
    read_stop_rule(config.get("error_stop"))
    for spec in roles.values():
        if spec.student is not None:
            check_source(spec.student)
        if spec.student is not None and spec.adapter is not None:
            check_fit(spec.student, home / spec.adapter)
        if spec.endpoint is not None:
            spec.endpoint.read_key()
    _require_prices(config, choose_prices(home, roles))


@contextmanager
def open_teacher(
    home: Path, teacher: str | Mapping[str, Any], *, budget: Mapping[str, float | None] | None = None
) -> Iterator[Team]:
    """Yield a teacher behind the reply cache of the home, with the usual error stop; its ledger is kept nowhere.

    Args:
        home: the workspace.
        teacher: a spec, see ``core.teacher.roles``.
        budget: ``tokens`` and ``usd``, either of them or both, as a run's configuration has it; None: no limits.

    Raises:
        UnknownNameError: no such name.
        TeacherError: the spec or the budget cannot be right, or dollars are to be counted without a price.
        PriceError: the person's own prices cannot be read.
    """
    roles = read_roles({"teacher": teacher})
    limits, prices = read_budget(budget), choose_prices(home, roles)
    _require_prices({"budget": budget}, prices)
    with ExitStack() as stack:
        cache = stack.enter_context(Cache(home / "cache" / "replies"))
        yield make_team(
            roles,
            cache,
            home=home,
            builtin=BuiltInTeacher,
            price_of=lambda model, base_url: prices[f"{model} at {base_url}"],
            budget=Budget(*limits),
            on_close=stack.callback,
        )


@contextmanager
def open_team(folder: RunFolder) -> Iterator[Team]:
    """Yield the teachers of a run, each role's requests going to who its configuration names.

    Their ledger is the run's table ``calls``, and where servers push back, that is kept beside it. Prices are those of
    the first time: a later edit changes no run's cost.

    Raises:
        what ``check_team`` raises.
    """
    config, home = {**folder.config, "budget": folder.read_budget()}, folder.path.parent.parent
    roles = read_roles(config)
    prices = _freeze_prices(folder, home, roles)
    _require_prices(config, prices)
    earlier = read_all(folder.path / "records" / "calls.jsonl")

    def write(line: Mapping[str, Any]) -> None:
        folder.append("calls", line)
        pushbacks.look()

    ledger = Ledger(write, folder.attempt, earlier)
    budget = Budget(*read_budget(config.get("budget")), spent=ledger.charged)
    with ExitStack() as stack:
        cache = stack.enter_context(Cache(home / "cache" / "replies"))
        team = make_team(
            roles,
            cache,
            home=home,
            builtin=BuiltInTeacher,
            price_of=lambda model, base_url: prices[f"{model} at {base_url}"],
            ledger=ledger,
            budget=budget,
            rule=read_stop_rule(config.get("error_stop")),
            on_close=stack.callback,
        )
        pushbacks = PushbackRecord(folder, team.snapshot_throttles)
        stack.callback(pushbacks.keep)
        yield team


def choose_prices(home: Path, roles: Mapping[str, Spec]) -> dict[str, Price | None]:
    """Return ``MODEL at BASE_URL`` -> price for every server of these roles; None: unknown."""
    endpoints = [spec.endpoint for spec in roles.values() if spec.endpoint is not None]
    table = read_prices(home) if endpoints else []
    return {str(each): find_price(each.model, each.base_url, table) for each in endpoints}


def read_frozen_prices(folder: RunFolder) -> dict[str, Price | None] | None:
    """Return ``MODEL at BASE_URL`` -> price that a run's costs are reckoned with; None where it was never opened."""
    path = folder.path / PRICES
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {name: Price(**fields) if fields else None for name, fields in kept.items()}


def _freeze_prices(folder: RunFolder, home: Path, roles: Mapping[str, Spec]) -> dict[str, Price | None]:
    """Return the prices of a run: those of its first time, chosen now where this is it."""
    if (kept := read_frozen_prices(folder)) is not None:
        return kept
    prices = choose_prices(home, roles)
    if prices:
        write_json(folder.path / PRICES, {name: asdict(price) if price else None for name, price in prices.items()})
    return prices


def _require_prices(config: Mapping[str, Any], prices: Mapping[str, Price | None]) -> None:
    """Raise TeacherError where a budget in dollars cannot be kept, as nobody knows what a model costs."""
    _, usd = read_budget(config.get("budget"))
    unknown = [name for name, price in prices.items() if price is None]
    if usd is not None and unknown:
        raise TeacherError(
            f"The price of {unknown[0]} is unknown, so a budget in dollars cannot be kept; add it to your prices (0 "
            "where nothing is paid), or set a budget in tokens."
        )


def require_reachable(server: Mapping[str, str]) -> None:
    """Raise TeacherError where nothing answers at a server's address, before a run waits for it; 4 s at most."""
    from core.teacher.endpoint import Endpoint
    from core.teacher.reaching import find_connection_fault

    if (fault := find_connection_fault(Endpoint(**server))) is not None:
        raise TeacherError(fault)


def find_server(address: str, model: str | None, key_env: str | None) -> dict[str, str]:
    """Return ``base_url``, ``model`` and ``key_env`` of a server, asking it for its model where none is named.

    Where no variable is named, only OpenAI's own server is sent the key of OPENAI_API_KEY.

    Raises:
        TeacherError: the address is none, or the server has no model, or several to choose from.
    """
    from core.teacher.client import ChatClient
    from core.teacher.endpoint import DEFAULT_KEY_ENV, Endpoint

    if key_env is None:
        parts = urlsplit(address)
        is_openai = parts.scheme == "https" and f".{parts.hostname}".endswith(".openai.com")
        key_env = DEFAULT_KEY_ENV if is_openai else ""
    endpoint = Endpoint(address, model or "unknown", key_env)
    require_reachable({"base_url": endpoint.base_url, "model": endpoint.model, "key_env": key_env})
    if model is None:
        names = asyncio.run(ChatClient(endpoint, timeout_s=10.0).list_models())
        if not names:
            raise TeacherError(
                f"{endpoint.base_url} lists no models; name the one it has (--model, or --student-model and "
                "--teacher-model for `score`)."
            )
        if len(names) > 1:
            raise TeacherError(
                f"{endpoint.base_url} has several models; name one (--model, or --student-model and --teacher-model "
                f"for `score`): {', '.join(sorted(names)[:20])}."
            )
        (model,) = names
    return {"base_url": endpoint.base_url, "model": model, "key_env": key_env}
