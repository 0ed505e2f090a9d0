"""A map of a seed set and of what was grown from it, with numbers on its diversity: a run, since embedding takes time.

The run is given the texts as they stood when it was started, and nothing that it measures changes with them; what is
known of a point (its verdict, its review, its scores) is looked up when the map is looked at.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.analysis.diversity import Measure
from core.analysis.sets import Texts, assign_clusters, find_clusters, find_roots, list_sets, measure_set
from core.analysis.token_counts import TokenCounts
from core.analysis.token_shift import draw_at_random, measure_shifts
from core.errors import RunError
from core.filters.tokens import split_tokens
from core.hub import Hub
from core.maps.near import find_nearest
from core.maps.place import place
from core.maps.project import METHODS, project
from core.models.embedder import NAME as EMBEDDER
from core.recipes.embedding import embed_stage
from core.recipes.stages import home_of
from core.recipes.start import read_seed_set
from core.runs.folder import RunFolder
from core.runs.parts import read_parts
from core.runs.whole_files import write_array
from core.tasks import TASKS

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 100_000
"""Texts of a map; of more so many are drawn, and the map says so."""

FEWEST_TIMED = 1_000
"""Texts of a map that tells how long another one takes: of fewer, loading and compiling are most of the time."""

GROUPINGS = {"round": "round", "selector": "selector", "method": "method", "type": "type", "run": "source_run"}
"""Name of a grouping -> column of the texts; its parts are measured by themselves."""

VECTORS, TOKENS = "vectors.npy", "tokens"
"""What lies in the run's folder ``map/`` beside the records: vectors half as wide, cosines to a thousandth; tokens."""

GONE = "This map is no longer there: its run is in the trash, or was removed. Load the page again."
"""What is said where a map went while it was looked at."""


def start_map(hub: Hub, seed_set: str, *, projection: str = "umap", based_on: str | None = None) -> str:
    """Put a map of a seed set, and of all that was grown from it, into the queue; returns the run's id.

    Args:
        hub: of the home.
        seed_set: id.
        projection: one of ``core.maps.project.METHODS``; without a meaning where a map is gone on with.
        based_on: run of a map that stays as it is, with what is new placed into it; None: a map of its own.

    Raises:
        RunError: there is nothing to map, no such projection, or the map to go on with is not there.
    """
    if projection not in METHODS:
        raise RunError(f"There is no projection {projection!r}; known: {', '.join(METHODS)}.")
    about, texts = read_seed_set(hub, seed_set), hub.store.list_texts_to_map(seed_set)
    if texts.empty:
        raise RunError("There is nothing to map: the seed set has no train problems yet.")
    known = None if based_on is None else hub.store.read_run(based_on)
    if based_on is not None and not _is_map_of(known, seed_set):
        raise RunError(f"The map {based_on} of this seed set is not there, or was not finished; draw a new one.")
    n_all = len(texts)
    if n_all > MOST_POINTS:
        texts = texts.sample(MOST_POINTS, random_state=0).sort_index()
    config = {
        "seed_set": seed_set,
        "seed_set_name": about["name"],
        "task": about["task"],
        "projection": known["summary"]["projection"] if known else projection,
        "based_on": based_on,
        "n_all": n_all,
        "seed": 0,
    }
    return hub.submit(
        "map", f"Map of {about['name']}", config, lane="light", inputs={"texts": texts.reset_index(drop=True)}
    )


def _is_map_of(run: Mapping[str, Any] | None, seed_set: str) -> bool:
    return run is not None and (run["kind"], run["state"], run["config"].get("seed_set")) == ("map", "done", seed_set)


def estimate_map(hub: Hub, n: int, projection: str) -> float | None:
    """Return the seconds that a map of n texts takes, at the rate of the newest such map here; None: there is none.

    That one may have found texts in the cache, so a map of new ones may take longer.
    """
    for run in hub.store.list_runs(["map"], ["done"], limit=20).to_dict("records"):
        summary, is_new = json.loads(run["summary"]), json.loads(run["config"])["based_on"] is None
        is_like = is_new and summary["projection"] == projection and summary["fault"] is None
        if is_like and summary["n_points"] >= FEWEST_TIMED:
            return n * (run["ended_at"] - run["started_at"]) / summary["n_points"]
    return None


def map_run(folder: RunFolder) -> dict[str, Any]:
    """Embed, lay out, measure.

    Summary: ``n_points``, ``n_all`` (texts that there were), ``n_placed``, ``projection`` (the one that was had),
    ``fault`` (why it is not the one that was asked for), ``embedder`` (None where the task's questions are no
    sentences: they are mapped by it all the same, but no distance is measured).
    """
    config, texts = folder.config, folder.read_input("texts")
    texts = texts.astype(object).where(texts.notna(), None)
    vectors = embed_stage(folder, texts["question"].tolist(), "embeds the texts")
    write_array(vectors.astype(np.float16), folder.path / "map" / VECTORS)
    points, projection, fault = _lay_out(folder, texts, vectors)
    has_meaning = TASKS.get(config["task"]).compares_questions
    points["cluster"], n_clusters = None, 0
    if has_meaning:
        is_seed = texts["is_seed"].to_numpy(bool)
        middles = find_clusters(vectors[is_seed] if is_seed.any() else vectors)
        points["cluster"], n_clusters = assign_clusters(vectors, middles), len(middles)
    folder.write_part("map_points", points)
    _measure(folder, texts, vectors if has_meaning else None, points["cluster"].to_numpy(), n_clusters)
    _count_words(folder, texts)
    return {
        "n_points": len(texts),
        "n_all": config["n_all"],
        "n_placed": int(points["is_placed"].sum()),
        "projection": projection,
        "fault": fault,
        "embedder": EMBEDDER if has_meaning else None,
    }


def find_neighbours(home: Path, map_run: str, position: int, k: int = 10) -> list[tuple[int, float]]:
    """Return the k points that are nearest in meaning, in the order of nearness, each with its cosine.

    All vectors are looked at, those of points that are not drawn too.

    Args:
        home: of the run.
        map_run: id.
        position: of the point.
        k: how many, where there are so many others.

    Raises:
        RunError: the map's run is in the trash, or was removed.
    """
    try:
        vectors = np.load(home / "runs" / map_run / "map" / VECTORS, allow_pickle=False, mmap_mode="r")
    except FileNotFoundError as error:
        raise RunError(GONE) from error
    rows, cosines = find_nearest(vectors[[position]], vectors, min(k + 1, len(vectors)))
    return [(int(row), float(value)) for row, value in zip(rows[0], cosines[0], strict=True) if row != position][:k]


def read_tokens(home: Path, map_run: str) -> TokenCounts:
    """Return how often each token stands in each point's text, rows by position; raises RunError where it went."""
    try:
        return TokenCounts.load(home / "runs" / map_run / "map" / TOKENS)
    except FileNotFoundError as error:
        raise RunError(GONE) from error


def _lay_out(folder: RunFolder, texts: "pd.DataFrame", vectors: np.ndarray) -> "tuple[pd.DataFrame, str, str | None]":
    """Return where each text lies, by which projection, and why by no other."""
    import pandas as pd

    config = folder.config
    points = pd.DataFrame({"source_run": texts["source_run"], "item_id": texts["item_id"]})
    points["position"], points["is_placed"] = np.arange(len(points)), False
    folder.report("lays them out", 0, 0, None)
    if config["based_on"] is None:
        made = project(vectors, config["projection"], config["seed"], folder.check_cancelled)
        points["x"], points["y"] = made.places.T.astype(float)
        return points, made.method, made.fault
    before = RunFolder(home_of(folder) / "runs" / config["based_on"])
    kept = read_parts(before, "map_points", ["source_run", "item_id", "x", "y", "is_placed"])
    kept = kept.drop_duplicates(["source_run", "item_id"], keep="last")
    points = points.drop(columns="is_placed").merge(kept, on=["source_run", "item_id"], how="left")
    is_new = points["x"].isna().to_numpy()
    if is_new.all():
        raise RunError("Nothing of the map is left to go on with; draw a new one.")
    if is_new.any():
        places = points.loc[~is_new, ["x", "y"]].to_numpy(float)
        points.loc[is_new, ["x", "y"]] = place(vectors[is_new], vectors[~is_new], places).astype(float)
    points["is_placed"] = points["is_placed"].astype(object).where(~is_new, True).astype(bool)
    return points, config["projection"], None


def _measure(
    folder: RunFolder, texts: "pd.DataFrame", vectors: np.ndarray | None, clusters: np.ndarray, n_clusters: int
) -> None:
    """Record how diverse the seeds are, what was grown, what a person accepted, and each part of what was grown."""
    is_seed, passed = texts["is_seed"].to_numpy(bool), texts["has_passed"].to_numpy(bool)
    kept, questions = texts["is_kept"].to_numpy(bool), texts["question"].tolist()
    given = Texts(
        texts=questions,
        vectors=vectors,
        units=find_roots(texts["item_id"].tolist(), texts["unit"].tolist()),
        kinds=texts["type"].tolist(),
        all_kinds=sorted({kind for kind in texts.loc[is_seed, "type"] if kind}),
        clusters=None if vectors is None else clusters,
        n_clusters=n_clusters,
    )
    sets = [("all", "seeds", is_seed), ("all", "grown", passed), ("all", "kept", kept)]
    parts = [(grouping, member, np.flatnonzero(rows)) for grouping, member, rows in sets if rows.any()]
    parts += list(list_sets({name: texts[column].tolist() for name, column in GROUPINGS.items()}, passed))
    for done, (grouping, member, rows) in enumerate(parts):
        folder.check_cancelled()
        folder.report("measures", done, 0, len(parts))
        for name, found in measure_set(given, rows, seed=folder.config["seed"]).items():
            if found.value is not None:
                folder.append("map_measures", _to_record(grouping, member, name, found, len(rows)))
    folder.report("measures", len(parts), 0, len(parts))


def _to_record(grouping: str, member: str, name: str, found: Measure, n_texts: int) -> Mapping[str, Any]:
    return {
        "grouping": grouping,
        "member": member,
        "measure": name,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "is_sampled": found.is_sampled,
        "n_texts": n_texts,
    }


def _count_words(folder: RunFolder, texts: "pd.DataFrame") -> None:
    """Keep the tokens of every text, and record how far each arm's words were from the seeds' after each round."""
    import pandas as pd

    folder.report("counts the words", 0, 0, None)
    whole = [f"{question}\n{answer or ''}" for question, answer in zip(texts["question"], texts["answer"], strict=True)]
    TokenCounts.of(whole, split_tokens).save(folder.path / "map" / TOKENS)
    is_seed = texts["is_seed"].to_numpy(bool)
    seeds = [text for text, is_own in zip(whole, is_seed, strict=True) if is_own]
    grown = texts.assign(text=whole)[texts["has_passed"].to_numpy(bool) & texts["round"].notna().to_numpy(bool)]
    if grown.empty or not seeds:
        return
    method = grown["selector"].fillna("without a selector")
    children = pd.DataFrame(
        {"method": method, "replicate": grown["source_run"], "round": grown["round"].astype(int), "text": grown["text"]}
    )
    shifts = measure_shifts(seeds, pd.concat([children, draw_at_random(seeds, children)]), split_tokens)
    for row in shifts.to_dict("records"):
        folder.append("map_shifts", {**row, "se": None if np.isnan(row["se"]) else row["se"]})
