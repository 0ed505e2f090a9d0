"""A tiny random Llama with its own tokenizer, made in a second: no download, no shipped file."""

from pathlib import Path

from core.records import Problem

TEXTS = [
    "Tom has 3 apples and buys 12 more. How many apples does he have? He has 3 + 12 = 15 apples. #### 15",
    "A box holds 24 pens; 7 boxes are full. 24 * 7 = 168 pens are in them. #### 168",
]


STOP_IDS = [0, *range(70, 110, 2)]
"""A random model seldom says the end of text by itself, so some common tokens end its answers too."""


def save_random_student(
    folder: Path, *, seed: int = 0, context: int = 256, hidden: int = 32, kv_heads: int = 2
) -> Path:
    """Save a random model of some 20,000 parameters whose greedy answers end at different lengths."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=300, special_tokens=["<|end|>", "<|pad|>"], initial_alphabet=alphabet, show_progress=False
        ),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|end|>", pad_token="<|pad|>")
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=kv_heads, max_position_embeddings=context, initializer_range=0.6,
        tie_word_embeddings=False, eos_token_id=0, bos_token_id=None, pad_token_id=1,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    model.generation_config.eos_token_id = STOP_IDS
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class EchoTask:
    """A task whose final answer is the last word, right if it is the reference's."""

    name = "echo"
    title = "Echo"
    max_new_tokens = 40

    def student_prompt(self, question: str) -> str:
        return f"{question}\n"

    def extract_final(self, answer: str) -> str | None:
        return answer.split()[-1] if answer.split() else None

    def is_correct(self, final: str | None, problem: Problem) -> bool | None:
        return None if problem.final is None else final == problem.final

    def find_wrong_step(self, question: str, answer: str) -> str | None:
        return "A step holds the word wrong." if "wrong" in answer else None


def make_problem(question: str, final: str | None = "15") -> Problem:
    return Problem(f"p{abs(hash(question)) % 10**8}", question, None, final)
