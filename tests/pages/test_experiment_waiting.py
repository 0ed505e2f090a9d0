"""A run that waits for a person is found: from the overview, the strip, the page Review and the experiment's Watch."""

import pytest

from core.datasets import ensure_seed_set
from core.recipes.experiment import describe_replicate, open_experiment
from core.runs.folder import RunFolder
from pages.components.standing import read_standing
from tests.pages import home
from tests.pages.conftest import open_home
from tests.pages.test_experiments import ARMS, N, add_arm
from tests.pages.test_pages import button, texts

ARM = "loss_high"


def wait(run):
    """Let a run wait for a person, its candidates having passed the filters."""
    with run.hold():
        run.finish("done", {"waits_after_round": 1, "stopped": "It waits for you to review what round 1 brought."})


@pytest.fixture
def waiting(tmp_path):
    """A home in which one arm of one replicate waits, another one was not begun; yields hub, experiment and run."""
    from core import hub as hubs

    home.add_seed_set(tmp_path)
    arms = [{"name": arm, "recipe": "active", "settings": {"selector": arm}} for arm in [*ARMS, "badge"]]
    about = {"seed_set": home.SEED_SET, "seed_set_name": "pens", "student": "tiny", "replicates": [0]}
    folder = open_experiment(tmp_path, "With a person", {**about, "arms": arms})
    title, config = describe_replicate(folder, 0)
    replicate = RunFolder.create(tmp_path, "replicate", title=title, config=config, lane="device")
    with replicate.hold():
        for arm in ARMS:
            add_arm(tmp_path, config, arm, 0)
        replicate.finish("done", {"n_arms": 3, "failed": {}})
    found = [RunFolder(path) for path in sorted((tmp_path / "runs").glob("*-loop-*"))]
    (run,) = [each for each in found if each.config["arm"] == ARM]
    wait(run)
    yield open_home(tmp_path), folder.run_id, run.run_id
    hubs.close()


def read(app):
    assert not app.exception
    return texts(app).replace("\\", "").replace("\u00a0", " ")


def list_links(app):
    """Return label -> page and query of every link."""
    return {link.proto.label.replace("\\", "").replace("\u00a0", " "): link.proto for link in app.get("page_link")}


def list_bars(app):
    """Return the progress bars, their spaces plain."""
    bars = [item.proto for item in app.get("progress")]
    for bar in bars:
        bar.text = bar.text.replace("\u00a0", " ")
    return bars


def test_the_overview_and_the_strip_say_it_as_the_next_step(waiting, visit):
    hub, _, run = waiting
    standing = read_standing(hub.store)
    review = next(step for step in standing.steps if step.name == "review")
    assert standing.next_step == "review" and review.query["run"] == run
    assert review.count.replace("\u00a0", " ") == f"{2 * N} waiting"
    said = read(visit("overview"))
    assert f"Review round 1 of “loss_high”, replicate 0: {2 * N} candidates unread" in said


def test_where_all_is_read_the_next_step_is_to_go_on(waiting, visit):
    hub, _, run = waiting
    for number in range(2 * N):
        hub.add_review(run, f"c{number}", "accept")
    assert "Round 1 of “loss_high”, replicate 0 is reviewed: go on with round 2." in read(visit("overview"))
    app = visit("review", run=run)
    assert button(app, "pass_review").label == "Go on with round 2"


def test_review_opens_what_waits_and_leads_back(waiting, visit):
    hub, experiment, run = waiting
    app = visit("review")
    assert app.selectbox(key="review_run").value == run
    assert "waits for you" in app.selectbox(key="review_run").options[0]
    assert "There is nothing to review" not in read(app)
    back = next(link for label, link in list_links(app).items() if label.startswith("Back to its experiment"))
    assert experiment in back.query_string and "show=watch" in back.query_string
    assert button(app, "pass_review").label.replace("\u00a0", " ") == f"Go on with round 2, {2 * N} unread"
    button(app, "pass_review").click().run()
    assert not app.exception
    hub.step()
    assert hub.store.read_run(run)["state"] == "queued" and hub.store.list_paused_runs().empty


def test_a_run_of_another_seed_set_that_waits_is_named_too(waiting, visit):
    from core import hub as hubs

    hub, _, run = waiting
    place = hub.settings.home
    hubs.close()
    other = ensure_seed_set(place, "game24")
    open_home(place)
    app = visit("review", seeds=other)
    links = list_links(app)
    (label,) = [label for label in links if label.startswith("Review round 1 of “loss_high”, replicate 0")]
    assert label.endswith(f"{2 * N} unread") and run in links[label].query_string


def test_watch_says_that_an_arm_and_its_replicate_wait_and_what_has_not_begun(waiting, visit):
    _, experiment, run = waiting
    app = visit("experiments", experiment=experiment, show="watch")
    said = read(app)
    assert f"{len(ARMS) - 1} of 3 runs done · 1 waits for you · 1 left" in [bar.text for bar in list_bars(app)]
    badges = [item.value for item in app.markdown if "waits for you" in item.value]
    assert len(badges) == 2 and "badge: not begun" in said
    assert button(app, f"pass_{run}").label.replace("\u00a0", " ") == f"Go on with round 2, {2 * N} unread"
    assert "Review round 1" in list_links(app)


def test_who_comes_back_is_where_the_page_was_left(waiting, visit):
    _, experiment, _ = waiting
    app = visit("experiments", experiment=experiment, show="watch")
    for name in ("experiment", "show"):  # as the side bar does
        del app.query_params[name]
    app.switch_page("overview_page.py").run()
    app.switch_page("experiments_page.py").run()
    assert "**Replicate 0**" in read(app) and "".join(app.query_params["experiment"]) == experiment


def test_the_list_of_runs_says_that_it_waits_and_its_command_still_goes_on(waiting, visit):
    hub, _, run = waiting
    app = visit("runs", run=run)
    told = read(app)
    assert "waits for you" in told and any("--again" in code.value for code in app.code)
    table = app.dataframe[0].value.set_index("run_id")["state"]
    assert table[run] == "waits for you" and (table.drop(run) == "done").any()
    assert hub.store.read_run(run)["state"] == "done"
