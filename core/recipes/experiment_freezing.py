"""What an experiment amounts to in a home: looked through without leaving anything behind, then made a configuration.

What cannot be is said before anything is imported or queued. ``experiment.py`` carries out what this freezes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.datasets import BUILT_IN as SHIPPED_SETS
from core.datasets import ensure_seed_set, load_problems, preview_file
from core.datasets.reading import read_rows
from core.datasets.seed_set import BUILT_IN_MAPPING, list_built_in
from core.errors import DataFormatError, RunError, TeacherError
from core.evaluation.benchmarks import BENCHMARKS
from core.evaluation.sets import check_set, find_imported, find_set, list_imports, look_at_file
from core.generation.base import METHODS
from core.generation.grow import first_sample_index
from core.generation.preview import preview_calls
from core.models.student import is_at_hand, require_fetchable
from core.paths import expand
from core.recipes.answering import METHOD, SeedAnswers
from core.recipes.experiment_file import Arm, Experiment
from core.recipes.growing import make_brief, make_draw
from core.recipes.recipes import make_recipe
from core.recipes.stages import TESTED
from core.recipes.start import require_model
from core.recipes.steerability import require_same_seeds
from core.recipes.teachers import check_team, choose_prices
from core.records import Problem
from core.runs.folder import RunFolder
from core.tasks import TASKS
from core.teacher.budget import bound_input, read_budget
from core.teacher.roles import BUILT_IN, read_roles

N_LOOKED_AT = 20
"""Seeds that the first requests are made of, to tell whether a budget allows any."""


def check_experiment(home: Path, experiment: Experiment) -> list[str]:
    """Look an experiment through; nothing is imported, sent or fetched.

    Returns:
        What may not be as it was meant, a sentence each: students that this machine does not have yet.

    Raises:
        SeedbedError: there is no such seed set, file, test set or student, an arm has a setting that cannot be, or its
            budget allows not one request.
    """
    with _hold_seed_set(home, experiment) as (seed_set, problems):
        refuse_names([_check_test(home, each, experiment) for each in dict.fromkeys(experiment.benchmarks)])
        config = {"seed_set": seed_set, "student": require_model(experiment.student), **_name_teachers(experiment)}
        arms = [describe_arm(arm) for arm in experiment.arms]
        _check_steerability(home, arms, seed_set)
        for arm in arms:
            made = make_arm_config(home, config, arm, experiment.replicates[0])
            check_team(home, made)
            _check_budget(home, arm["name"], made, problems)
    students = dict.fromkeys(arm.options.student or experiment.student for arm in experiment.arms)
    return [
        f"There is no folder {name!r} and no such model on this machine: it will be fetched from the hub, so a wrong "
        "name is found only then."
        for name in students
        if not is_at_hand(name)
    ]


def require_students(experiment: Experiment) -> None:
    """Raise ModelLoadError where a student is neither on this machine nor on the hub; each arm would find it out."""
    for name in dict.fromkeys(arm.options.student or experiment.student for arm in experiment.arms):
        require_fetchable(name)


def freeze_experiment(home: Path, experiment: Experiment) -> dict[str, Any]:
    """Return the configuration of an experiment, its seed set imported where it is not there yet.

    Raises:
        SeedbedError: as ``check_experiment``, or the hub does not give a benchmark.
    """
    check_experiment(home, experiment)
    tests = list(dict.fromkeys(experiment.benchmarks))
    for name in tests:
        if name in BENCHMARKS:
            find_set(home, name)  # the one thing that may still fail comes before anything is imported
    seed_set = find_or_import(home, experiment)
    config = {
        "seed_set": seed_set,
        "seed_set_name": RunFolder(home / "runs" / seed_set).config["name"],
        "student": require_model(experiment.student),
        "replicates": list(experiment.replicates),
        "arms": [describe_arm(arm) for arm in experiment.arms],
    }
    _check_steerability(home, config["arms"], seed_set)
    if tests:
        config["asked_sets"] = [describe_test(home, name, seed_set) for name in tests]
        refuse_names([each["name"] for each in config["asked_sets"]])
    return config | _name_teachers(experiment)


def _name_teachers(experiment: Experiment) -> dict[str, Any]:
    """Return teacher and roles as a configuration has them; nothing where all is built in."""
    if experiment.teacher == BUILT_IN and not experiment.roles:
        return {}
    return {"teacher": experiment.teacher, "roles": dict(experiment.roles)}


# -- the seed set ----------------------------------------------------------------------------------------------------


@contextmanager
def _hold_seed_set(home: Path, experiment: Experiment) -> Iterator[tuple[str, list[Problem]]]:
    """Yield what stands for the seed set, and its first seeds.

    Of one that is not imported yet a stand-in that knows its name and task is made elsewhere, and named by its whole
    path: what joins that to a home's runs gets the path itself.
    """
    files = {"validation": experiment.validation, "test": experiment.test}
    is_file = expand(experiment.seed_set).is_file()
    if not is_file and not any(files.values()) and experiment.seed_set not in SHIPPED_SETS:
        found = find_imported(home, experiment.seed_set)
        if found is None:
            raise DataFormatError(_say_unknown(home, experiment.seed_set))
        yield found, load_problems(home, found, ["train"])[:N_LOOKED_AT]
        return
    for file in filter(None, files.values()):
        read_rows(expand(file), n_max=1)  # says in one sentence what is wrong
    if is_file:
        name, seen = expand(experiment.seed_set).stem, look_at_file(expand(experiment.seed_set))
    elif experiment.seed_set in SHIPPED_SETS:
        name = experiment.seed_set
        seen = preview_file(list_built_in(name)["train"], name, BUILT_IN_MAPPING)
    else:
        named = repr(experiment.seed_set)
        raise DataFormatError(f"validation and test go with a built-in seed set or a file, and {named} is neither.")
    with TemporaryDirectory() as place:
        about = {"name": name, "task": seen.task}
        stand_in = RunFolder.create(Path(place), "import", title=name, config=about, lane="light", starts_itself=True)
        yield str(stand_in.path), seen.problems


def _say_unknown(home: Path, name: str) -> str:
    imported = list(dict.fromkeys(each["name"] for _, each in list_imports(home) if each["name"] not in SHIPPED_SETS))
    here = f"; imported here: {', '.join(imported)}" if imported else ""
    return f"There is no seed set {name!r}: no such file; built-in: {', '.join(SHIPPED_SETS)}{here}."


def find_or_import(home: Path, experiment: Experiment) -> str:
    """Return the id of an experiment's seed set: one of this home by name or id, else a file, imported here."""
    files = {"validation": experiment.validation, "test": experiment.test}
    if not any(files.values()) and not Path(experiment.seed_set).is_file():
        found = find_imported(home, experiment.seed_set)
        if found is not None:
            return found
    return ensure_seed_set(home, experiment.seed_set, **files)


# -- other test sets -------------------------------------------------------------------------------------------------


def _check_test(home: Path, name: str, experiment: Experiment) -> str:
    """Return what a test set will be called; raises as ``describe_test`` does, as far as that can be told before."""
    called = check_set(home, name)
    is_own = experiment.seed_set in (name, name.rpartition("/")[0]) and not (experiment.validation or experiment.test)
    if is_own and experiment.seed_set in SHIPPED_SETS:
        _refuse_own(name)
    return called


def describe_test(home: Path, name: str, seed_set: str) -> dict[str, Any]:
    """Return a test set as a configuration keeps it; raises what ``find_set`` raises, RunError for one's own seeds."""
    found = find_set(home, name)
    if found.seed_set == seed_set:
        _refuse_own(name)
    return {"name": found.name, "seed_set": found.seed_set, "task": found.task, "splits": list(found.splits)}


def _refuse_own(name: str) -> None:
    raise RunError(f"{name} is the experiment's own seed set, whose test problems are asked anyway; leave it out.")


def refuse_names(names: Sequence[str]) -> None:
    """Raise RunError for test sets that could not be told apart: two of one name, or one called as a split is."""
    for name in names:
        if name in TESTED or names.count(name) > 1:
            raise RunError(f"Two test sets would be called {name!r}; rename the file, or leave one out.")


# -- arms ------------------------------------------------------------------------------------------------------------


def describe_arm(arm: Arm) -> dict[str, Any]:
    """Return an arm as a configuration keeps it."""
    own = {"student": require_model(arm.options.student)} if arm.options.student is not None else {}
    budget = arm.options.make_budget()
    own |= {"budget": budget} if budget is not None else {}
    return {"name": arm.name, "recipe": arm.recipe, "settings": dict(arm.settings), **own}


def make_arm_config(
    home: Path, experiment: Mapping[str, Any], arm: Mapping[str, Any], replicate: int
) -> dict[str, Any]:
    """Return the configuration of one arm's run in one replicate; a recipe that brings its own teacher keeps it."""
    recipe = make_recipe(arm["recipe"], arm["settings"])
    student = arm.get("student", experiment["student"])
    config = recipe.make_config(home, experiment["seed_set"], student, replicate)
    if "budget" in arm:
        config["budget"] = arm["budget"]
    if sets := experiment.get("asked_sets"):
        known = [*config.get("benchmarks", ()), *(each["seed_set"] for each in sets)]
        config |= {"asked_sets": sets, "benchmarks": list(dict.fromkeys(known))}
    has_own = config.get("teacher", BUILT_IN) != BUILT_IN
    named = {name: experiment[name] for name in ("teacher", "roles") if name in experiment}
    return {**config, **{name: value for name, value in named.items() if name == "roles" or not has_own}}


def _check_steerability(home: Path, arms: Sequence[Mapping[str, Any]], seed_set: str) -> None:
    """Raise RunError for an arm that checks no arm before it, and no run on the same seeds.

    Args:
        home: the workspace.
        arms: of ``describe_arm``.
        seed_set: of the experiment, or what stands for it.
    """
    earlier: list[str] = []
    for number, arm in enumerate(arms):
        of = arm["settings"].get("of")
        if of is not None and of not in earlier:
            if not (home / "runs" / of / "run.json").exists():
                loops = [repr(each["name"]) for each in arms[:number] if "of" not in each["settings"]]
                before = f"before it stand: {', '.join(loops)}" if loops else "no arm stands before it"
                what = f"{arm['name']!r} checks {of!r}, which is no arm before it and no run of this home"
                raise RunError(f"{what}; {before}.")
            name, is_imported = RunFolder(home / "runs" / seed_set).config["name"], not Path(seed_set).is_absolute()
            require_same_seeds(RunFolder(home / "runs" / of), name, seed_set if is_imported else None)
        earlier.append(arm["name"])


def _check_budget(home: Path, name: str, config: Mapping[str, Any], problems: Sequence[Problem]) -> None:
    """Raise RunError for a budget that allows not even the first request of an arm."""
    tokens, usd = read_budget(config.get("budget"))
    asks_nobody = config.get("data") == "seeds" or config.get("who") == "student"
    if (tokens is None and usd is None) or asks_nobody:
        return
    least, least_usd = _bound_request(home, config, problems)
    if tokens is not None and least > tokens:
        limit, most, setting = f"{tokens:,} tokens", f"take {least:,}", "budget_tokens"
    elif usd is not None and least_usd > usd:
        limit, most, setting = f"${usd:g}", f"cost ${least_usd:.2g}", "budget_usd"
    else:
        return
    raise RunError(
        f"The budget of {limit} allows not one request to the teacher: one alone could {most} in {name!r}; raise "
        f"{setting}."
    )


def _bound_request(home: Path, config: Mapping[str, Any], problems: Sequence[Problem]) -> tuple[int, float]:
    """Return the tokens and the US dollars that the smallest of the first requests could take.

    0 where that cannot be told.
    """
    method = SeedAnswers() if config["method"] == METHOD else METHODS.get(config["method"])
    brief, roles = make_brief(config, TASKS.get(config["task"]), problems, ""), read_roles(config)
    draw, index = make_draw({"turn": 1, **config}), first_sample_index(config["replicate"], 1)
    requests = []
    with suppress(TeacherError):  # fewer seeds than a call needs: it is said where they are drawn
        requests = [each.call.request for each in preview_calls(problems, brief, method, draw, N_LOOKED_AT, index)]
    prices = choose_prices(home, roles)
    tokens, dollars = [], []
    for request in requests:
        spec = roles[request.purpose]
        n_input, n_output = bound_input(spec.apply(request)), spec.apply(request).max_tokens
        price = prices.get(str(spec.endpoint))
        tokens.append(n_input + n_output)
        dollars.append(price.worst(n_input, n_output) if price else 0.0)
    return min(tokens, default=0), min(dollars, default=0.0)
