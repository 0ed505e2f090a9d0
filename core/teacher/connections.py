"""Connections to one server, as many as requests are on their way, each in a pool of its own.

The usual pool looks at all its connections at the beginning and at the end of every request, and asks the system
whether the idle ones still live: with 64 at once a fifth of a request's time here. It knows nothing of requests.
"""

from collections.abc import AsyncIterator, Callable
from functools import partial
from ssl import SSLContext
from urllib.request import getproxies

from httpx2 import AsyncBaseTransport, AsyncByteStream, AsyncHTTPTransport, Limits, Request, Response

_ONE = Limits(max_connections=1, max_keepalive_connections=1)


class SingleConnections(AsyncBaseTransport):
    """Sends each request on the free connection that was used last, or on a new one.

    Args:
        certificates: that are trusted.
    """

    def __init__(self, certificates: SSLContext):
        self._certificates = certificates
        self._free: list[AsyncHTTPTransport] = []
        self._all: list[AsyncHTTPTransport] = []

    async def handle_async_request(self, request: Request) -> Response:
        """Send a request; its connection is free again when the response is closed."""
        one = self._free.pop() if self._free else self._make()
        give_back = partial(self._free.append, one)
        try:
            response = await one.handle_async_request(request)
        except BaseException:
            give_back()
            raise
        response.stream = _Body(response.stream, give_back)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        self._free.clear()
        while self._all:
            await self._all.pop().aclose()

    def _make(self) -> AsyncHTTPTransport:
        one = AsyncHTTPTransport(verify=self._certificates, limits=_ONE)
        self._all.append(one)
        return one


class _Body(AsyncByteStream):
    """A response's body that says when it is closed."""

    def __init__(self, body: AsyncByteStream, on_close: Callable[[], None]):
        self._body, self._on_close = body, on_close

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body.__aiter__()

    async def aclose(self) -> None:
        on_close, self._on_close = self._on_close, lambda: None
        try:
            await self._body.aclose()
        finally:
            on_close()


def make_transport(certificates: SSLContext) -> AsyncBaseTransport | None:
    """Return the transport; None where the environment names proxies, which only the usual one finds."""
    return None if getproxies() else SingleConnections(certificates)
