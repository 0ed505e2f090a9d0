"""What is known of how a dataset was made: from the store and the frozen configurations of the runs that it came from.

A run that is gone, and what a configuration does not say, is unknown and said to be.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import RunError, SeedbedError
from core.exporting.base import Made
from core.exporting.card import UNKNOWN, Facts, Origin, Prompt, Source
from core.models.student import TINY, check_source
from core.recipes.bringing import METHOD as BROUGHT
from core.recipes.trained import BUILT_IN, asks_builtin
from core.runs.folder import RunFolder
from core.store.queue_text import write_filter
from core.store.store import Store

if TYPE_CHECKING:
    from core.recipes.taking_out import TakenOut

OURS = "apache-2.0, as Seedbed"
_LICENCE = re.compile(r"^licen[sc]e:\s*(\S.*)$", re.MULTILINE)
_EDITED = "edited"


def gather_facts(
    store: Store, home: Path, taken: "TakenOut", sizes: Mapping[str, int], *, name: str, licence: str
) -> Facts:
    """Return what a card says of candidates that were taken out.

    Args:
        store: that they were taken from.
        home: the workspace.
        taken: the candidates.
        sizes: split -> rows.
        name: of the dataset.
        licence: of the dataset, an identifier of the hub.
    """
    written = [taken.rows[place].about for place in dict.fromkeys(taken.made.owners)]
    run_ids = list(dict.fromkeys(row.about["run_id"] for row in taken.rows))
    configs = {run_id: read_config(home, run_id) for run_id in run_ids}
    teachers = Counter(about["teacher"] or UNKNOWN for about in written)
    students = {run_id: find_student(home, config) for run_id, config in configs.items()}
    licences = {
        f"student {name_student(student)}": find_student_licence(student)
        for student in dict.fromkeys(students.values())
    }
    methods = Counter(about["method"] or UNKNOWN for about in written)
    licences |= {f"teacher {teacher}": OURS if teacher == BUILT_IN else UNKNOWN for teacher in teachers}
    return Facts(
        name=name,
        asked=write_filter(taken.asked),
        is_as_asked=taken.is_as_asked,
        sizes=sizes,
        left_out=taken.made.left_out,
        sources=list_sources(store, home, configs),
        origins=list_origins(store, home, taken, configs, students),
        teachers=teachers,
        methods=methods,
        prompts=list(dict.fromkeys(prompt for config in configs.values() for prompt in list_prompts(config))),
        rejections=store.count_rejections(run_ids),
        licences=licences,
        licence=licence,
        n_brought=methods[BROUGHT],
        has_builtin=BUILT_IN in teachers or any(asks_builtin(home, run_id) for run_id in run_ids),
        tags=sorted({about["task"] for about in written if about["task"]}),
    )


def read_config(home: Path, run_id: str) -> Mapping[str, Any]:
    """Return the frozen configuration of a run; empty where its folder is gone or unreadable."""
    try:
        return RunFolder(home / "runs" / run_id).config
    except RunError:
        return {}


def find_student(home: Path, config: Mapping[str, Any]) -> str:
    """Return the student that a run was about: its own, or the one whose scores its seeds were chosen by."""
    if config.get("selection_run"):
        scored = read_config(home, config["selection_run"]).get("prediction_run")
        config = read_config(home, scored) if scored else {}
    return config.get("student") or UNKNOWN


def name_student(student: str) -> str:
    """Return a student without the folders of this machine."""
    path = Path(student)
    return path.name if path.is_absolute() or student.startswith((".", "~")) else student


def find_student_licence(student: str) -> str:
    """Return what the card of a model on this machine says of its licence."""
    if student == TINY:
        return OURS
    try:
        folder = None if student == UNKNOWN else check_source(student)
        card = None if folder is None else (folder / "README.md").read_text(encoding="utf-8")
    except (SeedbedError, OSError, UnicodeDecodeError):
        return UNKNOWN
    head = card.split("\n---", 1)[0] if card and card.startswith("---") else ""
    found = _LICENCE.search(head)
    return found[1].strip().strip("\"'") if found else UNKNOWN


def list_sources(store: Store, home: Path, configs: Mapping[str, Mapping[str, Any]]) -> list[Source]:
    """Return the seed sets that the candidates grew from."""
    ids = list(dict.fromkeys(config["seed_set"] for config in configs.values() if config.get("seed_set")))
    known = {row["run_id"]: row for row in store.list_sources(ids)}
    found = []
    for id_ in ids:
        row, config = known.get(id_), read_config(home, id_)
        licence = OURS if config.get("builtin") else UNKNOWN
        if row is None:
            found.append(Source(id_, None, UNKNOWN, UNKNOWN))
        else:
            found.append(Source(row["name"], row["n_kept"], row["origin"] or UNKNOWN, licence))
    return found


def list_origins(
    store: Store,
    home: Path,
    taken: "TakenOut",
    configs: Mapping[str, Mapping[str, Any]],
    students: Mapping[str, str],
) -> list[Origin]:
    """Return the runs that the candidates came from, each with what became of all its candidates."""
    n_taken = count_by_run(taken.rows, taken.made)
    found = []
    for row in store.count_stages(list(configs)).to_dict("records"):
        run_id = row.pop("run_id")
        config = configs[run_id]
        found.append(
            Origin(
                title=read_title(home, run_id),
                student=name_student(students[run_id]),
                selector=config.get("selector") or UNKNOWN,
                filters=tuple(_describe_filters(config)),
                counts={name: int(n) for name, n in row.items()},
                n_taken=n_taken[run_id],
            )
        )
    return found


def count_by_run(rows: Any, made: Made) -> Counter[str]:
    """Return run -> candidates of it that gave a record."""
    return Counter(rows[place].about["run_id"] for place in dict.fromkeys(made.owners))


def read_title(home: Path, run_id: str) -> str:
    """Return the title of a run, its id where the folder is gone."""
    try:
        return RunFolder(home / "runs" / run_id).read_run()["title"]
    except RunError:
        return run_id


def _describe_filters(config: Mapping[str, Any]) -> Iterator[str]:
    settings = config.get("filter_settings") or {}
    for name in config.get("filters") or ():
        own = settings.get(name)
        yield f"{name} {json.dumps(own, sort_keys=True)}" if own else name


def list_prompts(config: Mapping[str, Any]) -> Iterator[Prompt]:
    """Yield the prompts that a run froze, its own with their texts; of a comparison those of every method."""
    for name, kept in (config.get("prompts") or {}).items():
        if "text" not in kept:
            yield from list_prompts({"prompts": kept})
        else:
            is_own = _EDITED in kept["version"]
            yield Prompt(name, kept["version"], kept["text"] if is_own else None)
    own = (config.get("method_settings") or {}).get("prompt")
    if own:
        yield Prompt("free", _EDITED, own)
