"""What the page Select calls: start a score run, read the scored pool, choose, keep the choice.

It knows the hub and the store's reading verbs; it knows nothing of pages.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.errors import SelectionError, SignalError
from core.hub import Hub
from core.models.student import check_adapter
from core.recipes.score_tables import read_vectors
from core.recipes.scoring import ALWAYS, REWARD, TEACHER, list_signals, refuse_blind
from core.recipes.stages import record_selection, select_with_spares
from core.recipes.start import fix_model, read_seed_set, require_model
from core.recipes.teachers import check_teacher, require_reachable
from core.records import Problem
from core.runs.folder import RunFolder
from core.selection import Pool, Selection, check_size, choose, make_rng
from core.signals import SIGNALS
from core.signals.solve_rate import check_sampling


def start_score(
    hub: Hub,
    seed_set: str,
    *,
    student: str = "tiny",
    adapter: str | None = None,
    server: Mapping[str, str] | None = None,
    label: str = "base",
    signals: Sequence[str] = ALWAYS,
    reward: str = REWARD,
    teacher: str | Mapping[str, str] = TEACHER,
    n_samples: int = 16,
    temperature: float = 1.0,
) -> str:
    """Let a student answer and score the train problems of a seed set; returns the run id.

    What was answered and scored before by the same student comes from the caches.

    Args:
        hub: of the home.
        seed_set: id.
        student: ``tiny``, a folder or a hub id.
        adapter: folder of an adapter relative to the home, or None.
        server: ``base_url``, ``model``, ``key_env`` of a student behind a server; ``student`` is its name then.
        label: what this student is called beside others on the same problems.
        signals: names; ``loss`` and ``correct`` come in any case.
        reward: ``tiny-reward``, a folder or a hub id, for the reward signals.
        teacher: ``built-in``, or the fields of a server, for ``judge`` and ``grade``.
        n_samples: answers drawn for each problem by ``solve_rate``.
        temperature: of those.

    Raises:
        SeedbedError: no such seed set, student, adapter, reward model or teacher, or a signal that cannot be given.
    """
    about = read_seed_set(hub, seed_set)
    config = make_score_config(
        seed_set,
        about,
        student=student,
        adapter=adapter,
        server=server,
        label=label,
        signals=signals,
        reward=reward,
        teacher=teacher,
        n_samples=n_samples,
        temperature=temperature,
    )
    if adapter is not None:
        check_adapter(hub.settings.home / adapter)
    for each in (server, teacher):
        if isinstance(each, Mapping):
            require_reachable(each)
    title = f"Score {about['name']} with {student}" + ("" if label == "base" else f" ({label})")
    return hub.submit("score", title, config, lane="device" if server is None else "teacher")


def make_score_config(
    seed_set: str,
    about: Mapping[str, Any],
    *,
    student: str,
    signals: Sequence[str],
    label: str = "base",
    server: Mapping[str, str] | None = None,
    reward: str = REWARD,
    **more: Any,
) -> dict[str, Any]:
    """Return the frozen configuration of a score run.

    Raises ModelLoadError or SignalError, before anything runs, for model folders that are not there, for what is
    neither a folder nor a hub id, and for signals that this student cannot give. The hub is not asked whether it has a
    model of that id: only the run finds out.

    Args:
        seed_set: id.
        about: ``name`` and ``task`` of the seed set.
        student: ``tiny``, a folder, a hub id, or the name of a model behind a server.
        signals: names.
        label: what this student is called.
        server: where the student is, or None.
        reward: the reward model.
        more: adapter, teacher, n_samples, temperature, width.
    """
    names = list_signals(signals)
    if server is not None:
        refuse_blind(names, student)
        if more.get("adapter"):
            raise SignalError("An adapter cannot be put on a student behind a server; serve it there under a name.")
    if "solve_rate" in names:
        check_sampling(more.get("n_samples") or 16, 1.0 if more.get("temperature") is None else more["temperature"])
    check_teacher(more.get("teacher") or TEACHER)
    if any("reward" in SIGNALS.get(name).needs for name in names):
        reward = require_model(reward)
    return {
        "seed_set": seed_set,
        "seed_set_name": about["name"],
        "task": about["task"],
        "student": student if server is not None else require_model(student),
        "server": None if server is None else dict(server),
        "label": label,
        "splits": ["train"],
        "signals": names,
        "reward": reward,
        **more,
    }


def read_pool(hub: Hub, seed_set: str, scored: str | None, student: str = "base") -> tuple[pd.DataFrame, Pool]:
    """Return the train problems as ``store.read_pool`` has them, scores in columns, and the pool that selectors see.

    A signal that failed is a column without values, and not in the pool: a selector would draw lots by it.

    Args:
        hub: of the home.
        seed_set: id.
        scored: the run that scored them, or None.
        student: what that run calls the student.
    """
    frame = hub.store.read_pool(seed_set, scored, student)
    signals = {}
    if frame["is_correct"].notna().any() or frame["loss"].notna().any():
        signals["loss"] = frame["loss"].to_numpy(dtype=float, na_value=np.nan)
        frame["correct"] = frame["is_correct"].astype("float64")
    if scored is not None:
        scores = hub.store.read_scores(scored, student)
        frame = frame.drop(columns=["correct"] if "correct" in scores else []).join(scores, on="problem_id")
    failed = ((hub.store.read_run(scored) or {}).get("summary") or {}).get("failed") or {} if scored else {}
    plain = [name for name in SIGNALS if not SIGNALS.get(name).is_vector and name in frame and name != "loss"]
    signals |= {name: frame[name].to_numpy(dtype=float, na_value=np.nan) for name in plain if name not in failed}
    vectors = {}
    for name in (name for name in SIGNALS if SIGNALS.get(name).is_vector and scored is not None):
        found = read_vectors(hub.settings.home / "runs" / scored, student, name, frame["problem_id"].tolist())
        if found is not None:
            vectors[name] = found
    if "correct" not in frame:
        frame["correct"] = np.nan  # nobody was asked, or nothing can be compared; no signal of the pool
    return frame, Pool(frame["problem_id"].to_numpy(dtype=str), signals, vectors=vectors)


def choose_seeds(
    pool: Pool, selector: str, k: int, replicate: int = 0, pick: str = "argmax", temperature: float = 1.0
) -> Selection:
    """Choose k rows of a pool, as the page and the shell show them and ``record_seeds`` keeps them.

    Args:
        pool: with the signals that the selector needs.
        selector: name.
        k: rows wanted.
        replicate: the same gives the same rows.
        pick: name.
        temperature: of the pick ``softmax``; above 0.

    Raises:
        SelectionError: k is larger than the pool, or the selector needs scores that are not there.
        UnknownNameError: no such selector or pick.
    """
    return choose(pool, selector, k, make_rng(replicate), pick=pick, temperature=temperature)


def record_seeds(
    hub: Hub,
    seed_set: str,
    pool: Pool,
    *,
    selector: str,
    k: int,
    pick: str = "argmax",
    replicate: int = 0,
    prediction_run: str | None = None,
    student: str | None = None,
    n_set_aside: int = 0,
) -> str:
    """Keep a selection: a run folder that is made and finished at once; returns its run id.

    Args:
        hub: of the home.
        seed_set: id.
        pool: chosen from, without what was set aside.
        selector: name.
        k: seeds wanted.
        pick: name.
        replicate: the same gives the same rows.
        prediction_run: that scored the pool.
        student: what that run calls the student.
        n_set_aside: seeds that are not in the pool for what people said of their children; kept with the selection.

    Raises:
        SelectionError: as ``choose_seeds``.
    """
    check_size(pool, k)  # a loop takes what there is; a person who asked for k is told
    selection, spares = select_with_spares(pool, selector, k, make_rng(replicate), pick)
    about = {
        "seed_set_id": seed_set,
        "selector": selector,
        "pick": pick,
        "k": k,
        "replicate": replicate,
        "prediction_run_id": prediction_run,
        "student": student,
    }
    name = read_seed_set(hub, seed_set)["name"]
    config = {**about, "seed_set": seed_set, "seed_set_name": name, "prediction_run": prediction_run}
    config |= {"n_set_aside": n_set_aside} if n_set_aside else {}
    problems = [Problem(id_, "", None, None) for id_ in pool.problem_ids.tolist()]
    folder = RunFolder.create(
        hub.settings.home,
        "select",
        title=f"Select {k} of {name} by {selector}"
        + ("" if pick == "argmax" else f", {pick}")
        + (", minding what was rejected" if n_set_aside else ""),
        config=config,
        lane="light",
        starts_itself=True,
    )
    with folder.hold():
        record_selection(folder, 1, problems, selection, spares, about)
        folder.finish("done", {"k": k, "n_topped_up": selection.n_topped_up})
    hub.step()
    return folder.run_id


BY_HAND = "hand"
"""What stands for the selector where a person named the seeds."""


def record_named(hub: Hub, seed_set: str, problem_ids: Sequence[str], reason: str) -> str:
    """Keep a selection of seeds that a person named: a run folder that is made and finished at once; returns its id.

    Args:
        hub: of the home.
        seed_set: id.
        problem_ids: in the order in which they are asked; the same one twice counts once.
        reason: why these, one sentence.

    Raises:
        SelectionError: there are none, or one is no train problem of the seed set.
    """
    known = set(hub.store.read_pool(seed_set)["problem_id"])
    wanted = list(dict.fromkeys(problem_ids))
    if not wanted or not known.issuperset(wanted):
        raise SelectionError("Name at least one seed, each a train problem of the seed set.")
    name = read_seed_set(hub, seed_set)["name"]
    about = {"seed_set_id": seed_set, "selector": BY_HAND, "pick": "argmax", "k": len(wanted), "replicate": 0}
    folder = RunFolder.create(
        hub.settings.home,
        "select",
        title=f"Select {len(wanted)} of {name} by {BY_HAND}",
        config={**about, "seed_set": seed_set, "seed_set_name": name, "prediction_run": None},
        lane="light",
        starts_itself=True,
    )
    chosen = Selection(np.arange(len(wanted)), None, None, [reason] * len(wanted), 0)
    with folder.hold():
        record_selection(folder, 1, [Problem(id_, "", None, None) for id_ in wanted], chosen, [], about)
        folder.finish("done", {"k": len(wanted), "n_topped_up": 0})
    hub.step()
    return folder.run_id


ENOUGH = 20
"""Values that a run must have computed before its rate is told of others."""


def estimate_seconds(
    hub: Hub, student: str, stages: Sequence[str], n: int, settings: Mapping[str, Any]
) -> tuple[float | None, list[str]]:
    """Return how long scoring n problems will take by the rates of earlier runs of this home, nothing being known yet.

    A stage counts only where an earlier run computed it with the same student, reward model, teacher and number of
    samples, as far as the stage depends on them.

    Args:
        hub: of the home.
        student: as the runs name it.
        stages: ``answers`` and signals.
        n: problems.
        settings: ``reward``, ``teacher``, ``n_samples`` of the run to come.

    Returns:
        Seconds, loading of the models included, for the stages that were measured, None where none was; and the names
        of the others.
    """
    runs = hub.store.list_runs(["score"], states=["done"], limit=50)
    rates: dict[str, float] = {}
    fixed: float | None = None  # what a run takes before and after its stages: it starts, and loads its models
    for row in runs.to_dict("records"):
        config, summary = json.loads(row["config"]), json.loads(row["summary"])
        if fixed is None and config.get("student") == fix_model(student) and summary.get("seconds"):
            fixed = max(row["ended_at"] - row["started_at"] - sum(summary["seconds"].values()), 0.0)
        for stage, n_computed in (summary.get("computed") or {}).items():
            needs = {"student", *_SETTINGS_OF.get(stage, ())}
            wanted = {"student": fix_model(student), **settings}
            if n_computed >= ENOUGH and all(config.get(name) == wanted.get(name) for name in needs):
                rates.setdefault(stage, summary["seconds"][stage] / n_computed)  # of the newest run
    known = [stage for stage in stages if stage in rates]
    unknown = [stage for stage in stages if stage not in rates and stage not in ALWAYS]
    return ((fixed or 0.0) + n * sum(rates[stage] for stage in known) if known else None), unknown


_SETTINGS_OF = {
    "reward": ("reward",),
    "reward_truth": ("reward",),
    "judge": ("teacher",),
    "grade": ("teacher",),
    "solve_rate": ("n_samples",),
}
"""Settings that decide how long a stage takes, besides the student."""


def read_earlier(hub: Hub, run_id: str, round_: int, signal: str) -> np.ndarray:
    """Return what a signal said of the seeds of an earlier selection when they were chosen; (k,) float64, NaN unknown.

    Args:
        hub: of the home.
        run_id: the run that made the selection.
        round_: its round.
        signal: name.
    """
    selections = hub.store.list_selections()
    selection = selections[(selections["run_id"] == run_id) & (selections["round"] == round_)].iloc[0]
    chosen = hub.store.list_selected(run_id, round_)
    chosen = chosen[~chosen["is_spare"]]
    if signal == "loss":
        return chosen["loss"].to_numpy(dtype=float, na_value=np.nan)
    scored = selection["prediction_run_id"]
    if pd.isna(scored):
        return np.full(len(chosen), np.nan)
    scores = hub.store.read_scores(scored, selection["student"])
    if signal in scores:
        return scores[signal].reindex(chosen["problem_id"]).to_numpy()
    known = chosen["is_correct"].astype("float64") if signal == "correct" else pd.Series(np.nan, chosen.index)
    return known.to_numpy(dtype=float, na_value=np.nan)
