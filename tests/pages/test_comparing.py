"""The comparison of selectors in Streamlit's own test harness, on a pool with types, levels and unknown scores."""

from streamlit.testing.v1 import AppTest

from core.errors import SelectionError
from pages.components import comparing


def draw(
    signals=("loss", "correct", "reward"),
    selector="loss_high",
    pick="argmax",
    k=30,
    replicate=0,
    meta=True,
    is_shown=True,
):
    """The whole script: AppTest runs its source alone."""
    import json

    import numpy as np
    import pandas as pd

    from core.selection import Pool
    from pages.components.comparing import draw_comparison

    rng, n = np.random.default_rng(0), 200
    steps = rng.integers(1, 6, n)
    is_wrong = rng.random(n) < 0.15 * steps
    tokens = 10.0 * steps + rng.integers(0, 5, n)
    loss = 0.2 * steps + rng.gamma(2.0, 0.1, n)
    reward = np.where(rng.random(n) < 0.2, np.nan, -0.05 * tokens + rng.normal(0, 0.3, n))
    values = {"loss": loss, "correct": 1.0 - is_wrong, "reward": reward, "judge": np.full(n, np.nan)}
    about = [{"type": ["<i>a</i>", "$b$", ":red[c]"][i % 3], "level": f"Level {s}"} for i, s in enumerate(steps)]
    ids = np.array([f"p{i:03d}" for i in range(n)])
    frame = pd.DataFrame(
        {
            "problem_id": ids,
            "question": ["why " * int(5 + s) for s in steps],
            "answer": "because",
            "meta": [json.dumps(row) if meta else "{}" for row in about],
            "is_correct": ~is_wrong,
            "is_truncated": False,
            "loss": loss,
            "n_tokens": tokens,
        }
    )
    pool = Pool(ids, {name: values[name] for name in signals})
    if is_shown:
        draw_comparison(pool, frame, k=k, replicate=replicate, selector=selector, pick=pick, key="test")


def visit(**more) -> AppTest:
    app = AppTest.from_function(draw, default_timeout=30, kwargs=more).run()
    assert not app.exception and not app.error
    return app


def table(app, first: str):
    """The table whose first column is called so."""
    return next(frame.value for frame in app.dataframe if frame.value.columns[0] == first)


def favoured(app):
    return table(app, "mean of").set_index("mean of")


def number(cell: str) -> float:
    return float(cell.replace("−", "-").rstrip(" \u2007↑↓%×\u00a0"))


def test_random_is_always_there_and_cannot_be_taken_away():
    app = visit()
    choices = app.multiselect(key="compare_choices")
    assert "random" not in choices.options and choices.value == ["loss_high", "reward_low"]
    assert list(favoured(app).columns) == ["all", "random", "loss_high", "reward_low"]
    choices.set_value([]).run()
    assert list(favoured(app).columns) == ["all", "random"]
    assert "Take at least one selector" in app.info[0].value and not app.exception


def test_other_choices_change_every_table():
    app = visit()
    app.multiselect(key="compare_choices").set_value(["incorrect", "evokd", "loss_low"]).run()
    assert not app.exception
    rows = favoured(app)
    assert list(rows.columns) == ["all", "random", "incorrect", "evokd", "loss_low"]
    assert rows.loc["answered wrongly", "incorrect"].startswith("100.0")
    assert number(rows.loc["answered wrongly", "evokd"]) == 50.0
    assert number(rows.loc["loss, nats per token", "loss_low"]) < number(rows.loc["loss, nats per token", "all"])
    assert rows.loc["loss, nats per token", "loss_low"].endswith("↓")
    pairs = table(app, "two choices")
    assert len(pairs) == 6 and "incorrect and evokd" in set(pairs["two choices"])
    assert list(table(app, "type").columns) == ["type", "all", "random", "incorrect", "evokd", "loss_low"]


def test_argmax_beside_softmax_takes_both_ends_of_the_score_shown():
    app = visit()
    assert app.selectbox(key="compare_signal").value == "loss"
    app.button(key="compare_picks").click().run()
    quartet = ["loss_high", "loss_high · softmax", "loss_low", "loss_low · softmax"]
    assert app.multiselect(key="compare_choices").value == quartet
    rows = favoured(app)
    high, high_drawn, low, low_drawn = (number(rows.loc["loss, nats per token", label]) for label in quartet)
    assert high > high_drawn > low and high > low_drawn > low  # argmax at the ends, softmax near chance

    app.selectbox(key="compare_signal").set_value("reward").run()
    app.button(key="compare_picks").click().run()
    assert app.multiselect(key="compare_choices").value == [
        "reward_high", "reward_high · softmax", "reward_low", "reward_low · softmax",
    ]  # fmt: skip
    assert "reward of the student's own answer" in "".join(part.value for part in app.subheader)


def test_a_score_that_nothing_ranks_by_has_no_picks_to_compare():
    app = visit()
    app.selectbox(key="compare_signal").set_value("correct").run()
    assert app.button(key="compare_picks").disabled and not app.exception


def test_choices_draw_lots_of_their_own():
    """With the same lots, softmax would take nearly what random takes, and incorrect what random leaves."""
    app = visit()
    app.multiselect(key="compare_choices").set_value(["loss_high · softmax", "loss_low · softmax", "incorrect"]).run()
    pairs = table(app, "two choices").set_index("two choices")["in common"]
    shared = [number(pairs[f"{label} and random"]) for label in ("loss_high · softmax", "loss_low · softmax")]
    assert all(shared_ < 15 for shared_ in shared) and number(pairs["loss_high · softmax and loss_low · softmax"]) < 15
    assert number(pairs["incorrect and random"]) > 0


def test_the_page_s_own_choice_comes_first_and_is_followed():
    assert (
        visit(selector="loss_low", pick="softmax").multiselect(key="compare_choices").value[0] == "loss_low · softmax"
    )
    app = visit()
    app.multiselect(key="compare_choices").set_value(["loss_high", "evokd"]).run()
    for selector, signal, taken in [
        ("reward_low", "reward", ["reward_low", "evokd"]),
        ("incorrect", "correct", ["incorrect", "evokd"]),
        ("random", "correct", ["evokd"]),
        ("badge", "correct", ["evokd"]),  # the pool has no gradients
    ]:
        app.kwargs = {"selector": selector}
        app.run()
        assert not app.exception and not app.error
        assert app.multiselect(key="compare_choices").value == taken
        assert app.selectbox(key="compare_signal").value == signal


def test_what_was_taken_survives_scores_that_go_and_come():
    app = visit()
    app.multiselect(key="compare_choices").set_value(["loss_high", "reward_low", "evokd"]).run()
    app.kwargs = {"signals": ("loss", "correct")}
    app.run()
    assert not app.exception
    assert app.multiselect(key="compare_choices").value == ["loss_high", "evokd"]
    assert not any("reward" in option for option in app.multiselect(key="compare_choices").options)


def test_what_was_taken_survives_another_view_of_the_page():
    app = visit()
    app.multiselect(key="compare_choices").set_value(["evokd"]).run()
    app.selectbox(key="compare_signal").set_value("reward").run()
    for is_shown in (False, True):
        app.kwargs = {"is_shown": is_shown}
        app.run()
    assert app.multiselect(key="compare_choices").value == ["evokd"]
    assert app.selectbox(key="compare_signal").value == "reward"


def test_only_what_the_pool_can_give_is_offered_and_an_unknown_signal_is_not_shown():
    app = visit(signals=("loss", "judge"))
    options = app.multiselect(key="compare_choices").options
    assert "lion" in options and not {"incorrect", "reward_low", "badge", "lion · softmax"} & set(options)
    assert app.selectbox(key="compare_signal").options == ["Loss of the student's own answer"]


def test_the_page_s_own_choice_is_exact_and_nothing_is_chosen_twice(monkeypatch):
    asked, choose_seeds = [], comparing.choose_seeds

    def call(pool, selector, *more, **named):
        asked.append(selector)
        return choose_seeds(pool, selector, *more, **named)

    monkeypatch.setattr(comparing, "choose_seeds", call)
    app = visit(selector="incorrect")
    assert sorted(asked) == ["incorrect", "loss_high", "random", "reward_low"]
    app.selectbox(key="compare_signal").set_value("loss").run()
    assert len(asked) == 4
    app.kwargs = {"selector": "incorrect", "k": 20}
    app.run()
    assert len(asked) == 8
    app.kwargs = {"selector": "incorrect", "k": 20, "replicate": 1}
    app.run()
    assert len(asked) == 12


def test_nothing_scored_is_said_in_one_sentence():
    for signals in [(), ("judge",)]:
        app = visit(signals=signals)
        assert not app.multiselect and not app.dataframe
        assert "nothing to compare" in app.markdown[0].value


def test_kinds_follow_what_the_problems_say_of_themselves():
    app = visit()
    assert list(table(app, "type")["type"]) == ["$b$", "<i>a</i>", ":red[c]"]
    app.segmented_control(key="compare_kind").set_value("level").run()
    levels = table(app, "level")
    assert list(levels["level"]) == ["1", "2", "3", "4", "5"]
    assert number(levels["loss_high"].iloc[-1]) > 1.5 and levels["loss_high"].iloc[-1].endswith("↑")
    assert number(levels["loss_high"].iloc[0]) == 0.0 and levels["loss_high"].iloc[0].endswith("↓")
    app = visit(meta=False)
    assert not app.segmented_control and "name no type" in " ".join(part.value for part in app.caption)


def test_texts_of_files_stay_out_of_markdown():
    app = visit()
    written = [*app.markdown, *app.caption, *app.subheader, *app.info]
    assert not any(text in part.value for part in written for text in ("<i>", "$b$", ":red["))


def test_scores_that_follow_length_are_told():
    rows = table(visit(), "score").set_index("score")
    assert (
        rows.loc["reward", "rank correlation"].endswith("↓") and number(rows.loc["reward", "rank correlation"]) < -0.5
    )
    assert rows.loc["reward", "answers"] < rows.loc["loss", "answers"] == "200"


def test_random_rows_that_filled_up_are_counted():
    app = visit(signals=("loss", "correct", "reward"), k=190)
    rows = favoured(app)
    assert number(rows.loc["filled up at random, seeds", "reward_low"]) > 20
    assert number(rows.loc["filled up at random, seeds", "loss_high"]) == 0


def test_a_selector_that_fails_is_left_out_with_its_sentence(monkeypatch):
    def refuse(pool, selector, *more, **named):
        if selector == "reward_low":
            raise SelectionError("It cannot be had; take another.")
        return choose(pool, selector, *more, **named)

    choose = comparing.choose_seeds
    monkeypatch.setattr(comparing, "choose_seeds", refuse)
    app = AppTest.from_function(draw, default_timeout=30).run()
    assert not app.exception and "take another" in app.error[0].value
    assert list(favoured(app).columns) == ["all", "random", "loss_high"]


def test_every_figure_is_drawn_with_one_panel_a_choice(monkeypatch):
    drawn = {}
    monkeypatch.setattr(comparing, "draw_chart", lambda figure, key: drawn.update({key: figure}))
    visit().button(key="compare_picks").click().run()
    assert set(drawn) == {"compare_overlap", "compare_kinds", *(f"compare_scores_{place}" for place in range(5))}
    titles = [drawn[f"compare_scores_{place}"]["layout"]["title"]["text"] for place in range(5)]
    assert titles == ["loss_high", "loss_high · softmax", "loss_low", "loss_low · softmax", "random"]
