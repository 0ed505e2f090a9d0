"""Right answers beside wrong ones: pairs for DPO, single ones with a label for KTO."""

from core.exporting.base import (
    FORMATS,
    NO_WRONG_ANSWER,
    NOT_ACCEPTED,
    ExportRow,
    Format,
    Record,
    require_right,
)
from core.exporting.writing import write_lines


def _make_pairs(row: ExportRow) -> list[Record]:
    """Return a pair for every answer that the candidate's own is better than."""
    if require_right(row).is_right is None:
        raise ValueError(NOT_ACCEPTED)
    if not row.wrong:
        raise ValueError(NO_WRONG_ANSWER)
    own = {"id": row.id, "prompt": row.prompt, "chosen": row.gap + row.answer}
    return [{**own, "rejected": row.gap + each.text, "source": each.source} for each in row.wrong]


def _make_labelled(row: ExportRow) -> list[Record]:
    """Return the candidate's answer with its label, and the wrong answers to it; not those that are only worse."""
    if row.is_right is None:
        raise ValueError(NOT_ACCEPTED)
    own = {"id": row.id, "prompt": row.prompt}
    wrong = [each for each in row.wrong if each.is_wrong] if row.is_right else []
    return [
        {**own, "completion": row.gap + row.answer, "label": row.is_right, "source": "candidate"},
        *({**own, "completion": row.gap + each.text, "label": False, "source": each.source} for each in wrong),
    ]


FORMATS.register("dpo")(
    Format(
        title="Preference pairs (DPO)",
        purpose="For TRL's DPOTrainer and others that learn from pairs: prompt, chosen, rejected as plain texts. What "
        "is rejected is a student's wrong answer, what an edit replaced, or another candidate's wrong answer to the "
        "same question; source says which.",
        suffix=".jsonl",
        make=_make_pairs,
        write=write_lines,
        reads_wrong=True,
    )
)
FORMATS.register("kto")(
    Format(
        title="Unpaired preferences (KTO)",
        purpose="For TRL's KTOTrainer: prompt, completion and a label, true for the answers taken out and false for "
        "those that are known to be wrong, also of candidates that were rejected for a wrong answer.",
        suffix=".jsonl",
        make=_make_labelled,
        write=write_lines,
        reads_wrong=True,
        adds_rejected=True,
    )
)
