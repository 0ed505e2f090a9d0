"""What trainings and evaluations are called where nobody gave them a title."""

from dataclasses import asdict

from core.recipes.titles import LONGEST, name_change, title_evaluation, title_finetune
from core.runs.folder import RunFolder
from core.training.config import PRESETS
from core.training.objectives import make_objective

ASKED = {"seed_set_name": "pens/test", "student": "tiny", "adapter": None, "limit": None, "temperature": None}


def make_config(objective="sft", preset="tiny", settings=None, **training):
    return {
        "objective": objective,
        "student": "tiny",
        "task": "word_problems",
        "preset": preset,
        "settings": asdict(make_objective(objective, settings)),
        "training": {**asdict(PRESETS[preset]), **training},
        "n_rows": 1200,
    }


def title(config, presets=PRESETS):
    return title_finetune(config, "pens", presets)


def test_a_finetune_is_called_by_what_is_unusual_about_it():
    assert title(make_config()) == "Supervised (SFT): tiny on 1,200 rows of pens"
    assert title({**make_config(rank=8, epochs=1), "n_rows": 1, "student": "/models/mine"}) == (
        "Supervised (SFT): mine on 1 row of pens (preset: tiny; rank: 8; epochs: 1)"
    )
    drawn = title(make_config("dpo", "tiny-dpo", {"beta": 0.5}, learning_rate=1e-5))
    assert drawn == "Preferences (DPO): tiny on 1,200 rows of pens (learning rate: 1e-05; beta: 0.5)"
    own = {**make_config(rank=8), "preset": "best-of-mine"}
    presets = {**PRESETS, "best-of-mine": PRESETS["tiny"]}
    assert title(own, presets) == "Supervised (SFT): tiny on 1,200 rows of pens (preset: best-of-mine; rank: 8)"
    assert title({**own, "preset": "gone since"}).endswith("(preset: gone since)")
    assert name_change(title(own, presets), "rank", 4).endswith("(preset: best-of-mine; rank: 4)")


def test_an_evaluation_is_called_by_what_is_asked_and_the_title_of_the_training(tmp_path):
    assert title_evaluation(ASKED, tmp_path) == "Evaluate pens/test: tiny"
    drawn = {**ASKED, "student": "/models/merged", "limit": 1000, "n_samples": 4, "temperature": 0.5}
    assert title_evaluation(drawn, tmp_path) == "Evaluate pens/test, 1,000 problems, 4 at temperature 0.5: merged"
    folder = RunFolder.create(tmp_path, "finetune", title="First", config={}, lane="device")
    place = folder.path.relative_to(tmp_path) / "checkpoints" / "round-1"
    both = {**ASKED, "adapter": str(place / "adapter"), "asks_base": True}
    assert title_evaluation(both, tmp_path) == "Evaluate pens/test: before and after “First”"
    alone = {**both, "adapter": str(place / "sft" / "adapter"), "asks_base": False}
    assert title_evaluation(alone, tmp_path) == "Evaluate pens/test: after the policy of “First”"
    assert title_evaluation({**alone, "adapter": "/away/mine"}, tmp_path) == "Evaluate pens/test: after mine"
    loop = RunFolder.create(tmp_path, "loop", title="L" * 150, config={}, lane="device")
    second = {**both, "adapter": f"runs/{loop.run_id}/checkpoints/round-2/adapter", "limit": 1}
    assert (
        title_evaluation(second, tmp_path) == f"Evaluate pens/test, 1 problem: before and after “{'L' * 99}…”, round 2"
    )
    long = title_evaluation({**ASKED, "seed_set_name": "s" * 300}, tmp_path)
    assert len(long) == LONGEST and long.endswith("…")
    assert name_change(long, "limit", 50).endswith("… (limit: 50)") and len(name_change(long, "limit", 50)) == LONGEST
    gone = {**both, "adapter": "runs/20250101-000000-finetune-0001/checkpoints/round-1/adapter"}
    assert title_evaluation(gone, tmp_path).endswith("before and after 20250101-000000-finetune-0001")
