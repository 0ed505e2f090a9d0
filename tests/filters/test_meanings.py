"""What filters by embeddings share, and both of them; the encoder is stood in for."""

import numpy as np
import pytest

from core.errors import SeedbedError
from core.filters.base import FilterContext, make_filters
from core.filters.meanings import Meanings, VectorList, make_key
from core.models.sketch import pack_sketch
from core.records import Problem
from core.tasks import TASKS
from tests.filters.stand_ins import AnyTask, WordEmbedder, make_candidate

TRAIN = "Which train reaches the harbour before noon today"
SWAPPED = "Before noon today which train reaches the harbour"


class DictCache(dict):
    def put(self, key, value):
        self[key] = value


def judge(name, questions, settings=None, **fields):
    (one,) = make_filters([name], {name: settings or {}})
    return one([make_candidate(i, each) for i, each in enumerate(questions)], FilterContext(AnyTask(), **fields))


def test_each_text_is_embedded_once_and_then_comes_from_the_cache(word_embedder):
    cache = DictCache()
    first = Meanings(cache).embed([TRAIN, SWAPPED, TRAIN])
    assert word_embedder.n_embedded == 2
    again = Meanings(cache)
    np.testing.assert_array_equal(again.embed([TRAIN, SWAPPED, TRAIN]), first)
    again.embed([TRAIN])
    assert word_embedder.n_embedded == 2
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-3)
    assert Meanings().embed([]).shape == (0, 384)


def test_a_vector_that_the_signal_made_is_not_made_again(word_embedder):
    from core.models.embedder import NAME
    from core.signals.embedding import EmbeddingSignal
    from core.signals.remember import hash_parts

    key = hash_parts("embedding", NAME, EmbeddingSignal().version, TRAIN)
    assert make_key(TRAIN) == key
    Meanings(DictCache({key: pack_sketch(WordEmbedder().embed([TRAIN])[0])})).embed([TRAIN])
    assert word_embedder.n_embedded == 1, "only the test itself did"


def test_half_of_a_surrogate_pair_is_embedded_and_cached(word_embedder):
    assert np.isfinite(Meanings(DictCache()).embed(["\ud800 half a pair"])).all()


def test_a_list_follows_another_and_finds_the_closest(word_embedder):
    meanings, mine = Meanings(), VectorList()
    texts = [f"{i} words" for i in range(200)]
    mine.hold(texts[:100], meanings)
    mine.hold(texts, meanings)
    assert word_embedder.n_embedded == 200
    vectors = meanings.embed(texts)
    cosines = np.round(vectors @ vectors.T, 3)
    assert [mine.find_closest(vector).index for vector in vectors] == cosines.argmax(1).tolist()
    mine.hold(texts[:50], meanings)
    assert len(mine) == 50 and mine.find_closest(vectors[49]).cosine == pytest.approx(1.0, abs=1e-3)
    assert mine.find_closest(vectors[150]).index < 50
    assert VectorList().find_closest(vectors[0]) is None


def test_the_same_words_in_another_order_are_a_near_duplicate(word_embedder):
    verdicts = judge("near_duplicate", [TRAIN, SWAPPED, "How tall is the lighthouse"])
    assert [verdict.is_accepted for verdict in verdicts] == [True, False, True]
    assert verdicts[0].value is None and verdicts[1].value == pytest.approx(1.0, abs=1e-3)
    assert "Which train" in verdicts[1].reason and "earlier generated" in verdicts[1].reason
    assert judge("near_duplicate", [TRAIN], earlier_questions=[SWAPPED])[0].is_accepted is False


def test_wrong_solutions_share_their_question_and_that_is_meant(word_embedder):
    candidates = [make_candidate(i, TRAIN, label="incorrect") for i in range(2)] + [make_candidate(2, TRAIN)]
    (one,) = make_filters(["near_duplicate"])
    verdicts = one(candidates, FilterContext(AnyTask()))
    assert [verdict.is_accepted for verdict in verdicts] == [None, None, True]


def test_seeds_count_where_that_is_asked_for(word_embedder):
    seeds = {"p": Problem("p", SWAPPED, None, None)}
    assert judge("near_duplicate", [TRAIN], seeds=seeds)[0].is_accepted is True
    (verdict,) = judge("near_duplicate", [TRAIN], {"compares_seeds": True}, seeds=seeds)
    assert verdict.is_accepted is False and "a seed" in verdict.reason


def test_contamination_by_meaning_names_where_it_is_from(word_embedder):
    verdicts = judge("contamination_embedding", [TRAIN, "How tall is it"], benchmarks={"MATH-500": [SWAPPED]})
    assert [verdict.is_accepted for verdict in verdicts] == [False, True]
    assert "the benchmark “MATH-500”" in verdicts[0].reason and "Before noon" in verdicts[0].reason
    assert judge("contamination_embedding", [TRAIN])[0].is_accepted is None


@pytest.mark.parametrize("name", ["near_duplicate", "contamination_embedding"])
def test_without_the_encoder_or_sentences_nothing_is_decided(name, missing_embedder):
    (verdict,) = judge(name, [TRAIN], benchmarks={"a": [SWAPPED]}, earlier_questions=[SWAPPED])
    assert verdict.is_accepted is None and "not installed" in verdict.reason
    (one,) = make_filters([name])
    (verdict,) = one([make_candidate(0, "1 4 8 8")], FilterContext(TASKS.get("game24"), ["1 4 8 8"]))
    assert verdict.is_accepted is None and "no sentences" in verdict.reason


@pytest.mark.parametrize("name", ["near_duplicate", "contamination_embedding"])
def test_a_limit_that_is_no_cosine_is_refused(name):
    with pytest.raises(SeedbedError, match="0 to 1"):
        make_filters([name], {name: {"limit": 95}})
