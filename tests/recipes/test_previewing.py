"""What a run would send and cost counts everything that it asks: with the sampling of its roles, filters included."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from core.datasets import ensure_seed_set, load_problems
from core.recipes.generating import make_generate_config
from core.recipes.previewing import USUAL_ACCEPTANCE, preview_run

SERVER = {"base_url": "http://localhost:1/v1", "model": "m", "key_env": ""}
PRICES = """
[[price]]
model = "m"
input = 1.0
output = 10.0

[[price]]
model = "dear"
input = 10.0
output = 100.0
"""


@pytest.fixture(scope="module")
def preview(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "prices.toml").write_text(PRICES, encoding="utf-8")
    seed_set = ensure_seed_set(home, "word_problems")
    seeds = [problem.problem_id for problem in load_problems(home, seed_set, ["train"])][:40]

    def make(counts=None, **choices):
        about = {"seed_set": seed_set, "seed_set_name": "pears", "task": "word_problems"}
        choices = {"teacher": SERVER, "filters": ["well_formed"], **choices}
        config = make_generate_config(home, about, n_accepted=40, **choices)
        runs = pd.DataFrame({"run_id": ["a"], "config": [json.dumps(config)]})
        store = SimpleNamespace(
            list_runs=lambda *_, **__: runs if counts else runs[:0],
            count_candidates=lambda _ids: counts,
            list_call_outputs=lambda _ids: [],
        )
        return preview_run(SimpleNamespace(settings=SimpleNamespace(home=home), store=store), config, seeds)

    return make


def test_what_filters_ask_is_counted_and_paid(preview):
    plain = preview()
    asked = preview(filters=["well_formed", "agrees"], filter_settings={"agrees": {"n_samples": 20}})
    n = plain.whole.n_candidates
    assert plain.whole.n_requests == 2 * n
    assert asked.whole.n_requests == 2 * n + round(n * (1 + USUAL_ACCEPTANCE) / 2 * 15)
    assert asked.usd.low > plain.usd.low and asked.usd.high > 4 * plain.usd.high
    wrong = {"method": "incorrect", "settings": {"form": "direct"}}
    assert preview(filters=["agrees"], **wrong).whole == preview(**wrong).whole, "nobody is to agree with wrong answers"


def test_every_role_is_priced_by_its_own_model(preview):
    mutate = {"method": "mutate", "settings": {"labels_skills": True}}
    alone = preview(**mutate, teacher="built-in", roles={"judge": SERVER})
    dear = preview(**mutate, teacher="built-in", roles={"judge": {**SERVER, "model": "dear"}})
    assert alone.usd.middle > 0 and dear.usd.middle == pytest.approx(10 * alone.usd.middle)
    split = preview(roles={"answer": {**SERVER, "model": "dear"}})
    parts = {part.role: part for part in split.whole.by_role}
    wanted = (parts["question"].n_input.middle + 10 * parts["question"].n_output.middle) / 1e6
    wanted += (10 * parts["answer"].n_input.middle + 100 * parts["answer"].n_output.middle) / 1e6
    assert split.usd.middle == pytest.approx(wanted, rel=1e-3)
    unknown = preview(roles={"judge": {**SERVER, "model": "unknown"}})
    assert unknown.unpriced == (), "a judge that is not asked need not have a price"
    asked = preview(**mutate, roles={"judge": {**SERVER, "model": "unknown"}})
    assert asked.usd is None and asked.unpriced == (f"unknown at {SERVER['base_url']}",)


def test_the_sampling_shown_and_counted_is_that_of_the_role(preview):
    usual, own = preview(), preview(teacher={**SERVER, "temperature": 0.1, "top_p": 0.5, "max_tokens": 64})
    request = own.calls[0].call.request
    assert (request.temperature, request.top_p, request.max_tokens) == (0.1, 0.5, 64)
    assert own.calls[0].messages == usual.calls[0].messages
    assert own.each.n_output.high <= 2 * 64 < usual.each.n_output.high
    answers = preview(roles={"answer": {**SERVER, "max_tokens": 10}})
    assert {part.role: part.n_output.high for part in answers.each.by_role}["answer"] == 10


def test_what_came_of_earlier_runs_of_the_same_kind_is_the_share(preview):
    for counts, told in (
        ({"made": 4, "failed": 4, "accepted": 0}, (USUAL_ACCEPTANCE, 0, 4)),
        ({"made": 4, "failed": 3, "accepted": 0}, (USUAL_ACCEPTANCE, 0, 0)),
        ({"made": 20, "failed": 20, "accepted": 0}, (USUAL_ACCEPTANCE, 0, 20)),
        ({"made": 20, "failed": 5, "accepted": 10}, (0.5, 20, 0)),
        ({"made": 20, "failed": 5, "accepted": 0}, (0.0, 20, 0)),
    ):
        found = preview(counts)
        assert (found.acceptance, found.n_judged, found.n_failed) == told
    assert found.whole.n_candidates == 160 and found.whole.is_limited, "where none is accepted, the limit ends it"


def test_the_parts_of_the_roles_are_the_whole(preview):
    found = preview(method="vs_multi", filters=["agrees"])
    for name in ("n_input", "n_output"):
        total = sum(getattr(part, name).middle for part in found.whole.by_role)
        assert total == pytest.approx(getattr(found.whole, name).middle)
