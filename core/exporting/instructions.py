"""An instruction and what is to be said to it, as plain texts: prompt and completion, and Alpaca."""

from core.exporting.base import FORMATS, ExportRow, Format, Record, require_right
from core.exporting.writing import write_lines


def _make_completion(row: ExportRow) -> list[Record]:
    require_right(row)
    return [{"id": row.id, "prompt": row.prompt, "completion": row.gap + row.answer}]


def _make_alpaca(row: ExportRow) -> list[Record]:
    require_right(row)
    return [{"id": row.id, "instruction": row.prompt, "input": "", "output": row.answer}]


FORMATS.register("prompt_completion")(
    Format(
        title="Prompt and completion",
        purpose="For base models: TRL's SFTTrainer puts the two plain texts behind one another and learns from the "
        "completion alone. It begins with the blank or line end that parts them.",
        suffix=".jsonl",
        make=_make_completion,
        write=write_lines,
    )
)
FORMATS.register("alpaca")(
    Format(
        title="Alpaca",
        purpose="For trainers that read instruction, input and output: Axolotl, LLaMA-Factory, torchtune. The input is "
        "empty, since a question stands whole in the instruction.",
        suffix=".jsonl",
        make=_make_alpaca,
        write=write_lines,
    )
)
