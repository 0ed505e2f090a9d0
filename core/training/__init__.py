"""Training: configuration and presets, LoRA supervised finetuning, and the record of how it goes.

Nothing in here imports torch before it is needed.
"""
