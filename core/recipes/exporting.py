"""A trained student out of its home: the adapter as a zip, a merged model (kind ``export``), onto the hub (``push``).

    RUN/model/              of an export: a whole model with its card; there complete and checked, or not at all
    RUN/repository.json     of a push: the repository that it made, so that a further attempt may go on with it

It reads run folders, never the database, so a shell does the same.
"""

import io
import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.datasets import load_problems
from core.errors import RunError, SeedbedError
from core.hub import Hub
from core.models.merging import MergeCheck, check_dtype, estimate_merged_bytes, merge, whole_folder
from core.models.publishing import NO_TOKEN, check_repo, find_token, name_hub, publish
from core.models.student import ADAPTER_ORIGIN, check_source
from core.recipes.cards import ADAPTER, MODEL, write_card
from core.recipes.stages import home_of
from core.recipes.start import fix_model
from core.recipes.trained import Trained, find_trained, open_trained, read_rows
from core.runs.disk import EXPORTED, describe_bytes, require_room
from core.runs.folder import RunFolder
from core.runs.whole_files import write_json
from core.tasks import TASKS

CARD = "README.md"
DATASET = "dataset"
"""What a push uploads beside ADAPTER and MODEL of the cards; it brings its files along."""

REPOSITORY = "repository.json"

LARGEST_ZIP = 1_000_000_000
"""Bytes of an adapter that a browser is offered: the whole file lies in the memory of the app while it is fetched."""

N_PROMPTS = 4
"""Questions that a merged model is compared on."""

PLAIN_QUESTIONS = (
    "Tom has 3 apples and buys 12 more. How many apples does he have?",
    "A box holds 24 pens and 7 boxes are full. How many pens are in them?",
    "What is 15 + 27?",
    "Name three things that one can put on a table.",
)
"""Asked where a trained student brings not enough questions of its own."""


def zip_adapter(home: Path, trained: Trained) -> bytes:
    """Return a zip of an adapter with its card.

    Raises:
        RunError: all weights were trained, so there is no adapter; or it is too large to be held in memory.
    """
    if trained.is_whole:
        raise RunError("All weights were trained, so there is no adapter to download; export the model instead.")
    if trained.n_bytes > LARGEST_ZIP:
        raise RunError(
            f"This adapter takes {describe_bytes(trained.n_bytes)}, too much for a browser; copy {trained.folder}."
        )
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as zip_:  # weights do not get smaller
        for path in list_adapter_files(trained):
            zip_.write(path, path.name)
        zip_.writestr(CARD, write_card(home, trained, ADAPTER))
    return written.getvalue()


def name_zip(trained: Trained) -> str:
    """Return the file name of a downloaded adapter."""
    return f"{trained.run_id or 'adapter'}-round-{trained.round or 1}-adapter.zip"


def list_adapter_files(trained: Trained) -> list[Path]:
    """Return the files that an adapter is made of."""
    names = ("adapter_model.safetensors", "adapter_config.json", ADAPTER_ORIGIN)
    return [trained.folder / name for name in names if (trained.folder / name).is_file()]


# -- a merged model ----------------------------------------------------------------------------------------------


def start_export(hub: Hub, run_id: str, round_: int | None = None, dtype: str | None = None) -> str:
    """Queue the making of a merged model of what a run trained; returns the id of the export run.

    Args:
        hub: of the home.
        run_id: a finetune or a loop.
        round_: of a loop; None: the last one.
        dtype: float32, bfloat16 or float16; None: as the base is used.

    Raises:
        SeedbedError: nothing was trained, its base is not there, or the disk has not enough room.
    """
    home = hub.settings.home
    trained = find_trained(home, run_id, round_)
    config = make_export_config(home, trained, dtype)
    return hub.submit("export", f"Export {name_trained(home, trained)}", config, lane="device")


def make_export_config(
    home: Path, trained: Trained, dtype: str | None = None, out: Path | None = None
) -> dict[str, Any]:
    """Return the frozen configuration of an export.

    Args:
        home: the workspace.
        trained: what is exported.
        dtype: see ``start_export``.
        out: folder that the model is written to; None: the run's own.

    Raises:
        ModelLoadError: there is no such base or type.
        RunError: nobody knows the base, or the disk has not enough room.
    """
    if trained.student is None:
        raise RunError(f"Nothing in {trained.folder} says which base it was trained on; name it by --student.")
    if dtype is not None:
        check_dtype(dtype)
    needed = estimate_export(trained, dtype)
    if needed is not None:
        require_room(out or home, needed, "the merged model")
    made = {} if trained.run_id is None else RunFolder(home / "runs" / trained.run_id).config
    inside = trained.folder.is_relative_to(home)
    return {
        "seed_set": made.get("seed_set"),
        "seed_set_name": made.get("seed_set_name"),
        "task": made.get("task"),
        "student": fix_model(trained.student),
        "adapter": str(trained.folder.relative_to(home) if inside else trained.folder),
        "run": trained.run_id,
        "round": trained.round,
        "dtype": dtype,
        "out": None if out is None else str(out),
    }


def estimate_export(trained: Trained, dtype: str | None = None) -> int | None:
    """Return how much room a merged model takes, bytes; None where the base is yet to be fetched from the hub.

    Raises ModelLoadError where there is no such base.
    """
    folder = check_source(trained.student) if trained.student is not None else None
    return None if folder is None else estimate_merged_bytes(folder, dtype)


def export_run(folder: RunFolder) -> dict[str, Any]:
    """Merge, save, load again and compare; summary: where the model is, its size, and how it compares."""
    config, home, started = folder.config, home_of(folder), time.time()
    target = Path(config["out"]) if config["out"] else folder.path / EXPORTED
    trained = read_export_source(home, config)
    prompts = pick_prompts(home, config)
    with whole_folder(target, may_replace=config["out"] is None) as part:
        check = merge(
            config["student"],
            trained.folder,
            part,
            prompts,
            dtype=config["dtype"],
            tell=lambda stage: folder.report(stage, 0, 0, None),
            check=folder.check_cancelled,
        )
        (part / CARD).write_text(write_card(home, trained, MODEL, check=check), encoding="utf-8")
    files = sorted(path for path in target.iterdir() if path.is_file())
    inside = target.is_relative_to(home)
    return {
        "path": str(target.relative_to(home) if inside else target),
        "n_bytes": sum(path.stat().st_size for path in files),
        "n_files": len(files),
        **asdict(check),
        "seconds": time.time() - started,
    }


def describe_check(summary: Mapping[str, Any]) -> str:
    """Return how the model of an export compares with base and adapter, in one line."""
    effect = "" if summary["adapter_kl"] is None else f" (the training changed {summary['adapter_kl']:.2g})"
    return (
        f"loaded again and compared on {summary['n_prompts']} prompts: {summary['n_same_answers']} of "
        f"{summary['n_prompts']} greedy answers the same, logits differ by at most "
        f"{summary['largest_difference']:.2g}, distributions by {summary['mean_kl']:.2g} nats a token{effect}"
    )


def read_export_source(home: Path, config: Mapping[str, Any]) -> Trained:
    """Return what an export's configuration says it is made of; raises SeedbedError where that is gone."""
    if config["run"] is not None:
        return find_trained(home, config["run"], config["round"])
    return open_trained(home / config["adapter"], config["student"])


def pick_prompts(home: Path, config: Mapping[str, Any]) -> list[str]:
    """Return a few prompts of the kind that the student was trained on: held-out problems, else its rows, else ours."""
    task = TASKS.get(config.get("task") or "custom")
    questions: list[str] = []
    if config.get("seed_set"):
        try:
            found = load_problems(home, config["seed_set"], ["validation", "test"])
        except SeedbedError:  # in the trash
            found = []
        questions = [problem.question for problem in found]
    if not questions:
        questions = [row.question for row in read_rows(home, config["run"])]
    every = max(1, len(questions) // N_PROMPTS)
    chosen = [*questions[::every][:N_PROMPTS], *PLAIN_QUESTIONS]
    return [task.student_prompt(question) for question in chosen[:N_PROMPTS]]


# -- onto the hub ------------------------------------------------------------------------------------------------


def start_push(
    hub: Hub, run_id: str, repo: str, *, round_: int | None = None, is_private: bool = True, may_update: bool = False
) -> str:
    """Queue the upload of an adapter, or of the model of an export; returns the id of the push run.

    Args:
        hub: of the home.
        run_id: a finetune, a loop, or an export that is done.
        repo: ``owner/name``, or a name alone for one's own account.
        round_: of a loop; None: the last one.
        is_private: of a repository that is made.
        may_update: whether the repository may be there already.

    Raises:
        RunError: there is nothing to push, no token, or no such name of a repository.
    """
    config = make_push_config(hub.settings.home, run_id, repo, round_, is_private=is_private, may_update=may_update)
    return hub.submit("push", f"Push the {config['what']} to {config['repo']}", config, lane="light")


def make_push_config(
    home: Path, run_id: str, repo: str, round_: int | None = None, *, is_private: bool = True, may_update: bool = False
) -> dict[str, Any]:
    """Return the frozen configuration of a push; see ``start_push``. The token is in none."""
    repo = check_repo(repo)
    if find_token() is None:
        raise RunError(NO_TOKEN)
    what, trained = find_pushed(home, run_id, round_)
    made = RunFolder(home / "runs" / run_id).config
    return {
        "seed_set": made.get("seed_set"),
        "seed_set_name": made.get("seed_set_name"),
        "task": made.get("task"),
        "student": trained.student,
        "run": run_id,
        "round": None if what == MODEL else trained.round,
        "what": what,
        "repo": repo,
        "is_private": is_private,
        "may_update": may_update,
    }


def make_data_push_config(repo: str, *, is_private: bool = True, may_update: bool = False) -> dict[str, Any]:
    """Return the frozen configuration of the push of a dataset; see ``start_push``. Its files are the run's inputs."""
    repo = check_repo(repo)
    if find_token() is None:
        raise RunError(NO_TOKEN)
    return {
        "run": None,
        "round": None,
        "what": DATASET,
        "repo": repo,
        "is_private": is_private,
        "may_update": may_update,
    }


def find_pushed(home: Path, run_id: str, round_: int | None = None) -> tuple[str, Trained]:
    """Return ADAPTER or MODEL, and what was trained; raises RunError where a run has nothing that can be pushed."""
    path = home / "runs" / run_id
    if (path / "run.json").is_file() and RunFolder(path).read_run()["kind"] == "export":
        folder = RunFolder(path)
        if find_model(home, folder) is None:
            raise RunError(f"The export {run_id} has made no model that is still there.")
        return MODEL, read_export_source(home, folder.config)
    trained = find_trained(home, run_id, round_)
    if trained.is_whole:
        raise RunError("All weights were trained, so there is no adapter to push; export the model, then push that.")
    return ADAPTER, trained


def find_model(home: Path, folder: RunFolder) -> Path | None:
    """Return the folder of the model that an export has made; None where it made none, or it is gone."""
    summary = folder.read_state().summary or {}
    path = home / summary["path"] if "path" in summary else None
    return path if path is not None and (path / "config.json").is_file() else None


def push_run(folder: RunFolder) -> dict[str, Any]:
    """Upload; summary: the repository and its address."""
    config, started = folder.config, time.time()
    token = find_token()
    if token is None:
        raise RunError(NO_TOKEN)
    files, of = list_pushed(folder)
    noted = folder.path / REPOSITORY
    known = json.loads(noted.read_text(encoding="utf-8"))["repo"] if noted.is_file() else None
    folder.report("upload", 0, 0, len(files))
    made = publish(
        files,
        known or config["repo"],
        token=token,
        message=f"Seedbed: {config['what']}{of}",
        kind=DATASET if config["what"] == DATASET else "model",
        is_private=config["is_private"],
        may_update=config["may_update"] or known is not None,
        on_repo=lambda repo: write_json(noted, {"repo": repo}),
        on_file=lambda n_sent: folder.report("upload", n_sent, 0, len(files)),
        check=folder.check_cancelled,
    )
    return {**asdict(made), "n_files": len(files), "hub": name_hub(), "seconds": time.time() - started}


def list_pushed(folder: RunFolder) -> tuple[dict[str, Path | bytes], str]:
    """Return name -> file or content of what a push uploads, and what it is of, for the message of the commit."""
    config = folder.config
    if config["what"] == DATASET:
        inputs = sorted(path for path in (folder.path / "input").iterdir() if path.is_file())
        return {(path.name if path.name == CARD else f"data/{path.name}"): path for path in inputs}, ""
    home = home_of(folder)
    what, trained = find_pushed(home, config["run"], config["round"])
    return gather_files(home, config, what, trained), f" of {trained.run_id or trained.folder.name}"


def gather_files(home: Path, config: Mapping[str, Any], what: str, trained: Trained) -> dict[str, Path | bytes]:
    """Return name -> file or content of what is uploaded; paths of this machine are taken out of it."""
    name = config["repo"] if "/" in config["repo"] else None
    if what == MODEL:
        exported = RunFolder(home / "runs" / config["run"])
        folder, summary = find_model(home, exported), exported.read_state().summary or {}
        fields = MergeCheck.__dataclass_fields__
        check = MergeCheck(**{field: summary[field] for field in fields})
        files: dict[str, Path | bytes] = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
        return {**files, CARD: write_card(home, trained, MODEL, name=name, check=check).encode()}
    files = {path.name: path for path in list_adapter_files(trained)}
    for file, field in (("adapter_config.json", "base_model_name_or_path"), (ADAPTER_ORIGIN, "source")):
        if file in files:
            about = json.loads((trained.folder / file).read_text(encoding="utf-8"))
            files[file] = json.dumps({**about, field: trained.base_name}, indent=2).encode()
    return {**files, CARD: write_card(home, trained, ADAPTER, name=name).encode()}


def name_trained(home: Path, trained: Trained) -> str:
    """Return what a trained student is called in the title of a run."""
    if trained.run_id is None:
        return f"{trained.base_name} with {trained.folder.name}"
    title = RunFolder(home / "runs" / trained.run_id).read_run()["title"]
    return f"{trained.base_name} of: {title}" + ("" if trained.round in (None, 1) else f", round {trained.round}")
