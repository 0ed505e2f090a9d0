"""The student: a causal language model with its tokenizer and, where it was finetuned, its LoRA adapter.

Loads safetensors only and runs no code that comes with a model. It knows nothing of tasks, runs or caches; how it
answers is core/models/generate.py.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from core.errors import ModelLoadError
from core.models.batches import is_out_of_memory
from core.models.loading import first_line, load_weights, move_to_device, translate_faults
from core.paths import expand
from core.settings import DEMO

if TYPE_CHECKING:
    from core.models.generate import Answer

TINY = "tiny"
"""Name of the shipped student."""

MODEL_FILES = ("*.safetensors", "*.json", "*.model", "*.jinja", "vocab.txt", "merges.txt")
"""What makes a model what it is: weights, configuration, tokenizer. Pickled weights are never fetched or read."""

ADAPTER_ORIGIN = "origin.json"
"""File beside an adapter's weights that names the fingerprint of the base it was trained on."""

_file_hashes: dict[tuple[str, int, int], str] = {}


@dataclass(slots=True)
class Student:
    """A loaded student, in evaluation mode unless a training run holds it."""

    model: Any
    """transformers or peft causal language model."""

    tokenizer: Any
    source: str
    """What it was loaded from: a name, a folder or a hub id."""

    fingerprint: str | None
    """Hash of weights, configuration, tokenizer and adapter; None while the weights are being trained."""

    context_length: int | None
    """Longest prompt and answer together, tokens; None where the model sets no limit."""

    has_weights: ClassVar[bool] = True

    @classmethod
    def load(cls, source: str | Path, adapter: str | Path | None = None, device: str | None = None) -> "Student":
        """Load a student, float32 on a CPU and bfloat16 on a GPU.

        Args:
            source: ``tiny``, a folder with a model, or a Hugging Face hub id.
            adapter: folder that a finetune of this base wrote: a LoRA adapter, or the whole model's weights; None for
                the base alone.
            device: torch device; None takes the first GPU where there is one.

        Raises:
            ModelLoadError: the model or the adapter cannot be loaded, lacks weights, or does not fit into the memory.
        """
        import torch
        from transformers import AutoModelForCausalLM

        folder = find_model_folder(str(source))
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16
        tokenizer = load_tokenizer(folder)
        fingerprint = hash_model_files(folder)
        is_whole = adapter is not None and is_whole_model(Path(adapter))
        if is_whole:
            _require_base(Path(adapter), fingerprint)
        weights = Path(adapter) if is_whole else folder
        name = f"The model in {weights}"
        model = load_weights(
            AutoModelForCausalLM, weights, dtype, name, ", so it would answer by chance; save it again as a whole."
        )
        if adapter is not None and not is_whole:
            with translate_faults(f"The adapter in {adapter}"):
                model = _add_adapter(model, Path(adapter), fingerprint)
                if dtype == torch.float32:
                    model = model.merge_and_unload()  # faster; in bfloat16 it would round the adapter away
        if adapter is not None:
            fingerprint = hash_adapted(fingerprint, Path(adapter))
        model = move_to_device(model, device, name)
        return cls(model, tokenizer, str(source), fingerprint, find_context_length(model.config))

    def answer(
        self, prompts: Sequence[str], max_new_tokens: int, *, check: Callable[[], None] | None = None
    ) -> "Iterator[list[tuple[int, Answer]]]":
        """Answer greedily, longest prompts first; see ``core.models.generate.generate_answers``."""
        from core.models.generate import generate_answers

        return generate_answers(self, prompts, max_new_tokens, check=check)

    def sample(
        self,
        prompts: Sequence[str],
        max_new_tokens: int,
        *,
        n: int,
        temperature: float,
        seed: int,
        check: Callable[[], None] | None = None,
    ) -> "Iterator[list[tuple[int, int, Answer]]]":
        """Draw n answers to each prompt; see ``core.models.generate.sample_answers``."""
        from core.models.generate import sample_answers

        return sample_answers(self, prompts, max_new_tokens, n=n, temperature=temperature, seed=seed, check=check)

    @property
    def device(self) -> Any:
        """The torch device of the weights."""
        return next(self.model.parameters()).device

    @property
    def dtype_name(self) -> str:
        """``float32``, ``bfloat16``, ...: the precision that the answers are computed in."""
        return str(self.model.dtype).removeprefix("torch.")

    @property
    def stop_ids(self) -> list[int]:
        """Token ids that end an answer: the tokenizer's end of text and those of the model's generation settings."""
        config = getattr(self.model, "generation_config", None)
        listed = getattr(config, "eos_token_id", None)
        ids = [] if listed is None else listed if isinstance(listed, list) else [listed]
        return sorted({*ids, self.tokenizer.eos_token_id})


def find_model_folder(source: str) -> Path:
    """Return the folder that holds the model: shipped, local, or fetched from the hub (safetensors only).

    Raises:
        ModelLoadError: no such folder, no model in it, or the hub cannot give it.
    """
    return _find_local_folder(source) or _fetch_from_hub(source)


def check_source(source: str) -> Path | None:
    """Return the folder that a source names, None for a hub id; nothing is loaded, and the hub is not asked.

    Raises:
        ModelLoadError: it could never be loaded.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    folder = _find_local_folder(source)
    if folder is None:
        try:
            validate_repo_id(source)
        except HFValidationError as error:
            raise _name_no_model(source) from error
    return folder


def is_at_hand(source: str) -> bool:
    """Say whether a model is a folder, or was fetched from the hub before; raises as ``check_source``."""
    from huggingface_hub import try_to_load_from_cache

    return check_source(source) is not None or isinstance(try_to_load_from_cache(source, "config.json"), str)


def require_fetchable(source: str) -> None:
    """Raise ModelLoadError where a model is neither here nor on the hub, or the hub cannot be asked; 4 s at most."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if is_at_hand(source):
        return
    missing = f"There is no folder {source!r} and no such model on this machine"
    try:
        HfApi(library_name="seedbed").model_info(source, timeout=4)
    except GatedRepoError as error:
        raise ModelLoadError(
            f"{missing}; the hub gives it only to those who asked for it: {first_line(error)}"
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelLoadError(f"{missing}, and the hub has none of that name (or it is private); check it.") from error
    except Exception as error:  # no network, a proxy, offline mode: each library below raises its own
        raise ModelLoadError(f"{missing}, and the hub cannot be asked for it: {first_line(error)}") from error


def _find_local_folder(source: str) -> Path | None:
    """Return the folder that a source names; None where it must be a hub id."""
    path = DEMO / TINY if source == TINY else expand(source)
    is_local = source == TINY or path.exists() or path.is_absolute() or source.startswith(".") or source.count("/") > 1
    if not is_local:
        return None
    if not path.is_dir():
        raise ModelLoadError(f"There is no model folder {path}; give a folder, a hub id, or {TINY!r}.")
    if (path / "adapter_config.json").is_file() and not (path / "config.json").is_file():
        raise ModelLoadError(f"The folder {path} holds an adapter, not a model; give the model it was trained on.")
    if not (path / "config.json").is_file():
        raise ModelLoadError(f"The folder {path} has no config.json; give the folder that the model was saved in.")
    if not any(path.glob("*.safetensors")):
        raise ModelLoadError(f"The folder {path} has no .safetensors weights; save the model in that format.")
    return path


def _name_no_model(source: str) -> ModelLoadError:
    return ModelLoadError(f"{source!r} is neither a folder nor a hub id such as owner/name.")


def _fetch_from_hub(hub_id: str) -> Path:
    """Return the local snapshot of a hub model, downloading what is missing."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        folder = Path(
            snapshot_download(
                hub_id, allow_patterns=list(MODEL_FILES), ignore_patterns=["consolidated*", "original/*", "onnx/*"]
            )
        )
    except HFValidationError as error:
        raise _name_no_model(hub_id) from error
    except HfHubHTTPError as error:
        raise ModelLoadError(
            f"The hub did not give the model {hub_id!r} (no such model, or no access to it): {first_line(error)}"
        ) from error
    except Exception as error:  # the hub's client raises whatever its own http library raises
        raise ModelLoadError(
            f"The model {hub_id!r} is not on this machine and the hub cannot be reached; "
            "connect to the internet once, or give a local folder."
        ) from error
    if not any(folder.glob("*.safetensors")):
        raise ModelLoadError(f"The hub model {hub_id!r} has no .safetensors weights; pickled weights are not loaded.")
    return folder


def load_tokenizer(folder: Path) -> Any:
    """Load a tokenizer that pads on the left, with the end-of-text token where it has no padding token."""
    from transformers import AutoTokenizer

    with translate_faults(f"The tokenizer in {folder}"):
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, padding_side="left")
    if tokenizer.eos_token_id is None:
        raise ModelLoadError(f"The tokenizer in {folder} has no end-of-text token, so answers would never end.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def find_context_length(config: Any) -> int | None:
    """Return how many tokens the model can hold, None where its configuration names no limit."""
    text_config = config.get_text_config()
    return getattr(text_config, "max_position_embeddings", None)


def _add_adapter(model: Any, folder: Path, base_fingerprint: str) -> Any:
    """Return the model with the adapter's weights; refuses an adapter that was made for another base."""
    from peft import PeftModel, get_peft_model_state_dict
    from safetensors import safe_open

    weights = check_adapter(folder)
    other = _name_other_base(folder)
    _require_base(folder, base_fingerprint)
    try:
        adapted = PeftModel.from_pretrained(model, folder)
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        if isinstance(error, RuntimeError) and is_out_of_memory(error):
            raise
        raise other from error
    with safe_open(weights, framework="pt") as file:
        # "auto" would look for the base model's configuration on the Hub, where a network is no matter of course
        if set(file.keys()) != set(get_peft_model_state_dict(adapted, save_embedding_layers=False)):
            raise other
    return adapted


def _require_base(folder: Path, base_fingerprint: str) -> None:
    """Raise ModelLoadError where a finetune's folder says that it was made from another base."""
    origin = folder / ADAPTER_ORIGIN
    if origin.is_file() and json.loads(origin.read_text(encoding="utf-8"))["base_fingerprint"] != base_fingerprint:
        raise _name_other_base(folder)


def _name_other_base(folder: Path) -> ModelLoadError:
    return ModelLoadError(f"The adapter in {folder} was trained on another base model; load it with that one.")


def is_whole_model(folder: Path) -> bool:
    """Say whether a finetune's folder holds all weights of a model, not an adapter."""
    return (folder / "config.json").is_file() and not (folder / "adapter_config.json").is_file()


def check_adapter(folder: Path) -> Path:
    """Return the file of an adapter's weights; raises ModelLoadError where the folder holds no LoRA adapter.

    Of a finetune of all weights it returns the first file of those.
    """
    if is_whole_model(folder) and (files := sorted(folder.glob("*.safetensors"))):
        return files[0]
    weights = folder / "adapter_model.safetensors"
    if not (folder / "adapter_config.json").is_file() or not weights.is_file():
        raise ModelLoadError(f"There is no LoRA adapter in {folder}; a finetune writes one into its run folder.")
    return weights


@contextmanager
def merged(student: Student) -> Iterator[None]:
    """Answer faster for a while: the adapter is added into float32 base weights, which come back exactly as they were.

    In lower precision, or without an adapter, nothing changes.
    """
    import torch
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = [layer for layer in student.model.modules() if isinstance(layer, BaseTunerLayer)]
    if not layers or student.model.dtype != torch.float32:
        yield
        return
    weights = [(layer.get_base_layer().weight, layer.get_base_layer().weight.detach().clone()) for layer in layers]
    student.model.merge_adapter()
    try:
        yield
    finally:
        student.model.unmerge_adapter()  # subtracts, which leaves rounding errors in the base
        for weight, original in weights:
            weight.data.copy_(original)


def hash_adapted(base_fingerprint: str, adapter: Path) -> str:
    """Return the fingerprint of a base with what a finetune of it wrote."""
    return _hash_texts([base_fingerprint, hash_model_files(adapter)])


def hash_model_files(folder: Path) -> str:
    """Return one hash of a model's or an adapter's files, names included; each file is read once per process."""
    files = sorted({path for pattern in MODEL_FILES for path in folder.glob(pattern)})
    return _hash_texts(part for path in files for part in (path.name, _hash_file(path)))


def _hash_file(path: Path) -> str:
    stat = path.stat()
    key = (str(path.resolve()), stat.st_size, stat.st_mtime_ns)
    if key not in _file_hashes:
        with path.open("rb") as file:
            _file_hashes[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _file_hashes[key]


def _hash_texts(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
