"""Experiments as files: which recipes with which settings, how often, from which seeds.

A file is TOML::

    title = "Active against random"
    seed_set = "word_problems"          # a built-in seed set, or a file beside this one
    test = "more_pens.jsonl"            # and validation: files in place of the seed set's own; may be left out
    benchmarks = ["maths/test"]         # other test sets, as ``evaluate`` names them; may be left out
    student = "tiny"
    replicates = 5                      # or a list of numbers

    [teacher]                           # may be left out: the built-in one; see core.teacher.roles
    base_url = "http://127.0.0.1:8000/v1"
    model = "a-model"

    [roles.judge]                       # who judges, where it is another one
    student = "tiny"

    [common]                            # settings of every arm that has them
    accepted = 75
    rounds = 4

    [[arm]]
    recipe = "active"
    selector = ["random", "loss_high"]  # a list makes an arm of each value; several lists, of each combination
    student = ["tiny", "models/mine"]   # an arm may have another student than the experiment

This file knows nothing of runs; ``experiment.py`` carries one out.
"""

import itertools
import json
import math
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.recipes.recipes import RECIPES, make_recipe
from core.setting_types import find_misfit
from core.teacher.budget import read_budget
from core.teacher.roles import BUILT_IN, read_roles

MOST_REPLICATES = MOST_ARMS = 100
KEYS = (
    "title",
    "seed_set",
    "validation",
    "test",
    "benchmarks",
    "student",
    "teacher",
    "roles",
    "replicates",
    "common",
    "arm",
)


@dataclass(frozen=True, slots=True)
class ArmOptions:
    """What an arm of any recipe may have beside its settings."""

    student: str | None = None
    """Another one than the experiment's; none: that one."""

    budget_tokens: int | None = None
    """Tokens of the teacher, in and out, judging included and as if nothing were cached, after which no more is asked;
    none: no limit."""

    budget_usd: float | None = None
    """US dollars paid to the teacher, likewise."""

    def make_budget(self) -> dict[str, float | None] | None:
        """Return the budget as a configuration has it, None for no limit; raises TeacherError for one that is none."""
        budget = {"tokens": self.budget_tokens, "usd": self.budget_usd}
        return budget if read_budget(budget) != (None, None) else None


OPTIONS = frozenset(each.name for each in fields(ArmOptions))


@dataclass(frozen=True, slots=True)
class Arm:
    """One method of an experiment."""

    name: str
    """What sets it apart from the other arms, in a few words."""

    recipe: str
    settings: Mapping[str, Any]
    options: ArmOptions = ArmOptions()


@dataclass(frozen=True, slots=True)
class Experiment:
    """Recipes by settings by replicates."""

    title: str
    seed_set: str
    """Name of a built-in seed set, or a file's path."""

    student: str
    replicates: tuple[int, ...]
    arms: tuple[Arm, ...]
    validation: str | None = None
    """File of validation problems; None: the seed set's own."""

    test: str | None = None
    """File of test problems; None likewise."""

    teacher: str | Mapping[str, Any] = BUILT_IN
    """Who is asked, and ``roles`` who else in a role of its own, see ``core.teacher.roles``."""

    roles: Mapping[str, Any] = field(default_factory=dict)
    benchmarks: tuple[str, ...] = ()
    """Other sets that every arm is tested on, and near whose questions nothing is trained on."""


def read_experiment(path: Path) -> Experiment:
    """Return the experiment of a file; raises RunError, in one sentence, where there is none in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RunError(f"There is no file {path}; name the TOML file of an experiment.") from None
    except UnicodeDecodeError:
        raise RunError(f"{path} is no text file; name the TOML file of an experiment.") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}; name the TOML file of an experiment.") from error
    found = make_experiment(read_toml(text, str(path)), path.stem)
    given = {name: getattr(found, name) for name in ("seed_set", "validation", "test")}
    beside = {name: _resolve(path.parent, file) for name, file in given.items() if file is not None}
    return replace(found, **beside, benchmarks=tuple(_resolve(path.parent, name) for name in found.benchmarks))


def read_toml(text: str, name: str) -> dict[str, Any]:
    """Return what a TOML text holds; raises RunError, with the line where it is wrong, for what is none.

    Args:
        text: of the file.
        name: what the text is called in the sentence.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).removesuffix(")").partition(" (at ")
        number = int(found[1]) if (found := re.match(r"line (\d+)", place)) else len(text.splitlines())
        line = next(iter(text.splitlines()[number - 1 :]), "").strip()
        shown = f"line {number}, {line[:60]!r}" if line else f"line {number}"
        raise RunError(
            f"{name} is no TOML at {shown}: {reason[:1].lower()}{reason[1:]}; a setting is written as name = value, a "
            "text in quotation marks, a list in brackets."
        ) from error


def _resolve(folder: Path, name: str) -> str:
    """Return the whole path of a file beside an experiment's own (``BENCHMARK=FILE`` too); else the name as it is."""
    benchmark, sign, file = name.rpartition("=")
    place = folder / file
    return f"{benchmark}{sign}{place.resolve()}" if place.is_file() else name


def make_experiment(content: Mapping[str, Any], name: str) -> Experiment:
    """Return the experiment that a table describes; raises RunError for what cannot be.

    Args:
        content: as read from TOML.
        name: its title where it has none.
    """
    if unknown := sorted(set(content) - set(KEYS)):
        raise RunError(f"An experiment has no {unknown[0]!r}; it has: {', '.join(KEYS)}.")
    for key, usual in (("seed_set", None), ("student", "tiny"), ("title", name)):
        if not isinstance(content.get(key, usual), str):
            raise RunError(f"An experiment needs {key}, as a text.")
        if not content.get(key, usual).strip():
            raise RunError(f"The {key.replace('_', ' ')} of an experiment is empty; write one, or leave the line out.")
    for key in ("validation", "test"):
        if not isinstance(content.get(key, ""), str):
            raise RunError(f"{key} must be the name of a file.")
    benchmarks = content.get("benchmarks", [])
    if not isinstance(benchmarks, list) or not all(isinstance(each, str) for each in benchmarks):
        raise RunError('benchmarks must be a list of names, such as ["maths/test"].')
    teacher, roles = content.get("teacher", BUILT_IN), content.get("roles", {})
    read_roles({"teacher": teacher, "roles": roles})
    tables, common = content.get("arm"), content.get("common", {})
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise RunError("An experiment needs at least one [[arm]].")
    if not isinstance(common, dict):
        raise RunError("[common] must be a table of settings.")
    for table in tables:
        if not isinstance(table.get("recipe", "active"), str):
            raise RunError("The recipe of an [[arm]] must be one name; write another [[arm]] for another recipe.")
    known = {name for table in tables for name in _list_settings(table.get("recipe", "active"))}
    if unread := sorted(set(common) - known):
        raise RunError(f"No arm has the setting {unread[0]!r} of [common]; they have: {', '.join(sorted(known))}.")
    return Experiment(
        content.get("title", name),
        content["seed_set"],
        content.get("student", "tiny"),
        _read_replicates(content.get("replicates", 1)),
        name_arms([arm for table in tables for arm in _expand(table, common)]),
        content.get("validation"),
        content.get("test"),
        teacher,
        roles,
        tuple(benchmarks),
    )


def _read_replicates(value: Any) -> tuple[int, ...]:
    """Return the numbers of the replicates: 0 to n - 1, or those of a list."""
    numbers = list(range(min(value, MOST_REPLICATES + 1))) if type(value) is int else value
    is_right = isinstance(numbers, list) and all(type(each) is int and each >= 0 for each in numbers)
    if not is_right or not 0 < len(numbers) <= MOST_REPLICATES:
        raise RunError(f"replicates must be a number from 1 to {MOST_REPLICATES}, or a list of numbers, not {value!r}.")
    if (twice := next((each for each in numbers if numbers.count(each) > 1), None)) is not None:
        raise RunError(f"replicates names {twice} twice; each number is one replicate, so name it once.")
    return tuple(sorted(numbers))


def _expand(table: Mapping[str, Any], common: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return recipe and settings of every combination that a table's lists make."""
    recipe = table.get("recipe", "active")
    known = _list_settings(recipe)
    shared = {name: value for name, value in common.items() if name in known}
    own = {name: value for name, value in table.items() if name != "recipe"}
    settings = {**own, **{name: value for name, value in shared.items() if name not in own}}
    choices = [value if isinstance(value, list) else [value] for value in settings.values()]
    if math.prod(map(len, choices)) not in range(1, MOST_ARMS + 1):
        raise RunError(
            f"The lists of an [[arm]] must make 1 to {MOST_ARMS} arms, not {math.prod(map(len, choices)):,}."
        )
    made = [dict(zip(settings, values, strict=True)) for values in itertools.product(*choices)]
    for each in made:
        make_recipe(recipe, _leave_out(each, OPTIONS))
        options = {name: each[name] for name in OPTIONS & set(each)}
        if (misfit := find_misfit(ArmOptions(), options)) is not None:
            raise RunError(f"An [[arm]]: {misfit}.")
        ArmOptions(**options).make_budget()
    return [(recipe, each) for each in made]


def _list_settings(recipe: str) -> set[str]:
    """Return what an arm of a recipe may have: the recipe's settings, and what any arm may have."""
    return {each.name for each in fields(RECIPES.get(recipe))} | OPTIONS


def _leave_out(settings: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in names}


def name_arms(arms: Sequence[tuple[str, dict[str, Any]]]) -> tuple[Arm, ...]:
    """Return the arms, each called by the values that are not the same in all of them; a repeated one is an error."""
    keys = list(dict.fromkeys(key for _, settings in arms for key in settings))
    own = {recipe: _list_settings(recipe) for recipe, _ in arms}
    told = [
        key for key in keys if len({repr(settings.get(key)) for recipe, settings in arms if key in own[recipe]}) > 1
    ]
    has_recipes = len({recipe for recipe, _ in arms}) > 1
    named = []
    for recipe, settings in arms:
        words = [recipe] if has_recipes else []
        words += [_say(key, settings[key]) for key in told if key in settings]
        options = ArmOptions(**{key: value for key, value in settings.items() if key in OPTIONS})
        named.append(Arm(", ".join(words) or recipe, recipe, _leave_out(settings, OPTIONS), options))
    names = [arm.name for arm in named]
    if twice := next((arm for arm in named if names.count(arm.name) > 1), None):
        usual = twice.settings.get(RECIPES.get(twice.recipe).varies or "") if twice.name == twice.recipe else None
        raise RunError(f"The arm {(usual or twice.name)!r} is there twice; leave one out, or change a setting.")
    return tuple(_find_checked(arm, named[:number]) for number, arm in enumerate(named))


def _say(key: str, value: Any) -> str:
    """Return a setting in a word: of a text the text itself, of a switch its name, of anything else both."""
    name = key.replace("_", " ")
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return value if isinstance(value, str) else f"{name} {value}"


def _find_checked(arm: Arm, earlier: Sequence[Arm]) -> Arm:
    """Return an arm with the whole name of the earlier arm whose loop it checks, where it gives a part of that name.

    A whole name comes before one of its parts between commas, and that before any other piece of it. What is none may
    be the id of a run, which only a home can tell. Raises RunError where several arms are meant.
    """
    of = arm.settings.get("of")
    names = [each.name for each in earlier if "of" not in each.settings]
    if not of or of in names:
        return arm
    found = [name for name in names if of in name.split(", ")] or [name for name in names if of in name]
    if len(found) > 1:
        raise RunError(f"of = {of!r} may be each of these arms: {', '.join(map(repr, found))}; write more of the name.")
    return replace(arm, settings={**arm.settings, "of": found[0]}) if found else arm


def write_experiment(
    title: str,
    seed_set: str,
    recipe: str,
    values: Sequence[str],
    *,
    accepted: int,
    rounds: int,
    replicates: int,
    is_checked: bool = False,
) -> str:
    """Return the file of a simple experiment: one recipe, an arm for each value of the setting that it varies.

    Args:
        title: one line for people.
        seed_set: a built-in one, the name or id of an imported one, or a file.
        recipe: registry name.
        values: of the recipe's ``varies``.
        accepted: candidates, or problems, a round.
        rounds: of every arm.
        replicates: how often.
        is_checked: with an arm for each of these that checks its steerability.
    """
    known = {each.name for each in fields(RECIPES.get(recipe))}
    common = {"accepted": accepted, "rounds": rounds}
    lines = [
        f"title = {_quote(title)}",
        f"seed_set = {_quote(seed_set)}",
        'student = "tiny"',
        f"replicates = {replicates}",
    ]
    lines += ["", "[common]", *(f"{name} = {value}" for name, value in common.items() if name in known)]
    listed = ", ".join(map(_quote, values))
    lines += ["", "[[arm]]", f"recipe = {_quote(recipe)}", f"{RECIPES.get(recipe).varies} = [{listed}]"]
    if is_checked:
        lines += ["", "[[arm]]", 'recipe = "steerability"', f"of = [{listed}]"]
    return "\n".join([*lines, ""])


def _quote(text: str) -> str:
    """Return a text as TOML has it: its basic strings are those of JSON, but for the sign DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
