"""How a prompt and an answer become the tokens that a student reads and is trained on: one place for both sides.

With a chat template the prompt is a user message and the answer is the assistant's turn; without one the prompt is
the raw text and the answer follows after one space. It knows nothing of models, tasks or files.
"""

from collections.abc import Mapping, Sequence
from typing import Any

RENDERING_VERSION = 1
"""Part of every prediction's cache key; raise it when the same prompt becomes different tokens."""


def has_chat_template(tokenizer: Any) -> bool:
    """Say whether the tokenizer brings a chat template."""
    return bool(getattr(tokenizer, "chat_template", None))


def encode_prompts(tokenizer: Any, prompts: Sequence[str]) -> list[list[int]]:
    """Return the token ids up to where the answer begins, one list per prompt, unpadded and never truncated."""
    if not prompts:
        return []
    if has_chat_template(tokenizer):
        texts = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )
            for prompt in prompts
        ]
        return tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]  # the template has written them
    rows = tokenizer(list(prompts), verbose=False)["input_ids"]
    end = tokenizer.eos_token_id
    return [row[:-1] if len(row) > 1 and row[-1] == end else row for row in rows]  # some tokenizers close every text


def encode_chats(tokenizer: Any, chats: Sequence[Sequence[Mapping[str, str]]]) -> list[list[int]]:
    """Return the token ids up to where the answer to each chat begins; a single user message is a prompt as above.

    Without a chat template the messages follow one another, a blank line between them.

    Args:
        tokenizer: of the student.
        chats: messages with ``role`` and ``content``, the last one a user's.
    """
    if not has_chat_template(tokenizer):
        return encode_prompts(tokenizer, ["\n\n".join(message["content"] for message in chat) for chat in chats])
    texts = [
        tokenizer.apply_chat_template([dict(each) for each in chat], tokenize=False, add_generation_prompt=True)
        for chat in chats
    ]
    return tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"] if texts else []


def encode_completions(tokenizer: Any, answers: Sequence[str]) -> list[list[int]]:
    """Return the token ids of the answers, end-of-text token included, as they follow the encoded prompts.

    Prompt and answer are encoded apart, as they are when the student answers by itself.
    """
    if not answers:
        return []
    lead = "" if has_chat_template(tokenizer) else " "
    texts = [lead + answer.strip() for answer in answers]
    rows = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return [[*row, tokenizer.eos_token_id] for row in rows]


def encode_beginnings(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of the beginnings of answers, as they follow the encoded prompts: no end-of-text token.

    White space at their end stays: a line that ends says that another step may follow.
    """
    if not texts:
        return []
    lead = "" if has_chat_template(tokenizer) else " "
    return tokenizer([lead + text.lstrip() for text in texts], add_special_tokens=False, verbose=False)["input_ids"]
