"""How long drawing will take, told from the progress of runs that drew."""

import pytest

from core import hub as hubs
from core.recipes.drawing_rate import estimate_drawing, read_rates
from core.runs.folder import RunFolder
from tests.pages.conftest import open_home


def add_run(home, number, kind, config, stages, summary=None):
    run_id = f"20260101-00000{number}-{kind}-aaaa"
    config = {"student": "tiny", "task": "custom", **config}
    folder = RunFolder.create(home, kind, title="x", config=config, lane="light", run_id=run_id)
    with folder.hold():
        for n, (stage, began_made, made, seconds) in enumerate(stages):
            about = {"stage": stage, "made": made, "failed": 0, "total": made, "began_made": began_made}
            folder.append("progress", {**about, "began_at": 100.0 + n, "written_at": 100.0 + n + seconds})
        folder.finish("done", summary or {"n": 1})


@pytest.fixture
def home(tmp_path):
    yield tmp_path
    hubs.close()


def test_drawing_is_told_by_the_newest_run_that_drew_enough_and_else_by_answers(home, monkeypatch):
    wanted = {"n_answers": 80, "n_rollouts": 100}
    add_run(home, 1, "score", {}, [], {"computed": {"answers": 50}, "seconds": {"answers": 100.0}})
    hub = open_home(home)
    before = estimate_drawing(hub, "tiny", wanted)
    assert not before.is_drawn and before.seconds == pytest.approx(360, rel=0.01)
    assert estimate_drawing(hub, "another", wanted) is None
    stages = [("round 1: policy", 0, 99, 50.0), ("round 1: answers", 10, 50, 20.0), ("round 1: rollouts", 0, 200, 50.0)]
    add_run(home, 0, "finetune", {"objective": "rft"}, [("round 1: answers", 0, 40, 99.0)])  # an older rate
    add_run(home, 2, "finetune", {"objective": "per_step_dpo"}, stages)
    add_run(home, 3, "finetune", {"objective": "dpo"}, [("round 1: answers", 40, 44, 9.0)])  # nearly all in the cache
    add_run(home, 4, "finetune", {"objective": "rft", "student": "org/other"}, [("round 1: answers", 0, 100, 1.0)])
    hub.step()
    assert estimate_drawing(hub, "tiny", wanted) == (80 * 0.5 + 100 * 0.25, True)
    looked, ask = [], hub.store.list_stages
    with monkeypatch.context() as patch:
        patch.setattr(hub.store, "list_stages", lambda run_id: looked.append(run_id) or ask(run_id))
        assert read_rates(hub, "tiny") == {"answers": 0.5, "rollouts": 0.25}
    assert [run_id[14] for run_id in looked] == ["3", "2"]  # once both are known, older runs are not looked at
    add_run(home, 5, "finetune", {"objective": "rft"}, [("round 1: answers", 0, 40, 40.0)])
    hub.step()
    assert estimate_drawing(hub, "tiny", wanted) == (80 * 1.0 + 100 * 0.25, True)
    assert estimate_drawing(hub, "org/other", wanted) == (pytest.approx(180 * 0.01), True)


def test_answers_that_took_no_time_are_a_rate_like_another(home):
    add_run(home, 1, "finetune", {"objective": "rft"}, [("round 1: answers", 0, 99, 0.0)])
    assert estimate_drawing(open_home(home), "tiny", {"n_answers": 80, "n_rollouts": 100}) == (0.0, True)
