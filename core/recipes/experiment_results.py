"""What came of an experiment, from its run folders alone: points of learning curves, failures, scores before and after.

The tables are those that ``core.analysis`` takes. A run that failed, was cancelled or is lost is excluded and told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from core.analysis.learning import POINTS
from core.analysis.test_sets import IN_DISTRIBUTION, keep_set, order_sets
from core.lines import read_all
from core.recipes.experiment import choose_runs, find_children
from core.recipes.experiment_reports import take_reports
from core.recipes.reviewed import is_waiting
from core.recipes.steerability import KIND as CHECK
from core.runs.folder import ENDED, STOPPED, RunFolder
from core.runs.parts import read_parts


@dataclass(frozen=True, slots=True)
class Results:
    """What the runs of an experiment have brought so far."""

    arms: list[str]
    """Their names in the order of the experiment's file."""

    tests: pd.DataFrame
    """Points of the learning curves on every test set: columns POINTS, and split (test, ood or another set's name),
    n_test, n_tokens (nominal, of the teacher, in and out, all rounds so far), student, selector and pick (None: the
    recipe chooses by none)."""

    pairs: pd.DataFrame
    """A row per child and signal: method, replicate, round, candidate_id, signal, before, after (NaN: unknown)."""

    reports: pd.DataFrame
    """What runs that are done report beside accuracy: method, name, value."""

    excluded: pd.DataFrame
    """Runs that count for nothing: method, replicate, state, error (None: none). Where a replicate was given up before
    an arm was begun, the state and the error are the replicate's."""

    ended_early: pd.DataFrame
    """Runs that are over and count as far as they came: method, replicate, stopped (why, in one sentence)."""

    paused: pd.DataFrame
    """Runs that go on once a person has reviewed what a round brought: method, replicate, round, folder."""

    checks: list[RunFolder]
    """Finished checks of steerability among its runs, arm by arm and by replicate."""

    n_left: int
    """Runs that are still to come or at work; those that wait for a person are not among them."""

    @property
    def points(self) -> pd.DataFrame:
        """The points on the experiment's own test problems; where it has none, on the first of its test sets."""
        return keep_set(self.tests, next(iter(order_sets(self.tests["split"].unique())), IN_DISTRIBUTION))


def read_results(home: Path, experiment: str) -> Results:
    """Return what an experiment has brought so far; rounds of runs that are at work count."""
    config = RunFolder(home / "runs" / experiment).config
    runs = choose_runs(find_children(home, experiment))
    tests, pairs, summaries, early, paused, ended = [], [], [], [], [], set()
    excluded = _list_excluded(runs)
    for key, run in runs.items():
        state = run.read_state()
        if key[0] is None or state.state in STOPPED:
            continue
        about = _describe(run.config)
        if is_waiting(state):
            ended.add(key)
            paused.append({**about, "round": state.summary["waits_after_round"], "folder": str(run.path)})
        elif state.state in ENDED:
            ended.add(key)
            summaries.append((run.config["arm"], state.summary or {}))
            if stopped := (state.summary or {}).get("stopped"):
                early.append({**about, "stopped": stopped})
        tests += read_points(run)
        pairs.append(read_pairs(run))
    ended |= {(row["method"], row["replicate"]) for row in excluded}
    arms = [arm["name"] for arm in config["arms"]]
    return Results(
        arms,
        pd.DataFrame(
            tests, columns=[*POINTS, "split", "n_test", "n_tokens", "student", "selector", "pick"]
        ).sort_values(["method", "replicate", "split", "round"], ignore_index=True),
        pd.concat([each for each in pairs if len(each)] or [_NO_PAIRS], ignore_index=True),
        take_reports(config["arms"], summaries),
        pd.DataFrame(excluded, columns=["method", "replicate", "state", "error"], dtype=object),  # no error stays None
        pd.DataFrame(early, columns=["method", "replicate", "stopped"]),
        pd.DataFrame(paused, columns=["method", "replicate", "round", "folder"]),
        list_checks_of(runs.values(), arms),
        sum((arm, replicate) not in ended for arm in arms for replicate in config["replicates"]),
    )


def list_checks_of(runs: Iterable[RunFolder], arms: Sequence[str]) -> list[RunFolder]:
    """Return the finished checks of steerability among runs, in the order of the arms and by replicate."""
    found = [run for run in runs if run.read_run()["kind"] == CHECK and run.read_state().state == "done"]
    return sorted(found, key=lambda run: (arms.index(run.config["arm"]), run.config["replicate"]))


def _list_excluded(runs: Mapping[tuple[str | None, int], RunFolder]) -> list[dict[str, Any]]:
    """Return the arms that were given up, and those that were never made of a replicate that was."""
    states = {key: run.read_state() for key, run in runs.items()}
    found = {key: state for key, state in states.items() if key[0] is not None and state.state in STOPPED}
    for (arm, replicate), state in states.items():
        if arm is None and state.state in STOPPED:
            names = [each["name"] for each in runs[None, replicate].config["arms"]]
            found |= {(name, replicate): state for name in names if (name, replicate) not in states}
    return [
        {"method": method, "replicate": replicate, "state": found[method, replicate].state,
         "error": found[method, replicate].error}
        for method, replicate in sorted(found)
    ]  # fmt: skip


def _describe(config: Mapping[str, Any]) -> dict[str, Any]:
    return {"method": config["arm"], "replicate": config["replicate"]}


def read_points(run: RunFolder) -> list[dict[str, Any]]:
    """Return the points of one run on every test set: before any training, and after each round that was evaluated."""
    records, config = run.path / "records", run.config
    tests = {(row["split"], row["round"]): row for row in read_all(records / "evaluations.jsonl")}
    rounds = {row["round"]: row for row in read_all(records / "rounds.jsonl")}
    calls = {(row["call_id"], row["attempt"]): row for row in read_all(records / "calls.jsonl")}
    about = {"data_set": config["seed_set_name"], **_describe(config)}
    about |= {name: config.get(name) for name in ("student", "selector", "pick")}
    sizes = {number: sum(row["accepted"] for each, row in rounds.items() if each <= number) for number in (0, *rounds)}
    tokens = {number: _count_tokens(calls.values(), rounds.get(number)) for number in sizes}
    return [
        {**about, "split": split, "round": number, "size": sizes[number], "n_tokens": tokens[number]}
        | {"accuracy": test["accuracy"], "n_test": test["n"]}
        for (split, number), test in tests.items()
        if number in sizes  # else evaluated, and the round is not over yet
    ]


def _count_tokens(calls: Iterable[Mapping[str, Any]], row: Mapping[str, Any] | None) -> int:
    """Return the nominal tokens of every call, judging included, that the attempt of a round had made at its end."""
    if row is None:
        return 0
    made = [call for call in calls if call["attempt"] == row["attempt"] and call["written_at"] <= row["written_at"]]
    return sum((call.get("n_input_tokens") or 0) + (call.get("n_output_tokens") or 0) for call in made)


_NO_PAIRS = pd.DataFrame(columns=["method", "replicate", "round", "candidate_id", "signal", "before", "after"])


def read_pairs(run: RunFolder) -> pd.DataFrame:
    """Return what the student that chose a round's seeds scored them, and then their children."""
    records = run.path / "records"
    candidates = pd.DataFrame(read_all(records / "candidates.jsonl"))
    selections = pd.DataFrame(read_all(records / "selections.jsonl"))
    values = _read_values(run)
    if candidates.empty or selections.empty or values.empty:
        return _NO_PAIRS
    grown = candidates.drop_duplicates("candidate_id", keep="last")
    grown = grown.assign(parent=grown["parents"].map(lambda parents: parents[0] if parents else None))
    chosen = selections.drop_duplicates("round", keep="last")[["round", "student"]]
    grown = grown[["round", "candidate_id", "parent"]].merge(chosen, on="round")
    after = grown.merge(values, left_on=["student", "candidate_id"], right_on=["student", "problem_id"])
    before = values.rename(columns={"problem_id": "parent", "value": "before"})
    pairs = after.rename(columns={"value": "after"}).merge(before, on=["student", "parent", "signal"], how="left")
    return pairs.assign(**_describe(run.config))[_NO_PAIRS.columns.tolist()]


def _read_values(run: RunFolder) -> pd.DataFrame:
    """Return student, problem_id, signal and value of everything that was scored; the last part counts."""
    answers = read_parts(run, "predictions", ["student", "problem_id", "loss"])
    found = [answers.rename(columns={"loss": "value"}).assign(signal="loss")] if len(answers) else []
    found.append(read_parts(run, "scores", ["student", "problem_id", "signal", "value"]))
    values = pd.concat([each for each in found if len(each)] or [pd.DataFrame(columns=["student", "problem_id"])])
    return values.drop_duplicates([name for name in ("student", "problem_id", "signal") if name in values], keep="last")
