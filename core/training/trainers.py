"""TRL's trainers as we use them: quiet, with our order of rows, and the losses that TRL does not have.

Importing this module imports trl, so import it only where training begins. It does not know what happens to the
trained weights.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PrinterCallback
from trl import DPOTrainer, SFTTrainer

from core.training.data import NEGATIVE, POSITIVE
from core.training.losses import signed_loss, token_log_probs, unlikelihood_loss
from core.training.order import StepOrder
from core.training.rows import IGNORED

SHARE_EVERY = 10
"""Optimiser steps between two measurements of the negatives' share of the gradient: each is a backward pass more."""


REFERENCE = "ref"
"""What TRL calls the copy of an adapter that it measures preferences against."""


class QuietTrainer:
    """Reports to nobody outside, writes no model card, and takes the rows in the order that it is given."""

    def __init__(self, *args: Any, order: StepOrder, **options: Any):
        self.order = order
        super().__init__(*args, **options)
        self.remove_callback(PrinterCallback)
        self.model.create_or_update_model_card = lambda *_: None  # PEFT's, written with every checkpoint

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Write none: what was trained is described by the run that made it."""

    def _get_train_sampler(self, train_dataset: Any = None) -> StepOrder:
        return self.order

    def _send_telemetry(self) -> None:
        pass


class AnswerTrainer(QuietTrainer, SFTTrainer):
    """Makes answers likelier; on a CPU by scoring the answers only, once, where TRL scores all in pieces, twice."""

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of one part of an optimiser step: summed over its answer tokens, by those of the step."""
        if self.args.device.type != "cpu" or not model.training or return_outputs:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        own, _ = token_log_probs(model, inputs["input_ids"], inputs["attention_mask"], inputs["labels"], IGNORED)
        return -own.sum() / (len(own) if num_items_in_batch is None else num_items_in_batch)


class LabelledCollator:
    """Pads encoded rows on the right and stacks their signs."""

    def __init__(self, pad_id: int):
        self.pad_id = pad_id

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return input_ids, attention_mask and labels, each (rows, columns), and signs, (rows,)."""
        width = max(len(row["input_ids"]) for row in rows)
        gaps = [width - len(row["input_ids"]) for row in rows]
        fields = {
            "input_ids": [row["input_ids"] + [self.pad_id] * gap for row, gap in zip(rows, gaps, strict=True)],
            "attention_mask": [[1] * (width - gap) + [0] * gap for gap in gaps],
            "labels": [row["labels"] + [IGNORED] * gap for row, gap in zip(rows, gaps, strict=True)],
            "signs": [row["sign"] for row in rows],
        }
        return {name: torch.tensor(values) for name, values in fields.items()}


class LabelledTrainer(QuietTrainer, SFTTrainer):
    """Makes some answers likelier and others unlikelier, and logs the share of the gradient that the latter have.

    A step's loss is a sum over its parts, each divided by counts of the whole step, so that it does not depend on how
    many parts it is computed in.
    """

    counts: dict[str, int]
    """Of the present step: rows, and answer tokens by sign."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.loss_is_scaled_for_ga = True

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> tuple[list, Any]:
        """Return the parts of the next step, and note its counts."""
        parts, n_items = super().get_batch_samples(epoch_iterator, num_batches, device)
        n_tokens = {POSITIVE: 0, NEGATIVE: 0}
        for part in parts:
            for sign in n_tokens:
                n_tokens[sign] += int((part["labels"][part["signs"] == sign][:, 1:] != IGNORED).sum())
        self.counts = {
            "rows": sum(len(part["signs"]) for part in parts),
            "positive": n_tokens[POSITIVE],
            "negative": n_tokens[NEGATIVE],
        }
        return parts, n_items

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of one part of an optimiser step."""
        own, rows = token_log_probs(model, inputs["input_ids"], inputs["attention_mask"], inputs["labels"], IGNORED)
        signs = inputs["signs"].to(own.device)
        positive, negative = self.compute_halves(own, rows, signs)
        if self.state.global_step % SHARE_EVERY == 0 and model.training:
            self._note_share(model, positive, negative)
        return positive + negative

    def compute_halves(self, own: Any, rows: Any, signs: Any) -> tuple[Any, Any]:
        """Return what the part's positives and its negatives add to the step's loss.

        Args:
            own: (t,) log-probability of each answer token.
            rows: (t,) its row.
            signs: (rows,) of the part.
        """
        raise NotImplementedError

    def _note_share(self, model: Any, positive: Any, negative: Any) -> None:
        """Log the norm of the negatives' gradient by the sum of both norms, of this part."""
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        norms = []
        for half in (positive, negative):
            if not half.requires_grad:
                norms.append(0.0)
                continue
            found = torch.autograd.grad(half, weights, retain_graph=True, allow_unused=True)
            norms.append(float(torch.stack([g.float().pow(2).sum() for g in found if g is not None]).sum().sqrt()))
        if sum(norms) > 0:
            self._metrics["train"]["negative_share"].append(norms[1] / sum(norms))


class SignedTrainer(LabelledTrainer):
    """The signed likelihood of whole answers, or of their mean token."""

    def __init__(self, *args: Any, is_normalised: bool, **options: Any):
        self.is_normalised = is_normalised
        super().__init__(*args, **options)

    def compute_halves(self, own: Any, rows: Any, signs: Any) -> tuple[Any, Any]:
        """Return the two halves of the mean over the step's rows."""
        n = len(signs)
        sums = torch.zeros(n, device=own.device).index_add(0, rows, own)
        if self.is_normalised:
            sums = sums / torch.bincount(rows, minlength=n)
        losses = signed_loss(sums, signs) / self.counts["rows"]
        return losses[signs == POSITIVE].sum(), losses[signs == NEGATIVE].sum()


class UnlikelihoodTrainer(LabelledTrainer):
    """Unlikelihood finetuning: (1 - share) of the mean over positive tokens, share of that over negative ones."""

    def __init__(self, *args: Any, share: float, **options: Any):
        self.share = share
        super().__init__(*args, **options)

    def compute_halves(self, own: Any, rows: Any, signs: Any) -> tuple[Any, Any]:
        """Return the two halves: each a sum over tokens by the tokens of that sign in the whole step."""
        is_positive = signs[rows] == POSITIVE
        positive = -own[is_positive].sum() / max(self.counts["positive"], 1)
        negative = unlikelihood_loss(own[~is_positive]).sum() / max(self.counts["negative"], 1)
        return (1 - self.share) * positive, self.share * negative


class PreferenceTrainer(QuietTrainer, DPOTrainer):
    """TRL's preference trainer on pairs that are tokens already: nothing is appended to a rejected beginning.

    TRL averages over each part of a step; here a part counts by its pairs, so that the last step of an epoch, whose
    parts may differ in size, is the same in however many parts it is computed. The reference's log-probabilities are
    computed once, before the first step; on a CPU answers alone are scored, where TRL scores all positions in pieces.
    """

    n_pairs = 0
    """Of the present step."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.loss_is_scaled_for_ga = True
        if REFERENCE in getattr(self.model, "peft_config", {}):
            self.model.delete_adapter(REFERENCE)  # its log-probabilities are known now

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> tuple[list, Any]:
        """Return the parts of the next step, and note how many pairs they have."""
        parts, n_items = super().get_batch_samples(epoch_iterator, num_batches, device)
        self.n_pairs = sum(len(part["input_ids"]) // 2 for part in parts)
        return parts, n_items

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return what one part adds to the mean over the step's pairs."""
        n_pairs = len(inputs["input_ids"]) // 2
        if self.args.device.type == "cpu":
            loss = self._compute_quickly(model, inputs)
        else:
            loss = super().compute_loss(model, inputs, False, num_items_in_batch)
        return loss * (n_pairs / (self.n_pairs or n_pairs))

    def _compute_quickly(self, model: Any, inputs: Any) -> Any:
        """Return the mean loss of a part's pairs, as TRL computes it."""
        chosen, rejected = score_pairs(model, inputs)
        chosen, rejected = chosen - inputs["ref_chosen_logps"], rejected - inputs["ref_rejected_logps"]
        margins = self.beta * (chosen - rejected)
        self._metrics["train"]["rewards/accuracies"].append((margins > 0).float().mean().item())
        self._metrics["train"]["rewards/margins"].append(margins.mean().item())
        return -torch.nn.functional.logsigmoid(margins).mean()

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        """Return the pairs with the log-probabilities that the policy gives both answers before training."""
        model = self.model
        was_training = model.training
        model.eval()
        found: dict[str, list[float]] = {"ref_chosen_logps": [], "ref_rejected_logps": []}
        with torch.no_grad(), self.accelerator.autocast():
            for start in range(0, len(dataset), batch_size):
                rows = [dataset[place] for place in range(start, min(start + batch_size, len(dataset)))]
                batch = {name: value.to(self.args.device) for name, value in self.data_collator(rows).items()}
                for column, values in zip(found, score_pairs(model.to(self.args.device), batch), strict=True):
                    found[column] += values.tolist()
        model.train(was_training)
        for column, values in found.items():
            dataset = dataset.add_column(column, values)
        return dataset


def score_pairs(model: Any, inputs: Any) -> tuple[Any, Any]:
    """Return the log-probabilities of the preferred and of the rejected answers, each (pairs,) float32."""
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    labels = ids.masked_fill(inputs["completion_mask"] == 0, IGNORED)
    own, rows = token_log_probs(model, ids, mask, labels, IGNORED)
    return torch.zeros(len(ids), device=own.device).index_add(0, rows, own).chunk(2)
