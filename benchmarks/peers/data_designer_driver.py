"""Answers prompts with NeMo Data Designer; run by an interpreter that has it, see teacher_throughput.py.

python data_designer_driver.py URL PROMPTS.jsonl WIDTH FOLDER   prints {"seconds": ..., "n_texts": ..., "version": ...}
"""

import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

url, prompts, width, folder = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
os.environ |= {"NEMO_TELEMETRY_ENABLED": "false", "BENCHMARK_KEY": "none", "DATA_DESIGNER_HOME": str(folder / "home")}

import data_designer.config as dd  # noqa: E402  (it reads the environment when it is imported)
from data_designer.interface import DataDesigner  # noqa: E402


def main() -> None:
    """Ask everything once and print how long it took."""
    n = len(prompts.read_text(encoding="utf-8").splitlines())
    provider = dd.ModelProvider(name="local", endpoint=url, api_key="BENCHMARK_KEY")
    sampling = dd.ChatCompletionInferenceParams(temperature=0.7, max_tokens=256, max_parallel_requests=width)
    model = dd.ModelConfig(
        alias="teacher", model="model", provider="local", inference_parameters=sampling, skip_health_check=True
    )
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    builder.with_seed_dataset(dd.LocalFileSeedSource(path=str(prompts)), sampling_strategy=dd.SamplingStrategy.ORDERED)
    builder.add_column(dd.LLMTextColumnConfig(name="text", prompt="{{ prompt }}", model_alias="teacher"))
    designer = DataDesigner(artifact_path=folder / "artifacts", model_providers=[provider])
    designer.set_run_config(dd.RunConfig(buffer_size=n, otel_metrics_port=None))
    started, cpu = time.perf_counter(), time.process_time()
    texts = designer.create(builder, num_records=n).load_dataset()["text"]
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    said = {
        "seconds": seconds,
        "cpu": cpu,
        "n_texts": int((texts.str.len() > 0).sum()),
        "version": version("data-designer"),
    }
    print("\n" + json.dumps(said), flush=True)


main()
