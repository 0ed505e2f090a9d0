"""Questions, an adapter and the command for tests of evaluations."""

from core.__main__ import main
from core.models.student import Student
from core.recipes.evaluating import make_evaluate_config
from core.recipes.titles import title_evaluation
from core.runs.folder import RunFolder

N = 14


def cut_questions(seed_files, folder):
    """A file of the first test problems."""
    lines = seed_files["test"].read_text(encoding="utf-8").splitlines()[:N]
    path = folder / "test.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def put_adapter(home):
    """An adapter that a finetune might have made: some answers come out otherwise."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    model = get_peft_model(Student.load("tiny").model, LoraConfig(r=4, lora_alpha=4, target_modules="all-linear"))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.5)
    folder = home / "runs" / "20250101-000000-finetune-0000" / "checkpoints" / "round-1" / "adapter"
    model.save_pretrained(folder)
    return folder


def evaluate(home, questions, out, *more):
    return main(["evaluate", "--set", str(questions), "--home", str(home), "--out", str(out), *map(str, more)])


def newest(home):
    return RunFolder(max((home / "runs").glob("*-evaluate-*"), key=lambda path: path.stat().st_mtime_ns))


def make_run(home, chosen, **choices):
    config = make_evaluate_config(home, chosen, **choices)
    title = title_evaluation(config, home)
    return RunFolder.create(home, "evaluate", title=title, config=config, lane="device", starts_itself=True)
