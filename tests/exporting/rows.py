"""Candidates whose texts are all that a file format can stumble over."""

from core.exporting.base import ExportRow, WrongAnswer

NASTY = (
    ("What is 2 + 2?", "4\n#### 4", "4"),
    ('=HYPERLINK("http://evil.example";"x")', "+1+1|cmd", "-5"),
    ("Zażółć gęślą jaźń \u2028 — 数学 🧮, \"quoted\"; 'single'", "line one\r\nline two\r\rline three\ttab", "@final"),
    ("'=already guarded", "\tbegins with a tab", "''-twice"),
    ("Is this NA?", "nan", "null"),
    ('{"json": [1, 2]}\\n', "  blanks around  ", "1,000.5e3"),
    ("-3 is a number?", "-3", "007"),
    ("＝wide", "\nstarts with a line end", None),
)
"""Question, answer, final answer."""


def make_row(place: int, texts=("What is 2 + 2?", "4", "4"), **more) -> ExportRow:
    question, answer, final = texts
    about = {
        "run_id": "run", "status": "accepted", "rejected_by": None, "review": "accept", "reviewer": "Ada",
        "review_reason": None, "is_edited": False, "method": "rewrite", "teacher": "built-in", "selector": None,
        "round": 1, "task": "word_problems", "type": None, "seed_set": "pens", "seed_question": "Seed?",
        "parents": [f"p{place // 2}"],
    }  # fmt: skip
    usual = {"prompt": question, "gap": "\n", "is_right": True, "about": about}
    return ExportRow(id=f"run/c{place}", question=question, answer=answer, final=final, **usual | more)


def make_rows(**more) -> list[ExportRow]:
    return [make_row(place, texts, **more) for place, texts in enumerate(NASTY)]


WRONG = (WrongAnswer("=7", "student", True), WrongAnswer("five,\n5", "edit", False))
