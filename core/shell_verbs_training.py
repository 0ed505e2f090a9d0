"""The verbs of the shell around a finetune: rows, finetune, sweep, evaluate, export, push: how they are written."""

import argparse
from pathlib import Path

from core.paths import expand_new
from core.shell_options import above_zero, add_budget, add_home, add_teacher, not_negative, positive, split_names


def add_rows_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``rows``."""
    from core import shell_training_rows

    rows = verbs.add_parser("rows", help="gather a training set for `finetune --rows`, with what was left out and why")
    rows.set_defaults(verb=shell_training_rows.run_rows)
    rows.add_argument(
        "--seeds", metavar="FILE_OR_NAME", help="train seeds with their reference answers; the others are held out"
    )
    rows.add_argument("--no-references", action="store_true", help="the seeds only say what is held out")
    rows.add_argument("--selection", metavar="RUN", help="only the seeds that this run selected")
    rows.add_argument("--validation", type=Path, metavar="FILE", help="validation problems (default: a seeded split)")
    rows.add_argument("--test", type=Path, metavar="FILE", help="test problems (default: a seeded split)")
    rows.add_argument("--task", help="task of the files where it is not recognised")
    sources = {
        "--candidates": ("RUN_OR_FILE", "candidates of a run, or lines of a file (JSONL, CSV, Parquet)"),
        "--teacher-answers": ("RUN", "what a teacher answered to seeds in an earlier run"),
        "--own": ("RUN", "what a student drew in an earlier run: right answers, and wrong ones with the label -1"),
    }
    for option, (metavar, help_) in sources.items():
        rows.add_argument(option, nargs="+", action="extend", default=[], metavar=metavar, help=help_)
    rows.add_argument("--rows-of", metavar="RUN", help="the rows that an earlier finetune was given")
    rows.add_argument(
        "--policy",
        choices=list(shell_training_rows.TAKEN),
        default="filters",
        help="take what passed the filters and nobody rejected (default), or only what was accepted by hand",
    )
    add_teacher(rows, "let this teacher answer the seeds now, and take what is right: the rules, a server, a student")
    add_budget(rows)
    rows.add_argument("--out", type=expand_new, required=True, metavar="FILE.jsonl", help="one row a line")
    add_home(rows)


def add_finetune_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``finetune``."""
    from core import shell_finetune

    finetune = verbs.add_parser("finetune", help="train a student on the rows of a file, by an objective")
    finetune.set_defaults(verb=shell_finetune.run_finetune)
    finetune.add_argument(
        "--rows", type=Path, required=True, metavar="FILE.jsonl", help="question and answer, prompt and completion, ..."
    )
    finetune.add_argument("--student", default="tiny", metavar="PATH_OR_ID", help="tiny, a folder, or a hub id")
    finetune.add_argument(
        "--objective",
        default="sft",
        metavar="NAME",
        help="sft (default), rft, dpo, per_step_dpo, signed, unlikelihood",
    )
    finetune.add_argument("--preset", metavar="NAME", help="settings to start from (default: of student and task)")
    finetune.add_argument(
        "--set",
        action="extend",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="learning_rate=1e-4, epochs=5, rank=32, weights=full, seed=1, beta=0.1, n_samples=8, ...",
    )
    finetune.add_argument(
        "--adapter", metavar="DIR_OR_RUN", help="what it starts from, as a finetune wrote it; RUN/policy: its policy"
    )
    finetune.add_argument("--seeds", metavar="FILE_OR_NAME", help="seed set whose validation and test problems it uses")
    finetune.add_argument("--validation", type=Path, metavar="FILE", help="problems that decide which epoch is kept")
    finetune.add_argument("--test", type=Path, metavar="FILE", help="test problems, with --seeds")
    finetune.add_argument(
        "--no-evaluate", dest="evaluate", action="store_false", help="do not ask the test problems before and after"
    )
    finetune.add_argument("--task", help="task of the rows where it is not recognised")
    finetune.add_argument(
        "--out", type=expand_new, required=True, metavar="DIR", help="a new folder for what is trained"
    )
    add_home(finetune)


def add_experiment_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``experiment``."""

    def carry_out(options: argparse.Namespace) -> int:
        from core.shell_experiment import run_experiment  # as for sweep

        return run_experiment(options)

    experiment = verbs.add_parser(
        "experiment", help="carry out recipes by settings by replicates as a file says, and print what they bring"
    )
    experiment.set_defaults(verb=carry_out)
    experiment.add_argument("file", type=Path, metavar="FILE.toml")
    experiment.add_argument(
        "--replicates",
        type=int,
        nargs="+",
        metavar="N",
        help="only these: several processes can share the work",
    )
    experiment.add_argument("--tables", action="store_true", help="carry nothing out; print the tables as they stand")
    experiment.add_argument(
        "--report", type=expand_new, metavar="OUT.html", help="write what was found as one file that needs no network"
    )
    add_home(experiment)


def add_sweep_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``sweep``."""

    def carry_out(options: argparse.Namespace) -> int:
        from core.shell_sweep import run_sweep  # it takes a second to import, for which no other verb should wait

        return run_sweep(options)

    sweep = verbs.add_parser("sweep", help="train with every setting of a grid, and choose by the validation problems")
    sweep.set_defaults(verb=carry_out, evaluate=False, test=None)
    sweep.add_argument("--rows", type=Path, metavar="FILE.jsonl", help="as for finetune; the same for every run")
    sweep.add_argument(
        "--grid",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=A,B",
        help="learning_rate=1e-4,4e-4 rank=8,32 epochs=3,5: every combination is a run",
    )
    sweep.add_argument("--alpha", type=positive, metavar="N", help="of every run (default: as the rank)")
    sweep.add_argument("--resume", metavar="SWEEP", help="in place of --rows and --grid: what a sweep still lacks")
    sweep.add_argument("--student", default="tiny", metavar="PATH_OR_ID", help="tiny, a folder, or a hub id")
    names = "sft (default), rft, dpo, per_step_dpo, signed, unlikelihood"
    sweep.add_argument("--objective", default="sft", metavar="NAME", help=names)
    sweep.add_argument("--preset", metavar="NAME", help="settings to start from (default: of student and task)")
    sweep.add_argument(
        "--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help="settings that are not varied"
    )
    sweep.add_argument("--seeds", metavar="FILE_OR_NAME", help="seed set whose validation problems it uses")
    sweep.add_argument("--validation", type=Path, metavar="FILE", help="problems that it is chosen by")
    sweep.add_argument("--task", help="task of the rows where it is not recognised")
    add_home(sweep)


def add_evaluate_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``evaluate``."""
    from core import shell_evaluate

    evaluate = verbs.add_parser("evaluate", help="let a student answer a test set or a benchmark, before and after")
    evaluate.set_defaults(verb=shell_evaluate.run_evaluate)
    names = "gsm8k, math500, olympiadbench, minerva_math, prontoqa_dev, game24_tot"
    evaluate.add_argument(
        "--set",
        required=True,
        metavar="NAME_OR_FILE",
        help=f"a file; a seed set, as word_problems/test; a benchmark ({names}), or BENCHMARK=FILE, your copy of it",
    )
    evaluate.add_argument("--split", type=split_names, metavar="A,B", help="of a seed set (default: test, else all)")
    evaluate.add_argument("--task", help="task of the file where it is not recognised")
    evaluate.add_argument(
        "--student",
        metavar="PATH_OR_ID",
        help="tiny, a folder, a hub id, or the base URL of a server (default: the adapter's base, else tiny)",
    )
    evaluate.add_argument("--student-model", metavar="NAME", help="its model name, for a student behind a server")
    evaluate.add_argument(
        "--adapter",
        metavar="DIR_OR_RUN",
        help="what a finetune made: asked beside the base; RUN/policy: the policy that it trained first",
    )
    evaluate.add_argument("--no-base", action="store_true", help="with --adapter: do not ask the base")
    evaluate.add_argument("--samples", type=positive, metavar="N", help="answers to each problem (default: 1, greedy)")
    evaluate.add_argument("--temperature", type=above_zero, help="of drawn answers (default with --samples: 1)")
    evaluate.add_argument("--seed", type=not_negative, default=0, metavar="N", help="of drawn answers (default: 0)")
    evaluate.add_argument("--limit", type=positive, metavar="N", help="ask so many, the first by a hash of the problem")
    evaluate.add_argument("--limit-seed", type=not_negative, default=0, metavar="N", help="another one asks others")
    evaluate.add_argument("--tolerance", type=float, metavar="R", help="largest relative difference of equal numbers")
    evaluate.add_argument(
        "--grader", metavar="built-in|BASE_URL|PATH_OR_ID", help="who grades beside the checker (default: nobody)"
    )
    evaluate.add_argument("--grader-model", metavar="NAME", help="its model name, for a grader behind a server")
    for name, whose in (("--key-env", "student"), ("--grader-key-env", "grader")):
        evaluate.add_argument(name, metavar="NAME", help=f"variable with the key of the {whose}'s server")
    evaluate.add_argument("--out", type=expand_new, required=True, metavar="FILE.parquet", help="one row per answer")
    add_home(evaluate)


def _add_data_options(group: argparse._ArgumentGroup) -> None:
    """Add what is said of candidates that are taken out."""
    group.add_argument("--format", metavar="NAME", help="chat, prompt_completion, alpaca, sharegpt, dpo, kto, parquet, "
                       "csv, or dataset: a folder for the hub with a card")  # fmt: skip
    group.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="FILTER",
        help="NAME=VALUE,... of review, status, answer, order, reason, method, teacher, selector, type, rejected_by, "
        "reviewer, search, area, round, sample, as in the address of the page Review (default: review=kept, what "
        "people accepted, edited or not; review=standing: what passed the filters and nobody rejected)",
    )
    group.add_argument(
        "--run", nargs="+", action="extend", default=[], metavar="RUN", help="only candidates of these (default: all)"
    )
    group.add_argument(
        "--as-asked", action="store_true", help="questions in the task's prompt, as a student is trained here"
    )
    group.add_argument(
        "--validation", type=float, default=0.0, metavar="SHARE", help="of a dataset: kept apart by seed"
    )
    group.add_argument("--name", metavar="TEXT", help="of a dataset, for its card")
    group.add_argument("--licence", metavar="ID", help="of a dataset, such as cc-by-4.0 (default: unknown)")
    group.add_argument(
        "--push", metavar="OWNER/NAME", help="upload the dataset to the hub, private; the token: HF_TOKEN"
    )
    group.add_argument("--public", action="store_true", help="with --push: for everybody to see")
    group.add_argument("--update", action="store_true", help="with --push: the repository may be there already")


def add_export_verbs(verbs: argparse._SubParsersAction) -> None:
    """Add ``export`` and ``push``."""
    from core import shell_export

    export = verbs.add_parser(
        "export",
        help="take out what was trained, as a whole model; with --format take out candidates, as data",
        description="With RUN_OR_ADAPTER_DIR: merge an adapter into its base, a whole model in a folder, checked. With "
        "--format: write candidates that people accepted, or any others, in a form that other programs read.",
    )
    export.set_defaults(verb=shell_export.run_export)
    export.add_argument("subject", nargs="?", metavar="RUN_OR_ADAPTER_DIR", help="what a finetune or a loop made")
    export.add_argument("--student", metavar="PATH_OR_ID", help="the base (default: what the run or folder says)")
    export.add_argument(
        "--out", type=expand_new, metavar="PATH", help="a path that is not there yet (of a model, default: the run's)"
    )
    kinds = "float32, bfloat16 or float16 (default: as the base is used)"
    export.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), metavar="TYPE", help=kinds)
    _add_data_options(export.add_argument_group("candidates, with --format"))
    push = verbs.add_parser("push", help="upload an adapter, or the model of an export, to the Hugging Face hub")
    push.set_defaults(verb=shell_export.run_push)
    push.add_argument("run_id", metavar="RUN", help="a finetune, a loop or an export")
    push.add_argument("repo", metavar="OWNER/NAME", help="the repository to make; the token comes from HF_TOKEN")
    push.add_argument("--public", action="store_true", help="for everybody to see (default: private)")
    push.add_argument("--update", action="store_true", help="the repository may be there already")
    for verb in (export, push):
        verb.add_argument("--round", type=positive, metavar="N", help="of a loop (default: the last)")
        add_home(verb)
