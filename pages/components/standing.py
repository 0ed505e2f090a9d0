"""Where the loop stands: the six steps with what each has made so far, and which one is next.

Read from the store alone; nothing is drawn here. The seed set looked at is the one in the page's address, else the
one worked on last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from core.runs.orders import ROUNDS
from core.store.store import Store
from pages.components import numbers
from pages.components.text import plain

ACTIVE = ("queued", "running", "cancelling")
"""States in which a run may still change by itself."""

GROWING, TRAINING = ("generate", "bring", *ROUNDS), ("finetune", *ROUNDS)
"""Kinds of run that bring candidates, and that train."""

REVIEWED = (*GROWING, "answers")
"""Kinds of run whose candidates a person may judge: a teacher's answers to seeds too."""

N_GROWTHS = 5
"""Runs that are looked through for one that brought something."""

ASIDE = ("map", "backup")
"""Runs that are no step of the loop."""

STEP_NAMES = ("seeds", "select", "generate", "review", "finetune", "evaluate")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the loop."""

    name: str
    """One of STEP_NAMES."""

    count: str
    """What the step has made, for people; a dash where nothing is there yet."""

    page: str
    """Script that shows it, relative to the entry script."""

    query: dict[str, str] = field(default_factory=dict)
    """Query parameters that make the page show the same things."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one seed set stands."""

    steps: tuple[Step, ...]
    next_step: str
    """Name of the step that a person would take now."""

    running_step: str | None
    """Name of the step that a run works on at the moment."""

    seed_set_id: str | None
    seed_set_name: str | None
    sentence: str
    """What to do next, in one sentence."""

    is_at_work: bool = False
    """Whether a run works on it that takes the next steps by itself: whole rounds."""

    is_round_over: bool = False
    """Whether the newest finetune is evaluated, so that the next step begins another round."""


NEXT_SENTENCES = {
    "seeds": "Bring in a seed set: problems with reference answers that new ones are grown from.",
    "select": "Choose the seeds: let the student answer them, then pick the ones worth more data.",
    "generate": "Let the teacher write new problems from the chosen seeds; look at a preview first.",
    "review": "Read what the teacher wrote, and accept, edit or reject it.",
    "finetune": "Train the student on the accepted problems, or go on reviewing.",
    "evaluate": "See whether it paid off: ask the newest finetune problems that it was never trained on.",
}

AT_WORK = "A run works on it that takes the next steps by itself."
"""The sentence of a seed set while whole rounds are made of it."""

ROUND_OVER = "The newest finetune is evaluated: see whether it paid off, then choose the seeds of the next round."
"""The sentence of a next step that begins another round."""


def step_of_run(kind: str, stage: str | None) -> str:
    """Return the step that a run works on, from its kind and the name of its stage."""
    single = {"import": "seeds", "score": "select", "try": "select", "select": "select", "ask": "review"}
    single |= {"generate": "generate", "bring": "generate", "compare": "generate", "answers": "generate"}
    single |= {"export": "finetune", "push": "finetune", "evaluate": "evaluate", "steerability": "evaluate"}
    if kind in single:
        return single[kind]
    stage = stage if isinstance(stage, str) else ""
    if kind == "finetune" and not stage:
        return "finetune"
    if "score the seeds" in stage:
        return "select"
    if "teacher" in stage:
        return "generate"
    if "before" in stage or "after" in stage:
        return "evaluate"
    return "finetune" if stage else "seeds"


def _first(frame: pd.DataFrame) -> dict | None:
    return None if frame.empty else frame.iloc[0].to_dict()


def _count_steps(store: Store, seed_set: dict) -> tuple[dict[str, Step], str]:
    """Return step -> what it has made, where it has made anything, and the next step, for one seed set."""
    here = {"seeds": seed_set["run_id"]}
    selection = _first(store.list_selections(seed_set["run_id"]))
    grown = _list_growths(store, seed_set["run_id"])
    growth, counts = _find_growth(store, grown)
    adapters = store.list_adapters(seed_set["run_id"])
    trained = _first(adapters)
    evaluated = trained and _find_evaluation(store, trained)
    steps = {}

    def put(name: str, count: str, page: str | None = None, **query: str) -> None:
        steps[name] = Step(name, count, page or PAGES[name], {**here, **query})

    put("seeds", numbers.counted(seed_set["n_train"], "seed"))
    if selection:
        put("select", f"{numbers.count(selection['k'])} chosen", selection=selection["run_id"])
    if counts.get("made"):
        of_all = store.count_candidates([run["run_id"] for run in grown])
        put("generate", _say_with_all("accepted", counts["accepted"], of_all["accepted"]), run=growth["run_id"])
        reviewed = _count_reviewed(counts)
        word = (
            _say_with_all("reviewed", reviewed, _count_reviewed(of_all))
            if reviewed
            else _say_with_all("waiting", counts["waiting"], of_all["waiting"])
        )
        put("review", word, run=growth["run_id"])
    if trained:
        put("finetune", f"{len(adapters)} trained", run=trained["run_id"])
        whose = f"{trained['kind']} of {numbers.moment(trained['created_at'])}"
        if evaluated is None:
            put("evaluate", f"not yet: {whose}", show="ask", adapter=trained["path"])
        else:
            word = f"{numbers.percent(evaluated['accuracy'])} on {evaluated['asked']}, {whose}"
            put("evaluate", word, evaluated["page"], run=evaluated["run_id"], show=evaluated["show"])
    return steps, _find_next(selection, counts, growth, trained, is_evaluated=evaluated is not None)


def _find_evaluation(store: Store, trained: dict) -> dict | None:
    """Return what is known of how good a trained student is: its own test, else the newest evaluation of it.

    What was asked before it was trained once more says nothing of it, nor do the problems that it came from.

    Returns:
        run_id, accuracy, asked (what, for people), and the page and view that show it; None: it is not evaluated.
    """
    own = store.list_evaluations(trained["run_id"])
    own = own[(own["round"] == trained["round"]) & (own["split"] == "test")]
    if found := _first(own[own["written_at"] >= trained["written_at"]]):
        return {**found, "asked": "test", "page": "finetune_page.py", "show": "result"}
    asked = store.list_evaluate_runs()
    is_its = asked["adapter"].fillna("").map(lambda path: path.endswith(trained["path"]))  # some name it from the root
    is_seen = (asked["seed_set_id"] == trained["seed_set_id"]) & asked["splits"].fillna("").str.contains('"train"')
    asked = asked[is_its & ~is_seen & asked["tuned_accuracy"].notna() & (asked["created_at"] >= trained["written_at"])]
    if (found := _first(asked)) is None:
        return None
    what = found["set_name"] if numbers.is_missing(found["benchmark"]) else found["benchmark"]
    return {
        "run_id": found["run_id"],
        "accuracy": found["tuned_accuracy"],
        "asked": what,
        "page": "evaluate_page.py",
        "show": "numbers",
    }


def _list_growths(store: Store, seed_set: str) -> list[dict]:
    """Return the runs that bring candidates of a seed set, the newest first, but those of experiments."""
    runs = store.list_runs(GROWING, seed_set_id=seed_set, has_previews=False, limit=None)
    return runs[runs["parent_id"].isna()].to_dict("records")


def _find_growth(store: Store, grown: list[dict]) -> tuple[dict | None, dict[str, int]]:
    """Return the newest of the last runs that brought something usable, with its counts, else the newest of all."""
    newest: tuple[dict | None, dict[str, int]] = (None, {})
    for run in grown[:N_GROWTHS]:
        counts = store.count_candidates(run["run_id"])
        if counts.get("accepted") or _count_reviewed(counts):
            return run, counts
        newest = newest if newest[0] else (run, counts)
    return newest


def _say_with_all(what: str, n: int, n_all: int) -> str:
    """Return how many of the run that a step leads to, and of all runs of the seed set where they are more."""
    more = f", {numbers.count(n_all)} in all" if n_all > n else ""
    return f"{numbers.count(n)} {what}{more}"


def _count_reviewed(counts: dict[str, int]) -> int:
    return sum(counts.get(name, 0) for name in ("reviewed_accept", "reviewed_reject", "edited"))


def _find_next(
    selection: dict | None, counts: dict[str, int], growth: dict | None, trained: dict | None, *, is_evaluated: bool
) -> str:
    """Say which step a person would take now."""
    if trained and (growth is None or trained["written_at"] >= growth["created_at"]):
        if not is_evaluated:
            return "evaluate"
        return "generate" if selection and selection["written_at"] > trained["written_at"] else "select"
    if not selection and growth is None:  # what was brought from elsewhere needs none
        return "select"
    if not counts.get("accepted", 0) + counts.get("reviewed_accept", 0) + counts.get("edited", 0):
        return "generate"
    if counts["waiting"] and not _count_reviewed(counts):
        return "review"
    return "finetune"


PAGES = {
    "seeds": "seeds_page.py",
    "select": "select_page.py",
    "generate": "generate_page.py",
    "review": "review_page.py",
    "finetune": "finetune_page.py",
    "evaluate": "evaluate_page.py",
}


def read_standing(store: Store, wanted: str | None = None) -> Standing:
    """Read where the loop stands.

    Args:
        store: of the home.
        wanted: id of the seed set to look at; None or an unknown one: the one that the newest run is about.
    """
    sets = store.list_seed_sets()
    active = store.list_runs(states=ACTIVE)
    active = active[~active["kind"].isin(ASIDE)]
    running = None
    if not active.empty:
        started = active[active["state"] != "queued"]
        row = (started if not started.empty else active).iloc[0]
        running = step_of_run(row["kind"], row["stage"])
    if sets.empty:
        steps = tuple(Step(name, numbers.MISSING, PAGES[name]) for name in STEP_NAMES)
        return Standing(steps, "seeds", running, None, None, NEXT_SENTENCES["seeds"])
    known = set(sets["run_id"])
    if wanted not in known:
        recent = store.list_runs(limit=50)
        recent = recent[recent["kind"] != "evaluate"]  # a benchmark that was asked is not what is worked on
        subjects = [id_ for id_ in recent["seed_set_id"] if id_ in known]
        wanted = subjects[0] if subjects else sets.iloc[0]["run_id"]
    seed_set = sets[sets["run_id"] == wanted].iloc[0].to_dict()
    found, next_step = _count_steps(store, seed_set)
    here = {"seeds": seed_set["run_id"]}
    paused = store.list_paused_runs(seed_set["run_id"]).to_dict("records")
    if paused:  # a run that waits for a person comes before whatever else could be done
        first, next_step = max(paused, key=lambda row: row["unread"] > 0), "review"
        count = f"{numbers.count(first['unread'])} waiting" if first["unread"] else "all read"
        found["review"] = Step("review", count, PAGES["review"], {**here, "run": first["run_id"]})
    steps = tuple(found.get(name) or Step(name, numbers.MISSING, PAGES[name], here) for name in STEP_NAMES)
    is_round_over = next_step == "select" and {"select", "finetune"} <= set(found)
    sentence = (
        _say_paused(first, len(paused) - 1) if paused else ROUND_OVER if is_round_over else NEXT_SENTENCES[next_step]
    )
    rounds = active[active["kind"].isin(ROUNDS) & active["parent_id"].isna() & (active["state"] != "cancelling")]
    is_at_work = not paused and seed_set["run_id"] in set(rounds["seed_set_id"])
    sentence = AT_WORK if is_at_work else sentence
    return Standing(
        steps, next_step, running, seed_set["run_id"], seed_set["name"], sentence, is_at_work, is_round_over
    )


def name_paused(row: Mapping[str, Any]) -> str:
    """Return what a run that waits for a person is called: of an arm that and its replicate, else its title."""
    return row["title"] if numbers.is_missing(row["arm"]) else f"“{row['arm']}”, replicate {row['replicate']}"


def _say_paused(row: dict, n_others: int) -> str:
    """Return what to do about a run that waits, of ``list_paused_runs``, and how many others wait too."""
    name, number = plain(name_paused(row)), row["round"]
    others = (
        f" {numbers.counted(n_others, 'other run')} {'waits' if n_others == 1 else 'wait'} too." if n_others else ""
    )
    if row["unread"]:
        unread = numbers.counted(row["unread"], "candidate")
        return f"Review round {number} of {name}: {unread} unread, and the run waits for you.{others}"
    return f"Round {number} of {name} is reviewed: go on with round {number + 1}.{others}"
