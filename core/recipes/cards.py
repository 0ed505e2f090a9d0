"""The card of a trained student: what it is, what it was trained on, what it scores, and four lines that load it.

It writes Markdown with the head that the hub reads; it knows nothing of where the card goes.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.counting import counted
from core.exporting.card import one_line
from core.models.student import TINY
from core.recipes.trained import Trained, has_builtin_teacher, read_evaluations, read_origin, read_rows
from core.recipes.training import POLICY
from core.runs.folder import RunFolder
from core.tasks import TASKS
from core.training.data import ORIGINS_COUNTED

if TYPE_CHECKING:
    from core.models.merging import MergeCheck

ADAPTER, MODEL = "adapter", "model"
"""What a card is about: LoRA weights that need their base, or a whole model."""

SPLIT_NAMES = {"validation": "validation", "test": "test", "ood": "out of distribution"}

LOADERS = {
    ADAPTER: """from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained({base}), {here})
tokenizer = AutoTokenizer.from_pretrained({base})""",
    MODEL: """from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained({here})
tokenizer = AutoTokenizer.from_pretrained({here})""",
}

STAND_IN = (
    "The problems or answers were written by Seedbed's built-in, rule-based teacher: a stand-in that shows how the "
    "loop works, and no evidence about language models."
)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a run folder says of a finetune; empty for a folder from elsewhere."""

    config: Mapping[str, Any]
    evaluations: Sequence[Mapping[str, Any]]
    origins: Mapping[str, int]
    has_builtin_teacher: bool
    stopped: str | None
    """Why the training has fewer epochs than its settings say; None: it has not."""


def write_card(
    home: Path, trained: Trained, what: str, *, name: str | None = None, check: "MergeCheck | None" = None
) -> str:
    """Return the card as Markdown.

    Args:
        home: the workspace, in which the run that trained is looked up.
        trained: what the card is about.
        what: ADAPTER or MODEL.
        name: what loads it, such as its repository; None: the folder that the card lies in.
        check: of a merged model.
    """
    facts = _gather(home, trained)
    parts = [
        _write_head(trained, what, facts),
        f"# {_name(trained, facts)}",
        _describe(trained, what),
        "## Training\n\n" + "\n".join(_list_training(trained, facts)),
        "## Measured\n\n" + "\n".join(_list_measured(trained, facts, check)),
        "## How to load it\n\n" + _write_loader(trained, what, name),
        "## How it is asked\n\n" + _write_prompt(facts),
    ]
    return "\n\n".join(parts) + "\n"


def _gather(home: Path, trained: Trained) -> _Facts:
    run = None if trained.run_id is None else RunFolder(home / "runs" / trained.run_id)
    rows = read_rows(home, trained.run_id)
    return _Facts(
        {} if run is None else run.config,
        read_evaluations(home, trained),
        Counter(row.origin for row in rows),
        has_builtin_teacher(home, trained.run_id, rows),
        None if run is None else (run.read_state().summary or {}).get("stopped"),
    )


def _write_head(trained: Trained, what: str, facts: _Facts) -> str:
    """Return the lines that the hub reads; JSON values are YAML too, whatever a name holds."""
    head: dict[str, Any] = {"library_name": "peft" if what == ADAPTER else "transformers"}
    if trained.is_on_hub:
        head["base_model"] = trained.base_name
        head["base_model_relation"] = "adapter" if what == ADAPTER else "finetune"
    head |= {"pipeline_tag": "text-generation", "tags": ["seedbed", _objective(trained, facts), "synthetic-data"]}
    if what == ADAPTER:
        head["tags"].append("lora")
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
    return "\n".join(["---", *lines, "---"])


def _objective(trained: Trained, facts: _Facts) -> str:
    if trained.is_policy:
        return POLICY
    return (trained.record or {}).get("objective") or facts.config.get("objective") or POLICY


def _settings(trained: Trained, facts: _Facts) -> dict[str, Any]:
    """Return the settings of the training that made it: the objective's own, or those of the policy before it."""
    config = facts.config
    if _objective(trained, facts) != (config.get("objective") or POLICY):
        return dict(config.get("policy_training") or {})
    return {**(config.get("training") or {}), **(config.get("settings") or {})}


def _name(trained: Trained, facts: _Facts) -> str:
    about = facts.config.get("seed_set_name") or facts.config.get("task")
    return f"{one_line(trained.base_name)}, finetuned" + (f" on {one_line(about)}" if about else "")


def _describe(trained: Trained, what: str) -> str:
    base = f"`{one_line(trained.base_name)}`"
    if trained.student == TINY:
        base += ", the student that Seedbed ships (a million parameters, four made-up domains, nothing else)"
    parts = {
        ADAPTER: f"A LoRA adapter for {base}, made with Seedbed.",
        MODEL: f"{base}, finetuned with Seedbed, as a whole model"
        + ("." if trained.is_whole else ": a LoRA adapter was merged into it."),
    }
    return f"{parts[what]} The licence and the limits of the base hold for it too."


def _list_training(trained: Trained, facts: _Facts) -> list[str]:
    record, config = trained.record or {}, facts.config
    fingerprint = read_origin(trained.folder).get("base_fingerprint")
    n_rows, hash_ = record.get("n_rows"), record.get("rows_hash") or config.get("rows_hash")
    training = _settings(trained, facts)
    epoch = record.get("best_epoch")
    lines = [
        ("base", f"`{one_line(trained.base_name)}`" + (f", fingerprint `{fingerprint}`" if fingerprint else "")),
        ("objective", f"`{_objective(trained, facts)}`"),
        ("task", f"`{config['task']}`" if config.get("task") else None),
        ("rows", None if n_rows is None else f"{n_rows:,}{_say_origins(facts.origins)}"),
        ("hash of the rows", f"`{hash_}`" if hash_ else None),
        ("settings", ", ".join(f"{key} {value}" for key, value in training.items()) or None),
        ("epoch kept", None if epoch is None else f"{epoch:.3g}"),
        ("ended early", facts.stopped),
        ("before it", _say_policy(config, trained)),
        ("run", f"`{trained.run_id}`, round {trained.round}" if trained.run_id else None),
    ]
    said = [f"- {name}: {text}" for name, text in lines if text is not None]
    return [*said, "", STAND_IN] if facts.has_builtin_teacher else said


def _say_policy(config: Mapping[str, Any], trained: Trained) -> str | None:
    """Return how the policy was trained that the training began with; None where there was none, or it is that."""
    policy = config.get("policy_training")
    if not policy or trained.is_policy or (trained.record or {}).get("objective") == POLICY:
        return None
    return f"a policy, supervised on the right answers of the rows, {counted(policy['epochs'], 'epoch')}"


def _say_origins(origins: Mapping[str, int]) -> str:
    said = [counted(n, *ORIGINS_COUNTED.get(name, (name, name))) for name, n in sorted(origins.items())]
    return f" (given: {', '.join(said)})" if said else ""


def _list_measured(trained: Trained, facts: _Facts, check: "MergeCheck | None") -> list[str]:
    """Return a table of accuracies, and how a merged model compares with base and adapter."""
    rows = [
        f"| {SPLIT_NAMES.get(row['split'], row['split'])} | {row['n']:,} | {_percent(row['before'])} | "
        f"{_percent(row['accuracy'])} ({_percent(row['low'])} to {_percent(row['high'])}) |"
        for row in facts.evaluations
    ]
    record = trained.record or {}
    accuracy, before = record.get("validation_accuracy"), record.get("validation_accuracy_before")
    if accuracy is not None and not any(row["split"] == "validation" for row in facts.evaluations):
        rows.insert(0, f"| validation, which chose the epoch | | {_percent(before)} | {_percent(accuracy)} |")
    lines = ["| problems | n | before | after (95 %) |", "|---|---:|---:|---:|", *rows]
    lines = lines if rows else ["Nothing was measured in the run."]
    if check is None:
        return lines
    effect = "" if check.adapter_kl is None else f"; what the training changed: {check.adapter_kl:.2g}"
    return [
        *lines,
        "",
        f"Saved as {check.dtype}, loaded again and compared on {check.n_prompts} prompts, {check.n_tokens} tokens: "
        f"{check.n_same_answers} greedy answers of {check.n_prompts} are the same, logits differ by at most "
        f"{check.largest_difference:.2g}, and the distributions of the next token by {check.mean_kl:.2g} nats{effect}.",
    ]


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{100 * share:.1f} %"


def _write_loader(trained: Trained, what: str, name: str | None) -> str:
    base = "data/demo/tiny" if trained.student == TINY else trained.base_name
    code = LOADERS[what].format(base=json.dumps(base), here=json.dumps(name or "."))
    where = {TINY: "The base is in a checkout of Seedbed."}.get(
        trained.student, "Give the path of your copy of the base."
    )
    note = "" if what == MODEL or trained.is_on_hub else f"\n\n{where}"
    return f"```python\n{code}\n```{note}"


def _write_prompt(facts: _Facts) -> str:
    if not facts.config.get("task"):
        return "As its base is."
    prompt = TASKS.get(facts.config["task"]).student_prompt("QUESTION")
    return (
        "It was trained on prompts of this form, as a user's message where the base has a chat template, else as they "
        f"are with the answer behind one space:\n\n````text\n{prompt}\n````"
    )
