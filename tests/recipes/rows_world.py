"""A home whose runs bring one of every kind of training row: candidates, wrong ones, answers, own draws, rows."""

from pathlib import Path

from core.records import Review
from core.runs.folder import RunFolder
from core.runs.whole_files import write_json
from core.store.journal import Journal
from core.training.data import TrainingRow, to_frame
from tests.runs.world import make_candidates, make_seed_set

DRAWN = [
    ("p0", 0, "so 0\n#### 0", "0", True, False, "It is right."),
    ("p0", 1, "so  0\n#### 0", "0", True, False, "It was drawn before."),
    ("p0", 2, "so 9\n#### 9", "9", False, False, "It is wrong."),
    ("p1", 0, "so ?", None, None, False, "It could not be judged."),
    ("p1", 1, "so 1 and then so", None, False, False, "The token limit cut it off."),
    ("p2", 0, "one step\nso 7\n#### 7", "7", False, True, None),
]
"""problem, sample, text, final, is_correct, is_kept, reason of what the run ``tuned`` drew."""


def make_run(home: Path, run_id: str, kind: str, config: dict, records: dict, rows: list[TrainingRow] | None = None):
    """Make a run of the seed set ``seeds`` that is done."""
    config = {"seed_set": "seeds", "task": "word_problems", **config}
    inputs = {} if rows is None else {"rows": to_frame(rows)}
    folder = RunFolder.create(home, kind, title=run_id, config=config, lane="light", run_id=run_id, inputs=inputs)
    with folder.hold():
        for table, lines in records.items():
            for line in lines:
                folder.append(table, line)
        folder.finish("done", {"n": 1})
    return folder


def make_texts(id_: str, seed: int, question: str, answer: str, final: str, **more) -> dict:
    """Return one candidate's record."""
    return {
        "candidate_id": id_, "round": 1, "position": int(id_[1:]), "parents": [f"p{seed}"], "question": question,
        "answer": answer, "final": final, "failure": None, "method": "rewrite", "teacher": "built-in", "meta": {},
        "written_at": 1.0, **more,
    }  # fmt: skip


def judge(id_: str, filter_: str, is_accepted: bool | None, reason: str | None) -> dict:
    return {"candidate_id": id_, "filter": filter_, "is_accepted": is_accepted, "reason": reason, "value": None}


def make_world(home: Path) -> Path:
    """Fill a home: 6 train seeds p0 to p5 and two test problems, and the runs grown, wrong, answered, tuned, chosen."""
    seeds = make_seed_set(home)
    about = {"task": "word_problems", "n_in": 9, "n_kept": 8, "n_rejected": 1, "split_rule": "As given."}
    write_json(seeds.path / "result.json", {**seeds.read_result(), **about})
    make_candidates(home)
    wrong = {"method": "incorrect", "meta": {"label": "incorrect"}}
    make_run(
        home, "wrong", "generate", {},
        {"candidates": [make_texts("w0", 3, "Question 3, 50% of it?", "so 8\n#### 8", "8", **wrong)],
         "verdicts": [judge("w0", "wrong", True, None)]},
    )  # fmt: skip
    answered = [
        make_texts(f"a{i}", i, f"Question {i}, 50% of it?", f"teacher {i}\n#### {i}", str(i), method="answer")
        for i in range(4)
    ]
    verdicts = [
        judge("a0", "reference", True, None),
        judge("a1", "reference", False, "The answer ends in “1”, and the reference is “7”."),
        judge("a2", "reference", None, "The seed has no reference answer to compare with."),
        judge("a3", "reference", None, "It cannot be decided."),
    ]
    make_run(home, "answered", "answers", {}, {"candidates": answered, "verdicts": verdicts})
    names = ("problem_id", "sample", "text", "final", "is_correct", "is_kept", "reason")
    drawn = [
        {"round": 1, "question": f"Question {row[0][1:]}, 50% of it?", **dict(zip(names, row, strict=True))}
        for row in DRAWN
    ]
    steps = [
        {"round": 1, "problem_id": "p2", "sample": 0, "step": step, "text": text, "value": value, "n_rollouts": 8,
         "n_right": int(8 * value), "is_pit": step == 2}
        for step, (text, value) in enumerate([("", 0.5), ("one step", 0.75), ("so 7", 0.0)])
    ]  # fmt: skip
    given = [TrainingRow("Q2?", "A2", "2", origin="candidate", origin_run_id="grown", origin_id="c2")]
    pair = {"round": 1, "position": 0, "row_id": "row_1", "origin": "own", "origin_run_id": "seeds", "origin_id": "p2",
            "question": "Question 2, 50% of it?", "answer": "Answer 2", "final": "2", "label": 1,
            "rejected": "one step\nso 7\n", "is_used": True, "reason": None}  # fmt: skip
    lost = {**pair, "position": 1, "origin": "candidate", "origin_run_id": "grown", "origin_id": "c3",
            "question": "Q3?", "rejected": None, "is_used": False,
            "reason": "None of 8 own answers was wrong."}  # fmt: skip
    policy = [
        {**pair, "origin": "seed", "rejected": None, "position": 0, "answer": "Answer 2\nfor the policy"},
        {**lost, "reason": "Its answer is empty."},
    ]
    make_run(
        home, "tuned", "finetune", {"objective": "per_step_dpo"},
        {"own_answers": drawn, "step_values": steps, "training_rows": [pair, lost], "policy_rows": policy}, given,
    )  # fmt: skip
    old = [{"round": 1, "position": i, "candidate_run_id": "grown", "candidate_id": f"c{i}"} for i in (2, 3, 99)]
    make_run(home, "old", "finetune", {"generate_runs": ["grown"]}, {"training_rows": old})
    chosen = {"round": 1, "seed_set_id": "seeds", "selector": "random", "k": 2, "replicate": 0, "n_pool": 6}
    picks = [{"round": 1, "rank": rank, "problem_id": id_} for rank, id_ in enumerate(("p4", "p1", "p0"))]
    make_run(home, "chosen", "select", {}, {"selections": [chosen], "selected": picks})
    journal = Journal(home)
    journal.add_reviews([Review("grown", "c3", "reject")])
    journal.add_reviews([Review("grown", "c4", "edit", question="Q4 edited?", answer="A4\n#### 4", final="4")])
    journal.add_reviews([Review("grown", "c5", "edit", question="Question 6, 50% of it?")])  # the test problem p6
    journal.add_reviews([Review("answered", "a3", "accept")])
    return home
