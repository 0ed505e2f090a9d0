"""Answers prompts with bespokelabs-curator; run by an interpreter that has it, see teacher_throughput.py.

python curator_driver.py URL PROMPTS.jsonl WIDTH FOLDER      prints {"seconds": ..., "n_texts": ..., "version": ...}
"""

import json
import os
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

url, prompts, width, folder = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
os.environ |= {"OPENAI_API_KEY": "none", "TELEMETRY_ENABLED": "false", "CURATOR_CACHE_DIR": folder}
# it counts tokens by a table that it would fetch from the network, which litellm, one of its requirements, holds
tables = Path(find_spec("litellm").origin).parent / "litellm_core_utils" / "tokenizers"
os.environ["TIKTOKEN_CACHE_DIR"] = str(tables)
os.environ |= {"CURATOR_DISABLE_RICH_DISPLAY": "1", "HF_DATASETS_CACHE": f"{folder}/datasets"}

from bespokelabs import curator  # noqa: E402  (it reads the environment when it is imported)
from datasets import Dataset  # noqa: E402


class Writer(curator.LLM):
    """Asks each prompt as it is."""

    def prompt(self, row: dict) -> str:
        """Return the prompt of a row."""
        return row["prompt"]

    def parse(self, row: dict, response: str) -> dict:
        """Return the row with its text."""
        return {"prompt": row["prompt"], "text": response}


def main() -> None:
    """Ask everything once and print how long it took."""
    rows = [json.loads(line) for line in prompts.read_text(encoding="utf-8").splitlines()]
    writer = Writer(
        model_name="model",
        backend="openai",
        generation_params={"temperature": 0.7, "max_tokens": 256},
        backend_params={
            "base_url": url,
            "max_concurrent_requests": width,
            "max_requests_per_minute": 10**7,
            "max_tokens_per_minute": 10**10,
            "require_all_responses": False,
        },
    )
    dataset = Dataset.from_list(rows)
    started, cpu = time.perf_counter(), time.process_time()
    found = writer(dataset)
    texts = found.dataset["text"]
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    n_texts = sum(bool(text) for text in texts)
    said = {"seconds": seconds, "cpu": cpu, "n_texts": n_texts, "version": version("bespokelabs-curator")}
    print("\n" + json.dumps(said), flush=True)


main()
