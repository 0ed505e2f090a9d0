"""The verbs up to candidates: score, select, generate, retry, filter, bring, verify: how they are written."""

import argparse
from pathlib import Path

from core.paths import expand_new
from core.shell_options import (
    above_zero,
    add_budget,
    add_home,
    add_selector,
    add_teacher,
    not_negative,
    positive,
    split_names,
)


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
    score.add_argument("--out", type=expand_new, required=True, metavar="FILE.parquet", help="one row per problem")
    add_home(score)

    select = verbs.add_parser("select", help="choose from a table of scores")
    select.set_defaults(verb=shell.run_select)
    select.add_argument("--scores", type=Path, required=True, metavar="FILE.parquet", help="what `score` wrote")
    add_selector(select)
    select.add_argument("--select", type=positive, default=100, metavar="K", help="problems to choose (default: 100)")
    select.add_argument("--replicate", type=not_negative, default=0, metavar="N", help="random seed of every draw")
    select.add_argument("--temperature", type=above_zero, default=1.0, help="of the softmax pick (default: 1)")
    select.add_argument(
        "--out", type=expand_new, required=True, metavar="FILE.jsonl", help="chosen problems, best first"
    )


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
    generate.add_argument(
        "--out", type=expand_new, required=True, metavar="FILE.jsonl", help="every candidate, a line each"
    )
    add_home(generate)


def add_retry_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``retry``."""
    from core import shell_retry

    retry = verbs.add_parser("retry", help="ask a teacher again for the candidates of a run that failed")
    retry.set_defaults(verb=shell_retry.run_retry)
    retry.add_argument("run_id", metavar="RUN", help="what `generate` (or `retry`) printed; all else is as in that run")
    add_budget(retry, "that of the run")
    retry.add_argument(
        "--out", type=expand_new, required=True, metavar="FILE.jsonl", help="every new candidate, a line each"
    )
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
    filter_.add_argument(
        "--out", type=expand_new, required=True, metavar="FILE.jsonl", help="every line, with is_accepted"
    )
    add_home(filter_)


def add_bring_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``bring``."""
    from core import shell_bring

    bring = verbs.add_parser("bring", help="bring in candidates that were made elsewhere")
    bring.set_defaults(verb=shell_bring.run_bring)
    bring.add_argument(
        "file", metavar="FILE", help="JSONL, CSV, Parquet, or a folder of a tool (distilabel, data-designer)"
    )
    bring.add_argument(
        "--seeds",
        required=True,
        metavar="NAME",
        help="their seed set: its name, a file, or a built-in one",
    )
    bring.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="WHAT=COLUMN",
        help="where a column is not recognised: question, answer, final, parent (id or question of the seed), model",
    )
    bring.add_argument(
        "--filters",
        type=split_names,
        metavar="A,B,...",
        help="that ask no teacher (default: held_out,well_formed,contamination,rouge_l,verified)",
    )
    bring.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="FILE_OR_NAME",
        help="benchmark that no candidate may come close to",
    )
    add_home(bring)


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
