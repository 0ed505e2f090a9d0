"""Orders to keep and to move: lines of the inbox, refused where they make no sense, and the queue that goes by them."""

import time

import pytest

from core.__main__ import main
from core.errors import RunCancelled, RunError
from core.lines import read_all
from core.runs.folder import RunFolder
from core.runs.orders import write_order
from core.runs.queue import plan_move
from tests.runs.world import open_test_hub, wait_for


@pytest.fixture
def hub(tmp_path):
    opened = open_test_hub(tmp_path, device_slots=0, teacher_slots=0, light_slots=0)
    yield opened
    opened.close()


def submit(hub, n=3, kind="demo", lane="device"):
    return [hub.submit(kind, f"t{i}", {"n": 1}, lane=lane) for i in range(n)]


def make_training(home, kind="finetune") -> RunFolder:
    return RunFolder.create(home, kind, title="Trains", config={}, lane="device")


# -- the queue -------------------------------------------------------------------------------------------------------


def test_runs_start_in_the_order_in_which_they_were_put(hub, tmp_path):
    a, b, c, d = submit(hub, 4)
    other = submit(hub, 1, lane="light")
    assert hub.list_waiting("device") == [a, b, c, d] and hub.list_waiting("light") == other
    hub.move(d, "first")
    hub.move(b, "up")
    hub.move(a, "down")
    assert hub.list_waiting("device") == [d, b, c, a]
    hub.move(d, "up")  # it stands there already
    hub.move(a, "down")
    assert hub.list_waiting("device") == [d, b, c, a]
    assert len(read_all(tmp_path / "runs" / d / "inbox.jsonl")) == 1
    hub.close()
    again = open_test_hub(tmp_path, device_slots=1)
    again.step()
    again.wait_idle()
    started = [again.store.read_run(run_id)["started_at"] for run_id in (d, b, c, a)]
    assert started == sorted(started)
    again.close()


def test_a_place_is_between_its_neighbours_and_all_move_where_no_number_is(hub, tmp_path):
    a, b, c = submit(hub)
    hub.order(a, "move", place=1.0)
    hub.order(b, "move", place=2.0)
    hub.move(c, "up")
    assert read_all(tmp_path / "runs" / c / "inbox.jsonl")[-1]["place"] == 1.5
    hub.order(a, "move", place=7.0)
    hub.order(b, "move", place=7.0)  # alike: no number lies between the two
    hub.order(c, "move", place=9.0)
    first, second = sorted((a, b))
    assert plan_move(hub._watch.runs, c, "up") == {first: 7.0, c: 8.0, second: 9.0}
    hub.move(c, "up")
    assert hub.list_waiting("device") == [first, c, second]
    for _ in range(60):  # halving a gap sixty times leaves no number between two neighbours
        hub.move(hub.list_waiting("device")[2], "up")
    assert sorted(hub.list_waiting("device")) == sorted([a, b, c])
    with pytest.raises(RunError, match="cannot be moved 'sideways'; known: first, up, down"):
        hub.move(a, "sideways")


def test_a_place_holds_for_one_attempt_and_nonsense_moves_nothing(tmp_path):
    folder = make_training(tmp_path)
    folder.order("move", place=5.0)
    write_order(folder.path, {"order": "move", "attempt": 1, "place": "front"})
    assert folder.read_state().place == 5.0
    with folder.hold():
        folder.finish("done")
    folder.order("again")
    assert (folder.read_state().state, folder.read_state().place) == ("queued", None)


def test_only_what_waits_is_moved(hub, tmp_path):
    folder = make_training(tmp_path)
    with folder.hold():
        hub.step()
        with pytest.raises(RunError, match="is running; only a run that waits"):
            hub.move(folder.run_id, "up")
        folder.finish("done")
    with pytest.raises(RunError, match="There is no run"):
        hub.move("nowhere", "up")
    queued = submit(hub, 1)[0]
    for order, place in (("move", None), ("cancel", 3.0)):
        with pytest.raises(RunError, match="A place in the queue belongs to"):
            hub.order(queued, order, place=place)


# -- keep ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["finetune", "loop"])
def test_keep_is_seen_by_the_worker_and_leaves_the_run_running(hub, tmp_path, kind):
    folder = make_training(tmp_path, kind)
    with folder.hold():
        hub.step()
        assert not folder.wants_keep()
        hub.order(folder.run_id, "keep")
        hub.order(folder.run_id, "keep")  # told once
        assert folder.wants_keep()
        folder.check_cancelled()  # it is not cancelled
        assert [line["order"] for line in read_all(folder.path / "inbox.jsonl")] == ["keep"]
        assert hub.is_kept(folder.run_id) and hub.store.read_run(folder.run_id)["state"] == "running"
        hub.order(folder.run_id, "cancel")
        with pytest.raises(RunCancelled):
            folder.check_cancelled()
        with pytest.raises(RunError, match="is being cancelled"):
            hub.order(folder.run_id, "keep")
        folder.finish("done")
    hub.step()
    assert not hub.is_kept(folder.run_id)


def test_keep_is_of_one_attempt(tmp_path):
    folder = make_training(tmp_path)
    with folder.hold():
        folder.order("keep")
        assert folder.wants_keep()
        folder.finish("done")
    folder.order("again")
    again = RunFolder(folder.path)
    with again.hold():
        assert not again.wants_keep()
        again.finish("done")


def test_a_look_at_the_inbox_costs_no_reading_where_nothing_came(tmp_path, monkeypatch):
    folder = make_training(tmp_path)
    with folder.hold():
        folder.order("move", place=1.0)
        assert not folder.wants_keep()
        monkeypatch.setattr("core.runs.folder.read_orders", lambda *_: pytest.fail("read again"))
        for _ in range(3):
            assert not folder.wants_keep()
            folder.check_cancelled()


def test_keep_is_refused_where_there_is_nothing_to_keep(hub, tmp_path):
    queued = make_training(tmp_path)
    scored = RunFolder.create(tmp_path, "score", title="t", config={}, lane="device")
    hub.step()
    with pytest.raises(RunError, match="has not begun, so there is nothing to keep yet; cancel it instead"):
        hub.order(queued.run_id, "keep")
    with scored.hold(), pytest.raises(RunError, match="trains nothing"):
        hub.order(scored.run_id, "keep")
    with queued.hold():
        queued.finish("done")
    with pytest.raises(RunError, match=r"is over \(done\); what it kept is kept"):
        hub.order(queued.run_id, "keep")


def test_the_shell_tells_the_same_and_refuses_the_same(tmp_path, capsys):
    folder = make_training(tmp_path)
    command = ["keep", folder.run_id, "--home", str(tmp_path)]
    assert main(command) == 1
    assert "has not begun, so there is nothing to keep yet" in capsys.readouterr().err
    with folder.hold():
        assert main(command) == 0
        assert capsys.readouterr().out == f"{folder.run_id}: keep (was running)\n"
        assert folder.wants_keep()
        folder.finish("done")
    assert main(["cancel", folder.run_id, "--home", str(tmp_path)]) == 1
    assert "is over (done); there is nothing to cancel" in capsys.readouterr().err
    assert main(["keep", "nowhere", "--home", str(tmp_path)]) == 1
    assert "is not a run folder" in capsys.readouterr().err


# -- ends ------------------------------------------------------------------------------------------------------------


def finish(folder: RunFolder, state="done", error=None) -> None:
    with folder.hold():
        folder.finish(state, error=error)


def list_ends(hub) -> list[tuple]:
    hub.step()
    return [(end.run_id, end.state) for end in hub.ends.list_after(0)]


def test_an_end_is_news_once_and_only_since_the_hub_began(tmp_path):
    before = make_training(tmp_path)
    finish(before)
    lost = make_training(tmp_path)
    with lost.hold():
        pass
    time.sleep(0.01)
    hub = open_test_hub(tmp_path, device_slots=0)
    assert list_ends(hub) == []  # neither what was done nor what was lost before
    seen, quick = make_training(tmp_path), make_training(tmp_path)
    hub.step()
    finish(seen, "failed", "It met a stone; go round it.")
    finish(quick)
    chosen = RunFolder.create(tmp_path, "select", title="t", config={}, lane="light")
    finish(chosen)
    assert sorted(list_ends(hub)) == sorted([(seen.run_id, "failed"), (quick.run_id, "done")])
    assert {end.error for end in hub.ends.list_after(0)} == {None, "It met a stone; go round it."}
    latest = hub.ends.latest
    before.order("again")
    hub.step()
    before.order("cancel")  # before it began: it is over again as it was
    hub.step()
    wait_for(lambda: hub.step() or hub.store.read_run(before.run_id)["state"] == "done")
    assert hub.ends.list_after(latest) == []
    before.order("again")
    finish(before, "cancelled")
    hub._watch.touch(before.run_id)
    assert list_ends(hub)[-1] == (before.run_id, "cancelled")
    died = make_training(tmp_path)
    with died.hold():
        hub.step()
    hub._watch.touch(died.run_id)
    assert list_ends(hub)[-1] == (died.run_id, "lost") and hub.ends.list_after(latest)[-1].seconds is None
    hub.close()
