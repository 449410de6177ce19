"""Reads the body of an answer, bounded in length and in chunks, also if it is compressed without being requested so."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Final

BYTES: Final = 1024 * 1024
"""Longest body read, in bytes, after decompression."""
PIECES: Final = 4096
"""Most pieces in which a body may come: each costs time, however small it is."""

_WINDOW: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""Encodings that are read all the same, since some servers know no other, by zlib's name for them."""


class BodyRejected(Exception):
    """A body that is not what it says it is; the message is a short word for why."""


class BodyNotRead(Exception):
    """A body that is not read to its end because of a bound on our side; the message says which."""


async def read(chunks: AsyncIterator[bytes], encoding: str) -> bytes:
    """The body.

    Raises:
        BodyRejected: when it is not compressed as it says.
        BodyNotRead: when it is too long, comes in too many pieces, or is encoded as we do not read.

    """
    if encoding not in {"identity", "", *_WINDOW}:
        raise BodyNotRead("the body has an unsupported Content-Encoding (gzip and deflate are supported)")
    inflate = zlib.decompressobj(_WINDOW[encoding]) if encoding in _WINDOW else None
    body = bytearray()
    pieces = 0
    async for chunk in chunks:
        pieces += 1
        if pieces > PIECES:
            raise BodyNotRead(f"the body came in more than {PIECES} pieces")
        try:
            body += chunk if inflate is None else inflate.decompress(chunk, BYTES + 1 - len(body))
        except zlib.error:
            raise BodyRejected("the body does not match its Content-Encoding") from None
        if len(body) > BYTES:
            raise BodyNotRead("the body is longer than 1 MiB")
        # A server that sends without a pause must not keep other probes from running.
        await asyncio.sleep(0)
    return bytes(body)
