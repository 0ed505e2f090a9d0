"""What each kind of run does, and the one way to carry a run folder out.

To add a kind, write a function that takes the run folder and returns its summary, and add it to KINDS. The pages,
the queue and the shell all come through :func:`execute`.
"""

import gc
import os
import signal
import traceback
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

from core.errors import RunCancelled, SeedbedError
from core.registry import Registry
from core.runs.folder import RunFolder
from core.write_faults import find_write_fault

Entry = Callable[[RunFolder], dict[str, Any]]

KINDS: Registry[Entry] = Registry("kind of run")


@KINDS.register("import")
def run_import(folder: RunFolder) -> dict[str, Any]:
    """Read files into a seed set."""
    from core.datasets import import_seed_set

    return import_seed_set(folder)


@KINDS.register("score")
def run_score(folder: RunFolder) -> dict[str, Any]:
    """Let a student answer a seed set, and score every problem."""
    from core.recipes.single import score_run

    return score_run(folder)


@KINDS.register("try")
def run_try(folder: RunFolder) -> dict[str, Any]:
    """Let students answer a problem of one's own, and score the answers."""
    from core.recipes.trying import try_run

    return try_run(folder)


@KINDS.register("generate")
def run_generate(folder: RunFolder) -> dict[str, Any]:
    """Let the teacher grow candidates from a selection."""
    from core.recipes.single import generate_run

    return generate_run(folder)


@KINDS.register("bring")
def run_bring(folder: RunFolder) -> dict[str, Any]:
    """Read candidates that were made elsewhere, and let filters judge them."""
    from core.recipes.bringing import bring_run

    return bring_run(folder)


@KINDS.register("backup")
def run_backup(folder: RunFolder) -> dict[str, Any]:
    """Write the home into one archive."""
    from core.recipes.backing_up import backup_run

    return backup_run(folder)


@KINDS.register("answers")
def run_answers(folder: RunFolder) -> dict[str, Any]:
    """Let the teacher answer seeds, and compare with their references."""
    from core.recipes.answering import answers_run

    return answers_run(folder)


@KINDS.register("ask")
def run_ask(folder: RunFolder) -> dict[str, Any]:
    """Let a student answer candidates and their seeds."""
    from core.recipes.candidate_answers import asking_run

    return asking_run(folder)


@KINDS.register("compare")
def run_compare(folder: RunFolder) -> dict[str, Any]:
    """Put the same seeds through several prompting methods, and measure what each brings."""
    from core.recipes.comparing_run import compare_run

    return compare_run(folder)


@KINDS.register("finetune")
def run_finetune(folder: RunFolder) -> dict[str, Any]:
    """Train an adapter on reviewed candidates and evaluate it."""
    from core.recipes.single import finetune_run

    return finetune_run(folder)


@KINDS.register("evaluate")
def run_evaluate(folder: RunFolder) -> dict[str, Any]:
    """Ask students the same problems, judge every answer, and compare before with after."""
    from core.recipes.evaluating import evaluate_run

    return evaluate_run(folder)


@KINDS.register("export")
def run_export(folder: RunFolder) -> dict[str, Any]:
    """Merge an adapter into its base, save the whole model, and check what was saved."""
    from core.recipes.exporting import export_run

    return export_run(folder)


@KINDS.register("push")
def run_push(folder: RunFolder) -> dict[str, Any]:
    """Upload an adapter or an exported model to the hub."""
    from core.recipes.exporting import push_run

    return push_run(folder)


@KINDS.register("replicate")
def run_replicate(folder: RunFolder) -> dict[str, Any]:
    """Carry out every arm of one replicate of an experiment."""
    from core.recipes.experiment import replicate_run

    return replicate_run(folder)


@KINDS.register("map")
def run_map(folder: RunFolder) -> dict[str, Any]:
    """Lay seeds and what was grown from them out by meaning, and measure how diverse they are."""
    from core.recipes.mapping import map_run

    return map_run(folder)


@KINDS.register("loop")
def run_loop(folder: RunFolder) -> dict[str, Any]:
    """Run whole rounds without a person in between."""
    from core.recipes.active import run_loop

    return run_loop(folder)


@KINDS.register("negatives")
def run_negatives(folder: RunFolder) -> dict[str, Any]:
    """Train by one objective on ever more of the teacher's problems."""
    from core.recipes.negatives import run_negatives

    return run_negatives(folder)


@KINDS.register("sparq")
def run_sparq(folder: RunFolder) -> dict[str, Any]:
    """Generate problems, keep those of quality, and train on ever more of them."""
    from core.recipes.sparq import run_sparq

    return run_sparq(folder)


@KINDS.register("baseline")
def run_baseline(folder: RunFolder) -> dict[str, Any]:
    """Train on ever more seeds, with their own answers or the teacher's."""
    from core.recipes.baselines import baseline_run

    return baseline_run(folder)


@KINDS.register("zero_shot")
def run_zero_shot(folder: RunFolder) -> dict[str, Any]:
    """Let teacher or student answer the test problems as they are."""
    from core.recipes.baselines import zero_shot_run

    return zero_shot_run(folder)


@KINDS.register("steerability")
def run_steerability(folder: RunFolder) -> dict[str, Any]:
    """Compare seeds drawn at random with their children, in the eyes of a loop's first and last student."""
    from core.recipes.steerability import steerability_run

    return steerability_run(folder)


@KINDS.register("verbalized")
def run_verbalized(folder: RunFolder) -> dict[str, Any]:
    """Train on ever more questions that one way of asking brings."""
    from core.recipes.verbalized import run_verbalized

    return run_verbalized(folder)


@KINDS.register("incorrect")
def run_incorrect(folder: RunFolder) -> dict[str, Any]:
    """Train on right answers to seeds and on a teacher's wrong ones."""
    from core.recipes.verbalized import run_incorrect

    return run_incorrect(folder)


def execute(folder: RunFolder) -> str:
    """Carry out one attempt of a run in this process; returns its state: done, failed or cancelled.

    Whatever happens ends in ``result.json``, which the caller may tell; only a process that is killed leaves none,
    and is then ``lost``.
    """
    with folder.hold():
        previous = signal.signal(signal.SIGTERM, _cancel)
        try:
            return _attempt(folder)
        finally:
            signal.signal(signal.SIGTERM, previous)


def prepare_libraries() -> None:
    """Keep other libraries' bars and hints out of the log and their threads from spinning, and import them faster.

    A thread of torch that waits for the others burns its core by default. Where anything else runs on the machine,
    the page for one, the others then wait for that core: a training took three to seven times as long (docs/log.md).

    Half a million objects come with them and stay: looking through those for garbage again and again, while they came,
    took a fifth of the time. Collections stay rarer for as long as the process lives.
    """
    gc.set_threshold(5_000, 10, 30)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def _attempt(folder: RunFolder) -> str:
    try:
        summary = KINDS.get(folder.read_run()["kind"])(folder)
    except (RunCancelled, KeyboardInterrupt):
        folder.finish("cancelled")
        return "cancelled"
    except SeedbedError as error:
        folder.finish("failed", error=str(error))
        return "failed"
    except Exception as error:
        traceback.print_exc()
        if reason := find_write_fault(error):
            folder.finish("failed", error=f"A file of the run could not be written: {reason}; make room, then go on.")
            return "failed"
        sentence = f"The run met an error that Seedbed does not know: {type(error).__name__}: {error}."
        is_logged = (folder.path / "log.txt").exists()  # a run from a shell has none: it all stands in the terminal
        folder.finish("failed", error=f"{sentence} The log has more." if is_logged else sentence)
        return "failed"
    folder.finish("done", summary)
    return "done"


def _cancel(_signal: int, _frame: FrameType | None) -> None:
    raise RunCancelled("The run was told to stop.")
