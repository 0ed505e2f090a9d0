"""LoRA adapters for tests, made without training: their second matrix is drawn, so that they change something."""

import json
from pathlib import Path


def save_lora(model_folder: Path, folder: Path, *, seed: int = 0, scale: float = 0.05, fingerprint: str | None = None):
    """Save an adapter on all linear layers of a model, with the note that a finetune leaves; returns its folder."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    adapted = get_peft_model(model, LoraConfig(r=4, lora_alpha=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=scale)
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    origin = {"source": str(model_folder), "base_fingerprint": fingerprint}
    if fingerprint is not None:
        (folder / "origin.json").write_text(json.dumps(origin))
    return folder
