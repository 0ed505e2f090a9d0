"""HTTP/1.1 with kept connections on asyncio streams: just what a chat server needs, and no bottleneck.

It knows nothing of chat: whoever uses it answers an :class:`Exchange`.
"""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any


class Exchange:
    """One request and the connection to answer it on."""

    def __init__(self, method: str, path: str, headers: dict[str, str], data: bytes, writer: asyncio.StreamWriter):
        self.method, self.path, self.headers, self.data, self._writer = method, path, headers, data, writer

    async def send(self, code: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        """Send a whole reply."""
        self._writer.write(make_head(code, {"Content-Length": str(len(data))} | (headers or {})) + data)
        await self._writer.drain()

    async def send_json(self, code: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self.send(code, data, {"Content-Type": "application/json"} | (headers or {}))

    async def write(self, data: bytes) -> None:
        """Send any bytes at all."""
        self._writer.write(data)
        await self._writer.drain()

    def hang_up(self) -> None:
        """Close the connection, whatever was sent on it."""
        self._writer.close()


def make_head(code: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {code} {HTTPStatus(code).phrase if code in list(HTTPStatus) else 'Odd'}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


class HttpServer:
    """Serves on a free port of this machine, in a thread of its own, while it is entered."""

    def __init__(self, answer: Callable[[Exchange], Awaitable[None]], port: int = 0):
        self.n_accepted = 0
        """Connections that were ever opened."""

        self._answer, self._port = answer, port
        self._readers: set[asyncio.StreamReader] = set()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    @property
    def n_open(self) -> int:
        """Connections that the other side has not closed."""
        return sum(not reader.at_eof() for reader in list(self._readers))

    def start(self) -> int:
        """Begin to serve; returns the port."""
        self._thread.start()
        assert self._is_ready.wait(10)
        return self._port

    def stop(self) -> None:
        """Break off whatever is going on."""
        self._loop.call_soon_threadsafe(self._is_over.set)
        self._thread.join(10)

    async def _run(self) -> None:
        self._loop, self._is_over = asyncio.get_running_loop(), asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, backlog=1024)
        self._port = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        await self._is_over.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(task := asyncio.current_task())
        task.add_done_callback(self._connections.discard)
        self._readers.add(reader)
        self.n_accepted += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while not writer.is_closing():
                    await self._answer(await read_exchange(reader, writer))
        finally:
            self._readers.discard(reader)
            writer.close()


async def read_exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    method, path, _ = first.split(" ")
    return Exchange(method, path, headers, await reader.readexactly(int(headers.get("content-length", 0))), writer)
