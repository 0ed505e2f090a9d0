"""What an experiment will ask of its teacher: tokens by earlier runs of the same recipes, dollars by the price list.

How much is asked for an accepted candidate depends on the recipe and on what the selector has judged, little on who
is asked: so the runs of any teacher count, the built-in one's nominal tokens too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.recipes.experiment_file import Experiment
from core.recipes.experiment_rate import keep_alike
from core.recipes.recipes import RECIPES, make_recipe
from core.teacher.prices import Price, find_price


@dataclass(frozen=True, slots=True)
class Cost:
    """What is known of it before it begins."""

    n_input: float
    """Tokens that are sent, of all arms of all replicates of which something is known."""

    n_output: float
    n_runs: int
    """Earlier runs that it is reckoned from."""

    unknown: tuple[str, ...]
    """Arms of which nothing is known: no run of their recipe and selector has ended here."""

    usd: float | None
    """US dollars; None where the price of the teacher is not known, or roles ask somebody else."""


def estimate_cost(runs: pd.DataFrame, experiment: Experiment, prices: Sequence[Price]) -> Cost:
    """Return what all arms of all replicates will ask, as if nothing were answered from the cache.

    Args:
        runs: of ``list_run_tokens``.
        experiment: what is to be carried out.
        prices: in the order in which they are looked through.
    """
    n_input, n_output, used, unknown = 0.0, 0.0, set(), []
    for arm in experiment.arms:
        recipe = make_recipe(arm.recipe, arm.settings)
        n_wanted = recipe.accepted * recipe.rounds if hasattr(recipe, "rounds") else 0
        selector = getattr(recipe, "selector", None)
        own = runs[runs["kind"] == RECIPES.get(arm.recipe).kind]
        own = keep_alike(own[own["selector"] == selector] if selector else own, experiment.seed_set)
        if own.empty or not n_wanted:
            unknown.append(arm.name)
            continue
        used |= set(own["run_id"])
        n_input += n_wanted * own["n_input"].sum() / own["n_accepted"].sum()
        n_output += n_wanted * own["n_output"].sum() / own["n_accepted"].sum()
    tokens = tuple(len(experiment.replicates) * each for each in (n_input, n_output))
    return Cost(*tokens, len(used), tuple(unknown), _price(experiment, prices, *tokens))


def _price(experiment: Experiment, prices: Sequence[Price], n_input: float, n_output: float) -> float | None:
    if isinstance(experiment.teacher, str) or experiment.roles:
        return None
    price = find_price(experiment.teacher["model"], experiment.teacher["base_url"], prices)
    return None if price is None else price.worst(round(n_input), round(n_output))
