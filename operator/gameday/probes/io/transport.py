"""One HTTP request on a connection of its own, made by httpx over httpcore, with a look-up of names that is watched."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from typing import cast

import httpcore
import httpx

from gameday.probes.io.lookup import Lookup, first_of


class Transport(httpx.AsyncBaseTransport):
    """Sends httpx's requests; what goes wrong is raised as httpcore's errors, or as ``NotSent``."""

    def __init__(self, tls: ssl.SSLContext, lookup: Lookup) -> None:
        self._pool = httpcore.AsyncConnectionPool(ssl_context=tls, network_backend=_Network(lookup))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its answer's body is read by whoever gets it."""
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=cast("httpx.AsyncByteStream", request.stream),
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    async def aclose(self) -> None:
        """Close what is open."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._response.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._response.aclose()


class _Network(httpcore.AsyncNetworkBackend):
    """Connects as httpcore does, but for the look-up of the name."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that can be reached."""
        addresses = await self._lookup.addresses(host, port)
        return await first_of(
            addresses,
            lambda address: self._inner.connect_tcp(address, port, timeout, local_address, socket_options),
            lambda stream: stream.aclose(),
        )

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
