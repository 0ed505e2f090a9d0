"""What the pages call to get something going: each function gathers a run's inputs and puts the run in the queue.

It knows the hub and the store's reading verbs; it knows nothing of pages. The same configurations come from the shell.
A run is given ids, not problems: its worker reads the seed set itself, for a page must not wait for 48,000 problems.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import RunError, TrainingError
from core.hub import Hub
from core.models.student import check_source
from core.recipes.scoring import REWARD
from core.recipes.training import choose_preset
from core.records import INCORRECT
from core.runs.folder import RunFolder
from core.selection import check_pick
from core.store.reads_candidates import POLICIES
from core.training.config import PRESETS, TrainingConfig

FILTER_NAMES = ("held_out", "well_formed", "contamination", "rouge_l", "verified")
"""Filters of a run unless it says otherwise, cheapest first."""

DEMO_K = 100
"""Accepted candidates of the demo's one round."""


def fix_model(source: str) -> str:
    """Return a model's name as a run keeps it: a folder by its whole path, for a worker starts elsewhere."""
    folder = Path(source).expanduser()
    is_shipped = source in ("tiny", "tiny-reward")
    return str(folder.resolve()) if not is_shipped and folder.is_dir() else source


def require_model(source: str) -> str:
    """Return ``fix_model(source)``; raises ModelLoadError for what no worker could load, before a run waits for it."""
    check_source(source)
    return fix_model(source)


def make_loop_config(
    home: Path,
    seed_set: str,
    *,
    student: str = "tiny",
    selector: str = "random",
    pick: str = "argmax",
    k: int = 100,
    rounds: int = 1,
    replicate: int = 0,
    reward: str = REWARD,
    training: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the frozen configuration of a loop; raises what a wrong selector or setting raises, before it runs."""
    check_pick(selector, pick)
    imported = RunFolder(home / "runs" / seed_set)
    about = {**imported.config, **(imported.read_state().summary or {})}  # a queued import knows its task by its name
    return {
        "seed_set": seed_set,
        "seed_set_name": about["name"],
        "task": about["task"],
        "student": require_model(student),
        "selector": selector,
        "pick": pick,
        "k": k,
        "rounds": rounds,
        "replicate": replicate,
        "reward": require_model(reward),
        "teacher": "built-in",
        "method": "rewrite",
        "filters": list(FILTER_NAMES),
        "training": make_training(student, about["task"], training),
    }


def make_training(student: str, task: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the training settings for a student and task, with changes; raises TrainingError for one out of range."""
    preset = asdict(PRESETS[choose_preset(student, task)])
    return asdict(TrainingConfig.from_dict({**preset, **(changes or {})}))


def start_import(
    hub: Hub,
    name: str,
    *,
    task: str | None = None,
    builtin: str | None = None,
    files: Mapping[str, Path] | None = None,
    hub_dataset: Mapping[str, Any] | None = None,
    mapping: Mapping[str, Any] | None = None,
    split_seed: int = 0,
) -> str:
    """Put an import in the queue; returns its run id, which is the seed set's id.

    Args:
        hub: of the home.
        name: what people will call the seed set.
        task: registry name; None where the file is recognised.
        builtin: name of a shipped seed set.
        files: split -> file, copied into the run.
        hub_dataset: ``id``, ``config`` and ``splits`` of a Hugging Face dataset.
        mapping: how columns become question, answer and final; None where the file is recognised.
        split_seed: of the split made where no validation or test file is given.
    """
    names = {split: f"{split}{Path(path).suffix}" for split, path in (files or {}).items()}
    config = {
        "name": name,
        "task": task or builtin,
        "builtin": builtin,
        "hub": hub_dataset,
        "files": names,
        "file_names": {split: Path(path).name for split, path in (files or {}).items()},
        "mapping": mapping,
        "split_seed": split_seed,
    }
    copies = {names[split]: Path(path) for split, path in (files or {}).items()}
    return hub.submit("import", f"Import {name}", config, lane="light", files=copies)


def read_seed_set(hub: Hub, seed_set: str) -> dict[str, Any]:
    """Return the seed set's row; raises RunError where there is none."""
    found = hub.store.read_seed_set(seed_set)
    if found is None:
        raise RunError(f"There is no seed set {seed_set!r} in this home; import one on the page Seeds.")
    return found


def list_lineage(hub: Hub, generate_run: str) -> list[str]:
    """Return the run and those whose candidates trained the student that its seeds were selected by, newest first.

    A round adds its candidates to those of the rounds before (Kessler 2025, algorithm 1).
    """
    runs = hub.settings.home / "runs"

    def read_config(run_id: str | None) -> dict[str, Any]:
        return RunFolder(runs / run_id).config if run_id and (runs / run_id).is_dir() else {}

    selection = read_config(read_config(generate_run).get("selection_run"))
    trained = find_trained_run(read_config(selection.get("prediction_run")).get("adapter"))
    earlier = read_config(trained).get("generate_runs", [trained] if trained else [])  # a loop grew its own
    return list(dict.fromkeys([generate_run, *earlier]))


def find_trained_run(adapter: str | None) -> str | None:
    """Return the run that an adapter's path (``runs/ID/...``) says it was made by; None for one from elsewhere."""
    parts = Path(adapter).parts if adapter else ()
    return parts[parts.index("runs") + 1] if "runs" in parts[:-1] else None


def start_finetune(
    hub: Hub,
    generate_runs: Sequence[str],
    *,
    policy: str,
    student: str = "tiny",
    training: Mapping[str, Any] | None = None,
) -> str:
    """Train a fresh adapter on the accepted candidates of these runs; returns the run id.

    Raises:
        ModelLoadError: there is no such student.
        TrainingError: nothing is accepted, the runs belong to different seed sets, or a setting is out of range.
    """
    runs = hub.settings.home / "runs"
    seed_sets = {RunFolder(runs / run_id).config["seed_set"] for run_id in generate_runs}
    if len(seed_sets) != 1:
        raise TrainingError("Choose candidates of one seed set; the runs chosen belong to several or to none.")
    seed_set = seed_sets.pop()
    about = read_seed_set(hub, seed_set)
    rows = hub.store.list_training_candidates(list(generate_runs), policy)
    if rows.empty:
        raise TrainingError(say_why_no_rows(hub, generate_runs, policy))
    config = {
        "seed_set": seed_set,
        "seed_set_name": about["name"],
        "task": about["task"],
        "student": require_model(student),
        "training": make_training(student, about["task"], training),
        "generate_runs": list(generate_runs),
        "policy": policy,
        "n_rows": len(rows),
    }
    return hub.submit(
        "finetune",
        f"Finetune {student} on {len(rows)} candidates of {about['name']}",
        config,
        lane="device",
        inputs={"rows": rows},
    )


def say_why_no_rows(hub: Hub, generate_runs: Sequence[str], policy: str) -> str:
    """Return in one sentence why these runs have nothing to train on by a policy, and what to do."""
    n_wrong = 0
    for run_id in generate_runs:
        found = hub.store.list_candidates(run_id=run_id, status="accepted", limit=None)
        by_hand = found["review"].isin(("accept", "edit"))
        taken = found[by_hand if policy == POLICIES[1] else by_hand | found["review"].isna()]
        n_wrong += sum(json.loads(text).get("label") == INCORRECT for text in taken["meta"].dropna())
    if n_wrong:
        return (
            f"What is accepted in these runs, {n_wrong} in all, has answers that are meant to be wrong, and those are "
            "never trained on as answers; choose runs of another method."
        )
    return "Nothing is accepted in these runs yet: review some candidates, or train on what the filters accept."


def start_demo(hub: Hub) -> str:
    """Fill an empty home with one finished round on the built-in word problems; returns the loop's run id."""
    seed_set = start_import(hub, "word_problems", builtin="word_problems")
    config = make_loop_config(hub.settings.home, seed_set, selector="loss_high", k=DEMO_K)
    title = f"Demo: word_problems, loss_high, {DEMO_K} candidates"
    return hub.submit("loop", title, {**config, "after": seed_set}, lane="device")
