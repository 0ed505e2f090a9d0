"""Tests of what a name or a file is taken for, and of the problems that are asked."""

import json
from dataclasses import replace

import pytest

import core.evaluation.sets as sets
from core.datasets.reading import Rows
from core.errors import DataFormatError
from core.evaluation.benchmarks import BENCHMARKS, pick_ranks
from core.evaluation.sets import choose_problems, describe_set, find_set, list_imports
from core.records import Problem
from core.tasks import TASKS

STORIES = [{"question": f"Ann has {i} pears and eats none. How many?", "answer": f"#### {i}"} for i in range(12)]
GAMES = [f"{a} {b} {c} 13" for a in range(1, 5) for b in range(5, 9) for c in range(9, 13)]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def stories(tmp_path):
    return write(tmp_path / "stories.jsonl", STORIES)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


def test_every_benchmark_has_a_task_of_its_own_columns():
    for name, each in BENCHMARKS.items():
        assert name == each.name and each.task in TASKS and "/" in each.hub_id and each.n_problems > 0
        assert "=" not in name and "/" not in name and name not in TASKS


def test_built_in_sets_are_known_with_their_splits(home):
    whole = find_set(home, "word_problems")
    assert (whole.name, whole.splits, whole.n_problems, whole.notes) == ("word_problems/test", ("test",), 300, ())
    ood = find_set(home, "word_problems/ood")
    assert ood.seed_set == whole.seed_set and (ood.splits, ood.n_problems) == (("ood",), 200)
    both = find_set(home, "word_problems", splits=["test", "ood"])
    assert both == find_set(home, "word_problems/test,ood") and both.n_problems == 500
    assert find_set(home, whole.seed_set) == whole  # by its id
    assert "no test" in find_set(home, "word_problems/train").notes[0]


@pytest.mark.parametrize(
    ("text", "splits", "sentence"),
    [
        ("nowhere", None, "There is no file, seed set or benchmark 'nowhere'; built-in: word_problems"),
        ("nowhere/test", None, "benchmarks: gsm8k"),
        ("word_problems/tset", None, "has no split 'tset'; it has train, validation, test, ood"),
        ("word_problems/test", ["ood"], "names other splits than ood"),
        ("gsm8k", ["test"], "gsm8k has no splits"),
        ("gsm8k=/nowhere.jsonl", None, "There is no file /nowhere.jsonl"),
    ],
)
def test_what_is_not_there_is_one_sentence(home, text, splits, sentence):
    before = list(list_imports(home))
    with pytest.raises(DataFormatError) as raised:
        find_set(home, text, splits=splits)
    assert sentence in str(raised.value) and "\n" not in str(raised.value)
    assert len(list(list_imports(home))) <= len(before) + 1  # a built-in set may have been imported


def test_a_file_is_asked_as_a_whole_and_imported_once(tmp_path, stories):
    found = find_set(tmp_path / "home", str(stories))
    assert (found.name, found.task, found.splits, found.n_problems) == ("stories", "word_problems", ("train",), 12)
    assert find_set(tmp_path / "home", str(stories)) == found and found.notes == ()
    assert find_set(tmp_path / "home", "stories") == found  # by its name, once it is there
    with pytest.raises(DataFormatError, match="has no splits"):
        find_set(tmp_path / "home", str(stories), splits=["test"])


def test_the_newest_of_two_sets_of_one_name_is_taken(tmp_path, stories):
    first = find_set(tmp_path / "home", str(stories))
    write(stories, STORIES[:5])
    second = find_set(tmp_path / "home", str(stories))
    assert first.n_problems == 12 and second.n_problems == 5
    newest = max(first.seed_set, second.seed_set)
    assert find_set(tmp_path / "home", "stories").seed_set == newest


def test_rows_that_cannot_be_used_are_told(tmp_path):
    path = write(tmp_path / "some.jsonl", [*STORIES, {"question": "And?", "answer": "no idea"}])
    assert find_set(tmp_path / "home", str(path)).notes[0].startswith("1 rows of the source could not be used")


# -- benchmarks ------------------------------------------------------------------------------------------------------


def test_ones_own_copy_of_a_benchmark_is_known_by_name_from_then_on(tmp_path, stories):
    home = tmp_path / "home"
    found = find_set(home, f"gsm8k={stories}")
    assert (found.name, found.benchmark, found.n_problems) == ("GSM8K test", "gsm8k", 12)
    assert "GSM8K test has 1,319 problems, and this copy gave 12" in found.notes[0]
    assert find_set(home, "gsm8k") == find_set(home, f"gsm8k={stories}") == found
    assert find_set(home, "GSM8K test") == found
    assert len(list(list_imports(home))) == 1
    write(stories, STORIES[:6])
    assert find_set(home, f"gsm8k={stories}").n_problems == 6 and len(list(list_imports(home))) == 2


def test_without_a_network_one_sentence_says_what_to_do_and_no_run_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr("core.datasets.hub._is_hub_reachable", lambda: False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for name in BENCHMARKS:
        with pytest.raises(DataFormatError) as raised:
            find_set(tmp_path, name)
        assert f"({name}=FILE in the shell)" in str(raised.value) and "cannot be reached" in str(raised.value)
    assert not (tmp_path / "runs").exists()


HUB_ROWS = {
    "gsm8k": ("word_problems", STORIES),
    "math500": ("maths", [{"problem": "$1+1$?", "solution": r"So $\boxed{2}$", "answer": "2", "subject": "Algebra",
                           "level": 3}]),
    "olympiadbench": ("maths", [{"question": "$x+1=3$?", "solution": ["$x=2$."], "final_answer": ["$2$"],
                                 "subfield": "Algebra"}]),
    "minerva_math": ("maths", [{"question": "How long is $a$?", "answer": "4.5e33"}]),
    "prontoqa_dev": ("prontoqa", [{"context": "Each cat is red. Max is a cat.", "answer": "A",
                                   "question": "Is the following statement true or false? Max is red.",
                                   "options": ["A) True", "B) False"]}]),
    "game24_tot": ("game24", [{"Rank": 901, "Puzzles": "1 2 3 4", "Solved rate": "90%"}]),
}  # fmt: skip


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_hubs_columns_are_mapped(tmp_path, monkeypatch, name):
    task, rows = HUB_ROWS[name]
    each = BENCHMARKS[name]

    def read(dataset_id, config, splits):
        assert (dataset_id, config, splits) == (each.hub_id, each.hub_config, {"train": each.hub_split})
        return {"train": Rows(dataset_id, list(rows[0]), rows, list(range(1, len(rows) + 1)))}

    for place in ("core.evaluation.sets.read_hub", "core.datasets.seed_set.read_hub"):
        monkeypatch.setattr(place, read)
    monkeypatch.setitem(sets.BENCHMARKS, name, replace(each, n_problems=len(rows)))
    found = find_set(tmp_path / "home", name)
    problems = choose_problems(tmp_path / "home", {**vars_of(found), "limit": None})
    assert found.task == task and found.notes == () and len(problems) == len(rows)
    finals = {"math500": "2", "olympiadbench": "2", "prontoqa_dev": "True", "gsm8k": "0"}
    assert problems[0].final == finals.get(name, problems[0].final) is not None
    if name == "math500":
        assert (problems[0].meta["type"], problems[0].meta["level"]) == ("Algebra", 3)


def vars_of(found):
    return {"seed_set": found.seed_set, "splits": list(found.splits), "benchmark": found.benchmark}


def games(n, has_ranks):
    return [Problem(f"p{i}", GAMES[i % 64], None, "x", meta={"rank": n - i} if has_ranks else {}) for i in range(n)]


def test_the_hundred_games_are_found_by_rank_else_by_place():
    benchmark = BENCHMARKS["game24_tot"]
    by_rank = pick_ranks(benchmark, games(1362, has_ranks=True))
    assert len(by_rank) == 100 and {each.meta["rank"] for each in by_rank} == set(range(901, 1001))
    by_place = pick_ranks(benchmark, games(1362, has_ranks=False))
    assert [each.problem_id for each in by_place] == [f"p{i}" for i in range(900, 1000)]
    assert len(pick_ranks(benchmark, games(100, has_ranks=False))) == 100
    with pytest.raises(DataFormatError, match="ranked 901 to 1000, and this copy of 950 has 50"):
        pick_ranks(benchmark, games(950, has_ranks=False))
    assert len(pick_ranks(replace(benchmark, ranks=None), games(7, has_ranks=False))) == 7


# -- which problems are asked ------------------------------------------------------------------------------------------


def test_a_limit_is_drawn_by_content_and_a_smaller_one_lies_within(home):
    found = find_set(home, "word_problems/test")
    about = vars_of(found)

    def draw(limit, seed=0):
        return [each.problem_id for each in choose_problems(home, {**about, "limit": limit, "limit_seed": seed})]

    every, few, some = draw(None), draw(10), draw(40)
    assert len(every) == 300 and len(few) == 10 and set(few) < set(some) < set(every)
    assert few == [id_ for id_ in every if id_ in set(few)]  # in the order of the source
    assert draw(10, seed=1) != few == draw(10) and draw(1000) == every


def test_a_set_without_that_split_is_refused(home):
    found = find_set(home, "word_problems/test")
    assert describe_set(home, found.seed_set).splits == ("test",)
    with pytest.raises(DataFormatError, match="There is no seed set"):
        describe_set(home, "20200101-000000-import-0000")
