"""Where a model is served: address, model name, and the name of the variable that holds the key.

It knows nothing of requests. The key itself is read when it is needed, and kept and shown nowhere.
"""

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import TeacherError

DEFAULT_KEY_ENV = "OPENAI_API_KEY"
"""Environment variable that the key is read from where no other is named."""

NO_KEY = "none"
"""What is sent as the key to servers that need none."""

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
    """Environment variable that holds the key, upper-case; empty: no key is sent."""

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

    def read_key(self) -> str:
        """Return the key from the environment, NO_KEY where the variable is not set; raises TeacherError if broken."""
        key = os.environ.get(self.key_env, "").strip() if self.key_env else ""
        if not key:
            return NO_KEY
        if not key.isascii() or not key.isprintable():
            raise TeacherError(f"The value of {self.key_env} cannot be a key: it holds characters that no key has.")
        return key


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
