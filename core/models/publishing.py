"""Files of a model or a dataset onto the Hugging Face hub: one commit in a repository, private unless said otherwise.

The token is read when it is needed and kept, shown and written nowhere; what the hub or a library says is put into one
sentence, the token taken out of it. It knows nothing of runs or cards.
"""

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from core.errors import RunError, SeedbedError
from core.models.loading import first_line
from core.settings import REPOSITORY

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TOKEN_NAMES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Variables of the environment, or lines of the secrets file, that hold the hub's token."""

SECRETS = Path(".streamlit") / "secrets.toml"
"""Under the working directory, else beside the app."""

NO_TOKEN = (
    "There is no token for the hub: put one that may write into the environment variable HF_TOKEN or into "
    ".streamlit/secrets.toml, or log in by `hf auth login`."
)

_XET_STATUS = re.compile(r"HTTP status \w+ error \((\d{3})\b")


@dataclass(frozen=True, slots=True)
class Published:
    """What stands on the hub now."""

    repo: str
    """``owner/name``"""

    url: str
    commit: str
    n_bytes: int
    """Of all files."""


def find_token() -> str | None:
    """Return the token for the hub: from the environment, a secrets file, or a log-in on this machine; None: none.

    Raises:
        RunError: a secrets file cannot be read.
    """
    for name in TOKEN_NAMES:
        if token := os.environ.get(name, "").strip() or _read_secret(name):
            return token
    from huggingface_hub import get_token

    return get_token()


def has_token() -> bool:
    """Say whether there is a token, without asking anybody; raises RunError as ``find_token`` does."""
    from huggingface_hub import constants

    is_named = any(os.environ.get(name, "").strip() or _read_secret(name) for name in TOKEN_NAMES)
    return is_named or Path(constants.HF_TOKEN_PATH).is_file()


def _read_secret(name: str) -> str:
    """Return a value of the first secrets file that has it, an empty text where none does."""
    for folder in dict.fromkeys((Path.cwd(), REPOSITORY)):
        path = folder / SECRETS
        if not path.is_file():
            continue
        try:
            value = tomllib.loads(path.read_text(encoding="utf-8")).get(name)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):  # not repeated: the message may quote a token
            raise RunError(f'{path} cannot be read as TOML; write a line such as {name} = "...".') from None
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def check_repo(repo: str) -> str:
    """Return the name of a repository without outer blanks; raises RunError where the hub could have none of it."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    repo = repo.strip()
    try:
        validate_repo_id(repo)
    except HFValidationError:
        raise RunError(
            f"{repo!r} cannot be the name of a repository; write owner/name, or a name alone for your own account: "
            "letters, digits, and - _ . inside."
        ) from None
    return repo


def name_hub() -> str:
    """Return the host that is uploaded to."""
    return urlsplit(_find_endpoint() or "https://huggingface.co").netloc


def _find_endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None


def publish(
    files: Mapping[str, Path | bytes],
    repo: str,
    *,
    token: str,
    message: str,
    kind: str = "model",
    is_private: bool = True,
    may_update: bool = False,
    on_repo: Callable[[str], None] = lambda repo: None,
    on_file: Callable[[int], None] = lambda n_sent: None,
    check: Callable[[], None] = lambda: None,
) -> Published:
    """Make a repository and put files into it, all by one commit: it holds all of them or none.

    Args:
        files: name there -> file, or its content.
        repo: ``owner/name``, or a name alone for the token's own account.
        token: of the hub, with the right to write.
        message: of the commit.
        kind: of the repository: model or dataset.
        is_private: of a repository that is made; one that is there must be as private, or nothing is sent.
        may_update: whether the repository may be there already; what it holds under other names stays.
        on_repo: told the whole name as soon as the repository is there.
        on_file: told how many files were sent, after each.
        check: called between two files; may raise to stop.

    Raises:
        RunError: no connection, no right, a name that is taken, or whatever else the hub refuses, in one sentence.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=_find_endpoint(), token=token, library_name="seedbed")
    with _translate(repo, token):
        name = _make_repo(api, repo, kind, is_private=is_private, may_update=may_update)
        on_repo(name)
        additions = [CommitOperationAdd(path_in_repo=path, path_or_fileobj=_open(each)) for path, each in files.items()]
        for n_sent, addition in enumerate(additions, 1):
            check()
            api.preupload_lfs_files(name, [addition], repo_type=kind, free_memory=False)
            on_file(n_sent)
        check()
        commit = api.create_commit(name, additions, commit_message=message, repo_type=kind)
    n_bytes = sum(len(each) if isinstance(each, bytes) else each.stat().st_size for each in files.values())
    path = f"datasets/{name}" if kind == "dataset" else name
    return Published(name, f"{api.endpoint}/{path}", str(commit.oid), n_bytes)


def _open(file: Path | bytes) -> str | bytes:
    return file if isinstance(file, bytes) else str(file)


def _make_repo(api: "HfApi", repo: str, kind: str, *, is_private: bool, may_update: bool) -> str:
    """Return the whole name of the repository, made where it is not there; nothing is changed of one that is."""
    from huggingface_hub.errors import HfHubHTTPError

    owner = api.whoami()["name"]
    try:
        return api.create_repo(repo, repo_type=kind, private=is_private).repo_id
    except HfHubHTTPError as error:
        if error.response.status_code != 409:
            raise
    name = repo if "/" in repo else f"{owner}/{repo}"
    if not may_update:
        raise RunError(f"The hub has a {kind} named {name} already; choose another name, or allow to add to it.")
    if is_private and not api.repo_info(name, repo_type=kind).private:
        raise RunError(
            f"{name} on the hub is public, so nothing was sent; make it private there, choose another name, or publish."
        )
    return name


@contextmanager
def _translate(repo: str, token: str) -> Iterator[None]:
    """Raise RunError of one sentence for whatever the hub, the network or the library says; our own errors stay."""
    try:
        yield
    except SeedbedError:
        raise
    except Exception as error:  # from None: what stands behind it may quote the token, and would be printed
        raise RunError(_describe(error, repo).replace(token, "***")) from None


def _describe(error: Exception, repo: str) -> str:
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, so nothing was sent to the hub; unset it and start Seedbed again."
    status = _find_status(error)
    if status == 401:
        return f"{name_hub()} does not know this token, so nothing was sent; make a new one that may write."
    if status == 403:
        return (
            f"This token has no right to write to {repo}; take one with the right to write, or a name of your own "
            f"account. {name_hub()} said: {_say(error)}"
        )
    if status == 429:
        return f"{name_hub()} lets nobody in for a while (too many requests); push again later."
    if status is not None:
        return f"{name_hub()} refused to take {repo} (status {status}): {_say(error)}"
    if _is_connection(error):
        return f"{name_hub()} cannot be reached, so nothing is there yet; check the network and push again."
    return f"{repo} could not be sent to {name_hub()}: {first_line(error)}"


def _find_status(error: Exception) -> int | None:
    """Return the HTTP status that a request was refused with, None where none was; hf_xet only writes it down."""
    response = getattr(error, "response", None)
    found = _XET_STATUS.search(str(error)) if response is None else None
    return int(found[1]) if found else getattr(response, "status_code", None)


def _say(error: Any) -> str:
    """Return what the server itself said, else the first line of the library's message."""
    said = getattr(error, "server_message", None)
    return f"{' '.join(str(said).split())[:300].rstrip('.')}." if said else first_line(error)


def _is_connection(error: BaseException | None) -> bool:
    """Say whether the network failed: each library has classes of its own for it, one inside the other."""
    while error is not None:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if kinds & {"ConnectionError", "TransportError", "ConnectError", "TimeoutException"}:
            return True
        error = error.__cause__ or error.__context__
    return False
