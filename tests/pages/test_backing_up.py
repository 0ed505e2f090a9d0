"""The backups on the page Runs: one is started, then stands there with its size and how it is restored."""

from core.backup import restore_home
from core.recipes.kinds import execute
from core.runs.folder import RunFolder


def test_a_backup_is_started_and_then_offered(filled, visit, tmp_path_factory):
    app = visit("runs")
    app.button(key="back_up").click().run()
    assert not app.exception and not app.error
    [run] = filled.store.list_runs(["backup"])["run_id"]
    assert app.button(key="back_up").disabled  # one at a time
    home = filled.settings.home
    assert execute(RunFolder(home / "runs" / run)) == "done"
    filled.step()
    app = visit("runs")
    assert not app.exception and not app.button(key="back_up").disabled
    assert any(f"core restore {home}/backups/{run}.zip --home NEW_FOLDER" in each.value for each in app.code)
    assert any("backups" in each.value and "runs, checkpoints" in each.value for each in app.caption)
    new = tmp_path_factory.mktemp("restored") / "home"
    assert restore_home(home / "backups" / f"{run}.zip", new).n_runs == 6
    assert not visit("overview").exception


def test_without_caches_says_so_in_its_title(filled, visit):
    app = visit("runs")
    app.checkbox(key="backup_caches").set_value(False).run()
    app.button(key="back_up").click().run()
    [row] = filled.store.list_runs(["backup"]).to_dict("records")
    assert row["title"] == "Back up this home, without caches"
