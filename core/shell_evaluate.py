"""``python -m core evaluate``: students answer a set of problems, and a table says how well, and by how much better.

The same run folder as from the page, in the same home. It prints; everything else is in the pieces that it calls.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.counting import counted
from core.shell import check_out, format_percent, tell_failed
from core.shell_carrying import carry_out
from core.shell_teacher import ask_server, find_teacher, is_address, print_offer, require_no_model


def run_evaluate(options: argparse.Namespace) -> int:
    """Find the set, importing it if need be, evaluate in this process, write one row per answer, print the table.

    The status is 1 where the grader could not be had; the answers and their own judgement are there all the same.
    """
    from core.evaluation.sets import find_set
    from core.recipes.evaluating import make_evaluate_config
    from core.recipes.evaluation_results import read_answer_frame
    from core.recipes.titles import title_evaluation
    from core.recipes.trained import find_adapter

    home = options.home.resolve()
    check_out(options.out)
    server = find_student_server(options)
    grader = None
    if options.grader is not None:
        grader = find_teacher(options.grader, options.grader_model, options.grader_key_env, "--grader-model")
    else:
        require_no_model(options.grader_model, "--grader-model", "--grader")
    trained = None if options.adapter is None else find_adapter(home, options.adapter)
    student = options.student or (trained and trained.student) or "tiny"
    chosen = find_set(home, options.set, splits=options.split, task=options.task)
    config = make_evaluate_config(
        home,
        chosen,
        student=server["model"] if server else student,
        server=server,
        adapter=trained and place_adapter(home, trained.folder),
        asks_base=not options.no_base,
        n_samples=options.samples,
        temperature=options.temperature,
        seed=options.seed,
        grader=grader,
        limit=options.limit,
        limit_seed=options.limit_seed,
        tolerance=options.tolerance,
    )
    for line in describe_set(chosen, config):
        print(line)
    print(f"base: {config['student']}" + ("" if trained is None else f", tuned: {trained.name}"))
    folder = carry_out(
        home,
        "evaluate",
        title_evaluation(config, home),
        config,
        on_end=lambda ended: print_offer(server, [ended.read_state().error]),
    )
    frame = read_answer_frame(folder)
    frame.to_parquet(options.out, index=False)
    summary = folder.read_state().summary or {}
    print_summary(summary)
    print(f"{counted(len(frame), 'answer')}: {options.out}")
    is_failed = tell_failed(summary)
    print_offer(grader, summary["failed"].values())
    return 1 if is_failed else 0


def find_student_server(options: argparse.Namespace) -> dict[str, str] | None:
    """Return the server that the student is behind; None for one on this machine."""
    if options.student is not None and is_address(options.student):
        return ask_server(options.student, options.student_model, options.key_env, "--student-model")
    require_no_model(options.student_model, "--student-model", "--student")
    return None


def place_adapter(home: Path, folder: Path) -> str:
    """Return an adapter's folder as a run keeps it: relative to the home where it lies in it, else its whole path."""
    return str(folder.relative_to(home) if folder.is_relative_to(home) else folder)


# -- what is printed -----------------------------------------------------------------------------------------------


def describe_set(chosen: Any, config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is asked, how a limit was drawn, and what to know before the number is compared with others."""
    n = min(chosen.n_problems, config["limit"] or chosen.n_problems)
    drawn = ""
    if n < chosen.n_problems:
        drawn = f" of {chosen.n_problems:,}, the first by a hash of seed {config['limit_seed']} and problem"
    yield f"set {chosen.name} ({chosen.task}): {counted(n, 'problem')}{drawn}"
    for note in chosen.notes:
        yield f"note: {note}"
    if config["tolerance"]:
        yield f"note: numbers within {100 * config['tolerance']:g} % of the reference count as equal."


def print_summary(summary: Mapping[str, Any]) -> None:
    """Print the tables of an evaluation, and what to know before they are believed."""
    from core.recipes.evaluation_results import list_warnings

    students = summary["students"]
    print(format_table(list(list_student_rows(students, summary["n_samples"]))))
    for line in (*list_sample_lines(students), *list_comparison_lines(summary["comparison"])):
        print(line)
    if summary["groups"]:
        print(format_table(list(list_group_rows(summary["groups"], list(students)))))
    warnings = (f"note: {sentence}" for sentence in list_warnings(summary))
    for line in (*list_reason_lines(students), *list_agreement_lines(summary["agreement"]), *warnings):
        print(line)


def list_student_rows(students: Mapping[str, Mapping[str, Any]], n_samples: int) -> Iterator[list[str]]:
    """Yield the head and one line per student."""
    accuracy = "accuracy (95 %)" if n_samples == 1 else f"mean@{n_samples} (95 %)"
    yield ["student", "asked", "judged", accuracy, "truncated", "tokens each", "loss", "generated", "tokens/s"]
    for name, each in students.items():
        yield [
            name,
            f"{each['n_asked']:,}",
            f"{each['n']:,}",
            format_interval(each),
            f"{each['n_truncated']:,}",
            "–" if each["mean_tokens"] is None else f"{each['mean_tokens']:.0f}",
            "–" if each["mean_loss"] is None else f"{each['mean_loss']:.3f}",
            f"{each['n_generated']:,}",
            "–" if each["tokens_per_second"] is None else f"{each['tokens_per_second']:,.0f}",
        ]


def list_sample_lines(students: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield pass@k and maj@n of each student, where several answers were drawn."""
    for name, each in students.items():
        if "majority" not in each:
            continue
        n = each["pass_at"][-1]["k"]
        parts = [f"pass@{row['k']} {format_percent(row['accuracy'])}" for row in each["pass_at"]]
        majority = each["majority"]
        ties = f", {counted(majority['n_tied'], 'tie')} decided by lot" if majority["n_tied"] else ""
        yield f"{name}: {', '.join(parts)}, maj@{n} {format_interval(majority)}{ties}"


def list_comparison_lines(row: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the paired comparison, where there are two students."""
    if row is None:
        return
    if row["n"] == 0:
        yield "difference: – (no problem was judged for both students)"
        return
    newcombe = ""
    if row["newcombe_low"] is not None:  # where nothing changed, resamples are all alike, and this one is not
        newcombe = f", {format_points(row['newcombe_low'])} to {format_points(row['newcombe_high'])} by Newcombe"
    tested = ""
    if row["newcombe_low"] is None:  # of several answers it is the majority's that is tested
        tested = f" of the majority's answers ({row['n_test_gained']:,} gained, {row['n_test_lost']:,} lost)"
    yield (
        f"difference: {format_points(row['difference'])} points "
        f"({format_points(row['low'])} to {format_points(row['high'])} by bootstrap{newcombe}; 95 %, "
        f"{counted(row['n'], 'problem')}); {row['n_gained']:,} gained, {row['n_lost']:,} lost, "
        f"{row['n_unchanged']:,} as before; McNemar p{tested} {format_p(row['p_value'])}"
    )


def list_group_rows(groups: Sequence[Mapping[str, Any]], students: Sequence[str]) -> Iterator[list[str]]:
    """Yield the head and one line per value of a field, with a column per student."""
    yield ["by", "", "judged", *(f"{name} (95 %)" for name in students)]
    cells: dict[tuple[str, str | None], dict[str, Mapping[str, Any]]] = {}
    for row in groups:
        cells.setdefault((row["field"], row["value"]), {})[row["student"]] = row
    for (field, value), found in cells.items():
        n = max(row["n"] for row in found.values())
        shown = [format_interval(found[name]) for name in students]
        yield [field.removeprefix("n_"), "(none)" if value is None else value, f"{n:,}", *shown]


def list_reason_lines(students: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield what the checker found, in numbers."""
    from core.evaluation.judging import VERDICTS

    for name, each in students.items():
        parts = [f"{n:,} {VERDICTS[verdict]}" for verdict, n in each["verdicts"].items()]
        steps = f"; {each['n_wrong_steps']:,} right by steps that do not hold" if each["n_wrong_steps"] else ""
        yield f"{name}: {counted(each['n_answers'], 'answer')}: {', '.join(parts)}{steps}"


def list_agreement_lines(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield how far checker and grader agree, where the grader said anything."""
    for name, row in rows.items():
        if not row["n_graded"]:
            continue
        kappa = "" if row["kappa"] is None else f", kappa {row['kappa']:.2f}"
        yield (
            f"{name}: grader: {format_percent(row['accuracy'])} right of {row['n_graded']:,} graded; agrees "
            f"with the checker on {format_percent(row['share'])} of {row['n']:,}{kappa} (only the checker right: "
            f"{row['n_only_checker']:,}, only the grader: {row['n_only_grader']:,})"
        )


def format_interval(row: Mapping[str, Any]) -> str:
    """Return ``61.0% (55.4% to 66.4%)``; a dash where nothing was judged."""
    if row["accuracy"] is None:
        return "–"
    return f"{format_percent(row['accuracy'])} ({format_percent(row['low'])} to {format_percent(row['high'])})"


def format_points(share: float) -> str:
    """Return a difference of two shares in per cent points, with its sign."""
    return f"{100 * share:+.1f}"


def format_p(value: float) -> str:
    """Return a p-value with two digits that mean something."""
    return "< 0.0001" if value < 0.0001 else f"= {value:.2g}"


def format_table(lines: Sequence[Sequence[str]]) -> str:
    """Return cells in columns; the first column to the left, the others to the right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = [
        [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        for line in lines
    ]
    return "\n".join("  ".join(row).rstrip() for row in rows)
