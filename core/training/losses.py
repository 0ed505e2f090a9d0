"""Losses that know wrong answers, from the log-probabilities of answer tokens; torch in, torch out.

They know nothing of models or trainers, so that each can be checked by hand.
"""

from typing import Any


def signed_loss(log_probs: Any, signs: Any) -> Any:
    """Return ``-log sigmoid(label * log pi)`` of each answer (Zhang 2025, G.6.2).

    With the log-probability of a whole answer, as published, an improbable wrong answer has next to no gradient:
    log(1 + pi) is nearly pi. With the mean per token it has one.

    Args:
        log_probs: (n,) of each answer, summed or averaged over its tokens, at most 0.
        signs: (n,) 1 for an answer to be made likelier, -1 for one to be made unlikelier.
    """
    import torch

    return -torch.nn.functional.logsigmoid(signs * log_probs)


def unlikelihood_loss(token_log_probs: Any) -> Any:
    """Return ``-log(1 - p + 1e-8)`` of each token of wrong answers (Ni 2025, UFT).

    Args:
        token_log_probs: (t,) log-probability of each token.
    """
    import torch

    return -torch.log(-torch.expm1(token_log_probs) + 1e-8)


def token_log_probs(model: Any, input_ids: Any, attention_mask: Any, labels: Any, ignored: int) -> tuple[Any, Any]:
    """Return the log-probability of each answer token and the row that it belongs to; no prompts, no padding.

    Only the positions that foretell an answer token go through the output head.

    Args:
        model: a causal language model, with or without adapter.
        input_ids: (rows, columns).
        attention_mask: (rows, columns), 0 for padding.
        labels: (rows, columns), ``ignored`` where there is no loss.
        ignored: label of such a token.

    Returns:
        (t,) float32 and (t,) int64, row by row.
    """
    import torch

    targets = labels[:, 1:]
    is_scored = targets != ignored
    logits = scored_logits(model, input_ids, attention_mask, is_scored)
    own = -torch.nn.functional.cross_entropy(logits, targets[is_scored], reduction="none")
    return own, is_scored.nonzero()[:, 0]


def scored_logits(model: Any, input_ids: Any, attention_mask: Any, is_scored: Any) -> Any:
    """Return the float32 logits, (t, vocabulary), of the positions where ``is_scored``, (rows, columns - 1)."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    head = base.get_output_embeddings()

    def keep_scored(_module: Any, arguments: tuple) -> tuple:
        return (arguments[0][:, :-1][is_scored][None], *arguments[1:])

    handle = head.register_forward_pre_hook(keep_scored)
    try:
        logits = model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits
    finally:
        handle.remove()
    return logits[0].float()
