"""Whether anything can be reached at a server's address at all, told before anything is asked.

It knows nothing of requests, keys or models.
"""

import asyncio
import errno
import socket
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from core.teacher.endpoint import Endpoint

CONNECT_S = 4.0
"""Seconds that a connection may take to come about; a live server is there within one, a dead address never is."""


def find_connection_fault(endpoint: Endpoint, timeout_s: float = CONNECT_S) -> str | None:
    """Return in one sentence why nothing can be reached at an address; None where something can.

    None as well where requests go through a proxy: then only a request can tell.
    """
    parts = urlsplit(endpoint.base_url)
    proxies = getproxies()
    if (parts.scheme in proxies or "all" in proxies) and not proxy_bypass(parts.hostname):
        return None
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    found: SimpleQueue[Exception | None] = SimpleQueue()
    # in a thread of its own that nobody waits for: a name that is being looked up cannot be interrupted
    Thread(target=_connect, args=(parts.hostname, port, timeout_s, found), daemon=True).start()
    try:
        fault = found.get(timeout=timeout_s + 0.25)
    except Empty:
        fault = TimeoutError()
    return fault and _word_connection_fault(fault, parts.hostname, port, timeout_s)


def _connect(host: str, port: int, timeout_s: float, found: "SimpleQueue[Exception | None]") -> None:
    """Put the error of one attempt to connect, or None; a name's addresses are tried a quarter of a second apart."""

    async def attempt() -> None:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port, happy_eyeballs_delay=0.25)
        writer.close()

    try:
        asyncio.run(attempt())
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that no name server could be asked for
        found.put(error)
    else:
        found.put(None)


def _word_connection_fault(fault: Exception, host: str, port: int, timeout_s: float) -> str:
    """Return the sentence for a failed attempt: what happened, what to do."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(fault, socket.gaierror | UnicodeError):
        return f"The name {host} is not known to this machine; check the address."
    if isinstance(fault, TimeoutError):
        return (
            f"Nothing answers at {place} within {timeout_s:g} s; check the address, and that this machine may reach it."
        )
    if f"[Errno {errno.ECONNREFUSED}]" in str(fault):  # a name with several addresses brings one error for all
        return f"Nothing listens at {place} (connection refused); start the server there, or check the address."
    return f"{place} cannot be reached ({str(fault).rstrip('.')}); check the address."
