"""Where a model is served: address, model name, and the name of the variable that holds the key.

It knows nothing of requests. The key itself is read when it is needed, from the environment or from a secrets file, and
kept and shown nowhere.
"""

import os
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import TeacherError
from core.settings import REPOSITORY

DEFAULT_KEY_ENV = "OPENAI_API_KEY"
"""Environment variable that the key is read from where no other is named."""

NO_KEY = "none"
"""What is sent as the key to servers that need none."""

SECRETS = Path(".streamlit") / "secrets.toml"
"""Where a key may stand in place of the environment: under the working directory, else beside the app."""

SHORTEST_SECRET = 12
"""Keys shorter than this are placeholders such as ``ollama``, which a reply may well say."""

CHAT_PATH = "/chat/completions"

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model behind an OpenAI-compatible server; raises TeacherError where a field cannot be right."""

    base_url: str
    """Address as it is used: an address without a path gets ``/v1``, any other path is left as it was given."""

    model: str
    """Name that the server knows the model by."""

    key_env: str = DEFAULT_KEY_ENV
    """Name of the key in the environment or the secrets file, upper-case; empty: no key is sent."""

    def __post_init__(self):
        object.__setattr__(self, "base_url", _clean_url(self.base_url))
        object.__setattr__(self, "model", self.model.strip())
        if not self.model:
            raise TeacherError(f"Name the model that {self.base_url} is to be asked for.")
        if self.key_env and not _VARIABLE.fullmatch(self.key_env):  # not repeated: it may be the key itself
            raise TeacherError(
                f"Give the name of the environment variable that holds the key for {self.base_url}, in capitals such "
                f"as {DEFAULT_KEY_ENV}, not the key."
            )

    def __str__(self) -> str:
        """Return ``MODEL at BASE_URL``."""
        return f"{self.model} at {self.base_url}"

    @property
    def chat_url(self) -> str:
        """Address that chat requests are sent to."""
        return self.base_url + CHAT_PATH

    @property
    def has_key(self) -> bool:
        """Say whether there is a key to send."""
        return self.read_key() != NO_KEY

    def hide_key(self, text: str) -> str:
        """Return what a server said with asterisks in place of the key."""
        key = self.read_key()
        return text.replace(key, "***") if len(key) >= SHORTEST_SECRET else text

    def read_key(self) -> str:
        """Return the key from the environment, else from a secrets file; NO_KEY where it is in neither.

        Raises:
            TeacherError: it cannot be a key, or the file cannot be read.
        """
        if not self.key_env:
            return NO_KEY
        key = os.environ.get(self.key_env, "").strip() or _read_secret(self.key_env)
        if not key:
            return NO_KEY
        if not key.isascii() or not key.isprintable():
            raise TeacherError(f"The value of {self.key_env} cannot be a key: it holds characters that no key has.")
        return key


def _read_secret(name: str) -> str:
    """Return a key from the first secrets file that has it, an empty text where none does."""
    for folder in dict.fromkeys((Path.cwd(), REPOSITORY)):
        path = folder / SECRETS
        try:
            stat = path.stat()
        except OSError:
            continue
        value = _read_secrets(path, stat.st_mtime_ns, stat.st_size).get(name)
        if value is not None and not isinstance(value, str):
            raise TeacherError(f"{name} in {path} is no text; write it in quotes.")
        if value and value.strip():
            return value.strip()
    return ""


@lru_cache(maxsize=4)
def _read_secrets(path: Path, _time: int, _size: int) -> dict[str, object]:
    """Return what stands at the top of a secrets file, tables left out; read anew when the file changes."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):  # not repeated: the message may quote a key
        raise TeacherError(
            f'{path} cannot be read as TOML; write a line such as {DEFAULT_KEY_ENV} = "..." for each key.'
        ) from None
    return {name: value for name, value in values.items() if not isinstance(value, dict)}


def _clean_url(url: str) -> str:
    """Return the address that requests are made from: no closing slash, no ``/chat/completions``, a path."""
    text = url.strip().rstrip("/").removesuffix(CHAT_PATH)
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        parts.port  # noqa: B018  (reading it checks it)
    except ValueError:
        is_address = False
    shown = text if "@" not in text else "given"
    if any(blank in text for blank in " \t\r\n"):
        raise TeacherError(f"The address {shown!r} has a blank inside; take it out.")
    if not is_address:
        raise TeacherError(
            f"The address {shown!r} is no server's: give one that starts with http:// or https://, such as "
            "http://localhost:8000/v1."
        )
    if parts.username is not None or parts.query or parts.fragment:  # not repeated: that is where keys are put
        raise TeacherError(
            f"The address of {parts.hostname} must hold no user name, password or question mark; put the key into an "
            "environment variable and give that variable's name."
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/') or '/v1'}"
