"""A server that says what no honest one does, for unit tests and, as a program, for drills: ``python hostile.py PORT``.

Standard library only: it also runs in a pod, from a ConfigMap. Each path is one misdeed; it goes on until the other
side hangs up. ``/fine`` is honest.
"""

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

Writer = asyncio.StreamWriter

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
UNTIL_CLOSE = OK + b"\r\n"


def whole(body: bytes, more: bytes = b"") -> bytes:
    """An honest answer's shape around any body."""
    return OK + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


BOMB = gzip.compress(b"\0" * (64 << 20))
ANSWERS: dict[str, bytes] = {
    "fine": whole(b'{"n": 1}'),
    "list": whole(json.dumps({"l": [1] * 200}).encode()),
    "gzip-bomb": whole(BOMB, b"Content-Encoding: gzip\r\n"),
    "deflate-bomb": whole(zlib.compress(b"\0" * (64 << 20)), b"Content-Encoding: deflate\r\n"),
    "brotli": whole(b"\x0b\x02\x80{}\x03", b"Content-Encoding: br\r\n"),
    "not-gzip": whole(b'{"n": 1}', b"Content-Encoding: gzip\r\n"),
    "invalid-utf8": whole(b'{"n": "\xff\xfe\xc0"}'),
    "nested": whole(b'{"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "nested-a-little": whole(b'{"n": ' + b"[" * 400 + b"]" * 400 + b"}"),
    "many-values": whole(b'{"n": [' + b"[]," * 340_000 + b"1]}"),
    "huge-float": whole(b'{"n": 1e999, "m": NaN, "o": -Infinity}'),
    "huge-int": whole(b'{"n": ' + b"9" * 10_000 + b"}"),
    "large-int": whole(b'{"n": ' + b"9" * 3_000 + b"}"),
    "duplicate-keys": whole(b'{"n": 1, "n": "two", "n": {"n": 3}}'),
    "long-strings": whole(json.dumps({"n": ["x" * 1000] * 500}).encode()),
    "long-list": whole(json.dumps({"n": [1] * 100_000}).encode()),
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n",
    "bad-chunks": OK + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\nnonsense\r\n",
    "http-0.9": b"<html>how it was once</html>",
    "bad-status": b"HTTP/1.1 2OO Fine\r\n\r\n",
    "both-lengths": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "short-body": OK + b"Content-Length: 1000000\r\n\r\nno more than this",
    "nothing": b"",
    "series": whole(b"".join(b'n{i="%d"} 1\n' % i for i in range(70_000))),
    "a-million-series": whole(b"".join(b'n{i="%d"} 1\n' % i for i in range(1_000_000))),
    "bad-series": whole(b'n{a="\\} 1\nn{ 2\nn 1 2 3 4\n{n} 1\n'),
    "100-mb": b"",
}
"""What is sent at once, by path."""


async def _forever(writer: Writer, first: bytes, piece: bytes, pause: float = 0.0) -> None:
    writer.write(first)
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause)


ENDLESS: dict[str, Callable[[Writer], Awaitable[None]]] = {
    "endless": lambda w: _forever(w, UNTIL_CLOSE, b"x" * 65536),
    "dripping": lambda w: _forever(w, OK + b"Content-Length: 1000000\r\n\r\n", b"x", 0.2),
    "endless-headers": lambda w: _forever(w, OK, b"X-More: and more\r\n" * 100),
    "dripping-headers": lambda w: _forever(w, OK, b"X", 0.2),
    "tiny-chunks": lambda w: _forever(w, OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
    "informational": lambda w: _forever(w, b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, 0.01),
    "silent": lambda w: _forever(w, b"", b"", 1.0),
    "100-mb": lambda w: _forever(w, OK + b"Content-Length: 104857600\r\n\r\n", b"x" * 65536),
    "endless-bomb": lambda w: _forever(w, OK + b"Content-Encoding: gzip\r\n\r\n" + BOMB[:10], BOMB[10:-8]),
}
"""What goes on and on, by path."""

REDIS: dict[str, bytes] = {
    "redis-garbage": b"\x00\xff garbage \r\n\r\n" * 100,
    "redis-huge-bulk": b"$99999999999\r\n" + b"x" * 100_000,
    "redis-negative": b"$-7\r\n*-9\r\n:-\r\n",
    "redis-huge-array": b"*1000000000\r\n" + b":1\r\n" * 1000,
    "redis-nested": b"*1\r\n" * 100_000,
    "redis-bad-number": b":" + b"9" * 50_000 + b"\r\n",
    "redis-long-line": b"+" + b"x" * 1_000_000,
    "redis-odd-role": b"+PONG\r\n:5\r\n",
    "redis-empty-role": b"+PONG\r\n*0\r\n",
    "redis-moved": b">4\r\n$6\r\nMOVING\r\n:1\r\n:1\r\n$9\r\n127.0.0.1\r\n",
    "redis-not-utf8": b"+PONG\r\n*1\r\n$4\r\n\xff\xfe\xc0\xc1\r\n",
    "redis-http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "redis-silent": b"",
}
"""What is answered to a Redis client, by name; the connection then stays open."""

ALL_REDIS = [*REDIS, "redis-endless", "redis-echo", "redis-late-echo"]
"""All hostile Redis there are; as a program each has a port of its own, in this order."""


async def serve_http(reader: asyncio.StreamReader, writer: Writer) -> None:
    """Answer one request by its path, ``/echo`` with all that was asked for."""
    try:
        asked = await reader.readuntil(b"\r\n\r\n")
        name = asked.split(b" ", 2)[1].decode().lstrip("/")
        if name == "echo":
            lines = asked.decode(errors="replace").split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
            body = json.dumps({"all": asked.decode(errors="replace"), "headers": headers}).encode()
            key = headers.get("X-API-Key", headers.get("x-api-key", "")).encode()
            writer.write(b"HTTP/1.1 500 %s\r\nX-Echo: %s\r\nContent-Length: %d\r\n\r\n%s" % (key, key, len(body), body))
        elif name == "reset":
            writer.write(OK + b"Content-Length: 1000\r\n\r\nhalf")
            await writer.drain()
            writer.transport.abort()
        elif name in ENDLESS:
            await ENDLESS[name](writer)
        else:
            writer.write(ANSWERS.get(name, whole(b"{}")))
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return
    finally:
        writer.close()


def serve_redis(name: str) -> Callable[[asyncio.StreamReader, Writer], Awaitable[None]]:
    """What answers as a Redis that is hostile in one way; two hand back what they were sent, as errors."""

    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            if name == "redis-endless":
                await reader.read(100)
                await _forever(writer, b"$-1\r\n+", b"x" * 65536)
            password = b""
            while said := await reader.read(4096):
                if name == "redis-echo":
                    word = said.split(b"\r\n")[-2]
                    writer.write(b"-%s is wrong\r\n" % word)
                elif name == "redis-late-echo":
                    writer.write(b"-%s is yours\r\n" % password if password else b"+OK\r\n")
                    password = password or said.split(b"\r\n")[-2]
                else:
                    writer.write(REDIS[name])
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    return serve


async def serving(http: int, redis: dict[str, int]) -> AsyncIterator[list[int]]:
    """Serve until the generator is closed; the ports, HTTP's first."""
    servers = [await asyncio.start_server(serve_http, "0.0.0.0", http)]
    servers += [await asyncio.start_server(serve_redis(name), "0.0.0.0", port) for name, port in redis.items()]
    yield [server.sockets[0].getsockname()[1] for server in servers]
    for server in servers:
        server.close()


async def main() -> None:
    """Serve HTTP on the given port, and each hostile Redis on one of the ports after it."""
    first = int(sys.argv[1])
    async for _ in serving(first, {name: first + 1 + i for i, name in enumerate(ALL_REDIS)}):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
