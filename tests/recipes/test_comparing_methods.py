"""A comparison of methods, carried out: the same seeds for all, everything accounted for, nothing of it ever trains."""

import json

import numpy as np
import pytest

from core.errors import ModelLoadError, RunError, TeacherError, UnknownNameError
from core.generation.asking import to_candidate
from core.generation.base import METHODS, Draft
from core.generation.rewrite import RewriteThenAnswer
from core.hub import Hub
from core.models.embedder import WIDTH, Embedder
from core.recipes import embedding
from core.recipes.comparing_methods import (
    count_requests,
    find_comparison_turn,
    list_comparisons,
    make_comparison_config,
    read_comparison,
    start_comparison,
)
from core.recipes.generating import find_turn
from core.recipes.kinds import execute
from core.runs.folder import RunFolder
from core.settings import Settings
from tests.pages.home import SEED_SET, SELECT, fill_home
from tests.teacher.server import ChatServer, Spoken


class Parrot(RewriteThenAnswer):
    """Lists as many candidates as it is asked for in one call: the seed itself, each with a probability."""

    name = "parrot"
    title = "Parrot"

    def count_candidates(self, settings):
        return settings.n_per_call

    async def carry_out(self, call, brief, teacher):
        (seed,) = call.parents
        reply = await teacher.complete(call.request)
        made = []
        for item in range(brief.settings.n_per_call):
            draft = Draft(seed.question, seed.answer, seed.final, raw_question=reply.text, meta={"probability": 0.3})
            draft.failure = "It is silent." if item == 1 else None
            made.append(to_candidate(draft, call, brief, self.name, teacher.name, item))
        return made


class Mute(RewriteThenAnswer):
    """Cannot be asked at all."""

    name = "mute"
    title = "Mute"

    async def carry_out(self, call, brief, teacher):
        raise TeacherError("Nobody is there.")


class WordEmbedder:
    """Vectors of which words a text has; the real encoder, which has tests of its own, takes seconds to come."""

    def embed(self, texts):
        vectors = np.zeros((len(texts), WIDTH), np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                vectors[row, sum(word.encode()) % WIDTH] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module", autouse=True)
def encoder():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Embedder, "load", WordEmbedder)
        yield


@pytest.fixture(scope="module", autouse=True)
def methods():
    for member in (Parrot(), Mute()):
        METHODS.register(member.name)(member)
    yield
    for name in ("parrot", "mute"):
        METHODS.discard(name)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    home = fill_home(tmp_path_factory.mktemp("home"))
    hub = Hub(Settings(home=home, device_slots=0, teacher_slots=0, light_slots=0), is_threaded=False)
    hub.step()
    yield hub
    hub.close()


def carry_out(hub: Hub, run_id: str) -> str:
    execute(RunFolder(hub.settings.home / "runs" / run_id))
    hub.step()
    return run_id


@pytest.fixture(scope="module")
def compared(hub):
    names = ["rewrite", "parrot", "mute"]
    return read_comparison(hub, carry_out(hub, start_comparison(hub, SELECT, names, n_seeds=3, n_per_seed=3)))


def test_every_method_is_asked_as_often_of_the_same_seeds(compared):
    assert (compared.run["state"], compared.run["lane"]) == ("done", "teacher")
    seeds = {f"problem_train_{rank:03d}" for rank in range(3)}
    for name in ("rewrite", "parrot"):
        rows = compared.candidates[compared.candidates["method"] == name]
        assert rows["parent_id"].value_counts().to_dict() == dict.fromkeys(seeds, 3)
    assert list(dict.fromkeys(compared.candidates["method"])) == ["rewrite", "parrot"]


def test_measures_are_those_of_what_came(compared):
    assert list(compared.methods["method"]) == compared.run["config"]["methods"]
    rewrite, parrot, _ = compared.methods.to_dict("records")
    for row in (rewrite, parrot):
        mine = compared.candidates[compared.candidates["method"] == row["method"]]
        counts = mine["status"].value_counts()
        assert row["n_asked"] == len(mine) == row["n_failed"] + row["n_rejected"] + row["n_accepted"] == 9
        assert all(row[f"n_{state}"] == counts.get(state, 0) for state in ("failed", "rejected", "accepted"))
    assert parrot["n_failed"] == 3 and parrot["distance_within"] == pytest.approx(0, abs=1e-3)
    assert parrot["distinct_texts"] == 0.5 and parrot["wording_within"] == 1
    assert rewrite["distance_within"] > 0.01 and rewrite["distinct_texts"] > 0.5
    assert rewrite["accepted_distance"] > 0 and compared.run["summary"]["embedder"] == "all-MiniLM-L6-v2"
    assert parrot["n_probabilities"] == 9 and parrot["probability_sum"] == pytest.approx(0.9)


def test_costs_are_the_ledger_s_by_method(hub, compared):
    rewrite, parrot, mute = compared.methods.to_dict("records")
    assert (rewrite["n_calls"], parrot["n_calls"], mute["n_calls"]) == (18, 3, 0)
    totals = hub.store.total_calls(compared.run["run_id"])
    for name in ("n_calls", "n_input_tokens", "n_output_tokens"):
        assert rewrite[name] + parrot[name] == totals[name]
    assert rewrite["n_input_tokens_per_accepted"] == rewrite["n_input_tokens"] / rewrite["n_accepted"]
    assert rewrite["usd"] == 0 and rewrite["seconds"] > 0


def test_a_method_that_cannot_be_asked_leaves_the_others_their_rows(compared):
    mute = compared.methods.iloc[2]
    assert mute["error"] == "Nobody is there." and mute["n_asked"] == 0


def test_nothing_of_a_comparison_counts_as_written(hub, compared):
    questions = compared.candidates["question"].dropna()
    assert set(questions).isdisjoint(hub.store.list_earlier_questions(SEED_SET))
    assert compared.run["is_preview"] and hub.store.list_faults().empty
    assert compared.run["run_id"] not in set(hub.store.list_runs(["generate", "loop"])["run_id"])


def test_a_repeated_comparison_asks_anew_and_seconds_of_the_cache_are_not_told(hub, compared):
    turn = compared.run["config"]["turn"]
    assert turn == find_turn(hub, SEED_SET) and find_comparison_turn(hub, SEED_SET) == turn + 1
    run_id = compared.run["run_id"]
    RunFolder(hub.settings.home / "runs" / run_id).order("again")
    again = read_comparison(hub, carry_out(hub, run_id))
    columns = ["method", "n_asked", "n_accepted", "distance", "distance_low", "wording", "n_input_tokens"]
    assert again.methods[columns].equals(compared.methods[columns])
    assert again.methods["n_cached"].sum() == 21 and again.methods["seconds"].isna().iloc[0]


def test_comparisons_are_listed_by_selection(hub, compared):
    assert list(list_comparisons(hub, SELECT)["run_id"]) == [compared.run["run_id"]]
    assert list_comparisons(hub, "another").empty
    with pytest.raises(RunError, match="no comparison"):
        read_comparison(hub, SELECT)


def test_requests_are_counted_before_they_are_sent():
    assert count_requests("word_problems", ["rewrite", "parrot"], 3, 3) == 9 * 2 + 3 * 2
    assert count_requests("word_problems", ["vs_multi"], 4, 5, {"n_per_call": 2}) == 4 * (2 + 5)


def test_where_every_method_fails_so_does_the_run(hub):
    METHODS.register("silent")(Mute())
    run_id = carry_out(hub, start_comparison(hub, SELECT, ["mute", "silent"], n_seeds=1, n_per_seed=1))
    METHODS.discard("silent")
    run = hub.store.read_run(run_id)
    assert run["state"] == "failed" and run["error"] == "Nobody is there."


def test_a_comparison_that_is_told_to_stop_stops(hub):
    run_id = start_comparison(hub, SELECT, ["rewrite", "parrot"])
    RunFolder(hub.settings.home / "runs" / run_id).order("cancel")
    carry_out(hub, run_id)
    stopped = read_comparison(hub, run_id)
    assert stopped.run["state"] == "cancelled" and stopped.methods is None


def test_wrong_answers_are_told_by_rate_and_coverage_and_measured_by_their_texts(hub):
    run_id = carry_out(hub, start_comparison(hub, SELECT, ["rewrite", "incorrect"], n_seeds=2, n_per_seed=3))
    found = read_comparison(hub, run_id)
    rewrite, incorrect = found.methods.to_dict("records")
    wrong = found.candidates[found.candidates["is_incorrect"]]
    assert set(wrong["method"]) == {"incorrect"} and "wrong" in found.run["config"]["filters"]
    assert all(row["final"] != row["parent_final"] for row in wrong[wrong["status"] == "accepted"].to_dict("records"))
    assert incorrect["wrong_rate"] == (wrong["final"] != wrong["parent_final"]).mean() > 0
    assert 0 < incorrect["wrong_coverage"] <= incorrect["wrong_rate"] and np.isnan(rewrite["wrong_rate"])
    assert incorrect["distinct_texts"] == wrong["answer"].nunique() / len(wrong)


def speak(prompt: str, body: dict, number: int) -> Spoken:
    """Rewrite, answer, or list; the last response of a list is cut off, one question in four is refused."""
    if "responses" in body["messages"][0]["content"]:
        text = '{"responses": [{"text": "Lea has 4 hats and buys 5. How many?", "probability": 0.6}, {"text": "Ann'
    elif "#Rewritten" in prompt:
        text = f"Ben packs {len(prompt)} nuts into 2 bags. How many are in a bag?" if len(prompt) % 4 else ""
    else:
        text = "There are 9 of them.\n#### 9"
    return Spoken([(text.encode(), -0.1)], "stop" if text else "content_filter")


def test_a_server_that_counts_no_tokens_and_has_no_price_leaves_costs_unknown(hub):
    with ChatServer(speak=speak, gives_usage=False, honours_schema=False) as server:
        teacher = {"base_url": server.url, "model": "model", "key_env": ""}
        names = ["rewrite", "vs_standard"]
        run_id = start_comparison(hub, SELECT, names, n_seeds=3, n_per_seed=2, teacher=teacher, filters=[])
        found = read_comparison(hub, carry_out(hub, run_id))
    assert found.run["state"] == "done" and list(found.methods["n_asked"]) == [6, 6]
    rewrite, listed = found.methods.to_dict("records")
    assert (
        listed["n_failed"] == 3 and listed["n_probabilities"] >= 3 and listed["distinct_texts"] == pytest.approx(1 / 3)
    )
    assert rewrite["n_failed"] + rewrite["n_accepted"] == 6
    columns = ["n_input_tokens", "usd", "usd_per_accepted", "n_output_tokens_per_accepted"]
    assert found.methods[columns].isna().all(axis=None) and found.methods["n_calls"].min() >= 6


def test_without_an_encoder_all_but_the_distances_is_measured(hub, monkeypatch):
    class Nothing:
        def __init__(self, cache):
            pass

        def embed(self, texts):
            raise ModelLoadError("There is no encoder.")

    monkeypatch.setattr(embedding, "Meanings", Nothing)
    run_id = carry_out(hub, start_comparison(hub, SELECT, ["rewrite", "parrot"], n_seeds=1, n_per_seed=3))
    found = read_comparison(hub, run_id)
    assert found.run["state"] == "done" and found.run["summary"]["embedder_fault"] == "There is no encoder."
    assert found.methods["distance"].isna().all() and found.methods["wording"].notna().all()


@pytest.mark.parametrize(
    ("names", "more", "error", "sentence"),
    [
        (["rewrite", "rewrite"], {}, RunError, "at least two methods"),
        (["rewrite", "parot"], {}, UnknownNameError, "no prompting method named 'parot'"),
        (["rewrite", "parrot"], {"n_per_seed": 0}, RunError, "at least one seed"),
        (["rewrite", "parrot"], {"filters": ["rogue"]}, UnknownNameError, "no filter named 'rogue'"),
        (["rewrite", "parrot"], {"budget": {"tokens": -1}}, TeacherError, "above 0"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_it_runs(hub, names, more, error, sentence):
    n_before = len(list_comparisons(hub))
    with pytest.raises(error, match=sentence):
        start_comparison(hub, SELECT, names, **more)
    assert len(list_comparisons(hub)) == n_before


def test_the_configuration_keeps_the_prompts_of_each_method(compared):
    config = json.loads(json.dumps(compared.run["config"]))
    assert set(config["prompts"]) == {"rewrite", "parrot", "mute"} and "method" not in config
    assert config["prompts"]["rewrite"]["word_problems_question"]["text"]
    assert config["method_settings"] == {"n_per_call": 3}


def test_an_edited_prompt_goes_to_the_methods_that_send_it(tmp_path):
    about = {"seed_set": None, "seed_set_name": "", "task": "word_problems"}
    edited = {"word_problems_question": "Write something like {question}."}
    config = make_comparison_config(tmp_path, about, ["rewrite", "incorrect"], n_seeds=2, n_per_seed=3, prompts=edited)
    assert config["prompts"]["rewrite"]["word_problems_question"]["version"] == "1, edited"
    assert "word_problems_question" not in config["prompts"]["incorrect"]
    assert "wrong" in config["filters"]
