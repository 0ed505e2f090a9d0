"""The shell: ``python -m core VERB``; the same run folders and the same results as the pages."""

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypeVar

from core.errors import RunCancelled, SeedbedError
from core.recipes.kinds import quiet_libraries
from core.settings import Settings

N = TypeVar("N", int, float)


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command in one sentence."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(2, f"seedbed: {message}; see {self.prog} --help.\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit status: 0 done, 1 failed, or scored but for a signal, 130 cancelled.

    A command that cannot be read ends the process with status 2.
    """
    parser = make_parser()
    options = parser.parse_args(arguments)
    quiet_libraries()  # before a verb imports them: they look only then
    try:
        return options.verb(options)
    except SeedbedError as error:
        print(f"seedbed: {error}", file=sys.stderr)
        return 130 if isinstance(error, RunCancelled) else 1
    except KeyboardInterrupt:
        print("seedbed: Stopped.", file=sys.stderr)
        return 130


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; each verb names the function that carries it out."""
    from core import shell

    parser = Parser(prog="python -m core", description="Seedbed from the shell.")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    loop = verbs.add_parser("loop", help="whole rounds: predict, select, generate, filter, finetune, evaluate")
    loop.set_defaults(verb=shell.run_loop)
    loop.add_argument("--seeds", required=True, metavar="FILE_OR_NAME", help="seed file, or a built-in seed set")
    loop.add_argument("--validation", type=Path, metavar="FILE", help="validation problems (default: a seeded split)")
    loop.add_argument("--test", type=Path, metavar="FILE", help="test problems (default: a seeded split)")
    loop.add_argument("--task", help="task of the file where it is not recognised")
    loop.add_argument(
        "--student", default="tiny", metavar="PATH_OR_ID", help="tiny, a folder, or a hub id (default: tiny)"
    )
    add_selector(loop)
    loop.add_argument("--reward", default="tiny-reward", metavar="PATH_OR_ID", help="reward model of reward selectors")
    loop.add_argument(
        "--select", type=positive, default=100, metavar="K", help="accepted candidates a round (default: 100)"
    )
    loop.add_argument("--rounds", type=positive, default=1, metavar="T", help="rounds (default: 1)")
    loop.add_argument("--replicate", type=not_negative, default=0, metavar="N", help="random seed of the whole loop")
    loop.add_argument("--epochs", type=positive, help="epochs of each finetune (default: the student's preset)")
    loop.add_argument("--learning-rate", type=float, help="learning rate (default: the student's preset)")
    add_home(loop)

    add_scoring_verbs(verbs)
    add_generate_verb(verbs)
    add_retry_verb(verbs)
    add_filter_verb(verbs)
    add_verify_verb(verbs)
    add_finetune_verb(verbs)
    add_rows_verb(verbs)
    add_evaluate_verb(verbs)
    add_sweep_verb(verbs)
    add_export_verbs(verbs)

    imported = verbs.add_parser("import", help="read a file into a seed set")
    imported.set_defaults(verb=shell.run_import)
    imported.add_argument("file", metavar="FILE_OR_NAME")
    imported.add_argument("--validation", type=Path, metavar="FILE")
    imported.add_argument("--test", type=Path, metavar="FILE")
    imported.add_argument("--task")
    add_home(imported)

    run = verbs.add_parser("run", help="carry out one run folder (what the queue calls)")
    run.set_defaults(verb=shell.run_folder)
    run.add_argument("folder", type=Path, metavar="FOLDER")
    run.add_argument("--again", action="store_true", help="repeat it where it has ended, from its last checkpoint")

    runs = verbs.add_parser("runs", help="list the runs of a home with their states")
    runs.set_defaults(verb=shell.list_runs)
    add_home(runs)

    orders = {
        "cancel": "tell a run to stop",
        "again": "ask for one more attempt of a run that ended",
        "keep": "tell a training run to stop now, keep its best checkpoint so far, and evaluate it",
    }
    for name, help_ in orders.items():
        order = verbs.add_parser(name, help=help_)
        order.set_defaults(verb=shell.order_run, order=name)
        order.add_argument("run_id", metavar="RUN")
        add_home(order)

    rebuild = verbs.add_parser("rebuild", help="make the whole database again from journals, runs and imports")
    rebuild.set_defaults(verb=shell.rebuild_database)
    add_home(rebuild)
    return parser


def add_verify_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``verify``."""
    from core import shell_verify

    verify = verbs.add_parser("verify", help="compare answers with references, line by line")
    verify.set_defaults(verb=shell_verify.verify_file)
    verify.add_argument(
        "file",
        metavar="FILE.jsonl",
        help="lines with gold and pred, or (read where there is no pred) a whole response; - for standard input",
    )
    verify.add_argument(
        "--tolerance", type=above_zero, metavar="R", help="relative difference that counts as equal (default: none)"
    )


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
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="learning_rate=1e-4, epochs=5, rank=32, weights=full, seed=1, beta=0.1, n_samples=8, ...",
    )
    finetune.add_argument("--adapter", type=Path, metavar="DIR", help="what it starts from, as a finetune wrote it")
    finetune.add_argument("--seeds", metavar="FILE_OR_NAME", help="seed set whose validation and test problems it uses")
    finetune.add_argument("--validation", type=Path, metavar="FILE", help="problems that decide which epoch is kept")
    finetune.add_argument("--test", type=Path, metavar="FILE", help="test problems, with --seeds")
    finetune.add_argument(
        "--no-evaluate", dest="evaluate", action="store_false", help="do not ask the test problems before and after"
    )
    finetune.add_argument("--task", help="task of the rows where it is not recognised")
    finetune.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder for what is trained")
    add_home(finetune)


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
        "--student", default="tiny", metavar="PATH_OR_ID", help="tiny, a folder, a hub id, or the base URL of a server"
    )
    evaluate.add_argument("--student-model", metavar="NAME", help="its model name, for a student behind a server")
    evaluate.add_argument("--adapter", type=Path, metavar="DIR", help="what a finetune made: asked beside the base")
    evaluate.add_argument("--no-base", action="store_true", help="with --adapter: do not ask the base")
    evaluate.add_argument("--samples", type=positive, metavar="N", help="answers to each problem (default: 1, greedy)")
    evaluate.add_argument("--temperature", type=above_zero, help="of drawn answers (default with --samples: 1)")
    evaluate.add_argument("--limit", type=positive, metavar="N", help="ask so many, the first by a hash of the problem")
    evaluate.add_argument("--limit-seed", type=not_negative, default=0, metavar="N", help="another one asks others")
    evaluate.add_argument("--tolerance", type=float, metavar="R", help="largest relative difference of equal numbers")
    evaluate.add_argument(
        "--grader", metavar="built-in|BASE_URL|PATH_OR_ID", help="who grades beside the checker (default: nobody)"
    )
    evaluate.add_argument("--grader-model", metavar="NAME", help="its model name, for a grader behind a server")
    for name, whose in (("--key-env", "student"), ("--grader-key-env", "grader")):
        evaluate.add_argument(name, metavar="NAME", help=f"variable with the key of the {whose}'s server")
    evaluate.add_argument("--out", type=Path, required=True, metavar="FILE.parquet", help="one row per answer")
    add_home(evaluate)


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
    sweep.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="settings that are not varied")
    sweep.add_argument("--seeds", metavar="FILE_OR_NAME", help="seed set whose validation problems it uses")
    sweep.add_argument("--validation", type=Path, metavar="FILE", help="problems that it is chosen by")
    sweep.add_argument("--task", help="task of the rows where it is not recognised")
    add_home(sweep)


def add_export_verbs(verbs: argparse._SubParsersAction) -> None:
    """Add ``export`` and ``push``."""
    from core import shell_export

    export = verbs.add_parser("export", help="merge an adapter into its base: a whole model in a folder, checked")
    export.set_defaults(verb=shell_export.run_export)
    export.add_argument("subject", metavar="RUN_OR_ADAPTER_DIR", help="what a finetune or a loop made")
    export.add_argument("--student", metavar="PATH_OR_ID", help="the base (default: what the run or folder says)")
    export.add_argument("--out", type=Path, metavar="DIR", help="a folder that is not there yet (default: the run's)")
    kinds = "float32, bfloat16 or float16 (default: as the base is used)"
    export.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), metavar="TYPE", help=kinds)
    push = verbs.add_parser("push", help="upload an adapter, or the model of an export, to the Hugging Face hub")
    push.set_defaults(verb=shell_export.run_push)
    push.add_argument("run_id", metavar="RUN", help="a finetune, a loop or an export")
    push.add_argument("repo", metavar="OWNER/NAME", help="the repository to make; the token comes from HF_TOKEN")
    push.add_argument("--public", action="store_true", help="for everybody to see (default: private)")
    push.add_argument("--update", action="store_true", help="the repository may be there already")
    for verb in (export, push):
        verb.add_argument("--round", type=positive, metavar="N", help="of a loop (default: the last)")
        add_home(verb)


def add_scoring_verbs(verbs: argparse._SubParsersAction) -> None:
    """Add ``score`` and ``select``."""
    from core import shell

    score = verbs.add_parser("score", help="let a student answer seeds and score each by signals")
    score.set_defaults(verb=shell.run_score)
    score.add_argument("--seeds", required=True, metavar="FILE_OR_NAME", help="seed file, or a built-in seed set")
    score.add_argument("--task", help="task of the file where it is not recognised")
    score.add_argument(
        "--student", default="tiny", metavar="PATH_OR_ID", help="tiny, a folder, a hub id, or the base URL of a server"
    )
    score.add_argument("--student-model", metavar="NAME", help="its model name, for a student behind a server")
    score.add_argument("--adapter", type=Path, metavar="DIR", help="LoRA adapter on top of the student")
    score.add_argument(
        "--reward", default="tiny-reward", metavar="PATH_OR_ID", help="reward model (default: %(default)s)"
    )
    score.add_argument(
        "--teacher", metavar="built-in|BASE_URL|PATH_OR_ID", help="who judges and grades (default: built-in)"
    )
    score.add_argument("--teacher-model", metavar="NAME", help="its model name, for a teacher behind a server")
    for name, whose in (("--key-env", "student"), ("--teacher-key-env", "teacher")):
        default = "default: OPENAI_API_KEY for OpenAI's own, none for others"
        score.add_argument(name, metavar="NAME", help=f"variable with the key of the {whose}'s server ({default})")
    score.add_argument(
        "--signals",
        type=split_names,
        default=["loss", "correct"],
        metavar="A,B,...",
        help="loss, correct (always), loss_truth, reward, reward_truth, judge, grade, solve_rate, gradient, "
        "gradient_truth, embedding",
    )
    score.add_argument("--samples", type=positive, default=16, metavar="K", help="answers drawn for solve_rate")
    score.add_argument("--temperature", type=above_zero, default=1.0, help="of those answers (default: 1)")
    score.add_argument("--out", type=Path, required=True, metavar="FILE.parquet", help="one row per problem")
    add_home(score)

    select = verbs.add_parser("select", help="choose from a table of scores")
    select.set_defaults(verb=shell.run_select)
    select.add_argument("--scores", type=Path, required=True, metavar="FILE.parquet", help="what `score` wrote")
    add_selector(select)
    select.add_argument("--select", type=positive, default=100, metavar="K", help="problems to choose (default: 100)")
    select.add_argument("--replicate", type=not_negative, default=0, metavar="N", help="random seed of every draw")
    select.add_argument("--temperature", type=above_zero, default=1.0, help="of the softmax pick (default: 1)")
    select.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl", help="chosen problems, best first")


def add_generate_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``generate``."""
    from core import shell_generate

    generate = verbs.add_parser("generate", help="let a teacher grow candidates from seeds into a file")
    generate.set_defaults(verb=shell_generate.run_generate)
    generate.add_argument("--seeds", metavar="FILE_OR_NAME", help="seed file, or a built-in seed set; none: no seeds")
    generate.add_argument("--task", help="task of the file where it is not recognised, or of a run without seeds")
    methods = (
        "rewrite (default), lion_hard, lion_easy, direct, cot, sequence, multi_turn, vs_standard, vs_cot, vs_multi, "
        "incorrect, mutate, free"
    )
    generate.add_argument("--method", default="rewrite", metavar="NAME", help=methods)
    generate.add_argument(
        "--accept",
        type=positive,
        metavar="N",
        help="accepted candidates wanted (default: one per seed, or 10); four are asked for each of them, at most",
    )
    generate.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the method: n_per_call=5, tail=0.1, has_seeds=false, form=vs_cot, n_parents=2, prompt=TEXT, ...",
    )
    generate.add_argument(
        "--prompt",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="your text in place of a shipped prompt; free=FILE is the whole prompt of --method free",
    )
    generate.add_argument(
        "--filters",
        type=split_names,
        metavar="A,B,...",
        help="default: held_out,well_formed,contamination,rouge_l,verified",
    )
    generate.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="FILE_OR_NAME",
        help="benchmark that no candidate may come close to (filters contamination, contamination_embedding)",
    )
    add_budget(generate)
    generate.add_argument("--replicate", type=not_negative, default=0, metavar="N", help="random seed of every draw")
    add_teacher(generate)
    generate.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl", help="every candidate, a line each")
    add_home(generate)


def add_retry_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``retry``."""
    from core import shell_retry

    retry = verbs.add_parser("retry", help="ask a teacher again for the candidates of a run that failed")
    retry.set_defaults(verb=shell_retry.run_retry)
    retry.add_argument("run_id", metavar="RUN", help="what `generate` (or `retry`) printed; all else is as in that run")
    add_budget(retry, "that of the run")
    retry.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl", help="every new candidate, a line each")
    add_home(retry)


def add_filter_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``filter``."""
    from core import shell_filter

    filter_ = verbs.add_parser("filter", help="give every line of a file its verdicts")
    filter_.set_defaults(verb=shell_filter.run_filter)
    filter_.add_argument("--in", dest="input", type=Path, required=True, metavar="FILE.jsonl", help="- for stdin")
    filter_.add_argument(
        "--filters",
        type=split_names,
        default=["well_formed", "rouge_l", "verified"],
        metavar="A,B,...",
        help="names, or their beginnings (default: well_formed,rouge_l,verified)",
    )
    filter_.add_argument("--setting", action="append", default=[], metavar="FILTER.NAME=VALUE")
    filter_.add_argument(
        "--seeds",
        metavar="FILE_OR_NAME",
        help="what the lines were grown from, as `generate` was given it: their parents are looked up there",
    )
    filter_.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="FILE_OR_NAME",
        help="questions to compare with: lines that have one, any file that can be a seed set, or a built-in one",
    )
    filter_.add_argument("--task", help="whose checks verify an answer (default: that of the seeds, or custom)")
    add_teacher(filter_)
    add_budget(filter_)
    filter_.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl", help="every line, with is_accepted")
    add_home(filter_)


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
    rows.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl", help="one row a line")
    add_home(rows)


def add_budget(parser: argparse.ArgumentParser, default: str = "no limit") -> None:
    """Add ``--budget-tokens`` and ``--budget-usd``."""
    tokens, usd = (
        f"tokens in and out, at most (default: {default})",
        f"dollars to be paid, at most (default: {default})",
    )
    parser.add_argument("--budget-tokens", type=positive, metavar="N", help=tokens)
    parser.add_argument("--budget-usd", type=above_zero, metavar="X", help=usd)


def add_teacher(
    parser: argparse.ArgumentParser,
    help_: str = "who is asked: the rules, a server, or a student on this machine (default: built-in)",
) -> None:
    """Add ``--teacher``, ``--model`` and ``--key-env``."""
    parser.add_argument("--teacher", metavar="built-in|BASE_URL|PATH_OR_ID", help=help_)
    parser.add_argument("--model", metavar="NAME", help="the teacher's model, for one behind a server")
    parser.add_argument(
        "--key-env",
        metavar="NAME",
        help="variable with the server's key (default: OPENAI_API_KEY for OpenAI's own, none for others)",
    )


def split_names(text: str) -> list[str]:
    """Read names divided by commas, at least one; an empty one may be a variable of the shell that was never set."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"write one or more names with a comma between two of them, not {text!r}")
    return names


def add_selector(parser: argparse.ArgumentParser) -> None:
    """Add ``--selector`` and ``--pick``."""
    known = (
        "random (default), loss_high, loss_low, loss_truth_high, loss_truth_low, reward_low, reward_high, "
        "reward_truth_low, reward_truth_high, judge_hard, lion, incorrect, evokd, solve_rate, badge, badge_truth, "
        "loss_spread, or one of SEEDBED_SELECTORS"
    )
    parser.add_argument("--selector", default="random", metavar="NAME", help=known)
    parser.add_argument("--pick", default="argmax", metavar="NAME", help="argmax (default), or softmax to sample")


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add ``--home``."""
    default = Settings.from_env().home
    parser.add_argument("--home", type=Path, default=default, metavar="DIR", help=f"workspace (default: {default})")


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return read_number(text, int, lambda number: number >= 1, "a whole number of at least 1")


def above_zero(text: str) -> float:
    """Read a finite number above 0."""
    return read_number(text, float, lambda number: 0 < number < float("inf"), "a number above 0")


def not_negative(text: str) -> int:
    """Read a whole number of at least 0."""
    return read_number(text, int, lambda number: number >= 0, "a whole number of at least 0")


def read_number(text: str, kind: type[N], is_good: Callable[[N], bool], wanted: str) -> N:
    """Return a number of that kind; raises ArgumentTypeError, which says what is wanted, where the text is none."""
    with suppress(ValueError):
        if is_good(number := kind(text)):
            return number
    raise argparse.ArgumentTypeError(f"write {wanted}, not {text!r}")


if __name__ == "__main__":
    sys.exit(main())
