"""The ProntoQA task: rows, prompts, replies, labels and faults."""

import numpy as np
import pytest

from core.tasks.base import NewQuestion, ReplyError
from core.tasks.prontoqa import Prontoqa, list_steps

TASK = Prontoqa()
CONTEXT = "Each dax is a wug. Wugs are not red. Every fep is red. Ida is a dax."
ASK = "Is the following statement true or false?"
QUESTION = f"{CONTEXT}\n{ASK} Ida is red."
STEPS = ["Ida is a dax.", "Each dax is a wug.", "Ida is a wug.", "Wugs are not red.", "Ida is not red."]
WORKED = "\n".join([*STEPS, "Answer: False"])


def make(question=QUESTION, answer=WORKED, final="False", split="train", **meta):
    return TASK.make_problem(question, answer, final, meta, split)


def test_row_is_normalised():
    plain = make(f"{CONTEXT}  {ASK}   Ida is red", "\n".join(STEPS), "false")
    assert plain == make()
    assert plain.answer == WORKED
    assert plain.meta["steps"] == STEPS
    assert (plain.meta["context"], plain.meta["statement"], plain.meta["n_steps"]) == (CONTEXT, "Ida is red.", 2)


def test_context_column_is_put_before_a_bare_question():
    assert make(f"{ASK} Ida is red.", context=CONTEXT).question == QUESTION


def test_steps_column_serves_as_answer():
    assert make(answer=None, steps=STEPS).answer == WORKED


def test_bare_label_has_no_steps():
    assert make(answer="False").answer == "Answer: False"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": CONTEXT}, "does not ask"),
        ({"question": f"{ASK} Ida is red."}, "no context"),
        ({"question": f"{CONTEXT} {ASK}"}, "no statement"),
        ({"final": "maybe"}, "neither True nor False"),
        ({"final": None, "answer": None}, "neither True nor False"),
        ({"final": "True"}, "but the label is True"),
    ],
)
def test_bad_rows_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        make(**change)


def test_ids_are_stable_and_tell_problems_apart():
    assert make().problem_id == make(split="test").problem_id
    assert make().problem_id != make(f"{CONTEXT}\n{ASK} Ida is not red.", None, "True").problem_id


def test_statements_about_one_context_share_a_split():
    other = make(f"{CONTEXT}\n{ASK} Ida is not red.", None, "True")
    assert TASK.split_key(other) == TASK.split_key(make())


def test_student_prompt_holds_the_question():
    assert TASK.student_prompt(QUESTION) == f"Context: {QUESTION} Let's think step by step. Response:"
    assert TASK.answer_prompt(NewQuestion(QUESTION)) == TASK.student_prompt(QUESTION)


def test_examples_come_from_other_train_contexts():
    seed = make()
    pool = [seed, make(f"{CONTEXT}\n{ASK} Ida is a wug.", None, "True")]
    pool += [make(f"Each k{i} is red. Ida is a k{i}.\n{ASK} Ida is red.", None, "True") for i in range(6)]
    pool += [make(f"Each t{i} is red. Ida is a t{i}.\n{ASK} Ida is red.", None, "True", "test") for i in range(6)]
    chosen = TASK.pick_examples(pool, seed, 5, np.random.default_rng(0))
    assert len({problem.problem_id for problem in chosen}) == 5
    assert all(problem in pool[2:8] for problem in chosen)
    assert chosen == TASK.pick_examples(pool, seed, 5, np.random.default_rng(0))
    prompt = TASK.question_prompt(seed, chosen)
    assert prompt.count("Context: ") == 6 and f"Context: {CONTEXT} Question: {ASK} Ida is red." in prompt
    assert "{" not in prompt


@pytest.mark.parametrize(
    "reply",
    [
        f"Context: {CONTEXT} Question: {ASK} Ida is red.",
        f"#Rewritten Instruction#:\n**Context:** {CONTEXT}\n\n**Question:** {ASK} Ida is red",
        f"Here it is.\nContext: {CONTEXT}\nQuestion: True or false: Ida is red.",
        QUESTION,
    ],
)
def test_replies_are_read(reply):
    new = TASK.read_question(reply)
    assert new.question == QUESTION
    assert new.meta == {"context": CONTEXT, "statement": "Ida is red."}


@pytest.mark.parametrize("reply", ["", CONTEXT, f"Question: {ASK} Ida is red.", f"Given instruction. {QUESTION}"])
def test_replies_without_a_question_are_refused(reply):
    with pytest.raises(ReplyError):
        TASK.read_question(reply)


@pytest.mark.parametrize(
    ("answer", "final"),
    [
        (WORKED, "False"),
        ("Answer: True\nno, wait\nAnswer: false.", "False"),
        ("**Answer:** True", "True"),
        ("Ida is a wug, so the statement is true.", "True"),
        ("The statement is not true.", "False"),
        ("We must say whether it is true or false.", None),
        ("Ida is a dax.", None),
        ("", None),
    ],
)
def test_final_label(answer, final):
    assert TASK.extract_final(answer) == final


def test_answer_reply_becomes_a_training_target():
    reply = (
        "1. Ida is a dax. 2. Each dax is a wug.\n3. So, Ida is a wug.\n- Wugs are not red.\nThus Ida is not red.\nFalse"
    )
    assert TASK.read_answer("\n".join(STEPS) + "\nAnswer: False") == WORKED
    assert list_steps(reply)[:5] == STEPS
    assert TASK.extract_final(TASK.read_answer(reply)) == "False"
    with pytest.raises(ReplyError):
        TASK.read_answer("I cannot say.")


def test_correctness():
    assert TASK.is_correct("False", make()) is True
    assert TASK.is_correct("True", make()) is False
    assert TASK.is_correct(None, make()) is False


@pytest.mark.parametrize(
    ("question", "answer", "fault"),
    [
        (QUESTION, WORKED, None),
        (QUESTION, "Answer: False", None),
        (QUESTION, WORKED.replace("False", "True"), "False follows"),
        (QUESTION, WORKED.replace("Each dax is a wug.", "Each dax is a fep."), "no rule"),
        (QUESTION, WORKED.replace("Ida is a wug.\n", ""), "does not follow"),  # two rules at once are not a step
        (QUESTION, WORKED.replace("\nIda is not red.", ""), "does not reach"),
        (QUESTION.replace("Ida is red", "Ida is blue"), "Answer: True", "does not decide"),
        (QUESTION.replace("Every fep is red.", "Feps sing loudly."), WORKED, "neither a fact nor a rule"),
        (QUESTION.replace("Ida is red", "Each dax is red"), WORKED, "not a fact about one individual"),
    ],
)
def test_faults(question, answer, fault):
    found = TASK.find_fault(question, answer, {})
    assert found is None if fault is None else fault in found
