import subprocess
import sys

import pytest

from core import hub as hub_module
from core.errors import HomeInUseError, RunError, SeedbedError
from core.hub import rebuild
from core.lines import LineWriter, read_all
from core.runs import watch as watch_module
from core.runs.folder import RunFolder
from core.settings import REPOSITORY, Settings
from core.store.ingest import Ingest
from core.store.queue_filter import QueueFilter
from core.store.store import Store
from tests.runs.world import dump, kill, make_candidates, make_seed_set, open_test_hub, wait_for

OPEN = """
import sys
from pathlib import Path
from core.hub import open_hub
from core.settings import Settings
from core.store.queue_filter import QueueFilter
open_hub(Settings(Path(sys.argv[1])))
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hub(tmp_path):
    make_seed_set(tmp_path)
    make_candidates(tmp_path)
    opened = open_test_hub(tmp_path)
    opened.step()
    yield opened
    opened.close()


def read_state(hub, candidate_id):
    found = hub.store.read_candidate("grown", candidate_id)
    return found["review"], found["current_question"], found["current_answer"], found["current_final"]


def test_a_second_process_is_told_who_owns_the_home(tmp_path):
    other = subprocess.Popen(
        [sys.executable, "-c", OPEN, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
    )  # fmt: skip
    try:
        assert other.stdout.readline() == "open\n"
        for attempt in (lambda: open_test_hub(tmp_path), lambda: rebuild(tmp_path)):
            with pytest.raises(HomeInUseError) as caught:
                attempt()
            assert f"process {other.pid};" in str(caught.value)
        assert (tmp_path / "seedbed.duckdb").exists()
    finally:
        kill(other.pid)
        other.communicate()
    open_test_hub(tmp_path).close()


def test_one_hub_for_a_process(tmp_path):
    with pytest.raises(SeedbedError, match="No home is open"):
        hub_module.get_hub()
    first = hub_module.open_hub(Settings(tmp_path / "a"))
    try:
        assert hub_module.open_hub(Settings(tmp_path / "a")) is first is hub_module.get_hub()
        with pytest.raises(HomeInUseError, match="close it before"):
            hub_module.open_hub(Settings(tmp_path / "b"))
    finally:
        hub_module.close()
    hub_module.close()  # nothing to do is no error
    with pytest.raises(SeedbedError):
        hub_module.get_hub()


def test_a_submitted_run_is_in_the_store_when_submit_returns_and_its_inputs_are_in_the_folder(hub, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n')
    before = hub.revision
    problems = hub.store.list_problems("seeds", "train")
    run_id = hub.submit(
        "demo",
        "A title",
        {"n": 3},
        lane="light",
        inputs={"problems": problems},
        files={"r.jsonl": tmp_path / "rows.jsonl"},
    )
    assert hub.revision > before
    run = hub.store.read_run(run_id)
    assert (run["state"], run["title"], run["config"], run["lane"]) == ("queued", "A title", {"n": 3}, "light")
    folder = RunFolder(tmp_path / "runs" / run_id)
    assert list(folder.read_input("problems")["problem_id"]) == list(problems["problem_id"])
    assert (folder.path / "input" / "r.jsonl").read_text() == '{"a": 1}\n'

    clone = hub.clone(run_id, {"n": 4})
    assert hub.store.read_run(clone)["config"] == {"n": 4}
    assert list(RunFolder(tmp_path / "runs" / clone).read_input("problems")["problem_id"]) == list(
        problems["problem_id"]
    )
    hub.wait_idle()
    assert [hub.store.read_run(i)["state"] for i in (run_id, clone)] == ["done", "done"]
    assert len(hub.store.read_metrics(clone)) == 4
    assert "worker begins" in hub.read_log(run_id)


def test_a_review_is_on_the_disk_and_in_the_tables_when_it_returns(hub, tmp_path):
    hub.add_review("grown", "c2", "accept", review_id="mine")
    assert read_all(tmp_path / "journal" / "reviews.jsonl")[-1]["review_id"] == "mine"
    assert read_state(hub, "c2") == ("accept", "Q2?", "A2", "2")
    hub.add_review("grown", "c2", "reject")
    assert read_state(hub, "c2")[0] == "reject"
    hub.add_review("grown", "c3", "edit", question="Better?", answer="So.")
    assert read_state(hub, "c3") == ("edit", "Better?", "So.", None)
    hub.add_review("grown", "c3", "edit", final="33")
    assert read_state(hub, "c3") == ("edit", "Better?", "So.", "33")
    hub.add_review("grown", "c3", "accept")
    assert read_state(hub, "c3") == ("accept", "Better?", "So.", "33")
    counts = hub.store.count_candidates("grown")
    assert counts == {
        "made": 6, "failed": 1, "rejected": 1, "accepted": 4,
        "reviewed_accept": 1, "reviewed_reject": 1, "edited": 0, "waiting": 2,
    }  # fmt: skip


def test_undo_takes_back_one_after_the_other(hub):
    hub.add_review("grown", "c2", "edit", question="One?")
    hub.add_review("grown", "c2", "edit", question="Two?")
    hub.add_review("grown", "c3", "skip")
    assert [row["action"] for row in hub.undo_review(["grown"])] == ["skip"]
    assert read_state(hub, "c2")[1] == "Two?"
    assert [row["question"] for row in hub.undo_review(["grown"])] == ["Two?"]
    assert read_state(hub, "c2") == ("edit", "One?", "A2", "2")
    assert [row["question"] for row in hub.undo_review(["grown"])] == ["One?"]
    assert read_state(hub, "c2") == (None, "Q2?", "A2", "2")
    assert hub.undo_review(["grown"]) == []
    assert len(hub.store.list_reviews(["grown"])) == 6
    assert hub.store.list_reviews(["grown"])["is_undone"].sum() == 3


def test_the_review_queue_shows_what_waits_and_skipped_ones_last(hub):
    def queue(**options):
        return list(hub.store.list_queue(QueueFilter(run="grown", **options))["candidate_id"])

    assert queue(review="waiting") == ["c2", "c3", "c4", "c5"]
    hub.add_review("grown", "c3", "skip")
    hub.add_review("grown", "c2", "skip")
    hub.add_review("grown", "c4", "accept")
    assert queue(review="waiting") == ["c5", "c3", "c2"]
    assert queue() == ["c4", "c5", "c3", "c2"]


@pytest.mark.parametrize(
    ("review", "message"),
    [
        (("grown", "c99", "accept"), "has no candidate 'c99'"),
        (("grown", "c2", "like"), "cannot be 'like'"),
        (("grown", "c2", "edit"), "needs a changed question or answer"),
        (("grown", "c2", "edit", {"question": " \n", "answer": "So."}), "cannot leave the question empty"),
        (("grown", "c2", "edit", {"answer": ""}), "cannot leave the answer empty"),
        (("grown", "c2", "reject", {"reason": "ugly"}), "no reason 'ugly'; known: wrong_answer"),
        (("grown", "c2", "note", {"note": " "}), "The note is empty"),
    ],
)
def test_reviews_that_make_no_sense_are_refused_and_leave_no_line(hub, tmp_path, review, message):
    with pytest.raises(RunError, match=message):
        hub.add_review(*review[:3], **dict(*review[3:]))
    assert not (tmp_path / "journal" / "reviews.jsonl").exists()


def test_times_of_reviews_grow_even_where_the_clock_was_set_back(hub, tmp_path):
    with LineWriter(tmp_path / "journal" / "reviews.jsonl") as writer:
        line = {"review_id": "review_x", "run_id": "grown", "candidate_id": "c2", "action": "accept"}
        writer.append({**line, "written_at": 4e9})  # written when the clock was wrong
    hub.close()
    again = open_test_hub(tmp_path)
    again.add_review("grown", "c2", "reject")
    assert read_state(again, "c2")[0] == "reject"
    again.close()


def test_orders_that_make_no_sense_are_refused(hub):
    run_id = hub.submit("demo", "t", {"n": 1}, lane="light")
    for order, message in (("again", "is queued; cancel it"), ("stop", "cannot be told 'stop'")):
        with pytest.raises(RunError, match=message):
            hub.order(run_id, order)
    hub.wait_idle()
    with pytest.raises(RunError, match="is over"):
        hub.order(run_id, "cancel")
    for strange in ("nowhere", "../runs/grown", ""):
        with pytest.raises(RunError, match="There is no run"):
            hub.order(strange, "cancel")


def test_a_selection_is_neither_repeated_nor_copied(hub, tmp_path):
    folder = RunFolder.create(tmp_path, "select", title="t", config={}, lane="light", run_id="chosen")
    with folder.hold():
        folder.finish("done", {})
    hub.step()
    for attempt in (lambda: hub.order("chosen", "again"), lambda: hub.clone("chosen", {"k": 2})):
        with pytest.raises(RunError, match="make a new one on the page Select"):
            attempt()
    assert set(hub.store.list_runs()["run_id"]) == {"seeds", "grown", "chosen"}
    assert not (folder.path / "inbox.jsonl").exists()


def test_rows_that_a_full_disk_refused_once_are_stored_at_the_next_step(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(watch_module, "QUIET_S", 0.0)  # a run is at rest as soon as it is over
    make_candidates(tmp_path, "more")
    store = hub._ingest._store
    failures = iter([OSError("No space left on device")])

    def store_later(*args):
        if error := next(failures, None):
            raise error
        store(*args)

    monkeypatch.setattr(hub._ingest, "_store", store_later)
    hub.step()
    assert hub.store.read_run("more") is None
    hub.step()
    assert hub.store.read_run("more")["state"] == "done"
    assert hub.store.count_candidates("more")["made"] == 6
    assert "No space left" in (tmp_path / "hub.log").read_text()


def test_a_commit_that_fails_amid_many_runs_loses_none_of_them(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(watch_module, "QUIET_S", 0.0)
    names = ("more-1", "more-2", "more-3")
    for name in names:
        make_candidates(tmp_path, name)
    put_run, commit = hub._ingest.put_run, hub._ingest.commit
    store = hub._ingest._store

    def refuse(*args):
        raise OSError("No space left on device")

    def commit_in_between(run_id, *args):
        if run_id == "more-2":
            monkeypatch.setattr(hub._ingest, "put_run", put_run)
            monkeypatch.setattr(hub._ingest, "_store", refuse)
            try:
                commit()
            finally:
                monkeypatch.setattr(hub._ingest, "_store", store)
        return put_run(run_id, *args)

    monkeypatch.setattr(hub._ingest, "put_run", commit_in_between)
    hub.step()
    assert hub.store.read_run("more-1") is None
    hub.step()
    assert [hub.store.count_candidates(name)["made"] for name in names] == [6, 6, 6]
    assert {hub.store.read_run(name)["state"] for name in names} == {"done"}


def test_the_rows_of_a_vanished_run_go_even_where_the_first_try_fails(hub, tmp_path, monkeypatch):
    forget = hub._ingest.forget_run
    failures = iter([OSError("No space left on device")])

    def forget_later(run_id):
        if error := next(failures, None):
            raise error
        return forget(run_id)

    monkeypatch.setattr(hub._ingest, "forget_run", forget_later)
    (tmp_path / "runs" / "grown").rename(tmp_path / "elsewhere")
    hub.step()
    hub.step()
    assert hub.store.read_run("grown") is None


def test_trash_takes_a_run_out_and_restore_brings_it_back_whole(hub, tmp_path):
    hub.add_review("grown", "c2", "accept")
    before = dump(hub.store)
    hub.trash("grown")
    assert hub.store.read_run("grown") is None
    assert hub.store.list_candidates("grown").empty
    assert len(hub.store.list_reviews(["grown"])) == 1
    assert list(hub.list_trash()["run_id"]) == ["grown"]
    hub.restore("grown")
    after = dump(hub.store)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"trash_orders", "ingested_files"}  # the journal of orders has grown
    assert [row for row in after["ingested_files"] if row[0] in {r[0] for r in before["ingested_files"]}] == (
        before["ingested_files"]
    )
    hub.trash("grown")
    assert hub.empty_trash() == 1
    assert hub.list_trash().empty and not (tmp_path / "trash" / "grown").exists()
    with pytest.raises(RunError, match="is not in the trash"):
        hub.restore("grown")


def test_a_running_run_cannot_be_trashed(hub):
    run_id = hub.submit("demo", "t", {"n": 10_000}, lane="light")
    wait_for(lambda: hub.step() or hub.store.read_run(run_id)["state"] == "running")
    with pytest.raises(RunError, match="is running; cancel it first"):
        hub.trash(run_id)
    hub.order(run_id, "cancel")
    hub.wait_idle()
    hub.trash(run_id)
    assert hub.store.read_run(run_id) is None


def test_an_order_that_a_crash_cut_off_is_finished_at_the_next_start(hub, tmp_path):
    hub.trash("seeds")
    hub._journal.add_trash_order("trash", "grown")  # and no move: the process dies here
    hub._journal.add_trash_order("restore", "seeds")
    hub.close()
    again = open_test_hub(tmp_path)
    again.step()
    assert list(again.store.list_runs()["run_id"]) == ["seeds"]
    assert list(again.list_trash()["run_id"]) == ["grown"]
    again._journal.add_trash_order("empty")
    again.close()
    again = open_test_hub(tmp_path)
    assert again.list_trash().empty and not (tmp_path / "trash" / "grown").exists()
    again.close()


def test_a_run_folder_that_vanished_while_no_hub_was_open_leaves_no_rows(hub, tmp_path):
    hub.close()
    (tmp_path / "runs" / "grown").rename(tmp_path / "elsewhere")
    again = open_test_hub(tmp_path)
    assert again.store.read_run("grown") is None
    assert again.store.count_rows()["verdicts"] == 0
    again.close()


def test_one_broken_folder_does_not_keep_others_from_being_read(hub, tmp_path):
    for name, text in (("bad-1", "{"), ("bad-2", '{"kind": "demo"}')):
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "run.json").write_text(text)
    run_id = hub.submit("demo", "t", {"n": 2}, lane="light")
    hub.wait_idle()
    assert hub.store.read_run(run_id)["state"] == "done"
    log = (tmp_path / "hub.log").read_text()
    assert "bad-1" in log and "bad-2" in log
    assert log.count(" bad-1: ") == log.count(" bad-2: ") == 1  # once each, not at every step


def test_the_rebuilt_database_is_equal_table_by_table(hub, tmp_path):
    make_candidates(tmp_path, "more")
    lost = hub.submit("demo", "Lost", {"n": 10_000}, lane="device")
    done = hub.submit("demo", "Done", {"n": 30}, lane="light")
    gone = hub.submit("demo", "Trashed", {"n": 5}, lane="light")
    waiting = hub.submit("demo", "Never", {"n": 5, "after": lost}, lane="light")
    wait_for(lambda: hub.step() or len(hub.store.read_metrics(lost)) > 5)
    hub.add_review("grown", "c2", "edit", question="Ändert: “x”?", answer="Ja.")
    hub.add_review("grown", "c3", "accept")
    hub.undo_review(["grown"])
    hub.add_review("more", "c4", "skip")
    (tmp_path / "runs" / "more" / "records" / "nowhere.jsonl").write_text('{"x": 1}\n')
    with (tmp_path / "runs" / "more" / "records" / "verdicts.jsonl").open("a") as file:
        file.write(
            '{"candidate_id": "c4", "filter": 5}\n{"candidate_id": "c4", "fil\n{"candidate_id": "c4", "filter": "x"}\n'
        )
    kill(hub.store.read_run(lost)["pid"])
    hub.wait_idle()
    hub.order(done, "again")
    hub.wait_idle()
    hub.trash(gone)
    hub.trash("more")
    hub.restore("more")
    hub.step()
    before = dump(hub.store)
    states = {run_id: hub.store.read_run(run_id)["state"] for run_id in (lost, done, waiting)}
    assert states == {lost: "lost", done: "done", waiting: "failed"}
    for table in ("runs", "attempts", "progress", "problems", "candidates", "verdicts", "reviews", "metrics"):
        assert before[table], table
    for table in ("trash_orders", "ingested_files", "ingested_parts", "ingest_faults"):
        assert before[table], table
    hub.close()

    counts, unread = rebuild(tmp_path)
    assert not unread
    store = Store(tmp_path / "seedbed.duckdb")
    after = dump(store)
    assert counts == store.count_rows()
    for table in before:
        assert after[table] == before[table], table
    store.close()


def test_rebuild_starts_nothing(hub, tmp_path):
    run_id = hub.submit("demo", "t", {"n": 1}, lane="light")
    hub.close()
    rebuild(tmp_path)
    assert RunFolder(tmp_path / "runs" / run_id).read_state().state == "queued"
    assert not (tmp_path / "runs" / run_id / "launch.json").exists()


def test_rebuild_says_what_kept_it_from_storing(hub, tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError("No space left on device")

    hub.close()
    monkeypatch.setattr(Ingest, "_store", refuse)
    with pytest.raises(OSError, match="No space left"):
        rebuild(tmp_path)
    monkeypatch.undo()
    assert rebuild(tmp_path)[0]["candidates"] == 6  # and the home was let go


def test_rebuild_leaves_runs_that_cannot_start_as_they_are(hub, tmp_path):
    run_id = hub.submit("demo", "t", {"n": 1, "after": "nowhere"}, lane="light")
    hub.close()
    rebuild(tmp_path)
    assert RunFolder(tmp_path / "runs" / run_id).read_state().state == "queued"


def test_the_thread_ingests_and_starts_by_itself(tmp_path):
    hub = open_test_hub(tmp_path, is_threaded=True)
    try:
        run_id = hub.submit("demo", "t", {"n": 20}, lane="light")
        wait_for(lambda: hub.store.read_run(run_id)["state"] == "done")
        assert len(hub.store.read_metrics(run_id)) == 20
    finally:
        hub.close()
    assert not hub._thread.is_alive()


def test_disk_use_counts_runs_and_home(hub, tmp_path):
    frame, totals = hub.measure_disk()
    sizes = dict(zip(frame["run_id"], frame["bytes"], strict=True))
    for run_id in ("seeds", "grown"):
        assert sizes[run_id] == sum(p.stat().st_size for p in (tmp_path / "runs" / run_id).rglob("*") if p.is_file())
    assert totals["runs"] == sum(sizes.values())
    assert totals["database"] > 0 and totals["free"] > 0
    (tmp_path / "runs" / "seeds" / "extra").write_bytes(b"x" * 1000)
    frame, _ = hub.measure_disk()
    assert dict(zip(frame["run_id"], frame["bytes"], strict=True))["seeds"] == sizes["seeds"] + 1000


def test_rebuild_names_the_runs_that_it_cannot_read(hub, tmp_path):
    hub.close()
    (tmp_path / "runs" / "grown" / "run.json").write_text('{"kind": "gen')
    counts, unread = rebuild(tmp_path)
    assert counts["candidates"] == 0
    assert list(unread) == ["grown"] and "is damaged" in unread["grown"]


def test_an_attempt_that_never_began_changes_nothing_of_the_one_before(hub, tmp_path):
    folder = RunFolder(tmp_path / "runs" / "grown")
    before = folder.read_state()
    assert before.state == "done"
    folder.order("again")
    assert folder.read_state().state == "queued"
    folder.order("cancel")
    assert folder.read_state() == before
    folder.order("again")
    assert folder.read_state().state == "queued"
