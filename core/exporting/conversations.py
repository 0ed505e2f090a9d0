"""Conversations of one question and one answer: chat messages, and ShareGPT."""

from core.exporting.base import FORMATS, ExportRow, Format, Record, require_right
from core.exporting.writing import write_lines


def make_messages(row: ExportRow) -> list[dict[str, str]]:
    """Return a user's turn with what is asked, and the assistant's with the answer."""
    return [{"role": "user", "content": row.prompt}, {"role": "assistant", "content": row.answer}]


def _make_chat(row: ExportRow) -> list[Record]:
    return [{"id": row.id, "messages": make_messages(require_right(row))}]


def _make_sharegpt(row: ExportRow) -> list[Record]:
    require_right(row)
    turns = [{"from": "human", "value": row.prompt}, {"from": "gpt", "value": row.answer}]
    return [{"id": row.id, "conversations": turns}]


FORMATS.register("chat")(
    Format(
        title="Chat JSONL",
        purpose="For finetuning chat models: TRL's SFTTrainer, the OpenAI-style finetuning services, most trainers. A "
        "line has messages of a user and an assistant; there is no system turn.",
        suffix=".jsonl",
        make=_make_chat,
        write=write_lines,
    )
)
FORMATS.register("sharegpt")(
    Format(
        title="ShareGPT",
        purpose="For trainers that read conversations with from and value: Axolotl, LLaMA-Factory, FastChat.",
        suffix=".jsonl",
        make=_make_sharegpt,
        write=write_lines,
    )
)
