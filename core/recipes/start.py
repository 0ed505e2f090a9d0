"""What the pages call to get something going: each function gathers a run's inputs and puts the run in the queue.

It knows the hub and the store's reading verbs; it knows nothing of pages. The same configurations come from the shell.
A run is given ids, not problems: its worker reads the seed set itself, for a page must not wait for 48,000 problems.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.errors import RunError, TrainingError
from core.hub import Hub
from core.models.adapters import read_adapter_settings
from core.models.student import TINY, check_source
from core.paths import expand
from core.recipes.presets import choose_preset
from core.recipes.scoring import REWARD
from core.recipes.titles import title_finetune
from core.recipes.trained import find_trained_run
from core.recipes.training import require_rows
from core.runs.folder import RunFolder
from core.selection import check_pick
from core.settings import DEMO
from core.training.config import PRESETS, TrainingConfig
from core.training.data import TrainingRow, hash_rows, to_frame
from core.training.objectives import Objective, make_objective
from core.training.objectives.base import list_shared, trains_on
from core.training.own_presets import list_presets

FILTER_NAMES = ("held_out", "well_formed", "contamination", "rouge_l", "verified")
"""Filters of a run unless it says otherwise, cheapest first."""

SHIPPED = (TINY, REWARD)
"""Models that come with Seedbed."""

DEMO_K = 100
"""Accepted candidates of the demo's one round."""


def fix_model(source: str) -> str:
    """Return a model's name as a run keeps it: a folder by its whole path, for a worker starts elsewhere.

    What is shipped is known by its name, also where its folder is given.
    """
    if source in SHIPPED or not expand(source).is_dir():
        return source
    folder = expand(source).resolve()
    return next((name for name in SHIPPED if folder == DEMO / name), str(folder))


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


def make_training(
    student: str,
    task: str,
    changes: Mapping[str, Any] | None = None,
    preset: str | None = None,
    presets: Mapping[str, TrainingConfig] = PRESETS,
) -> dict[str, Any]:
    """Return the training settings of a preset with changes; raises TrainingError for one out of range.

    Args:
        student: source of the student.
        task: registry name.
        changes: fields of TrainingConfig.
        preset: one of ``presets``; None: the usual one of student and task, for supervised finetuning.
        presets: those that there are; with a person's own, ``list_presets`` of the home.
    """
    name = preset or choose_preset(student, task)
    if name not in presets:
        raise TrainingError(f"There is no preset {name!r}; known: {', '.join(presets)}.")
    return asdict(TrainingConfig.from_dict({**asdict(presets[name]), **(changes or {})}))


def keep_adapter_settings(
    objective: Objective, adapter: Path | None, training: Mapping[str, Any], asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the training settings, where an adapter is trained on with those that it was made with.

    Args:
        objective: decides whether the adapter itself is trained on.
        adapter: folder, as a finetune wrote it; where that is a whole model nothing changes. None: there is none.
        training: every field of TrainingConfig.
        asked: those that a person named.

    Raises:
        TrainingError: another one of them was asked for.
        ModelLoadError: there is no adapter in the folder.
    """
    own = read_adapter_settings(adapter) if trains_on(objective, adapter) else {}
    for name, value in own.items():
        if asked.get(name, value) != value:
            raise TrainingError(
                f"It goes on from an adapter of {name} {value}, which stays as it is; leave {name}={asked[name]} out, "
                "or start from the student as it is."
            )
    return {**training, **own}


def make_finetune_config(
    student: str,
    task: str,
    rows: Sequence[TrainingRow],
    *,
    seed_set: str | None = None,
    seed_set_name: str | None = None,
    adapter: str | None = None,
    home: Path = Path(),
    objective: str = "sft",
    settings: Mapping[str, Any] | None = None,
    preset: str | None = None,
    presets: Mapping[str, TrainingConfig] = PRESETS,
    training: Mapping[str, Any] | None = None,
    evaluates: Sequence[str] = ("test", "ood"),
    **more: Any,
) -> dict[str, Any]:
    """Return the frozen configuration of a finetune; raises what wrong settings or rows raise, before it runs.

    Args:
        student: source of the base.
        task: renders the questions.
        rows: trained on; they go into ``input/rows.parquet``.
        seed_set: whose validation and test problems are asked; None: none.
        seed_set_name: as people know it.
        adapter: what it starts from, relative to the home or absolute; None: the base.
        home: that a relative ``adapter`` is in.
        objective: registry name.
        settings: of the objective.
        preset: name of the training settings; None: the usual one.
        presets: those that there are, as for ``make_training``.
        training: changes to the preset.
        evaluates: splits answered before and after.
        more: what the rows were built from (``generate_runs``, ``policy``), ``parent`` of a sweep, ``validation_set``.

    Raises:
        UnknownNameError: no such objective. ModelLoadError: no student, or no adapter, where it should be.
        TrainingError: no rows, rows that lack what the objective needs, or a setting out of range.
    """
    student, chosen = require_model(student), make_objective(objective, settings)
    makes_policy = chosen.starts_from_policy and adapter is None
    require_rows(chosen, rows, makes_policy=makes_policy)
    preset = preset or choose_preset(student, task, objective, settings)
    made = make_training(student, task, training, preset, presets)
    made = keep_adapter_settings(chosen, None if adapter is None else home / adapter, made, training or {})
    return {
        "seed_set": seed_set,
        "seed_set_name": seed_set_name,
        "task": task,
        "student": student,
        "adapter": adapter,
        "objective": objective,
        "settings": asdict(chosen),
        "preset": preset,
        "training": made,
        "policy_training": make_policy_training(student, task, chosen, made) if makes_policy else None,
        "rows_hash": hash_rows(rows),
        "n_rows": len(rows),
        "evaluates": list(evaluates),
        **more,
    }


def make_policy_training(student: str, task: str, objective: Objective, training: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the policy's training, with what it shares with the one after it."""
    shared = {name: training[name] for name in list_shared(objective)}
    is_whole = training["weights"] == "full" and student != "tiny"
    return make_training(student, task, shared, preset="limo" if is_whole else None)  # else a rate for LoRA: too high


def start_training(hub: Hub, rows: Sequence[TrainingRow], config: Mapping[str, Any], title: str | None = None) -> str:
    """Put a finetune with such a configuration in the queue; returns the run id."""
    parts = config.get("parts") or {}
    others = [name for name in ("candidates", "seeds", "answers", "own", "earlier") if parts.get(name)]
    about = (None if others else parts.get("file")) or config["seed_set_name"] or "a file"
    title = title or title_finetune(config, about, list_presets(hub.settings.home))
    return hub.submit("finetune", title, config, lane="device", inputs={"rows": to_frame(rows)})


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


def start_demo(hub: Hub) -> str:
    """Fill an empty home with one finished round on the built-in word problems; returns the loop's run id."""
    seed_set = start_import(hub, "word_problems", builtin="word_problems")
    config = make_loop_config(hub.settings.home, seed_set, selector="loss_high", k=DEMO_K)
    title = f"Demo: word_problems, loss_high, {DEMO_K} candidates"
    return hub.submit("loop", title, {**config, "after": seed_set}, lane="device")
